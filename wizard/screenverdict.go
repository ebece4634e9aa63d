package wizard

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
)

// verdict is where the review stands, and what Enter on its row does.
type verdict struct {
	about  []Line
	row    string // "" when there is nothing to do but wait
	do     func() tea.Cmd
	failed string // the check that is in the way
}

// verdict says where the review stands.
func (m *screen) verdict() verdict {
	var v verdict
	var l lines
	p := &m.review
	open := func(step string, key answers.Key) {
		v.row, v.do = "Go to "+m.state(step).Title, func() tea.Cmd { return m.change(step, key) }
	}
	switch r := p.plan; {
	case m.look.running:
		l.add(Plain, "", "Looking at the cluster%s The review follows.", markMore)
	case m.look.err != nil:
		l.add(Bad, "", "%s %v", markWrong, m.look.err)
		switch {
		case !m.look.reached:
			open("target", "target.context")
		case m.chartUnknown():
			open("target", "chart")
		default:
			open("target", "target.values")
		}
	case m.asking.running:
		l.add(Plain, "", "Asking the identity provider%s The review follows.", markMore)
	case p.err != nil:
		l.add(Bad, "", "%s %v", markWrong, p.err)
		open("target", "target.values")
	case len(r.Problems) > 0:
		verb := map[bool]string{true: "is", false: "are"}[len(r.Problems) == 1]
		l.add(Bad, "", "%s %s %s wrong or missing.", markWrong, count(len(r.Problems), "answer"), verb)
		open(stepOf(r.Problems[0].Key), r.Problems[0].Key)
	case m.untaken() != "":
		key := m.untaken()
		l.add(Bad, "", "%s What was typed for %s is not taken yet: it %s.", markWrong, key, cmp.Or(m.drafts[key].problem, "was left by going back"))
		open(stepOf(key), key)
	case m.checks.running:
		l.add(Plain, "", "%s Checking: %d of %d have answered.", markMore, len(m.checks.results), len(m.checks.order))
	case r.Failed() != "":
		v.failed = r.Failed()
		for _, c := range r.Checks {
			if c.Status != check.Fail {
				continue
			}
			l.add(Bad, "", "%s Check %s failed: %s", markWrong, c.ID, c.Found)
			if c.Hint != "" {
				l.add(Plain, "", "  %s", strings.ReplaceAll(c.Hint, "\n", "\n  "))
			}
		}
		if stake, _ := atStake(v.failed); stake != "" {
			v.row, v.do = "Look at the cluster and confirm it", func() tea.Cmd { return m.askAccept(v.failed) }
		} else if step := m.stepOfCheck(v.failed); step != "" {
			open(step, m.keyOfCheck(v.failed))
			lead := v.do
			v.do = func() tea.Cmd { m.propose(v.failed); return lead() }
		}
	case !r.Changes():
		text := "Everything is as asked already."
		if r.undoes() || r.pending() != "" {
			text = r.nothing()
		}
		l.add(Good, "", "%s %s", markSettled, text)
		v.row, v.do = "End: there is nothing to change", m.finish
	case m.s.DryRun():
		l.add(Good, "", "%s This is a dry run: %s would be made.", markSettled, count(r.Plan.Changes(), "change"))
		v.row, v.do = "End the dry run", m.finish
	default:
		l.add(Good, "", "%s %s", markSettled, m.checks.summary())
		if n := len(r.Warnings); n > 0 {
			l.add(Caution, "", "! %s below: tab goes from part to part.", count(n, "warning"))
		}
		v.row, v.do = "Apply "+theseChanges(r.Plan.Changes()), m.askApply
	}
	if words := m.s.Interrupted(); words != "" && !m.look.running {
		l.add(Caution, "", "! An earlier run did not end: %s", words)
	}
	v.about = l
	return v
}

func theseChanges(n int) string {
	if n == 1 {
		return "this 1 change"
	}
	return "these " + count(n, "change")
}

// summary counts the verdicts of the checks that have ended.
func (c checking) summary() string {
	if len(c.results) == 0 {
		return "There is nothing to check."
	}
	n := map[check.Status]int{}
	for _, r := range c.results {
		n[r.Status]++
	}
	text := count(n[check.Pass], "check") + " passed"
	for _, kind := range []struct {
		status check.Status
		word   string
	}{{check.Warn, "warned"}, {check.Accepted, "failed and accepted"}, {check.Inconclusive, "could not tell"}, {check.Skip, "skipped"}} {
		if n[kind.status] > 0 {
			text += ", " + itoa(n[kind.status]) + " " + kind.word
		}
	}
	return text + "."
}

// untaken is a question for which text was typed that is no answer so far.
func (m *screen) untaken() answers.Key {
	in := m.s.Input()
	for _, key := range slices.Sorted(maps.Keys(m.drafts)) {
		if st, q, ok := m.s.flow.Find(key); ok && st.Applies(in, q) {
			return key
		}
	}
	return ""
}

// finish ends a run that has nothing to apply.
func (m *screen) finish() tea.Cmd {
	m.end, m.done = End{Review: m.review.plan, Applied: !m.s.DryRun()}, true
	return nil
}
