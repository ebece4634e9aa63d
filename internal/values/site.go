package values

import (
	"bytes"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// site is a Place found again in the bytes of a file.
type site struct {
	part
	d      *document
	tree   map[string]any // of the document
	at     Place
	prefix []segment // keys before those of the values, in the document or the text
	text   *embedded // nil, or the text that holds the values
	inner  *reading  // nil, or that text read
}

const hintLocate = "look for the values again: the file is not as it was"

// open finds a place again. Errors are placed in the file. What of it has been
// seen need not be read again.
func open(src []byte, at Place, seen ...reading) (*site, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	s := &site{part: part{end: len(src)}, at: at, prefix: at.Path.segs}
	if !at.isFile() || at.Document > 0 {
		list := parts(src)
		if at.Document < 0 || at.Document >= len(list) {
			return nil, refuse(nil, hintLocate, "the file has %d documents, not %d", len(list), at.Document+1)
		}
		if err := checkOthers(src, list); err != nil {
			return nil, err
		}
		s.part = list[at.Document]
	}
	r, err := readPart(src, s.part, seen)
	if err != nil {
		s.d = &document{}
		return nil, s.explain(err)
	}
	s.d, s.tree = r.d, r.tree
	if !at.isFile() && objectAt(s.tree, at.Path.segs).place != at.Kind {
		return nil, s.explain(refuse(s.d.root, hintLocate, "this is no %s", placeNames[at.Kind]))
	}
	if err := s.walk(); err != nil {
		return nil, s.explain(err)
	}
	return s, nil
}

// isFile tells a values file from an object that carries values.
func (p Place) isFile() bool {
	return p.Kind == PlacePlain || p.Kind == PlaceUmbrella || p.Kind == ""
}

func (s *site) bytes() []byte { return s.d.src }

// checkOthers refuses files in which SOPS has encrypted any document: the
// checksum is about all of them.
func checkOthers(src []byte, list []part) error {
	if !bytes.Contains(src, []byte("sops")) {
		return nil
	}
	for _, p := range list {
		if _, err := load(src[p.start:p.end]); err != nil && strings.Contains(err.Error(), reasonSOPS) {
			return p.shift(err)
		}
	}
	return nil
}

// walk follows the place's path as far as it is written out. List items must be
// there: the editor would add them.
func (s *site) walk() error {
	n := s.d.root
	if n == nil || s.at.isFile() && isNull(n) {
		return nil
	}
	indent, chain := -1, []*yaml.Node(nil)
	for i, step := range s.at.Path.segs {
		if n.Kind == yaml.AliasNode && s.at.Text {
			return refuse(n, "write the values out here", "the values are where the anchor &%s is", n.Value)
		}
		next := s.d.child(n, step)
		if next == nil {
			if step.selector || s.at.Text {
				return refuse(n, hintLocate, "%q is not there", s.at.Path)
			}
			return nil
		}
		if isBlock(n) {
			indent, chain = s.d.column(n), append(chain, n)
		}
		n = next
		if !s.at.Text {
			continue
		}
		if v, _ := lookup(s.tree, s.at.Path.segs[:i+1]); kindOf(v) == "a text" {
			var err error
			s.text, err = s.d.embed(n, indent, chain)
			s.prefix = s.at.Path.segs[i+1:]
			return err
		}
	}
	if s.at.Text {
		return refuse(n, hintLocate, "%q is not a text", s.at.Path)
	}
	return nil
}

// explain places an error in the file and says what it means in an object.
func (s *site) explain(err error) error {
	if err == nil {
		return nil
	}
	err = s.shift(s.d.place(err))
	e, ok := err.(*Error)
	if !ok || s.at.isFile() {
		return err
	}
	switch e.Hint {
	case hintSyntax:
		e.Hint = "correct the file by hand first"
		if s.at.Kind == PlaceApplicationSet && s.text != nil && bytes.Contains(s.text.text, []byte("{{")) {
			e.Hint = "if a {{ template }} is to blame, make the change by hand: Argo CD renders it only later"
		}
	case hintTemplate:
		e.Hint = "put it in quotes: Helm does not render values"
		if s.at.Kind == PlaceApplicationSet {
			e.Hint = "put it in quotes, or make the change by hand: Argo CD renders it only later"
		}
	}
	return e
}

// textPath is where the text stands in the document.
func (s *site) textPath() []segment {
	return s.at.Path.segs[:len(s.at.Path.segs)-len(s.prefix)]
}

// textLine is the lineMap of the text.
func (s *site) textLine(line int) int {
	line, _ = s.text.position(line, 1)
	return s.lineNo(line)
}

// parse reads the document, or the text in it, as Parse does.
func (s *site) parse() (map[string]any, error) {
	if s.text == nil {
		return Parse(s.bytes())
	}
	tree, err := Parse(s.text.text)
	return tree, s.text.outer(err)
}

// locate gives a refusal found in the tree of parse its place.
func (s *site) locate(err error) error {
	if err == nil || s.text == nil {
		return err
	}
	d, loadErr := load(s.text.text)
	if loadErr != nil {
		return s.text.outer(loadErr)
	}
	return s.text.outer(d.place(err))
}

// applyText edits values inside a text: once as a file of their own, then what
// came of it where the text stands.
func (s *site) applyText(edits []Edit, opts Options) (Result, error) {
	t := s.text
	if err := s.readText(); err != nil {
		return Result{}, err
	}
	d, tree := s.inner.d.copied(), s.inner.tree
	if n := d.templateLine(d.root); n != nil && s.at.Kind == PlaceApplicationSet {
		return Result{}, t.outer(refuse(n, hintTemplate, "this text runs on over a {{ template }}, which an edit could lose"))
	}
	result, inner, err := d.apply(tree, under(s.prefix, edits), underAll(s.prefix, opts))
	if err != nil {
		return Result{}, t.outer(err)
	}
	for i, w := range result.Warnings {
		result.Warnings[i].Line, result.Warnings[i].Column = t.position(w.Line, w.Column)
	}
	result.Warnings = append(s.shiftAll(s.d.warnings), s.shiftAll(result.Warnings)...)
	if err := t.writable(); err != nil || inner == nil {
		return result, err
	}
	e := newEditor(s.d, nil)
	e.text = &textEdit{node: t.node, splices: t.splices(result.Bytes, inner.splices)}
	whole := []Edit{{Path: Path{s.textPath()}, Value: string(result.Bytes)}}
	after, _, err := edited(s.tree, whole)
	if err != nil {
		return Result{}, err
	}
	if err := e.root(s.tree, after); err != nil {
		return Result{}, err
	}
	out := e.assemble()
	// How many line ends close the text is up to its style, so it is read back.
	read := t.read(out, s.textPath())
	if !bytes.Equal(read, result.Bytes) && !sameTree(read, result.Bytes) {
		return Result{}, t.refuse("the text that holds the values cannot hold the result")
	}
	whole[0].Value = string(read)
	if after, _, err = edited(s.tree, whole); err != nil {
		return Result{}, err
	}
	result.Bytes = out
	return result, e.verify(out, s.tree, after, whole)
}

// templateLine finds text without quotes that YAML takes to run on over lines
// with templates, as when a loop is indented below a key.
func (d *document) templateLine(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.Style&quotedStyles == 0 && strings.Contains(n.Value, "{{") && d.line(d.end(n, -1)) > n.Line-1 {
		return n
	}
	for _, child := range n.Content {
		if found := d.templateLine(child); found != nil {
			return found
		}
	}
	return nil
}

// outranked warns of changes that another layer of the object undoes.
func (s *site) outranked(changed []Change) []Warning {
	var list []Warning
	for _, o := range s.overrides() {
		for _, c := range changed {
			if covers(o.name, c.Path) || covers(c.Path, o.name) {
				line, column := s.d.position(s.d.offset(o.node))
				list = append(list, Warning{line + s.line, column, fmt.Sprintf("%q is set here too, and this wins", c.Path)})
			}
		}
	}
	return list
}

// covers tells whether one path is above the other, or the same.
func covers(above, path string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func sameTree(a, b []byte) bool {
	x, errX := helmTree(a)
	y, errY := helmTree(b)
	return errX == nil && errY == nil && equal(x, y)
}
