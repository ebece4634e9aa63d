package values

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var documents = flag.Int("documents", 300, "random documents, each of another style")

// TestRandomDocuments edits documents that mix every style of writing YAML.
// None has an alias or a duplicate key, so no edit may be refused.
func TestRandomDocuments(t *testing.T) {
	for i := range *documents {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		src := randomDocument(r)
		if _, err := Check(src); err != nil {
			t.Fatalf("document %d: %v\n%s", i, err, src)
		}
		tree, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		checkNoOps(t, src, tree)
		for range 10 {
			e := randomEdit(r, tree)
			if checkEdit(t, src, tree, e) == nil {
				_, err := Apply(src, []Edit{e}, Options{})
				t.Fatalf("document %d: %s: %v\n%q", i, describe(e), err, src)
			}
		}
		if err := checkBatch(t, r, src, tree); err != nil {
			t.Fatalf("document %d: %v\n%q", i, err, src)
		}
	}
}

// writer writes a random document.
type writer struct {
	r    *rand.Rand
	b    strings.Builder
	step int
	flat bool // dashes under their key
}

func randomDocument(r *rand.Rand) []byte {
	w := &writer{r: r, step: 1 + r.IntN(4), flat: r.IntN(2) == 0}
	w.b.WriteString(w.pick("", "", "# head\n", "---\n", "# a\n\n--- # b\n"))
	w.mapping(0, 3, false)
	w.b.WriteString(w.pick("", "", "\n# end\n", "...\n", "---\nnext: 1\n"))
	text := w.b.String()
	if r.IntN(4) == 0 {
		text = strings.ReplaceAll(text, "\n", w.pick("\r\n", "\r"))
	}
	if r.IntN(4) == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	if r.IntN(8) == 0 {
		text = "\ufeff" + text
	}
	return []byte(text)
}

func (w *writer) pick(of ...string) string { return of[w.r.IntN(len(of))] }

// gap writes what may stand between two lines.
func (w *writer) gap(indent int) {
	switch w.r.IntN(8) {
	case 0:
		w.b.WriteString("\n")
	case 1:
		fmt.Fprintf(&w.b, "%s# about\n", spaces(indent))
	case 2:
		fmt.Fprintf(&w.b, "%s#k: v\n   \n", spaces(w.r.IntN(6)))
	}
}

func (w *writer) mapping(indent, depth int, started bool) {
	keys := []string{"a", "b: c", "name", "é", "y", "1", "x.y", "k k"}
	w.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	for i, key := range keys[:1+w.r.IntN(4)] {
		if i > 0 || !started {
			if i > 0 {
				w.gap(indent)
			}
			w.b.WriteString(spaces(indent))
		}
		switch {
		case key == "b: c":
			key = w.pick(`'b: c'`, `"b: c"`)
		case key != "y" && key != "1":
			key = w.pick(key, key, `"`+key+`"`)
		}
		w.b.WriteString(key + w.pick(":", ":", ":", " :"))
		w.value(indent, depth-1, false)
	}
}

// value writes what follows a colon or dash at indent, to the end of the line.
func (w *writer) value(indent, depth int, item bool) {
	comment := w.pick("", "", "", " # why", "  ")
	anchor := w.pick("", "", "", "", fmt.Sprintf(" &a%d", w.r.IntN(100)))
	kind := w.r.IntN(10)
	if depth <= 0 {
		kind %= 7
	}
	deeper := indent + w.step
	switch kind {
	case 0:
		w.b.WriteString(comment + "\n")
	case 1, 2:
		w.b.WriteString(anchor + " " + w.pick("text", "two words", "8080", "true", "~", "'it''s'", `"q\"\t"`, "''", "http://x:80/#y", "${X}", "{{ x }}"[:0]+"'{{ x }}'", "a#b") + comment + "\n")
	case 3:
		pad := spaces(deeper)
		w.b.WriteString(anchor + " " + w.pick("one\n"+pad+"two", "'one\n\n"+pad+"two'", "\"one \\\n"+pad+"two\"", "\n"+pad+"below") + comment + "\n")
	case 4:
		w.b.WriteString(anchor + " " + w.pick("|", "|", ">", "|-", ">+", "|+", "|2")[:1] + w.pick("", "-", "+") + w.pick("", " # why") + "\n")
		pad := spaces(deeper)
		w.b.WriteString(w.pick("", "\n") + pad + "text\n" + w.pick("", "\n", pad+"  more\n") + pad + "# no comment\n" + w.pick("", "\n", "\n\n"))
	case 5:
		w.b.WriteString(anchor + " " + w.flow(2, indent+1) + comment + "\n")
	case 6:
		w.b.WriteString(anchor + " " + w.pick("{}", "[]", "{ }", "[ ]", "[\n"+spaces(indent+1)+"]") + comment + "\n")
	case 7, 8:
		if item && w.r.IntN(2) == 0 {
			w.b.WriteString(" ")
			w.mapping(indent+2, depth, true)
			return
		}
		w.b.WriteString(anchor + comment + "\n")
		w.gap(deeper)
		w.mapping(deeper, depth, false)
	case 9:
		w.b.WriteString(anchor + comment + "\n")
		dash := deeper
		if w.flat && !item {
			dash = indent
		}
		for i := range 1 + w.r.IntN(3) {
			if i > 0 {
				w.gap(dash)
			}
			w.b.WriteString(spaces(dash) + "-")
			w.value(dash, depth-1, true)
		}
	}
}

// flow writes a collection in brackets whose further lines stand at indent.
func (w *writer) flow(depth, indent int) string {
	gap := w.pick("", " ", "\n"+spaces(indent), " # c\n"+spaces(indent))
	end := w.pick("", gap, ","+gap)
	var parts []string
	mapping := w.r.IntN(2) == 0
	for i := range 1 + w.r.IntN(3) {
		part := w.pick("x", "'x, y'", `"z"`, "1", "http://x")
		if depth > 0 && w.r.IntN(3) == 0 {
			part = w.flow(depth-1, indent)
		}
		if mapping {
			part = fmt.Sprintf(w.pick("k%d: %s", `"k%d":%s`, `'k%d': %s`), i, part)
		}
		parts = append(parts, part)
	}
	text := strings.Join(parts, w.pick(", ", ",", gap+", ", ","+gap))
	if mapping {
		return "{" + gap + text + end + "}"
	}
	return "[" + gap + text + end + "]"
}
