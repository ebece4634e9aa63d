package wizard

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// homePage shows what is installed, how it is, and what can be done now. The
// cursor goes from one thing that can be chosen to the next.
type homePage struct {
	rows []homeRow
	on   string // id of the row with the cursor

	examination Examination // once the checks have ended
	moved       bool        // somebody has moved it
	all         bool        // every check is shown, not the findings alone
}

// homeRow is one or more lines, and what Enter does on them.
type homeRow struct {
	id    string // "" cannot be chosen
	lines []Line
	brief bool   // each line is cut rather than folded: Enter shows all of it
	does  string // what Enter does, for the footer
	do    func() tea.Cmd
}

// atHome tells whether the run asks nothing: it shows how the portal is.
func (s *Session) atHome() bool { return s.flow.Silent }

// examinable tells whether there is something to check: nothing is wrong with a
// portal that is not there yet, unless that is the question.
func (s *Session) examinable() bool {
	if s.Offline() {
		return false
	}
	in := s.Input()
	nothing := in.Current.Cluster.Server.Err == nil && !steps.IsInstalled(in) && !steps.Unseen(in)
	return s.whole || !nothing
}

// openHome shows the page; the checks run once the cluster was looked at.
func (m *screen) openHome() tea.Cmd {
	if m.page != onHome {
		m.home.all = m.s.whole
	}
	m.page, m.offered = onHome, true // what an earlier run left is one of the offers
	var run tea.Cmd
	if !m.busy() && m.look.err == nil && m.s.examinable() {
		run = m.startChecks()
	}
	m.home.update(m)
	return run
}

// update makes the rows anew; the cursor stays on what it is on.
func (p *homePage) update(m *screen) {
	p.rows = nil
	if m.checks.fresh {
		p.examination = m.s.judge(slices.Clone(m.checks.results))
	}
	m.homeFacts()
	m.homeHealth()
	m.homeOffers()
	if p.index() < 0 || !p.moved {
		p.on = p.begin()
	}
}

// begin is where the cursor is before anybody has moved it: on what to mend first
// where something failed or every check is shown, else on the first offer.
func (p *homePage) begin() string {
	for _, r := range p.rows {
		if r.id == "first" && !p.examination.Healthy() || p.all && r.id != "" || strings.HasPrefix(r.id, "offer ") {
			return r.id
		}
	}
	return ""
}

func (p *homePage) add(r homeRow) { p.rows = append(p.rows, r) }

func (p *homePage) text(kind LineKind, format string, args ...any) {
	var l lines
	l.add(kind, "", format, args...)
	p.add(homeRow{lines: l})
}

func (p *homePage) index() int {
	return slices.IndexFunc(p.rows, func(r homeRow) bool { return r.id != "" && r.id == p.on })
}

// homeFacts tells what is installed, or why that is not known.
func (m *screen) homeFacts() {
	p := &m.home
	if m.look.running && !m.look.seen {
		p.text(Plain, "Looking at the cluster%s", markMore)
		return
	}
	facts := steps.Facts(m.s.Input())
	if len(facts) == 0 || m.look.err != nil {
		p.add(homeRow{lines: m.found()})
		return
	}
	width := 0
	for _, f := range facts {
		width = max(width, len(f.Name))
	}
	for _, f := range facts {
		p.text(Plain, "%-*s  %s", width, f.Name, f.Text)
	}
}

// homeHealth tells how the portal is: the one cause to mend first, what else was
// found, and how many checks passed.
func (m *screen) homeHealth() {
	p := &m.home
	if len(m.checks.order) == 0 {
		return
	}
	p.text(Plain, "")
	p.text(Heading, "Health")
	if m.checks.running {
		p.text(Plain, "%s Checking: %d of %d have answered.", markMore, len(m.checks.results), len(m.checks.order))
		for _, r := range m.checks.inOrder() {
			if p.all || worthTelling(r) {
				p.add(m.findingRow(r))
			}
		}
		return
	}
	e := p.examination
	kind, verdict := e.verdict()
	p.text(kind, "%s", verdict)
	if e.First >= 0 {
		first := m.findingRow(e.Checks[e.First])
		first.id, first.brief = "first", false
		first.lines = append([]Line{{Kind: Heading, Text: "Mend first"}}, first.lines...)
		if follow := check.Consequences(e.Checks, e.Checks[e.First].ID); len(follow) > 0 {
			first.lines = append(first.lines, Line{Kind: Dim, Text: "  It brings about " + strings.Join(follow, ", ") + "."})
		}
		p.add(first)
	}
	category, unknown := "", 0
	for i, r := range e.Checks {
		if !p.all && (!worthTelling(r) || r.Because != "" || i == e.First) {
			continue
		}
		if !p.all && r.Status == check.Inconclusive {
			if unknown++; unknown > 3 {
				continue
			}
		}
		if p.all && r.Category != category {
			category = r.Category
			p.text(Dim, "%s", steps.CategoryOf(r.ID).Title)
		}
		p.add(m.findingRow(r))
	}
	if unknown > 3 {
		p.text(Caution, "? %d more are not known: v shows them", unknown-3)
	}
}

// worthTelling is what is not simply in order.
func worthTelling(r check.Result) bool {
	return slices.Contains([]check.Status{check.Fail, check.Warn, check.Inconclusive, check.Accepted}, r.Status)
}

// findingRow is one check; what it found is told in one line, the rest behind
// Enter.
func (m *screen) findingRow(r check.Result) homeRow {
	if r.Status == "" {
		return homeRow{lines: []Line{{Kind: Dim, Text: markMore + " " + r.ID}}}
	}
	first, _, more := strings.Cut(r.Found, "\n")
	if more {
		first += " " + markMore
	}
	kind := map[check.Status]LineKind{check.Pass: Good, check.Fail: Bad, check.Skip: Dim}[r.Status]
	if kind == Plain {
		kind = Caution
	}
	return homeRow{
		id: "check " + r.ID, does: "look at it", brief: true,
		lines: []Line{{Kind: kind, Text: fmt.Sprintf("%s %s: %s", checkMarks[r.Status], r.ID, first)}},
		do:    func() tea.Cmd { return m.openFinding(r) },
	}
}

// openFinding tells all about one check, and offers what mends it.
func (m *screen) openFinding(r check.Result) tea.Cmd {
	var choices []choice
	if mendable(r) {
		choices = append(choices, choice{cureTitle(r.Cure), func() tea.Cmd { return m.lead(cureStart(r)) }})
	}
	choices = append(choices, choice{"Back", func() tea.Cmd { return nil }})
	return m.ask(menu{title: r.ID, about: findingLines(r), choices: choices})
}

// findingLines is all about one check.
func findingLines(r check.Result) []Line {
	var l lines
	e := Examination{Checks: []check.Result{r}, First: -1}
	e.result(&l, 0, textMost)
	return l
}

// cureTitle says where a finding is mended, and with what.
func cureTitle(c *check.Cure) string {
	title := "Mend it in " + c.Flow
	if step, q, ok := steps.Catalog().Find(answers.Key(c.Key)); ok {
		title += ": " + step.Title + ", " + q.Title
	}
	for _, p := range c.Propose {
		title += fmt.Sprintf(", with %v", p.Value)
	}
	return title
}

// homeOffers lists the flows that make sense.
func (m *screen) homeOffers() {
	p := &m.home
	if m.look.running && !m.look.seen {
		return
	}
	p.text(Plain, "")
	p.text(Heading, "What now")
	for _, o := range steps.Offers(m.s.Input()) {
		l := []Line{{Text: o.Title}}
		if o.Why != "" {
			l = append(l, Line{Kind: Caution, Text: "  " + o.Why})
		}
		start := Start{Flow: o.Flow, Args: o.Args}
		p.add(homeRow{id: "offer " + o.Flow + strings.Join(o.Args, " "), lines: l, does: "begin", do: func() tea.Cmd { return m.lead(start) }})
	}
	if len(m.checks.order) > 0 {
		title := "Show every check"
		if p.all {
			title = "Show the findings alone"
		}
		p.add(homeRow{id: "all", lines: []Line{{Text: title}}, does: "do it", do: m.toggleAll})
	}
}

func (m *screen) toggleAll() tea.Cmd {
	m.home.all = !m.home.all
	m.home.update(m)
	return nil
}

// lead ends the page with the run that the operator chose.
func (m *screen) lead(to Start) tea.Cmd {
	m.end, m.done = End{Left: true, Home: true, Start: &to, Examination: m.examined()}, true
	return nil
}

// examined is what the checks came to; nil while they have not all answered.
func (m *screen) examined() *Examination {
	if !m.checks.fresh {
		return nil
	}
	return &m.home.examination
}

// pressHome takes a key on the page. Nothing is at stake here, so leaving asks
// nothing.
func (m *screen) pressHome(key string) tea.Cmd {
	p := &m.home
	m.follow = true
	switch key {
	case "up", "k", "shift+tab":
		p.move(-1)
	case "down", "j", "tab":
		p.move(1)
	case "home":
		p.on = ""
		p.move(1)
	case "end":
		p.on = ""
		p.move(-1)
	case "pgup", "pgdown":
		m.scrollPage(key)
	case "v":
		return m.toggleAll()
	case "ctrl+r", "r":
		return m.lookAgain()
	case "?", "f1":
		m.help = m.homeHelp()
	case "enter":
		if at := p.index(); at >= 0 {
			return p.rows[at].do()
		}
	case "q", "esc", "ctrl+c":
		m.end, m.done = End{Left: true, Home: true, Examination: m.examined()}, true
	}
	return nil
}

// move moves the cursor to the next row that can be chosen, around the ends.
func (p *homePage) move(by int) {
	p.moved = true
	n := len(p.rows)
	at := p.index()
	if at < 0 && by < 0 {
		at = 0
	}
	for range n {
		at = (at + by + n) % n
		if p.rows[at].id != "" {
			p.on = p.rows[at].id
			return
		}
	}
}

// homePane draws the page.
func (m *screen) homePane(t *tokens, p *pane, width int) {
	top := true // nothing above can be chosen: it is seen together with the first that can
	for _, row := range m.home.rows {
		mark := "  "
		here := row.id != "" && row.id == m.home.on
		if here {
			mark = t.accent.Render(markCursor) + " "
			p.from, p.at = len(p.lines), len(p.lines)
			if top {
				p.from = 0
			}
		}
		top = top && row.id == ""
		for _, line := range row.lines {
			style := t.line(line.Kind)
			if here && line.Kind == Plain {
				style = t.strong
			}
			texts := folded(line.Text, width, column(line.Text))
			if row.brief {
				texts = []string{cut(visible(line.Text), width)}
			}
			for _, text := range texts {
				p.add(mark + style.Render(text))
			}
		}
		if here {
			p.to = len(p.lines)
		}
	}
}

func (m *screen) homeHints() []hint {
	hints := []hint{{"↑↓", "move"}}
	if at := m.home.index(); at >= 0 {
		hints = append(hints, hint{"enter", m.home.rows[at].does})
	}
	word := "every check"
	if m.home.all {
		word = "findings alone"
	}
	return append(hints, hint{"v", word}, hint{"ctrl+r", "check again"}, hint{"?", "help"}, hint{"q", "leave"})
}

func (m *screen) homeHelp() *helpPage {
	m.scroll, m.follow = 0, false
	var l lines
	l.add(Heading, "", "Keys")
	for _, h := range []hint{
		{"↑↓, tab", "from one thing that can be chosen to the next"},
		{"enter", "begin what the cursor is on, or look at a finding and mend it"},
		{"v", "show every check, or the findings alone"},
		{"ctrl+r", "look and check again"},
		{"PgUp, PgDn", "scroll"},
		{"ctrl+z", "suspend; fg comes back"},
		{"q, esc, ctrl+c", "leave"},
	} {
		l.add(Plain, "", "%-16s %s", h.key, h.does)
	}
	l.add(Plain, "", "")
	l.add(Heading, "", "Marks")
	l.add(Plain, "", "%s in order   %s failed   ! worth a look   ? could not be told   - not asked", checkMarks[check.Pass], checkMarks[check.Fail])
	l.add(Plain, "", "")
	l.add(Plain, "", "Nothing is changed here. `backstage-setup explain CHECK` tells what a check looks at.")
	return &helpPage{text: l}
}
