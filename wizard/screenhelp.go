package wizard

import (
	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/templates"
)

// helpPage explains the question with the focus and every key.
type helpPage struct{ text []Line }

func (m *screen) helpFor() *helpPage {
	m.scroll, m.follow = 0, false
	var l lines
	if b := m.current(); b != nil {
		q := b.field.Question
		l.add(Heading, "", "%s", q.Title)
		l.add(Plain, "", "%s", q.Why)
		switch {
		case q.Value.Kind == answers.Hidden:
			l.add(Plain, "", "Type or paste the secret itself. It is shown while ctrl+t says so, and never saved with the answers: an answers file has %s instead.", q.Example)
		case q.Example != "":
			l.add(Plain, "", "Such as: %s", q.Example)
		}
		if q.Default != "" {
			l.add(Plain, "", "Without an answer: %s.", q.Default)
		}
		for _, o := range b.field.Options {
			text := o.Value
			if o.Title != o.Value {
				text += ", " + o.Title
			}
			if o.Note != "" {
				text += ": " + o.Note
			}
			l.add(Plain, "", "%s %s", markOpen, text)
		}
		l.add(Dim, "", "In an answers file and for --set it is %s.", q.Key)
		if since := templates.Since(string(q.Key)); since != "" {
			l.add(Dim, "", "Charts %s and newer have it.", since)
		}
		l.add(Dim, "", "More: backstage-setup explain %s", q.Key)
		l.add(Plain, "", "")
	}
	l.add(Heading, "", "Keys")
	for _, h := range []hint{
		{"enter, tab, ↓", "take the answer, go on to the next question"},
		{"shift+tab, ↑", "back to the question before; nothing is checked"},
		{"esc", "back; on the first step: leave"},
		{"ctrl+e", "ask for more settings of this step, or fewer"},
		{"F2, ctrl+l", "the list of all steps: choose one to go to"},
		{"alt+→, alt+←", "to the next step or the one before, also where nothing is asked; ctrl+PgDn and ctrl+PgUp too"},
		{"alt+1…9, alt+0", "to a step by its number; 0 is the tenth"},
		{"ctrl+g", "to the review, and back"},
		{"ctrl+r", "look at the cluster and check again"},
		{"ctrl+t", "show or hide the secret while it is typed"},
		{"ctrl+o", "copy the callback to the clipboard"},
		{"ctrl+s", "save the answers, without secrets"},
		{"PgUp, PgDn", "scroll"},
		{"ctrl+z", "suspend; fg comes back"},
		{"ctrl+c", "leave; again: at once"},
	} {
		l.add(Plain, "", "%-16s %s", h.key, h.does)
	}
	l.add(Plain, "", "")
	l.add(Heading, "", "Marks")
	l.add(Plain, "", "%s here   %s settled   %s open   %s wrong", markHere, markSettled, markOpen, markWrong)
	return &helpPage{text: l}
}

func (m *screen) pressHelp(key string) tea.Cmd {
	switch key {
	case "esc", "?", "f1", "enter", "q":
		m.help, m.scroll, m.follow = nil, 0, true
	case "pgup", "pgdown":
		m.scrollPage(key)
	case "up":
		m.scroll--
	case "down":
		m.scroll++
	}
	return nil
}

func (h *helpPage) lines(t *tokens, width int) []string {
	var p pane
	for _, line := range h.text {
		p.text(t.line(line.Kind), line.Text, width, column(line.Text))
	}
	return p.lines
}
