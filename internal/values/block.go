package values

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// blockMapping removes and adds entries of a block mapping.
func (e *editor) blockMapping(s slot, gone []int, added []string, want *object) {
	d, n := e.d, s.node
	first := d.offset(n.Content[0])
	compact := !d.indented(first)
	if len(gone)*2 == len(n.Content) && (len(added) == 0 || compact) {
		e.replace(s, want)
		return
	}
	column := d.column(n)
	for j, i := range gone {
		key := n.Content[i]
		if compact && i == 2*j { // the first of those left moves up behind the dash
			if j+1 == len(gone) || gone[j+1] != i+2 {
				e.put(first, d.offset(n.Content[i+2]), "")
			}
			continue
		}
		text, _ := nodeKey(key)
		start := e.ownComment(d.lines[d.line(d.offset(key))], joinKey(s.path, text))
		before := i - 2
		for before >= 0 && slices.Contains(gone, before) {
			before -= 2
		}
		e.put(start, d.goneAt(n, before+1, d.entryEnd(n, i, column), column), "")
	}
	if len(added) == 0 {
		return
	}
	at := d.insertAt(d.entryEnd(n, len(n.Content)-2, column), column)
	r := e.renderer(e.inside(s), at)
	b := spacer{gaps: d.mappingGaps(n, column)}
	last, apart := len(n.Content)-2, false
	for last >= 0 && slices.Contains(gone, last) {
		apart = apart || d.blankAbove(n.Content[last].Line-1, column) // which stays
		last -= 2
	}
	if last >= 0 {
		b.follow(d, n.Content[last+1], apart)
	}
	var lines []string
	for _, key := range added {
		lines = append(lines, b.before(want.vals[key])...)
		lines = append(lines, r.entry(column, s.path, key, want.vals[key])...)
	}
	e.putLines(at, lines)
}

// goneAt is how far the removal of what ends at end reaches: over the deeper
// comments behind it, which are about it. When n.Content[before], which stays,
// ends in a block scalar, such comments become text even behind blank lines,
// and so do blank lines with spaces, and all if it keeps them.
func (d *document) goneAt(n *yaml.Node, before, end, column int) int {
	at := d.insertAt(end, column+1)
	if before < 0 {
		return at
	}
	leaf := lastLeaf(n.Content[before])
	if leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return at
	}
	keeps := d.keepsBlanks(leaf)
	for i := at; i < len(d.src); {
		start := i
		for i < len(d.src) && d.src[i] == ' ' {
			i++
		}
		deeper := i-start > column
		if i < len(d.src) && lineBreak(d.src, i) == 0 && (d.src[i] != '#' || !deeper) {
			break
		}
		i = d.lineEnd(i)
		i += lineBreak(d.src, i)
		if deeper || keeps {
			at = i
		}
	}
	return at
}

func lastLeaf(n *yaml.Node) *yaml.Node {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// ownComment gives the start of the comment above a line if it is the one that
// an edit puts there, else the start of the line.
func (e *editor) ownComment(start int, path string) int {
	d, comment := e.d, commentLines(e.comments[path])
	l := d.line(start) - len(comment)
	if len(comment) == 0 || l < 0 {
		return start
	}
	for i, c := range comment {
		if strings.TrimSpace(string(d.src[d.lines[l+i]:d.lineEnd(d.lines[l+i])])) != c {
			return start
		}
	}
	return d.lines[l]
}

// blockSequence removes and adds items of a block sequence, of which at least
// one stays.
func (e *editor) blockSequence(inner slot, dashes []int, a arrangement) {
	d, n, column := e.d, inner.node, inner.indent
	compact := !d.indented(dashes[0])
	if compact && a.first > 0 {
		e.put(dashes[0], dashes[a.first], "")
	}
	before := -1
	for i, kept := range a.kept {
		if kept {
			before = i
		} else if !compact || i > a.first {
			end := max(d.itemEnd(n, i), dashes[i]+1)
			e.put(d.lines[d.line(dashes[i])], d.goneAt(n, before, end, column), "")
		}
	}
	if len(a.added) == 0 {
		return
	}
	g := d.listGaps(n, dashes, column)
	for i := -1; i < len(a.kept); i++ {
		if len(a.added[i]) == 0 {
			continue
		}
		at, b := d.lines[d.line(dashes[a.first])], spacer{gaps: g}
		if i >= 0 {
			at = d.insertAt(max(d.itemEnd(n, i), dashes[i]+1), column)
			next := i + 1
			apart := next < len(a.kept) && !a.kept[next] && d.blankAbove(d.line(dashes[next]), column)
			if apart { // it takes the place of the one that goes
				at = d.lines[d.line(dashes[next])]
			}
			b.follow(d, n.Content[i], apart)
		}
		r := e.renderer(inner, at)
		var lines []string
		for _, item := range a.added[i] {
			lines = append(lines, b.before(item.value)...)
			lines = append(lines, r.item(column, item.path, item.value)...)
		}
		if i < 0 {
			lines = append(lines, b.above(isTall(n.Content[a.first]))...)
		}
		e.putLines(at, lines)
	}
}

// replace writes a value over another one.
func (e *editor) replace(s slot, want any) {
	d, n := e.d, s.node
	o := d.occupied(s)
	if n == d.root {
		e.emptyRoot(o)
		return
	}
	e.noteAllShared(n)
	if e.text != nil && n == e.text.node {
		e.splices = append(e.splices, e.text.splices...)
		return
	}
	if s.flow {
		e.replaceFlow(s, o, want)
		return
	}
	if isLeaf(want) {
		e.replaceText(o, o.before+e.quoting(s).like(want, n, false))
		return
	}
	r := e.renderer(s, o.attach)
	if !s.item {
		e.replaceBelow(s, o, r.children(s.indent, s.path, want))
		return
	}
	if o.attach != s.attach || o.before != "" { // nothing can follow an anchor in its line
		e.replaceBelow(s, o, r.below(s.indent+2, s.path, want))
		return
	}
	o.block = true
	r.comments = nil // a comment has no place behind a dash
	lines := r.item(s.indent, s.path, want)
	at := e.replaceText(o, o.before+lines[0][s.indent+2:])
	if len(lines) > 1 {
		e.putLines(at, lines[1:])
	}
}

// extent is the text that a value occupies.
type extent struct {
	attach     int    // behind colon, dash or the anchor that stays
	start, end int    // of the text; both attach if it has none
	before     string // an anchor to write again, with a space
	header     int    // block scalar: the end of its indicators
	ownLines   bool   // it starts on a line after attach
	block      bool   // a block collection
}

func (d *document) occupied(s slot) extent {
	n := s.node
	propertiesEnd, body := d.properties(n)
	start := d.offset(n)
	o := extent{attach: s.attach, start: start, end: d.end(n, s.indent), block: isBlock(n)}
	if n.Kind == yaml.MappingNode && o.block {
		body = d.offset(n.Content[0])
	}
	hasProperties := n.Kind != yaml.AliasNode && (n.Anchor != "" || propertiesEnd > start) && !(o.block && body == start)
	tagged := hasProperties && strings.Contains(string(d.src[start:propertiesEnd]), "!")
	switch {
	case isEmpty(n) && !hasProperties:
		o.start, o.end = o.attach, o.attach
		return o
	case tagged && isEmpty(n):
		o.end = propertiesEnd
	case hasProperties && !tagged:
		o.attach, o.start = propertiesEnd, body
		if isEmpty(n) {
			o.start, o.end = o.attach, o.attach
		}
	}
	if tagged && n.Anchor != "" {
		o.before = "&" + n.Anchor + " "
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		o.header = d.headerEnd(body)
	}
	o.ownLines = d.line(o.start) != d.line(o.attach) && d.indented(o.start) && !tagged
	return o
}

// replaceText puts one line of text in a value's place and gives the start of
// the line after it.
func (e *editor) replaceText(o extent, text string) int {
	d := e.d
	switch {
	case o.start == o.end:
		e.put(o.attach, o.attach, " "+text)
		return d.after(o.attach)
	case o.header > 0:
		at := e.removeBlockText(o)
		e.put(o.start, o.header, text)
		return at
	case o.ownLines && o.block:
		e.put(o.attach, o.attach, " "+text)
		e.put(d.lines[d.line(o.start)], d.after(o.end), "")
		return d.after(o.attach)
	}
	end := o.end
	if d.lines[d.line(end)] == end { // behind the break that ends a block scalar
		end = d.lineEnd(d.lines[d.line(end)-1])
	}
	e.put(o.start, end, text)
	return d.after(end)
}

// removeBlockText removes the lines of a block scalar below its header, and
// gives where they start. Without a final line break, the header's goes too.
func (e *editor) removeBlockText(o extent) int {
	d := e.d
	at := d.after(o.header)
	if o.end == len(d.src) && !atLineStart(d.src) {
		e.put(d.lineEnd(o.header), o.end, "")
		return o.end
	}
	e.put(at, max(at, o.end), "")
	return at
}

// replaceBelow removes a value and puts lines below its key.
func (e *editor) replaceBelow(s slot, o extent, lines []string) {
	d := e.d
	if o.before != "" {
		e.put(o.attach, o.attach, " "+strings.TrimSpace(o.before))
	}
	switch {
	case o.start == o.end:
		e.putLines(d.insertAt(o.attach, s.indent+1), lines)
	case o.header > 0:
		e.put(o.attach, o.header, "")
		e.putLines(e.removeBlockText(o), lines)
	case o.ownLines:
		at := d.lines[d.line(o.start)]
		e.putLines(at, lines)
		e.put(at, d.after(o.end), "")
	default:
		e.put(o.attach, o.end, "")
		e.putLines(d.insertAt(o.end, s.indent+1), lines)
	}
}

// emptyRoot removes all keys of the document, which must not vanish when
// something comes behind it.
func (e *editor) emptyRoot(o extent) {
	d := e.d
	e.noteAllShared(d.root)
	if isFlow(d.root) {
		e.put(o.start, o.end, "{}")
		return
	}
	at, end := d.lines[d.line(o.start)], d.after(o.end)
	if i := d.skip(end, false); i < len(d.src) { // `...` or another document
		e.putLines(at, []string{"{}"})
	}
	e.put(at, end, "")
}
