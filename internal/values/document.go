package values

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// document is the first YAML document of a file with the place of every node.
type document struct {
	src      []byte
	lines    []int      // where each line starts
	root     *yaml.Node // nil when there is no document at all
	twice    map[*yaml.Node][]*yaml.Node
	aliases  map[*yaml.Node]*yaml.Node // per anchored node, the first alias of it
	next     int                       // where the next document starts, len(src) if there is none
	warnings []Warning
	lineNos  lineMap // for what is said of lines
}

// lineMap gives the line of the file that a line of the document is; nil when
// the document starts the file.
type lineMap func(line int) int

func (m lineMap) line(n int) int {
	if m == nil {
		return n
	}
	return m(n)
}

// Check tells whether Apply can edit the file. Errors are of type *Error: not
// YAML, not UTF-8, encrypted by SOPS, or no mapping at the root. Warnings name
// duplicate keys and documents that Apply leaves alone.
func Check(src []byte) ([]Warning, error) {
	d, _, err := read(src, nil)
	if err != nil {
		return nil, err
	}
	return d.warnings, nil
}

// read parses the first document twice, at the same time: for its places and
// for what Helm reads.
func read(src []byte, lineNos lineMap) (*document, map[string]any, error) {
	var tree map[string]any
	var treeErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		tree, treeErr = helmTree(src)
	}()
	d, err := loadAt(src, lineNos)
	<-done
	if err != nil {
		return nil, nil, err
	}
	if treeErr != nil {
		return nil, nil, d.treeError(treeErr)
	}
	return d, tree, nil
}

// load parses the first document.
func load(src []byte) (*document, error) { return loadAt(src, nil) }

func loadAt(src []byte, lineNos lineMap) (*document, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	d := &document{src: src, lineNos: lineNos, aliases: map[*yaml.Node]*yaml.Node{}, twice: map[*yaml.Node][]*yaml.Node{}}
	d.lines = lineStarts(src)
	var doc yaml.Node
	if err := guard(func() error { return yaml.Unmarshal(src, &doc) }); err != nil {
		return nil, d.syntaxError(err, func(src []byte) error { return yaml.Unmarshal(src, new(yaml.Node)) })
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		d.root = doc.Content[0]
	}
	d.next = d.nextDocument()
	if d.root == nil {
		return d, nil
	}
	if !isMapping(d.root) && !isNull(d.root) {
		return nil, refuse(d.root, "a values file has keys at its top level, such as `backstage:`",
			"%s", errRoot)
	}
	if err := d.checkEncrypted(); err != nil {
		return nil, err
	}
	d.survey(d.root)
	if d.next < len(src) {
		line, column := d.position(d.next)
		d.warnings = append(d.warnings, Warning{line, column,
			"another document starts here; only the first one is edited (Helm 4 merges them, Helm 3 reads the first)"})
	}
	sortWarnings(d.warnings)
	return d, nil
}

// treeError places an error of helmTree.
func (d *document) treeError(err error) error {
	var key ambiguousKey
	if errors.As(err, &key) {
		at := d.root
		for n := range d.twice {
			if second := d.duplicate(n, string(key)); second != nil && (at == d.root || second.Line < at.Line) {
				at = second
			}
		}
		return refuse(at, "remove or rename one of them", "%s", err)
	}
	return d.syntaxError(err, func(src []byte) error { _, err := helmTree(src); return err })
}

const reasonSOPS = "the file is encrypted by SOPS"

var (
	utf8BOM   = []byte("\xef\xbb\xbf")
	utf16BOMs = [][]byte{{0xff, 0xfe}, {0xfe, 0xff}, {0, 0, 0xfe, 0xff}}
	hintUTF8  = "save the file as UTF-8"
	hintSOPS  = "edit it with `sops`: a change from outside breaks its checksum"
)

func checkEncoding(src []byte) error {
	for _, bom := range utf16BOMs {
		if bytes.HasPrefix(src, bom) {
			return refuse(nil, hintUTF8, "the file is UTF-16 or UTF-32, not UTF-8")
		}
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		line, column := position(src, lineStarts(src), i)
		return &Error{Line: line, Column: column, Reason: "the file has a zero byte here; it may be UTF-16 without a mark", Hint: hintUTF8}
	}
	if !utf8.Valid(src) {
		i := 0
		for i < len(src) {
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		line, column := position(src, lineStarts(src), i)
		return &Error{Line: line, Column: column, Reason: "the file is not UTF-8 here", Hint: hintUTF8}
	}
	return nil
}

// checkEncrypted refuses SOPS files, plain parts included: their checksum
// covers the whole file.
func (d *document) checkEncrypted() error {
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key, value := d.root.Content[i], d.root.Content[i+1]
		if key.Value != "sops" || value.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			if value.Content[j].Value == "mac" || strings.HasPrefix(value.Content[j+1].Value, "ENC[") {
				return refuse(key, hintSOPS, reasonSOPS)
			}
		}
	}
	return nil
}

// survey notes duplicate keys and aliases.
func (d *document) survey(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		if d.aliases[n.Alias] == nil {
			d.aliases[n.Alias] = n
		}
		return
	}
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]*yaml.Node, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			text, ok := nodeKey(key)
			if !ok {
				continue
			}
			if first := seen[text]; first != nil {
				d.twice[n] = append(d.twice[n], key)
				d.warnings = append(d.warnings, Warning{key.Line, key.Column,
					fmt.Sprintf("the key %q is here a second time (first in line %d); Helm reads the last one", text, d.lineNos.line(first.Line))})
				continue
			}
			seen[text] = key
		}
	}
	for _, child := range n.Content {
		d.survey(child)
	}
}

// duplicate gives the second place of a key that a mapping has twice.
func (d *document) duplicate(n *yaml.Node, key string) *yaml.Node {
	for _, k := range d.twice[n] {
		if text, _ := nodeKey(k); text == key {
			return k
		}
	}
	return nil
}

func isMapping(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style&quotedStyles == 0
}

// child finds the node of a path segment as far as it is written out here,
// following an alias; nil otherwise.
func (d *document) child(n *yaml.Node, s segment) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.MappingNode && !s.selector:
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			if text, ok := nodeKey(n.Content[i]); ok && text == s.key {
				return n.Content[i+1]
			}
		}
	case n.Kind == yaml.SequenceNode && s.selector && s.field == "":
		if s.index < len(n.Content) {
			return n.Content[s.index]
		}
	case n.Kind == yaml.SequenceNode && s.selector:
		for _, item := range n.Content {
			if v := d.child(item, segment{key: s.field}); v != nil && v.Value == s.value {
				return item
			}
		}
	}
	return nil
}

// at finds the node at a path as child does; nil if it is not written out.
func (d *document) at(path []segment) *yaml.Node {
	n := d.root
	for _, s := range path {
		if n = d.child(n, s); n == nil {
			return nil
		}
	}
	return n
}

// nextDocument finds the marker of a second document that says anything.
func (d *document) nextDocument() int {
	from := len(utf8BOM)
	if !bytes.HasPrefix(d.src, utf8BOM) {
		from = 0
	}
	if d.root != nil {
		from = d.end(d.root, -1)
	}
	first := len(d.src)
	for _, start := range d.lines[d.line(from):] {
		if start < from {
			continue
		}
		line := d.src[start:d.lineEnd(start)]
		if bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || blank(line, 3) > 0) {
			if first == len(d.src) {
				first = start
			}
			line = line[3:]
		}
		if first < len(d.src) && !isComment(line) {
			return first
		}
	}
	return len(d.src)
}

func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\r\n")
	return len(line) == 0 || line[0] == '#' || bytes.HasPrefix(line, []byte("..."))
}

// shadowed warns of changes that a later document undoes under Helm 4, which
// merges all documents of a values file (Helm 3 reads the first).
func (d *document) shadowed(changed []Change) []Warning {
	if d.next == len(d.src) {
		return nil
	}
	later, err := Parse(d.src[d.next:])
	if err != nil {
		return nil
	}
	line, _ := d.position(d.next)
	var list []Warning
	for _, c := range changed {
		if _, ok := Lookup(later, MustPath(c.Path)); ok {
			list = append(list, Warning{line, 1,
				fmt.Sprintf("%q is set again in the document that starts here; Helm 4 takes that one", c.Path)})
		}
	}
	return list
}
