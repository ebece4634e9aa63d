package chart

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// outputLines is how many of the last lines are kept for an error.
	outputLines = 200
	// longestLine is how much of a line is read. Helm 3 writes whole objects into
	// one, and says what is wrong with them at its end.
	longestLine = 1 << 20
	// lineHead and lineTail are what is kept of a long line, in bytes.
	lineHead, lineTail = 2048, 1024
)

// output takes what a program writes to its two streams line by line, in bounded
// memory. Lines are scrubbed as a whole, then made safe for a terminal, cut in
// their middle where they are too long, kept and told.
type output struct {
	scrub    func(string) string
	progress func(string)

	mu   sync.Mutex
	kept []outputLine
}

type outputLine struct {
	text   string
	stderr bool
}

// stream returns the writer of one of the streams. Close tells the line that has
// no end.
func (o *output) stream(stderr bool) io.WriteCloser {
	return &outputStream{to: o, stderr: stderr}
}

func (o *output) add(line []byte, stderr bool) {
	text := strings.ToValidUTF8(string(line), "\uFFFD")
	if o.scrub != nil {
		text = o.scrub(text)
	}
	text = strings.TrimRightFunc(strings.Map(printable, shorten(text)), unicode.IsSpace)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, outputLine{text, stderr})
	if len(o.kept) > outputLines {
		o.kept = append(o.kept[:0], o.kept[1:]...)
	}
	if o.progress != nil && text != "" {
		o.progress(text)
	}
}

// lines returns the last lines of both streams.
func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]string, len(o.kept))
	for i, line := range o.kept {
		all[i] = line.text
	}
	return all
}

// lastError returns what follows the last "Error: " on stderr, where cobra's
// programs say why they end, else the last line that is not blank.
func (o *output) lastError() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var text []string
	last := ""
	for _, line := range o.kept {
		if strings.TrimSpace(line.text) != "" {
			last = strings.TrimSpace(line.text)
		}
		if !line.stderr {
			continue
		}
		if begin, ok := strings.CutPrefix(line.text, "Error: "); ok {
			text = []string{begin}
		} else if text != nil {
			text = append(text, line.text)
		}
	}
	if text == nil {
		return last
	}
	return strings.TrimSpace(strings.Join(text, "\n"))
}

type outputStream struct {
	to     *output
	stderr bool
	line   []byte
}

func (s *outputStream) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		part, rest, end := bytes.Cut(p, []byte("\n"))
		s.line = append(s.line, part[:min(len(part), longestLine-len(s.line))]...)
		if end {
			s.to.add(s.line, s.stderr)
			s.line = s.line[:0]
		}
		p = rest
	}
	return written, nil
}

func (s *outputStream) Close() error {
	if len(s.line) > 0 {
		s.to.add(s.line, s.stderr)
		s.line = nil
	}
	return nil
}

// shorten takes the middle out of a long line.
func shorten(line string) string {
	if len(line) <= lineHead+lineTail {
		return line
	}
	head, tail := lineHead, len(line)-lineTail
	for !utf8.RuneStart(line[head]) {
		head--
	}
	for !utf8.RuneStart(line[tail]) {
		tail++
	}
	return line[:head] + " … " + line[tail:]
}

// printable drops what could move a cursor or colour a screen.
func printable(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}
