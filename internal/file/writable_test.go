package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWritable: it says what Replace says, and writes nothing.
func TestWritable(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(t *testing.T, dir string) string // the path
		want string                                // in the error
	}{
		"a file":     {func(t *testing.T, dir string) string { return filed(t, dir, 0o600) }, ""},
		"a new file": {func(t *testing.T, dir string) string { return filepath.Join(dir, "new.yaml") }, ""},
		"nobody may write": {func(t *testing.T, dir string) string {
			return filed(t, dir, 0o444)
		}, "is write-protected: permission denied\nrun: chmod u+w "},
		"the group may, its owner not": {func(t *testing.T, dir string) string { return filed(t, dir, 0o464) }, "write-protected"},
		"a link to such a file": {func(t *testing.T, dir string) string {
			link := filepath.Join(t.TempDir(), "link.yaml")
			if err := os.Symlink(filed(t, dir, 0o444), link); err != nil {
				t.Skip(err)
			}
			return link
		}, "write-protected"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := tt.make(t, dir)
			s := mustRead(t, path)
			before := listed(t, dir)
			got := s.Writable()
			if (got == nil) != (tt.want == "") || got != nil && !strings.Contains(got.Error(), tt.want) {
				t.Errorf("%v, want %q", got, tt.want)
			}
			if after := listed(t, dir); after != before {
				t.Errorf("the directory had %q, now %q", before, after)
			}
			if err := s.Replace([]byte("new"), Options{}); errorText(err) != errorText(got) {
				t.Errorf("Replace says %v, Writable %v", err, got)
			}
		})
	}
}

// TestWritableReadOnlyFileSystem: the system's answer becomes what to do.
func TestWritableReadOnlyFileSystem(t *testing.T) {
	sys := system()
	sys.access = func(string) error { return syscall.EROFS }
	s, err := sys.read(filed(t, t.TempDir(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Writable(); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "\nthe file system is read-only: name a file elsewhere") {
		t.Error(err)
	}
}

func filed(t *testing.T, dir string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, "values.yaml")
	put(t, path, "old")
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func listed(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
