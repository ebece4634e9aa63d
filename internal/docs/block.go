package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fill puts each body between its pair of markers in a Markdown text:
//
//	<!-- generated: NAME, by make generate -->
//	<!-- end: NAME -->
//
// What is around the markers stays as it is. A body without markers is an error.
func fill(text string, bodies map[string]string) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		begin := "<!-- generated: " + name + ", by make generate -->\n"
		end := "<!-- end: " + name + " -->\n"
		head, rest, ok := strings.Cut(text, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("must have the lines %q and %q", begin, end)
		}
		text = head + begin + "\n" + bodies[name] + "\n" + end + tail
	}
	return text, nil
}
