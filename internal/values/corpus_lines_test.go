package values

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	yaml "go.yaml.in/yaml/v3"
)

// TestCorpusLines counts the lines that an edit of one scalar changes in every
// real file, beside those that a yaml.v3 round trip with the same edit changes.
// Ours is the scalar's own line, and one line more only where the value was a
// text of several.
func TestCorpusLines(t *testing.T) {
	ours, theirs, edits := 0, 0, 0
	for name, src := range corpus(t) {
		if _, err := Check(src); err != nil || excused(src) {
			continue
		}
		tree, err := Parse(src)
		if err != nil {
			t.Fatal(name, err)
		}
		scalars := scalarPaths(tree)
		if len(scalars) == 0 {
			continue
		}
		r := rand.New(rand.NewPCG(7, uint64(len(src))))
		for range min(10, len(scalars)) {
			e := Edit{Path: Path{scalars[r.IntN(len(scalars))]}, Value: "changed by a test"}
			result, err := Apply(src, []Edit{e}, Options{})
			if err != nil {
				t.Fatalf("%s: %v: %v", name, e.Path, err)
			}
			old, _ := Lookup(tree, e.Path)
			text, _ := old.(string)
			n := changedLines(src, result.Bytes)
			if !strings.Contains(text, "\n") && n > 2 {
				t.Errorf("%s: %v changes %d lines", name, e.Path, n)
			}
			ours += n
			theirs += changedLines(src, roundTrip(t, src, e))
			edits++
		}
	}
	t.Logf("%d edits: %d lines taken out or put in by ours, %d by a yaml.v3 round trip", edits, ours, theirs)
	if theirs <= ours {
		t.Error("a round trip changes no more than an edit in place: then this package has no point")
	}
}

func scalarPaths(tree map[string]any) [][]segment {
	var list [][]segment
	for _, path := range allPaths(tree, nil) {
		switch v, _ := lookup(tree, path); v.(type) {
		case map[string]any, []any:
		default:
			list = append(list, path)
		}
	}
	return list
}

// changedLines counts the lines that a diff takes out and puts in.
func changedLines(before, after []byte) int {
	n := 0
	for line := range bytes.Lines(diff.Diff("a", before, "b", after)) {
		if (line[0] == '+' || line[0] == '-') && !bytes.HasPrefix(line, []byte("+++ ")) && !bytes.HasPrefix(line, []byte("--- ")) {
			n++
		}
	}
	return n
}

// roundTrip is what a naive editor does: it reads every document, changes the node
// and writes all anew.
func roundTrip(t *testing.T, src []byte, e Edit) []byte {
	t.Helper()
	var out bytes.Buffer
	decode, encode := yaml.NewDecoder(bytes.NewReader(src)), yaml.NewEncoder(&out)
	encode.SetIndent(2)
	for first := true; ; first = false {
		var n yaml.Node
		if decode.Decode(&n) != nil {
			break
		}
		if first {
			setNode(&n, e.Path.segs, e.Value.(string))
		}
		if err := encode.Encode(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := encode.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func setNode(n *yaml.Node, path []segment, value string) {
	d := &document{}
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for _, s := range path {
		if n = d.child(n, s); n == nil {
			return
		}
	}
	n.SetString(value)
}
