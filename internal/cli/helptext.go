package cli

import (
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/openchoreo/backstage-setup/steps"
)

// The widths of help and explanations.
const (
	narrow = 40
	usual  = 80
)

// width is how wide text on stdout may be: 80 columns, less on a terminal that
// has fewer.
func (a *app) width() int {
	columns, _, err := term.GetSize(int(a.Out.Fd()))
	if err != nil || columns <= 0 {
		return usual
	}
	return min(usual, max(narrow, columns))
}

func indented(n int, text string, width int) []string {
	lines := steps.Wrap(text, width-n)
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.Repeat(" ", n)+line, " ")
	}
	return lines
}

// columns writes rows of a name and its text beside it, both wrapped between
// words; a name that is too long has a line of its own.
func columns(indent, name int, rows [][2]string, width int) []string {
	var lines []string
	margin := strings.Repeat(" ", indent)
	hanging := strings.Repeat(" ", indent+name)
	for _, row := range rows {
		texts := steps.Wrap(row[1], width-indent-name)
		first := margin + row[0]
		if len(row[0])+2 <= name && len(texts) > 0 {
			first += strings.Repeat(" ", name-len(row[0])) + texts[0]
			texts = texts[1:]
		}
		lines = append(lines, strings.TrimRight(first, " "))
		for _, text := range texts {
			lines = append(lines, strings.TrimRight(hanging+text, " "))
		}
	}
	return lines
}

func writeLines(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
