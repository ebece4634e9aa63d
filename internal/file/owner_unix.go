//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives file the owner and group of like. Only root may give files away,
// and others only to a group of theirs, so each is tried alone too.
func keepOwner(file *os.File, like fs.FileInfo) error {
	old, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	uid, gid := int(old.Uid), int(old.Gid)
	err := file.Chown(uid, gid)
	if errors.Is(err, fs.ErrPermission) {
		err = file.Chown(-1, gid)
	}
	if !tolerable(err) {
		return err
	}
	return nil
}

// syncDir makes a rename survive a power loss. Some network and FUSE file systems
// have no such thing for directories and answer EINVAL.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); !tolerable(err) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// mine tells whether the file is this user's.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
