package values

import (
	"errors"
	"strings"
	"testing"
)

// TestBytes has the files that a text archive cannot hold: other line ends,
// marks, no final line end.
func TestBytes(t *testing.T) {
	for name, c := range map[string]struct{ in, edits, out string }{
		"crlf": {
			"a:\r\n  b: 1 # c\r\n\r\n# d\r\nd:\r\n- x\r\n",
			"set a.c {\"k\": [\"v\"]}\nset d[1] \"y\"\nset e 1",
			"a:\r\n  b: 1 # c\r\n  c:\r\n    k:\r\n    - v\r\n\r\n# d\r\nd:\r\n- x\r\n- \"y\"\r\n\r\ne: 1\r\n",
		},
		"crlf in the neighbourhood only":  {"a:\n  b: 1\nc:\r\n  d: 1\r\ne: 1\n", "set a.x 1\nset c.x 1", "a:\n  b: 1\n  x: 1\nc:\r\n  d: 1\r\n  x: 1\r\ne: 1\n"},
		"crlf behind braces":              {"{}\r\n", "set a 1", "a: 1\r\n"},
		"crlf comment lines":              {"# a\r\n# b\r\n", "set a.b 1", "# a\r\n# b\r\na:\r\n  b: 1\r\n"},
		"crlf block scalar":               {"a: |\r\n  x\r\n  y\r\nb: 1\r\n", "set a \"z\"\nset b 2", "a: \"z\"\r\nb: 2\r\n"},
		"crlf in brackets":                {"a: {\r\n  b: 1\r\n}\r\n", "set a.c 2", "a: {\r\n  b: 1,\r\n  c: 2\r\n}\r\n"},
		"lone cr":                         {"a: 1\rb:\r  c: 1\r", "set b.d 2\nset a 3", "a: 3\rb:\r  c: 1\r  d: 2\r"},
		"next line and line separator":    {"a: 1\u0085b: 1\u2028c: 1\n", "set b 2\nset d 2", "a: 1\u0085b: 2\u2028c: 1\nd: 2\n"},
		"byte order mark":                 {"\ufeffa: 1\nb: 2\n", "set a 3\nset c 4", "\ufeffa: 3\nb: 2\nc: 4\n"},
		"byte order mark, first key gone": {"\ufeffa: 1\nb: 2\n", "delete a", "\ufeffb: 2\n"},
		"byte order mark alone":           {"\ufeff", "set a 1", "\ufeffa: 1\n"},
		"runes are not bytes":             {"é: {ü: 1, 日本: x} # ö\n", "set é.日本 \"é\"\nset é.k 1", "é: {ü: 1, 日本: é, k: 1} # ö\n"},
		"no final line end":               {"a: 1", "set b 2", "a: 1\nb: 2"},
		"no final line end, in place":     {"a:\n  b: x", "set a.b \"z\"", "a:\n  b: z"},
		"no final line end, nested":       {"a:\n  b: 1 # c", "set a.c 2\nset d 3", "a:\n  b: 1 # c\n  c: 2\nd: 3"},
		"no final line end, comment":      {"# a", "set a 1", "# a\na: 1"},
		"no final line end, crlf":         {"a: 1\r\nb: 2", "set c 3", "a: 1\r\nb: 2\r\nc: 3"},
		"no final line end, empty value":  {"a:", "set a.b 1\nset c 2", "a:\n  b: 1\nc: 2"},
		"no final line end, marker":       {"---", "set a 1", "---\na: 1"},
		"no final line end, item":         {"a:\n- x", "set a[1] \"y\"", "a:\n- x\n- \"y\""},
		"no final line end, last gone":    {"a: 1\nb: 2", "delete b", "a: 1\n"},
		"no final line end, text kept":    {"a: |\n  x", "set b 1", "a: |-\n  x\nb: 1"},
		"no final line end, text folded":  {"a:\n- >+ # c\n  x", "set a[1] 1", "a:\n- >- # c\n  x\n- 1"},
		"no final line end, text cut":     {"a: |-\n  x", "set b 1", "a: |-\n  x\nb: 1"},
		"no final line end, text gone":    {"a: |\n  x", "set a 1\nset b 1", "a: 1\nb: 1"},
		"trailing blanks":                 {"a: 1  \nb:   \n  c: 1\t\n   \n\n", "set a 2\nset b.d 3", "a: 2  \nb:   \n  c: 1\t\n  d: 3\n   \n\n"},
		"blank lines in kept text":        {"a: |+\n  x\n\n\nb: 1\n", "set a \"y\"\nset c 1", "a: \"y\"\nb: 1\nc: 1\n"},
		"key behind kept text":            {"a:\n  b: |+\n    x\n\n\nc: 1\n", "set a.d 1", "a:\n  b: |+\n    x\n\n\n  d: 1\nc: 1\n"},
		"crlf, blocks apart":              {"a:\r\n  b: 'x'\r\n\r\nc:\r\n  d: 'y'\r\n", "set e.f \"z\"", "a:\r\n  b: 'x'\r\n\r\nc:\r\n  d: 'y'\r\n\r\ne:\r\n  f: 'z'\r\n"},
		"no final line end, apart":        {"a:\n  b: x\n\nc: |\n  d", "set e \"z\"", "a:\n  b: x\n\nc: |-\n  d\n\ne: z"},
		"no final line end, crlf apart":   {"a:\r\n  b: x\r\n\r\nc: {d: 1}", "set e \"z\"", "a:\r\n  b: x\r\n\r\nc: {d: 1}\r\n\r\ne: z"},
		"tabs in comments":                {"a: 1\t# x\ty\n#\tz\nb: 1\n", "set a 2", "a: 2\t# x\ty\n#\tz\nb: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			runCase(t, map[string][]byte{"in": []byte(c.in), "edits": []byte(c.edits), "out": []byte(c.out)})
		})
	}
}

func TestEncodingsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		in           string
		line, column int
		reason       string
	}{
		"utf-16 little endian": {"\xff\xfea\x00:\x00", 1, 1, "UTF-16"},
		"utf-16 big endian":    {"\xfe\xff\x00a\x00:", 1, 1, "UTF-16"},
		"utf-32":               {"\x00\x00\xfe\xff\x00\x00\x00a", 1, 1, "UTF-32"},
		"utf-16 without mark":  {"# é\na\x00:\x00", 2, 2, "zero byte"},
		"latin 1":              {"# é\nab: \xe9\n", 2, 5, "not UTF-8"},
		"control character":    {"a: 1\nb: \x01\n", 2, 1, "control"},
	} {
		t.Run(name, func(t *testing.T) {
			for what, f := range map[string]func([]byte) error{
				"Check": func(b []byte) error { _, err := Check(b); return err },
				"Parse": func(b []byte) error { _, err := Parse(b); return err },
				"Apply": func(b []byte) error { _, err := Apply(b, nil, Options{}); return err },
			} {
				var e *Error
				if err := f([]byte(c.in)); !errors.As(err, &e) {
					t.Fatalf("%s: %v", what, err)
				}
				if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Reason, c.reason) || e.Hint == "" {
					t.Errorf("%s: %v (%s), want line %d, column %d: … %s …", what, e, e.Hint, c.line, c.column, c.reason)
				}
			}
		})
	}
}
