package wizard

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// frame is what View hands to the terminal, drawn once for each message.
type frame struct {
	content string
	cursor  *tea.Cursor
	body    int // rows of the main pane
	side    []string
	sideKey string
	list    []string // what is settled, which keys do not change
	listKey string
}

// pane is the text of the main pane: all of it, with what has to be in view.
type pane struct {
	lines      []string
	from, to   int // lines that belong to the focus
	at         int // the line of the cursor, always in view
	cursorX    int // -1: no cursor
	cursorLine int
}

func (p *pane) add(lines ...string) { p.lines = append(p.lines, lines...) }

// text adds plain text in a style, folded to width.
func (p *pane) text(style interface{ Render(...string) string }, text string, width, hang int) {
	for _, line := range folded(text, width, hang) {
		if line == "" {
			p.add("")
			continue
		}
		p.add(style.Render(line))
	}
}

func (m *screen) short() bool { return m.height < shortBelow }

func (m *screen) sided() bool { return m.width >= sideFrom && !m.short() && m.page != onHome }

func (m *screen) sideWidth() int {
	if m.width >= wideFrom {
		return sideWide
	}
	return sideNarrow
}

// mainWidth is the room for text in the main pane.
func (m *screen) mainWidth() int {
	w := m.width
	if m.sided() {
		w -= m.sideWidth() + 3
	}
	return max(min(w, textMost), 10)
}

// draw lays the whole screen out.
func (m *screen) draw() {
	if m.width == 0 || m.height == 0 {
		return
	}
	t := m.theme.now()
	head, foot := m.header(t), m.footer(t)
	strip := m.strip(t)
	body := max(m.height-len(head)-len(foot)-len(strip)-1, 1)
	if m.height < 5 {
		head, strip, body = nil, nil, max(m.height-len(foot)-1, 1)
	}
	m.frame.body = body

	p := m.pane(t)
	m.scrollTo(p, body)
	shown := p.lines[m.scroll:min(m.scroll+body, len(p.lines))]
	below := len(p.lines) - m.scroll - len(shown)

	rows := append(make([]string, 0, m.height), head...)
	side := m.sidebar(t, body)
	for i := range body {
		row := ""
		if i < len(shown) {
			row = shown[i]
		}
		if side != nil {
			row = side[i] + t.dim.Render(" "+markSide+" ") + row
		}
		rows = append(rows, cut(row, m.width))
	}
	rows = append(rows, m.rule(t, m.scroll, below))
	rows = append(rows, strip...)
	rows = append(rows, foot...)
	m.frame.content = strings.Join(rows[:min(len(rows), m.height)], "\n")

	m.frame.cursor = nil
	if y := p.cursorLine - m.scroll; p.cursorX >= 0 && y >= 0 && y < body {
		x := p.cursorX
		if side != nil {
			x += m.sideWidth() + 3
		}
		m.frame.cursor = tea.NewCursor(x, len(head)+y)
		m.frame.cursor.Blink = false
	}
}

// scrollTo keeps the focus in view, as far as it fits, and its cursor always.
func (m *screen) scrollTo(p pane, body int) {
	if m.follow {
		if p.to > m.scroll+body {
			m.scroll = p.to - body
		}
		if p.from < m.scroll {
			m.scroll = p.from
		}
		if p.at >= m.scroll+body {
			m.scroll = p.at - body + 1
		}
		if p.at < m.scroll {
			m.scroll = p.at
		}
	}
	m.scroll = max(min(m.scroll, len(p.lines)-body), 0)
}

// pane is the text of what is on top: a menu, the help, or the page.
func (m *screen) pane(t *tokens) pane {
	width := m.mainWidth() - 2
	p := pane{cursorX: -1}
	switch {
	case m.menu != nil:
		var col int
		if p.lines, p.at, col = m.menu.lines(t, width, m.holding); col >= 0 {
			p.cursorLine, p.cursorX = p.at, col+2
		}
	case m.help != nil:
		p.lines = m.help.lines(t, width)
	case m.stepList != nil:
		m.stepList.lines(t, &p, width, m.frame.body)
	case m.page == onApply:
		p.lines, p.at = m.progress.lines(t, width, m.now())
	case m.page == onReview:
		m.reviewPane(t, &p, width)
	case m.page == onHome:
		m.homePane(t, &p, width)
		return p // it draws its own margin
	default:
		m.formPane(t, &p, width)
		return p // it draws its own margin
	}
	if m.page != onReview || m.menu != nil || m.help != nil || m.stepList != nil {
		p.from, p.to = p.at, p.at+1
		for i, line := range p.lines {
			p.lines[i] = "  " + line
		}
	}
	return p
}
