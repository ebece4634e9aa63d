package wizard

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/steps"
)

// header says what this run is about, and which cluster: all that a person
// compares before something is written is on every page.
func (m *screen) header(t *tokens) []string {
	in := m.s.Input()
	d, c := in.Draft, in.Current
	name := t.strong.Render("backstage-setup") + t.dim.Render(" "+strings.ToLower(m.s.flow.Title))
	if m.s.DryRun() {
		name += t.caution.Render(" (dry run)")
	}
	state := ""
	if m.asking.running {
		state = t.dim.Render("asking " + m.asking.whom + markMore)
	}
	room := max(m.width-ansi.StringWidth(name)-1, 1)
	if m.short() {
		room = m.width
	}
	switch {
	case c.Local():
	case m.look.running:
		state = t.dim.Render("looking at the cluster" + markMore)
	case m.look.err != nil && m.look.reached:
		why := strings.ReplaceAll(visible(m.look.err.Error()), "\n", " ")
		state = t.bad.Render(cut(markWrong+" "+why, room))
	case m.look.err != nil || c.Cluster.Server.Err != nil:
		state = t.bad.Render(markWrong + " the cluster was not reached")
	}
	if m.short() {
		return m.shortHeader(t, m.s.whereabouts(), in.Chart.Version, state)
	}
	about := []string{"release " + d.Target.Release, "chart " + in.Chart.Version}
	if d.Target.Release == d.Target.Namespace {
		about = about[1:]
	}
	rows := append([]string{m.spread(name, state)}, m.clusterLines(t, m.s.whereabouts(), about)...)
	return append(rows, t.dim.Render(strings.Repeat(markRule, m.width)))
}

// clusterLines names the cluster in one line if there is room, else in two. Names
// that are too long lose their middle; what warns and the fingerprint never do.
func (m *screen) clusterLines(t *tokens, w whereabouts, about []string) []string {
	parts := append([]string{"namespace " + w.namespace}, about...)
	if w.server != "" {
		parts = append([]string{w.server, "namespace " + w.namespace, w.authority()}, about...)
	}
	tail := func(parts []string) string { return visible("  " + strings.Join(parts, "  ")) }
	if one := tail(parts); ansi.StringWidth(w.name())+ansi.StringWidth(one) <= m.width {
		return []string{m.named(t, w) + t.dim.Render(one)}
	}
	if w.server == "" {
		return []string{cut(m.named(t, w)+t.dim.Render(tail(parts)), m.width)}
	}
	second := "namespace " + w.namespace + tail(append([]string{w.authority()}, about...))
	if ansi.StringWidth(second) > m.width {
		second = w.namespace + tail(append([]string{w.authority()}, about[len(about)-1:]...))
	}
	return []string{m.contextAndServer(t, w), cut(t.dim.Render(visible(second)), m.width)}
}

// contextAndServer shares a line between two names.
func (m *screen) contextAndServer(t *tokens, w whereabouts) string {
	room := m.width - ansi.StringWidth(w.warning()) - 2
	server := squeezed(w.server, max(room/2, room-ansi.StringWidth(w.context)))
	w.context = squeezed(w.context, room-ansi.StringWidth(server))
	return cut(m.named(t, w)+t.dim.Render(visible("  "+server)), m.width)
}

// shortHeader is what a small terminal has room for: of the fingerprint the first
// half, which the first step and the question before applying tell in full.
func (m *screen) shortHeader(t *tokens, w whereabouts, chart, state string) []string {
	if w.server == "" {
		return []string{cut(m.named(t, w)+"  "+t.dim.Render("chart "+chart)+"  "+state, m.width)}
	}
	ca := w.authority()
	if w.ca != "" && !w.insecure {
		ca = "CA " + w.ca[:min(len(w.ca), 9)] + markMore
	}
	unverified := w.insecure
	w.insecure = false // the second line has it
	first := m.contextAndServer(t, w)
	if state != "" {
		return []string{first, cut(state, m.width)} // nothing can be written now
	}
	style := t.dim
	if unverified {
		style = t.alarm
	}
	return []string{first, t.dim.Render(visible(squeezed(w.namespace, m.width-ansi.StringWidth(ca)-2))+"  ") + style.Render(ca)}
}

// named is the cluster's name in the look that it asks for.
func (m *screen) named(t *tokens, w whereabouts) string {
	style := t.strong
	if w.warns() {
		style = t.alarm
	}
	return style.Render(visible(w.name()))
}

// spread puts left and right at the ends of one line.
func (m *screen) spread(left, right string) string {
	gap := m.width - ansi.StringWidth(left) - ansi.StringWidth(right)
	if gap < 1 {
		return cut(left, m.width)
	}
	return left + strings.Repeat(" ", gap) + right
}

// sidebar lists the steps; nil when there is no room for it.
func (m *screen) sidebar(t *tokens, rows int) []string {
	if !m.sided() {
		return nil
	}
	key := fmt.Sprint(m.version, m.here(), rows, m.sideWidth(), m.theme.dark)
	if m.frame.sideKey == key {
		return m.frame.side
	}
	var lines []string
	at, width := 0, m.sideWidth()
	for i, s := range m.steps {
		mark, style, word := markSettled, t.text, ""
		markStyle := t.good
		switch {
		case s.Wrong > 0:
			mark, markStyle, word = markWrong, t.bad, itoa(s.Wrong)+" wrong"
		case s.Open > 0:
			mark, markStyle, word = markOpen, t.caution, itoa(s.Open)+" open"
		case s.ID == m.last():
			mark, markStyle = " ", t.dim
		}
		if s.ID == m.here() {
			mark, markStyle, style, at = markHere, t.here, t.here, i
			if word == "" {
				word = "here"
			}
		}
		number := fmt.Sprintf(" %2d ", i+1)
		name := cut(s.Title, width-7-ansi.StringWidth(word))
		gap := width - 6 - ansi.StringWidth(name) - ansi.StringWidth(word)
		lines = append(lines, markStyle.Render(mark)+t.dim.Render(number)+style.Render(name)+strings.Repeat(" ", max(gap, 1))+t.dim.Render(word)+" ")
	}
	from := max(0, min(at-rows/2, len(lines)-rows))
	lines = lines[from:min(len(lines), from+rows)]
	for len(lines) < rows {
		lines = append(lines, "")
	}
	for i := range lines {
		lines[i] = padded(lines[i], width)
	}
	m.frame.side, m.frame.sideKey = lines, key
	return lines
}

// rule separates the main pane from the rows below it: it says what the last key
// came to, and whether there is more to see.
func (m *screen) rule(t *tokens, above, below int) string {
	left := ""
	if m.message != "" {
		left = t.line(m.messageKind).Render(m.message) + " "
	}
	right := ""
	switch {
	case above > 0 && below > 0:
		right = fmt.Sprintf(" %d above, %d below, PgUp PgDn ", above, below)
	case below > 0:
		right = fmt.Sprintf(" %s below, PgDn ", count(below, "line"))
	case above > 0:
		right = fmt.Sprintf(" %s above, PgUp ", count(above, "line"))
	}
	room := m.width - ansi.StringWidth(right)
	left = cut(left, max(room, 0))
	return left + t.dim.Render(strings.Repeat(markRule, max(room-ansi.StringWidth(left), 0))+cut(right, m.width))
}

// strip is the callback in full, when it was asked for, and on the steps where it
// is needed and too long for the main pane: an address in two pieces cannot be
// copied.
func (m *screen) strip(t *tokens) []string {
	url := m.callback()
	noted := false
	if m.page == onForm && !m.short() && ansi.StringWidth(url) > m.mainWidth()-18 {
		for _, note := range m.state(m.form.step).Notes {
			noted = noted || strings.Contains(note, url)
		}
	}
	if url == "" || m.page == onApply || m.menu != nil || m.help != nil || m.stepList != nil || !(noted || m.copied) {
		return nil
	}
	link := t.accent.Hyperlink(url)
	switch {
	case ansi.StringWidth(url)+10 <= m.width:
		return []string{t.dim.Render("callback  ") + link.Render(url)}
	case ansi.StringWidth(url) <= m.width:
		return []string{link.Render(url)}
	}
	var rows []string
	for _, row := range folded(url, m.width, 0) {
		rows = append(rows, link.Render(row))
	}
	return rows
}

// hint is one key and what it does.
type hint struct{ key, does string }

// footer names the keys that work now, as many as fit, the most needed first.
func (m *screen) footer(t *tokens) []string {
	line := ""
	for _, h := range m.hints() {
		next := t.strong.Render(h.key) + " " + t.dim.Render(h.does)
		if line != "" {
			next = line + "  " + next
		}
		if lipgloss.Width(next) > m.width {
			break
		}
		line = next
	}
	return []string{line}
}

func (m *screen) hints() []hint {
	switch {
	case m.menu != nil && m.holding:
		return []hint{{markMore, ""}}
	case m.menu != nil && m.menu.entry != nil:
		hints := []hint{{"enter", "take it"}, {"esc", "close"}}
		if _, ok := m.menu.entry.box.(*secretBox); ok {
			hints = append(hints, hint{"ctrl+t", "show or hide"})
		}
		return append(hints, hint{"ctrl+c", "leave at once"})
	case m.menu != nil && m.menu.must:
		return []hint{{"↑↓", "choose"}, {"enter", "do it"}, {"ctrl+c", "leave at once"}}
	case m.menu != nil:
		return []hint{{"↑↓", "choose"}, {"enter", "do it"}, {"esc", "close"}, {"ctrl+c", "leave at once"}}
	case m.page == onApply && m.progress.undoing:
		return []hint{{"ctrl+c", "leave without waiting"}, {"PgUp PgDn", "scroll"}}
	case m.page == onApply && m.progress.waiting():
		return []hint{{"ctrl+c", "stop waiting, then choose"}, {"PgUp PgDn", "scroll"}}
	case m.page == onApply:
		return []hint{{"ctrl+c", "stop"}, {"PgUp PgDn", "scroll"}}
	case m.help != nil:
		return []hint{{"esc", "close"}, {"↑↓ PgUp PgDn", "scroll"}}
	case m.stepList != nil:
		return []hint{{"↑↓", "choose"}, {"enter", "go there"}, {"esc", "close"}, {"ctrl+c", "leave"}}
	case m.page == onReview:
		return m.reviewHints()
	case m.page == onHome:
		return m.homeHints()
	}
	hints := []hint{{"enter", "next"}, {"esc", "back"}}
	b := m.current()
	if _, ok := m.secret(); ok {
		hints = append(hints, hint{"ctrl+t", "show or hide"})
	}
	switch {
	case b == nil:
	case !b.widget.typing():
		keys := "↑↓"
		if _, ok := b.widget.(*yesBox); ok {
			keys = "←→ y n"
		}
		hints = append(hints, hint{keys, "choose"}, hint{"?", "help"})
	case m.isList(b):
		hints = append(hints, hint{"↑↓", "choose"}, hint{"F1", "help"})
	default:
		hints = append(hints, hint{"F1", "help"})
	}
	if b == nil {
		hints = append(hints, hint{"?", "help"})
	}
	hints = append(hints, hint{"F2", "steps"})
	if m.form.more {
		hints = append(hints, hint{"ctrl+e", "fewer settings"})
	} else if m.form.rest > 0 {
		hints = append(hints, hint{"ctrl+e", "more settings"})
	}
	return append(hints, hint{"ctrl+g", "review"}, hint{"ctrl+c", "leave"}, hint{"ctrl+r", "look again"},
		hint{"ctrl+s", "save answers"}, hint{"ctrl+o", "copy callback"}, hint{"alt+← →", "step before or after"})
}

func (m *screen) reviewHints() []hint {
	if m.holding {
		return []hint{{"↑↓", "move"}, {"esc", "back"}}
	}
	hints := []hint{{"↑↓", "move"}}
	v := m.verdict()
	if v.row != "" {
		if m.review.at < 0 {
			hints = append(hints, hint{"enter", strings.ToLower(v.row[:1]) + v.row[1:]})
		} else {
			hints = append(hints, hint{"enter", "change this"})
			if m.ready() && m.review.plan.Changes() {
				hints = append(hints, hint{"a", "apply"})
			}
		}
	}
	if v.failed != "" {
		hints = append(hints, hint{"c", "go on although it failed"})
	}
	if m.jobHelps() {
		hints = append(hints, hint{"o", "ask with a Job"})
	}
	if steps.MaySkip(v.failed) {
		hints = append(hints, hint{"s", "leave it out, with a reason"})
	}
	if m.tokenHelps() {
		hints = append(hints, hint{"t", "judge a token"})
	}
	if m.unproven() {
		hints = append(hints, hint{"p", "prove it with requests that fail"})
	}
	if m.mayCreate() {
		hints = append(hints, hint{"d", "make a database and drop it"})
	}
	if m.s.Interrupted() != "" {
		hints = append(hints, hint{"b", "put the earlier run back"})
	}
	hints = append(hints, hint{"esc", "back"})
	if m.hasLastApplied() {
		word := "remove kubectl's copy of old secrets"
		if m.s.Input().Current.DropLastApplied {
			word = "keep kubectl's copy of old secrets"
		}
		hints = append(hints, hint{"x", word})
	}
	hints = append(hints, hint{"?", "help"}, hint{"F2", "steps"})
	if p := m.review.plan.Plan; p != nil && p.Offers() {
		hints = append(hints, hint{"u", "run helm upgrade too"})
	} else if p != nil && p.Upgrading() {
		hints = append(hints, hint{"u", "leave helm upgrade to you"})
	}
	return append(hints, hint{"ctrl+r", "look and check again"}, hint{"tab", "next part"}, hint{"ctrl+c", "leave"}, hint{"ctrl+s", "save answers"})
}
