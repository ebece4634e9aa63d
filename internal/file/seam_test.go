package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hook is called before (done false) and after every step of an fsys. An error
// before the step takes its place.
type hook func(step string, done bool) error

// hooked returns the real system with h around every step.
func hooked(h hook) *fsys {
	f := system()
	return &fsys{
		resolve:    around1(h, "resolve", f.resolve),
		lstat:      around1(h, "lstat", f.lstat),
		open:       around1(h, "open", f.open),
		stat:       around1(h, "stat", f.stat),
		readAll:    around1(h, "readAll", f.readAll),
		createTemp: around2(h, "createTemp", f.createTemp),
		write:      around2(h, "write", f.write),
		keepOwner:  plain2(h, "keepOwner", f.keepOwner),
		chmod:      plain2(h, "chmod", f.chmod),
		keepAttributes: plain2(h, "keepAttributes", func(to *os.File, from string) error {
			return f.keepAttributes(to, from)
		}),
		sync:    plain1(h, "sync", f.sync),
		close:   plain1(h, "close", f.close),
		rename:  plain2(h, "rename", f.rename),
		remove:  plain1(h, "remove", f.remove),
		syncDir: plain1(h, "syncDir", f.syncDir),
		access:  plain1(h, "access", f.access),
	}
}

func around1[A, R any](h hook, name string, step func(A) (R, error)) func(A) (R, error) {
	return func(a A) (R, error) {
		var none R
		if err := h(name, false); err != nil {
			return none, err
		}
		r, err := step(a)
		if hookErr := h(name, true); hookErr != nil {
			return none, hookErr
		}
		return r, err
	}
}

func around2[A, B, R any](h hook, name string, step func(A, B) (R, error)) func(A, B) (R, error) {
	return func(a A, b B) (R, error) {
		return around1(h, name, func(a A) (R, error) { return step(a, b) })(a)
	}
}

func plain1[A any](h hook, name string, step func(A) error) func(A) error {
	return func(a A) error {
		_, err := around1(h, name, func(a A) (struct{}, error) { return struct{}{}, step(a) })(a)
		return err
	}
}

func plain2[A, B any](h hook, name string, step func(A, B) error) func(A, B) error {
	return func(a A, b B) error {
		return plain1(h, name, func(a A) error { return step(a, b) })(a)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return "(missing)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustRead(t *testing.T, path string) Snapshot {
	t.Helper()
	s, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// leftovers returns the temporary files in dir.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		if strings.Contains(e.Name(), "backstage-setup") {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found
}
