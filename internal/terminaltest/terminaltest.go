// Package terminaltest runs a program on a terminal for tests: keys go in, and
// what a person would see is looked at. It waits for what is on the screen and
// never for time to pass. It must not know the program.
package terminaltest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// patience is how long a screen may take to show what is expected; only a
// failing test waits that long.
const patience = 20 * time.Second

// Terminal is a running program and the screen that it draws on.
type Terminal struct {
	tb  testing.TB
	cmd *exec.Cmd
	pty *os.File

	mu        sync.Mutex
	changed   *sync.Cond
	emulator  vt10x.Terminal
	output    bytes.Buffer
	forbidden []string
	shown     string // what was forbidden and has been seen
	ended     bool   // the program has closed its end
	waited    bool
	code      int
}

// Start runs cmd on a new terminal of that size. The program is killed at the end
// of the test if it still runs.
func Start(tb testing.TB, cmd *exec.Cmd, cols, rows int) *Terminal {
	tb.Helper()
	return start(tb, cmd, cols, rows, true)
}

// StartMute is Start on a terminal that draws but answers no query, as some do
// over serial lines and in CI.
func StartMute(tb testing.TB, cmd *exec.Cmd, cols, rows int) *Terminal {
	tb.Helper()
	return start(tb, cmd, cols, rows, false)
}

func start(tb testing.TB, cmd *exec.Cmd, cols, rows int, answers bool) *Terminal {
	tb.Helper()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		tb.Fatal(err)
	}
	t := &Terminal{tb: tb, cmd: cmd, pty: file}
	t.changed = sync.NewCond(&t.mu)
	replies := io.Writer(io.Discard)
	if answers {
		replies = file
	}
	t.emulator = vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(replies))
	done := make(chan struct{})
	go t.read(done)
	tb.Cleanup(func() {
		t.mu.Lock()
		waited := t.waited
		t.mu.Unlock()
		if !waited {
			_ = cmd.Process.Kill() // it may have ended meanwhile
			_ = cmd.Wait()         // by the kill
		}
		<-done
		_ = file.Close()
		if t.shown != "" {
			tb.Errorf("the screen showed what it never may: %q", t.shown)
		}
	})
	return t
}

// read draws what the program writes until it has closed its end.
func (t *Terminal) read(done chan<- struct{}) {
	defer close(done)
	buf := make([]byte, 64<<10)
	for {
		n, err := t.pty.Read(buf)
		t.mu.Lock()
		if n > 0 {
			t.output.Write(buf[:n])
			_, _ = t.emulator.Write(buf[:n]) // it never fails
			t.look()
		}
		t.ended = err != nil
		t.changed.Broadcast()
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// look notes what is forbidden and has come up.
func (t *Terminal) look() {
	if len(t.forbidden) == 0 {
		return
	}
	screen := t.screen()
	flat := strings.ReplaceAll(screen, "\n", "")
	for _, text := range t.forbidden {
		if strings.Contains(screen, text) || strings.Contains(flat, text) || bytes.Contains(t.output.Bytes(), []byte(text)) {
			t.shown = text
		}
	}
}

// Forbid fails the test if text ever comes up from now on, on the screen or in
// what the program writes.
func (t *Terminal) Forbid(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forbidden = append(t.forbidden, text)
	t.look()
}

// Allow takes Forbid back for text.
func (t *Terminal) Allow(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.forbidden {
		if f == text {
			t.forbidden = append(t.forbidden[:i], t.forbidden[i+1:]...)
			return
		}
	}
}

// Send types keys: text, and control sequences such as "\r" or "\x1b[A".
func (t *Terminal) Send(keys string) {
	t.tb.Helper()
	if _, err := t.pty.WriteString(keys); err != nil {
		t.tb.Fatalf("typing %q: %v", keys, err)
	}
}

// Expect waits until all of the texts are on the screen, each on one line.
func (t *Terminal) Expect(texts ...string) {
	t.tb.Helper()
	t.until(func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	}, "the screen never showed "+strings.Join(texts, " and "))
}

// ExpectGone waits until text is not on the screen any more.
func (t *Terminal) ExpectGone(text string) {
	t.tb.Helper()
	t.until(func(screen string) bool { return !strings.Contains(screen, text) }, "the screen still shows "+text)
}

// Until waits until the screen satisfies ok; what says so is for the failure.
func (t *Terminal) Until(what string, ok func(screen string) bool) {
	t.tb.Helper()
	t.until(ok, "the screen never came to be so: "+what)
}

func (t *Terminal) until(ok func(string) bool, failure string) {
	t.tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	late := false
	timer := time.AfterFunc(patience, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		late = true
		t.changed.Broadcast()
	})
	defer timer.Stop()
	for !ok(t.screen()) {
		if late || t.ended {
			t.tb.Fatalf("%s\n%s", failure, t.screen())
		}
		t.changed.Wait()
	}
}

// Screen returns what is on the screen now: its lines without blanks at the end.
func (t *Terminal) Screen() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen()
}

func (t *Terminal) screen() string {
	rows := strings.Split(t.emulator.String(), "\n")
	for i, row := range rows {
		rows[i] = strings.TrimRight(row, " \x00")
	}
	return strings.TrimRight(strings.Join(rows, "\n"), "\n")
}

// Output returns everything the program has written, control sequences included.
func (t *Terminal) Output() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.output.String()
}

// Resize gives the terminal another size, as a person dragging the window does.
func (t *Terminal) Resize(cols, rows int) {
	t.tb.Helper()
	t.mu.Lock()
	t.emulator.Resize(cols, rows)
	t.mu.Unlock()
	if err := pty.Setsize(t.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.tb.Fatal(err)
	}
}

// Signal sends the program a signal.
func (t *Terminal) Signal(sig os.Signal) {
	t.tb.Helper()
	if err := t.cmd.Process.Signal(sig); err != nil {
		t.tb.Fatal(err)
	}
}

// Wait waits for the program's end and returns its exit code; -1 when a signal
// ended it.
func (t *Terminal) Wait() int {
	t.tb.Helper()
	t.mu.Lock()
	late := false
	timer := time.AfterFunc(patience, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		late = true
		t.changed.Broadcast()
	})
	defer timer.Stop()
	for !t.ended {
		if late {
			screen := t.screen()
			t.mu.Unlock()
			t.tb.Fatalf("the program did not end\n%s", screen)
		}
		t.changed.Wait()
	}
	if t.waited {
		defer t.mu.Unlock()
		return t.code
	}
	t.waited = true
	t.mu.Unlock()
	err := t.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.tb.Fatal(err)
	}
	t.code = t.cmd.ProcessState.ExitCode()
	return t.code
}

// Press types keys until text is on the screen: a question that must not be
// answered ahead of its time drops what comes too early.
func (t *Terminal) Press(keys, text string) {
	t.tb.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	deadline := time.Now().Add(patience)
	for {
		screen := t.Screen()
		if strings.Contains(screen, text) {
			return
		}
		if time.Now().After(deadline) {
			t.tb.Fatalf("%q never brought up %q\n%s", keys, text, screen)
		}
		t.Send(keys)
		<-again.C
	}
}
