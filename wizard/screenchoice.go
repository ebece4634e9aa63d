package wizard

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/steps"
)

// choiceBox is huh's Select, open while it has the focus.
type choiceBox struct {
	options []steps.Option
	chosen  string
	focused bool
	inline  bool // notes stand beside the titles
	width   int
	field   *huh.Select[string]
}

func newChoiceBox(options []steps.Option, current string, theme *look) *choiceBox {
	b := &choiceBox{options: withCurrent(options, current), chosen: current}
	b.field = huh.NewSelect[string]()
	b.field.WithTheme(theme)
	b.field.WithKeyMap(&huh.KeyMap{Select: huh.SelectKeyMap{
		Up:   key.NewBinding(key.WithKeys("up", "k")),
		Down: key.NewBinding(key.WithKeys("down", "j")),
	}})
	b.arrange(0)
	return b
}

// withCurrent adds the present value where it is none of the options, so that
// looking at the choices does not change it.
func withCurrent(options []steps.Option, current string) []steps.Option {
	if current == "" || slices.ContainsFunc(options, func(o steps.Option) bool { return o.Value == current }) {
		return options
	}
	return append(slices.Clone(options), steps.Option{Value: current, Title: current, Note: "as it is now"})
}

// arrange builds the options for a width: notes beside the titles if they fit.
func (b *choiceBox) arrange(width int) {
	titles, notes := 0, 0
	for _, o := range b.options {
		titles, notes = max(titles, ansi.StringWidth(o.Title)), max(notes, ansi.StringWidth(o.Note))
	}
	b.width, b.inline = width, notes > 0 && 2+titles+3+notes <= width
	list := make([]huh.Option[string], len(b.options))
	for i, o := range b.options {
		label := visible(o.Title)
		if b.inline {
			label = padded(label, titles) + "   " + visible(o.Note)
		}
		list[i] = huh.NewOption(strings.TrimRight(label, " "), o.Value)
	}
	kept := b.chosen
	b.field.Accessor(&huh.EmbeddedAccessor[string]{}).Options(list...)
	b.chosen = kept
	b.field.Value(&b.chosen)
	b.field.WithWidth(max(width, 1))
}

func (b *choiceBox) press(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "up", "down", "j", "k":
		b.field.Update(msg)
		return true
	}
	return false
}

func (b *choiceBox) paste(string)  {}
func (b *choiceBox) value() string { return b.chosen }
func (b *choiceBox) typing() bool  { return false }

func (b *choiceBox) set(text string) {
	b.options, b.chosen = withCurrent(b.options, text), text
	b.arrange(b.width)
}

func (b *choiceBox) focus(on bool) {
	b.focused = on
	if on {
		b.field.Focus()
		return
	}
	b.field.Blur()
}

func (b *choiceBox) lines(t *tokens, width, _ int) ([]string, int, int) {
	current := optionOf(b.options, b.chosen)
	if !b.focused {
		return []string{cut(visible(current.Title), width)}, 0, -1
	}
	if width != b.width {
		b.arrange(width)
	}
	lines, at := strings.Split(b.field.View(), "\n"), 0
	for len(lines) > 1 && strings.TrimSpace(ansi.Strip(lines[len(lines)-1])) == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		if strings.HasPrefix(ansi.Strip(line), markChosen) {
			at = i
		}
	}
	if !b.inline && current.Note != "" {
		for _, line := range folded(current.Note, width-2, 0) {
			lines = append(lines, t.dim.Render("  "+line))
		}
	}
	return lines, at, -1
}

func optionOf(options []steps.Option, value string) steps.Option {
	for _, o := range options {
		if o.Value == value {
			return o
		}
	}
	return steps.Option{Value: value, Title: value}
}

// yesBox is huh's Confirm.
type yesBox struct {
	yes   bool
	field *huh.Confirm
}

func newYesBox(f Field, theme *look) *yesBox {
	b := &yesBox{yes: f.Prefill == "yes"}
	b.field = huh.NewConfirm().Value(&b.yes)
	b.field.WithTheme(theme)
	b.field.WithKeyMap(&huh.KeyMap{Confirm: huh.ConfirmKeyMap{
		Toggle: key.NewBinding(key.WithKeys("left", "right", "h", "l", "space")),
		Accept: key.NewBinding(key.WithKeys("y", "Y")),
		Reject: key.NewBinding(key.WithKeys("n", "N")),
	}})
	return b
}

func (b *yesBox) press(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "left", "right", "h", "l", "space", "y", "Y", "n", "N":
		b.field.Update(msg)
		return true
	}
	return false
}

func (b *yesBox) paste(string) {}

func (b *yesBox) value() string {
	if b.yes {
		return "yes"
	}
	return "no"
}

func (b *yesBox) set(text string) { b.yes = text == "yes" }
func (b *yesBox) typing() bool    { return false }

func (b *yesBox) focus(on bool) {
	if on {
		b.field.Focus()
		return
	}
	b.field.Blur()
}

func (b *yesBox) lines(_ *tokens, width, _ int) ([]string, int, int) {
	b.field.WithWidth(width)
	return strings.Split(b.field.View(), "\n"), 0, -1
}
