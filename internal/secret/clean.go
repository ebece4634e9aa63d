package secret

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLen bounds a secret in bytes; a Kubernetes Secret holds 1 MiB in all.
const maxLen = 64 << 10

const (
	pasteStart = "\x1b[200~" // what a terminal in bracketed-paste mode puts around a paste
	pasteEnd   = "\x1b[201~"
	bom        = "\ufeff" // PowerShell and Notepad write it first
)

// Clean takes off what came with a secret but is not part of it: line ends at the
// end, the marks of a bracketed paste, a byte order mark. The notes tell the
// operator what was taken off, and that a value has several lines; they never
// hold a part of the secret. Cleaning again changes nothing.
func Clean(s string) (cleaned string, notes []string) {
	var paste, mark bool
	ends := 0
	for before := ""; before != s; {
		before = s
		s = strings.ReplaceAll(strings.ReplaceAll(s, pasteStart, ""), pasteEnd, "")
		paste = paste || s != before
		unmarked := strings.TrimPrefix(s, bom)
		mark = mark || unmarked != s
		trimmed := strings.TrimRight(unmarked, "\r\n")
		ends += lineEnds(unmarked[len(trimmed):])
		s = trimmed
		// A library may have swallowed the escape character. Half a pair is left
		// alone: "~" is ordinary in the secrets that Entra ID issues.
		for _, pair := range [][2]string{{"[200~", "[201~"}, {"200~", "201~"}} {
			inner, ok := strings.CutPrefix(s, pair[0])
			if inner, closed := strings.CutSuffix(inner, pair[1]); ok && closed {
				s, paste = inner, true
			}
		}
	}
	if mark {
		notes = append(notes, "starts with a byte order mark: taken off")
	}
	if paste {
		notes = append(notes, "has the marks of a paste around it: taken off")
	}
	if ends == 1 {
		notes = append(notes, "ends with a newline: taken off")
	}
	if ends > 1 {
		notes = append(notes, fmt.Sprintf("ends with %d newlines: taken off", ends))
	}
	if inner := lineEnds(s); inner > 0 {
		notes = append(notes, fmt.Sprintf("has %d lines", inner+1))
	}
	return s, notes
}

// lineEnds counts \n, \r\n and lone \r.
func lineEnds(s string) int {
	return strings.Count(s, "\n") + strings.Count(s, "\r") - strings.Count(s, "\r\n")
}

// Check refuses what cannot be a secret. Tabs and line ends inside are kept: a
// private key has them. The error completes "The value …" and holds no part of it.
func Check(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	if len(s) > maxLen {
		return errors.New("must be at most 64 KiB")
	}
	if !utf8.ValidString(s) {
		return errors.New("must be text in UTF-8")
	}
	if strings.TrimSpace(s) != s {
		return errors.New("must not begin or end with a blank")
	}
	if strings.ContainsFunc(s, stray) {
		return errors.New("must not contain control characters")
	}
	return nil
}

// stray says whether r is a control character other than a tab or a line end.
func stray(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}
