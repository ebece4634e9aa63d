package steps

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text into lines of at most width signs, between words only: a word
// that is longer, such as an address, has a line of its own. Line ends of the
// text stay.
func Wrap(text string, width int) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line, length := "", 0
		for _, word := range strings.Fields(paragraph) {
			n := utf8.RuneCountInString(word)
			if line != "" && length+1+n > width {
				lines = append(lines, line)
				line, length = "", 0
			}
			if line != "" {
				line += " "
				length++
			}
			line += word
			length += n
		}
		lines = append(lines, line)
	}
	return lines
}
