package answers

import (
	"fmt"
	"strings"
)

// Problem is one wrong or missing answer. Message completes "The value …" when
// Key is set: "must be a full address, such as https://console.example.com".
type Problem struct {
	Key     Key    `json:"key,omitempty"`
	Message string `json:"message"`
	Where   string `json:"where,omitempty"` // "answers.yaml:12" when it came from a file, with the column where YAML breaks off
}

// String returns the problem as one line for operators.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		fmt.Fprintf(&b, "%s: ", p.Where)
	}
	if p.Key != "" {
		fmt.Fprintf(&b, "%s: ", p.Key)
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is every wrong and missing answer of a run: all are told at once.
type Problems []Problem

// Error returns all problems, one per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err returns ps as an error, or nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
