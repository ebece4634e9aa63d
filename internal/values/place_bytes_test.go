package values

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	releaseHead = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
	appHead     = "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
)

// TestPlaceBytes has the files that a text archive cannot hold.
func TestPlaceBytes(t *testing.T) {
	for name, c := range map[string]struct{ in, edits, out string }{
		"no final line end": {
			releaseHead + "spec:\n  values:\n    a: 1", "set b 2",
			releaseHead + "spec:\n  values:\n    a: 1\n    b: 2",
		},
		"text without final line end": {
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        a: 1", "set b 2\nset c 3",
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        a: 1\n        b: 2\n        c: 3",
		},
		"text without final line end, cut": {
			appHead + "spec:\n  source:\n    helm:\n      values: |-\n        a: 1\n        b: 2", "delete b",
			appHead + "spec:\n  source:\n    helm:\n      values: |-\n        a: 1",
		},
		"text with blanks in empty lines and at ends": {
			appHead + "spec:\n  source:\n    helm:\n      values: |  \n        a: 1  \n   \n          \n        b: 2\n   \n\n      x: y\n", "set a 2\nset c 3",
			appHead + "spec:\n  source:\n    helm:\n      values: |  \n        a: 2  \n   \n          \n        b: 2\n\n        c: 3\n   \n\n      x: y\n",
		},
		"text with next line and line separator": {
			appHead + "spec: {source: {helm: {x: y,\n values: \"a: 1 # \u00e9\\nb: 2\"}}}\n", "set a 2",
			appHead + "spec: {source: {helm: {x: y,\n values: \"a: 2 # \u00e9\\nb: 2\"}}}\n",
		},
		"text with blocks apart": {
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        a:\n          b: 'x'\n\n        c:\n          d: 'y'\n      x: y\n", "set e.f \"z\"",
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        a:\n          b: 'x'\n\n        c:\n          d: 'y'\n\n        e:\n          f: 'z'\n      x: y\n",
		},
		"quoted text with blocks apart": {
			appHead + "spec: {source: {helm: {values: \"a: x\\n\\nc: y\"}}}\n", "set e \"z\"",
			appHead + "spec: {source: {helm: {values: \"a: x\\n\\nc: y\\n\\ne: z\"}}}\n",
		},
		"mark, several documents": {
			"\ufeff" + releaseHead + "spec: {values: {a: 1}}\n---\nx:  1\n", "set a 2",
			"\ufeff" + releaseHead + "spec: {values: {a: 2}}\n---\nx:  1\n",
		},
		"last document without final line end": {
			"x:  1\nkind: A\napiVersion: v1\n--- # cp\n" + releaseHead + "spec:\n  values:\n    a: |\n      x", "set b 2",
			"x:  1\nkind: A\napiVersion: v1\n--- # cp\n" + releaseHead + "spec:\n  values:\n    a: |-\n      x\n    b: 2",
		},
		"directives of the next document": {
			releaseHead + "spec:\n  values:\n    a: 1\n...\n%YAML 1.1\n# next\n---\nx:  1\n", "set b 2",
			releaseHead + "spec:\n  values:\n    a: 1\n    b: 2\n...\n%YAML 1.1\n# next\n---\nx:  1\n",
		},
		"marks inside a text": {
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        ---\n        a: 1\n        ...\n---\nx:  1\n", "set b 2",
			appHead + "spec:\n  source:\n    helm:\n      values: |\n        ---\n        a: 1\n        b: 2\n        ...\n---\nx:  1\n",
		},
		"text with escapes kept": {
			appHead + "spec: {source: {helm: {values: \"\\x61: 1\\r\\nb: \\\"\\u00e9\\\\n\\\"\\r\\n\"}}}\n", "set a 2\nset c 3",
			appHead + "spec: {source: {helm: {values: \"\\x61: 2\\r\\nb: \\\"\\u00e9\\\\n\\\"\\r\\nc: 3\\r\\n\"}}}\n",
		},
	} {
		for _, crlf := range []bool{false, true} {
			if crlf {
				name += ", crlf"
				c.in, c.out = strings.ReplaceAll(c.in, "\n", "\r\n"), strings.ReplaceAll(c.out, "\n", "\r\n")
			}
			t.Run(name, func(t *testing.T) {
				places, err := Locate([]byte(c.in), someChart)
				if err != nil || len(places) != 1 {
					t.Fatal(places, err)
				}
				edits, opts := parseEdits(t, c.edits)
				result, err := ApplyAt([]byte(c.in), places[0], edits, opts)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.out, string(result.Bytes)); diff != "" {
					t.Fatalf("-want +got:\n%s\ngot:\n%q", diff, result.Bytes)
				}
				again, err := ApplyAt(result.Bytes, places[0], edits, opts)
				if err != nil || string(again.Bytes) != c.out {
					t.Errorf("a second run: %v\n%q", err, again.Bytes)
				}
			})
		}
	}
}

func TestParts(t *testing.T) {
	for src, want := range map[string][]string{
		"":                                  {""},
		"a: 1\n":                            {"a: 1\n"},
		"# c\n---\na: 1\n":                  {"# c\n---\na: 1\n"},
		"%YAML 1.1\n---\na: 1\n":            {"%YAML 1.1\n---\na: 1\n"},
		"---\n---\na: 1":                    {"---\n", "---\na: 1"},
		"--- a\n--- # b\n":                  {"--- a\n", "--- # b\n"},
		"a: 1\n...\n# c\n---\nb: 1\n":       {"a: 1\n...\n", "# c\n---\nb: 1\n"},
		"a: 1\n# c\n---\nb: 1\n":            {"a: 1\n# c\n", "---\nb: 1\n"},
		"a: |\n  ---\n---x\n --- \n---\tb":  {"a: |\n  ---\n---x\n --- \n", "---\tb"},
		"\ufeffa: 1\r\n---\r\nb: 1\r\n":     {"\ufeffa: 1\r\n", "---\r\nb: 1\r\n"},
		"a: 1\r---\rb: 1\u2028---\u0085c: ": {"a: 1\r", "---\rb: 1\u2028", "---\u0085c: "},
		"a: 1\n...\n":                       {"a: 1\n...\n"},
	} {
		var got []string
		for _, p := range parts([]byte(src)) {
			got = append(got, src[p.start:p.end])
			if line, _ := position([]byte(src), lineStarts([]byte(src)), p.start); p.start > 0 && line != p.line+1 {
				t.Errorf("%q: part at line %d, want %d", src, p.line+1, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", src, diff)
		}
	}
}

// TestStalePlace: a place from another state of the file is refused, not edited.
func TestStalePlace(t *testing.T) {
	app := appHead + "spec:\n  sources:\n    - chart: x\n      helm: {values: 'a: 1'}\n"
	text := Place{Kind: PlaceApplication, Path: MustPath("spec.sources[0].helm.values"), Text: true}
	for name, c := range map[string]struct {
		src, reason string
		at          func(p *Place)
	}{
		"document gone": {app, "the file has 1 documents, not 3", func(p *Place) { p.Document = 2 }},
		"other kind":    {app, "this is no HelmRelease", func(p *Place) { p.Kind = PlaceHelmRelease }},
		"source gone":   {app, "is not there", func(p *Place) { p.Path = MustPath("spec.sources[1].helm.valuesObject"); p.Text = false }},
		"text gone":     {appHead + "spec: {sources: [{}]}\n", "is not there", func(p *Place) {}},
		"no text":       {appHead + "spec: {sources: [{helm: {values: {a: 1}}}]}\n", "is not a text", func(p *Place) {}},
		"now a text":    {app, "is a text", func(p *Place) { p.Text = false }},
		"empty file":    {"", "this is no Application", func(p *Place) {}},
		"encrypted":     {app + "---\nsops: {mac: x}\n", "encrypted by SOPS", func(p *Place) {}},
		"not UTF-8":     {"\xff\xfea", "UTF-16", func(p *Place) {}},
	} {
		t.Run(name, func(t *testing.T) {
			at := text
			c.at(&at)
			_, parseErr := ParseAt([]byte(c.src), at)
			result, err := ApplyAt([]byte(c.src), at, []Edit{{Path: MustPath("a"), Value: 2}}, Options{})
			for _, err := range []error{err, parseErr} {
				var e *Error
				if !errors.As(err, &e) || !strings.Contains(e.Reason, c.reason) || e.Line < 1 || result.Bytes != nil {
					t.Errorf("%v, want … %s …", err, c.reason)
				}
			}
		})
	}
}

func TestLocate(t *testing.T) {
	src := []byte(appHead + "metadata: {name: cp, namespace: argocd}\nspec:\n  sources:\n    - ref: values\n    - chart: openchoreo-control-plane\n      targetRevision: 1.2.3\n      helm:\n        values: 'a: 1'\n        valueFiles: [$values/cp.yaml]\n        parameters: [{name: a, value: x}]\n")
	got, err := Locate(src, someChart)
	if err != nil {
		t.Fatal(err)
	}
	want := []Place{{
		Kind: PlaceApplication, Path: MustPath("spec.sources[1].helm.values"), Text: true, Name: "argocd/cp",
		Chart: "openchoreo-control-plane 1.2.3", Exists: true,
		Shadows: []string{"spec.sources[1].helm.parameters win over what is set here: a"},
		Below:   []string{"spec.sources[1].helm.valueFiles reads $values/cp.yaml: what is set here wins over it"},
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b Path) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := got[0].String(); s != "Application argocd/cp, spec.sources[1].helm.values" {
		t.Error(s)
	}
	if s := (Place{}).String(); s != "values file" {
		t.Error(s)
	}
	if _, err := ApplyAt(src, got[0], []Edit{{Value: 1}}, Options{}); err == nil {
		t.Error("an edit without a path was made")
	}
	for in, reason := range map[string]string{"\xff\xfea": "UTF-16", "a: \xe9": "not UTF-8"} {
		var e *Error
		if _, err := Locate([]byte(in), someChart); !errors.As(err, &e) || !strings.Contains(e.Reason, reason) {
			t.Errorf("%q: %v", in, err)
		}
	}
}
