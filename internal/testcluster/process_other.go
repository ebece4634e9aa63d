//go:build !linux

package testcluster

import (
	"os"
	"os/exec"
)

// ownGroup does nothing where there is no parent-death signal: a child in a
// process group of its own would also survive a Ctrl-C at the terminal.
func ownGroup(*exec.Cmd) {}

func killGroup(p *os.Process) {
	// The only error is that the process is gone, which is what is wanted.
	_ = p.Kill()
}
