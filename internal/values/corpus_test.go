package values

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

var editsPerFile = flag.Int("edits", 20, "random edits per file of the corpus")

// corpus gives the real files that live beside the repository.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, _ := filepath.Glob("../../../shared/corpus/*.y*ml")
	if len(files) == 0 {
		t.Skip("no corpus at ../shared/corpus beside the repository")
	}
	all := map[string][]byte{}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))] = src
	}
	return all
}

// variants gives the file as it is and with what the wild rarely shows.
func variants(src []byte) map[string][]byte {
	lf := bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	return map[string][]byte{
		"as is":            src,
		"crlf":             bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")),
		"bom":              append([]byte("\ufeff"), src...),
		"no final newline": bytes.TrimRight(src, "\r\n"),
	}
}

func TestCorpus(t *testing.T) {
	for name, file := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			for variant, src := range variants(file) {
				if _, err := Check(src); err != nil {
					if !strings.Contains(name, "stringdata-secret") { // the SOPS file
						t.Errorf("%s: %v", variant, err)
					}
					continue
				}
				tree, err := Parse(src)
				if err != nil {
					t.Fatal(variant, err)
				}
				checkNoOps(t, src, tree)
				refused, edits := 0, *editsPerFile
				if variant != "as is" {
					edits /= 4
				}
				for i := range edits {
					e := randomEdit(rand.New(rand.NewPCG(uint64(i), 1)), tree)
					out := checkEdit(t, src, tree, e)
					if out == nil {
						refused++
						continue
					}
					checkLines(t, src, out, tree, e)
				}
				if refused > 0 && !excused(src) {
					t.Errorf("%s: %d of %d edits refused", variant, refused, edits)
				}
			}
		})
	}
}

// excused tells files in which a legal edit may be refused: one that an alias
// repeats, or of a key that is there twice.
func excused(src []byte) bool {
	d, err := load(src)
	return err != nil || len(d.aliases) > 0 || len(d.twice) > 0
}

// checkNoOps sets every path to the value it has.
func checkNoOps(t *testing.T, src []byte, tree map[string]any) {
	t.Helper()
	var edits []Edit
	for _, segs := range allPaths(tree, nil) {
		v, _ := lookup(tree, segs)
		edits = append(edits, Edit{Path: Path{segs}, Value: v})
	}
	result, err := Apply(src, edits, Options{})
	if err != nil || len(result.Changed) > 0 || !bytes.Equal(result.Bytes, src) {
		t.Errorf("%d edits that change nothing: %v, changed %v", len(edits), err, result.Changed)
	}
}

// checkLines compares the lines outside what the edit is about.
func checkLines(t *testing.T, src, out []byte, tree map[string]any, e Edit) {
	t.Helper()
	d, err := load(src)
	if err != nil || d.root == nil || len(d.aliases) > 0 || bytes.Equal(src, out) {
		return
	}
	target, parent, missing := d.root, d.root, len(e.Path.segs)
	first := 0
	for _, s := range e.Path.segs {
		next := d.child(target, s)
		if next == nil || e.Delete && missing == 1 && d.only(target) {
			break // the brackets of the emptied parent come in its line
		}
		first = next.Line - 1
		if target.Kind == yaml.MappingNode {
			for i, n := range target.Content {
				if n == next {
					first = target.Content[i-1].Line - 1
				}
			}
		}
		if i := slices.Index(target.Content, next); target.Kind == yaml.SequenceNode && isBlock(target) {
			first = d.line(d.dashes(target)[i])
		}
		parent, target = target, next
		missing--
	}
	last := max(followingLine(d.root, target, len(d.lines))-1, target.Line)
	was, is := splitLines(src), splitLines(out)
	if e.Delete && isBlock(parent) && !d.indented(d.offset(parent.Content[0])) {
		last = len(was) // the next key moves up behind the dash
	}
	last = min(last, len(was))
	composite := !e.Delete && !isScalar(e.Value) // may go below the comments of an empty value
	for missing == 0 && !composite && last > first && !endsInBlockScalar(target) && isCommentLine(was[last-1]) && !(e.Delete && strings.HasPrefix(was[last-1], " ")) {
		last--
	}
	if first > len(is) || !slices.Equal(was[:first], is[:first]) {
		t.Fatalf("%s: a line above line %d changed:\n%s", describe(e), first+1, shorten(out))
	}
	if rest := was[last:]; len(rest) > len(is) || !slices.Equal(rest, is[len(is)-len(rest):]) {
		t.Fatalf("%s: a line below line %d changed:\n%s", describe(e), last, shorten(out))
	}
	removed, added := len(was), len(is)
	for i := 0; i < len(was) && i < len(is) && was[i] == is[i]; i++ {
		removed, added = removed-1, added-1
	}
	for i := 1; removed > 0 && added > 0 && was[len(was)-i] == is[len(is)-i]; i++ {
		removed, added = removed-1, added-1
	}
	switch {
	case len(was) > 0 && !atLineStart(src) && endsInBlockScalar(d.root):
		// The header of the last block scalar changes to keep its value.
	case !e.Delete && missing > 0 && isBlock(target) && len(target.Content) > 0 && removed > 0:
		t.Fatalf("%s: an insertion removed %d lines:\n%s", describe(e), removed, shorten(out))
	case e.Delete && missing == 0 && isBlock(parent) && len(parent.Content) > 2 && added > 1:
		t.Fatalf("%s: a deletion added %d lines:\n%s", describe(e), added, shorten(out))
	case !e.Delete && missing == 0 && target.Kind == yaml.ScalarNode && !composite && added > 1:
		t.Fatalf("%s: a scalar for another added %d lines:\n%s", describe(e), added, shorten(out))
	}
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, string, bool, int, float64:
		return true
	}
	return false
}

// followingLine is the line of the first node behind a subtree, from 1.
func followingLine(root, target *yaml.Node, end int) int {
	inside := map[*yaml.Node]bool{}
	var mark func(n *yaml.Node)
	mark = func(n *yaml.Node) {
		inside[n] = true
		for _, c := range n.Content {
			mark(c)
		}
	}
	mark(target)
	seen, line := false, end+1
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		seen = seen || n == target
		if seen && !inside[n] && line == end+1 {
			line = n.Line
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	return line
}

func endsInBlockScalar(n *yaml.Node) bool {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}

func isCommentLine(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || s[0] == '#' || strings.HasPrefix(s, "---") || s == "..."
}

// splitLines keeps line ends, gives the last line one and drops the mark before the first.
func splitLines(b []byte) []string {
	lines := strings.SplitAfter(string(bytes.TrimPrefix(b, utf8BOM)), "\n")
	last := len(lines) - 1
	switch {
	case lines[last] == "":
		lines = lines[:last]
	case strings.HasSuffix(lines[0], "\r\n"):
		lines[last] += "\r\n"
	default:
		lines[last] += "\n"
	}
	return lines
}

func (d *document) only(n *yaml.Node) bool {
	return len(n.Content) == 1 || len(n.Content) == 2 && n.Kind == yaml.MappingNode
}

func shorten(b []byte) []byte { return b[:min(len(b), 2000)] }
