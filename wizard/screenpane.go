package wizard

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// formPane draws a step: title, intro, notes, questions, what is settled, checks.
func (m *screen) formPane(t *tokens, p *pane, width int) {
	state := m.state(m.form.step)
	var top, notes pane
	m.notes(t, &notes, state, width)
	below := m.short() || m.form.at >= 0 && len(notes.lines) > m.frame.body/2 // else the question is out of sight
	top.add(t.here.Render(m.title(state)))
	if !m.short() { // there every row counts
		top.text(t.dim, state.Intro, width, 0)
		top.add("")
	}
	if !below {
		top.add(notes.lines...)
	}
	if m.form.step == m.steps[0].ID {
		for _, line := range m.found() {
			top.text(t.line(line.Kind), line.Text, width, 2)
		}
		top.add("")
	}
	if !m.short() {
		m.providerPane(t, &top, width)
	}
	for _, line := range top.lines {
		p.add("  " + line)
	}
	if m.short() && len(p.lines) > 1 && m.form.at >= 0 {
		p.lines = p.lines[:1] // what was found is on the screens with room for it
	}
	for i, b := range m.form.boxes {
		if m.short() && i != m.form.at {
			continue
		}
		m.boxPane(t, p, b, width, i == m.form.at)
	}
	if m.form.at < 0 {
		p.add(t.accent.Render(markCursor)+" "+t.strong.Render("Nothing is asked here.")+t.dim.Render(" Enter goes on."), "")
		p.from, p.at, p.to = 0, 0, min(len(p.lines), 1)
	} else if m.form.at == 0 && p.to <= m.frame.body {
		p.from = 0
	}
	if below {
		var rest pane
		if m.short() {
			m.providerPane(t, &rest, width)
		}
		rest.add(notes.lines...)
		if m.short() && m.form.at >= 0 && m.form.step == m.steps[0].ID {
			for _, line := range m.noNamespace() {
				rest.text(t.line(line.Kind), line.Text, width, 2)
			}
		}
		for _, line := range rest.lines {
			p.add("  " + line)
		}
	}
	p.add(m.settledLines(t, width)...)
}

// title is the step's name with where it stands in the run.
func (m *screen) title(state StepState) string {
	for i, s := range m.steps {
		if s.ID == state.ID {
			if m.short() && m.page == onForm && len(m.form.boxes) > 1 {
				return fmt.Sprintf("%s, question %d of %d", s.Title, m.form.at+1, len(m.form.boxes))
			}
			return fmt.Sprintf("%s (step %d of %d)", s.Title, i+1, len(m.steps))
		}
	}
	return state.Title
}

// notes draws what the operator needs beside the questions. The callback, where
// it is too long for a line here, has a row of its own below.
func (m *screen) notes(t *tokens, p *pane, state StepState, width int) {
	url := m.callback()
	for _, note := range state.Notes {
		if url != "" && ansi.StringWidth(url) > width-16 && m.strip(t) != nil {
			note = strings.ReplaceAll(visible(note), url, "(in the row at the bottom)")
		}
		for line := range strings.SplitSeq(note, "\n") {
			p.text(t.text, line, width, column(line))
		}
		p.add("")
	}
}

// providerPane draws what the identity provider said.
func (m *screen) providerPane(t *tokens, p *pane, width int) {
	list := m.providerLines(m.form.step)
	for _, line := range list {
		p.text(t.line(line.Kind), line.Text, width, 2)
	}
	if len(list) > 0 {
		p.add("")
	}
}

// column is where the second column of a line begins, 0 when it has but one.
func column(line string) int {
	if i := strings.Index(line, "  "); i > 0 {
		return ansi.StringWidth(line[:i]) + len(line[i:]) - len(strings.TrimLeft(line[i:], " "))
	}
	return 0
}

// boxPane draws one question.
func (m *screen) boxPane(t *tokens, p *pane, b *box, width int, focused bool) {
	margin, title := "  ", t.text
	if focused {
		margin, title = t.accent.Render(markCursor)+" ", t.strong
		p.from = len(p.lines)
	}
	put := func(lines ...string) {
		for _, line := range lines {
			p.add(margin + line)
		}
	}
	q := b.field.Question
	head := title.Render(q.Title)
	switch {
	case b.gone:
		put(t.dim.Render(q.Title + ": not asked any more"))
		p.add("")
		return
	case b.field.Required:
		head += t.dim.Render(" (required)")
	}
	put(cut(head, width))
	lines, at, col := b.widget.lines(t, width, m.height-shortBelow/2-2)
	if focused {
		p.at, p.cursorX, p.cursorLine = len(p.lines)+at, -1, len(p.lines)+at
		if col >= 0 {
			p.cursorX = col + 2
		}
	}
	put(lines...)
	if b.problem != "" {
		for _, line := range folded(markWrong+" "+b.problem, width, 2) {
			put(t.bad.Render(line))
		}
	}
	for _, note := range b.notes {
		for _, line := range folded("what was given "+note, width, 2) {
			put(t.caution.Render(line))
		}
	}
	if focused {
		for _, line := range folded(q.Why, width, 0) {
			put(t.dim.Render(line))
		}
		if b.field.Doubt != "" {
			for _, line := range folded("Look twice: "+b.field.Doubt+".", width, 0) {
				put(t.caution.Render(line))
			}
		}
		if b.field.Seen != "" {
			for _, line := range folded("Here: "+b.field.Seen, width, 0) {
				put(t.text.Render(line))
			}
		}
		if origin := b.origin(); origin != "" {
			for _, line := range folded(origin, width, 0) {
				put(t.dim.Render(line))
			}
		}
		p.to = len(p.lines)
	}
	p.add("")
}

// settledLines lists what is not asked here and how it stands, and the checks of
// this step when they have run. Keys that are typed do not change it.
func (m *screen) settledLines(t *tokens, width int) []string {
	key := fmt.Sprint(m.version, m.form.step, m.form.more, width, m.theme.dark, len(m.form.boxes))
	if m.frame.listKey == key {
		return m.frame.list
	}
	var p pane
	asked := map[string]bool{}
	for _, b := range m.form.boxes {
		asked[string(b.field.Question.Key)] = true
	}
	first := true
	for _, f := range m.fields(m.form.step) {
		if asked[string(f.Question.Key)] || !f.Has {
			continue
		}
		if first {
			p.add(t.strong.Render("Settled"))
			first = false
		}
		text := f.Text
		if text == "" {
			text = "empty"
		}
		name := string(f.Question.Key) + ":"
		for i, line := range folded(fmt.Sprintf("%s %s (%s)", name, text, f.Source), width, 2) {
			if i == 0 {
				line = t.text.Render(name) + t.dim.Render(strings.TrimPrefix(line, name))
			} else {
				line = t.dim.Render(line)
			}
			p.add(line)
		}
	}
	if m.form.rest > 0 {
		p.text(t.dim, "ctrl+e asks for "+count(m.form.rest, "more setting")+".", width, 0)
	}
	m.checkLines(t, &p, width)
	for i, line := range p.lines {
		p.lines[i] = "  " + line
	}
	m.frame.list, m.frame.listKey = p.lines, key
	return p.lines
}

// checkLines shows what the checks of this step found when they last ran.
func (m *screen) checkLines(t *tokens, p *pane, width int) {
	first := true
	for _, r := range m.checks.results {
		if m.stepOfCheck(r.ID) != m.form.step {
			continue
		}
		if first {
			title := "Checks"
			if !m.checks.fresh {
				title += ", before the last change"
			}
			p.add("", t.strong.Render(title))
			first = false
		}
		for _, line := range CheckLines(r) {
			p.text(t.line(line.Kind), line.Text, width, 2)
		}
	}
}

// reviewPane draws where the review stands, the row that Enter acts on, and the
// lines of the plan.
func (m *screen) reviewPane(t *tokens, p *pane, width int) {
	page := &m.review
	bar := t.accent.Render(markCursor) + " "
	p.add("  " + t.here.Render(m.title(m.state(m.last()))))
	v := m.verdict()
	for _, about := range v.about {
		for _, line := range folded(about.Text, width, 2) {
			p.add("  " + t.line(about.Kind).Render(line))
		}
	}
	if v.row != "" {
		row := t.text.Render(markOther + " " + v.row)
		if page.at < 0 {
			row = bar + t.strong.Render(markChosen+" "+v.row)
			p.at = len(p.lines)
		} else {
			row = "  " + row
		}
		if m.holding {
			row = "  " + t.dim.Render(markOther+" "+v.row)
		}
		p.add(row)
	}
	p.from, p.to = 0, len(p.lines)
	p.add("")
	if w := m.s.whereabouts(); m.short() && w.server != "" { // the header has not the room for all of it
		for _, about := range w.lines() {
			for _, line := range folded(about.Text, width, 2) {
				p.add("  " + t.line(about.Kind).Render(line))
			}
		}
		p.add("")
	}
	page.drawLines(t, width, fmt.Sprint(width, m.theme.dark))
	for i, rows := range page.drawn {
		margin := "  "
		if i == page.at {
			margin = bar
			p.from, p.at = len(p.lines), len(p.lines)
		}
		for _, row := range rows {
			p.add(margin + row)
		}
		if i == page.at {
			p.to = len(p.lines)
		}
	}
}

// drawLines draws the plan's lines once for each width and background: there can
// be hundreds.
func (p *reviewPage) drawLines(t *tokens, width int, key string) {
	if p.drawnKey == key {
		return
	}
	p.drawn, p.drawnKey = make([][]string, len(p.lines)), key
	for i, line := range p.lines {
		style := t.line(line.Kind)
		for _, row := range folded(line.Text, width, 4) {
			p.drawn[i] = append(p.drawn[i], style.Render(row))
		}
	}
}
