package wizard

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/steps"
)

// header says what this run is about.
func (m *screen) header(t *tokens) []string {
	in := m.s.Input()
	d, c := in.Draft, in.Current
	name := t.strong.Render("backstage-setup") + t.dim.Render(" "+strings.ToLower(m.s.flow.Title))
	if m.s.DryRun() {
		name += t.caution.Render(" (dry run)")
	}
	where, warn := m.where()
	style := t.strong
	if warn {
		style = t.alarm
	}
	long := []string{"namespace " + d.Target.Namespace, "release " + d.Target.Release, "chart " + in.Chart.Version}
	brief := []string{d.Target.Namespace + "/" + d.Target.Release, "chart " + in.Chart.Version}
	if d.Target.Namespace == d.Target.Release {
		brief[0] = d.Target.Namespace
	}
	if c.Target.Server != "" && !c.Local() && c.Target.Context == d.Target.Context {
		long = append([]string{c.Target.Server}, long...)
	}
	state := ""
	switch {
	case c.Local():
	case m.look.running:
		state = t.dim.Render("looking at the cluster" + markMore)
	case m.look.err != nil && m.look.reached:
		why := strings.ReplaceAll(visible(m.look.err.Error()), "\n", " ")
		state = t.bad.Render(cut(markWrong+" "+why, max(m.width-ansi.StringWidth(name)-1, 1)))
	case m.look.err != nil || c.Cluster.Server.Err != nil:
		state = t.bad.Render(markWrong + " the cluster was not reached")
	}
	where = style.Render(visible(where))
	about := func(parts []string) string {
		return where + t.dim.Render(visible("  "+strings.Join(parts, "  ")))
	}
	second := about(brief[1:])
	for _, parts := range [][]string{long, long[len(long)-3:], brief} {
		if line := about(parts); ansi.StringWidth(line) <= m.width {
			second = line
			break
		}
	}
	if m.short() {
		return []string{cut(where+"  "+t.dim.Render("chart "+in.Chart.Version)+"  "+state, m.width)}
	}
	return []string{m.spread(name, state), cut(second, m.width), t.dim.Render(strings.Repeat(markRule, m.width))}
}

// where names the cluster that this is about, and tells whether its name warns.
func (m *screen) where() (name string, warn bool) {
	in := m.s.Input()
	name = in.Draft.Target.Context
	switch {
	case in.Current.Offline:
		return "offline", false
	case in.Current.NoConfig:
		return "no kubeconfig", false
	case name == "":
		return "in the cluster", false
	case steps.ProductionPart(name, in.Current.Target.Server) != "":
		return name + " (production?)", true
	}
	return name, false
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
	case m.menu != nil && m.menu.must:
		return []hint{{"↑↓", "choose"}, {"enter", "do it"}, {"ctrl+c", "leave at once"}}
	case m.menu != nil:
		return []hint{{"↑↓", "choose"}, {"enter", "do it"}, {"esc", "close"}, {"ctrl+c", "leave at once"}}
	case m.page == onApply:
		return []hint{{"ctrl+c", "stop"}}
	case m.help != nil:
		return []hint{{"esc", "close"}, {"↑↓ PgUp PgDn", "scroll"}}
	case m.stepList != nil:
		return []hint{{"↑↓", "choose"}, {"enter", "go there"}, {"esc", "close"}, {"ctrl+c", "leave"}}
	case m.page == onReview:
		return m.reviewHints()
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
	if v := m.verdict(); v.row != "" {
		if m.review.at < 0 {
			hints = append(hints, hint{"enter", strings.ToLower(v.row[:1]) + v.row[1:]})
		} else {
			hints = append(hints, hint{"enter", "change this"})
			if m.ready() && m.review.plan.Changes() {
				hints = append(hints, hint{"a", "apply"})
			}
		}
		if v.failed != "" {
			hints = append(hints, hint{"c", "go on although it failed"})
		}
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
