package file

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// An operation changes the file at path from state to state; "(missing)" is a state.
type operation struct {
	before, after string
	run           func(f *fsys, path string) error
}

var operations = map[string]operation{
	"replace": {"old", "new", func(f *fsys, path string) error {
		s, err := f.read(path)
		if err != nil {
			return err
		}
		return s.Replace([]byte("new"), Options{})
	}},
	"replace with a backup": {"old", "new", func(f *fsys, path string) error {
		s, err := f.read(path)
		if err != nil {
			return err
		}
		return s.Replace([]byte("new"), Options{Backup: true})
	}},
	"create": {"(missing)", "new", func(f *fsys, path string) error {
		s, err := f.read(path)
		if err != nil {
			return err
		}
		return s.Replace([]byte("new"), Options{})
	}},
	"restore": {"written", "old", func(f *fsys, path string) error {
		s := Snapshot{Path: path, Real: path, Bytes: []byte("old"), Exists: true, Mode: 0o600, sys: f}
		return s.Restore([]byte("written"))
	}},
	"restore by removing": {"written", "(missing)", func(f *fsys, path string) error {
		s := Snapshot{Path: path, Real: path, sys: f}
		return s.Restore([]byte("written"))
	}},
}

// scene makes the directory that an operation starts in.
func (o operation) scene(t *testing.T) (path string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "values.yaml")
	if o.before != "(missing)" {
		put(t, path, o.before)
	}
	return path
}

// steps counts the hook's calls in a run without faults.
func (o operation) steps(t *testing.T) int {
	t.Helper()
	n := 0
	if err := o.run(hooked(func(string, bool) error { n++; return nil }), o.scene(t)); err != nil {
		t.Fatal(err)
	}
	if n < 20 {
		t.Fatalf("only %d steps: the seam has a hole", n)
	}
	return n
}

// Every step of every operation fails once, or from then on for ever, before or
// after it was done: the file is as before or as after, success is the truth, and
// another run without faults ends well.
func TestEveryStepFails(t *testing.T) {
	for name, o := range operations {
		steps := o.steps(t)
		for fault := 1; fault <= steps; fault++ {
			for _, fatal := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EACCES} {
				for _, forever := range []bool{false, true} {
					n, failed := 0, ""
					path := o.scene(t)
					err := o.run(hooked(func(step string, done bool) error {
						n++
						if n == fault || forever && n > fault {
							failed += fmt.Sprintf(" %s(%v)", step, done)
							return fatal
						}
						return nil
					}), path)
					got, left := get(t, path), leftovers(t, filepath.Dir(path))
					where := fmt.Sprintf("%s: %v at step %d%s: ", name, fatal, fault, failed)
					if got != o.before && got != o.after {
						t.Errorf("%s the file holds %q", where, got)
					}
					if err == nil && (got != o.after || left != nil) {
						t.Errorf("%s success, but %q %v", where, got, left)
					}
					if err != nil && !errors.Is(err, fatal) {
						t.Errorf("%s the error hides its cause: %v", where, err)
					}
					// A temporary file may stay only if its removing failed too and the error
					// says so, or if a fault hides that it was made.
					if len(left) > 0 && !strings.Contains(err.Error(), "remove the temporary file") && !strings.Contains(failed, "createTemp(true)") {
						t.Errorf("%s left %v: %v", where, left, err)
					}
					if got == o.before {
						if err := o.run(system(), path); err != nil || get(t, path) != o.after {
							t.Errorf("%s again: %v, %q", where, err, get(t, path))
						}
					}
				}
			}
		}
	}
}

const (
	killName = "BACKSTAGE_SETUP_TEST_KILL" // operation in the subprocess
	killStep = "BACKSTAGE_SETUP_TEST_STEP"
	killPath = "BACKSTAGE_SETUP_TEST_PATH"
)

func TestMain(m *testing.M) {
	if o, ok := operations[os.Getenv(killName)]; ok {
		dieAt(o, os.Getenv(killPath), os.Getenv(killStep))
	}
	os.Exit(m.Run())
}

// dieAt runs the operation in this process and kills it at the step.
func dieAt(o operation, path, step string) {
	last, err := strconv.Atoi(step)
	if err != nil {
		os.Exit(2)
	}
	n := 0
	err = o.run(hooked(func(string, bool) error {
		if n++; n == last {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {} // until the signal has come
		}
		return nil
	}), path)
	fmt.Println(n, err)
	os.Exit(3)
}

// A process is killed before and after every step of every operation: the file is
// as before or as after, what is left over has a telling name and mode 0600 at
// most, and another run ends well.
func TestKilledAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts some 150 processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range operations {
		t.Run(name, func(t *testing.T) {
			outcomes := map[string]int{}
			for step := 1; step <= o.steps(t); step++ {
				path := o.scene(t)
				child := exec.CommandContext(t.Context(), self)
				child.Env = append(os.Environ(), killName+"="+name, killStep+"="+strconv.Itoa(step), killPath+"="+path)
				out, err := child.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() == 2 || exit.ExitCode() == 3 {
					t.Fatalf("step %d: it was not killed: %v %s", step, err, out)
				}
				got := get(t, path)
				outcomes[got]++
				if got != o.before && got != o.after {
					t.Errorf("step %d: the file holds %q", step, got)
				}
				for _, left := range leftovers(t, filepath.Dir(path)) {
					if !strings.HasPrefix(filepath.Base(left), ".values.yaml.") || mode(t, left)&0o077 != 0 {
						t.Errorf("step %d: left %s, %v", step, left, mode(t, left))
					}
				}
				if got == o.before {
					if err := o.run(system(), path); err != nil || get(t, path) != o.after {
						t.Errorf("step %d: again: %v, %q", step, err, get(t, path))
					}
				}
			}
			if outcomes[o.before] == 0 || outcomes[o.after] == 0 {
				t.Errorf("the steps do not enclose the change: %v", outcomes)
			}
		})
	}
}
