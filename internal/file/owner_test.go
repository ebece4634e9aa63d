//go:build linux || darwin

package file

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReplaceKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 54321); err != nil {
		t.Skipf("this file system keeps no owners: %v", err)
	}
	if err := mustRead(t, path).Replace([]byte("new"), Options{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	old := info.Sys().(*syscall.Stat_t)
	if old.Uid != 12345 || old.Gid != 54321 || info.Mode() != 0o640 || get(t, path) != "new" {
		t.Errorf("owner %d:%d, mode %v", old.Uid, old.Gid, info.Mode())
	}
}

func TestReplaceKeepsTheGroup(t *testing.T) {
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, gid := range groups {
		path := filepath.Join(t.TempDir(), "values.yaml")
		put(t, path, "old")
		if err := os.Chown(path, -1, gid); err != nil {
			t.Skipf("group %d: %v", gid, err)
		}
		if err := mustRead(t, path).Replace([]byte("new"), Options{}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(info.Sys().(*syscall.Stat_t).Gid); got != gid {
			t.Errorf("group %d, want %d", got, gid)
		}
	}
}

func TestReplaceKeepsExtendedAttributes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values.yaml")
	put(t, path, "old")
	want := map[string]string{"user.note": "mine", "user.empty": ""}
	for name, value := range want {
		if err := unix.Setxattr(path, name, []byte(value), 0); err != nil {
			t.Skipf("this file system keeps no extended attributes: %v", err)
		}
	}
	if err := mustRead(t, path).Replace([]byte("new"), Options{}); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		got, err := attribute(path, name)
		if err != nil || string(got) != value {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
