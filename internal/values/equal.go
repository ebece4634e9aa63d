package values

import (
	"reflect"
)

// equal compares two values by Helm's reading, in which 1 and 1.0 are the same.
// The first may be as decoded, before jsonable.
func equal(a, b any) bool {
	switch x := a.(type) {
	case map[any]any:
		y, ok := fields(b)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			key, ok := keyText(k)
			w, found := y[key]
			if !ok || !found || !equal(v, w) {
				return false
			}
		}
		return true
	case map[string]any, *object:
		was, _ := fields(x)
		is, ok := fields(b)
		if !ok || len(was) != len(is) {
			return false
		}
		for k, v := range was {
			w, found := is[k]
			if !found || !equal(v, w) {
				return false
			}
		}
		return true
	case []any, *array:
		is := items(b)
		if !isList(b) || len(items(x)) != len(is) {
			return false
		}
		for i, v := range items(x) {
			if !equal(v, is[i]) {
				return false
			}
		}
		return true
	}
	return equalScalar(a, b)
}

func fields(v any) (map[string]any, bool) {
	switch t := v.(type) {
	case map[string]any:
		return t, true
	case *object:
		return t.vals, true
	}
	return nil, false
}

func equalScalar(a, b any) bool {
	switch a.(type) {
	case string, bool, nil:
		switch b.(type) {
		case string, bool, nil:
			return a == b
		}
		return false
	}
	if i, ok := integer(a); ok {
		if j, ok := integer(b); ok {
			return i == j
		}
	}
	if f, ok := number(a); ok {
		g, ok := number(b)
		return ok && f == g
	}
	return reflect.DeepEqual(a, b)
}

func integer(v any) (int64, bool) {
	switch t := v.(type) {
	case int:
		return int64(t), true
	case int64:
		return t, true
	}
	return 0, false
}

func number(v any) (float64, bool) {
	switch t := v.(type) {
	case int:
		return float64(t), true
	case int64:
		return float64(t), true
	case uint64:
		return float64(t), true
	case float64:
		return t, true
	}
	return 0, false
}
