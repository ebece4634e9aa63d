package testcluster

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup gives the child a process group, so that a Ctrl-C at the terminal
// reaches only the program that started the cluster, and has the kernel end
// it when this process ends without stopping it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process) {
	// The only error is that the group is gone, which is what is wanted.
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}
