package steps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("file:///answers.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("file:///answers.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

var commentedOut = regexp.MustCompile(`(?m)^( *)#(\S)`)

func TestSchemaAcceptsTheExample(t *testing.T) {
	schema := compiledSchema(t)
	example := Example()
	if err := validate(t, schema, example); err != nil {
		t.Errorf("as it is: %v", err)
	}
	all := commentedOut.ReplaceAllString(example, "$1$2")
	if err := validate(t, schema, all); err != nil {
		t.Errorf("with everything taken in: %v", err)
	}
	entries, err := answers.Decode("example.yaml", []byte(all))
	if err != nil {
		t.Errorf("the program does not read it: %v", err)
	}
	var keys []answers.Key
	for _, e := range entries {
		keys = append(keys, e.Key)
		if _, q, _ := Catalog().Find(e.Key); q.Check(e.Value) != nil {
			t.Errorf("%s: %v", e.Key, q.Check(e.Value))
		}
	}
	if !slices.Equal(keys, answers.Keys()) {
		t.Errorf("the example has %d of %d keys, or another order", len(keys), len(answers.Keys()))
	}
}

func TestExampleFitsTheScreen(t *testing.T) {
	for line := range strings.Lines(Example()) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "# ") && len([]rune(line)) > 80 {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("blanks at the end: %q", line)
		}
	}
}

func TestSchemaRefusesLiteralSecrets(t *testing.T) {
	schema := compiledSchema(t)
	for _, key := range answers.Keys() {
		if kind, _ := answers.KindOf(key); kind != answers.Hidden {
			continue
		}
		for _, literal := range []string{"hunter2", "1234", "true", "{value: hunter2}", "{env: NAME, value: hunter2}", "[hunter2]", "{keep: false}", "{}"} {
			if validate(t, schema, at(key, literal)) == nil {
				t.Errorf("%s: %s is accepted", key, literal)
			}
		}
		for _, reference := range []string{"{env: NAME}", "{file: secret.txt}", "{generate: true}", "{keep: true}"} {
			if err := validate(t, schema, at(key, reference)); err != nil {
				t.Errorf("%s: %s: %v", key, reference, err)
			}
		}
	}
}

// at writes value under key as YAML.
func at(key answers.Key, value string) string {
	var b strings.Builder
	path := strings.Split(string(key), ".")
	for i, name := range path {
		fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), name)
		if i < len(path)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + value + "\n"
}

func TestSchemaRefusesUnknownKeysEverywhere(t *testing.T) {
	schema := compiledSchema(t)
	for _, text := range []string{"bogus: 1", "portal: {bogus: 1}", "gateway: {tls: {bogus: 1}}", "authorization: {clients: {bogus: x}}",
		"environment: {extra: [{name: A, value: b, bogus: 1}]}", "environment: {extra: [{name: A, valueFrom: {bogus: {}}}]}",
		"environment: {extra: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]}"} {
		if validate(t, schema, text) == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	var walk func(at string, node any)
	walk = func(at string, node any) {
		switch node := node.(type) {
		case map[string]any:
			if _, ok := node["properties"].(map[string]any); ok && node["additionalProperties"] != false {
				t.Errorf("%s lets unknown keys in", at)
			}
			for name, inner := range node {
				walk(at+"/"+name, inner)
			}
		case []any:
			for i, inner := range node {
				walk(fmt.Sprintf("%s/%d", at, i), inner)
			}
		}
	}
	walk("", Schema())
}

func TestSchemaKnowsRangesAndChoices(t *testing.T) {
	schema := compiledSchema(t)
	for text, right := range map[string]bool{
		"database: {type: mysql}":            false,
		"database: {type: postgresql}":       true,
		"portal: {service: {port: 70000}}":   false,
		"portal: {service: {port: 7007}}":    true,
		`portal: {service: {port: "7007"}}`:  false,
		"scaling: {autoscaling: {cpu: 0}}":   false,
		"portal: {hostnames: a.example.com}": true,
		"portal: {hostnames: [1]}":           false,
		"features: {workflows: yes}":         true,
		`features: {workflows: "yes"}`:       false,
		"portal:":                            true,
		"scaling: {limits: {cpu: 2}}":        false,
	} {
		if err := validate(t, schema, text); (err == nil) != right {
			t.Errorf("%s: %v", text, err)
		}
	}
}
