package answers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Entry is one answer of an answers file.
type Entry struct {
	Key   Key
	Value any // the Go type of the key's kind; a secret is an unresolved reference
	Where string
}

// Decode reads an answers file: one YAML document. name is what problems call
// it. Unknown keys, wrong shapes and literal secrets are all returned, each with
// its line; a literal secret is never repeated.
func Decode(name string, src []byte) ([]Entry, error) {
	d := decoder{name: name, seen: map[Key]bool{}}
	decode := yaml.NewDecoder(bytes.NewReader(src))
	var root yaml.Node
	switch err := decode.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, Problems{syntaxProblem(name, src, err)}
	}
	var more yaml.Node
	if err := decode.Decode(&more); !errors.Is(err, io.EOF) {
		d.add("", &more, "must be one YAML document: take out what follows ---")
	}
	if len(root.Content) == 1 {
		d.mapping("", root.Content[0])
	}
	return d.entries, d.problems.Err()
}

func lineOf(err error) string {
	_, after, ok := strings.Cut(err.Error(), "line ")
	if !ok {
		return ""
	}
	n := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
	if n <= 0 {
		return ""
	}
	return ": line " + after[:n]
}

type decoder struct {
	name     string
	seen     map[Key]bool // keys and groups, however they are written
	entries  []Entry
	problems Problems
}

func (d *decoder) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", d.name, max(n.Line, 1)) }

func (d *decoder) add(key Key, n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{Key: key, Where: d.at(n), Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) mapping(prefix string, n *yaml.Node) {
	n = resolve(n)
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(Key(strings.TrimSuffix(prefix, ".")), n, "must be a mapping of keys to answers")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := Key(prefix + name.Value)
		if d.seen[key] {
			d.add(key, name, "is there twice")
			continue
		}
		d.seen[key] = true
		switch kind, leaf := KindOf(key); {
		case leaf:
			d.leaf(key, kind, value)
		case isGroup(string(key) + "."):
			d.mapping(string(key)+".", value)
		default:
			d.unknown(key, name)
		}
	}
}

func isGroup(prefix string) bool {
	return slices.ContainsFunc(Keys(), func(k Key) bool { return strings.HasPrefix(string(k), prefix) })
}

func (d *decoder) unknown(key Key, n *yaml.Node) {
	if near := Closest(string(key), names()); near != "" {
		d.add(key, n, "is not an answers key; did you mean %s?", near)
		return
	}
	d.add(key, n, "is not an answers key; `backstage-setup answers example` lists them")
}

// names returns every key and every group of keys.
func names() []string {
	var all []string
	for _, key := range Keys() {
		path := strings.Split(string(key), ".")
		for i := range path {
			if name := strings.Join(path[:i+1], "."); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (d *decoder) leaf(key Key, kind Kind, n *yaml.Node) {
	n = resolve(n)
	if n.Tag == "!!null" {
		return // an empty line of the example, a secret that was typed: not answered
	}
	var value any
	var err error
	switch kind {
	case Hidden:
		value, err = secretNode(n)
	case Env:
		value, err = envNode(n)
	default:
		var v any
		if err = n.Decode(&v); err == nil {
			value, err = kind.convert(v)
		}
	}
	if err != nil {
		d.add(key, n, "%v", err)
		return
	}
	d.entries = append(d.entries, Entry{Key: key, Value: value, Where: d.at(n)})
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func secretNode(n *yaml.Node) (any, error) {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return nil, errLiteral
	}
	name, value := n.Content[0].Value, resolve(n.Content[1])
	if value.Kind != yaml.ScalarNode {
		return nil, errLiteral
	}
	ref := secret.Ref{}
	switch name {
	case "env":
		ref.Env = value.Value
	case "file":
		ref.File = value.Value
	case "generate":
		ref.Generate = value.Value == "true"
	case "keep":
		ref.Keep = value.Value == "true"
	}
	if ref == (secret.Ref{}) {
		return nil, errLiteral
	}
	return secret.Value{Ref: ref}, nil
}

var errEnv = errors.New("must be a list of {name, value} or {name, valueFrom}, with every value in quotes")

func envNode(n *yaml.Node) (any, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, errEnv
	}
	list := []EnvVar{}
	for _, item := range n.Content {
		item = resolve(item)
		if item.Kind != yaml.MappingNode {
			return nil, errEnv
		}
		var v EnvVar
		for i := 0; i+1 < len(item.Content); i += 2 {
			value := resolve(item.Content[i+1])
			switch item.Content[i].Value {
			case "name":
				v.Name = value.Value
			case "value":
				if value.Kind != yaml.ScalarNode || value.Tag != "!!str" {
					return nil, errEnv
				}
				v.Value = value.Value
			case "valueFrom":
				if err := value.Decode(&v.ValueFrom); err != nil {
					return nil, errEnv
				}
			default:
				return nil, errEnv
			}
		}
		if v.Name == "" || (v.Value != "" && v.ValueFrom != nil) {
			return nil, errEnv
		}
		list = append(list, v)
	}
	return list, nil
}
