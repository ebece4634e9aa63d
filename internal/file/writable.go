package file

import (
	"fmt"
	"io/fs"
	"path/filepath"
)

// Writable tells whether Replace may write the file, as far as that can be known
// without writing: nil, or the error that Replace would give. A file whose owner
// may not write it is meant to stay as it is, for root too; its directory must let
// this process make files.
func (s Snapshot) Writable() error {
	if err := s.protected(); err != nil {
		return err
	}
	if err := s.sys.access(filepath.Dir(s.Real)); err != nil {
		return s.explain(err)
	}
	return nil
}

func (s Snapshot) protected() error {
	if !s.Exists || s.Mode&0o200 != 0 {
		return nil
	}
	return fmt.Errorf("%q: is write-protected: %w\nrun: chmod u+w %q", s.Path, fs.ErrPermission, s.Path)
}
