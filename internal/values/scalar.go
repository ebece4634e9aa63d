package values

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	yaml2 "go.yaml.in/yaml/v2"
	yaml "go.yaml.in/yaml/v3"
)

// raw is YAML text to be written as it is.
type raw string

// scalarYAML writes a scalar, a text in double quotes.
func scalarYAML(v any) string {
	switch t := v.(type) {
	case nil:
		return "null"
	case raw:
		return string(t)
	case string:
		return quote(t)
	case float64:
		return floatYAML(t)
	case *object, map[string]any:
		return "{}"
	case *array, []any:
		return "[]"
	}
	return fmt.Sprint(v)
}

// floatYAML writes a float so that YAML 1.1 takes it for a number: an exponent
// needs no dot but whole numbers are better without one.
func floatYAML(f float64) string {
	if -1e15 < f && f < 1e15 && f == float64(int64(f)) {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// mergeKey is the key of a merged alias. As a key of its own it is quoted.
const mergeKey = "<<"

// keyYAML writes a mapping key.
func keyYAML(key string, value any, flow bool) string {
	if _, ok := value.(raw); ok {
		return mergeKey
	}
	if isWord(key) || plainText(key, flow) {
		return key
	}
	return quote(key)
}

// base60 looks like 12:30, a number to YAML 1.1 parsers other than Helm's.
var base60 = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)

// plainText tells whether a text means itself when written without quotes, to
// readers of YAML 1.1 and 1.2 alike.
func plainText(s string, flow bool) bool {
	if !plainShape(s, flow) || base60.MatchString(s) {
		return false
	}
	text := s + ": " + s
	if flow {
		text = "{" + text + "}"
	}
	return meansText(text, s, yaml2.Unmarshal) && meansText(text, s, yaml.Unmarshal)
}

// plainShape tells whether a text has nothing in it that YAML takes for a mark.
func plainShape(s string, flow bool) bool {
	if s == "" || !isPrintable(s) || strings.TrimSpace(s) != s {
		return false
	}
	if strings.ContainsRune("-?:,[]{}#&*!|>'\"%@`=<", rune(s[0])) || strings.HasPrefix(s, "...") {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") || strings.ContainsAny(s, "\t") {
		return false
	}
	return !flow || !strings.ContainsAny(s, ",[]{}?")
}

func meansText(text, s string, unmarshal func([]byte, any) error) bool {
	var m map[any]any
	err := guard(func() error { return unmarshal([]byte(text), &m) })
	return err == nil && len(m) == 1 && m[s] == s
}

// isPrintable tells whether a text can stand in a file unescaped, on one line.
func isPrintable(s string) bool {
	for _, r := range s {
		if !printable(r) {
			return false
		}
	}
	return true
}

func printable(r rune) bool {
	return unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' && r != '\ufeff' && r != '\ufffd'
}

// quote writes a text in double quotes, with the escapes that JSON has too.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case printable(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
