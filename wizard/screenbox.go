package wizard

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
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
	b.offerNew(f, untouched)
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

// offerNew makes a list of a field for text where choices have come to be known, or
// others than before. What somebody has begun to type stays as it is.
func (b *box) offerNew(f Field, untouched bool) {
	if !untouched || len(f.Options) == 0 || len(f.Question.Options) > 0 {
		return
	}
	switch w := b.widget.(type) {
	case *textBox:
		list := newListBox(f.Options, f.Prefill, true)
		list.focus(w.focused)
		b.widget = list
	case *listBox:
		w.options = withCurrent(f.Options, w.chosen)
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
	focused   bool
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
		between := ", "
		if strings.HasPrefix(strings.TrimSpace(b.text+text), "[") {
			between = " " // JSON has its own commas
		}
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), between)
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
	b.focused = on
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
