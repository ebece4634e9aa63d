package values

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// quoting writes new texts with the quotes, or without, that the texts around
// them have. The zero value always writes double quotes.
type quoting struct {
	e      *editor
	around []*yaml.Node // the collections around, outermost first
	near   bool         // the text goes right into the innermost of them
}

// far is for what stands deeper than the collections around.
func (q quoting) far() quoting {
	q.near = false
	return q
}

// scalar writes a scalar that goes under a key, "" for a list item.
func (q quoting) scalar(key string, v any, flow bool) string {
	s, ok := v.(string)
	if !ok {
		return scalarYAML(v)
	}
	safe := safelyPlain(s, flow)
	switch style := q.style(key, safe); {
	case style == 0 && safe:
		return s
	case style == yaml.SingleQuotedStyle && isPrintable(s):
		return quoteSingle(s)
	}
	return quote(s)
}

// like writes a scalar over an old one, in the old one's quoting where that can
// carry the new value. What was no text takes that of the texts around.
func (q quoting) like(v any, old *yaml.Node, flow bool) string {
	s, ok := v.(string)
	switch {
	case !ok || old.Kind != yaml.ScalarNode || isNull(old):
		return q.scalar("", v, flow)
	case old.Style&yaml.SingleQuotedStyle != 0 && isPrintable(s):
		return quoteSingle(s)
	case old.Style == 0 && plainText(s, flow):
		return s
	}
	return quote(s)
}

// style is that of most texts beside the new one, else of most in the closest
// collection around it in which one style has more than any other. What cannot
// be plain is compared with all that is in quotes, other texts only with those
// whose owner had the choice.
func (q quoting) style(key string, safe bool) yaml.Style {
	for i := range q.around {
		n := q.around[len(q.around)-1-i]
		if i == 0 && q.near {
			if style, ok := beside(n, key).winner(safe); ok {
				return style
			}
		}
		if style, ok := q.e.ballot(n).winner(safe); ok {
			return style
		}
	}
	return yaml.DoubleQuotedStyle
}

// ballot counts texts by how they are written.
type ballot struct {
	plain, single, double    int // those that mean the same in all three ways
	needsSingle, needsDouble int // those that need quotes
}

func (b ballot) winner(safe bool) (style yaml.Style, ok bool) {
	if !safe {
		b = ballot{single: b.single + b.needsSingle, double: b.double + b.needsDouble}
	}
	switch {
	case b.plain > max(b.single, b.double):
		return 0, true
	case b.single > max(b.plain, b.double):
		return yaml.SingleQuotedStyle, true
	case b.double > max(b.plain, b.single):
		return yaml.DoubleQuotedStyle, true
	}
	return 0, false
}

// add counts a value. Texts of several lines are no example for others.
func (b *ballot) add(n *yaml.Node, flow bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return
	}
	choice := mightBePlain(n.Value, flow)
	switch n.Style {
	case 0:
		if choice {
			b.plain++
		}
	case yaml.SingleQuotedStyle:
		if choice {
			b.single++
		} else {
			b.needsSingle++
		}
	case yaml.DoubleQuotedStyle:
		if choice {
			b.double++
		} else if isPrintable(n.Value) { // else nobody could write single quotes
			b.needsDouble++
		}
	}
}

// beside counts the texts that a new one is a sibling of: the values of a
// mapping, the items of a list, or what its items have under the same key.
func beside(n *yaml.Node, key string) ballot {
	var b ballot
	for i, v := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 0:
		case n.Kind == yaml.MappingNode || key == "":
			b.add(v, isFlow(n))
		case v.Kind == yaml.MappingNode:
			for j := 0; j+1 < len(v.Content); j += 2 {
				if v.Content[j].Value == key {
					b.add(v.Content[j+1], isFlow(v))
				}
			}
		}
	}
	return b
}

// ballot counts all texts in a collection, once.
func (e *editor) ballot(n *yaml.Node) ballot {
	b, ok := e.ballots[n]
	if !ok {
		b.addAll(n)
		e.ballots[n] = b
	}
	return b
}

func (b *ballot) addAll(n *yaml.Node) {
	flow := isFlow(n)
	for i, v := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		b.add(v, flow)
		b.addAll(v)
	}
}

// mightBePlain tells, at a glance, of a text in quotes whether it would mean
// the same without. Of what starts like a number it says no.
func mightBePlain(s string, flow bool) bool {
	if isWord(s) {
		return true
	}
	first, _ := utf8.DecodeRuneInString(s)
	return (unicode.IsLetter(first) || first == '/' || first == '_') && !isShortWord(s) && !holdsPlace(s) && plainShape(s, flow)
}

// safelyPlain tells whether a new text may be written without quotes: it means
// itself to readers of YAML 1.1 and 1.2 alike, is like no date, and no template
// or script puts something else in its place before YAML is read.
func safelyPlain(s string, flow bool) bool {
	if isWord(s) {
		return true
	}
	oddSpace := strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsSpace(r) })
	return !oddSpace && !isShortWord(s) && !holdsPlace(s) && !date.MatchString(s) && plainText(s, flow)
}

// date is what YAML 1.1 takes for a timestamp, and a little more.
var date = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t]|$)`)

// placeholder is for Helm's and Argo CD's templates, envsubst and Flux, and K3s.
var placeholder = regexp.MustCompile(`\{\{|\$[{A-Za-z_]|%\{`)

func holdsPlace(s string) bool { return strings.ContainsAny(s, "{$") && placeholder.MatchString(s) }

func isShortWord(s string) bool {
	return len(s) < 6 && slices.Contains(shortWords, strings.ToLower(s))
}

func quoteSingle(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
