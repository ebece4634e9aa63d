package wizard

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// visible takes out of text what a terminal would act on: it may come from a
// cluster, a file or a server.
func visible(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	text = ansi.Strip(strings.ReplaceAll(text, "\t", "    "))
	return strings.Map(func(r rune) rune {
		if hidden(r) && r != '\n' {
			return -1
		}
		return r
	}, text)
}

func hidden(r rune) bool { return r < ' ' || (r >= 0x7f && r < 0xa0) || r == '\u202e' || r == '\u2066' }

// folded breaks text at blanks so that no line is wider than width; lines after
// the first begin with hang blanks. A word, such as an address, is never broken
// unless it is wider than a whole line. Blanks at the start of a line are kept.
func folded(text string, width, hang int) []string {
	width = max(width, 8)
	hang = min(hang, width/3)
	var lines []string
	for line := range strings.SplitSeq(visible(text), "\n") {
		lines = append(lines, fold(line, width, hang)...)
	}
	return lines
}

func fold(line string, width, hang int) []string {
	if ansi.StringWidth(line) <= width {
		return []string{strings.TrimRight(line, " ")}
	}
	var (
		lines   []string
		rest    = strings.TrimLeft(line, " ")
		indent  = len(line) - len(rest)
		current = strings.Repeat(" ", min(indent, width/2))
		blank   = true // current holds blanks only
		next    = strings.Repeat(" ", min(indent, width/2)+hang)
	)
	flush := func() {
		lines = append(lines, strings.TrimRight(current, " "))
		current, blank = next, true
	}
	for rest != "" {
		word := rest
		if i := strings.IndexByte(rest, ' '); i >= 0 {
			word = rest[:i]
		}
		rest = rest[len(word):]
		gap := len(rest) - len(strings.TrimLeft(rest, " "))
		if !blank && ansi.StringWidth(current)+ansi.StringWidth(word) > width {
			flush()
		}
		if blank && ansi.StringWidth(current)+ansi.StringWidth(word) > width {
			current = "" // an address begins at the margin, whole if it fits there
		}
		for ansi.StringWidth(current)+ansi.StringWidth(word) > width {
			head := ansi.Truncate(word, max(width-ansi.StringWidth(current), 1), "")
			if head == "" {
				break
			}
			current, word = current+head, word[len(head):]
			flush()
			current = ""
		}
		current, blank = current+word+rest[:gap], blank && word == ""
		rest = rest[gap:]
	}
	if strings.TrimSpace(current) != "" || len(lines) == 0 {
		lines = append(lines, strings.TrimRight(current, " "))
	}
	return lines
}

// cut shortens a styled line to width, saying so by an ellipsis.
func cut(line string, width int) string {
	if ansi.StringWidth(line) <= width {
		return line
	}
	return ansi.Truncate(line, max(width, 0), markMore)
}

// padded fills a styled line up to width.
func padded(line string, width int) string {
	if gap := width - ansi.StringWidth(line); gap > 0 {
		return line + strings.Repeat(" ", gap)
	}
	return cut(line, width)
}

// count writes "1 answer" or "3 answers".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func itoa(n int) string { return strconv.Itoa(n) }
