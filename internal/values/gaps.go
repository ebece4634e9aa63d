package values

import (
	"bytes"

	yaml "go.yaml.in/yaml/v3"
)

// gaps tells how many neighbours in a block collection have a blank line
// between them, and how many have none: scalars beside scalars, and others.
type gaps struct{ scalars, others split }

type split struct{ with, without int }

// nearby bounds how many entries are looked at, the last ones, in huge files.
const nearby = 100

// gaps looks at the entries of a block collection: the lines, from 0, where they
// start, and their values.
func (d *document) gaps(lines []int, column int, value func(i int) *yaml.Node) gaps {
	var g gaps
	for i := max(1, len(lines)-nearby); i < len(lines); i++ {
		s, above := &g.others, value(i-1)
		if !isTall(above) && !isTall(value(i)) {
			s = &g.scalars
		}
		switch {
		case !d.blankAbove(lines[i], column):
			s.without++
		case !d.keepsBlanks(above):
			s.with++
		}
	}
	return g
}

// between tells whether a blank line belongs between two neighbours, as it is
// between most of their kind, else between most of all.
func (g gaps) between(scalars bool) bool {
	s := g.others
	if scalars {
		s = g.scalars
	}
	if s == (split{}) {
		s = split{g.scalars.with + g.others.with, g.scalars.without + g.others.without}
	}
	return s.with > s.without
}

// blankAbove tells whether a blank line is above an entry and the comments that
// stand no deeper.
func (d *document) blankAbove(line, column int) bool {
	for line--; line >= 0; line-- {
		start := d.lines[line]
		text := d.src[start:d.lineEnd(start)]
		rest := bytes.TrimLeft(text, " \t")
		if len(rest) == 0 {
			return true
		}
		if rest[0] != '#' || len(text)-len(rest) > column {
			return false
		}
	}
	return false
}

// mappingGaps are those between the entries of a block mapping.
func (d *document) mappingGaps(n *yaml.Node, column int) gaps {
	lines := make([]int, len(n.Content)/2)
	for i := range lines {
		lines[i] = n.Content[2*i].Line - 1
	}
	return d.gaps(lines, column, func(i int) *yaml.Node { return n.Content[2*i+1] })
}

// listGaps are those between the items of a block sequence.
func (d *document) listGaps(n *yaml.Node, dashes []int, column int) gaps {
	lines := make([]int, len(dashes))
	for i, dash := range dashes {
		lines[i] = d.line(dash)
	}
	return d.gaps(lines, column, func(i int) *yaml.Node { return n.Content[i] })
}

// spacer gives the blank lines before new entries.
type spacer struct {
	gaps
	under bool // there is an entry above, without a blank line behind it
	tall  bool // that entry
}

// follow says what is above the first new entry, and whether a blank line is
// between them already.
func (s *spacer) follow(d *document, above *yaml.Node, apart bool) {
	s.under, s.tall = !apart && !d.keepsBlanks(above), isTall(above)
}

// before gives the line above a new entry, if any.
func (s *spacer) before(value any) []string {
	return s.above(!isLeaf(value))
}

func (s *spacer) above(tall bool) []string {
	gap := s.under && s.between(!tall && !s.tall)
	s.under, s.tall = true, tall
	if gap {
		return []string{""}
	}
	return nil
}

// isTall tells a value that is written on lines of its own.
func isTall(n *yaml.Node) bool {
	return isBlock(n) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

// keepsBlanks tells whether blank lines behind a value would become part of its
// text.
func (d *document) keepsBlanks(n *yaml.Node) bool {
	leaf := lastLeaf(n)
	if leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return false
	}
	_, body := d.properties(leaf)
	return bytes.IndexByte(d.src[body:d.headerEnd(body)], '+') > 0
}
