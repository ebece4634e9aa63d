package wizard

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/steps"
)

// press takes one key. Whatever has a meaning for the screen never reaches the
// widget with the focus.
func (m *screen) press(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	switch {
	case key == "ctrl+z":
		return tea.Suspend
	case m.page == onApply && m.menu == nil:
		return m.pressApply(key)
	case m.menu != nil:
		return m.pressMenu(msg)
	case m.page == onHome && m.help == nil:
		return m.pressHome(key)
	case key == "ctrl+c" && m.page != onHome:
		m.help, m.stepList = nil, nil
		return m.askLeave()
	case m.help != nil:
		return m.pressHelp(key)
	case m.stepList != nil:
		return m.pressSteps(msg)
	}
	if cmd, ok := m.pressAnywhere(key); ok {
		return cmd
	}
	if m.page == onReview {
		return m.pressReview(key)
	}
	if m.s.start.Step != "" && m.look.running && key != "esc" {
		return m.drop() // typed ahead of the step that is about to open
	}
	return m.pressForm(msg)
}

// pressAnywhere takes the keys that mean the same on every step.
func (m *screen) pressAnywhere(key string) (tea.Cmd, bool) {
	switch key {
	case "f1":
		m.help = m.helpFor()
	case "?":
		if b := m.current(); b != nil && b.widget.typing() {
			return nil, false
		}
		m.help = m.helpFor()
	case "f2", "ctrl+l":
		m.openSteps()
	case "alt+right", "ctrl+pgdown":
		return m.stepBy(1), true
	case "alt+left", "ctrl+pgup":
		return m.stepBy(-1), true
	case "pgup", "pgdown":
		m.scrollPage(key)
	case "ctrl+g":
		if m.page != onReview {
			return m.jump(m.last()), true
		}
		if len(m.trail) > 0 {
			return m.back(), true
		}
	case "ctrl+r":
		return m.lookAgain(), true
	case "ctrl+e":
		return m.toggleMore(), true
	case "ctrl+s":
		m.commitTouched()
		if m.save() && m.saved != "" {
			m.say(Good, "Answers saved, without secrets: %s", m.saved)
		}
	case "ctrl+o":
		return m.copyCallback(), true
	default:
		if digit, ok := strings.CutPrefix(key, "alt+"); ok && len(digit) == 1 && digit >= "0" && digit <= "9" {
			if i := (int(digit[0]-'0') + 9) % 10; i < len(m.steps) { // 0 is the tenth
				return m.jump(m.steps[i].ID), true
			}
			return nil, true
		}
		return nil, false
	}
	return nil, true
}

// scrollPage scrolls the main pane by a screen, less two lines to hold on to.
func (m *screen) scrollPage(key string) {
	by := max(m.frame.body-2, 1)
	if key == "pgup" {
		by = -by
	}
	m.scroll, m.follow = m.scroll+by, false
}

func (m *screen) pressForm(msg tea.KeyPressMsg) tea.Cmd {
	b := m.current()
	m.follow = true
	if key := msg.String(); key != "enter" && key != "tab" {
		m.asking.leaving = "" // the operator has something to do here
	}
	switch key := msg.String(); key {
	case "enter", "tab":
		return m.next()
	case "shift+tab":
		return m.previous()
	case "esc":
		if b != nil && b.widget.press(msg) && m.isList(b) {
			return nil
		}
		return m.previous()
	case "ctrl+t":
		if s, ok := m.secret(); ok {
			s.reveal(!s.shown)
		}
		return nil
	case "ctrl+y":
		if s, ok := m.secret(); ok && s.offer != "" {
			return m.takeOffered(b)
		}
	case "backspace":
		if s, ok := m.secret(); ok && s.value() == "" && b.field.Source.Given() {
			m.s.Unset(b.field.Question.Key)
			m.reload()
			m.refresh()
			m.say(Plain, "Taken back: %s", takenBack(b.field))
			return nil
		}
	}
	if b == nil {
		switch msg.String() {
		case "up":
			m.scroll, m.follow = m.scroll-1, false
		case "down":
			m.scroll, m.follow = m.scroll+1, false
		}
		return nil
	}
	if b.widget.press(msg) {
		return nil
	}
	switch msg.String() {
	case "up":
		if m.form.at > 0 {
			return m.previous()
		}
	case "down":
		if m.form.at < len(m.form.boxes)-1 {
			return m.next()
		}
	case "ctrl+v":
		m.say(Plain, "Paste with the terminal's own key, often ctrl+shift+v or the middle mouse button.")
	}
	return nil
}

// isList tells whether esc has a use in the box: it shows a filtered list again.
func (m *screen) isList(b *box) bool {
	_, ok := b.widget.(*listBox)
	return ok
}

func (m *screen) secret() (*secretBox, bool) {
	b := m.current()
	if b == nil {
		return nil, false
	}
	s, ok := b.widget.(*secretBox)
	return s, ok
}

func takenBack(f Field) string {
	if f.Has {
		return "now it is " + f.Text + " (" + f.Source.String() + ")"
	}
	return "now there is none"
}

// paste puts a paste into the box with the focus, and nowhere else.
func (m *screen) paste(text string) {
	if m.menu != nil && m.menu.entry != nil && !m.holding {
		m.menu.entry.box.paste(text)
		m.follow = true
		return
	}
	if m.stepList != nil && m.menu == nil {
		m.stepList.list.paste(text)
		return
	}
	if b := m.current(); b != nil && m.menu == nil && m.help == nil {
		b.widget.paste(text)
		m.follow = true
	}
}

// callback is the address to register at the identity provider; "" while there
// is none.
func (m *screen) callback() string {
	return visible(steps.Callback(m.s.Input()))
}

func (m *screen) copyCallback() tea.Cmd {
	url := m.callback()
	if url == "" {
		m.say(Plain, "There is no callback yet: it follows from the portal's address.")
		return nil
	}
	m.copied = true
	m.say(Good, "The callback below was handed to the terminal's clipboard.")
	return tea.SetClipboard(url)
}
