package values

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// written brings a value of an Edit into the tree's types.
func written(v any) (any, error) {
	switch t := v.(type) {
	case nil, bool:
		return t, nil
	case string:
		if !utf8.ValidString(t) {
			return nil, fmt.Errorf("a text must be UTF-8")
		}
		return t, nil
	case float64:
		return jsonable(t)
	case Map:
		return writtenMap(t)
	case map[string]any:
		m := make(Map, 0, len(t))
		for _, k := range sortedKeys(t) {
			m = append(m, Entry{k, t[k]})
		}
		return writtenMap(m)
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return rv.Int(), nil
	case rv.CanUint():
		if u := rv.Uint(); u > 1<<63-1 {
			return u, nil
		}
		return int64(rv.Uint()), nil
	case rv.Kind() == reflect.Slice:
		a := &array{}
		for i := range rv.Len() {
			item, err := written(rv.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			a.items = append(a.items, item)
			a.from = append(a.from, -1)
		}
		return a, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be written", v)
}

func writtenMap(m Map) (any, error) {
	o := own(nil)
	for _, e := range m {
		if !utf8.ValidString(e.Key) {
			return nil, fmt.Errorf("a key must be UTF-8")
		}
		if _, ok := o.vals[e.Key]; ok {
			return nil, fmt.Errorf("the key %q is there twice", e.Key)
		}
		v, err := written(e.Value)
		if err != nil {
			return nil, err
		}
		o.put(e.Key, v)
	}
	return o, nil
}

// keysOf gives a mapping's keys in the order to write them: those an edit
// created in its order, before them, sorted, those that came with the source.
func keysOf(v any) []string {
	switch t := v.(type) {
	case map[string]any:
		return sortedKeys(t)
	case *object:
		keys := make([]string, 0, len(t.vals))
		for _, k := range sortedKeys(t.vals) {
			if !slices.Contains(t.created, k) {
				keys = append(keys, k)
			}
		}
		return append(keys, t.created...)
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	return slices.Sorted(maps.Keys(m))
}
