package values

import "bytes"

// part is one YAML document of a file, in bytes and lines of the file. Its
// marker and the comments above the first one belong to it.
type part struct {
	start, end int
	line       int // how many lines are before it
}

// parts cuts a file at its document markers. YAML has them at the start of a
// line and nowhere else, not even inside quotes or a block of text.
func parts(src []byte) []part {
	list := []part{{}}
	begun, content, ended := false, false, -1 // ended: the line behind `...`
	lines := lineStarts(src)
	for i, start := range lines {
		end := len(src)
		if i+1 < len(lines) {
			end = lines[i+1]
		}
		line := src[start:end]
		switch {
		case isMarker(line, "---"):
			if begun || content {
				cut := i
				if ended >= 0 {
					cut = ended
				}
				list[len(list)-1].end = lines[cut]
				list = append(list, part{start: lines[cut], line: cut})
			}
			begun, content, ended = true, !isComment(line[3:]), -1
		case isMarker(line, "..."):
			ended = min(i+1, len(lines)-1)
		case len(line) > 0 && line[0] == '%' && (ended >= 0 || !begun && !content):
		case !isComment(line):
			content, ended = true, -1
		}
	}
	list[len(list)-1].end = len(src)
	return list
}

func isMarker(line []byte, marker string) bool {
	return bytes.HasPrefix(line, []byte(marker)) && (len(line) == 3 || blank(line, 3) > 0)
}

// lineNo is the lineMap of the part.
func (p part) lineNo(line int) int { return line + p.line }

// shift moves what is said about a part to its place in the file.
func (p part) shift(err error) error {
	e, ok := err.(*Error)
	if !ok || e.Line == 0 {
		return err
	}
	moved := *e
	moved.Line += p.line
	return &moved
}

func (p part) shiftAll(warnings []Warning) []Warning {
	moved := make([]Warning, len(warnings))
	for i, w := range warnings {
		if w.Line > 0 {
			w.Line += p.line
		}
		moved[i] = w
	}
	return moved
}
