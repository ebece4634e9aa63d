package values

import (
	"errors"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

const (
	hintSyntax   = "correct the file by hand first; `helm template -f` shows the same error"
	hintTabs     = "indent with spaces: YAML allows no tabs there"
	hintTemplate = "put it in quotes: Helm does not render values files"
)

var (
	errorLine = regexp.MustCompile(`\bline (\d+): `)
	tabIndent = regexp.MustCompile(`^[ -]*\t`)
	template  = regexp.MustCompile(`(^|[:,\[{-])[ \t]*\{\{`)
)

// syntaxError turns an error of a library's parser into one with a place.
func (d *document) syntaxError(err error, parse func([]byte) error) *Error {
	if errors.Is(err, errRoot) {
		return refuse(d.root, "", "%s", err)
	}
	reason := plainMessage(err)
	e := &Error{Column: 1, Reason: "the file is not valid YAML: " + reason, Hint: hintSyntax}
	e.Line = d.errorLine(err, parse)
	start := d.lines[e.Line-1]
	line := d.src[start:d.lineEnd(start)]
	if tab := tabIndent.Find(line); tab != nil {
		e.Column, e.Reason, e.Hint = len(tab), "a tab in the indentation: "+reason, hintTabs
		return e
	}
	if at := template.FindIndex(line); at != nil {
		start += at[1] - 2
		e.Reason, e.Hint = "a {{ template }} outside quotes is not valid YAML", hintTemplate
	}
	for start < len(d.src) && d.src[start] == ' ' {
		start++
	}
	_, e.Column = d.position(start)
	return e
}

// maxSearch bounds the files, in bytes, in which the line of an error is found
// by parsing ever smaller parts.
const maxSearch = 1 << 20

// errorLine is the first line up to which the file gives this error. The
// libraries' own numbers are often those of the block around it, or off by one.
func (d *document) errorLine(err error, parse func([]byte) error) int {
	reason := plainMessage(err)
	if len(d.src) > maxSearch {
		line := 1
		if m := errorLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		return max(1, min(line, len(d.lines)))
	}
	n := sort.Search(len(d.lines)-1, func(i int) bool {
		err := guard(func() error { return parse(d.src[:d.lines[i+1]]) })
		return err != nil && plainMessage(err) == reason
	})
	return min(n+1, len(d.lines))
}

// plainMessage drops the library's name and place from its message.
func plainMessage(err error) string {
	s := err.Error()
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return strings.TrimSpace(errorLine.ReplaceAllString(s, ""))
}
