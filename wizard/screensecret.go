package wizard

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// secretBox takes a secret: masked, with its length, so that a paste can be seen
// to have arrived. Text that one line cannot hold, such as a private key, is
// taken as a whole and cannot be edited, only replaced.
type secretBox struct {
	input textinput.Model
	whole string // pasted, with line ends or tabs
	shown bool
	kept  string   // how the present answer was given, "" for none
	offer string   // where a secret is that ctrl+y takes, "" for nowhere
	about []string // what was taken off a paste
}

func newSecretBox(f Field) *secretBox {
	b := &secretBox{input: textinput.New()}
	b.input.Prompt = ""
	b.input.EchoCharacter = markMask
	b.input.SetVirtualCursor(false)
	b.reveal(false)
	b.keeps(f)
	return b
}

// keeps says what Enter leaves in place. What is refused cannot stay.
func (b *secretBox) keeps(f Field) {
	b.kept, b.offer = "", f.Offer
	if f.Has && f.Problem == "" {
		b.kept = f.Text
		if source := f.Source.String(); !f.Source.Given() && source != "" {
			b.kept = source
		}
	}
	b.input.Placeholder = "typed or pasted text is not shown"
	switch {
	case b.kept != "":
		b.input.Placeholder = "Enter keeps what is there: " + visible(b.kept)
	case f.Problem != "":
		b.input.Placeholder = "type or paste another one: it is not shown"
	}
}

func (b *secretBox) reveal(on bool) {
	b.shown = on
	b.input.EchoMode = textinput.EchoPassword
	if on {
		b.input.EchoMode = textinput.EchoNormal
	}
}

func (b *secretBox) press(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "up", "down", "ctrl+v", "ctrl+n", "ctrl+p":
		return false
	case "backspace", "delete", "ctrl+u", "ctrl+w":
		if b.whole != "" {
			b.whole = ""
			return true
		}
	}
	if msg.Text != "" && b.whole != "" {
		return true // it would not be clear what the key changes
	}
	b.input, _ = b.input.Update(msg)
	return true
}

func (b *secretBox) paste(text string) {
	text, b.about = secret.Clean(text)
	if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		b.input.Reset()
		b.whole = text
		return
	}
	b.whole = ""
	b.input, _ = b.input.Update(tea.PasteMsg{Content: text})
}

func (b *secretBox) value() string {
	if b.whole != "" {
		return b.whole
	}
	return b.input.Value()
}

// set empties the box: a secret is never filled in.
func (b *secretBox) set(string) {
	b.whole, b.about = "", nil
	b.input.Reset()
	b.reveal(false)
}

func (b *secretBox) typing() bool { return true }

func (b *secretBox) focus(on bool) {
	if on {
		b.input.Focus()
		return
	}
	b.input.Blur()
	b.reveal(false)
}

func (b *secretBox) lines(t *tokens, width, _ int) ([]string, int, int) {
	b.input.SetStyles(t.input)
	b.input.SetWidth(max(width-1, 1))
	if b.whole != "" {
		return b.wholeLines(t, width)
	}
	length := utf8.RuneCountInString(b.input.Value())
	lines := []string{cut(b.input.View(), width)}
	if length > 0 {
		about := strings.Join(append([]string{count(length, "character")}, b.about...), "; ")
		for _, line := range folded(about, width, 0) {
			lines = append(lines, t.dim.Render(line))
		}
		if _, err := secret.ParseRef(b.input.Value()); err == nil {
			for _, line := range folded("This is taken as the secret itself; references are for answers files.", width, 0) {
				lines = append(lines, t.caution.Render(line))
			}
		}
	}
	if b.offer != "" && length == 0 {
		for _, line := range folded("ctrl+y takes the one in "+b.offer, width, 0) {
			lines = append(lines, t.accent.Render(line))
		}
	}
	col := -1
	if c := b.input.Cursor(); c != nil {
		col = c.X
	}
	return lines, 0, col
}

func (b *secretBox) wholeLines(t *tokens, width int) ([]string, int, int) {
	length := utf8.RuneCountInString(b.whole)
	about := fmt.Sprintf("%s in %s, pasted as a whole; backspace takes it back", count(length, "character"), count(strings.Count(b.whole, "\n")+1, "line"))
	lines := []string{strings.Repeat(string(markMask), min(length, width-1))}
	if b.shown {
		lines = folded(b.whole, width, 0)
	}
	for _, line := range folded(about, width, 0) {
		lines = append(lines, t.dim.Render(line))
	}
	return lines, 0, -1
}
