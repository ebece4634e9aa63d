package values

import (
	"strings"
)

// renderer writes new values in the style of the place they go to.
type renderer struct {
	step     int        // how much deeper a mapping in a mapping stands
	dash     func() int // how much deeper than its key a list's dashes stand
	comments map[string]string
	quoting  quoting
}

// entry gives the lines of a key and its value, each starting with indent.
func (r renderer) entry(indent int, path, key string, value any) []string {
	prefix := spaces(indent)
	path = joinKey(path, key)
	var lines []string
	for _, c := range commentLines(r.comments[path]) {
		lines = append(lines, prefix+c)
	}
	head := prefix + keyYAML(key, value, false) + ":"
	if isLeaf(value) {
		return append(lines, head+" "+r.quoting.scalar(key, value, false))
	}
	lines = append(lines, head)
	return append(lines, r.children(indent, path, value)...)
}

// children gives the lines below a key that stands at indent.
func (r renderer) children(indent int, path string, value any) []string {
	r.quoting = r.quoting.far()
	if isList(value) {
		return r.list(indent+r.dash(), path, value)
	}
	return r.mapping(indent+r.step, path, value)
}

// below gives the lines of a collection that stands at indent.
func (r renderer) below(indent int, path string, value any) []string {
	if isList(value) {
		return r.list(indent, path, value)
	}
	return r.mapping(indent, path, value)
}

func (r renderer) mapping(indent int, path string, value any) []string {
	var lines []string
	for _, key := range keysOf(value) {
		v, _ := lookup(value, []segment{{key: key}})
		lines = append(lines, r.entry(indent, path, key, v)...)
	}
	return lines
}

func (r renderer) list(indent int, path string, value any) []string {
	var lines []string
	for i, item := range items(value) {
		lines = append(lines, r.item(indent, joinItem(path, i, item), item)...)
	}
	return lines
}

// item gives the lines of a list item whose dash stands at indent.
func (r renderer) item(indent int, path string, value any) []string {
	prefix := spaces(indent)
	if isLeaf(value) {
		return []string{prefix + "- " + r.quoting.scalar("", value, false)}
	}
	lines := r.below(indent+2, path, value)
	for i, l := range lines {
		l = l[indent+2:]
		if !strings.HasPrefix(l, "#") {
			lines[i] = prefix + "- " + l
			break
		}
		lines[i] = prefix + l
	}
	return lines
}

// flowStyle is how a collection in brackets is written.
type flowStyle struct {
	pad  string // inside the braces of a mapping
	list string // inside the brackets of a list
	json bool   // keys in quotes
	set  bool   // there was an example
}

// flowRenderer writes new values inside brackets.
type flowRenderer struct {
	flowStyle
	quoting quoting
}

func (r flowRenderer) value(v any) string {
	if isLeaf(v) {
		return r.quoting.scalar("", v, true)
	}
	var parts []string
	if isList(v) {
		for _, item := range items(v) {
			parts = append(parts, r.value(item))
		}
		return "[" + r.list + strings.Join(parts, ", ") + r.list + "]"
	}
	for _, key := range keysOf(v) {
		child, _ := lookup(v, []segment{{key: key}})
		parts = append(parts, r.entry(key, child))
	}
	return "{" + r.pad + strings.Join(parts, ", ") + r.pad + "}"
}

func (r flowRenderer) entry(key string, value any) string {
	text := keyYAML(key, value, true)
	if r.json && text != mergeKey {
		text = quote(key)
	}
	if isLeaf(value) {
		return text + ": " + r.quoting.scalar(key, value, true)
	}
	r.quoting = r.quoting.far()
	return text + ": " + r.value(value)
}

func isList(v any) bool {
	switch v.(type) {
	case *array, []any:
		return true
	}
	return false
}

// isLeaf tells a value that fits behind its key: a scalar or nothing at all.
func isLeaf(v any) bool {
	switch t := v.(type) {
	case *object:
		return len(t.vals) == 0
	case map[string]any:
		return len(t) == 0
	case *array, []any:
		return len(items(t)) == 0
	}
	return true
}

func spaces(n int) string { return strings.Repeat(" ", n) }

func joinKey(path, key string) string {
	key = segment{key: key}.String()
	if path == "" {
		return key
	}
	return path + "." + key
}

func joinItem(path string, i int, item any) string {
	if name := itemName(item); name != "" {
		return path + segment{selector: true, field: "name", value: name}.String()
	}
	return path + segment{selector: true, index: i}.String()
}
