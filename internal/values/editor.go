package values

import (
	"fmt"
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
}

func newEditor(d *document, comments map[string]string) *editor {
	return &editor{d: d, comments: comments}
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
	chain  []*yaml.Node // the block collections around it
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
	e.putLines(at, e.renderer(nil, at).mapping(0, "", after))
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

// mapping edits the entries of a mapping.
func (e *editor) mapping(s slot, old map[string]any, want *object) error {
	d := e.d
	n := s.node
	if _, ok := want.vals[pairKey(n)]; d.isPair(n) && !(ok && len(want.vals) == 1) {
		e.put(d.offset(n), d.end(n, s.indent), d.flowStyle(n, s.style).value(want))
		return nil
	}
	inner := s
	inner.style = d.flowStyle(n, s.style)
	if !isFlow(n) {
		inner.indent = d.column(n)
		inner.chain = append(s.chain[:len(s.chain):len(s.chain)], n)
	}
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
		child := inner
		child.node, child.path, child.item, child.flow = n.Content[i+1], joinKey(s.path, key), false, isFlow(n)
		colon, ok := d.colon(n.Content[i], isFlow(n))
		if child.attach = colon + 1; !ok {
			child.attach, child.bare = d.end(n.Content[i], -1), true
		}
		if err := e.value(child, old[key], v); err != nil {
			return err
		}
	}
	var added []string
	for _, key := range keysOf(want) {
		if was, ok := old[key]; !explicit[key] && !(ok && untouched(was, want.vals[key])) {
			added = append(added, key)
		}
	}
	for key := range old {
		if _, ok := want.vals[key]; !ok && !explicit[key] {
			return refuse(n, "remove it where the anchor is", "%q comes from a merge key, so it cannot be removed here", joinKey(s.path, key))
		}
	}
	if isFlow(n) {
		e.flowMapping(s, gone, added, want)
		return nil
	}
	e.blockMapping(s, gone, added, want)
	return nil
}

// pairKey is the key of a mapping that has one, as those without braces.
func pairKey(n *yaml.Node) string {
	if len(n.Content) != 2 {
		return ""
	}
	key, _ := nodeKey(n.Content[0])
	return key
}

// editable refuses entries whose edit would not mean what it says.
func (e *editor) editable(n *yaml.Node, i int, key string, kept bool, path string) error {
	if second := e.d.duplicate(n, key); second != nil {
		return refuse(second, "remove all but one of them", "%q is here twice; Helm reads only the last one", path)
	}
	for j := 0; j+1 < len(n.Content); j += 2 {
		if n.Content[j].Tag != "!!merge" || !merges(n.Content[j+1], key, 0) {
			continue
		}
		if !kept {
			return refuse(n.Content[i], "set it to another value instead",
				"%q cannot be removed: the merge key in line %d would bring it back", path, n.Content[j].Line)
		}
		if j > i {
			return refuse(n.Content[i], "move the merge key above it",
				"%q is overridden by the merge key below it, in line %d, as Helm reads it", path, n.Content[j].Line)
		}
	}
	if _, ok := e.d.colon(n.Content[i], isFlow(n)); !ok && !isFlow(n) {
		return refuse(n.Content[i], "write it as `key: value`", "%q is written with a question mark", path)
	}
	return nil
}

// merges tells whether a merge key's value brings a key.
func merges(n *yaml.Node, key string, depth int) bool {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if depth > 100 {
		return true
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			if merges(item, key, depth+1) {
				return true
			}
		}
	}
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		text, ok := nodeKey(n.Content[i])
		if ok && text == key || n.Content[i].Tag == "!!merge" && merges(n.Content[i+1], key, depth+1) {
			return true
		}
	}
	return false
}

// sequence edits the items of a list.
func (e *editor) sequence(s slot, old []any, want *array) error {
	n := s.node
	inner := s
	inner.item, inner.flow, inner.style = true, isFlow(n), e.d.flowStyle(n, s.style)
	kept := make([]bool, len(old))
	added := map[int][]any{} // by the item they follow
	paths := map[int][]string{}
	last, first := -1, -1
	for j, from := range want.from {
		if from < 0 {
			added[last] = append(added[last], want.items[j])
			paths[last] = append(paths[last], joinItem(s.path, j, want.items[j]))
			continue
		}
		if kept[from], last = true, from; first < 0 {
			first = from
		}
	}
	var dashes []int
	if !isFlow(n) {
		dashes = e.d.dashes(n)
		inner.indent = e.d.column(n)
		inner.chain = append(s.chain[:len(s.chain):len(s.chain)], n)
	}
	if first < 0 && !isFlow(n) || len(added[-1]) > 0 && !isFlow(n) && !e.d.indented(dashes[0]) {
		e.noteAllShared(n)
		e.replace(s, want)
		return nil
	}
	for j, from := range want.from {
		if from < 0 || untouched(old[from], want.items[j]) {
			continue
		}
		child := inner
		child.node, child.path = n.Content[from], joinItem(s.path, j, old[from])
		if dashes != nil {
			child.attach = dashes[from] + 1
		} else {
			child.attach = e.d.offset(child.node)
		}
		if err := e.value(child, old[from], want.items[j]); err != nil {
			return err
		}
	}
	for i, k := range kept {
		if !k {
			e.noteAllShared(n.Content[i])
		}
	}
	if isFlow(n) {
		e.flowSequence(s, kept, added)
		return nil
	}
	e.blockSequence(inner, dashes, kept, added, paths, first)
	return nil
}

// alias edits a place that repeats an anchored one, without touching that: a
// mapping keeps the alias and overrides what differs, anything else becomes a
// copy.
func (e *editor) alias(s slot, old, want any) {
	w, isObject := want.(*object)
	was, isMap := old.(map[string]any)
	if isObject && isMap {
		o := own(nil)
		o.put(mergeKey, raw("*"+s.node.Value))
		for _, key := range keysOf(w) {
			if v, ok := was[key]; !ok || !untouched(v, w.vals[key]) {
				o.put(key, w.vals[key])
			}
		}
		removed := false
		for key := range was {
			_, ok := w.vals[key]
			removed = removed || !ok
		}
		if !removed {
			e.replace(s, o)
			return
		}
	}
	if !isLeaf(want) {
		e.warnings = append(e.warnings, Warning{s.node.Line, s.node.Column,
			fmt.Sprintf("the alias *%s became a copy, so that only %q changes", s.node.Value, s.path)})
	}
	e.replace(s, want)
}

func (e *editor) noteShared(n *yaml.Node) {
	if e.d.aliases[n] != nil {
		e.shared = append(e.shared, n)
	}
}

func (e *editor) noteAllShared(n *yaml.Node) {
	e.noteShared(n)
	for _, child := range n.Content {
		e.noteAllShared(child)
	}
}

// verify reads the new file and compares it with what it should say.
func (e *editor) verify(out []byte, after *object, edits []Edit) error {
	tree, err := helmTree(out)
	if out != nil && err == nil && equal(tree, after) {
		return nil
	}
	if len(e.shared) > 0 {
		n := e.shared[0]
		alias := e.d.aliases[n]
		return refuse(n, "set the key in the places that use it instead",
			"this carries the anchor &%s, which line %d uses too, so that place would change as well", n.Anchor, alias.Line)
	}
	return refuseAt(edits[0].Path.segs, "make this change by hand",
		"%q cannot be set here without changing something else", edits[0].Path)
}
