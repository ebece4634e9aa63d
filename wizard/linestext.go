package wizard

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// lineText writes plain lines, wrapped at words. After a write that failed it
// writes nothing more and keeps the error.
type lineText struct {
	w     io.Writer
	width int
	err   error
}

// columns is the width of the terminal, of which In may be the only end that is
// still known as one; 80 elsewhere.
func columns(t Terminal) int {
	for _, end := range []any{t.Out, t.In} {
		if f, ok := end.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				return max(width, 20)
			}
		}
	}
	for _, v := range t.Environ {
		if text, ok := strings.CutPrefix(v, "COLUMNS="); ok {
			if width, err := strconv.Atoi(text); err == nil && width > 0 {
				return max(width, 20)
			}
		}
	}
	return 80
}

func (o *lineText) write(text string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.w, text)
	}
}

// say writes text on lines of its own.
func (o *lineText) say(format string, args ...any) {
	for _, line := range wrap(visible(fmt.Sprintf(format, args...)), o.width) {
		o.write(line + "\n")
	}
}

// prompt writes text and leaves the line open for the answer.
func (o *lineText) prompt(format string, args ...any) {
	o.write(strings.Join(wrap(visible(fmt.Sprintf(format, args...)), o.width), "\n") + " ")
}

// show writes lines of the review. A file's content and commands stay as they
// are: they are to be compared and copied.
func (o *lineText) show(list []Line) {
	for _, line := range list {
		switch line.Kind {
		case Added, Removed, Hunk, Command:
			o.write(strings.TrimRight(visible(line.Text), " ") + "\n")
		default:
			o.say("%s", line.Text)
		}
	}
}

// wrap breaks text at blanks into lines of at most width characters, indented as
// the line they come from. A longer word stays whole, and so does what must be
// copied whole: commands, text in backquotes, a flag and its value.
func wrap(text string, width int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		if utf8.RuneCountInString(line) <= width || isCommand(line) {
			lines = append(lines, line)
			continue
		}
		lines = append(lines, wrapLine(line, width)...)
	}
	return lines
}

// wrapLine breaks one line. Columns that were lined up by blanks are not any more
// once a line is broken: a single blank is left of them.
func wrapLine(line string, width int) []string {
	var lines []string
	body := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(body)]
	current, blank := indent, ""
	if indent != "" {
		indent += "  "
	}
	for _, word := range words(body) {
		if blank != "" && utf8.RuneCountInString(current+blank+word) > width {
			lines = append(lines, current)
			current, blank = indent, ""
		}
		current, blank = current+blank+word, " "
	}
	return append(lines, current)
}

// words returns what is between the blanks where text may be broken.
func words(text string) []string {
	var list []string
	quoted, flag := false, false
	for w := range strings.FieldsSeq(text) {
		if quoted || (flag && !strings.HasPrefix(w, "-")) {
			list[len(list)-1] += " " + w
		} else {
			list = append(list, w)
		}
		quoted = quoted != (strings.Count(w, "`")%2 == 1)
		flag = strings.HasPrefix(w, "--")
	}
	return list
}

// isCommand tells whether a whole line is to be typed into a shell.
func isCommand(line string) bool {
	first, _, more := strings.Cut(strings.TrimLeft(line, " "), " ")
	switch first {
	case "kubectl", "helm", "psql", "backstage-setup":
		return more
	}
	return false
}
