package answers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// reference is a secret that is not resolved yet.
func reference(r secret.Ref) secret.Value { return secret.Value{Ref: r} }

func TestDecodeEveryKind(t *testing.T) {
	entries, err := Decode("answers.yaml", []byte(`# a comment
preset: production
target:
  values: [base.yaml, "site.yaml"]
portal:
  enabled: false
  baseUrl: https://console.example.com # trailing
  hostnames: console.example.com
  service: {port: 7008}
client: {id: "", secret: {env: CLIENT_SECRET}}
database.postgresql.password: {file: "/run/secrets/a b"}
jenkins.apiKey:
  keep: true
authorization:
  groups: {admins: []}
environment:
  extra:
    - {name: NODE_OPTIONS, value: "--max-old-space-size=1536"}
    - name: EMPTY
      value: ""
    - name: TOKEN
      valueFrom: {secretKeyRef: {name: gitlab, key: token}}
backendSecret: {generate: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{"preset", "production", "answers.yaml:2"},
		{"target.values", []string{"base.yaml", "site.yaml"}, "answers.yaml:4"},
		{"portal.enabled", false, "answers.yaml:6"},
		{"portal.baseUrl", "https://console.example.com", "answers.yaml:7"},
		{"portal.hostnames", []string{"console.example.com"}, "answers.yaml:8"},
		{"portal.service.port", 7008, "answers.yaml:9"},
		{"client.id", "", "answers.yaml:10"},
		{"client.secret", reference(secret.Ref{Env: "CLIENT_SECRET"}), "answers.yaml:10"},
		{"database.postgresql.password", reference(secret.Ref{File: "/run/secrets/a b"}), "answers.yaml:11"},
		{"jenkins.apiKey", reference(secret.Ref{Keep: true}), "answers.yaml:13"},
		{"authorization.groups.admins", []string{}, "answers.yaml:15"},
		{"environment.extra", []EnvVar{
			{Name: "NODE_OPTIONS", Value: "--max-old-space-size=1536"}, {Name: "EMPTY"},
			{Name: "TOKEN", ValueFrom: map[string]any{"secretKeyRef": map[string]any{"name": "gitlab", "key": "token"}}},
		}, "answers.yaml:18"},
		{"backendSecret", reference(secret.Ref{Generate: true}), "answers.yaml:23"},
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
}

// TestDecodeNothing: a file of comments, and groups and leaves without a value,
// answer nothing. The example has such lines.
func TestDecodeNothing(t *testing.T) {
	for _, src := range []string{
		"", "\n", "# only a comment\n", "---\n", "null\n", "~", "{}", "portal:\n", "portal: {service: }\n",
		"portal:\n  baseUrl:\n  enabled: ~\n  hostnames: null\n", "environment: {extra: }", "client:\n  # typed\n  secret:\n",
		"\ufeff# with a byte order mark\n",
	} {
		entries, err := Decode("a.yaml", []byte(src))
		if err != nil || len(entries) > 0 {
			t.Errorf("%q: %v, %v", src, entries, err)
		}
	}
}

const (
	wantReference = "must be a reference, such as {env: NAME}, {file: PATH}, {generate: true} or {keep: true}; secrets are never written here"
	wantVariables = "must be a list of {name, value} or {name, valueFrom}, with every value in quotes"
)

// TestDecodeProblems: what is wrong with each file, in its full text. canary must
// not be in any of it.
func TestDecodeProblems(t *testing.T) {
	const canary = "hunter2-4711"
	for name, tt := range map[string]struct {
		src  string
		want []string
	}{
		"unknown keys": {
			"preset: development\nportal:\n  baseURl: https://x\nsomething: {else: blue}\nprotal: {}\n",
			[]string{
				"a.yaml:3: portal.baseURl: is not an answers key; did you mean portal.baseUrl?",
				"a.yaml:4: something: is not an answers key; `backstage-setup answers example` lists them",
				"a.yaml:5: protal: is not an answers key; did you mean portal?",
			},
		},
		"a key below a leaf":   {"preset: {name: x}\n", []string{"a.yaml:1: preset: must be text: put it in quotes"}},
		"a leaf for a group":   {"\nportal: yes\n", []string{"a.yaml:2: portal: must be a mapping of keys to answers"}},
		"a list at the top":    {"- preset: x\n", []string{"a.yaml:1: must be a mapping of keys to answers"}},
		"a text at the top":    {"preset\n", []string{"a.yaml:1: must be a mapping of keys to answers"}},
		"a key that is a list": {"? [a, b]\n: c\n", []string{"a.yaml:1: is not an answers key; `backstage-setup answers example` lists them"}},
		"wrong types, all told": {
			"preset: 1\nportal:\n  enabled: \"true\"\n  service: {port: \"7007\", nodePort: 1.5}\n  hostnames: [a, 2]\ntarget: {values: {a: b}}\ndatabase: {sqlite: {size: 1e3}}\n",
			[]string{
				"a.yaml:1: preset: must be text: put it in quotes",
				"a.yaml:3: portal.enabled: must be true or false",
				"a.yaml:4: portal.service.port: must be a whole number",
				"a.yaml:4: portal.service.nodePort: must be a whole number",
				"a.yaml:5: portal.hostnames: must be a list of texts: put item 2 in quotes",
				"a.yaml:6: target.values: must be a text or a list of texts",
				"a.yaml:7: database.sqlite.size: must be text: put it in quotes",
			},
		},
		"old words for yes are texts": {"portal: {enabled: yes}", []string{"a.yaml:1: portal.enabled: must be true or false"}},
		"twice":                       {"preset: a\npreset: b\n", []string{"a.yaml:2: preset: is there twice"}},
		"a group twice":               {"portal: {enabled: true}\nportal: {routing: true}\n", []string{"a.yaml:2: portal: is there twice"}},
		"once short, once long":       {"portal: {enabled: true}\nportal.enabled: false\n", []string{"a.yaml:2: portal.enabled: is there twice"}},
		"two documents":               {"preset: a\n---\npreset: b\n", []string{"a.yaml:2: must be one YAML document: take out what follows ---"}},
		"a second document of no use": {"preset: a\n---\n\t" + canary + "\n", []string{"a.yaml:3:1: not valid YAML: a tab in the indentation: indent with spaces"}},
		"variables": {
			"environment:\n  extra:\n    - {name: A, value: 1}\n",
			[]string{"a.yaml:3: environment.extra: " + wantVariables},
		},
		"variables as a mapping":   {"environment: {extra: {A: b}}", []string{"a.yaml:1: environment.extra: " + wantVariables}},
		"a variable of two values": {`environment: {extra: [{name: A, value: b, valueFrom: {}}]}`, []string{"a.yaml:1: environment.extra: " + wantVariables}},
		"a variable without name":  {`environment: {extra: [{value: b}]}`, []string{"a.yaml:1: environment.extra: " + wantVariables}},
		"a variable of more":       {`environment: {extra: [{name: A, default: b}]}`, []string{"a.yaml:1: environment.extra: " + wantVariables}},
		"a variable that is text":  {`environment: {extra: [A=b]}`, []string{"a.yaml:1: environment.extra: " + wantVariables}},

		"literal":                    {"client:\n  secret: " + canary + "\n", []string{"a.yaml:2: client.secret: " + wantReference}},
		"literal in quotes":          {"client: {secret: \"" + canary + "\"}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"literal that is a number":   {"backendSecret: 4711\n", []string{"a.yaml:1: backendSecret: " + wantReference}},
		"literal that is empty":      {"backendSecret: \"\"\n", []string{"a.yaml:1: backendSecret: " + wantReference}},
		"literal in a block":         {"client:\n  secret: |\n    " + canary + "\n", []string{"a.yaml:2: client.secret: " + wantReference}},
		"literal in a list":          {"client: {secret: [" + canary + "]}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"literal as the key":         {"client: {secret: {" + canary + ": true}}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"literal as value":           {"client: {secret: {value: " + canary + "}}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"literal below env":          {"client: {secret: {env: {a: " + canary + "}}}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"literal through an alias":   {"preset: &s " + canary + "\nclient: {secret: *s}\n", []string{"a.yaml:1: client.secret: " + wantReference}},
		"two references":             {"client: {secret: {env: A, keep: true}}", []string{"a.yaml:1: client.secret: " + wantReference}},
		"neither kept nor generated": {"client: {secret: {keep: false}}\nbackendSecret: {generate: no}\n", []string{"a.yaml:1: client.secret: " + wantReference, "a.yaml:2: backendSecret: " + wantReference}},
		"a reference to nothing":     {"client: {secret: {env: }}\n", []string{"a.yaml:1: client.secret: " + wantReference}},

		"no YAML: a tab":                            {"client:\n\tsecret: " + canary + "\n", []string{"a.yaml:2:1: not valid YAML: a tab in the indentation: indent with spaces"}},
		"no YAML: a tab after CRLF":                 {"client:\r\n\tsecret: " + canary + "\r\n", []string{"a.yaml:2:1: not valid YAML: a tab in the indentation: indent with spaces"}},
		"no YAML: a colon":                          {"client:\n  secret: a: " + canary + "\n", []string{"a.yaml:2:12: not valid YAML: a colon in the wrong place: the line above lacks one, this key is indented too far, or a value with a colon in it needs quotes"}},
		"no YAML: a colon that lacks above":         {"preset a\nportal: b\n", []string{"a.yaml:2:7: not valid YAML: a colon in the wrong place: the line above lacks one, this key is indented too far, or a value with a colon in it needs quotes"}},
		"no YAML: no colon":                         {"portal\n  baseUrl: x\n", []string{"a.yaml:2:10: not valid YAML: a colon in the wrong place: the line above lacks one, this key is indented too far, or a value with a colon in it needs quotes"}},
		"no YAML: an open quote":                    {"client:\n  secret: \"" + canary + "\n", []string{"a.yaml:2:11: not valid YAML: a quotation mark that is not closed"}},
		"no YAML: an open quote below a closed one": {"preset: 'a\n  b'\nclient:\n  secret: \"" + canary + "\n", []string{"a.yaml:4:11: not valid YAML: a quotation mark that is not closed"}},
		"no YAML: behind a quote":                   {"client:\n  id: \"a\" " + canary + "\n", []string{"a.yaml:2:11: not valid YAML: the indentation does not fit the lines above, or something follows a value in quotes"}},
		"no YAML: a reserved letter":                {"client:\n  secret: @" + canary + "\n", []string{"a.yaml:2:11: not valid YAML: a value cannot start with a tab, @, ` or %: put it in quotes"}},
		"no YAML: an open mapping":                  {"client: {secret: " + canary + "\nportal: x\n", []string{"a.yaml:1:18: not valid YAML: a brace { that is not closed, or a comma that is missing in it"}},
		"no YAML: an unknown anchor":                {"client:\n  secret: *" + canary + "\n", []string{"a.yaml:2:11: not valid YAML: * and & have a meaning of their own at the start of a value: put it in quotes"}},
		"no YAML: a wrong escape":                   {"client:\n  secret: \"\\q" + canary + "\"\n", []string{"a.yaml:2:12: not valid YAML: a backslash that means nothing inside double quotes: write single quotes"}},
		"no YAML: control letters":                  {"client:\n  secret: \x01" + canary + "\n", []string{"a.yaml:2:11: not valid YAML: a character that cannot be printed"}},
		"no YAML: not UTF-8":                        {"a: é\xff" + canary + "\n", []string{"a.yaml:1:5: not valid YAML: the file is not UTF-8"}},
		"no YAML: too little indented":              {"portal:\n  enabled: true\n baseUrl: " + canary + "\n", []string{"a.yaml:3:2: not valid YAML: the indentation does not fit the lines above, or something follows a value in quotes"}},
		"no YAML: behind a mark of order":           {"\ufeffé: @" + canary + "\n", []string{"a.yaml:1:4: not valid YAML: a value cannot start with a tab, @, ` or %: put it in quotes"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode("a.yaml", []byte(tt.src))
			if err == nil {
				t.Fatal("it was read")
			}
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("not a list of problems: %v", err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
			if all := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(all, "hunter2") || strings.Contains(all, "4711") {
				t.Errorf("the secret is repeated: %s", all)
			}
		})
	}
}

// TestDecodeGoesOn: what is right is returned beside what is wrong.
func TestDecodeGoesOn(t *testing.T) {
	entries, err := Decode("a.yaml", []byte("chart: 1\npreset: production\nclient: {secret: x, id: portal}\n"))
	if err == nil {
		t.Fatal("no problem")
	}
	want := []Entry{{"preset", "production", "a.yaml:2"}, {"client.id", "portal", "a.yaml:3"}}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeAliases(t *testing.T) {
	entries, err := Decode("a.yaml", []byte(`
portal:
  baseUrl: &url https://console.example.com
  hostnames: &hosts [console.example.com]
api: {publicUrl: *url, hostnames: *hosts}
client: {secret: &ref {env: &name S}}
serviceClient: {secret: *ref}
jenkins: {apiKey: {env: *name}}
environment: {extra: [&v {name: A, value: b}, *v]}
scaling:
  requests: &res {cpu: 100m}
  limits: *res
`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[Key]any{}
	for _, e := range entries {
		got[e.Key] = e.Value
	}
	want := map[Key]any{
		"portal.baseUrl": "https://console.example.com", "api.publicUrl": "https://console.example.com",
		"portal.hostnames": []string{"console.example.com"}, "api.hostnames": []string{"console.example.com"},
		"client.secret": reference(secret.Ref{Env: "S"}), "serviceClient.secret": reference(secret.Ref{Env: "S"}), "jenkins.apiKey": reference(secret.Ref{Env: "S"}),
		"environment.extra":    []EnvVar{{Name: "A", Value: "b"}, {Name: "A", Value: "b"}},
		"scaling.requests.cpu": "100m", "scaling.limits.cpu": "100m",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDecodeAliasOfItself ends, with a problem.
func TestDecodeAliasOfItself(t *testing.T) {
	for _, src := range []string{
		"portal: &p {service: *p}", "portal: {hostnames: &h [*h]}", "preset: &p {a: *p}", "client: {secret: &s {env: *s}}",
		"environment: {extra: &e [*e]}", "environment: {extra: [&e {name: A, valueFrom: *e}]}",
	} {
		if entries, err := Decode("a.yaml", []byte(src)); err == nil {
			t.Errorf("%s: %v", src, entries)
		}
	}
}
