package values

import (
	"bytes"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// splice replaces src[at:to] by text, or by whole lines when it has some.
type splice struct {
	at, to int
	text   string
	lines  []string
	out    int // where the new file goes on behind it
}

func (e *editor) put(at, to int, text string) {
	e.splices = append(e.splices, splice{at: at, to: to, text: text})
}

func (e *editor) putLines(at int, lines []string) {
	e.splices = append(e.splices, splice{at: at, to: at, lines: lines})
}

// assemble makes the new file; nil if splices overlap, which verify reports.
func (e *editor) assemble() []byte {
	src := e.d.src
	e.closeFinalBlockScalar()
	slices.SortStableFunc(e.splices, func(a, b splice) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return min(a.to-a.at, 1) - min(b.to-b.at, 1)
	})
	var out bytes.Buffer
	out.Grow(len(src) + 256)
	cursor := 0
	for i := range e.splices {
		s := &e.splices[i]
		if s.lines != nil && s.at < cursor { // behind lines that go
			s.at, s.to = cursor, cursor
		}
		if s.at < cursor || s.to < s.at {
			return nil
		}
		out.Write(src[cursor:s.at])
		cursor = s.to
		out.WriteString(s.text)
		if s.lines != nil {
			eol := e.d.eol(s.at)
			if !atLineStart(out.Bytes()) {
				out.WriteString(eol)
			}
			out.WriteString(strings.Join(s.lines, eol))
			if s.at < len(src) || atLineStart(src) {
				out.WriteString(eol)
			}
		}
		s.out = out.Len()
	}
	out.Write(src[cursor:])
	return out.Bytes()
}

// moved gives where an offset behind the first n splices is in the new file.
func (e *editor) moved(n, offset int) int {
	if n == 0 {
		return offset
	}
	return e.splices[n-1].out + offset - e.splices[n-1].to
}

// atLineStart tells whether text that follows b starts a line.
func atLineStart(b []byte) bool {
	if len(b) == 0 || bytes.Equal(b, utf8BOM) {
		return true
	}
	for n := 1; n <= 3 && n <= len(b); n++ {
		if lineBreak(b, len(b)-n) == n {
			return true
		}
	}
	return false
}

// eol is the line break in use before the offset.
func (d *document) eol(at int) string {
	l := d.line(at)
	if d.lines[l] < at {
		l++
	}
	for ; l > 0; l-- {
		end := d.lineEnd(d.lines[l-1])
		if s := string(d.src[end : end+lineBreak(d.src, end)]); s == "\n" || s == "\r\n" || s == "\r" {
			return s
		}
	}
	return "\n"
}

// closeFinalBlockScalar keeps the value of a block scalar that ends the file
// without a final line break when lines are put behind it: the line break
// they need would become part of the text, if its header did not strip it.
func (e *editor) closeFinalBlockScalar() {
	d := e.d
	if d.root == nil || atLineStart(d.src) {
		return
	}
	leaf := lastLeaf(d.root)
	if leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 || leaf.Value == "" || strings.HasSuffix(leaf.Value, "\n") {
		return
	}
	_, body := d.properties(leaf)
	appends := false
	for _, s := range e.splices {
		if s.at <= body && body < s.to {
			return
		}
		appends = appends || s.at == len(d.src) && len(s.lines) > 0
	}
	if !appends {
		return
	}
	end := d.headerEnd(body)
	header := string(d.src[body:end])
	stripped := strings.Trim(header, "+-") + "-"
	if stripped != header && header[len(header)-1] != '-' {
		e.put(body, end, stripped)
	}
}

// headerEnd is the end of a block scalar's indicators.
func (d *document) headerEnd(body int) int {
	i := body + 1
	for i < len(d.src) && strings.IndexByte("+-0123456789", d.src[i]) >= 0 {
		i++
	}
	return i
}
