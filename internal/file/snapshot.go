// Package file reads files that people own, tells whether they have changed since,
// and replaces them as a whole or not at all. It must not know what is in them.
package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrChanged says that a file is no longer what was read (or, for Restore, what
// was written). Nothing was overwritten.
var ErrChanged = errors.New("changed since it was read")

// Snapshot is a file as Read found it, or found it missing.
type Snapshot struct {
	Path   string // as given
	Real   string // absolute, symbolic links resolved: what is replaced
	Bytes  []byte // nil when missing
	Exists bool
	Mode   fs.FileMode // permissions; 0 when missing

	absolute string      // Path from the root, for whoever is in another directory by then
	info     fs.FileInfo // device, inode, time and size; nil when missing
	sys      *fsys
}

// Read reads a regular file, through symbolic links. A missing file is no error:
// the Snapshot says so, and Replace creates it. Its directory must exist.
func Read(path string) (Snapshot, error) { return system().read(path) }

func (f *fsys) read(path string) (Snapshot, error) {
	s := Snapshot{Path: path, sys: f}
	if path == "" {
		return s, errors.New("the name of the file is empty")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return s, fmt.Errorf("%q: %w", path, err)
	}
	s.absolute = absolute
	s.Real, err = f.resolve(absolute)
	if errors.Is(err, fs.ErrNotExist) {
		return f.missing(s, absolute)
	}
	if err != nil {
		return s, fmt.Errorf("%q: %w", path, cause(err))
	}
	return f.load(s)
}

// missing tells a file to be created from a wrong path.
func (f *fsys) missing(s Snapshot, absolute string) (Snapshot, error) {
	if _, err := f.lstat(absolute); err == nil {
		return s, fmt.Errorf("%q: is a symbolic link to a file that does not exist\ncreate that file, or remove the link", s.Path)
	}
	dir, err := f.resolve(filepath.Dir(absolute))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%q: its directory does not exist\nrun: mkdir -p %q", s.Path, filepath.Dir(s.Path))
	}
	if err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	s.Real = filepath.Join(dir, filepath.Base(absolute))
	return s, nil
}

// load reads s.Real.
func (f *fsys) load(s Snapshot) (Snapshot, error) {
	// A pipe would block the opening, so the kind is looked at before.
	info, err := f.lstat(s.Real)
	if err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	if info.IsDir() {
		return s, fmt.Errorf("%q: is a directory\nname a file in it", s.Path)
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("%q: is not a regular file", s.Path)
	}
	file, err := f.open(s.Real)
	if err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	defer file.Close()
	// From the open file: on Windows the identity of a name is looked up late.
	if s.info, err = f.stat(file); err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	if s.Bytes, err = f.readAll(file); err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	after, err := f.stat(file)
	if err != nil {
		return s, fmt.Errorf("%q: %w", s.Path, cause(err))
	}
	if !unchanged(s.info, after) || int64(len(s.Bytes)) != after.Size() {
		return s, fmt.Errorf("%q: %w: it is being written now\ntry again", s.Path, ErrChanged)
	}
	s.Exists, s.Mode = true, s.info.Mode().Perm()
	return s, nil
}

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// Sum returns the SHA-256 of the bytes in hexadecimal, "" for a missing file.
func (s Snapshot) Sum() string {
	if !s.Exists {
		return ""
	}
	return Sum(s.Bytes)
}

// Sum returns the SHA-256 of data in hexadecimal.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Check returns ErrChanged when the path leads to another file now, or the file
// has been written since, even with the same bytes.
func (s Snapshot) Check() error {
	now, err := s.sys.read(s.Path)
	if err != nil {
		return gone(err)
	}
	if now.Real != s.Real || now.Exists != s.Exists {
		return s.changed()
	}
	if s.Exists && (!unchanged(now.info, s.info) || !bytes.Equal(now.Bytes, s.Bytes)) {
		return s.changed()
	}
	return nil
}

// gone makes of an error of reading again: a vanished directory or a directory in
// the file's place is a change, a disk that does not answer is not.
func gone(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrChanged, err)
}

func (s Snapshot) changed() error { return fmt.Errorf("%q: %w", s.Path, ErrChanged) }

// cause takes the operation and the path off an error of package os: the message
// begins with the path that the operator gave.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
