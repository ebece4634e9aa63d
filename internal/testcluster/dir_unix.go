//go:build unix

package testcluster

import (
	"os"
	"path/filepath"
	"syscall"
)

const claimFile = "claim"

// claim puts a locked file into dir. The kernel releases the lock when this
// process ends, however it ends. The file gets its name after the lock: a
// claim file that is not locked has lost its owner.
func claim(dir string) (release func(), err error) {
	f, err := os.CreateTemp(dir, claimFile)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, claimFile))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// removeUnclaimed removes dir if it is this user's and its owner is gone. Any
// error means that it is not, or that somebody else removes it just now.
func removeUnclaimed(dir string) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) != os.Geteuid() {
		return
	}
	f, err := os.Open(filepath.Join(dir, claimFile))
	if err != nil {
		return
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		os.RemoveAll(dir)
	}
}
