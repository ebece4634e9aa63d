package values

import (
	"fmt"
	"math"
	"strconv"

	yaml2 "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

// Parse reads the first document of src as Helm does: YAML 1.1 booleans, the
// last duplicate key wins, numbers are float64. An empty document is an empty,
// non-nil map. Errors are of type *Error.
func Parse(src []byte) (map[string]any, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	tree := map[string]any{}
	err := guard(func() error { return yaml.Unmarshal(src, &tree) })
	if err == nil {
		if tree == nil {
			tree = map[string]any{}
		}
		return tree, nil
	}
	d, _, readErr := read(src, nil) // it finds the place
	if readErr != nil {
		return nil, readErr
	}
	return nil, refuse(d.root, "", "helm cannot read this file: %s", plainMessage(err))
}

// Lookup finds the value at a path of a tree from Parse. Of several list items
// that a selector fits, it gives the first.
func Lookup(tree map[string]any, p Path) (any, bool) {
	return lookup(tree, p.segs)
}

func lookup(v any, segs []segment) (any, bool) {
	for _, s := range segs {
		var ok bool
		switch t := v.(type) {
		case map[string]any:
			v, ok = t[s.key]
			ok = ok && !s.selector
		case *object:
			v, ok = t.vals[s.key]
			ok = ok && !s.selector
		case []any, *array:
			if found := find(items(t), s); len(found) > 0 {
				v, ok = items(t)[found[0]], true
			}
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

func items(list any) []any {
	switch t := list.(type) {
	case []any:
		return t
	case *array:
		return t.items
	}
	return nil
}

// find gives the places of the items that a selector fits.
func find(list []any, s segment) []int {
	if !s.selector {
		return nil
	}
	if s.field == "" {
		if s.index < len(list) {
			return []int{s.index}
		}
		return nil
	}
	var found []int
	for i, item := range list {
		if v, ok := lookup(item, []segment{{key: s.field}}); ok && scalarText(v) == s.value {
			found = append(found, i)
		}
	}
	return found
}

// scalarText is how a selector spells a scalar; other values have no spelling.
func scalarText(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case bool, int, int64, uint64:
		return fmt.Sprint(t)
	case float64:
		return strconv.FormatFloat(t, 'g', -1, 64)
	}
	return ""
}

// guard turns a panic of a YAML library into an error: both have had some on
// malformed input.
func guard(parse func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return parse()
}

// helmTree reads the first document with the library under sigs.k8s.io/yaml,
// sparing its detour over JSON and keeping integers whole. A root of nil is an
// empty map.
func helmTree(src []byte) (map[string]any, error) {
	root, err := decode(src)
	if err != nil {
		return nil, err
	}
	v, err := jsonable(root)
	if err != nil {
		return nil, err
	}
	switch t := v.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return t, nil
	}
	return nil, errRoot
}

func decode(src []byte) (root any, err error) {
	err = guard(func() error { return yaml2.Unmarshal(src, &root) })
	return root, err
}

var errRoot = fmt.Errorf("the file is not a mapping of keys to values")

// ambiguousKey is the error for two keys that YAML tells apart, but not JSON,
// such as 1 and "1": helm takes one of them at random.
type ambiguousKey string

func (k ambiguousKey) Error() string {
	return fmt.Sprintf("two keys are both read as %q, and helm takes one of them at random", string(k))
}

// jsonable brings a decoded value into the form that JSON can carry, refusing
// what sigs.k8s.io/yaml refuses.
func jsonable(v any) (any, error) {
	switch t := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(t))
		for k, child := range t {
			key, ok := keyText(k)
			if !ok {
				return nil, fmt.Errorf("a key is neither text, number nor true or false: %v", k)
			}
			c, err := jsonable(child)
			if err != nil {
				return nil, err
			}
			if _, ok := m[key]; ok {
				return nil, ambiguousKey(key)
			}
			m[key] = c
		}
		return m, nil
	case []any:
		for i, child := range t {
			c, err := jsonable(child)
			if err != nil {
				return nil, err
			}
			t[i] = c
		}
		return t, nil
	case float64:
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return nil, fmt.Errorf("%v is a number that JSON does not have", t)
		}
	}
	return v, nil
}

// keyText spells a mapping key as sigs.k8s.io/yaml does.
func keyText(k any) (string, bool) {
	switch t := k.(type) {
	case string:
		return t, true
	case int:
		return strconv.Itoa(t), true
	case int64:
		return strconv.FormatInt(t, 10), true
	case bool:
		return strconv.FormatBool(t), true
	case float64:
		switch s := strconv.FormatFloat(t, 'g', -1, 32); s {
		case "+Inf":
			return ".inf", true
		case "-Inf":
			return "-.inf", true
		case "NaN":
			return ".nan", true
		default:
			return s, true
		}
	}
	return "", false
}
