package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// defaultMode is for new files: they may hold more than everybody should see.
const defaultMode fs.FileMode = 0o600

// Options of a Replace.
type Options struct {
	Mode   fs.FileMode // permissions of a new file, whatever the umask; 0 is 0600
	Backup bool        // first keep the bytes that were read at BackupPath
}

// Replace makes data the file's content: all of it or, on any error or crash, none.
// It writes a new file beside it, named ".<name>.backstage-setup-…", brings it to
// the disk and renames it; mode, owner and extended attributes are kept where the
// system permits, a symbolic link goes on pointing to the file. Other hard links
// keep the old content. Equal bytes write nothing.
//
// The error is ErrChanged when the file is no longer what was read. An error after
// the rename says that the file has the new content.
func (s Snapshot) Replace(data []byte, opts Options) error {
	if err := s.Check(); err != nil {
		return err
	}
	if s.Exists && bytes.Equal(data, s.Bytes) {
		return nil
	}
	if err := s.protected(); err != nil {
		return err
	}
	if s.Exists && opts.Backup {
		if err := s.backup(); err != nil {
			return err
		}
	}
	mode := s.Mode
	if !s.Exists {
		mode = defaultMode
		if opts.Mode != 0 {
			mode = opts.Mode.Perm()
		}
	}
	temp, err := s.write(data, mode, s.info)
	if err != nil {
		return err
	}
	// As late as possible: between this and the rename nothing can be noticed.
	if err := s.Check(); err != nil {
		return errors.Join(err, s.drop(temp))
	}
	return s.settle(temp, s.Real)
}

// BackupPath is where Replace keeps the old bytes, from the root; "" when there are
// none. The name holds 8 digits of Sum, so that a backup never overwrites another
// one.
func (s Snapshot) BackupPath() string {
	if !s.Exists {
		return ""
	}
	return s.absolute + "." + s.Sum()[:8] + ".bak"
}

// backup writes the bytes that were read to BackupPath, readable by the owner only.
func (s Snapshot) backup() error {
	kept, err := s.sys.read(s.BackupPath())
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if kept.Exists && bytes.Equal(kept.Bytes, s.Bytes) {
		return nil
	}
	if kept.Exists {
		return fmt.Errorf("backup: %q is there already and holds something else\nrename it", s.BackupPath())
	}
	temp, err := kept.write(s.Bytes, defaultMode, nil)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := kept.settle(temp, kept.Real); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Restore undoes a Replace that wrote written: it puts the bytes that were read
// back, or removes the file when there was none. The error is ErrChanged when the
// file holds neither what was written nor what was read. Restoring what is already
// as it was does nothing.
func (s Snapshot) Restore(written []byte) error {
	now, err := s.sys.read(s.Path)
	if err != nil {
		return gone(err)
	}
	if now.Real != s.Real {
		return s.changed()
	}
	if now.Exists == s.Exists && bytes.Equal(now.Bytes, s.Bytes) {
		return nil
	}
	if !now.Exists || !bytes.Equal(now.Bytes, written) {
		return s.changed()
	}
	if s.Exists {
		return now.Replace(s.Bytes, Options{})
	}
	return now.Remove()
}

// Remove takes the file away. The error is ErrChanged when it is no longer what
// was read; removing a file that was not there does nothing.
func (s Snapshot) Remove() error {
	if err := s.Check(); err != nil || !s.Exists {
		return err
	}
	if err := s.sys.remove(s.Real); err != nil {
		return s.explain(err)
	}
	if err := s.sys.syncDir(filepath.Dir(s.Real)); err != nil {
		return fmt.Errorf("%q: was removed, but its directory may not be on the disk yet: %w", s.Path, cause(err))
	}
	return nil
}

// write brings data to the disk in a new file beside the target and returns its
// name. On an error there is no such file. Those that killed processes have left
// are removed first.
func (s Snapshot) write(data []byte, mode fs.FileMode, like fs.FileInfo) (temp string, err error) {
	s.clean()
	file, err := s.sys.createTemp(filepath.Dir(s.Real), tempPattern(s.Real))
	if err != nil {
		return "", s.explain(err)
	}
	closed := false
	defer func() {
		if err == nil {
			return
		}
		if !closed {
			_ = s.sys.close(file) // the first error is the one to tell
		}
		err = errors.Join(s.explain(err), s.drop(file.Name()))
	}()
	if _, err := s.sys.write(file, data); err != nil {
		return "", err
	}
	if like != nil {
		if err := s.sys.keepOwner(file, like); err != nil {
			return "", err
		}
	}
	// After the owner: a change of owner may take permissions away.
	if err := s.sys.chmod(file, mode); err != nil {
		return "", err
	}
	if like != nil {
		if err := s.sys.keepAttributes(file, s.Real); err != nil {
			return "", err
		}
	}
	if err := s.sys.sync(file); err != nil {
		return "", err
	}
	closed = true
	if err := s.sys.close(file); err != nil {
		return "", err
	}
	return file.Name(), nil
}

// settle gives temp its name and brings the name to the disk.
func (s Snapshot) settle(temp, name string) error {
	if err := s.sys.rename(temp, name); err != nil {
		return errors.Join(s.explain(err), s.drop(temp))
	}
	if err := s.sys.syncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("%q: has the new content, but its directory may not be on the disk yet: %w", s.Path, cause(err))
	}
	return nil
}

// drop removes a temporary file after an error and says so only when it cannot.
func (s Snapshot) drop(temp string) error {
	if err := s.sys.remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the temporary file %q yourself: %w", temp, cause(err))
	}
	return nil
}

// tempPattern names temporary files so that a leftover tells what it is.
func tempPattern(path string) string {
	base := strings.ReplaceAll(filepath.Base(path), "*", "_") // os.CreateTemp's own mark
	return "." + base + ".backstage-setup-*"
}

// explain puts the operator's path before an error and a way out behind it.
func (s Snapshot) explain(err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EROFS):
		hint = "\nthe file system is read-only: name a file elsewhere"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "\nmake room on the disk; the file is as it was"
	case errors.Is(err, syscall.EBUSY):
		hint = "\nit is in use or mounted by itself: name a file in an ordinary directory"
	case errors.Is(err, fs.ErrPermission):
		hint = fmt.Sprintf("\nyou must be allowed to create files in %q", filepath.Dir(s.Real))
	}
	return fmt.Errorf("%q: %w%s", s.Path, cause(err), hint)
}
