package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// fsys is every step that can fail or be the last one before a crash. A Snapshot
// carries the one that read it; tests make their own.
type fsys struct {
	resolve        func(path string) (string, error)
	lstat          func(path string) (fs.FileInfo, error)
	open           func(path string) (*os.File, error)
	stat           func(*os.File) (fs.FileInfo, error)
	readAll        func(*os.File) ([]byte, error)
	createTemp     func(dir, pattern string) (*os.File, error) // O_EXCL, mode 0600
	write          func(*os.File, []byte) (int, error)
	keepOwner      func(*os.File, fs.FileInfo) error
	chmod          func(*os.File, fs.FileMode) error
	keepAttributes func(to *os.File, from string) error
	sync           func(*os.File) error
	close          func(*os.File) error
	rename         func(from, to string) error
	remove         func(path string) error
	syncDir        func(dir string) error
	access         func(dir string) error
}

// system is the operating system's.
func system() *fsys {
	return &fsys{
		resolve:        filepath.EvalSymlinks,
		lstat:          os.Lstat,
		open:           os.Open,
		stat:           (*os.File).Stat,
		readAll:        func(f *os.File) ([]byte, error) { return io.ReadAll(f) },
		createTemp:     os.CreateTemp,
		write:          (*os.File).Write,
		keepOwner:      keepOwner,
		chmod:          (*os.File).Chmod,
		keepAttributes: keepAttributes,
		sync:           (*os.File).Sync,
		close:          (*os.File).Close,
		rename:         os.Rename,
		remove:         os.Remove,
		syncDir:        syncDir,
		access:         access,
	}
}

// tolerable says whether an attempt to keep something may end with err: the system
// does not permit it or does not know it.
func tolerable(err error) bool {
	return err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}
