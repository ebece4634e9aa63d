package file

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWritableDirectory asks the kernel as somebody who may not write there. Root
// may; to the file system this thread then is nobody.
func TestWritableDirectory(t *testing.T) {
	above := t.TempDir()
	if err := os.Chmod(filepath.Dir(above), 0o755); err != nil { // let nobody look in
		t.Fatal(err)
	}
	dir := filepath.Join(above, "kept")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filed(t, dir, 0o644)
	old, fresh := mustRead(t, path), mustRead(t, filepath.Join(dir, "new.yaml"))
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) }) // so that it can be removed
	if os.Geteuid() == 0 {
		if err := old.Writable(); err != nil {
			t.Error("root may write everywhere:", err)
		}
	}
	type verdict struct{ writable, replaced error }
	verdicts := make(chan [2]verdict)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			_, _, _ = unix.RawSyscall(unix.SYS_SETFSUID, 65534, 0, 0)
		}
		var v [2]verdict
		for i, s := range []Snapshot{old, fresh} {
			v[i] = verdict{s.Writable(), s.Replace([]byte("new"), Options{})}
		}
		verdicts <- v
	}()
	for i, v := range <-verdicts {
		if v.writable == nil || !strings.Contains(v.writable.Error(), "permission denied\nyou must be allowed to create files in ") || errorText(v.writable) != errorText(v.replaced) {
			t.Errorf("%d: Writable says %v, Replace %v", i, v.writable, v.replaced)
		}
	}
}
