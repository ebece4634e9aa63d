package wizard

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/steps"
)

// box is one question as the screen asks it: a widget, and what is wrong with
// what it holds. Widgets never move the focus and their commands are dropped:
// all navigation is the screen's, and happens before the next key is looked at.
type box struct {
	field   Field
	base    string // what the widget held before anybody touched it
	widget  widget
	problem string   // completes "The value …"
	notes   []string // about what was taken off a secret, for instance
	gone    bool     // the question no longer applies
}

// widget is what takes keys for one question.
type widget interface {
	press(tea.KeyPressMsg) bool // false: it has no use for this key
	paste(text string)
	value() string
	set(text string)
	focus(on bool)
	typing() bool // letters go into it
	// lines draws it, a list with at most so many rows; at is the line to keep in
	// view, col the column of the terminal's cursor there, -1 for none.
	lines(t *tokens, width, rows int) (lines []string, at, col int)
}

func newBox(f Field, theme *look) *box {
	b := &box{field: f}
	options, free := f.Options, len(f.Question.Options) == 0
	switch {
	case f.Question.Value.Kind == answers.Hidden:
		b.widget = newSecretBox(f)
	case f.Question.Value.Kind == answers.Bool:
		b.widget = newYesBox(f, theme)
	case len(options) > 10 || (free && len(options) > 0):
		b.widget = newListBox(options, f.Prefill, free)
	case len(options) > 0:
		b.widget = newChoiceBox(options, f.Prefill, theme)
	default:
		b.widget = newTextBox(f, theme)
	}
	b.base = b.widget.value()
	return b
}

// touched tells whether a person changed what the widget holds.
func (b *box) touched() bool { return b.widget.value() != b.base }

// refresh takes in how the question stands now. What a person has typed stays.
func (b *box) refresh(f Field) {
	untouched := !b.touched()
	b.field, b.gone = f, false
	switch w := b.widget.(type) {
	case *secretBox:
		w.keeps(f)
	case *textBox:
		if untouched {
			w.set(f.Prefill)
			w.suggested = !f.Has && f.Prefill != ""
		}
	default:
		if untouched && f.Prefill != "" {
			w.set(f.Prefill)
		}
	}
	if untouched {
		b.settle()
	}
}

// settle makes what the widget holds the state that is not touched.
func (b *box) settle() { b.base = b.widget.value() }

// origin says where what the box holds came from, unless a person gave it.
func (b *box) origin() string {
	text, isText := b.widget.(*textBox)
	source := b.field.Source
	switch {
	case b.touched():
		return ""
	case isText && text.suggested:
		return "A suggestion: Enter takes it, typing replaces it."
	case b.field.Has && !source.Given() && b.field.Question.Value.Kind != answers.Hidden:
		return "Source: " + source.String() + "."
	}
	return ""
}

// textBox is huh's Input.
type textBox struct {
	text      string
	input     *huh.Input
	list      bool // several values, separated by commas
	suggested bool // the text is a suggestion: typing replaces it
}

func newTextBox(f Field, theme *look) *textBox {
	b := &textBox{text: f.Prefill, list: f.Question.Value.Kind == answers.List, suggested: !f.Has && f.Prefill != ""}
	b.input = huh.NewInput().Value(&b.text).Prompt("")
	if f.Question.Example != "" {
		b.input.Placeholder("such as " + f.Question.Example)
	}
	b.input.WithTheme(theme)
	b.text = f.Prefill
	return b
}

func (b *textBox) press(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "up", "down", "ctrl+v", "ctrl+n", "ctrl+p":
		return false
	}
	if msg.Text != "" {
		b.replace()
	}
	b.suggested = false
	b.input.Update(msg)
	return true
}

// replace empties a box that holds a suggestion.
func (b *textBox) replace() {
	if b.suggested {
		b.set("")
	}
}

// paste takes line ends at the end off; between the values of a list they count
// as commas.
func (b *textBox) paste(text string) {
	text = strings.Trim(text, "\r\n")
	if b.list {
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), ", ")
	}
	b.replace()
	b.input.Update(tea.PasteMsg{Content: text})
}

func (b *textBox) value() string { return b.text }

func (b *textBox) set(text string) {
	b.text, b.suggested = text, false
	b.input.Value(&b.text)
}

func (b *textBox) typing() bool { return true }

func (b *textBox) focus(on bool) {
	if on {
		b.input.Focus()
		return
	}
	b.input.Blur()
}

func (b *textBox) lines(_ *tokens, width, _ int) ([]string, int, int) {
	b.input.WithWidth(width)
	return []string{b.input.View()}, 0, -1
}

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
