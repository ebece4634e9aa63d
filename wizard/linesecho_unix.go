//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wizard

import "golang.org/x/sys/unix"

// echoOff keeps the terminal's own line editing and its signals, and stops it
// from showing what is typed. restore undoes that; with flush, what was typed and
// not read yet is thrown away.
func echoOff(fd int) (restore func(flush bool) error, err error) {
	before, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return nil, err
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO | unix.ECHONL
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	restore = func(flush bool) error {
		if flush {
			return unix.IoctlSetTermios(fd, ioctlFlushTermios, before)
		}
		return unix.IoctlSetTermios(fd, ioctlSetTermios, before)
	}
	return restore, unix.IoctlSetTermios(fd, ioctlSetTermios, &hidden)
}
