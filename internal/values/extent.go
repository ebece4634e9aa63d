package values

import (
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// The library gives where a node starts; this file finds where it ends, and
// the punctuation between nodes. Offsets are into src.

// properties gives the end of a node's anchor and tag (its start if it has
// none) and where its content begins.
func (d *document) properties(n *yaml.Node) (end, body int) {
	end = d.offset(n)
	body = end
	anchor, tag := n.Anchor != "", true
	for body < len(d.src) {
		c := d.src[body]
		if !(c == '&' && anchor || c == '!' && tag) {
			return end, body
		}
		if c == '&' {
			anchor = false
		} else {
			tag = false
		}
		for body < len(d.src) && blank(d.src, body) == 0 && (body == end || !isFlowMark(d.src[body])) {
			body++
		}
		end = body
		body = d.skip(body, false)
	}
	return end, body
}

func isFlowMark(c byte) bool { return c == ',' || c == ']' || c == '}' || c == '[' || c == '{' }

// isEmpty tells whether a scalar has no text of its own.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&quotedStyles == 0
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isBlock(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !isFlow(n)
}

// end is where a node ends: behind its last character, for a block scalar at
// the start of the line after it. The indent is the column, from 0, of the
// block collection around it, -1 at the root.
func (d *document) end(n *yaml.Node, indent int) int {
	start, body := d.properties(n)
	switch n.Kind {
	case yaml.AliasNode:
		return min(d.offset(n)+1+len(n.Value), len(d.src))
	case yaml.ScalarNode:
		return d.scalarEnd(n, start, body, indent)
	}
	if !isFlow(n) {
		return d.blockEnd(n)
	}
	if d.isPair(n) {
		return d.entryEnd(n, len(n.Content)-2, indent)
	}
	inner := body + 1
	if last := len(n.Content) - 1; last > 0 && n.Kind == yaml.MappingNode {
		inner = d.entryEnd(n, last-1, indent)
	} else if last >= 0 {
		inner = d.end(n.Content[last], indent)
	}
	return min(d.skip(inner, true)+1, len(d.src))
}

// isPair tells a mapping without braces, as in [key: value].
func (d *document) isPair(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || !isFlow(n) || len(n.Content) == 0 {
		return false
	}
	_, body := d.properties(n)
	return d.offset(n.Content[0]) <= body || d.src[body] != '{'
}

func (d *document) blockEnd(n *yaml.Node) int {
	last := len(n.Content) - 1
	if last < 0 {
		return d.offset(n)
	}
	if n.Kind == yaml.MappingNode {
		return d.entryEnd(n, last-1, d.column(n))
	}
	return d.itemEnd(n, last)
}

// entryEnd is the end of the entry whose key is n.Content[i].
func (d *document) entryEnd(n *yaml.Node, i, indent int) int {
	key, value := n.Content[i], n.Content[i+1]
	if isEmpty(value) {
		colon, ok := d.colon(key, isFlow(n))
		if !ok {
			return d.end(key, indent)
		}
		if d.offset(value) <= colon {
			return colon + 1
		}
	}
	return d.end(value, indent)
}

func (d *document) itemEnd(n *yaml.Node, i int) int {
	return d.end(n.Content[i], d.column(n))
}

// colon finds the colon behind a key; false if it has none there, as a key
// that follows a question mark.
func (d *document) colon(key *yaml.Node, flow bool) (int, bool) {
	i := d.end(key, -1)
	if flow {
		i = d.skip(i, false)
	}
	for i < len(d.src) && (d.src[i] == ' ' || d.src[i] == '\t') {
		i++
	}
	return i, i < len(d.src) && d.src[i] == ':'
}

// column is where, from 0, the keys or dashes of a block collection stand.
func (d *document) column(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
			return n.Column - 1 // a question mark is before the first key
		}
		return n.Content[0].Column - 1
	}
	dash := d.firstDash(n)
	l := d.lines[d.line(dash)]
	return utf8.RuneCount(d.src[l:dash])
}

func (d *document) firstDash(n *yaml.Node) int {
	start := d.offset(n)
	if start < len(d.src) && d.src[start] == '-' {
		return start
	}
	_, body := d.properties(n)
	return body
}

// dashes gives the place of each item's dash in a block sequence.
func (d *document) dashes(n *yaml.Node) []int {
	column := d.column(n)
	list := make([]int, len(n.Content))
	at := d.firstDash(n)
	for i, item := range n.Content {
		list[i] = at
		at = d.skip(max(d.end(item, column), at+1), false)
	}
	return list
}

func (d *document) scalarEnd(n *yaml.Node, start, body, indent int) int {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(body, indent)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := body + 1; i < len(d.src); i++ {
			switch d.src[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(d.src)
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := body + 1; i < len(d.src); i++ {
			if d.src[i] != '\'' {
				continue
			}
			if i+1 == len(d.src) || d.src[i+1] != '\'' {
				return i + 1
			}
			i++
		}
		return len(d.src)
	case n.Value == "":
		return start
	}
	return d.plainEnd(body, n.Value)
}

// plainEnd follows a plain scalar through the source: only white space and
// line breaks can differ from its value.
func (d *document) plainEnd(i int, value string) int {
	v := []byte(value)
	for j := 0; j < len(v); {
		if n := blank(v, j); n > 0 {
			j += n
			continue
		}
		for {
			n := blank(d.src, i)
			if n == 0 {
				break
			}
			i += n
		}
		i++
		j++
	}
	return min(i, len(d.src))
}

// blockScalarEnd is where a block scalar ends whose indicators start at body.
func (d *document) blockScalarEnd(body, indent int) int {
	_, _, end := d.blockScalar(body, indent)
	return end
}

// blockScalar follows a block scalar by the rules of libyaml, from which both
// libraries descend: where its lines start, how deep its text stands, and
// where it ends.
func (d *document) blockScalar(body, indent int) (first, depth, end int) {
	keep, digit := false, 0
	i := body + 1
	for ; i < len(d.src) && (d.src[i] == '+' || d.src[i] == '-' || '0' <= d.src[i] && d.src[i] <= '9'); i++ {
		switch c := d.src[i]; c {
		case '+':
			keep = true
		case '-':
		default:
			digit = int(c - '0')
		}
	}
	i = d.lineEnd(i)
	i += lineBreak(d.src, i)
	depth = max(indent, 0) + digit
	if digit == 0 {
		depth = d.blockScalarIndent(i, indent)
	}
	first, end = i, i
	for i < len(d.src) {
		spaces := 0
		for i < len(d.src) && d.src[i] == ' ' && spaces < depth {
			spaces++
			i++
		}
		eol := d.lineEnd(i)
		next := eol + lineBreak(d.src, eol)
		if eol > i && spaces < depth {
			break
		}
		if eol > i || keep && next > eol {
			end = next
		}
		i = next
	}
	return first, depth, end
}

// blockScalarIndent detects the indentation of a block scalar's text.
func (d *document) blockScalarIndent(i, indent int) int {
	most := max(indent+1, 1)
	for i < len(d.src) {
		start := i
		for i < len(d.src) && d.src[i] == ' ' {
			i++
		}
		most = max(most, i-start)
		n := lineBreak(d.src, i)
		if n == 0 {
			return most
		}
		i += n
	}
	return most
}
