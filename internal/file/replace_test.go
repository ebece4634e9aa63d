package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const errIO = syscall.EIO

func TestReplaceWritesAndKeepsTheMode(t *testing.T) {
	for _, bits := range []fs.FileMode{0o600, 0o640, 0o644, 0o755} {
		path := filepath.Join(t.TempDir(), "values.yaml")
		put(t, path, "old")
		if err := os.Chmod(path, bits); err != nil {
			t.Fatal(err)
		}
		bits = mode(t, path) // what this system makes of it
		if err := mustRead(t, path).Replace([]byte("new"), Options{Mode: 0o611}); err != nil {
			t.Fatal(err)
		}
		if get(t, path) != "new" || mode(t, path) != bits {
			t.Errorf("%q, %v, want %v", get(t, path), mode(t, path), bits)
		}
		if left := leftovers(t, filepath.Dir(path)); left != nil {
			t.Error(left)
		}
	}
}

func TestReplaceCreates(t *testing.T) {
	for asked, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o644: 0o644, 0o666: 0o666} {
		path := filepath.Join(t.TempDir(), "new.yaml")
		if err := mustRead(t, path).Replace(nil, Options{Mode: asked, Backup: true}); err != nil {
			t.Fatal(err)
		}
		if get(t, path) != "" {
			t.Error(get(t, path))
		}
		if runtime.GOOS != "windows" && mode(t, path) != want {
			t.Errorf("mode %v, want %v", mode(t, path), want)
		}
	}
}

func TestReplaceKeepsTheLink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	put(t, filepath.Join(elsewhere, "real.yaml"), "old")
	link := filepath.Join(dir, "values.yaml")
	symlink(t, filepath.Join(elsewhere, "real.yaml"), link)
	if err := mustRead(t, link).Replace([]byte("new"), Options{}); err != nil {
		t.Fatal(err)
	}
	if mode(t, link)&fs.ModeSymlink == 0 || get(t, filepath.Join(elsewhere, "real.yaml")) != "new" {
		t.Error("the link was replaced, not its target")
	}
}

func TestReplaceByEqualBytesWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "same")
	s := mustRead(t, path)
	s.sys = hooked(func(step string, _ bool) error {
		switch step {
		case "resolve", "lstat", "open", "stat", "readAll":
			return nil
		}
		t.Errorf("%s was called", step)
		return nil
	})
	if err := s.Replace([]byte("same"), Options{Backup: true}); err != nil {
		t.Error(err)
	}
	put(t, path, "theirs")
	if err := s.Replace([]byte("same"), Options{}); !errors.Is(err, ErrChanged) {
		t.Errorf("equal to what was read, but not to what is there: %v", err)
	}
}

func TestReplaceRespectsAWriteProtection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "old")
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	err := mustRead(t, path).Replace([]byte("new"), Options{})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "run: chmod u+w") || get(t, path) != "old" {
		t.Errorf("%v, %q", err, get(t, path))
	}
}

func TestReplaceInAReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() <= 0 {
		t.Skip("root may write anywhere, and Windows has no such directory")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "values.yaml")
	put(t, path, "old")
	s, created := mustRead(t, path), mustRead(t, filepath.Join(dir, "new.yaml"))
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	for _, s := range []Snapshot{s, created} {
		err := s.Replace([]byte("new"), Options{})
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "you must be allowed to create files in") {
			t.Error(err)
		}
	}
	if get(t, path) != "old" {
		t.Error(get(t, path))
	}
}

func TestReplaceOfAChangedFile(t *testing.T) {
	for name, change := range changes {
		// At the start, and at the last moment: when the new content is on the disk.
		for _, at := range []string{"resolve", "close"} {
			t.Run(name+" at "+at, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "sub")
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, "values.yaml")
				put(t, path, "ours...")
				s, happened := mustRead(t, path), false
				s.sys = hooked(func(step string, done bool) error {
					if step == at && !happened && done == (at == "close") {
						happened = true
						change(t, path)
					}
					if step == "rename" {
						t.Error("renamed over their change")
					}
					return nil
				})
				if err := s.Replace([]byte("new"), Options{}); !errors.Is(err, ErrChanged) {
					t.Errorf("got %v", err)
				}
				if !happened {
					t.Error("nothing happened")
				}
				if name != "directory vanished" && leftovers(t, dir) != nil {
					t.Error(leftovers(t, dir))
				}
			})
		}
	}
}

func TestBackupKeepsTheOldBytes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "values.yaml")
	for i, content := range []string{"one", "two", "one", "three"} {
		put(t, path, content)
		s := mustRead(t, path)
		if err := s.Replace(fmt.Append(nil, "new", i), Options{Backup: true}); err != nil {
			t.Fatal(err)
		}
		if get(t, s.BackupPath()) != content || runtime.GOOS != "windows" && mode(t, s.BackupPath()) != 0o600 {
			t.Errorf("%q, %v", get(t, s.BackupPath()), mode(t, s.BackupPath()))
		}
	}
	if found, _ := filepath.Glob(path + ".*.bak"); len(found) != 3 {
		t.Error(found)
	}
	t.Chdir(dir)
	if near := mustRead(t, "values.yaml"); near.BackupPath() != mustRead(t, path).BackupPath() {
		t.Errorf("from another directory %s is not to be found", near.BackupPath())
	}
	put(t, path, "four")
	s := mustRead(t, path)
	put(t, s.BackupPath(), "somebody's own")
	if err := s.Replace([]byte("new"), Options{Backup: true}); err == nil || !strings.Contains(err.Error(), "holds something else\nrename it") {
		t.Error(err)
	}
	if get(t, path) != "four" || get(t, s.BackupPath()) != "somebody's own" {
		t.Error("something was overwritten")
	}
}

func TestRestore(t *testing.T) {
	for _, existed := range []bool{true, false} {
		for _, then := range []string{"nothing", "restored before", "theirs", "deleted"} {
			t.Run(fmt.Sprintf("existed %v, then %s", existed, then), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "values.yaml")
				before := "(missing)"
				if existed {
					before = "old"
					put(t, path, before)
				}
				s := mustRead(t, path)
				if err := s.Replace([]byte("written"), Options{}); err != nil {
					t.Fatal(err)
				}
				want, wantErr := before, error(nil)
				switch then {
				case "restored before":
					if err := s.Restore([]byte("written")); err != nil {
						t.Fatal(err)
					}
				case "theirs":
					put(t, path, "theirs")
					want, wantErr = "theirs", ErrChanged
				case "deleted":
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
					if want = "(missing)"; existed {
						wantErr = ErrChanged
					}
				}
				if err := s.Restore([]byte("written")); !errors.Is(err, wantErr) {
					t.Errorf("got %v, want %v", err, wantErr)
				}
				if get(t, path) != want || leftovers(t, dir) != nil {
					t.Errorf("%q, %v", get(t, path), leftovers(t, dir))
				}
			})
		}
	}
}

func TestRestoreOfAFileThatLeadsElsewhereNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	s := mustRead(t, path)
	if err := s.Replace([]byte("written"), Options{}); err != nil {
		t.Fatal(err)
	}
	changes["now a link"](t, path)
	if err := s.Restore([]byte("written")); !errors.Is(err, ErrChanged) || get(t, path) != "written" {
		t.Error(err)
	}
	changes["directory vanished"](t, path)
	if err := s.Restore([]byte("written")); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

func TestRestoreTellsAnEmptyFileFromNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "old")
	s := mustRead(t, path)
	if err := s.Replace([]byte{}, Options{}); err != nil {
		t.Fatal(err)
	}
	changes["deleted"](t, path)
	if err := s.Restore([]byte{}); !errors.Is(err, ErrChanged) || get(t, path) != "(missing)" {
		t.Error(err)
	}
}

func TestErrorsTellTheWayOut(t *testing.T) {
	tests := map[string]struct {
		step string
		err  error
		want string
	}{
		"read-only file system": {"createTemp", syscall.EROFS, "the file system is read-only: name a file elsewhere"},
		"full disk":             {"write", syscall.ENOSPC, "make room on the disk; the file is as it was"},
		"quota":                 {"sync", syscall.EDQUOT, "make room on the disk; the file is as it was"},
		"no permission":         {"createTemp", syscall.EACCES, "you must be allowed to create files in"},
		"mounted by itself":     {"rename", syscall.EBUSY, "it is in use or mounted by itself"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "values.yaml")
			put(t, path, "old")
			s := mustRead(t, path)
			s.sys = hooked(func(step string, done bool) error {
				if step == test.step && !done {
					return &fs.PathError{Op: "op", Path: "some-temporary-name", Err: test.err}
				}
				return nil
			})
			err := s.Replace([]byte("new"), Options{})
			if !errors.Is(err, test.err) || !strings.Contains(err.Error(), "\n"+test.want) {
				t.Fatalf("got %v", err)
			}
			if !strings.HasPrefix(err.Error(), fmt.Sprintf("%q: ", path)) || strings.Contains(err.Error(), "temporary") {
				t.Errorf("must begin with the operator's path and not name ours: %v", err)
			}
			if get(t, path) != "old" || leftovers(t, filepath.Dir(path)) != nil {
				t.Errorf("%q, %v", get(t, path), leftovers(t, filepath.Dir(path)))
			}
		})
	}
}

func TestAShortWriteIsNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "old")
	s := mustRead(t, path)
	s.sys.write = func(f *os.File, data []byte) (int, error) {
		n, _ := f.Write(data[:len(data)/2])
		return n, syscall.ENOSPC
	}
	if err := s.Replace(bytes.Repeat([]byte("new"), 1000), Options{}); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if get(t, path) != "old" || leftovers(t, filepath.Dir(path)) != nil {
		t.Errorf("%q, %v", get(t, path), leftovers(t, filepath.Dir(path)))
	}
}
