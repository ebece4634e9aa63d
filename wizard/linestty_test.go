//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package wizard

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// tty is a person's terminal: what is written to it is on the screen, what the
// person types comes in through the line discipline.
type tty struct {
	t            *testing.T
	person, line *os.File

	mu     sync.Mutex
	screen strings.Builder
	more   chan struct{}
	flow   chan struct{} // the line has taken Ctrl-S and Ctrl-Q
}

func newTTY(t *testing.T) *tty {
	t.Helper()
	person, line, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	w := &tty{t: t, person: person, line: line, more: make(chan struct{}, 1), flow: make(chan struct{}, 1)}
	// In packet mode what is read begins with a byte: 0 before what is on the
	// screen, else what has become of the line.
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCPKT, 1); err != nil {
		t.Skipf("no packet mode: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 4096)
		for {
			n, err := person.Read(buffer)
			if err != nil || n == 0 {
				return
			}
			ready := w.more
			if buffer[0]&unix.TIOCPKT_START != 0 {
				ready = w.flow
			}
			if buffer[0] == unix.TIOCPKT_DATA {
				w.mu.Lock()
				w.screen.Write(buffer[1:n])
				w.mu.Unlock()
			}
			select {
			case ready <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		// The descriptors are blocking ones: a read under way ends with Enter,
		// and the person's side once nobody has the line open.
		line.Close()
		_, _ = person.WriteString("\r")
		<-ended
		person.Close()
	})
	return w
}

func (w *tty) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.screen.String()
}

// await waits for text on the screen, behind what was awaited before.
func (w *tty) await(text string) {
	w.t.Helper()
	late := time.After(time.Minute)
	for !strings.Contains(w.seen(), text) {
		select {
		case <-w.more:
		case <-late:
			w.t.Fatalf("%q does not come; the screen is:\n%s", text, w.seen())
		}
	}
}

func (w *tty) types(text string) {
	w.t.Helper()
	if _, err := w.person.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// typed types and returns once the line has taken it: a key under way when the
// run ends would be the shell's, as it should be. Ctrl-S and Ctrl-Q behind it
// leave no other trace.
func (w *tty) typed(text string) {
	w.t.Helper()
	w.types(text + "\x13\x11")
	select {
	case <-w.flow:
	case <-time.After(time.Minute):
		w.t.Fatal("the line does not take what is typed")
	}
}

// arrived returns once a whole line waits to be read.
func (w *tty) arrived() {
	w.t.Helper()
	fds := []unix.PollFd{{Fd: int32(w.line.Fd()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 60_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			w.t.Fatalf("the line does not take what is typed: %v", err)
		}
		return
	}
}

// echoes tells whether the terminal shows what is typed.
func (w *tty) echoes() bool {
	w.t.Helper()
	state, err := unix.IoctlGetTermios(int(w.line.Fd()), ioctlGetTermios)
	if err != nil {
		w.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// run is a run of Lines at the terminal, led to where the client secret is asked.
type ttyRun struct {
	*tty
	before *term.State
	cancel context.CancelFunc
	ended  chan End
	saved  int
}

const secretPrompt = "Client secret, not shown: "

func atSecret(t *testing.T, signals chan struct{}) *ttyRun {
	t.Helper()
	t.Chdir(t.TempDir())
	w := newTTY(t)
	before, err := term.GetState(int(w.line.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := &ttyRun{tty: w, before: before, cancel: cancel, ended: make(chan End, 1)}
	s, _ := newTestSession(t, Settings{})
	go func() {
		end, err := Lines(ctx, s, Terminal{In: w.line, Out: w.line, Signals: signals, SaveDraft: func(*Session) (string, error) {
			r.saved++
			return "draft.yaml", nil
		}})
		if err != nil {
			t.Error(err)
		}
		r.ended <- end
	}()
	r.await("[development]: ")
	r.types("!client\r")
	r.await("Client id [openchoreo-backstage-client]: ")
	if !r.echoes() {
		t.Error("an ordinary answer does not show")
	}
	r.types("\r")
	r.await(secretPrompt)
	if r.echoes() {
		t.Error("a secret would show")
	}
	return r
}

// left fails unless the run has been left and the terminal is as it was.
func (r *ttyRun) left() {
	r.t.Helper()
	end := <-r.ended
	if !end.Left || end.Applied {
		r.t.Errorf("end %+v", end)
	}
	after, err := term.GetState(int(r.line.Fd()))
	if err != nil {
		r.t.Fatal(err)
	}
	if *after != *r.before {
		r.t.Error("the terminal is not as it was")
	}
	r.await("Nothing was changed.")
	if screen := r.seen(); strings.Contains(screen, lineCanary) {
		r.t.Errorf("the secret is on the screen:\n%s", screen)
	}
}

func TestSecretIsNotShown(t *testing.T) {
	r := atSecret(t, nil)
	r.types(lineCanary + "\r")
	r.await("20 characters")
	r.await("What is this installation for?")
	r.await("[development]: ")
	r.types("q\r")
	r.await("y/N [no]: ")
	if !r.echoes() {
		t.Error("the terminal does not show again")
	}
	r.types("\r")
	r.left()
	if r.saved != 0 {
		t.Error("saved although the answer was no")
	}
}

func TestTerminalIsRestored(t *testing.T) {
	for _, how := range []string{"ctx", "signal", "end of input"} {
		t.Run(how, func(t *testing.T) {
			signals := make(chan struct{})
			r := atSecret(t, signals)
			r.typed(lineCanary) // and no Enter
			switch how {
			case "ctx":
				r.cancel()
			case "signal":
				close(signals)
			case "end of input":
				r.types("\x15\x04") // the line is taken back
			}
			r.left()
			r.types("\x12for the shell\r") // Ctrl-R shows again what is typed and not read
			r.await("for the shell")
			if strings.Contains(r.seen(), lineCanary[:4]) {
				t.Errorf("half a secret is left for the shell:\n%s", r.seen())
			}
			if r.saved != 1 {
				t.Errorf("saved %d times", r.saved)
			}
		})
	}
}

// TestPastedSecret: the rest of a paste is part of a secret; it must not become
// the next answer, nor show.
func TestPastedSecret(t *testing.T) {
	r := atSecret(t, nil)
	r.types(lineCanary + "\rsecond-line\rthird-line\r")
	r.await("More than one line was pasted: only the first was taken.")
	r.await("20 characters")
	r.await("(number or name) [development]: ")
	r.types("<\r")
	r.await("Client secret, not shown (Enter: typed, 20 characters): ")
	r.types("<\r")
	r.cancel()
	r.left()
	if screen := r.seen(); strings.Contains(screen, "second-line") || strings.Contains(screen, "third-line") {
		t.Errorf("a part of the secret is on the screen:\n%s", screen)
	}
}

// TestCutSecret: a terminal silently cuts long lines off; a secret that may be
// half is refused.
func TestCutSecret(t *testing.T) {
	r := atSecret(t, nil)
	r.types(strings.Repeat("x", 5000) + "\r")
	r.await("The value must be shorter than 4094 bytes")
	r.cancel()
	r.left()
}

// hook is a screen that does something the first time that each text comes.
type hook struct {
	*tty
	on map[string]func()
}

func (h hook) Write(p []byte) (int, error) {
	n, err := h.line.Write(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	for text, do := range h.on {
		if strings.Contains(string(p), text) {
			delete(h.on, text)
			do()
		}
	}
	return n, err
}

// TestTypedAhead: a yes that was typed before the question applies nothing.
func TestTypedAhead(t *testing.T) {
	t.Chdir(t.TempDir())
	w := newTTY(t)
	s, _ := newTestSession(t, Settings{})
	give(t, s, map[string]string{"preset": "api-only", "api.publicUrl": "https://api.example.com", "gateway.tls.certificateSecret": "tls",
		"identity.provider": "thunder", "identity.issuer": "https://idp.example.com"})
	end, err := Lines(t.Context(), s, Terminal{In: w.line, Out: hook{w, map[string]func(){
		"Checks:":           func() { w.types("yes\ryes\r"); w.arrived() },
		"Apply this change": func() { w.types("no\r") },
	}}})
	if err != nil || !end.Left || end.Applied {
		t.Errorf("end %+v, error %v; the screen is:\n%s", end, err, w.seen())
	}
	if _, err := os.Stat("backstage-values.yaml"); !os.IsNotExist(err) {
		t.Error("the file was written")
	}
}

// TestFaultRestores: a fault of the program leaves the terminal as it was and the
// answers saved.
func TestFaultRestores(t *testing.T) {
	t.Chdir(t.TempDir())
	w := newTTY(t)
	s, _ := newTestSession(t, Settings{})
	saved := 0
	defer func() {
		if recover() == nil {
			t.Error("the fault is hidden")
		}
		if !w.echoes() {
			t.Error("the terminal does not show what is typed")
		}
		if saved != 1 {
			t.Errorf("saved %d times", saved)
		}
	}()
	_, _ = Lines(t.Context(), s, Terminal{In: w.line, SaveDraft: func(*Session) (string, error) {
		saved++
		return "draft.yaml", nil
	}, Out: hook{w, map[string]func(){
		"[development]":                          func() { w.types("!client\r") },
		"Client id [openchoreo-backstage-client": func() { w.types("\r") },
		secretPrompt: func() {
			if w.echoes() {
				t.Error("a secret would show")
			}
			panic("a fault")
		},
	}}})
}
