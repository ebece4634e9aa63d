package wizard

import (
	"image/color"

	"charm.land/bubbles/v2/textinput"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
)

// The symbols of the full screen. Each stands beside words, or is explained by
// them in the help: nothing is said by a symbol or a colour alone.
const (
	markSettled = "✓"
	markOpen    = "•"
	markWrong   = "✗"
	markHere    = "→"
	markCursor  = "▌"
	markMore    = "…"
	markRule    = "─"
	markSide    = "│"
	markMask    = '•'
	markChosen  = "●"
	markOther   = "○"
)

// The sizes of the full screen, in cells.
const (
	sideNarrow = 26  // the list of steps
	sideWide   = 31  // the same, where there is room
	sideFrom   = 80  // columns from which it is shown
	wideFrom   = 100 // columns from which it is wide
	shortBelow = 14  // rows below which one field is shown at a time
	textMost   = 100 // columns beyond which text is no longer easy to read
	listRows   = 8   // of a list that is filtered by typing
)

// tokens are the styles for one kind of background. Colours are few: what is
// going on, what is in order, what needs thought and what is wrong.
type tokens struct {
	strong, dim, accent, here   lipgloss.Style
	good, caution, bad, alarm   lipgloss.Style
	added, removed, hunk, shell lipgloss.Style
	text                        lipgloss.Style
	huh                         *huh.Styles
	input                       textinput.Styles
}

func newTokens(dark bool) *tokens {
	pick := lipgloss.LightDark(dark)
	ink := func(light, dark string) color.Color { return pick(lipgloss.Color(light), lipgloss.Color(dark)) }
	style := lipgloss.NewStyle
	t := &tokens{
		text:    style(),
		strong:  style().Bold(true),
		dim:     style().Foreground(ink("#6B6F76", "#8B9098")),
		accent:  style().Foreground(ink("#0A6C8E", "#6CC7E6")),
		good:    style().Foreground(ink("#1D7A3E", "#7CC98F")),
		caution: style().Foreground(ink("#8F5A00", "#E5B567")),
		bad:     style().Foreground(ink("#B3261E", "#F2857B")),
		hunk:    style().Foreground(ink("#6A4C93", "#B9A0DC")),
	}
	t.here = t.accent.Bold(true)
	t.alarm = t.caution.Bold(true).Reverse(true)
	t.added, t.removed = t.good, t.bad
	t.shell = t.accent
	t.input = textinput.DefaultStyles(dark)
	t.input.Focused.Prompt, t.input.Focused.Text, t.input.Focused.Placeholder = t.accent, t.text, t.dim
	t.input.Blurred.Prompt, t.input.Blurred.Text, t.input.Blurred.Placeholder = t.dim, t.text, t.dim
	t.input.Cursor.Blink = false
	t.huh = t.fields(dark)
	return t
}

// fields is the look of huh's widgets: bare, since the screen draws titles,
// marks and errors itself. The chosen button is told by a filled dot.
func (t *tokens) fields(dark bool) *huh.Styles {
	s := huh.ThemeBase(dark)
	none := lipgloss.NewStyle()
	f := &s.Focused
	f.Base, f.Card = none, none
	f.Title, f.Description = t.strong, t.dim
	f.SelectSelector = t.accent.SetString(markChosen + " ")
	f.SelectedOption, f.UnselectedOption, f.Option = t.strong, t.text, t.text
	f.FocusedButton = t.strong.PaddingRight(3).Transform(func(s string) string { return markChosen + " " + s })
	f.BlurredButton = t.dim.PaddingRight(3).Transform(func(s string) string { return markOther + " " + s })
	f.TextInput.Prompt, f.TextInput.Text, f.TextInput.Placeholder = t.accent, t.text, t.dim
	f.TextInput.Cursor = t.accent
	s.Blurred = s.Focused
	return s
}

// line is the look of one line of the review or the summary.
func (t *tokens) line(kind LineKind) lipgloss.Style {
	switch kind {
	case Heading:
		return t.strong
	case Added:
		return t.added
	case Removed:
		return t.removed
	case Hunk:
		return t.hunk
	case Good:
		return t.good
	case Caution:
		return t.caution
	case Bad:
		return t.bad
	case Dim:
		return t.dim
	case Command:
		return t.shell
	}
	return t.text
}

// look holds both sets of tokens, built once: huh asks its theme for styles on
// every access, and never learns what the background is.
type look struct {
	dark bool
	sets [2]*tokens
}

func newLook() *look {
	return &look{dark: true, sets: [2]*tokens{newTokens(false), newTokens(true)}}
}

func (l *look) now() *tokens {
	if l.dark {
		return l.sets[1]
	}
	return l.sets[0]
}

// Theme returns huh's styles for the background that the terminal told of.
func (l *look) Theme(bool) *huh.Styles { return l.now().huh }
