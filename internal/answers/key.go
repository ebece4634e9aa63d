package answers

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Key names one answer by its place in the answers file: "portal.baseUrl".
type Key string

// Kind is the shape of an answer's value.
type Kind string

// The kinds and the Go type that each is held as.
const (
	String Kind = "string" // string
	Bool   Kind = "bool"   // bool
	Int    Kind = "int"    // int
	List   Kind = "list"   // []string
	Hidden Kind = "secret" // secret.Value
	Env    Kind = "env"    // []EnvVar
)

type field struct {
	key   Key
	kind  Kind
	index []int
}

var kinds = map[reflect.Type]Kind{
	reflect.TypeFor[string]():       String,
	reflect.TypeFor[bool]():         Bool,
	reflect.TypeFor[int]():          Int,
	reflect.TypeFor[[]string]():     List,
	reflect.TypeFor[secret.Value](): Hidden,
	reflect.TypeFor[[]EnvVar]():     Env,
}

// fields lists every leaf of Answers in the order of its declaration.
var fields = sync.OnceValue(func() []field {
	var all []field
	var walk func(t reflect.Type, prefix string, index []int)
	walk = func(t reflect.Type, prefix string, index []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			at := append(slices.Clone(index), i)
			if kind, leaf := kinds[f.Type]; leaf {
				all = append(all, field{Key(prefix + name), kind, at})
				continue
			}
			walk(f.Type, prefix+name+".", at)
		}
	}
	walk(reflect.TypeFor[Answers](), "", nil)
	return all
})

var byKey = sync.OnceValue(func() map[Key]field {
	m := make(map[Key]field, len(fields()))
	for _, f := range fields() {
		m[f.key] = f
	}
	return m
})

// Keys returns every key, in the order of the answers file.
func Keys() []Key {
	keys := make([]Key, len(fields()))
	for i, f := range fields() {
		keys[i] = f.key
	}
	return keys
}

// KindOf returns the kind of key's value; false when there is no such key.
func KindOf(key Key) (Kind, bool) {
	f, ok := byKey()[key]
	return f.kind, ok
}

// Get returns the value under key as the Go type of its kind, whether it was
// answered or not; nil for an unknown key.
func (a *Answers) Get(key Key) any {
	f, ok := byKey()[key]
	if !ok {
		return nil
	}
	return reflect.ValueOf(a).Elem().FieldByIndex(f.index).Interface()
}

func (a *Answers) set(key Key, value any) error {
	f, ok := byKey()[key]
	if !ok {
		return fmt.Errorf("%q is not an answers key", key)
	}
	v, err := f.kind.convert(value)
	if err != nil {
		return err
	}
	reflect.ValueOf(a).Elem().FieldByIndex(f.index).Set(reflect.ValueOf(v))
	return nil
}

// convert brings value, as YAML or another Go caller gives it, to the kind's Go
// type. The error completes "The value …" and never repeats a secret.
func (k Kind) convert(value any) (any, error) {
	switch k {
	case String:
		if v, ok := value.(string); ok {
			return v, nil
		}
		return nil, fmt.Errorf("must be text: put it in quotes")
	case Bool:
		if v, ok := value.(bool); ok {
			return v, nil
		}
		return nil, fmt.Errorf("must be true or false")
	case Int:
		if v, ok := value.(int); ok {
			return v, nil
		}
		return nil, fmt.Errorf("must be a whole number")
	case List:
		return convertList(value)
	case Hidden:
		if v, ok := value.(secret.Value); ok {
			return v, nil
		}
		return nil, errLiteral
	case Env:
		if v, ok := value.([]EnvVar); ok {
			return v, nil
		}
		return nil, fmt.Errorf("must be a list of {name, value} or {name, valueFrom}")
	}
	return nil, fmt.Errorf("has an unknown kind %q", k)
}

var errLiteral = fmt.Errorf("must be a reference, such as {env: NAME}, {file: PATH}, {generate: true} or {keep: true}; secrets are never written here")

func convertList(value any) (any, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case []any:
		list := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("must be a list of texts: put item %d in quotes", i+1)
			}
			list[i] = s
		}
		return list, nil
	}
	return nil, fmt.Errorf("must be a text or a list of texts")
}

// Near returns the known key that is most likely meant by a mistyped one, or "".
func Near(mistyped string) Key {
	names := make([]string, len(fields()))
	for i, f := range fields() {
		names[i] = string(f.key)
	}
	return Key(Closest(mistyped, names))
}

// Closest returns the word that is most likely meant by a mistyped one, or ""
// when none is near.
func Closest(mistyped string, words []string) string {
	best, distance := "", len(mistyped)/3+1
	for _, word := range words {
		if d := editDistance(strings.ToLower(mistyped), strings.ToLower(word)); d <= distance {
			best, distance = word, d-1
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
