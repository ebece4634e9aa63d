package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const someChart = "openchoreo-control-plane"

var topKeys = []string{"backstage", "openchoreoApi", "security", "gateway", "features"}

// TestPlaces runs testdata/places/*.txtar. A case is a run of files that start
// with the same name: NAME/in, then what must come of it: NAME/places from
// Locate, and with NAME/edits (as in TestApply, at the first place) NAME/out,
// NAME/values from ParseAt before, NAME/warnings; or NAME/error from the first
// that fails.
func TestPlaces(t *testing.T) {
	files, err := filepath.Glob("testdata/places/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, names := map[string]map[string][]byte{}, []string{}
		for _, f := range archive.Files {
			name, part, _ := strings.Cut(f.Name, "/")
			if cases[name] == nil {
				cases[name] = map[string][]byte{}
				names = append(names, name)
			}
			cases[name][part] = f.Data
		}
		archive.Files = nil
		for _, name := range names {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				got := placeCase(t, cases[name])
				for _, part := range placeParts {
					if got[part] != nil {
						archive.Files = append(archive.Files, txtar.File{Name: name + "/" + part, Data: got[part]})
					}
				}
				if *update {
					return
				}
				if diff := cmp.Diff(texted(cases[name]), texted(got)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var placeParts = []string{"in", "places", "edits", "values", "out", "error", "warnings"}

func texted(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, b := range files {
		all[name] = string(b)
	}
	return all
}

// placeCase gives what comes of a case, in its form.
func placeCase(t *testing.T, c map[string][]byte) map[string][]byte {
	got := map[string][]byte{"in": c["in"]}
	if c["edits"] != nil {
		got["edits"] = c["edits"]
	}
	fails := func(err error) bool {
		var e *Error
		if errors.As(err, &e) {
			got["error"] = fmt.Appendf(nil, "%v\n%s\n", e, e.Hint)
		} else if err != nil {
			t.Fatalf("no proper refusal: %v", err)
		}
		return err != nil
	}
	places, err := Locate(c["in"], someChart, topKeys...)
	if fails(err) {
		return got
	}
	for _, p := range places {
		got["places"] = append(got["places"], spelled(p)...)
	}
	if c["edits"] == nil {
		return got
	}
	edits, opts := parseEdits(t, string(c["edits"]))
	at := places[0]
	tree, err := ParseAt(c["in"], at)
	if fails(err) {
		return got
	}
	if got["values"], err = json.Marshal(tree); err != nil {
		t.Fatal(err)
	}
	got["values"] = append(got["values"], '\n')
	result, err := ApplyAt(c["in"], at, edits, opts)
	if fails(err) {
		if result.Bytes != nil {
			t.Error("a refused edit gave bytes")
		}
		return got
	}
	got["out"] = result.Bytes
	if lines := warningLines(result.Warnings); lines != nil {
		got["warnings"] = lines
	}
	if len(result.Changed) != len(edits) {
		t.Errorf("%d edits, but changed %v", len(edits), result.Changed)
	}
	for i, c := range result.Changed {
		if c.Path != edits[i].Path.String() {
			t.Errorf("changed %q, want %q", c.Path, edits[i].Path)
		}
	}
	again, err := ApplyAt(result.Bytes, at, edits, opts)
	if err != nil || !bytes.Equal(again.Bytes, result.Bytes) || len(again.Changed) > 0 {
		t.Errorf("a second run changed the file again: %v\n%s", err, again.Bytes)
	}
	return got
}

func spelled(p Place) []byte {
	b := fmt.Appendf(nil, "%d %s: %s", p.Document, p.Kind, p)
	if p.Text {
		b = append(b, ", text"...)
	}
	if !p.Exists {
		b = append(b, ", not there yet"...)
	}
	if p.Chart != "" {
		b = fmt.Appendf(b, ", chart %s", p.Chart)
	}
	for _, s := range p.Shadows {
		b = fmt.Appendf(b, "\n  above: %s", s)
	}
	for _, s := range p.Below {
		b = fmt.Appendf(b, "\n  below: %s", s)
	}
	return append(b, '\n')
}
