package secret

import (
	"io"
	"strings"
	"sync"
)

// Writer returns a writer that passes on what is written to it without secrets,
// also when one comes in pieces. Only bytes that may be the beginning of a secret
// are held back, until what follows decides; all else is passed on at once, so
// that a prompt shows. Close passes the rest on and leaves w open. It may be
// written to concurrently.
func (s *Scrubber) Writer(w io.Writer) io.WriteCloser {
	return &writer{scrubber: s, to: w}
}

type writer struct {
	scrubber *Scrubber
	to       io.Writer

	mu     sync.Mutex
	held   string // may be the beginning of a secret
	passed int    // bytes of held that were passed on already, see sequence
}

// Write returns len(p), or 0 and the error of the writer below; p is lost then.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.scrub(w.held+string(p), false)
	if w.passed < len(w.held) && len(w.held) <= sequence(p) {
		out += w.held[w.passed:]
		w.passed = len(w.held)
	}
	if err := w.pass(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(w.scrub(w.held, true))
}

func (w *writer) pass(out string) error {
	if out == "" {
		return nil
	}
	_, err := io.WriteString(w.to, out)
	return err
}

// scrub returns what of text can be passed on now and keeps the rest in held. The
// first w.passed bytes of text are not returned again.
func (w *writer) scrub(text string, final bool) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		n, open := w.scrubber.match(text[at:], final)
		if open {
			w.held, w.passed = text[at:], max(0, w.passed-at)
			return b.String()
		}
		if n > 0 {
			b.WriteString(redacted)
			at += n
			continue
		}
		if at >= w.passed {
			b.WriteByte(text[at])
		}
		at++
	}
	w.held, w.passed = "", 0
	return b.String()
}

// sequence returns how many bytes at the end of p belong to a terminal's control
// sequence, less its escape character: 3 for "…ESC[1m". A terminal waits for the
// end of a sequence, so its last letter is never held back, even when a secret
// begins with that letter; the rest of such a secret is still replaced.
func sequence(p []byte) int {
	text := string(p[max(0, len(p)-32):])
	esc := strings.LastIndexByte(text, '\x1b')
	if esc < 0 || esc+1 == len(text) {
		return 0
	}
	body := text[esc+1:]
	if body[0] != '[' && len(body) == 1 {
		return 1 // such as ESC 7, which saves the cursor
	}
	if body[0] != '[' || len(body) == 1 {
		return 0
	}
	end := strings.IndexFunc(body[1:], func(r rune) bool { return r >= '@' && r <= '~' })
	if end != len(body)-2 {
		return 0
	}
	return len(body)
}
