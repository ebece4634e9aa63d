package values

import (
	"fmt"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// Error is why a file was not edited, or not read. Line and Column are 1-based,
// the column in characters; Reason and Hint are for operators, lower case,
// Hint may be empty.
type Error struct {
	Line, Column int
	Reason, Hint string

	path []segment // where in the tree, until place has found line and column
}

// Error gives place and reason on one line; the hint is for a second one.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

func refuse(n *yaml.Node, hint, format string, args ...any) *Error {
	e := &Error{Line: 1, Column: 1, Reason: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil && n.Line > 0 {
		e.Line, e.Column = n.Line, n.Column
	}
	return e
}

// refuseAt is a refusal found in the tree, before line and column are known.
func refuseAt(path []segment, hint, format string, args ...any) *Error {
	e := refuse(nil, hint, format, args...)
	e.path = path
	return e
}

// place gives a refusal found in the tree its line and column: those of the
// deepest node of its path that is written out.
func (d *document) place(err error) error {
	e, ok := err.(*Error)
	if !ok || e.path == nil || d.root == nil {
		return err
	}
	n := d.root
	for _, s := range e.path {
		next := d.child(n, s)
		if next == nil {
			break
		}
		n = next
	}
	e.Line, e.Column = n.Line, n.Column
	return e
}

func sortWarnings(list []Warning) {
	slices.SortStableFunc(list, func(a, b Warning) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// kindOf names a value for people.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "empty"
	case map[string]any, *object:
		return "a mapping"
	case []any, *array:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "true or false"
	}
	return "a number"
}

func pathString(segs []segment) string { return Path{segs}.String() }

// commentLines makes comment lines of a text, each with its "#".
func commentLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		l = strings.TrimRight(l, " \t\r")
		if !strings.HasPrefix(l, "#") {
			l = strings.TrimRight("# "+l, " ")
		}
		lines[i] = l
	}
	return lines
}
