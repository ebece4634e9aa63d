package values

import (
	"fmt"
	"strings"
	"testing"

	yaml2 "go.yaml.in/yaml/v2"
	yaml "go.yaml.in/yaml/v3"
)

// TestNewTextsMeanThemselves: whatever the style, readers of YAML 1.1 and 1.2
// find the text that was set.
func TestNewTextsMeanThemselves(t *testing.T) {
	all := append([]string{
		"Yes", "NO", "Off", "TRUE", "Null", "NULL", "n", "0b11", "0o7", "08", "+1", "+.inf", ".NaN", "1.", "1.e+3", "1:2:3", "-1:20.5", "190:20:30.15",
		"2001-1-1", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "1_000.5", "0x_1f", "a:b", "a: ", "a\u3000b", "x?", "?x", "x#y",
		"x {{ .y }}", "${A}", "$A", "a$", "$1", "%{x}", "a%b", "a@b", "@", "~/x", "~x", "=x", "<x", "<<x", "e1", "inf", "nan", ".", "..", "....", "-x", "--",
	}, someTexts...)
	for _, src := range []string{
		"a: x\nb:\n  c: x\n", "a: 'x'\nb:\n  c: 'x'\n", "a: \"x\"\nb:\n  c: \"x\"\n", "b: {c: x}\n", "b: {c: 'x'}\n", "b: {\"c\": x}\n",
	} {
		for _, text := range all {
			result, err := Apply([]byte(src), []Edit{{Path: MustPath("b.new"), Value: []string{text}}}, Options{})
			if err != nil {
				t.Fatal(src, err)
			}
			for version, unmarshal := range map[string]func([]byte, any) error{"1.1": yaml2.Unmarshal, "1.2": yaml.Unmarshal} {
				var got struct {
					B map[string]any
				}
				if err := unmarshal(result.Bytes, &got); err != nil || fmt.Sprintf("%q", got.B["new"]) != fmt.Sprintf("%q", []any{text}) {
					t.Errorf("YAML %s reads %q as %q, %v:\n%s", version, text, got.B["new"], err, result.Bytes)
				}
			}
		}
	}
}

// TestSafelyPlain has what the libraries of Go would take for text, but others
// do not, or what is made into something else before.
func TestSafelyPlain(t *testing.T) {
	for _, s := range []string{"1:20", "2001-12-14 21:59:43.10 -5", "y", "N", "=", "a\u00a0b", "x {{ .y }}", "${A}b", "a-$A", ""} {
		if safelyPlain(s, false) {
			t.Errorf("%q is written without quotes", s)
		}
	}
	for _, s := range []string{"x", "a b", "http://x:8080", "10.0.0.1", "100m", "a$", "$1", "1.2.3", "2001-01-01x", "nothing"} {
		if !safelyPlain(s, false) {
			t.Errorf("%q is written in quotes", s)
		}
	}
}

// TestCorpusStyle adds a text to every mapping of real files whose texts are
// all written in one way, and a block to the root of those whose blocks all have
// a blank line between them, or none at all.
func TestCorpusStyle(t *testing.T) {
	written := map[string]int{}
	for name, src := range corpus(t) {
		if _, err := Check(src); err != nil || excused(src) {
			continue
		}
		tree, err := Parse(src)
		if err != nil {
			t.Fatal(name, err)
		}
		d, err := load(src)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, path := range allPaths(tree, nil) {
			n := d.root
			for _, s := range path {
				if n = d.child(n, s); n == nil {
					break
				}
			}
			style, ok := oneStyle(n)
			if !ok {
				continue
			}
			edit := Edit{Path: Path{append(path, segment{key: "newKey"})}, Value: "some text"}
			result, err := Apply(src, []Edit{edit}, Options{})
			if err != nil {
				t.Fatal(name, edit.Path, err)
			}
			want := map[yaml.Style]string{0: "some text", yaml.SingleQuotedStyle: "'some text'", yaml.DoubleQuotedStyle: `"some text"`}[style]
			written[want]++
			if !strings.Contains(string(result.Bytes), "newKey: "+want) && !strings.Contains(string(result.Bytes), `"newKey": `+want) {
				t.Errorf("%s: %s: want %s:\n%s", name, edit.Path, want, shorten(result.Bytes))
			}
		}
		if apart, ok := oneGap(d); ok {
			result, err := Apply(src, []Edit{{Path: MustPath("newKey.x"), Value: 1}}, Options{})
			if err != nil {
				t.Fatal(name, err)
			}
			written[fmt.Sprint("apart: ", apart)]++
			before, _, _ := strings.Cut(string(result.Bytes), "newKey:")
			if before = strings.ReplaceAll(before, "\r\n", "\n"); strings.HasSuffix(before, "\n\n") != apart {
				t.Errorf("%s: a blank line: want %v:\n%s", name, apart, before[max(0, len(before)-200):])
			}
		}
	}
	for _, style := range []string{"some text", "'some text'", `"some text"`, "apart: true", "apart: false"} {
		if written[style] == 0 {
			t.Errorf("no example for %s", style)
		}
	}
}

// oneStyle gives the style of all texts right in a mapping, if that is one; only
// texts of letters count, and there must be no others.
func oneStyle(n *yaml.Node) (style yaml.Style, ok bool) {
	if n == nil || n.Kind != yaml.MappingNode {
		return 0, false
	}
	for i := 1; i < len(n.Content); i += 2 {
		v := n.Content[i]
		if v.Kind != yaml.ScalarNode || v.Tag != "!!str" || v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			continue
		}
		if strings.Trim(v.Value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || len(v.Value) < 6 || ok && style != v.Style {
			return 0, false
		}
		style, ok = v.Style, true
	}
	return style, ok
}

// oneGap tells whether blank lines are between all blocks at the root, or
// between none.
func oneGap(d *document) (apart, ok bool) {
	with, without := 0, 0
	for i := 2; d.root != nil && i+1 < len(d.root.Content); i += 2 {
		if d.root.Content[i-1].Kind != yaml.MappingNode || d.root.Content[i+1].Kind != yaml.MappingNode || isFlow(d.root) {
			return false, false
		}
		above := strings.TrimRight(string(d.src[:d.lines[d.root.Content[i].Line-1]]), "\n \r")
		lines := strings.Split(string(d.src[len(above):d.lines[d.root.Content[i].Line-1]]), "\n")
		if strings.HasPrefix(lastLine(above), "#") {
			return false, false
		}
		if len(lines) > 2 {
			with++
		} else {
			without++
		}
	}
	return with > 0, (with > 0) != (without > 0)
}

func lastLine(s string) string { return s[strings.LastIndexByte(s, '\n')+1:] }
