package values

import (
	"bytes"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// embedded is a text of a document that holds values, with the place of each of
// its bytes in the document.
type embedded struct {
	d      *document
	node   *yaml.Node
	text   []byte
	at     []int  // per byte of the text, and for its end
	reason string // why it can be read only

	body, end int   // of the scalar, without anchor and tag
	depth     int   // block scalar: how deep the text stands
	raw       []int // block scalar: where its lines start in the document
}

// textEdit is how a text changes in the document.
type textEdit struct {
	node    *yaml.Node
	splices []splice
}

// embed reads the text of a scalar that stands in a block collection at indent.
func (d *document) embed(n *yaml.Node, indent int, chain []*yaml.Node) (*embedded, error) {
	if n.Kind == yaml.AliasNode {
		return nil, refuse(n, "write the values out here", "the values are where the anchor &%s is", n.Value)
	}
	_, body := d.properties(n)
	t := &embedded{d: d, node: n, text: []byte(n.Value), body: body, end: d.end(n, indent)}
	var text []byte
	switch {
	case n.Style&yaml.FoldedStyle != 0:
		t.reason = "the values are a folded text (>), whose line ends are not those of the values"
		return t, nil
	case n.Style&yaml.LiteralStyle != 0:
		text = t.readBlock(indent)
		if len(text) == 0 {
			t.depth = max(indent, 0) + d.step(chain)
		}
	case bytes.ContainsFunc(d.src[body:t.end], isLineBreak):
		t.reason = "the values are a quoted text of several lines"
		return t, nil
	case n.Style&yaml.DoubleQuotedStyle != 0:
		text = t.readDouble()
	case n.Style&yaml.SingleQuotedStyle != 0:
		text = t.readSingle()
	}
	if string(text) != n.Value || bytes.HasPrefix(text, utf8BOM) {
		t.at, t.reason = nil, "the values are written in a way that cannot be edited here"
	}
	return t, nil
}

func isLineBreak(r rune) bool { return strings.ContainsRune("\n\r\u0085\u2028\u2029", r) }

// readBlock reads a literal block scalar line by line.
func (t *embedded) readBlock(indent int) []byte {
	d := t.d
	first, depth, end := d.blockScalar(t.body, indent)
	t.depth, t.end = depth, end
	var text []byte
	for i := first; i < end; {
		t.raw = append(t.raw, i)
		for n := 0; n < depth && i < end && d.src[i] == ' '; n++ {
			i++
		}
		for i < end && lineBreak(d.src, i) == 0 {
			text, t.at = append(text, d.src[i]), append(t.at, i)
			i++
		}
		n := lineBreak(d.src, i)
		line := d.src[i : i+n]
		if n > 0 && n < 3 {
			line = []byte("\n") // as the libraries read CRLF, CR and U+0085
		}
		for range line {
			t.at = append(t.at, i)
		}
		text = append(text, line...)
		i += n
	}
	t.at = append(t.at, end)
	if bytes.IndexByte(d.src[t.body:d.headerEnd(t.body)], '-') > 0 && len(text) > 0 {
		cut := len(text) - len(bytes.TrimSuffix(text, []byte("\n")))
		text, t.at = text[:len(text)-cut], t.at[:len(t.at)-cut]
	}
	return text
}

func (t *embedded) readSingle() []byte {
	var text []byte
	for i := t.body + 1; i < t.end-1; i++ {
		text, t.at = append(text, t.d.src[i]), append(t.at, i)
		if t.d.src[i] == '\'' {
			i++
		}
	}
	t.at = append(t.at, t.end-1)
	return text
}

func (t *embedded) readDouble() []byte {
	var text []byte
	for i := t.body + 1; i < t.end-1; {
		n, s := 1, string(t.d.src[i:i+1])
		if s == `\` {
			n, s = unescape(t.d.src[i : t.end-1])
		}
		for range len(s) {
			t.at = append(t.at, i)
		}
		text = append(text, s...)
		i += n
	}
	t.at = append(t.at, t.end-1)
	return text
}

// unescape reads an escape of a double-quoted scalar.
func unescape(b []byte) (n int, text string) {
	var v any
	for n = 2; n <= 10 && n <= len(b); n++ {
		switch b[1] {
		case 'x', 'u', 'U':
			if n != map[byte]int{'x': 4, 'u': 6, 'U': 10}[b[1]] {
				continue
			}
		}
		if err := yaml.Unmarshal([]byte(`"`+string(b[:n])+`"`), &v); err == nil {
			s, _ := v.(string)
			return n, s
		}
		break
	}
	return 1, ""
}

// writable refuses texts that can only be read.
func (t *embedded) writable() error {
	if t.reason == "" {
		return nil
	}
	return t.refuse(t.reason)
}

func (t *embedded) refuse(reason string) error {
	return refuse(t.node, "write the text as a block behind `|`", "%s", reason)
}

// position gives the place in the document of one in the text.
func (t *embedded) position(line, column int) (int, int) {
	if t.at == nil || line == 0 {
		return t.node.Line, t.node.Column
	}
	inner := &document{src: t.text, lines: lineStarts(t.text)}
	at := inner.offset(&yaml.Node{Line: line, Column: column})
	return t.d.position(t.at[at])
}

// outer places an error about the text in the document.
func (t *embedded) outer(err error) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	moved := *e
	moved.Line, moved.Column = t.position(e.Line, e.Column)
	moved.path = nil
	return &moved
}

// read gives the text in the new bytes of the document.
func (t *embedded) read(out []byte, path []segment) []byte {
	tree, err := helmTree(out)
	if err != nil {
		return nil
	}
	v, _ := lookup(tree, path)
	s, _ := v.(string)
	return []byte(s)
}

// splices brings the new text, and how it came from the old one, into the
// document.
func (t *embedded) splices(text []byte, edits []splice) []splice {
	if t.node.Style&yaml.LiteralStyle != 0 {
		return t.blockSplices(text, edits)
	}
	var list []splice
	from, out := 0, 0
	for _, s := range edits {
		added := string(text[out+s.at-from : s.out])
		from, out = s.to, s.out
		escaped := quote(added)
		escaped = escaped[1 : len(escaped)-1]
		if t.node.Style&yaml.SingleQuotedStyle != 0 {
			if !isPrintable(added) { // single quotes have no escapes
				return []splice{{at: t.body, to: t.end, text: quote(string(text))}}
			}
			escaped = strings.ReplaceAll(added, "'", "''")
		}
		list = append(list, splice{at: t.at[s.at], to: t.at[s.to], text: escaped})
	}
	return list
}

// blockSplices writes the lines of a block scalar: those that stay byte for
// byte, the others at the depth of the text.
func (t *embedded) blockSplices(text []byte, edits []splice) []splice {
	d, kept := t.d, t.kept(text, edits)
	first := t.end
	if len(t.raw) > 0 {
		first = t.raw[0]
	}
	eol := d.eol(t.end)
	var b strings.Builder
	if !atLineStart(d.src[:first]) {
		b.WriteString(eol)
	}
	lines := lineStarts(text)
	for i, start := range lines {
		if start == len(text) {
			break
		}
		end := start
		for end < len(text) && lineBreak(text, end) == 0 {
			end++
		}
		line, br := string(text[start:end]), eol
		if line != "" {
			line = spaces(t.depth) + line
		}
		if j, ok := kept[start]; ok {
			stop := d.lineEnd(t.raw[j])
			line = string(d.src[t.raw[j]:stop])
			if n := lineBreak(d.src, stop); n > 0 {
				br = string(d.src[stop : stop+n])
			}
		}
		b.WriteString(line)
		if last := i+1 == len(lines) || lines[i+1] == len(text); !last || atLineStart(d.src[:t.end]) {
			b.WriteString(br)
		}
	}
	return []splice{{at: first, to: t.end, text: b.String()}}
}

// kept gives, by where it starts in the new text, each line that stays.
func (t *embedded) kept(text []byte, edits []splice) map[int]int {
	starts := lineStarts(t.text)
	fresh := map[int]bool{}
	for _, start := range lineStarts(text) {
		fresh[start] = true
	}
	kept := map[int]int{}
	from, out, next := 0, 0, 0 // what stays from there on, up to the next edit
	for i := range t.raw {
		start, end := starts[i], len(t.text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		for next < len(edits) && edits[next].at < end {
			from, out = edits[next].to, edits[next].out
			next++
		}
		at := out + start - from
		line := bytes.TrimRight(t.text[start:end], "\n")
		if start >= from && fresh[at] && bytes.HasPrefix(text[at:], line) && (at+len(line) == len(text) || lineBreak(text, at+len(line)) > 0) {
			kept[at] = i
		}
	}
	return kept
}
