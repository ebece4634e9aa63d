package wizard

import tea "charm.land/bubbletea/v2"

// mayCreate tells whether making a database would show more than was seen.
func (m *screen) mayCreate() bool { return m.s.MayCreate(m.checks.results) }

// askCreate asks whether a database may be made at the server, to see that it can.
func (m *screen) askCreate() tea.Cmd {
	var about lines
	about.add(Plain, "", "A database backstage_plugin_probe_… is made as Backstage would make its own, connected to, and dropped again: also when you leave meanwhile. Only that proves that the role may.")
	return m.ask(menu{title: "Make a database at PostgreSQL, to see that it can be made?", about: about, choices: []choice{
		{"No, back to the review", func() tea.Cmd { return nil }},
		{"Yes, make it and drop it", func() tea.Cmd { m.s.ProbeCreate(true); return m.reviewedAnew() }},
	}})
}

// takeOffered takes the secret that is there already, and goes on.
func (m *screen) takeOffered(b *box) tea.Cmd {
	where := b.field.Offer
	if err := m.s.TakeOffered(b.field.Question.Key); err != nil {
		b.problem = err.Error()
		return nil
	}
	b.widget.set("")
	b.settle()
	m.reload()
	m.refresh()
	m.say(Good, "Taken from %s", where)
	return nil
}
