package values

import (
	"fmt"

	yaml "go.yaml.in/yaml/v3"
)

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
				"%q cannot be removed: the merge key in line %d would bring it back", path, e.d.lineNos.line(n.Content[j].Line))
		}
		if j > i {
			return refuse(n.Content[i], "move the merge key above it",
				"%q is overridden by the merge key below it, in line %d, as Helm reads it", path, e.d.lineNos.line(n.Content[j].Line))
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
