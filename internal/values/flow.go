package values

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// place is where an element of a flow collection starts and ends.
type place struct{ start, end int }

// flowMapping removes and adds entries between braces.
func (e *editor) flowMapping(s slot, gone []int, added []string, want *object) {
	d, n := e.d, s.node
	if len(gone) == 0 && len(added) == 0 {
		return
	}
	r := e.flowRenderer(e.inside(s))
	kept := make([]bool, len(n.Content)/2)
	places := make([]place, len(kept))
	for i := range kept {
		kept[i] = true
		places[i] = place{d.offset(n.Content[2*i]), d.entryEnd(n, 2*i, s.indent)}
	}
	for _, i := range gone {
		kept[i/2] = false
	}
	texts := map[int][]string{}
	last := lastKept(kept)
	for _, key := range added {
		texts[last] = append(texts[last], r.entry(key, want.vals[key]))
	}
	e.flow(s, places, kept, texts, r.pad)
}

// flowSequence removes and adds items between brackets.
func (e *editor) flowSequence(s slot, a arrangement) {
	d, n := e.d, s.node
	r := e.flowRenderer(e.inside(s))
	places := make([]place, len(n.Content))
	for i, item := range n.Content {
		places[i] = place{d.offset(item), d.end(item, s.indent)}
	}
	texts := map[int][]string{}
	for after, items := range a.added {
		for _, item := range items {
			texts[after] = append(texts[after], r.value(item.value))
		}
	}
	e.flow(s, places, a.kept, texts, r.list)
}

func lastKept(kept []bool) int {
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i] {
			return i
		}
	}
	return -1
}

// flow removes and adds elements of a flow collection; texts are by the
// element they follow, -1 for the front.
func (e *editor) flow(s slot, places []place, kept []bool, texts map[int][]string, pad string) {
	d := e.d
	_, body := d.properties(s.node)
	closing := d.end(s.node, s.indent) - 1
	last := lastKept(kept)
	if last < 0 {
		inner := ""
		if len(texts[-1]) > 0 {
			inner = pad + strings.Join(texts[-1], ", ") + pad
		}
		e.put(body+1, closing, inner)
		return
	}
	before := -1
	for i, k := range kept {
		switch {
		case k:
			before = i
		case before >= 0:
			e.put(places[i-1].end, places[i].end, "")
		default:
			e.put(places[i].start, places[i+1].start, "")
		}
	}
	comma := ", "
	if len(places) > 1 {
		if i := d.skip(places[0].end, false); i+1 < len(d.src) && d.src[i] == ',' && blank(d.src, i+1) == 0 {
			comma = ","
		}
	}
	if len(texts[-1]) > 0 {
		at := places[0].start
		for i, k := range kept {
			if k {
				at = places[i].start
				break
			}
		}
		e.put(at, at, strings.Join(texts[-1], comma)+comma)
	}
	for i := range kept {
		if len(texts[i]) == 0 {
			continue
		}
		if i == len(kept)-1 && e.flowLines(places[i], closing, texts[i]) {
			continue
		}
		e.put(places[i].end, places[i].end, comma+strings.Join(texts[i], comma))
	}
}

// flowLines adds elements on lines of their own when the last one has one.
func (e *editor) flowLines(last place, closing int, texts []string) bool {
	d := e.d
	i := last.end
	for i < len(d.src) && (d.src[i] == ' ' || d.src[i] == '\t') {
		i++
	}
	comma := i < len(d.src) && d.src[i] == ','
	if comma {
		i++
	}
	rest := strings.TrimSpace(string(d.src[i:d.lineEnd(i)]))
	if !d.indented(last.start) || d.line(closing) <= d.line(i) || rest != "" && rest[0] != '#' {
		return false
	}
	if !comma {
		e.put(last.end, last.end, ",")
	}
	prefix := string(d.src[d.lines[d.line(last.start)]:last.start])
	lines := make([]string, len(texts))
	for j, t := range texts {
		if lines[j] = prefix + t; comma || j+1 < len(texts) {
			lines[j] += ","
		}
	}
	e.putLines(d.after(i), lines)
	return true
}

// replaceFlow writes a value over another one inside brackets.
func (e *editor) replaceFlow(s slot, o extent, want any) {
	text := flowRenderer{e.d.flowStyle(s.node, s.style), e.quoting(s).far()}.value(want)
	if isLeaf(want) {
		text = e.quoting(s).like(want, s.node, true)
	}
	text = o.before + text
	switch {
	case o.start < o.end:
		e.put(o.start, o.end, text)
	case s.bare:
		e.put(o.attach, o.attach, ": "+text)
	default:
		e.put(o.attach, o.attach, " "+text)
	}
}

// flowStyle is how a flow collection is written; what it does not show is as in
// the one around it, else as in `{ a: 1 }` and `[1]`.
func (d *document) flowStyle(n *yaml.Node, outer flowStyle) flowStyle {
	style := outer
	if !outer.set {
		style.pad = " "
	}
	if !isFlow(n) || len(n.Content) == 0 || d.isPair(n) {
		return style
	}
	_, body := d.properties(n)
	pad := ""
	if blank(d.src, body+1) > 0 {
		pad = " "
	}
	style.set = true
	key := n
	for key.Kind == yaml.SequenceNode && len(key.Content) > 0 {
		key = key.Content[0]
	}
	if key.Kind == yaml.MappingNode && len(key.Content) > 0 {
		style.json = key.Content[0].Style&yaml.DoubleQuotedStyle != 0
	}
	switch {
	case lineBreak(d.src, body+1) > 0:
	case n.Kind == yaml.MappingNode:
		style.pad = pad
	default:
		style.list = pad
	}
	return style
}
