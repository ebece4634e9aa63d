package wizard

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// menu is a question over the screen. Its first choice is the one that changes
// nothing that could not be changed back.
type menu struct {
	title   string
	about   []Line
	choices []choice
	at      int
	word    string // typing it moves to the last choice
	typed   string
	must    bool // esc does not close it
	entry   *entry

	interrupt func() tea.Cmd // for Ctrl+C; nil leaves the program
}

type choice struct {
	title string
	do    func() tea.Cmd
}

// entry is a text that a menu asks for instead of a choice.
type entry struct {
	box     widget
	problem string
	take    func(text string) (tea.Cmd, error) // the error completes "This …"; the menu stays then
}

// askText opens a menu that asks for a text; typed keys go into box.
func (m *screen) askText(title string, about []Line, box widget, take func(string) (tea.Cmd, error)) tea.Cmd {
	box.focus(true)
	return m.ask(menu{title: title, about: about, entry: &entry{box: box, take: take}})
}

// ask opens a menu; it takes no keys that were typed ahead.
func (m *screen) ask(q menu) tea.Cmd {
	m.menu, m.follow = &q, true
	return m.hold()
}

// askLeave asks what becomes of the answers. Ctrl+C again leaves at once.
func (m *screen) askLeave() tea.Cmd {
	q := menu{title: "Leave? Nothing has been changed so far."}
	if m.failed != nil {
		q.title = "Leave?"
	}
	if m.t.SaveDraft != nil {
		q.choices = append(q.choices, choice{"Save the answers, without secrets, and leave", func() tea.Cmd { m.leave(true); return nil }})
	}
	q.choices = append(q.choices,
		choice{"Leave without saving", func() tea.Cmd { m.leave(false); return nil }},
		choice{"Go on", func() tea.Cmd { return nil }})
	return m.ask(q)
}

func (m *screen) pressMenu(msg tea.KeyPressMsg) tea.Cmd {
	q := m.menu
	key := msg.String()
	if key == "ctrl+c" && q.interrupt != nil {
		m.menu = nil
		return q.interrupt()
	}
	if key == "ctrl+c" {
		m.leave(false)
		return nil
	}
	if key == "pgup" || key == "pgdown" {
		m.scrollPage(key)
		return nil
	}
	m.follow = true
	if m.holding {
		return m.drop()
	}
	if q.entry != nil {
		return m.pressEntry(msg)
	}
	switch key {
	case "esc":
		if !q.must {
			m.menu = nil
		}
	case "up", "shift+tab", "left":
		q.at = (q.at + len(q.choices) - 1) % len(q.choices)
	case "down", "tab", "right":
		q.at = (q.at + 1) % len(q.choices)
	case "enter":
		m.menu = nil
		return q.choices[q.at].do()
	case "backspace":
		if q.typed != "" {
			q.typed = q.typed[:len(q.typed)-1]
		}
	default:
		q.typed = typedOn(q, msg.Text)
		if q.word != "" && q.typed == q.word {
			q.at = len(q.choices) - 1
		}
	}
	return nil
}

// pressEntry takes a key for a menu that asks for a text.
func (m *screen) pressEntry(msg tea.KeyPressMsg) tea.Cmd {
	e := m.menu.entry
	switch msg.String() {
	case "esc":
		m.menu = nil
	case "enter":
		cmd, err := e.take(e.box.value())
		if err != nil {
			e.problem = "This " + err.Error()
			return nil
		}
		m.menu = nil
		return cmd
	case "ctrl+t":
		if s, ok := e.box.(*secretBox); ok {
			s.reveal(!s.shown)
		}
	default:
		e.problem = ""
		e.box.press(msg)
	}
	return nil
}

// typedOn adds a letter to the word that agrees, as far as it is that word.
func typedOn(q *menu, text string) string {
	typed := q.typed + strings.ToLower(text)
	if !strings.HasPrefix(q.word, typed) {
		return ""
	}
	return typed
}

// lines draws the menu; col is the column of the terminal's cursor, -1 for none.
func (q *menu) lines(t *tokens, width int, holding bool) (lines []string, at, col int) {
	col = -1
	for _, line := range folded(q.title, width, 0) {
		lines = append(lines, t.strong.Render(line))
	}
	lines = append(lines, "")
	for _, about := range q.about {
		for _, line := range folded(about.Text, width, 2) {
			lines = append(lines, t.line(about.Kind).Render(line))
		}
	}
	if len(q.about) > 0 {
		lines = append(lines, "")
	}
	if q.entry != nil {
		drawn, below, x := q.entry.box.lines(t, width-2, 1)
		if at = len(lines) + below; x >= 0 {
			col = x + 2 // behind the mark
		}
		for _, line := range drawn {
			lines = append(lines, t.accent.Render(markCursor)+" "+line)
		}
		for _, line := range folded(q.entry.problem, width, 2) {
			lines = append(lines, t.bad.Render(line))
		}
	}
	for i, c := range q.choices {
		mark, style := markOther+" ", t.text
		if i == q.at {
			mark, style, at = t.accent.Render(markChosen)+" ", t.strong, len(lines)
		}
		if holding {
			style = t.dim
		}
		for _, line := range folded(c.title, width-2, 0) {
			lines = append(lines, mark+style.Render(line))
			mark = "  "
		}
	}
	if q.word != "" {
		lines = append(lines, "", t.dim.Render(cut("Or type "+q.word+": ", width))+t.accent.Render(q.typed))
	}
	return lines, at, col
}
