package values

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzApply feeds any bytes. What Check accepts is edited, one random edit at
// a time and then several at once; checkEdit knows what must come out.
func FuzzApply(f *testing.F) {
	for _, s := range oddFiles {
		f.Add([]byte(s), uint64(len(s)))
		f.Add([]byte(s), uint64(len(s)+1))
	}
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		if _, err := Check(src); err != nil {
			if _, err := Apply(src, []Edit{{Path: MustPath("a"), Value: 1}}, Options{}); err == nil {
				t.Fatal("Apply took what Check refused")
			}
			return
		}
		tree, err := Parse(src)
		if err != nil {
			t.Fatal("Parse refused what Check took:", err)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		for range 6 {
			checkEdit(t, src, tree, randomEdit(r, tree))
		}
		_ = checkBatch(t, r, src, tree) // may be refused
	})
}

// FuzzApplyAt feeds any bytes. Wherever Locate finds values that CheckAt
// accepts, they are edited; checkEditAt knows what must come out, and what must
// not change.
func FuzzApplyAt(f *testing.F) {
	for _, s := range oddFiles {
		for _, how := range []string{"umbrella", "helmrelease", "literal", "quoted"} {
			text, _ := wrappings[how].wrap(s)
			f.Add([]byte(text), uint64(len(s)))
		}
	}
	for _, s := range placedFiles(f) {
		f.Add(s, uint64(len(s)))
	}
	f.Fuzz(func(t *testing.T, src []byte, seed uint64) {
		places, err := Locate(src, someChart, topKeys...)
		var refusal *Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Line < 1 || refusal.Line > len(lineStarts(src))) {
			t.Fatalf("not a proper refusal: %#v", err)
		}
		if err == nil && len(places) == 0 {
			t.Fatal("no place and no error")
		}
		r := rand.New(rand.NewPCG(seed, 6))
		for _, at := range places[:min(len(places), 4)] {
			_, checked := CheckAt(src, at)
			tree, err := ParseAt(src, at)
			if checked != nil || err != nil {
				if _, err := ApplyAt(src, at, []Edit{{Path: MustPath("a"), Value: someTexts}}, Options{}); err == nil {
					t.Fatal("ApplyAt took what CheckAt or ParseAt refused")
				}
				continue
			}
			for range 4 {
				checkEditAt(t, src, at, tree, randomEdit(r, tree), false)
			}
		}
	})
}

// placedFiles gives the files of testdata/places.
func placedFiles(t testing.TB) [][]byte {
	files, err := filepath.Glob("testdata/places/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, "/in") {
				all = append(all, f.Data)
			}
		}
	}
	return all
}

// FuzzPath: what ParsePath accepts, String spells in one way.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a", "a.b[name=x].c", `a\.b.c`, "a[0].b", `a[x\]y=z\]].k`, `\`, "a..b", "a[", "a[=]", "[name=x]", "a[name=x]b", `a\[0]`, "a[00]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		again, err := ParsePath(p.String())
		if err != nil || !reflect.DeepEqual(p, again) || p.String() != again.String() {
			t.Fatalf("%q is spelled %q, which reads as %v, %v", s, p.String(), again, err)
		}
	})
}

// oddFiles are short files with the corners of the language.
var oddFiles = []string{
	"", "\n", "# only a comment", "---\n", "--- # c\n...\n", "{}", "--- {}\n", "null # c\n", "~", "\ufeff", "\ufeffa: 1",
	"a: 1", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "a: 1\u0085b: 2\u2028c: 3\n", "é: ü\nb: {é: ü, c: 日本}\n",
	"a: |\n  text\n\nb: >-\n  folded\n  text\n", "a: |+\n  keep\n\n\nb: 1\n", "a: |\n  no newline", "a: |2\n    deep\nb: 1\n",
	"- |\n x\n", "a:\n- |\n x\n- >\n\n  y\n", "a: 'it''s'\nb: \"q\\\"\\\n  x\"\n", "a: plain\n  over\n\n  lines\nb: 1\n",
	"a: {b: 1, c: [1, 2,], d: {}}\n", "a: {\n  b: 1, # c\n  c: 2 # d\n}\n", "{\"a\":{\"b\":[1,{\"c\":null}]}}", "[a, b]", "a: [b: c, {d: e}]\n",
	"a: [\n  x,\n  y,\n]\nb: {x, y: }\n", "base: &b {x: 1, y: [1]}\nc:\n  <<: *b\n  x: 2\nd: *b\n", "a: &x 1\nb: *x\nc: [*x, &y {k: v}]\n",
	"a: &m\n  b: 1\nc:\n  k: 1\n  <<: [*m]\n", "&r\na: !!str 1\nb: !t\n  c: d\n", "? a\n: b\n? c\n", "? [x]\n: y\n", "a:\nb:\n  # c\nc: ~\n",
	"a:\n  - b: 1\n    c: 2\n  -\n    d: 1\n  - - x\n    - y\n  - \n", "a:\n- name: x\n  value: 1\n# c\n- name: y\n\nb: 1\n",
	"a: 1\na: 2\n", "y: yes\non: 1\n1: one\n1.5: x\n", "a: 1\n---\nb: 2\n---\nc: 3\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n",
	"sops:\n  mac: ENC[x]\na: 1\n", "a:\tb\n", "\ta: 1\n", "a: 1 #c\nb: 2# no\n", "a: ${X}\nb: '{{ .x }}'\nc: a#b\n", "a: &x\nb: !!null\nc: &y !!str z\n",
	"a:\n    b:\n        c: 1\nd:\n   - e\n", "a: # c\n  b: 1\n  # d\n# e\nf: 1\n", "a: \"x\" # c\n\n\n# end", "a:\n  b: 1\n  # in\n\n  # in too\n# out\nc: 1\n",
}
