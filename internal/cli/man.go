package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	mcobra "github.com/muesli/mango-cobra"
	"github.com/spf13/cobra"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "print the manual page", Args: cobra.NoArgs,
		Long:    "In the format of troff, made from the commands themselves.",
		Example: "  backstage-setup man | man -l -\n  backstage-setup man > /usr/local/share/man/man1/backstage-setup.1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := mcobra.NewManPage(1, cmd.Root())
			if err != nil {
				return err
			}
			for _, t := range topics {
				page.WithSection(t.title, t.lines(usual-8))
			}
			_, err = io.WriteString(a.out, page.Build(&troff{version: a.build().Version}))
			return err
		},
	}
}

// troff writes the man macros. It has no date, so that the same program always
// writes the same page.
type troff struct {
	strings.Builder
	version string
	opened  bool // an indent was opened and nothing has been written in it
}

func (t *troff) Heading(section uint, title, description string, _ time.Time) {
	fmt.Fprintf(t, ".TH %q %d %q %q %q\n", strings.ToUpper(title), section, "", "backstage-setup "+t.version, description)
}

func (t *troff) Section(text string) { t.macro(".SH " + strings.ToUpper(text)) }
func (t *troff) Paragraph()          { t.macro(".PP") }
func (t *troff) EndSection()         { t.WriteString("\n") }
func (t *troff) List(text string)    { t.macro(".IP \\(bu 2"); t.Text(text) }

func (t *troff) Indent(n int) {
	t.macro(fmt.Sprintf(".RS %d", n))
	t.opened = true
}

func (t *troff) IndentEnd() {
	t.macro(".RE")
	t.opened = false
}

func (t *troff) TaggedParagraph(int) { t.macro(".TP"); t.opened = false }
func (t *troff) TextItalic(s string) { t.WriteString(`\fI` + escape(s) + `\fP`) }

// TextBold is the tag of a list's item; mango opens no tagged paragraph for the
// first item inside an indent.
func (t *troff) TextBold(s string) {
	if t.opened {
		t.TaggedParagraph(0)
	}
	t.WriteString(`\fB` + escape(s) + `\fP`)
}

// Text keeps lines that begin with a blank as they are, as troff does by itself,
// and takes off the marks around the name of a flag's value.
func (t *troff) Text(s string) {
	t.opened = false
	t.WriteString(escape(strings.ReplaceAll(s, "`", "")))
}

// macro begins a line of its own.
func (t *troff) macro(line string) {
	if s := t.String(); s != "" && !strings.HasSuffix(s, "\n") {
		t.WriteString("\n")
	}
	t.WriteString(line + "\n")
}

// escape makes text out of what troff would take for its own: backslashes,
// dashes that would become hyphens, and dots and quotes that begin a line.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
