//go:build unix && !linux

package cli

import "golang.org/x/sys/unix"

// replaceFD makes fd another name of what from is.
func replaceFD(from, fd int) error { return unix.Dup2(from, fd) }
