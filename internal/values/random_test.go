package values

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What random edits are made of, and what they should do to the tree: the
// plain rules, written a second time without a thought for bytes.

var someTexts = []string{
	"plain", "two words", "http://openchoreo.localhost:8080", "api://id/.default", "${VAR}", "{{ .Values.x }}",
	"y", "No", "on", "true", "null", "~", "", "1", "1e3", "0x1f", "0o17", "0777", "1_000", "12:30", "2001-01-01",
	".5", ".inf", ".nan", "-", "- x", "?", "? x", ":", "a:", "a: b", "a :b", "a #b", "#c", " lead", "trail ", "\ttab",
	"'single'", `"double"`, `back\slash`, "{x}", "{", "}", "[x]", "[", "]", "a, b", ",", "*a", "&a", "!t", "|", ">", "%", "@", "`",
	"---", "--- x", "...", "<<", "=", "two\nlines\n", "\n", "\r", "é", "日本", "🙂", "\u0085", "\u2028", "\ufeff", "\u00a0", "\x7f", "\x00", "\ufffd",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", strings.Repeat("long ", 300),
}

var someKeys = []string{"newKey", "name", "value", "y", "on", "1", "1.5", "a.b/c", "a b", "a: b", "#k", "[k]", "{k", "null", "<<", "é", `\`, "-", "? k"}

func randomScalar(r *rand.Rand) any {
	switch r.IntN(8) {
	case 0:
		return r.IntN(100000) - 100
	case 1:
		return r.IntN(2) == 0
	case 2:
		return nil
	case 3:
		return 0.5 + float64(r.IntN(100))
	}
	return someTexts[r.IntN(len(someTexts))]
}

func randomValue(r *rand.Rand, depth int) any {
	if depth == 0 {
		return randomScalar(r)
	}
	switch r.IntN(6) {
	case 0:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	case 1:
		return []string{"a.example.com", someTexts[r.IntN(len(someTexts))]}
	case 2:
		m := Map{}
		for _, i := range r.Perm(len(someKeys))[:r.IntN(4)] {
			m = append(m, Entry{someKeys[i], randomValue(r, depth-1)})
		}
		return m
	case 3:
		return []Map{{{"name", "x"}, {"value", randomScalar(r)}}, {{"name", someTexts[r.IntN(len(someTexts))]}}}
	}
	return randomScalar(r)
}

// allPaths lists every place in a tree, in a stable order.
func allPaths(v any, at []segment) [][]segment {
	var list [][]segment
	switch t := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			if k == "" {
				continue // has no path
			}
			p := append(at[:len(at):len(at)], segment{key: k})
			list = append(append(list, p), allPaths(t[k], p)...)
		}
	case []any:
		for i, item := range t {
			s := segment{selector: true, index: i}
			if name, ok := lookup(item, []segment{{key: "name"}}); ok && scalarText(name) != "" {
				named := segment{selector: true, field: "name", value: scalarText(name)}
				if len(find(t, named)) == 1 {
					s = named
				}
			}
			p := append(at[:len(at):len(at)], s)
			list = append(append(list, p), allPaths(item, p)...)
		}
	}
	return list
}

// randomEdit makes an edit that is legal in the tree, and of which kind it is.
func randomEdit(r *rand.Rand, tree map[string]any) Edit {
	paths := allPaths(tree, nil)
	newKey := segment{key: someKeys[r.IntN(len(someKeys))]}
	if len(paths) == 0 || r.IntN(12) == 0 {
		return Edit{Path: Path{[]segment{newKey}}, Value: randomValue(r, 2)}
	}
	segs := slices.Clone(paths[r.IntN(len(paths))])
	if s := segs[len(segs)-1]; s.selector && s.field != "" && r.IntN(2) == 0 {
		return Edit{Path: Path{segs}, Delete: true}
	} else if s.selector && s.field != "" {
		segs = append(segs, segment{key: "value"})
	}
	switch v, _ := lookup(tree, segs); r.IntN(4) {
	case 0:
		return Edit{Path: Path{segs}, Delete: true}
	case 1, 2:
		switch v.(type) {
		case map[string]any:
			for range 1 + r.IntN(2) {
				segs = append(segs, segment{key: someKeys[r.IntN(len(someKeys))]})
				if v, ok := lookup(tree, segs); ok && v != nil && kindOf(v) != "a mapping" {
					break
				}
			}
		case []any:
			s := segment{selector: true, field: "name", value: "new-item"}
			if r.IntN(3) == 0 {
				return Edit{Path: Path{append(segs, s)}, Value: Map{{"value", randomScalar(r)}}}
			}
			segs = append(segs, s, segment{key: "value"})
		case nil:
			if len(segs) > 0 && segs[len(segs)-1].key != "" {
				segs = append(segs, newKey)
			}
		}
	}
	return Edit{Path: Path{segs}, Value: randomValue(r, 2)}
}

// expected gives the tree an edit should lead to.
func expected(cur any, segs []segment, e Edit) any {
	if len(segs) == 0 {
		return plain(e.Value)
	}
	s, last := segs[0], len(segs) == 1
	if !s.selector {
		m := map[string]any{}
		if was, ok := cur.(map[string]any); ok {
			m = maps.Clone(was)
		}
		if e.Delete && last {
			delete(m, s.key)
			return m
		}
		m[s.key] = expected(m[s.key], segs[1:], e)
		return m
	}
	list, _ := cur.([]any)
	list = slices.Clone(list)
	found := find(list, s)
	if len(found) == 0 {
		var item any
		if s.field != "" {
			item = map[string]any{s.field: s.value}
		}
		list = append(list, item)
		found = []int{len(list) - 1}
	}
	at := found[0]
	if e.Delete && last {
		return slices.Delete(list, at, at+1)
	}
	list[at] = expected(list[at], segs[1:], e)
	if m, ok := list[at].(map[string]any); ok && last && s.field != "" {
		m[s.field] = s.value
	}
	return list
}

// plain is a value as Parse would give it.
func plain(v any) any {
	switch t := v.(type) {
	case Map:
		m := map[string]any{}
		for _, e := range t {
			m[e.Key] = plain(e.Value)
		}
		return m
	case int:
		return float64(t)
	case []any:
		list := make([]any, len(t))
		for i, item := range t {
			list[i] = plain(item)
		}
		return list
	case []string:
		list := make([]any, len(t))
		for i, item := range t {
			list[i] = item
		}
		return list
	case []Map:
		list := make([]any, len(t))
		for i, item := range t {
			list[i] = plain(item)
		}
		return list
	}
	return v
}

// checkEdit applies an edit and compares what Helm reads then with what it
// should. It gives the new file; nil when the edit was refused.
func checkEdit(t *testing.T, src []byte, tree map[string]any, e Edit) []byte {
	t.Helper()
	result, err := Apply(src, []Edit{e}, Options{})
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Line < 1 || refusal.Column < 1 || refusal.Reason == "" {
			t.Fatalf("%s: not a proper refusal: %#v", describe(e), err)
		}
		if result.Bytes != nil {
			t.Fatalf("%s: refused, but gave bytes", describe(e))
		}
		return nil
	}
	var got any
	got, err = Parse(result.Bytes)
	if err != nil {
		t.Fatalf("%s: the result does not parse: %v\n%s", describe(e), err, result.Bytes)
	}
	want := expected(tree, e.Path.segs, e)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: the result reads\n%v\nwant\n%v\nbytes:\n%s", describe(e), got, want, result.Bytes)
	}
	if same := reflect.DeepEqual(want, any(tree)); same != (len(result.Changed) == 0) || same != (string(result.Bytes) == string(src)) {
		t.Fatalf("%s: same value %v, but changed %v", describe(e), same, result.Changed)
	}
	_, found := Lookup(got.(map[string]any), e.Path)
	if last := e.Path.segs[len(e.Path.segs)-1]; !found && !e.Delete || e.Delete && last.selector && last.field == "" {
		return result.Bytes // the path names something else now
	}
	again, err := Apply(result.Bytes, []Edit{e}, Options{})
	if err != nil || string(again.Bytes) != string(result.Bytes) {
		t.Fatalf("%s: a second run: %v\n%s\nafter\n%s", describe(e), err, again.Bytes, result.Bytes)
	}
	return result.Bytes
}

// checkBatch makes several edits at once, each legal after those before it. It
// gives the error of a refusal.
func checkBatch(t *testing.T, r *rand.Rand, src []byte, tree map[string]any) error {
	t.Helper()
	var edits []Edit
	want := tree
	for range 6 {
		e := randomEdit(r, want)
		edits = append(edits, e)
		want = expected(want, e.Path.segs, e).(map[string]any)
	}
	result, err := Apply(src, edits, Options{Comments: map[string]string{"newKey": "why", "y.on": "two\nlines", "a.value": "#"}})
	if err != nil {
		for _, e := range edits {
			err = fmt.Errorf("%w\n%s", err, describe(e))
		}
		return err
	}
	got, err := Parse(result.Bytes)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%d edits read\n%v\nwant\n%v\nerror %v, bytes:\n%s", len(edits), got, want, err, result.Bytes)
	}
	if _, err := Check(result.Bytes); err != nil {
		t.Fatalf("the result is refused: %v\n%s", err, result.Bytes)
	}
	return nil
}

func describe(e Edit) string {
	if e.Delete {
		return "delete " + e.Path.String()
	}
	return fmt.Sprintf("set %s %#v", e.Path, e.Value)
}
