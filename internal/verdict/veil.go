package verdict

import (
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

const (
	// MaxWords is the most characters of a server's own words that a line has.
	MaxWords = 200

	maxLine = 500 // characters of a verdict's line
	minLine = 16  // bytes of a secret's line that is a secret by itself
)

// withheld stands for a text that repeats a secret in pieces or in a spelling
// that cannot be replaced.
const withheld = "[not shown: it repeats the secret]"

// Veil makes text of a server fit to be shown: no control characters, nothing
// that reorders or hides text, no known secret in any spelling. The nil Veil
// knows no secret.
type Veil struct {
	scrubber secret.Scrubber
	short    []string // too short for the scrubber
}

// NewVeil makes a Veil that knows secrets: as they are, without their blanks, and
// line by line.
func NewVeil(secrets ...secret.Text) *Veil {
	v := &Veil{}
	for _, s := range secrets {
		v.know(s.Reveal())
		v.know(squeeze(s.Reveal())) // what text is compared with once it is squeezed
		for line := range strings.Lines(s.Reveal()) {
			if line = squeeze(line); len(line) >= minLine {
				v.know(line)
			}
		}
	}
	return v
}

func (v *Veil) know(text string) {
	t := secret.New(text)
	v.scrubber.Add(t)
	if n := t.Len(); n > 0 && n < 6 {
		v.short = append(v.short, text)
	}
}

// Words is Line for what a server says about itself: it is withheld as a whole
// when even its decoded forms repeat a secret, or when a secret is too short to
// be told from ordinary words.
func (v *Veil) Words(s string) string {
	if v.Repeats(s) {
		return withheld
	}
	return v.line(s, MaxWords)
}

// Repeats says whether s holds a secret, also in pieces or encoded once more.
func (v *Veil) Repeats(s string) bool {
	if v == nil {
		return false
	}
	seen := map[string]bool{}
	for _, form := range slices.Concat(decoded(s), decoded(letters(s)), decoded(squeeze(s))) {
		for _, text := range []string{form, unstyled(form), letters(form), squeeze(form)} {
			if seen[text] {
				continue
			}
			seen[text] = true
			if v.scrubber.Scrub(text) != text || slices.ContainsFunc(v.short, func(short string) bool { return strings.Contains(text, short) }) {
				return true
			}
		}
	}
	return false
}

// Line returns s as one line of at most 500 characters, without the secrets.
func (v *Veil) Line(s string) string { return v.line(s, maxLine) }

func (v *Veil) line(s string, limit int) string {
	if v != nil {
		s = v.scrubber.Scrub(s)
	}
	s = Visible(s)
	if v != nil { // what was taken out may have torn a secret apart
		s = v.scrubber.Scrub(s)
	}
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// decoded returns s and what it is when an encoding around it is undone.
func decoded(s string) []string {
	all := []string{s, html.UnescapeString(s)}
	if u, err := url.QueryUnescape(s); err == nil {
		all = append(all, u)
	}
	if u, err := url.PathUnescape(s); err == nil {
		all = append(all, u)
	}
	if u, err := strconv.Unquote(`"` + s + `"`); err == nil {
		all = append(all, u)
	}
	return all
}

// squeeze leaves out everything that could stand between the letters of a word
// and not be seen there, a terminal's sequences as a whole.
func squeeze(s string) string { return letters(unstyled(s)) }

// letters leaves out white space, what cannot be seen, and what is no character.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || Hidden(r) || r == utf8.RuneError || r == '\u2800' || unicode.In(r, unicode.Mn, unicode.Me) {
			return -1
		}
		return r
	}, s)
}

// Visible leaves out a terminal's sequences and what cannot be seen or changes how
// the rest is seen, and makes one blank of every white space.
func Visible(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case Hidden(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(unstyled(s), "?"))
	return strings.Join(strings.Fields(s), " ")
}

// Hidden says whether r is a control character, a format character (bidirectional
// marks, zero-width joiners, tags) or of no public meaning.
func Hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) ||
		unicode.Is(unicode.Variation_Selector, r) || r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0'
}
