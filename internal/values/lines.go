package values

import (
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// blank gives the length of the white space or line break at i, 0 if there is
// none. YAML 1.1 breaks lines at CR, U+0085, U+2028 and U+2029 too.
func blank(b []byte, i int) int {
	if i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		return 1
	}
	return lineBreak(b, i)
}

func lineBreak(b []byte, i int) int {
	if i >= len(b) {
		return 0
	}
	switch b[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(b) && b[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2:
		if i+1 < len(b) && b[i+1] == 0x85 {
			return 2
		}
	case 0xe2:
		if i+2 < len(b) && b[i+1] == 0x80 && (b[i+2] == 0xa8 || b[i+2] == 0xa9) {
			return 3
		}
	}
	return 0
}

// lineStarts gives the offset of every line; a byte order mark is before the first.
func lineStarts(src []byte) []int {
	start := 0
	if len(src) >= 3 && string(src[:3]) == string(utf8BOM) {
		start = 3
	}
	lines := append(make([]int, 0, len(src)/24+1), start)
	for i := start; i < len(src); {
		n := 0
		if c := src[i]; c < ' ' || c >= 0x80 {
			n = lineBreak(src, i)
		}
		if n == 0 {
			i++
			continue
		}
		i += n
		lines = append(lines, i)
	}
	return lines
}

// offset is where a node starts, its anchor and tag included.
func (d *document) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.src)
	}
	i := d.lines[n.Line-1]
	for c := 1; c < n.Column && i < len(d.src); c++ {
		if d.src[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(d.src[i:])
		i += size
	}
	return min(i, len(d.src))
}

// line is the index in lines of the line that holds an offset.
func (d *document) line(offset int) int { return lineOf(d.lines, offset) }

func lineOf(lines []int, offset int) int {
	low, high := 0, len(lines)
	for high-low > 1 {
		mid := (low + high) / 2
		if lines[mid] <= offset {
			low = mid
			continue
		}
		high = mid
	}
	return low
}

// position is the 1-based line and column of an offset.
func (d *document) position(offset int) (line, column int) {
	return position(d.src, d.lines, offset)
}

func position(src []byte, lines []int, offset int) (line, column int) {
	l := lineOf(lines, offset)
	return l + 1, utf8.RuneCount(src[lines[l]:max(lines[l], offset)]) + 1
}

// lineEnd is the end of the line that holds the offset, before its break.
func (d *document) lineEnd(offset int) int {
	i := offset
	for i < len(d.src) && lineBreak(d.src, i) == 0 {
		i++
	}
	return i
}

// after is the start of the first line wholly after what ends at end: end
// itself if that is a line's start, as behind a block scalar.
func (d *document) after(end int) int {
	if end > 0 && d.lines[d.line(end)] == end {
		return end
	}
	i := d.lineEnd(end)
	return i + lineBreak(d.src, i)
}

// indented tells whether only spaces are before the offset on its line.
func (d *document) indented(offset int) bool {
	for i := d.lines[d.line(offset)]; i < offset; i++ {
		if d.src[i] != ' ' {
			return false
		}
	}
	return true
}

// skip goes over white space, line breaks and comments, and in flow over commas.
func (d *document) skip(i int, commas bool) int {
	for i < len(d.src) {
		n := blank(d.src, i)
		switch {
		case n > 0:
			i += n
		case d.src[i] == '#':
			i = d.lineEnd(i)
		case commas && d.src[i] == ',':
			i++
		default:
			return i
		}
	}
	return i
}
