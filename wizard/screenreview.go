package wizard

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// reviewPage shows what would change. The cursor stands on the row that says
// what Enter does next, or on a line, from which Enter leads to its step.
type reviewPage struct {
	plan  Review
	err   error // a file cannot be edited
	lines []Line
	at    int // -1 is the row

	drawn    [][]string // lines as they are drawn, for drawnKey
	drawnKey string
}

// openReview works out the plan, which looks at nothing, and runs the checks.
func (m *screen) openReview() tea.Cmd {
	m.review = reviewPage{at: -1}
	if m.busy() {
		m.review.update(m)
		return m.hold()
	}
	m.review.plan, m.review.err = m.s.Plan()
	var run tea.Cmd
	if m.review.err == nil && len(m.review.plan.Problems) == 0 {
		run = m.startChecks()
	}
	m.review.update(m)
	return tea.Batch(run, m.hold())
}

// update brings the lines up to the checks' present state; the cursor stays on
// the line that it is on.
func (p *reviewPage) update(m *screen) {
	var under Line
	if p.at >= 0 && p.at < len(p.lines) {
		under = p.lines[p.at]
	}
	p.plan.Checks = m.checks.inOrder()
	p.lines, p.drawnKey = nil, ""
	if m.busy() || p.err != nil {
		p.at = -1
		return
	}
	p.lines = p.plan.Lines()
	for i, line := range p.lines {
		if line.Step == "" {
			p.lines[i].Step = m.stepOfLine(line.Text)
		}
	}
	if p.at >= len(p.lines) || (p.at >= 0 && p.lines[p.at] != under) {
		p.at = slices.Index(p.lines, under)
	}
}

// stepOfLine finds the step of a check's line by the check's ID.
func (m *screen) stepOfLine(text string) string {
	_, rest, _ := strings.Cut(text, " ")
	id, _, ok := strings.Cut(rest, ":")
	if !ok || !slices.Contains(m.checks.order, id) {
		return ""
	}
	return m.stepOfCheck(id)
}

// stepOfCheck returns the step that mends what a check found.
func (m *screen) stepOfCheck(id string) string {
	for _, r := range m.checks.results {
		if r.ID == id && r.Cure != nil && m.state(r.Cure.Step).Title != "" {
			return r.Cure.Step
		}
	}
	in := m.s.Input()
	for _, st := range m.s.flow.Steps {
		if st.Checks == nil || m.state(st.ID).Title == "" || st.ID == m.last() {
			continue
		}
		for _, c := range st.Checks(m.s.env, in) {
			if c.ID == id {
				return st.ID
			}
		}
	}
	return ""
}

// keyOfCheck returns the question that mends what a check found; "" when it is not
// known.
func (m *screen) keyOfCheck(id string) answers.Key {
	for _, r := range m.checks.results {
		if r.ID == id && r.Cure != nil {
			return answers.Key(r.Cure.Key)
		}
	}
	return ""
}

// propose has the question that mends what a check found begin with what the finding
// proposes, so that Enter takes it.
func (m *screen) propose(id string) {
	for _, r := range m.checks.results {
		if r.ID != id || r.Cure == nil {
			continue
		}
		for _, p := range r.Cure.Propose {
			if _, q, ok := m.s.flow.Find(answers.Key(p.Key)); ok && q.Check(p.Value) == nil {
				m.drafts[q.Key] = draft{text: q.Value.Print(p.Value)}
			}
		}
	}
}

// change leads from the review to where something is answered.
func (m *screen) change(step string, key answers.Key) tea.Cmd {
	cmd := m.goTo(step, key)
	if len(m.form.boxes) == 0 && m.page == onForm && m.form.rest > 0 {
		return m.open(step, true, key)
	}
	if b := m.current(); key != "" && (b == nil || b.field.Question.Key != key) && m.form.rest > 0 {
		return m.open(step, true, key)
	}
	return cmd
}

func (m *screen) pressReview(key string) tea.Cmd {
	p := &m.review
	m.follow = true
	switch key {
	case "up", "k":
		p.move(-1)
	case "down", "j":
		p.move(1)
	case "home":
		p.at = -1
	case "end":
		p.at = len(p.lines) - 1
	case "tab":
		p.heading(1)
	case "shift+tab":
		p.heading(-1)
	case "esc":
		return m.back()
	default:
		if m.holding {
			return m.drop()
		}
	}
	switch v := m.verdict(); key {
	case "enter":
		if p.at >= 0 {
			if line := p.lines[p.at]; line.Step != "" {
				return m.change(line.Step, line.Key)
			}
			m.say(Plain, "There is nothing to change behind this line.")
			return nil
		}
		if v.do != nil {
			return v.do()
		}
	case "a":
		if v.do != nil && v.row != "" && m.ready() {
			return v.do()
		}
		m.say(Plain, "It cannot be applied yet: the first lines say why.")
	case "s":
		if id := m.skippable(); id != "" {
			return m.askSkip(id)
		}
	case "t":
		if m.tokenHelps() {
			return m.askToken()
		}
	case "p":
		if m.unproven() {
			return m.askProbe()
		}
	case "o":
		if m.jobHelps() {
			return m.askJob()
		}
	case "d":
		if m.mayCreate() {
			return m.askCreate()
		}
	case "c":
		if v.failed != "" {
			return m.askAccept(v.failed)
		}
	case "b":
		if m.s.Interrupted() != "" {
			return m.askInterrupted()
		}
	case "u":
		if p := m.review.plan.Plan; p != nil && (p.Offers() || p.Upgrading()) {
			m.s.Upgrade(!p.Upgrading())
			m.changed()
			return m.openReview()
		}
	case "x":
		if m.hasLastApplied() {
			m.s.AcceptLastApplied(!m.s.Input().Current.DropLastApplied)
			m.changed()
			return m.openReview()
		}
	}
	return nil
}

// ready tells whether nothing stands in the way of applying.
func (m *screen) ready() bool {
	return !m.busy() && m.look.err == nil && m.review.err == nil && !m.checks.running && m.review.plan.Plan != nil && m.review.plan.Blocked() == "" && m.untaken() == ""
}

// hasLastApplied tells whether kubectl's copy of old secrets is on the Secret.
func (m *screen) hasLastApplied() bool {
	return copyOfOldSecrets(m.s.Input()) && m.review.plan.Plan != nil
}

// move moves the cursor to the next line that says something.
func (p *reviewPage) move(by int) {
	for i := p.at + by; i >= -1 && i < len(p.lines); i += by {
		if i < 0 || p.lines[i].Text != "" {
			p.at = i
			return
		}
	}
}

// heading moves the cursor to the next heading.
func (p *reviewPage) heading(by int) {
	for i := p.at + by; i >= -1 && i < len(p.lines); i += by {
		if i < 0 || p.lines[i].Kind == Heading {
			p.at = i
			return
		}
	}
}

// askApply asks for the explicit yes. The first choice is No.
func (m *screen) askApply() tea.Cmd {
	if !m.ready() {
		return nil
	}
	if m.s.Yes() {
		return m.apply()
	}
	var about lines
	for _, a := range m.review.plan.Plan.Actions {
		about.add(Plain, "", "%s %s", markOpen, a.Title())
	}
	about = append(about, m.s.whereabouts().lines()...)
	q := menu{
		title: "Apply " + theseChanges(m.review.plan.Plan.Changes()) + "?", about: about, word: "yes",
		choices: []choice{{"No, back to the review", func() tea.Cmd { return nil }}},
	}
	if m.review.plan.Plan.Offers() {
		q.choices = append(q.choices, choice{"Review it with helm upgrade, which this program then runs too", func() tea.Cmd {
			m.s.Upgrade(true)
			m.changed()
			return m.openReview()
		}})
	}
	if m.review.plan.Plan.Keeping() {
		q.choices = append(q.choices, choice{"Review it without keeping the old values", func() tea.Cmd {
			m.s.KeepPrevious(false)
			m.changed()
			return m.openReview()
		}})
	}
	if notes, may := m.review.plan.notes(); may {
		text := "Review it with a note on the Secret when this program set which key, never what"
		if notes {
			text = "Review it without the note on the Secret"
		}
		q.choices = append(q.choices, choice{text, func() tea.Cmd {
			m.s.History(!notes)
			m.changed()
			return m.openReview()
		}})
	}
	q.choices = append(q.choices, choice{"Yes, apply", m.apply})
	return m.ask(q)
}

// askAccept asks whether to go on although a check failed. It says what the check
// found, and for doubts about the cluster which one it is.
func (m *screen) askAccept(id string) tea.Cmd {
	q := menu{title: "Go on although check " + id + " failed?", word: "yes"}
	yes := "Yes, go on without it"
	var about lines
	for _, r := range m.checks.results {
		if r.ID == id {
			about.add(Bad, "", "%s %s", markWrong, r.Found)
		}
	}
	if stake, agree := atStake(id); stake != "" {
		q.title, yes = "Is this the cluster that you mean?", agree
		if !strings.HasPrefix(id, "cluster.") {
			q.title = "Go on without knowing whom the portal talks to?"
		}
		about.add(Caution, "", "%s", stake)
		about = append(about, m.s.whereabouts().lines()...)
	}
	about.add(Dim, "", "It counts for this run only, as --accept %s does.", id)
	q.about = about
	q.choices = []choice{
		{"No, back to the review", func() tea.Cmd { return nil }},
		{yes, func() tea.Cmd {
			m.s.Accept(id)
			m.changed()
			return m.openReview()
		}},
	}
	return m.ask(q)
}
