//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package wizard

import "golang.org/x/sys/unix"

const ioctlGetTermios, ioctlSetTermios, ioctlFlushTermios = unix.TIOCGETA, unix.TIOCSETA, unix.TIOCSETAF
