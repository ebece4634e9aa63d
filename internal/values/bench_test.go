package values

import (
	"bytes"
	"fmt"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

// BenchmarkApply edits files of the sizes people have: as many edits as a
// first install makes, in one Apply. The round trip is what a naive editor
// would do, without an edit.
func BenchmarkApply(b *testing.B) {
	for _, lines := range []int{4_200, 100_000} {
		src := bigFile(lines)
		edits := manyEdits()
		b.Run(fmt.Sprintf("lines=%d/apply", lines), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				result, err := Apply(src, edits, Options{})
				if err != nil || len(result.Changed) != len(edits) {
					b.Fatal(err, result.Changed)
				}
			}
		})
		b.Run(fmt.Sprintf("lines=%d/roundtrip", lines), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				var n yaml.Node
				if err := yaml.Unmarshal(src, &n); err != nil {
					b.Fatal(err)
				}
				if _, err := yaml.Marshal(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApplyAt makes the same edits where the values are below a key, and
// a text, of an object.
func BenchmarkApplyAt(b *testing.B) {
	src := string(bigFile(4_200))
	edits := manyEdits()
	for _, how := range []string{"helmrelease", "literal", "quoted"} {
		w := wrappings[how]
		text, _ := w.wrap(src)
		b.Run(how, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				result, err := ApplyAt([]byte(text), w.at, edits, Options{})
				if err != nil || len(result.Changed) != len(edits) {
					b.Fatal(err, result.Changed)
				}
			}
		})
	}
}

// bigFile is like the chart's own values file: two lines in three are comments.
func bigFile(lines int) []byte {
	var b bytes.Buffer
	b.WriteString("backstage:\n  baseUrl: http://x\n  http:\n    hostnames:\n      - x\n")
	for n := 5; n < lines; n += 14 {
		fmt.Fprintf(&b, `
# -- Settings of component %[1]d.
# @default -- see below
component%[1]d:
  # -- Whether it runs. A longer comment, as
  # charts have them.
  enabled: true
  image: {repository: "registry.example.com/x", tag: 'v1'}
  # -- Arguments.
  # - name: x
  args:
    - name: level # inline
      value: info
  # -- Not set.
`, n)
	}
	return b.Bytes()
}

// manyEdits makes 30 edits all over bigFile.
func manyEdits() []Edit {
	edits := []Edit{
		{Path: MustPath("backstage.baseUrl"), Value: "https://y"},
		{Path: MustPath("backstage.http.hostnames"), Value: []string{"y", "z"}},
		{Path: MustPath("security.oidc.issuer"), Value: "https://idp"},
	}
	for i := range 9 {
		component := fmt.Sprintf("component%d", 5+14*30*i)
		edits = append(edits,
			Edit{Path: MustPath(component + ".enabled"), Value: false},
			Edit{Path: MustPath(component + ".resources.cpu"), Value: "2"},
			Edit{Path: MustPath(component + ".args[name=more].value"), Value: "x"},
		)
	}
	return edits
}
