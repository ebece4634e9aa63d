package file

import (
	"os"
)

// Hook is called before (done false) and after (done true) every step that can
// fail or be the last one before a crash. An error takes the step's place, or
// that of its result. step is named after what is done: "rename", "syncDir".
type Hook func(step string, done bool) error

// ReadHooked is Read with h around every step of the reading and of all that the
// Snapshot does later. It is for tests of faults.
func ReadHooked(path string, h Hook) (Snapshot, error) { return hooked(h).read(path) }

// hooked returns the real system with h around every step.
func hooked(h Hook) *fsys {
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

func around1[A, R any](h Hook, name string, step func(A) (R, error)) func(A) (R, error) {
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

func around2[A, B, R any](h Hook, name string, step func(A, B) (R, error)) func(A, B) (R, error) {
	return func(a A, b B) (R, error) {
		return around1(h, name, func(a A) (R, error) { return step(a, b) })(a)
	}
}

func plain1[A any](h Hook, name string, step func(A) error) func(A) error {
	return func(a A) error {
		_, err := around1(h, name, func(a A) (struct{}, error) { return struct{}{}, step(a) })(a)
		return err
	}
}

func plain2[A, B any](h Hook, name string, step func(A, B) error) func(A, B) error {
	return func(a A, b B) error {
		return plain1(h, name, func(a A) error { return step(a, b) })(a)
	}
}
