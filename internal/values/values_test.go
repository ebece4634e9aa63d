package values

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanged(t *testing.T) {
	src := []byte("a: 1\nb: [{name: x, v: 1}]\nc: 1\nd: 1\n")
	edits, _ := parseEdits(t, strings.Join([]string{
		"set a 1", "set a.b.c 1", "delete c", "delete e", "set new.k 1", "set b[name=x].v 2", "set b[name=x].name \"y\"",
		"set d 2", "set d 1", "set b[name=z].v 1", "delete b[0].v",
	}[2:], "\n"))
	result, err := Apply(src, edits, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{"c", KindDelete}, {"new.k", KindInsert}, {"b[name=x].v", KindSet}, {"b[name=x].name", KindSet},
		{"b[name=z].v", KindInsert}, {"b[0].v", KindDelete},
	}
	if diff := cmp.Diff(want, result.Changed); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, result.Bytes)
	}
}

func TestValueTypes(t *testing.T) {
	result, err := Apply(nil, []Edit{{Path: MustPath("a"), Value: map[string]any{
		"z": []string{"s"}, "b": []Map{{{"k", int64(1)}}}, "c": []map[string]any{{"k": uint8(2)}}, "d": Map(nil),
		"e": []any{nil, true, 1.5}, "f": uint64(1<<63 + 1), "g": []string(nil),
	}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `a:
  b:
    - k: 1
  c:
    - k: 2
  d: {}
  e:
    - null
    - true
    - 1.5
  f: 9223372036854775809
  g: []
  z:
    - "s"
`
	if diff := cmp.Diff(want, string(result.Bytes)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, v := range map[string]any{
		"struct": struct{}{}, "channel in list": []any{make(chan int)}, "not UTF-8": "\xff", "key not UTF-8": Map{{"\xff", 1}},
		"key twice": Map{{"k", 1}, {"k", 2}}, "pointer": new(int),
	} {
		if _, err := Apply(nil, []Edit{{Path: MustPath("a"), Value: v}}, Options{}); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if _, err := Apply(nil, []Edit{{Value: 1}}, Options{}); err == nil {
		t.Error("an edit without a path was made")
	}
}

func TestParse(t *testing.T) {
	tree, err := Parse([]byte("a: yes\nb: {c: 0x10, on: ~}\nd: 1\nd: [x, {name: 8080, v: 1.5}]\n---\na: no\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": true, "b": map[string]any{"c": 16.0, "true": nil},
		"d": []any{"x", map[string]any{"name": 8080.0, "v": 1.5}},
	}
	if diff := cmp.Diff(want, tree); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for path, want := range map[string]any{"a": true, "d[0]": "x", "d[name=8080].v": 1.5, "b.true": nil} {
		if got, ok := Lookup(tree, MustPath(path)); !ok || got != want {
			t.Errorf("%s: %v, %v", path, got, ok)
		}
	}
	for _, path := range []string{"x", "a.b", "b.x", "d[2]", "d[name=y]", "d.x", "b[0]", "d[0].x"} {
		if got, ok := Lookup(tree, MustPath(path)); ok {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, empty := range []string{"", "# c\n", "---\n", "{}", "null"} {
		if tree, err := Parse([]byte(empty)); err != nil || tree == nil || len(tree) > 0 {
			t.Errorf("%q: %v, %v", empty, tree, err)
		}
	}
}

func TestCheck(t *testing.T) {
	warnings, err := Check([]byte("a: 1\nb:\n  - {c: 1, \"c\": 2}\na: 2\n---\nx: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Warning{
		{3, 12, `the key "c" is here a second time (first in line 3); Helm reads the last one`},
		{4, 1, `the key "a" is here a second time (first in line 1); Helm reads the last one`},
		{5, 1, "another document starts here; only the first one is edited (Helm 4 merges them, Helm 3 reads the first)"},
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPath(t *testing.T) {
	for _, s := range []string{"a", "a.b.c", "a[name=x].c", `a\.b/c.d`, "a[0].b", `a[k=v\]w]`, "a[name=x.y=z]", `a[b\=c=d]`, "a[0][1]", `a\\b\[0\]`} {
		p, err := ParsePath(s)
		if err != nil || p.String() != s {
			t.Errorf("%s: %s, %v", s, p, err)
		}
	}
	for s, reason := range map[string]string{
		"": "empty key", "a.": "empty key", ".a": "empty key", "a..b": "empty key", "[name=x]": "empty key", "a[name=x]b": "dot",
		"a]": "dot", "a[": "select", "a[name]": "select", "a[=x]": "select", "a[name=]": "select", "a[name=x": "select",
		"a[-1]": "select", "a[01]": "select", `a\`: "backslash",
	} {
		if _, err := ParsePath(s); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want … %s …", s, err, reason)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustPath took a bad path")
		}
	}()
	MustPath("a..b")
}
