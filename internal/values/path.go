package values

import (
	"fmt"
	"strconv"
	"strings"
)

// Path names one place in a values file: keys joined by dots, list items found
// by a field (`mappings[name=x]`) or by their place (`certificateRefs[0]`). A
// backslash takes the meaning from a dot, bracket, equals sign or backslash:
// `annotations.example\.com/size`.
type Path struct {
	segs []segment
}

// segment is a key, or a selector of a list item: by field, or by index when
// the field is empty.
type segment struct {
	key      string
	selector bool
	field    string // selector: the field that tells items apart
	value    string // selector: what the field must say
	index    int    // selector without field
}

// ParsePath reads a path as described at Path. The error says what is wrong
// with it.
func ParsePath(s string) (Path, error) {
	p := pathParser{rest: s}
	segs, err := p.parse()
	if err != nil {
		return Path{}, fmt.Errorf("path %q: %w", s, err)
	}
	return Path{segs}, nil
}

// MustPath is ParsePath for paths written in the program; it panics on a bad one.
func MustPath(s string) Path {
	p, err := ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// String gives the path in the form ParsePath reads.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p.segs {
		if i > 0 && !s.selector {
			b.WriteByte('.')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

func (s segment) String() string {
	if !s.selector {
		return escape(s.key, `.[]\`)
	}
	if s.field == "" {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return "[" + escape(s.field, `=]\`) + "=" + escape(s.value, `]\`) + "]"
}

func escape(s, special string) string {
	if !strings.ContainsAny(s, special) {
		return s
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(special, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

type pathParser struct {
	rest string
}

func (p *pathParser) parse() ([]segment, error) {
	var segs []segment
	for {
		key, err := p.take(".[]")
		if err != nil {
			return nil, err
		}
		if key == "" {
			return nil, fmt.Errorf("must not have an empty key")
		}
		segs = append(segs, segment{key: key})
		for strings.HasPrefix(p.rest, "[") {
			p.rest = p.rest[1:]
			s, err := p.selector()
			if err != nil {
				return nil, err
			}
			segs = append(segs, s)
		}
		if p.rest == "" {
			return segs, nil
		}
		if p.rest[0] != '.' {
			return nil, fmt.Errorf("must have a dot before %q", p.rest)
		}
		p.rest = p.rest[1:]
	}
}

func (p *pathParser) selector() (segment, error) {
	field, err := p.take("=]")
	if err != nil {
		return segment{}, err
	}
	if strings.HasPrefix(p.rest, "]") {
		p.rest = p.rest[1:]
		index, err := strconv.Atoi(field)
		if err != nil || index < 0 || strconv.Itoa(index) != field {
			return segment{}, fmt.Errorf("must select a list item by [field=value] or [0], not [%s]", field)
		}
		return segment{selector: true, index: index}, nil
	}
	if field == "" || p.rest == "" {
		return segment{}, fmt.Errorf("must select a list item by [field=value] or [0]")
	}
	p.rest = p.rest[1:]
	value, err := p.take("]")
	if err != nil {
		return segment{}, err
	}
	if p.rest == "" || value == "" {
		return segment{}, fmt.Errorf("must select a list item by [field=value] or [0]")
	}
	p.rest = p.rest[1:]
	return segment{selector: true, field: field, value: value}, nil
}

// take reads up to one of the stop characters, which stays.
func (p *pathParser) take(stop string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == '\\' && i+1 == len(p.rest):
			return "", fmt.Errorf(`must not end in a single backslash`)
		case c == '\\':
			i++
			b.WriteByte(p.rest[i])
		case strings.IndexByte(stop, c) >= 0:
			p.rest = p.rest[i:]
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	p.rest = ""
	return b.String(), nil
}
