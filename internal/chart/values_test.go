package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What helm 4.3.1 makes of each file with -f.
func TestReadValues(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"":          {},
		"# nothing": {},
		"a: 1":      {"a": 1},
		"a: {b: 1, c: 1}\n---\na: {b: 2}\nd: [1]\n---\nd: [2]\n": {"a": map[string]any{"b": 2, "c": 1}, "d": []any{2}},
		"---\na: yes\n...\n---\nb: 0o17\n":                       {"a": true, "b": 15},
		"a: 1\n---\n":                                            {"a": 1},
		"a: 1\n---\na: null\n":                                   {"a": nil},
		"a: 1\na: 2\n":                                           {"a": 2},
		"a: |\n  x\n  ---\n  y\n":                                {"a": "x\n---\ny\n"},
		"a: 1.5\nb: 9000000\nc: 1e3\n1: x\n":                     {"a": 1.5, "b": 9000000, "c": 1000, "1": "x"},
		"\ufeffa: 1\n":                                           {"a": 1},
		"a: 2026-01-02\n":                                        {"a": "2026-01-02"},
	} {
		got, err := ReadValues([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v, -want +got\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"a: [", "- a", "a: 1\n---\n- b\n", "a: 1\n---\nb: [\n"} {
		if got, err := ReadValues([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "values: ") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
