package values

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// editor walks the nodes of a document together with the tree before and the
// tree after the edits, and collects the splices that make one of the other.
type editor struct {
	d        *document
	comments map[string]string
	splices  []splice
	warnings []Warning
	shared   []*yaml.Node // anchored nodes on the way that an alias repeats
	text     *textEdit    // nil, or the edit of a text that holds values
	ballots  map[*yaml.Node]ballot
}

func newEditor(d *document, comments map[string]string) *editor {
	return &editor{d: d, comments: comments, ballots: map[*yaml.Node]ballot{}}
}

// slot is where a value stands.
type slot struct {
	node   *yaml.Node
	attach int       // behind the colon or dash before it
	bare   bool      // no colon there
	item   bool      // of a list
	flow   bool      // inside brackets
	indent int       // column of the block collection around it, -1 at the root
	style  flowStyle // of the brackets around it
	path   string
	around []*yaml.Node // the collections around it, outermost first
	chain  []*yaml.Node // the block collections among them
}

// root edits the document's top level.
func (e *editor) root(before map[string]any, after *object) error {
	n := e.d.root
	if n == nil || isNull(n) || len(n.Content) == 0 {
		e.newRoot(after)
		return nil
	}
	return e.mapping(slot{node: n, indent: -1}, before, after)
}

// newRoot writes the first keys of a document that has none.
func (e *editor) newRoot(after *object) {
	d, at := e.d, len(e.d.src)
	if n := d.root; n != nil {
		start := d.offset(n)
		end := d.end(n, -1)
		if at = start; end > start {
			at = d.after(end)
			e.removeRootText(start, end)
		}
	}
	e.putLines(at, e.renderer(slot{}, at).mapping(0, "", after))
}

// removeRootText takes away `{}` or `null`, with its line if nothing else is on it.
func (e *editor) removeRootText(start, end int) {
	d := e.d
	rest := strings.TrimLeft(string(d.src[end:d.lineEnd(end)]), " \t")
	if d.indented(start) {
		if end = d.lineEnd(end) - len(rest); rest == "" {
			end = d.after(end)
		}
		e.put(d.lines[d.line(start)], end, "")
		return
	}
	for start > 0 && (d.src[start-1] == ' ' || d.src[start-1] == '\t') {
		start--
	}
	e.put(start, end, "")
}

// value edits what stands in a slot.
func (e *editor) value(s slot, old, want any) error {
	n := s.node
	if n.Kind == yaml.AliasNode {
		e.alias(s, old, want)
		return nil
	}
	e.noteShared(n)
	switch w := want.(type) {
	case *object:
		if was, ok := old.(map[string]any); ok && n.Kind == yaml.MappingNode && len(n.Content) > 0 {
			return e.mapping(s, was, w)
		}
	case *array:
		if was, ok := old.([]any); ok && n.Kind == yaml.SequenceNode && len(n.Content) == len(was) && len(was) > 0 {
			return e.sequence(s, was, w)
		}
	}
	e.replace(s, want)
	return nil
}

// untouched tells whether no edit went this way: edited collections are of
// their own types.
func untouched(old, want any) bool {
	switch want.(type) {
	case *object, *array:
		return false
	case map[string]any, []any:
		return true
	}
	return equal(old, want)
}

// inside is a slot for what stands in a collection, but for its place.
func (e *editor) inside(s slot) slot {
	n := s.node
	s.style, s.flow = e.d.flowStyle(n, s.style), isFlow(n)
	s.around = append(s.around[:len(s.around):len(s.around)], n)
	if !isFlow(n) {
		s.indent = e.d.column(n)
		s.chain = append(s.chain[:len(s.chain):len(s.chain)], n)
	}
	return s
}

// mapping edits the entries of a mapping.
func (e *editor) mapping(s slot, old map[string]any, want *object) error {
	n := s.node
	if _, ok := want.vals[pairKey(n)]; e.d.isPair(n) && !(ok && len(want.vals) == 1) {
		e.put(e.d.offset(n), e.d.end(n, s.indent), e.flowRenderer(e.inside(s)).value(want))
		return nil
	}
	inner := e.inside(s)
	explicit := map[string]bool{}
	var gone []int
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := nodeKey(n.Content[i])
		if !ok {
			continue
		}
		explicit[key] = true
		v, kept := want.vals[key]
		if kept && untouched(old[key], v) {
			continue
		}
		if err := e.editable(n, i, key, kept, joinKey(s.path, key)); err != nil {
			return err
		}
		if !kept {
			e.noteAllShared(n.Content[i+1])
			gone = append(gone, i)
			continue
		}
		if err := e.value(e.entry(inner, i, key), old[key], v); err != nil {
			return err
		}
	}
	for key := range old {
		if _, ok := want.vals[key]; !ok && !explicit[key] {
			return refuse(n, "remove it where the anchor is", "%q comes from a merge key, so it cannot be removed here", joinKey(s.path, key))
		}
	}
	var added []string
	for _, key := range keysOf(want) {
		if was, ok := old[key]; !explicit[key] && !(ok && untouched(was, want.vals[key])) {
			added = append(added, key)
		}
	}
	if isFlow(n) {
		e.flowMapping(s, gone, added, want)
		return nil
	}
	e.blockMapping(s, gone, added, want)
	return nil
}

// entry is the slot of the value whose key is Content[i] of the mapping that
// inner is inside.
func (e *editor) entry(inner slot, i int, key string) slot {
	n := inner.node
	colon, ok := e.d.colon(n.Content[i], isFlow(n))
	if inner.attach = colon + 1; !ok {
		inner.attach, inner.bare = e.d.end(n.Content[i], -1), true
	}
	inner.node, inner.path, inner.item = n.Content[i+1], joinKey(inner.path, key), false
	return inner
}

// arrangement is what becomes of the items of a list.
type arrangement struct {
	kept  []bool            // per item of the source
	first int               // the first that stays, -1 if none does
	added map[int][]newItem // by the item they follow, -1 for the front
}

type newItem struct {
	path  string
	value any
}

func arrange(n int, want *array, path string) arrangement {
	a := arrangement{kept: make([]bool, n), first: -1, added: map[int][]newItem{}}
	last := -1
	for i, from := range want.from {
		if from < 0 {
			a.added[last] = append(a.added[last], newItem{joinItem(path, i, want.items[i]), want.items[i]})
			continue
		}
		if a.kept[from], last = true, from; a.first < 0 {
			a.first = from
		}
	}
	return a
}

// sequence edits the items of a list.
func (e *editor) sequence(s slot, old []any, want *array) error {
	n := s.node
	a := arrange(len(old), want, s.path)
	var dashes []int
	if !isFlow(n) {
		dashes = e.d.dashes(n)
		if a.first < 0 || len(a.added[-1]) > 0 && !e.d.indented(dashes[0]) {
			e.replace(s, want)
			return nil
		}
	}
	inner := e.inside(s)
	inner.item = true
	for i, from := range want.from {
		if from < 0 || untouched(old[from], want.items[i]) {
			continue
		}
		child := inner
		child.node, child.path = n.Content[from], joinItem(s.path, i, old[from])
		if child.attach = e.d.offset(child.node); dashes != nil {
			child.attach = dashes[from] + 1
		}
		if err := e.value(child, old[from], want.items[i]); err != nil {
			return err
		}
	}
	for i, kept := range a.kept {
		if !kept {
			e.noteAllShared(n.Content[i])
		}
	}
	if isFlow(n) {
		e.flowSequence(s, a)
		return nil
	}
	e.blockSequence(inner, dashes, a)
	return nil
}
