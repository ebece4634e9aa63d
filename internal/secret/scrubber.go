package secret

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// minScrubbed is the shortest secret, in characters, that a Scrubber looks for: a
// shorter one would tear holes into innocent words.
const minScrubbed = 6

// Scrubber replaces secrets by "[redacted]" in whatever is written through it. It
// is the last line behind Text: in a test, a hit is a bug somewhere else. The zero
// Scrubber is ready; all methods may be called concurrently.
type Scrubber struct {
	mu    sync.RWMutex
	known map[string]bool
	forms [256][]string // by first byte, longest first
	hits  atomic.Int64
}

// Add makes the Scrubber look for t from now on: as it is, in base64 (standard and
// URL alphabet, with and without padding, at any position of larger data), URL
// escaped, in hexadecimal, and escaped as in JSON, Go, YAML, shell and HTML. Less
// than 6 characters are not looked for.
func (s *Scrubber) Add(t Text) {
	if t.Len() < minScrubbed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[t.Reveal()] {
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
	}
	s.known[t.Reveal()] = true
	for _, form := range forms(t.Reveal()) {
		s.insert(form)
	}
}

func (s *Scrubber) insert(form string) {
	list := s.forms[form[0]]
	at, found := slices.BinarySearchFunc(list, form, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	if !found {
		s.forms[form[0]] = slices.Insert(list, at, form)
	}
}

// Scrub returns text with every secret replaced; without secrets, text itself.
func (s *Scrubber) Scrub(text string) string {
	var b strings.Builder
	done := 0
	for at := 0; at < len(text); {
		n, _ := s.match(text[at:], true)
		if n == 0 {
			at++
			continue
		}
		b.WriteString(text[done:at])
		b.WriteString(redacted)
		at += n
		done = at
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// Hits returns how many secrets have been replaced so far.
func (s *Scrubber) Hits() int { return int(s.hits.Load()) }

// match returns the length of the longest form that text begins with, 0 for none,
// and counts it. open says that more text could still make it a longer one: it is
// never so for final text.
func (s *Scrubber) match(text string, final bool) (length int, open bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, form := range s.forms[text[0]] {
		if strings.HasPrefix(text, form) {
			s.hits.Add(1)
			return len(form), false
		}
		if !final && len(form) > len(text) && strings.HasPrefix(form, text) {
			return 0, true
		}
	}
	return 0, false
}
