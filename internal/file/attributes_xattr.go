//go:build linux || darwin

package file

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

// keepAttributes copies the extended attributes of the file at from: access lists,
// SELinux labels, what people have noted. Attributes that the system sets by itself
// or does not permit are left out.
func keepAttributes(to *os.File, from string) error {
	size, err := unix.Listxattr(from, nil)
	if err != nil || size == 0 {
		return nil // none, or a file system without
	}
	names := make([]byte, size)
	if size, err = unix.Listxattr(from, names); err != nil {
		return nil
	}
	for name := range bytes.SplitSeq(bytes.TrimRight(names[:size], "\x00"), []byte{0}) {
		value, err := attribute(from, string(name))
		if err != nil {
			continue
		}
		if err := unix.Fsetxattr(int(to.Fd()), string(name), value, 0); !tolerable(err) && err != unix.EINVAL {
			return &os.PathError{Op: "setxattr", Path: to.Name(), Err: err}
		}
	}
	return nil
}

func attribute(path, name string) ([]byte, error) {
	size, err := unix.Getxattr(path, name, nil)
	if err != nil || size == 0 {
		return nil, err
	}
	value := make([]byte, size)
	size, err = unix.Getxattr(path, name, value)
	return value[:max(size, 0)], err
}
