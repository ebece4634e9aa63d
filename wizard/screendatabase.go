package wizard

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/steps"
)

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

// jobHelps tells whether a Job in the cluster would show what was not seen from here.
func (m *screen) jobHelps() bool { return m.s.JobHelps(m.checks.results) }

// askJob offers a Job that asks PostgreSQL from the cluster, and takes its result.
func (m *screen) askJob() tea.Cmd {
	job, why := m.s.DatabaseJob()
	if why != "" {
		m.say(Plain, "There is no Job yet: %s.", why)
		return nil
	}
	q := menu{title: "Ask PostgreSQL from inside the cluster, with a Job of your own?"}
	var about lines
	about.add(Plain, "", "A pod with psql asks the same questions and changes nothing; its log is the result. It resolves names and gets an address as the portal's pods do. It has not their labels: a NetworkPolicy that selects the portal's pods does not apply to it.")
	q.choices = []choice{{"Back to the review", func() tea.Cmd { return nil }}, {"Paste the result", m.askResult}}
	if m.t.SaveJob != nil {
		q.choices = append(q.choices, choice{"Write the Job's manifest to a file, and show the commands", func() tea.Cmd { return m.saveJob(job) }})
	}
	q.about = about
	return m.ask(q)
}

// saveJob writes the manifest and shows what to type.
func (m *screen) saveJob(job steps.DatabaseJob) tea.Cmd {
	path, err := m.t.SaveJob(job.Manifest)
	if err != nil {
		m.say(Bad, "The Job could not be written: %v", err)
		return nil
	}
	var about lines
	for _, c := range slices.Concat(job.Before, []string{job.Apply + path}, job.After) {
		about.add(Command, "", "%s", c)
	}
	return m.ask(menu{title: "The Job is in " + path + ". In another terminal:", about: about, choices: []choice{
		{"Paste the result, which is in " + steps.JobResultFile, m.askResult},
		{"Back to the review", func() tea.Cmd { return nil }},
	}})
}

func (m *screen) askResult() tea.Cmd {
	var about lines
	about.add(Dim, "", "All of the Job's log, in one paste. Empty asks from here again.")
	return m.askText("Paste the result of the Job", about, newSecretBox(Field{}), func(text string) (tea.Cmd, error) {
		if err := m.s.PasteResult(text); err != nil {
			return nil, err
		}
		return m.reviewedAnew(), nil
	})
}
