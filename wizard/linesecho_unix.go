//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wizard

import "golang.org/x/sys/unix"

// echoOff keeps the terminal's own line editing and its signals, and stops it
// from showing what is typed.
func echoOff(fd int) error {
	state, err := unix.IoctlGetTermios(fd, ioctlGetTermios)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO | unix.ECHONL
	state.Lflag |= unix.ICANON | unix.ISIG
	state.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, ioctlSetTermios, state)
}
