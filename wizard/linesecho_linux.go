package wizard

import "golang.org/x/sys/unix"

const ioctlGetTermios, ioctlSetTermios, ioctlFlushTermios = unix.TCGETS, unix.TCSETS, unix.TCSETSF
