package answers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

func TestEncode(t *testing.T) {
	var d Draft
	for key, value := range map[Key]any{
		"preset": "production", "portal.enabled": false, "portal.hostnames": []string{"no", "1e3"}, "portal.service.port": 7007,
		"client.id": "", "client.secret": secret.Typed(secret.New("canary")),
		"serviceClient.secret": secret.Value{Ref: secret.Ref{Env: "S"}, Text: secret.New("canary")},
		"jenkins.apiKey":       reference(secret.Ref{File: "/a b"}), "backendSecret": secret.Value{Ref: secret.Ref{Generate: true}, Text: secret.New("canary")},
		"rotate.value":      reference(secret.Ref{Keep: true}),
		"environment.extra": []EnvVar{{Name: "A", Value: "y"}, {Name: "B", ValueFrom: map[string]any{"fieldRef": map[string]any{"fieldPath": "status.podIP"}}}},
	} {
		if err := d.Set(key, value, Source{Rank: FromPerson}); err != nil {
			t.Fatal(err)
		}
	}
	d.Propose(Proposal{"portal.baseUrl", "https://found.example.com", Source{Rank: FromValues}})
	const want = `# Answers for ` + "`backstage-setup install --answers FILE`" + `. No secret is in here.
preset: "production"
portal:
  enabled: false
  hostnames:
    - "no"
    - "1e3"
  service:
    port: 7007
client:
  id: ""
  # typed: give it as {env: NAME}, {file: PATH} or {keep: true} next time
  secret:
serviceClient:
  secret:
    env: "S"
environment:
  extra:
    - name: "A"
      value: "y"
    - name: "B"
      valueFrom:
        fieldRef:
          fieldPath: "status.podIP"
jenkins:
  apiKey:
    file: "/a b"
backendSecret:
  generate: true
rotate:
  value:
    keep: true
`
	got, err := Encode(&d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeNothing(t *testing.T) {
	var d Draft
	d.Propose(Proposal{"preset", "development", Source{Rank: FromPreset}})
	got, err := Encode(&d)
	if err != nil {
		t.Fatal(err)
	}
	if want := "# Answers for `backstage-setup install --answers FILE`. No secret is in here.\n"; string(got) != want {
		t.Errorf("got %q", got)
	}
}

// TestRoundTrip: whatever is given comes back, whatever was only found does not,
// no secret is in the file, and writing again what came back gives the same file.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		d, given := randomDraft(t, random)
		src, err := Encode(&d)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if bytes.Contains(src, []byte("canary")) {
			t.Fatalf("seed %d: a secret is in the file:\n%s", seed, src)
		}
		entries, err := Decode("saved.yaml", src)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		var again Draft
		got := map[Key]any{}
		for _, e := range entries {
			got[e.Key] = e.Value
			if err := again.Set(e.Key, e.Value, Source{Rank: FromAnswers}); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, e.Key, err)
			}
		}
		if diff := cmp.Diff(given, got); diff != "" {
			t.Fatalf("seed %d: %s\n%s", seed, diff, src)
		}
		second, err := Encode(&again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutTyped(src), string(second)); diff != "" {
			t.Fatalf("seed %d: it does not stay as it is: %s", seed, diff)
		}
	}
}

// withoutTyped takes the lines of typed secrets away, and groups of nothing else.
func withoutTyped(src []byte) string {
	lines := strings.Split(string(src), "\n")
	for i := 0; i < len(lines); i++ {
		if !strings.Contains(lines[i], "# typed: give it as") {
			continue
		}
		lines = append(lines[:i], lines[i+2:]...)
		for i--; i > 0; i-- { // its group, if nothing else is in it
			next := lines[i+1]
			if !strings.HasSuffix(lines[i], ":") || indent(next) > indent(lines[i]) {
				break
			}
			lines = append(lines[:i], lines[i+1:]...)
		}
	}
	return strings.Join(lines, "\n")
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// awkward are texts that a YAML writer gets wrong when it is careless.
var awkward = []string{
	"", " ", "y", "No", "null", "~", "1e3", "0x1f", "-1", "1_000", "2001-01-01", "true", "=", "<<", "*a", "&a", "!a", "@a", "`a", "%a",
	"# not a comment", "a # b", "a: b", "- a", "? a", "{a}", "[a", "'", "\"", "it's \"quoted\"", "\\n", "two\nlines", "\nleading", "trailing\n", "a\n\n\n", "\ttab", "a\tb",
	"\r\n", "ünïcödé", "日本語", "\u2028", "\u0085", "\ufeff", "\x00", "\x1b[31m", strings.Repeat("long ", 60), "---", "...", "--- a",
}

// randomDraft answers some keys at random ranks; given is what must come back.
func randomDraft(t *testing.T, random *rand.Rand) (d Draft, given map[Key]any) {
	t.Helper()
	given = map[Key]any{}
	text := func() string { return awkward[random.IntN(len(awkward))] }
	for _, key := range Keys() {
		rank := ascending[random.IntN(len(ascending))]
		if random.IntN(3) == 0 {
			continue
		}
		var value any
		typed := false
		switch kind, _ := KindOf(key); kind {
		case String:
			value = text()
		case Bool:
			value = random.IntN(2) == 0
		case Int:
			value = random.IntN(70000) - 10
		case List:
			list := make([]string, random.IntN(4))
			for i := range list {
				list[i] = text()
			}
			value = list
		case Env:
			list := make([]EnvVar, random.IntN(4))
			for i := range list {
				list[i] = EnvVar{Name: fmt.Sprintf("NAME_%d", i), Value: text()}
				if random.IntN(2) == 0 {
					list[i].Value, list[i].ValueFrom = "", map[string]any{"secretKeyRef": map[string]any{"name": text(), "optional": true, text(): text()}}
				}
			}
			value = list
		case Hidden:
			v := secret.Value{Ref: []secret.Ref{{}, {Env: "NAME_1"}, {File: "/run/a: b #c"}, {Generate: true}, {Keep: true}}[random.IntN(5)]}
			typed = v.Ref.IsZero()
			value = v
			if !v.Ref.Keep {
				value = secret.Value{Ref: v.Ref, Text: secret.New("canary")}
			}
			if rank >= FromAnswers && !typed {
				given[key] = v
			}
		}
		if _, hidden := value.(secret.Value); rank >= FromAnswers && !hidden {
			given[key] = value
		}
		if err := d.Set(key, value, Source{Rank: rank}); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	return d, given
}
