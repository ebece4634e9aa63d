package values

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
)

// wrapping puts a values file where an object would have it. False: it cannot
// stand there.
type wrapping struct {
	at   Place
	text bool
	wrap func(src string) (string, bool)
}

var wrappings = map[string]wrapping{
	"umbrella": {at: Place{Kind: PlaceUmbrella, Path: MustPath("openchoreo-control-plane")}, wrap: func(src string) (string, bool) {
		return "first: 1\nopenchoreo-control-plane:\n" + indented(src, 3) + "last: 1\n", isBlockMapping(src)
	}},
	"helmrelease": {at: Place{Kind: PlaceHelmRelease, Document: 1, Path: MustPath("spec.values")}, wrap: func(src string) (string, bool) {
		return "# other\nodd:   [ 1 ]\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n" +
			indented(src, 4) + "  interval: 1h\n...\n---\nodd:   [ 2 ]\n", isBlockMapping(src)
	}},
	"literal": {at: Place{Kind: PlaceApplication, Path: MustPath("spec.source.helm.values"), Text: true}, text: true, wrap: func(src string) (string, bool) {
		header := "|"
		if strings.HasPrefix(strings.TrimLeft(src, "\n"), " ") {
			header += "4"
		}
		switch body := strings.TrimRight(src, "\n"); {
		case body == "" || strings.HasSuffix(body, " "): // spaces on the last line would be text
			return "", false
		case src == body:
			header += "-"
		case src != body+"\n":
			header += "+"
		}
		return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: " + header +
			" # ours\n" + indented(src, 10) + "      releaseName: x\n  project: x\n", isPrintable(strings.ReplaceAll(strings.ReplaceAll(src, "\n", ""), "\t", ""))
	}},
	"item": {at: Place{Kind: PlaceHelmChart, Path: MustPath("items[1].spec.valuesContent"), Text: true}, text: true, wrap: func(src string) (string, bool) {
		if src == "" || strings.HasPrefix(src, " ") || strings.HasPrefix(src, "\n") || !strings.HasSuffix(src, "\n") || strings.HasSuffix(src, " \n") || strings.HasSuffix(src, "\n\n") {
			return "", false
		}
		return "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: A\n- apiVersion: helm.cattle.io/v1\n  kind: HelmChart\n  spec:\n    valuesContent: |\n" +
			indented(src, 6) + "    version: x\n", isPrintable(strings.ReplaceAll(strings.ReplaceAll(src, "\n", ""), "\t", ""))
	}},
	"quoted": {at: Place{Kind: PlaceApplication, Path: MustPath("spec.sources[1].helm.values"), Text: true}, text: true, wrap: func(src string) (string, bool) {
		return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources: [{repoURL: x}, {helm: {values: " + quote(src) + ", x: 1}}]\n", true
	}},
}

func isBlockMapping(src string) bool {
	d, err := load([]byte(src))
	return err == nil && d.root != nil && isMapping(d.root) && !isFlow(d.root) && len(d.root.Content) > 0 && d.next == len(src) &&
		!strings.Contains(src, "\n---") && !strings.HasPrefix(src, "---") && !strings.Contains(src, "\n...") && !strings.HasPrefix(src, "%") &&
		d.root.Anchor == "" && strings.HasSuffix(src, "\n")
}

// indented puts spaces before all lines but the empty ones.
func indented(src string, by int) string {
	lines := strings.SplitAfter(src, "\n")
	for i, l := range lines {
		if strings.Trim(l, "\n") != "" {
			lines[i] = spaces(by) + l
		}
	}
	s := strings.Join(lines, "")
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

// outerVariants gives a file as it is and in the forms of variants.
func outerVariants(src string) map[string][]byte {
	return map[string][]byte{
		"lf":               []byte(src),
		"crlf":             []byte(strings.ReplaceAll(src, "\n", "\r\n")),
		"bom":              []byte("\ufeff" + src),
		"no final newline": []byte(strings.TrimSuffix(src, "\n")),
	}
}

// checkEditAt applies an edit at a place and compares what Helm reads then
// with what it should, and all the rest of the file with what it was, for files
// as people write them line by line. It gives the new file; nil when the edit
// was refused.
func checkEditAt(t *testing.T, src []byte, at Place, tree map[string]any, e Edit, lines bool) []byte {
	t.Helper()
	result, err := ApplyAt(src, at, []Edit{e}, Options{})
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Line < 1 || refusal.Line > len(lineStarts(src)) || refusal.Column < 1 || refusal.Reason == "" {
			t.Fatalf("%s: not a proper refusal: %#v", describe(e), err)
		}
		if result.Bytes != nil {
			t.Fatalf("%s: refused, but gave bytes", describe(e))
		}
		return nil
	}
	got, err := ParseAt(result.Bytes, at)
	if err != nil {
		t.Fatalf("%s: the result does not parse: %v\n%s", describe(e), err, shorten(result.Bytes))
	}
	want := expected(tree, e.Path.segs, e)
	if !reflect.DeepEqual(any(got), want) {
		t.Fatalf("%s: the result reads\n%v\nwant\n%v\nbytes:\n%s", describe(e), got, want, shorten(result.Bytes))
	}
	same := reflect.DeepEqual(want, any(tree))
	if same != (len(result.Changed) == 0) || same != bytes.Equal(result.Bytes, src) {
		t.Fatalf("%s: same value %v, but changed %v", describe(e), same, result.Changed)
	}
	for _, c := range result.Changed {
		if c.Path != e.Path.String() {
			t.Fatalf("%s: changed %q", describe(e), c.Path)
		}
	}
	if !same {
		checkAround(t, src, result.Bytes, at, e, lines)
	}
	_, found := Lookup(got, e.Path)
	if last := e.Path.segs[len(e.Path.segs)-1]; !found && !e.Delete || e.Delete && last.selector && last.field == "" {
		return result.Bytes // the path names something else now
	}
	again, err := ApplyAt(result.Bytes, at, []Edit{e}, Options{})
	if err != nil || !bytes.Equal(again.Bytes, result.Bytes) {
		t.Fatalf("%s: a second run: %v\n%s\nafter\n%s", describe(e), err, shorten(again.Bytes), shorten(result.Bytes))
	}
	return result.Bytes
}

// checkAround compares the other documents, the rest of the document, and the
// lines of the values that are not about the edit.
func checkAround(t *testing.T, src, out []byte, at Place, e Edit, lines bool) {
	t.Helper()
	was, is := parts(src), parts(out)
	if len(was) != len(is) {
		t.Fatalf("%s: %d documents became %d:\n%s", describe(e), len(was), len(is), shorten(out))
	}
	for i := range was {
		if i != at.Document && !bytes.Equal(src[was[i].start:was[i].end], out[is[i].start:is[i].end]) {
			t.Fatalf("%s: document %d changed:\n%s", describe(e), i, shorten(out))
		}
	}
	p, q := was[at.Document], is[at.Document]
	before, after := src[p.start:p.end], out[q.start:q.end]
	if !at.Text {
		checkTree(t, before, after, at.Path.segs, e)
		if !lines {
			return
		}
		tree, err := Parse(before)
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, before, after, tree, under(at.Path.segs, []Edit{e})[0])
		return
	}
	s, err := open(src, at)
	if err != nil {
		t.Fatal(err)
	}
	checkTree(t, before, after, s.textPath(), e)
	first := s.text.body
	if !bytes.HasPrefix(after, before[:first]) || !bytes.HasSuffix(after, before[s.text.end:]) {
		t.Fatalf("%s: something around the text changed:\n%s", describe(e), shorten(out))
	}
	if s.text.raw == nil {
		return
	}
	r, err := open(out, at)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := Apply(s.text.text, under(s.prefix, []Edit{e}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimRight(string(r.text.text), "\n"); got != strings.TrimRight(string(inner.Bytes), "\n") {
		t.Fatalf("%s: the text is\n%q\nwant\n%q", describe(e), got, inner.Bytes)
	}
	// Lines that the inner edit leaves alone, at either end, stay byte for byte.
	a, b := splitLines(s.text.text), splitLines(inner.Bytes)
	x, y := splitLines(before[s.text.raw[0]:s.text.end]), splitLines(after[min(s.text.raw[0], r.text.end):r.text.end])
	for i := 0; i < min(len(a), len(b))-1 && a[i] == b[i]; i++ {
		if i >= len(y) || x[i] != y[i] {
			t.Fatalf("%s: line %d of the text changed:\n%s", describe(e), i, shorten(out))
		}
	}
	if len(x) == len(a) && len(y) == len(b) {
		for i := 1; i < min(len(a), len(b)) && a[len(a)-i] == b[len(b)-i]; i++ {
			if x[len(x)-i] != y[len(y)-i] {
				t.Fatalf("%s: line %d from the end of the text changed:\n%s", describe(e), i, shorten(out))
			}
		}
	}
}

// checkTree compares two documents without what is at a path.
func checkTree(t *testing.T, before, after []byte, path []segment, e Edit) {
	t.Helper()
	rest := func(src []byte) any {
		tree, err := Parse(src)
		if err != nil {
			t.Fatalf("%s: %v", describe(e), err)
		}
		if len(path) == 0 {
			return nil
		}
		return expected(tree, path, Edit{Value: "taken out"})
	}
	if a, b := rest(before), rest(after); !reflect.DeepEqual(a, b) {
		t.Fatalf("%s: beside the values there was\n%v\nnow\n%v", describe(e), a, b)
	}
}

// TestCorpusPlaces edits the values of real files where they are.
func TestCorpusPlaces(t *testing.T) {
	kinds := map[PlaceKind]int{}
	files := corpus(t)
	own, err := os.ReadFile("testdata/places/appset.yaml") // the corpus has none of this kind for our chart
	if err != nil {
		t.Fatal(err)
	}
	files["own appset"] = own
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			for variant, src := range variants(file) {
				places, err := Locate(src, someChart, topKeys...)
				var e *Error
				if err != nil && !errors.As(err, &e) {
					t.Fatal(variant, err)
				}
				for _, at := range places {
					if variant == "as is" {
						kinds[at.Kind]++
						if want := kindInName(name); at.Kind != want {
							t.Errorf("%s, want %s", at, want)
						}
					}
					if warnings, err := CheckAt(src, at); err != nil {
						t.Errorf("%s: %s: %v %v", variant, at, warnings, err)
						continue
					}
					tree, err := ParseAt(src, at)
					if err != nil {
						t.Fatal(err)
					}
					for i := range *editsPerFile / 10 {
						edit := randomEdit(rand.New(rand.NewPCG(uint64(i), 4)), tree)
						if checkEditAt(t, src, at, tree, edit, true) == nil && !excused(src) {
							_, err := ApplyAt(src, at, []Edit{edit}, Options{})
							t.Errorf("%s: %s: %v", variant, describe(edit), err)
						}
					}
				}
				if strings.Contains(name, "planes-appset") {
					if len(places) > 0 || e.Line != 69 || e.Column != 18 || !strings.Contains(e.Reason, "the template {{.chart}}") ||
						!strings.HasPrefix(e.Hint, "give values/cp/control-plane.yaml of https://") {
						t.Errorf("%s: %v, %v", variant, places, err)
					}
					continue
				}
				if wanted := kindInName(name); len(places) == 0 && wanted != "" && !strings.Contains(fmt.Sprint(err), "installs the chart") {
					t.Errorf("%s: want %s: %v", variant, wanted, err)
				}
			}
		})
	}
	for _, kind := range []PlaceKind{PlacePlain, PlaceUmbrella, PlaceHelmRelease, PlaceApplication, PlaceApplicationSet} {
		if kinds[kind] == 0 {
			t.Errorf("no file of kind %s", kind)
		}
	}
}

// kindInName is what the corpus says of a file.
func kindInName(name string) PlaceKind {
	switch {
	case strings.Contains(name, "appset"):
		return PlaceApplicationSet
	case strings.Contains(name, "helmrelease"):
		return PlaceHelmRelease
	case strings.Contains(name, "charts_planes_control-plane"):
		return PlaceUmbrella
	case strings.Contains(name, "14-openchoreo"), strings.Contains(name, "10-control-plane"), strings.Contains(name, "prometheus-stack-application"):
		return PlaceApplication
	case strings.Contains(name, "values"), strings.Contains(name, "app-config"), strings.Contains(name, "testdata_controlplane"), strings.Contains(name, "88-openchoreo"):
		return PlacePlain
	}
	return "" // no place for values
}

// TestWrappedCorpus puts real values files into objects and edits them there.
func TestWrappedCorpus(t *testing.T) {
	wrapped := map[string]int{}
	for name, file := range corpus(t) {
		inner := strings.TrimPrefix(strings.ReplaceAll(string(file), "\r\n", "\n"), "\ufeff")
		tree, err := Parse([]byte(inner))
		if _, checkErr := Check([]byte(inner)); err != nil || checkErr != nil || len(inner) > 100_000 {
			continue
		}
		for how, w := range wrappings {
			text, ok := w.wrap(inner)
			if !ok {
				continue
			}
			wrapped[how]++
			edits := *editsPerFile / 10
			if len(inner) > 10_000 {
				edits = 1
			}
			for variant, src := range outerVariants(text) {
				edits := edits
				if variant != "lf" {
					edits = min(edits, 2)
					if len(inner) > 20_000 && *editsPerFile <= 20 {
						continue // line ends are those of the small files; -edits 30 takes these as well
					}
				}
				t.Run(name+"/"+how+"/"+variant, func(t *testing.T) {
					got, err := ParseAt(src, w.at)
					if err != nil || !reflect.DeepEqual(got, tree) {
						t.Fatalf("reads\n%v\nwant\n%v\n%v", got, tree, err)
					}
					for i := range edits {
						e := randomEdit(rand.New(rand.NewPCG(uint64(i), 5)), tree)
						if checkEditAt(t, src, w.at, tree, e, true) == nil && !excused([]byte(inner)) {
							_, err := ApplyAt(src, w.at, []Edit{e}, Options{})
							t.Errorf("%s: %v", describe(e), err)
						}
					}
				})
			}
		}
	}
	for how := range wrappings {
		if wrapped[how] < 10 {
			t.Errorf("only %d files as %s", wrapped[how], how)
		}
	}
}
