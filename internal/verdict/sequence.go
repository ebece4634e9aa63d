package verdict

import (
	"strings"
	"unicode/utf8"
)

// unstyled leaves out what a terminal takes for a command instead of text, as a
// whole: ECMA-48's control sequences (ESC [ … letter), its strings (ESC ] … BEL or
// ESC \, also DCS, SOS, PM and APC) and all other escape sequences, with the
// 8-bit spelling of each. One that does not end reaches to the end of s.
func unstyled(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == '\x1b' || r >= 0x80 && r <= 0x9f || r == utf8.RuneError }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		introducer, size := introduces(s)
		if size == 0 {
			_, size = utf8.DecodeRuneInString(s)
			b.WriteString(s[:size])
			s = s[size:]
			continue
		}
		s = s[size:]
		switch introducer {
		case '[':
			s = afterControl(s)
		case ']', 'P', 'X', '^', '_':
			s = afterString(s)
		case 0: // ESC alone
			s = afterEscape(s)
		}
	}
	return b.String()
}

// introduces returns what follows ESC at the beginning of s where that says what
// kind of sequence begins, or 0, and how many bytes that is: 0 for plain text.
func introduces(s string) (introducer byte, size int) {
	if s[0] == '\x1b' {
		if len(s) > 1 && strings.IndexByte("[]PX^_", s[1]) >= 0 {
			return s[1], 2
		}
		return 0, 1
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		r = rune(s[0]) // a C1 byte that is no UTF-8
	}
	if r >= 0x80 && r <= 0x9f {
		return byte(r) - 0x40, size
	}
	return 0, 0
}

// afterControl skips parameters, intermediates and the final byte of a control
// sequence. A byte that cannot be part of one ends it and is text.
func afterControl(s string) string {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r >= 0x20 && r <= 0x3f })
	return afterFinal(s, 0x40)
}

// afterEscape skips intermediates and the final byte of an escape sequence.
func afterEscape(s string) string {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r >= 0x20 && r <= 0x2f })
	return afterFinal(s, 0x30)
}

func afterFinal(s string, first byte) string {
	if len(s) > 0 && s[0] >= first && s[0] <= 0x7e {
		return s[1:]
	}
	return s
}

// afterString skips to behind BEL or the string terminator.
func afterString(s string) string {
	for i, r := range s {
		switch {
		case r == '\a':
			return s[i+1:]
		case r == 0x9c:
			return s[i+2:]
		case r == utf8.RuneError && s[i] == 0x9c:
			return s[i+1:]
		case r == '\x1b':
			return strings.TrimPrefix(s[i:], "\x1b\\") // another sequence ends it too
		}
	}
	return ""
}
