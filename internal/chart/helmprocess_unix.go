//go:build unix

package chart

import (
	"os/exec"
	"syscall"
)

// detach gives helm a session of its own: no Ctrl-C and no hang-up reaches it, and
// a credential plugin that wants to ask at the terminal gets an error instead of
// being stopped for ever.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

// terminate tells helm alone to end: it still needs its plugin to say so to the
// cluster.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGTERM) }

// kill ends helm and all that it started.
func kill(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // an error says that it is gone
}
