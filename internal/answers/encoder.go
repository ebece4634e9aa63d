package answers

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Encode returns what a person gave in d as an answers file for the next run.
// Secrets are written as the reference they came by; one that was typed is left
// out, with a comment that says so.
func Encode(d *Draft) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range Keys() {
		if !d.Given(key) {
			continue
		}
		value, comment, err := valueNode(key, d.Get(key))
		if err != nil {
			return nil, err
		}
		place(root, strings.Split(string(key), "."), value, comment)
	}
	var out bytes.Buffer
	out.WriteString("# Answers for `backstage-setup install --answers FILE`. No secret is in here.\n")
	if len(root.Content) == 0 {
		return out.Bytes(), nil
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("answers file: %w", err)
	}
	return out.Bytes(), enc.Close()
}

func valueNode(key Key, value any) (n *yaml.Node, comment string, err error) {
	switch v := value.(type) {
	case secret.Value:
		if v.Ref == (secret.Ref{}) {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, "typed: give it as {env: NAME}, {file: PATH} or {keep: true} next time", nil
		}
		value = refMap(v.Ref)
	case []EnvVar:
		list := make([]any, len(v))
		for i, e := range v {
			item := map[string]any{"name": e.Name, "value": e.Value}
			if e.ValueFrom != nil {
				item = map[string]any{"name": e.Name, "valueFrom": e.ValueFrom}
			}
			list[i] = item
		}
		value = list
	}
	if n, err = node(value); err != nil {
		return nil, "", fmt.Errorf("answers file: %s: %w", key, err)
	}
	return n, "", nil
}

func refMap(r secret.Ref) map[string]any {
	switch {
	case r.Env != "":
		return map[string]any{"env": r.Env}
	case r.File != "":
		return map[string]any{"file": r.File}
	case r.Generate:
		return map[string]any{"generate": true}
	}
	return map[string]any{"keep": true}
}

// node returns value with every text in quotes, which is safe for every YAML
// reader: y, no and 1e3 stay texts, and so does one with blanks and line ends at
// its beginning, for which yaml.v3's own choice of style fails.
func node(value any) (*yaml.Node, error) {
	switch v := value.(type) {
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: v}, nil
	case []string:
		list := make([]any, len(v))
		for i, text := range v {
			list[i] = text
		}
		return node(list)
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			child, err := node(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		return n, nil
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			child, err := node(v[name])
			if err != nil {
				return nil, err
			}
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
			if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
				key.Style = yaml.DoubleQuotedStyle
			}
			n.Content = append(n.Content, key, child)
		}
		return n, nil
	}
	n := &yaml.Node{}
	return n, n.Encode(value)
}

func place(m *yaml.Node, path []string, value *yaml.Node, comment string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == path[0] {
			place(m.Content[i+1], path[1:], value, comment)
			return
		}
	}
	name := &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}
	if len(path) == 1 {
		name.HeadComment = comment
		m.Content = append(m.Content, name, value)
		return
	}
	child := &yaml.Node{Kind: yaml.MappingNode}
	m.Content = append(m.Content, name, child)
	place(child, path[1:], value, comment)
}
