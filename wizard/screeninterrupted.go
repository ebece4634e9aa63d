package wizard

import (
	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/steps"
)

// offerUndo asks once, as soon as it is known and nothing else is asked, what
// becomes of an earlier run that did not end.
func (m *screen) offerUndo() tea.Cmd {
	if m.offered || m.done || m.look.running || m.menu != nil || m.page == onApply || m.s.Interrupted() == "" || m.s.Yes() {
		return nil
	}
	m.offered = true
	return m.askInterrupted()
}

// askInterrupted is the question about an earlier run that did not end.
func (m *screen) askInterrupted() tea.Cmd {
	return m.ask(menu{
		title: "An earlier run did not end.",
		about: []Line{
			{Kind: Caution, Text: m.s.Interrupted()},
			{Text: "What was there before it is still kept."},
		},
		choices: []choice{
			{"Go on: this run finishes what that one began", func() tea.Cmd { return nil }},
			{"Put everything back as it was before it: review that first", m.undoEarlier},
			{"Leave", func() tea.Cmd { m.leave(false); return nil }},
		},
	})
}

// undoEarlier turns the run into the one that undoes the earlier, at its review.
func (m *screen) undoEarlier() tea.Cmd {
	m.s.Switch(steps.Undo())
	m.stopChecks()
	m.form, m.trail, m.drafts, m.stepList, m.help = form{}, nil, map[answers.Key]draft{}, nil, nil
	m.changed()
	return m.open(m.last(), false, "")
}
