package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestApply runs testdata/*.txtar. A case is a run of files that start with
// the same name: NAME/in, NAME/edits, then NAME/out or NAME/error, and
// NAME/warnings if there are any. An edit is a line `set PATH JSON`, `delete PATH`
// or `comment PATH TEXT`, which fills Options.Comments.
func TestApply(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
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
			name, part, ok := strings.Cut(f.Name, "/")
			if !ok {
				t.Fatalf("%s: %s is no part of a case", file, f.Name)
			}
			if cases[name] == nil {
				cases[name] = map[string][]byte{}
				names = append(names, name)
			}
			cases[name][part] = f.Data
		}
		if *update {
			fill(t, file, archive, names, cases)
		}
		feature := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, name := range names {
			t.Run(feature+"/"+name, func(t *testing.T) { runCase(t, cases[name]) })
		}
	}
}

var update = flag.Bool("update", false, "write what comes out into testdata; read it before you commit it")

// fill writes the parts of each case that Apply gives.
func fill(t *testing.T, file string, archive *txtar.Archive, names []string, cases map[string]map[string][]byte) {
	archive.Files = nil
	for _, name := range names {
		c := cases[name]
		edits, opts := parseEdits(t, string(c["edits"]))
		result, err := Apply(c["in"], edits, opts)
		c["out"], c["error"], c["warnings"] = result.Bytes, nil, warningLines(result.Warnings)
		var e *Error
		if errors.As(err, &e) {
			c["error"] = fmt.Appendf(nil, "%v\n%s\n", e, e.Hint)
		}
		for _, part := range []string{"in", "edits", "out", "error", "warnings"} {
			if c[part] != nil {
				archive.Files = append(archive.Files, txtar.File{Name: name + "/" + part, Data: c[part]})
			}
		}
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func warningLines(warnings []Warning) []byte {
	var b []byte
	for _, w := range warnings {
		b = fmt.Appendf(b, "%d:%d: %s\n", w.Line, w.Column, w.Text)
	}
	return b
}

func runCase(t *testing.T, c map[string][]byte) {
	src := c["in"]
	edits, opts := parseEdits(t, string(c["edits"]))
	result, err := Apply(src, edits, opts)
	if want := c["error"]; want != nil {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("got error %v, want %s; bytes:\n%s", err, want, result.Bytes)
		}
		if got := fmt.Sprintf("%v\n%s\n", e, e.Hint); got != string(want) {
			t.Fatalf("error:\n%s\nwant:\n%s", got, want)
		}
		if result.Bytes != nil {
			t.Error("a refused edit gave bytes")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(c["out"]), string(result.Bytes)); diff != "" {
		t.Fatalf("-want +got:\n%s\ngot:\n%s", diff, result.Bytes)
	}
	if got := warningLines(result.Warnings); !bytes.Equal(got, c["warnings"]) {
		t.Errorf("warnings:\n%s\nwant:\n%s", got, c["warnings"])
	}
	for _, e := range edits {
		if last := e.Path.segs[len(e.Path.segs)-1]; e.Delete && last.selector && last.field == "" {
			return // deletes the next one now
		}
	}
	again, err := Apply(result.Bytes, edits, opts)
	if err != nil || !bytes.Equal(again.Bytes, result.Bytes) || len(again.Changed) > 0 {
		t.Errorf("a second run changed the file again: %v\n%s", err, again.Bytes)
	}
}

func parseEdits(t *testing.T, text string) ([]Edit, Options) {
	t.Helper()
	var edits []Edit
	opts := Options{Comments: map[string]string{}}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		path, arg, _ := strings.Cut(rest, " ")
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		switch verb {
		case "set":
			edits = append(edits, Edit{Path: p, Value: fromJSON(t, arg)})
		case "delete":
			edits = append(edits, Edit{Path: p, Delete: true})
		case "comment":
			opts.Comments[path] = arg
		default:
			t.Fatalf("unknown edit %q", line)
		}
	}
	return edits, opts
}

// fromJSON keeps the order of keys, as Map.
func fromJSON(t *testing.T, s string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	v, err := nextJSON(d)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("%s: something behind the value", s)
	}
	return v
}

func nextJSON(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return int(i), nil
		}
		return v.Float64()
	case json.Delim:
		list, m := []any{}, Map{}
		for d.More() {
			if v == '{' {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				child, err := nextJSON(d)
				if err != nil {
					return nil, err
				}
				m = append(m, Entry{key.(string), child})
				continue
			}
			item, err := nextJSON(d)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.Token()
		if v == '{' {
			return m, err
		}
		return list, err
	}
	return token, nil
}
