//go:build unix

package secret

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkLink refuses a symbolic link that another user could have put there. Links
// of one's own and of root are followed: a Secret mounted by the kubelet and
// /dev/fd consist of them.
func checkLink(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	if uid := owner(info); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("%q is a symbolic link that belongs to another user\nname the file itself", path)
	}
	return nil
}

// checkPrivate refuses a file that others own or may open.
func checkPrivate(path string, info fs.FileInfo) error {
	if info.Mode().Type() != 0 {
		return nil // a pipe's mode says nothing: macOS shows 0660 for every one
	}
	if uid := owner(info); uid != os.Geteuid() {
		return fmt.Errorf("%q belongs to user %d, who can read and change it\ncopy it to a file of your own", path, uid)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%q can be opened by others (mode %04o)\nrun: chmod 600 %s", path, mode, shellQuote(path))
	}
	return nil
}

func owner(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}
