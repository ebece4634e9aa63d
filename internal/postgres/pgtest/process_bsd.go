//go:build unix && !linux

package pgtest

import "syscall"

// apart keeps Ctrl-C of the terminal away from a server, which the test stops.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func memory() string { return "" }
