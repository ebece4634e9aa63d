//go:build unix

package debuglog

import "syscall"

const (
	noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK // a FIFO that nobody reads would hold the run
	linked   = syscall.ELOOP                           // what opening a symbolic link comes to then
)
