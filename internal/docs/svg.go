package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/hinshun/vt10x"
)

// The measures of the picture, in pixels.
const (
	cellWidth, cellHeight = 8.4, 18.0
	baseline              = 13.5 // of a row, from its top
	margin                = 16.0
)

// The bits of vt10x.Glyph.Mode that the picture shows; vt10x does not export them.
const (
	underlined = 1 << 1
	bold       = 1 << 2
)

const (
	ink   = "#d8dce2"
	paper = "#16191f"
)

// The sixteen colours that a terminal's theme decides on.
var theme = [16]string{
	"#16191f", "#f2857b", "#7cc98f", "#e5b567", "#7aa2e0", "#b9a0dc", "#6cc7e6", "#c3c7cd",
	"#8b9098", "#f6a59d", "#9fdcae", "#f0cb8e", "#9cbcec", "#cdb9e8", "#95d8ef", "#ffffff",
}

// svg draws what is on the terminal. Every run of cells that look alike becomes
// one text, stretched to its cells so that columns stay columns in any font.
func svg(term vt10x.View, title string) []byte {
	cols, lines := term.Size()
	width, height := 2*margin+float64(cols)*cellWidth, 2*margin+float64(lines)*cellHeight
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&b, "<rect width=\"%.0f\" height=\"%.0f\" rx=\"8\" fill=\"%s\"/>\n", width, height, paper)
	fmt.Fprintf(&b, "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"%s\" xml:space=\"preserve\">\n", ink)
	for y := range lines {
		for x := 0; x < cols; {
			first := term.Cell(x, y)
			from := x
			var text strings.Builder
			for x < cols && alike(term.Cell(x, y), first) {
				text.WriteRune(letter(term.Cell(x, y)))
				x++
			}
			draw(&b, first, text.String(), from, y)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return []byte(b.String())
}

func alike(a, b vt10x.Glyph) bool {
	const shown = underlined | bold
	return a.FG == b.FG && a.BG == b.BG && a.Mode&shown == b.Mode&shown
}

func letter(g vt10x.Glyph) rune {
	if g.Char == 0 {
		return ' '
	}
	return g.Char
}

func draw(b *strings.Builder, g vt10x.Glyph, text string, x, y int) {
	if g.BG != vt10x.DefaultBG {
		fmt.Fprintf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
			left(x), top(y), float64(len([]rune(text)))*cellWidth, cellHeight, hex(g.BG))
	}
	words := strings.TrimLeft(text, " ")
	x += len(text) - len(words)
	words = strings.TrimRight(words, " ")
	if words == "" {
		return
	}
	look := ""
	if g.FG != vt10x.DefaultFG {
		look += fmt.Sprintf(" fill=\"%s\"", hex(g.FG))
	}
	if g.Mode&bold != 0 {
		look += " font-weight=\"bold\""
	}
	if g.Mode&underlined != 0 {
		look += " text-decoration=\"underline\""
	}
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\"%s>%s</text>\n",
		left(x), top(y)+baseline, float64(len([]rune(words)))*cellWidth, look, html.EscapeString(words))
}

func left(x int) float64 { return margin + float64(x)*cellWidth }

func top(y int) float64 { return margin + float64(y)*cellHeight }

// hex writes a colour: the terminal's own, one of xterm's 256, or any other. A
// reversed cell has the default colours the other way round.
func hex(c vt10x.Color) string {
	switch {
	case c == vt10x.DefaultFG || c == vt10x.DefaultCursor:
		return ink
	case c == vt10x.DefaultBG:
		return paper
	case c < 16:
		return theme[c]
	case c < 232: // a cube of six steps to a side
		n := int(c) - 16
		step := func(i int) int { return []int{0, 95, 135, 175, 215, 255}[i] }
		return fmt.Sprintf("#%02x%02x%02x", step(n/36), step(n/6%6), step(n%6))
	case c < 256:
		grey := 8 + 10*(int(c)-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
	}
	return fmt.Sprintf("#%06x", uint32(c))
}
