//go:build unix

package secret

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func secretFile(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "it's here")
	if err := os.WriteFile(path, []byte("hunter22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFileWantsAPrivateFile(t *testing.T) {
	for mode := range fs.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // cannot be read at all, except by root
		}
		path := secretFile(t, mode)
		data, err := ReadFile(path)
		if mode&0o077 == 0 && (err != nil || string(data) != "hunter22\n") {
			t.Errorf("%04o: %q, %v", mode, data, err)
		}
		want := fmt.Sprintf("can be opened by others (mode %04o)\nrun: chmod 600 '%s'", mode, strings.ReplaceAll(path, "'", `'\''`))
		if mode&0o077 != 0 && (err == nil || data != nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%04o: %q, %v", mode, data, err)
		}
	}
}

func TestReadFileWantsAnOwnFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	path := secretFile(t, 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(link); err != nil {
		t.Errorf("a link of one's own: %v", err)
	}
	if err := os.Lchown(link, 12345, 12345); err != nil {
		t.Skipf("this file system keeps no owners: %v", err)
	}
	if _, err := ReadFile(link); err == nil || !strings.Contains(err.Error(), "symbolic link that belongs to another user") {
		t.Errorf("their link: %v", err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("their file: %v", err)
	}
}

func TestReadFileThroughALinkLooksAtTheFile(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(secretFile(t, 0o644), link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(link); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
}

func TestReadFileReadsPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("hunter22\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	data, err := ReadFile(fmt.Sprintf("/dev/fd/%d", r.Fd()))
	if err != nil || string(data) != "hunter22\n" {
		t.Errorf("%q, %v", data, err)
	}

	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(fifo, []byte("hunter22\n"), 0) }()
	if data, err = ReadFile(fifo); err != nil || string(data) != "hunter22\n" {
		t.Errorf("%q, %v", data, err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestReadFileRefuses(t *testing.T) {
	large := secretFile(t, 0o600)
	if err := os.WriteFile(large, make([]byte, 64<<10+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		t.TempDir():  "is not a regular file",
		os.DevNull:   "is not a regular file",
		"/no/such":   "no such file or directory",
		large:        "larger than 64 KiB: this is no secret",
		large + "/x": "not a directory",
	} {
		if data, err := ReadFile(path); err == nil || data != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"/run/secrets/a": "/run/secrets/a", "a b": "'a b'", "$x": "'$x'", "it's": `'it'\''s'`, "-rf": "'./-rf'", "": "''",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
