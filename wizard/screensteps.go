package wizard

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/steps"
)

// stepList is the list of all steps over the screen: the way to those that ask
// nothing, which Enter passes over.
type stepList struct{ list *listBox }

func (m *screen) openSteps() {
	var options []steps.Option
	for i, s := range m.steps {
		options = append(options, steps.Option{Value: s.ID, Title: fmt.Sprintf("%-2d %s", i+1, s.Title), Note: m.standing(s)})
	}
	m.stepList = &stepList{newListBox(options, m.here(), false)}
	m.stepList.list.most = len(options)
	m.stepList.list.focus(true)
	m.scroll, m.follow, m.message = 0, true, ""
}

// standing is how a step stands, in a word.
func (m *screen) standing(s StepState) string {
	switch {
	case s.Wrong > 0:
		return markWrong + " " + itoa(s.Wrong) + " wrong"
	case s.Open > 0:
		return markOpen + " " + itoa(s.Open) + " open"
	case s.ID == m.last():
		return ""
	}
	return markSettled + " settled"
}

func (m *screen) pressSteps(msg tea.KeyPressMsg) tea.Cmd {
	list := m.stepList.list
	m.follow = true
	switch msg.String() {
	case "f2", "ctrl+l":
		m.closeSteps()
	case "enter":
		if len(list.matches()) == 0 {
			return nil
		}
		m.closeSteps()
		if list.chosen == m.here() {
			return nil
		}
		return m.jump(list.chosen)
	case "tab":
		list.press(tea.KeyPressMsg{Code: tea.KeyDown})
	case "shift+tab":
		list.press(tea.KeyPressMsg{Code: tea.KeyUp})
	default:
		if !list.press(msg) && msg.String() == "esc" {
			m.closeSteps()
		}
	}
	return nil
}

func (m *screen) closeSteps() { m.stepList, m.scroll, m.follow = nil, 0, true }

// lines draws the list.
func (l *stepList) lines(t *tokens, p *pane, width, rows int) {
	p.add(t.strong.Render(cut("Go to a step", width)), "")
	lines, at, col := l.list.lines(t, width, rows-4)
	p.cursorLine = len(p.lines) + at
	p.at = p.cursorLine
	if col >= 0 {
		p.cursorX = col + 2
	}
	p.add(lines...)
}

// stepBy goes to the step before or after this one, whether or not it asks
// anything.
func (m *screen) stepBy(by int) tea.Cmd {
	for i, s := range m.steps {
		if s.ID != m.here() {
			continue
		}
		if to := i + by; to >= 0 && to < len(m.steps) {
			return m.jump(m.steps[to].ID)
		}
	}
	m.say(Plain, "There is no step %s this one.", map[bool]string{true: "before", false: "after"}[by < 0])
	return nil
}
