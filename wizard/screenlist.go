package wizard

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/steps"
)

// listBox is a list that typing filters. Where free, what was typed is an answer
// too: the list holds only what is known to be there.
type listBox struct {
	options []steps.Option
	free    bool
	chosen  string // the value that counts
	before  string // the one before typing began, for esc
	filter  textinput.Model
	focused bool
	most    int // rows of it that are shown at a time
}

func newListBox(options []steps.Option, current string, free bool) *listBox {
	b := &listBox{options: withCurrent(options, current), free: free, chosen: current, filter: textinput.New(), most: listRows}
	if current == "" && !free {
		b.chosen = options[0].Value
	}
	b.filter.Prompt = ""
	b.filter.Placeholder = "type to find one of " + count(len(b.options), "choice")
	b.filter.SetVirtualCursor(false)
	return b
}

// matches are the options that hold what was typed, those that begin with it
// first; what was typed itself is the last where that is an answer.
func (b *listBox) matches() []steps.Option {
	typed := strings.TrimSpace(b.filter.Value())
	if typed == "" {
		return b.options
	}
	var first, rest []steps.Option
	exact := false
	for _, o := range b.options {
		exact = exact || o.Value == typed
		switch low, hay := strings.ToLower(typed), strings.ToLower(o.Title+"\n"+o.Value); {
		case strings.HasPrefix(hay, low), strings.Contains(hay, "\n"+low):
			first = append(first, o)
		case strings.Contains(hay, low):
			rest = append(rest, o)
		}
	}
	all := append(first, rest...)
	if b.free && !exact {
		all = append(all, steps.Option{Value: typed, Title: typed, Note: "as typed"})
	}
	return all
}

// index is where the chosen value stands in list, -1 when it is not in it.
func (b *listBox) index(list []steps.Option) int {
	return slices.IndexFunc(list, func(o steps.Option) bool { return o.Value == b.chosen })
}

func (b *listBox) press(msg tea.KeyPressMsg) bool {
	list := b.matches()
	at := b.index(list)
	switch msg.String() {
	case "ctrl+v", "ctrl+n", "ctrl+p":
		return false
	case "esc":
		if b.filter.Value() == "" {
			return false
		}
		b.filter.Reset()
		b.chosen = b.before
		return true
	case "up":
		if len(list) > 0 {
			b.chosen = list[(max(at, 0)+len(list)-1)%len(list)].Value
		}
		return true
	case "down":
		if len(list) > 0 {
			b.chosen = list[(at+1)%len(list)].Value
		}
		return true
	}
	b.edit(msg)
	return true
}

func (b *listBox) paste(text string) {
	b.edit(tea.PasteMsg{Content: strings.Trim(text, "\r\n")})
}

// edit changes the filter; the first match becomes the choice.
func (b *listBox) edit(msg tea.Msg) {
	before := b.filter.Value()
	b.filter, _ = b.filter.Update(msg)
	if b.filter.Value() == before {
		return
	}
	if before == "" {
		b.before = b.chosen
	}
	if list := b.matches(); len(list) > 0 && b.filter.Value() != "" {
		b.chosen = list[0].Value
	}
}

// value is the choice; where nothing matches, what was typed, so that the
// question's own rules say what is wrong with it.
func (b *listBox) value() string {
	if typed := strings.TrimSpace(b.filter.Value()); typed != "" && len(b.matches()) == 0 {
		return typed
	}
	return b.chosen
}

func (b *listBox) set(text string) {
	b.options, b.chosen = withCurrent(b.options, text), text
	b.filter.Reset()
}

func (b *listBox) typing() bool { return true }

func (b *listBox) focus(on bool) {
	b.focused = on
	if on {
		b.filter.Focus()
		return
	}
	b.filter.Blur()
}

func (b *listBox) lines(t *tokens, width, rows int) ([]string, int, int) {
	if !b.focused {
		return []string{cut(visible(optionOf(b.options, b.value()).Title), width)}, 0, -1
	}
	b.filter.SetStyles(t.input)
	b.filter.SetWidth(max(width-1, 1))
	lines := []string{cut(b.filter.View(), width)}
	list := b.matches()
	rows = max(min(rows, b.most), 2)
	at := max(b.index(list), 0)
	from := max(0, min(at-rows/2, len(list)-rows))
	to := min(len(list), from+rows)
	lines = append(lines, b.rows(t, list[from:to], width)...)
	switch {
	case len(list) == 0:
		lines = append(lines, t.caution.Render(cut("  nothing is called that; esc shows all again", width)))
	case to-from < len(list):
		lines = append(lines, t.dim.Render(cut(fmt.Sprintf("  %d to %d of %d, ↑↓ for the others", from+1, to, len(list)), width)))
	}
	col := -1
	if c := b.filter.Cursor(); c != nil {
		col = c.X
	}
	return lines, 0, col
}

// rows draws options: each with its note where there is room for all of them,
// else with that of the chosen one below.
func (b *listBox) rows(t *tokens, list []steps.Option, width int) []string {
	titles, notes := 0, 0
	for _, o := range list {
		titles, notes = max(titles, ansi.StringWidth(visible(o.Title))), max(notes, ansi.StringWidth(visible(o.Note)))
	}
	inline := 2+titles+3+notes <= width
	var lines []string
	for _, o := range list {
		mark, style := "  ", t.text
		if o.Value == b.chosen {
			mark, style = t.accent.Render(markChosen)+" ", t.strong
		}
		row := mark + style.Render(visible(o.Title))
		if inline && o.Note != "" {
			row = padded(row, 2+titles) + "   " + t.dim.Render(visible(o.Note))
		}
		lines = append(lines, cut(row, width))
		if !inline && o.Value == b.chosen && o.Note != "" {
			for _, line := range folded(o.Note, width-4, 0) {
				lines = append(lines, t.dim.Render("    "+line))
			}
		}
	}
	return lines
}
