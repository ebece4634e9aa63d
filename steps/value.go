package steps

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Value parses, validates and prints one question's answers. The same literal
// serves a text field, a line prompt, --set, the answers file, the JSON Schema
// and `explain`.
type Value struct {
	Kind   answers.Kind
	Rules  []Rule
	Format string // JSON Schema "format" or "pattern" hint for people: "uri", "hostname", "quantity"
	Empty  bool   // the empty text is an answer, not the lack of one
	Min    int    // Int only, when Max is not 0
	Max    int
	// Distinguished says of a List that its items may be distinguished names, such
	// as CN=admins,OU=groups: Parse refuses to split one at its commas.
	Distinguished bool
}

// Rule checks one text or number. Its error completes "The value …".
type Rule func(any) error

// The values that questions are made of.
var (
	textValue   = Value{Kind: answers.String}
	boolValue   = Value{Kind: answers.Bool}
	hiddenValue = Value{Kind: answers.Hidden, Rules: []Rule{secretRule}}
	urlValue    = Value{Kind: answers.String, Format: "uri", Rules: []Rule{urlRule}}
	hostsValue  = Value{Kind: answers.List, Format: "hostname", Rules: []Rule{hostnameRule}}
	nameValue   = Value{Kind: answers.String, Format: "name", Rules: []Rule{subdomainRule}}
	quantity    = Value{Kind: answers.String, Format: "quantity", Rules: []Rule{quantityRule}}
	portValue   = intValue(1, 65535)
	percent     = intValue(1, 100)
)

func intValue(low, high int) Value { return Value{Kind: answers.Int, Min: low, Max: high} }

func (v Value) with(rules ...Rule) Value {
	v.Rules = append(slices.Clone(v.Rules), rules...)
	return v
}

func (v Value) orEmpty() Value {
	v.Empty = true
	return v
}

// Parse reads what a person typed, a --set value or a flag into the Go type of
// the kind. Lists are separated by commas, with "…" around an item that has one,
// or JSON; environment variables read
// NAME=value, or NAME=secret:NAME/KEY and NAME=configmap:NAME/KEY for a
// reference; a secret is a reference such as env:NAME.
func (v Value) Parse(text string) (any, error) {
	value, err := v.parse(text)
	if err != nil {
		return nil, err
	}
	return value, v.Check(value)
}

func (v Value) parse(text string) (any, error) {
	switch v.Kind {
	case answers.Bool:
		return parseBool(text)
	case answers.Int:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("must be a whole number")
		}
		return n, nil
	case answers.List:
		return parseList(text, v.Distinguished)
	case answers.Env:
		return parseEnv(text)
	case answers.Hidden:
		ref, err := secret.ParseRef(text)
		return secret.Value{Ref: ref}, err
	}
	return strings.TrimSpace(text), nil
}

// Check applies the rules to a value of the right Go type.
func (v Value) Check(value any) error {
	switch value := value.(type) {
	case string:
		if value == "" && v.Empty {
			return nil
		}
		return v.each(value)
	case int:
		if v.Max != 0 && (value < v.Min || value > v.Max) {
			return fmt.Errorf("must be a whole number from %d to %d", v.Min, v.Max)
		}
		return v.each(value)
	case []string:
		if len(value) == 0 && !v.Empty {
			return fmt.Errorf("must not be empty")
		}
		for i, item := range value {
			if err := v.each(item); err != nil {
				return err
			}
			if slices.Contains(value[:i], item) {
				return fmt.Errorf("must not name %q twice", item)
			}
		}
		return nil
	case secret.Value:
		if value.Ref.Keep || value.Text.IsZero() {
			return nil // kept, or a reference that is resolved later and checked then
		}
		return v.each(value.Text)
	}
	return v.each(value)
}

func (v Value) each(value any) error {
	for _, rule := range v.Rules {
		if err := rule(value); err != nil {
			return err
		}
	}
	return nil
}

// Print writes value as Parse reads it. A secret never prints: it says how it
// was given.
func (v Value) Print(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "yes", false: "no"}[value]
	case []string:
		return printList(value)
	case []answers.EnvVar:
		return printEnv(value)
	case secret.Value:
		return printSecret(value)
	}
	return fmt.Sprint(value)
}

func printSecret(v secret.Value) string {
	switch {
	case v.Ref.Keep:
		return "keep what is there"
	case v.Ref.Generate:
		return "generated"
	case v.Ref != (secret.Ref{}):
		return v.Ref.String()
	case v.Text.IsZero():
		return ""
	}
	return fmt.Sprintf("typed, %d characters", v.Text.Len())
}

func parseBool(text string) (any, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "y", "yes", "true", "on":
		return true, nil
	case "n", "no", "false", "off":
		return false, nil
	}
	return nil, fmt.Errorf("must be yes or no")
}

// parseEnv reads a comma-separated list of NAME=value. A comma inside a value is
// written as \, and a JSON list in the form of the answers file is read too.
func parseEnv(text string) (any, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		list := []answers.EnvVar{}
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("must be a JSON list of {name, value} or {name, valueFrom}")
		}
		return list, nil
	}
	list := []answers.EnvVar{}
	for _, item := range splitEscaped(text) {
		name, value, ok := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("must be NAME=value, separated by commas, such as NODE_OPTIONS=--max-old-space-size=1536")
		}
		v := answers.EnvVar{Name: name, Value: value}
		for prefix, kind := range envReferences {
			if rest, ok := strings.CutPrefix(value, prefix); ok {
				object, key, ok := strings.Cut(rest, "/")
				if !ok || object == "" || key == "" {
					return nil, fmt.Errorf("must name object and key, such as %s=%sname/key", name, prefix)
				}
				v = answers.EnvVar{Name: name, ValueFrom: map[string]any{kind: map[string]any{"name": object, "key": key}}}
			}
		}
		list = append(list, v)
	}
	return list, nil
}

var envReferences = map[string]string{"secret:": "secretKeyRef", "configmap:": "configMapKeyRef"}

func splitEscaped(text string) []string {
	var items []string
	var item strings.Builder
	flush := func() {
		if strings.TrimSpace(item.String()) != "" {
			items = append(items, strings.TrimLeft(item.String(), " "))
		}
		item.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			item.WriteByte(text[i])
		case text[i] == ',':
			flush()
		default:
			item.WriteByte(text[i])
		}
	}
	flush()
	return items
}

func printEnv(list []answers.EnvVar) string {
	short := make([]string, len(list))
	for i, v := range list {
		s, ok := printEnvVar(v)
		if !ok {
			out, err := json.Marshal(list)
			if err != nil {
				return ""
			}
			return string(out)
		}
		short[i] = s
	}
	return strings.Join(short, ", ")
}

// printEnvVar returns the short form, and false when only JSON can say it.
func printEnvVar(v answers.EnvVar) (string, bool) {
	if v.ValueFrom == nil {
		short := v.Name + "=" + strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v.Value)
		for prefix := range envReferences {
			if strings.HasPrefix(v.Value, prefix) {
				return "", false
			}
		}
		return short, strings.TrimRight(short, " ") == short && v.Name == strings.TrimSpace(v.Name)
	}
	for prefix, kind := range envReferences {
		ref, ok := v.ValueFrom[kind].(map[string]any)
		if !ok || len(v.ValueFrom) != 1 || len(ref) != 2 {
			continue
		}
		name, ok1 := ref["name"].(string)
		key, ok2 := ref["key"].(string)
		if ok1 && ok2 && !strings.ContainsAny(name+key, `,/\ `) {
			return v.Name + "=" + prefix + name + "/" + key, true
		}
	}
	return "", false
}

// Schema returns the value's JSON Schema (draft 2020-12), choices included.
func (v Value) Schema(options []Option) map[string]any {
	schema := map[string]any{}
	switch v.Kind {
	case answers.String:
		schema["type"] = "string"
	case answers.Bool:
		schema["type"] = "boolean"
	case answers.Int:
		schema["type"] = "integer"
		if v.Max != 0 {
			schema["minimum"], schema["maximum"] = v.Min, v.Max
		}
	case answers.List:
		schema["type"] = []string{"string", "array"}
		schema["items"] = map[string]any{"type": "string"}
	case answers.Hidden:
		schema["$ref"] = "#/$defs/secret"
	case answers.Env:
		schema["type"] = "array"
		schema["items"] = map[string]any{"$ref": "#/$defs/env"}
	}
	if v.Format == "uri" && v.Kind == answers.String && !v.Empty {
		schema["format"] = "uri"
	}
	if len(options) > 0 {
		names := make([]string, len(options))
		for i, o := range options {
			names[i] = o.Value
		}
		sort.Strings(names)
		schema["enum"] = names
	}
	return schema
}
