package answers

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzDecode: no input makes it panic, no literal under a secret key shows in the
// error, and what is accepted survives being written and read again.
func FuzzDecode(f *testing.F) {
	const canary = "cAnArY7f3a"
	for _, src := range []string{
		"client:\n  secret: CANARY\n", "client: {secret: {env: CANARY}}", "client: {secret: {file: CANARY}}", "client:\n  secret: \"CANARY\n",
		"client:\n\tsecret: CANARY", "client:\n  secret: a: CANARY", "client:\n  secret: *CANARY", "backendSecret: !CANARY x",
		"client:\n  secret: {CANARY: true}", "client:\n  secret: [CANARY, {a: CANARY}]", "client:\n  secret: |\n   CANARY\n  - CANARY",
		"client: &c {secret: CANARY, <<: *c}", "client.secret: !!binary CANARY", "client:\n  secret: CANARY\n---\nCANARY: [",
		"portal: {enabled: false, hostnames: a}\nenvironment: {extra: [{name: A, value: \"b\"}]}\nbackendSecret: {keep: true}\n",
		"CANARY", "a: CANARY", "\"CANARY", "{CANARY: true}", "[CANARY", "*CANARY", "&CANARY x", "!CANARY x", "{env: {CANARY: a}}", "{env: A} CANARY",
		"? {a: b}\n: c\n", "portal: &p {service: *p}", "\xff\xfe\x00", "%YAML 9.9\n---\n", "",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		// On the line of a secret key the canary is a literal, or part of one, whatever
		// stands around it; elsewhere a message may name a key that is not known.
		line := strings.ReplaceAll(string(src), "CANARY", canary)
		if !strings.Contains(line, canary) {
			line += canary
		}
		if !strings.ContainsAny(line, "\n\r\u0085\u2028\u2029") {
			_, err := Decode("a.yaml", []byte("client:\n  secret: "+line))
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
				t.Fatalf("%q: %v", line, err)
			}
		}
		entries, err := Decode("a.yaml", src)
		if err != nil {
			return
		}
		var d Draft
		for _, e := range entries {
			if err := d.Set(e.Key, e.Value, Source{Rank: FromAnswers}); err != nil {
				t.Fatalf("%s: %v", e.Key, err)
			}
		}
		written, err := Encode(&d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode("again.yaml", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if len(again) != len(d.From) {
			t.Fatalf("%d answers became %d:\n%s", len(d.From), len(again), written)
		}
	})
}
