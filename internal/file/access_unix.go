//go:build linux || darwin

package file

import "golang.org/x/sys/unix"

// access tells whether this process may make files in a directory.
func access(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}
