package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadTakesWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "a: 1\r\n")
	s := mustRead(t, path)
	if !s.Exists || string(s.Bytes) != "a: 1\r\n" || s.Mode != 0o600 || s.Path != path {
		t.Errorf("%+v", s)
	}
	if s.Sum() != "db9bda4272ee21cda5ff1d213fa8366a2cca3143c5a795bdcd5f75a85106033d" {
		t.Error(s.Sum())
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestReadOfAMissingFile(t *testing.T) {
	s := mustRead(t, filepath.Join(t.TempDir(), "new.yaml"))
	if s.Exists || s.Bytes != nil || s.Mode != 0 || s.Sum() != "" || s.BackupPath() != "" {
		t.Errorf("%+v", s)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestReadResolvesLinks(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "real.yaml"), "a")
	link := filepath.Join(dir, "link.yaml")
	symlink(t, "real.yaml", link)
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "real.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if s := mustRead(t, link); s.Real != real || s.Path != link {
		t.Errorf("path %q real %q", s.Path, s.Real)
	}
}

func symlink(t *testing.T, to, link string) {
	t.Helper()
	if err := os.Symlink(to, link); err != nil {
		t.Skipf("this system gives no symbolic links: %v", err)
	}
}

func TestReadRefusesWithAWayOut(t *testing.T) {
	dir := t.TempDir()
	symlink(t, "nowhere", filepath.Join(dir, "dangling"))
	put(t, filepath.Join(dir, "file"), "x")
	tests := map[string]struct{ path, want string }{
		"empty name":    {"", "the name of the file is empty"},
		"directory":     {dir, "is a directory\nname a file in it"},
		"no directory":  {filepath.Join(dir, "no", "such", "f"), "its directory does not exist\nrun: mkdir -p"},
		"dangling link": {filepath.Join(dir, "dangling"), "is a symbolic link to a file that does not exist"},
		"below a file":  {filepath.Join(dir, "file", "f"), "not a directory"},
		"device":        {os.DevNull, "is not a regular file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read(test.path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestReadNoticesAWriterAtWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	put(t, path, "first")
	_, err := hooked(func(step string, done bool) error {
		if step == "readAll" && done {
			put(t, path, "second, longer")
		}
		return nil
	}).read(path)
	if !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}

// changes are what other programs do to a file between our reading and writing.
var changes = map[string]func(t *testing.T, path string){
	"other bytes": func(t *testing.T, path string) { put(t, path, "theirs!") },
	"same length and time": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, strings.Repeat("x", int(info.Size())))
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	},
	"touched": func(t *testing.T, path string) {
		if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	},
	"replaced by an equal one": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path+".other", get(t, path))
		if err := os.Chtimes(path+".other", info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".other", path); err != nil {
			t.Fatal(err)
		}
	},
	"deleted": func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	},
	"now a directory": func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	},
	"now a link": func(t *testing.T, path string) {
		if err := os.Rename(path, path+".moved"); err != nil {
			t.Fatal(err)
		}
		symlink(t, path+".moved", path)
	},
	"directory vanished": func(t *testing.T, path string) {
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
	},
}

func TestCheckNoticesEveryChange(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sub")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "values.yaml")
			put(t, path, "ours...")
			s := mustRead(t, path)
			change(t, path)
			if err := s.Check(); !errors.Is(err, ErrChanged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckNoticesAFileThatAppeared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	s := mustRead(t, path)
	put(t, path, "")
	if err := s.Check(); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}

func TestADiskThatDoesNotAnswerIsNoChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "a")
	s := mustRead(t, path)
	s.sys = hooked(func(step string, _ bool) error {
		if step == "readAll" {
			return os.NewSyscallError("read", errIO)
		}
		return nil
	})
	if err := s.Check(); err == nil || errors.Is(err, ErrChanged) || !errors.Is(err, errIO) {
		t.Errorf("got %v", err)
	}
}
