package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaURL = "file:///values.schema.json"

// Has reports whether the chart knows a path: it is in the defaults, or the
// schema describes it. known is false when only the program's own knowledge was
// asked, which has not every key of the chart.
func (c *Chart) Has(path string) (known, ok bool) {
	at := steps(path)
	known = c.Complete || c.schema != nil
	if c.schema != nil {
		if _, ok := c.described(at); ok {
			return known, true
		}
	}
	for i := range at {
		// A list or an empty mapping of the defaults says nothing about what is
		// inside it.
		v, ok := lookup(any(c.helm.Values), at[:i+1])
		if !ok {
			return known, false
		}
		inside := at[i+1:]
		if len(inside) == 0 {
			return known, true
		}
		switch v := v.(type) {
		case []any:
			return known, c.schema == nil && inside[0].item
		case map[string]any:
			if len(v) == 0 {
				return known, c.schema == nil && !inside[0].item
			}
		}
	}
	return known, false
}

// Describe returns the schema's description of a path, or the empty string.
func (c *Chart) Describe(path string) string {
	node, ok := c.described(steps(path))
	if !ok {
		return ""
	}
	text, _ := node["description"].(string)
	return text
}

// described finds the schema of a path. A mapping that declares keys and yet
// tolerates others, as gateway does, describes the declared ones only.
func (c *Chart) described(path []step) (map[string]any, bool) {
	if c.schema == nil {
		return nil, false
	}
	node := c.schema
	for _, s := range path {
		next, ok := c.child(node, s)
		if !ok {
			return nil, false
		}
		node = next
	}
	return node, true
}

func (c *Chart) child(node map[string]any, s step) (map[string]any, bool) {
	for _, alternative := range c.alternatives(node, 0) {
		if s.item {
			if items, ok := alternative["items"].(map[string]any); ok {
				return items, true
			}
			continue
		}
		properties, declares := alternative["properties"].(map[string]any)
		if property, ok := properties[s.key].(map[string]any); ok {
			return property, true
		}
		switch more := alternative["additionalProperties"].(type) {
		case map[string]any:
			return more, true
		case bool:
			if more && !declares {
				return alternative, true // free-form: the description stays the nearest one
			}
		}
	}
	return nil, false
}

// alternatives are the node itself and what it refers to or combines.
func (c *Chart) alternatives(node map[string]any, depth int) []map[string]any {
	all := []map[string]any{node}
	if depth > 8 {
		return all
	}
	if ref, ok := node["$ref"].(string); ok && strings.HasPrefix(ref, "#") {
		var path []step
		for _, part := range strings.Split(strings.Trim(ref, "#/"), "/") {
			path = append(path, step{key: strings.NewReplacer("~1", "/", "~0", "~").Replace(part)})
		}
		if target, ok := lookup(any(c.schema), path); ok {
			if target, ok := target.(map[string]any); ok {
				all = append(all, c.alternatives(target, depth+1)...)
			}
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := node[keyword].([]any)
		for _, item := range list {
			if item, ok := item.(map[string]any); ok {
				all = append(all, c.alternatives(item, depth+1)...)
			}
		}
	}
	return all
}

func decodeSchema(data []byte) (map[string]any, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	schema, ok := doc.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is no JSON object")
	}
	return schema, nil
}

// compile prepares a schema. It loads nothing that the schema refers to: a file
// could be anything, and an address would be asked over the network.
func compile(schema map[string]any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaURL, schema); err != nil {
		return nil, err
	}
	return compiler.Compile(schemaURL)
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, and other files are not read", url)
}

// schemaValue is what a schema keyword holds, for messages.
func schemaValue(v any) string {
	if text, ok := v.(string); ok {
		if text == "" {
			return "empty text"
		}
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func schemaValues(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = schemaValue(v)
	}
	return or(words)
}

// or joins words as a sentence does.
func or(words []string) string {
	words = slices.Clone(words)
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
