package file

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestLeftovers: what a killed process of ours has left goes with the next
// writing of that file, and nothing else does.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "values.yaml")
	put(t, path, "old")
	old := time.Now().Add(-2 * leftAfter)
	stays := []string{".other.yaml.backstage-setup-1", ".values.yaml.backstage-setup-", ".values.yaml.backstage-setup-1x", ".values.yaml.backstage-setup-3", "values.yaml.backstage-setup-1"}
	for _, name := range append([]string{".values.yaml.backstage-setup-123", ".values.yaml.backstage-setup-4"}, stays...) {
		put(t, filepath.Join(dir, name), "")
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, ".values.yaml.backstage-setup-3"), "by somebody who is at it") // just now
	if err := os.Mkdir(filepath.Join(dir, ".values.yaml.backstage-setup-5"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, ".values.yaml.backstage-setup-5"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := mustRead(t, path).Replace([]byte("new"), Options{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range list {
		got = append(got, entry.Name())
	}
	want := append(stays, ".values.yaml.backstage-setup-5", "values.yaml")
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there is %q", got)
	}
}
