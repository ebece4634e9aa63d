package chart

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// exact is the largest whole number below which every float64 is one.
const exact = 1 << 53

// plain copies a tree into the types that Chart promises.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int:
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case map[any]any: // keys that are no text, which Helm's reader turns into text
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[fmt.Sprint(key)] = plain(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = plain(value)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = value
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < exact {
			return int(v)
		}
		return v
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return plain(f)
		}
		return v.String()
	case int64:
		return int(v)
	case int32:
		return int(v)
	case uint64:
		if v > exact {
			return float64(v)
		}
		return int(v)
	case fmt.Stringer: // a date, which Helm's reader leaves as text
		return v.String()
	}
	return fmt.Sprint(v)
}

// asHelm turns whole numbers into what Helm's reader makes of them, so that
// templates print them alike.
func asHelm(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = asHelm(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = asHelm(value)
		}
		return out
	}
	return v
}

// set puts a value into a tree and makes the mappings above it.
func set(tree map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		child, ok := tree[key].(map[string]any)
		if !ok {
			child = map[string]any{}
			tree[key] = child
		}
		tree = child
	}
	tree[path[len(path)-1]] = value
}

// lookup returns the value at a path of keys and indexes.
func lookup(tree any, path []step) (any, bool) {
	for _, s := range path {
		switch t := tree.(type) {
		case map[string]any:
			child, ok := t[s.key]
			if !ok || s.item {
				return nil, false
			}
			tree = child
		case []any:
			if !s.item || s.index < 0 || s.index >= len(t) {
				return nil, false
			}
			tree = t[s.index]
		default:
			return nil, false
		}
	}
	return tree, true
}

// step is one part of a path: a key of a mapping or an item of a list.
type step struct {
	key   string
	item  bool
	index int // -1 for a selector that names no index
}

// steps reads a path such as gateway.tls.certificateRefs[0].name, in which a
// backslash takes the meaning from the sign after it. What stands in brackets
// may also select by a field; it then is some item.
func steps(path string) []step {
	var out []step
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, step{key: word.String()})
			word.Reset()
		}
	}
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			if i++; i < len(path) {
				word.WriteByte(path[i])
			}
		case '.':
			flush()
		case '[':
			flush()
			end := i + 1
			for end < len(path) && path[end] != ']' {
				if path[end] == '\\' {
					end++
				}
				end++
			}
			index, err := strconv.Atoi(path[i+1 : min(end, len(path))])
			if err != nil {
				index = -1
			}
			out = append(out, step{item: true, index: index})
			i = end
		default:
			word.WriteByte(path[i])
		}
	}
	flush()
	return out
}

// join writes a path that steps reads.
func join(path []step) string {
	var b strings.Builder
	for i, s := range path {
		if s.item {
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `]`, `\]`).Replace(s.key))
	}
	return b.String()
}
