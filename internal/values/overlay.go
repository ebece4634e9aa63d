package values

import (
	"fmt"
	"slices"
)

// The edited tree shares with the tree it came from all that no edit touched.
// On the edited paths it holds *object and *array instead of map[string]any
// and []any: that is how the editor knows where to look.

// object is a mapping on an edited path, or a new one.
type object struct {
	vals    map[string]any
	created []string // keys that the source does not have, in the order to write
}

// array is a list on an edited path, or a new one.
type array struct {
	items []any
	from  []int // per item, its place in the source; -1 for a new one
}

// edited applies the edits to a copy of the tree. It gives those that had an
// effect too.
func edited(tree map[string]any, edits []Edit) (root *object, effective []Edit, err error) {
	root = own(tree)
	for _, e := range edits {
		segs := e.Path.segs
		if len(segs) == 0 {
			return nil, nil, refuse(nil, "", "an edit has no path")
		}
		was, had := lookup(root, segs)
		if e.Delete {
			if !had {
				continue
			}
			effective = append(effective, e)
			if _, err := remove(root, segs, 0); err != nil {
				return nil, nil, err
			}
			continue
		}
		value, err := written(e.Value)
		if err != nil {
			return nil, nil, refuseAt(segs, "", "%q: %s", e.Path, err)
		}
		if err := selectable(value, segs); err != nil {
			return nil, nil, err
		}
		if had && equal(was, value) {
			continue
		}
		effective = append(effective, e)
		if _, err := set(root, segs, 0, value); err != nil {
			return nil, nil, err
		}
	}
	return root, effective, nil
}

// own makes an editable copy of a mapping; its children stay shared.
func own(m map[string]any) *object {
	o := &object{vals: make(map[string]any, len(m))}
	for k, v := range m {
		o.vals[k] = v
	}
	return o
}

func ownList(l []any) *array {
	a := &array{items: slices.Clone(l), from: make([]int, len(l))}
	for i := range a.from {
		a.from[i] = i
	}
	return a
}

func (o *object) put(key string, value any) {
	if _, ok := o.vals[key]; !ok {
		o.created = append(o.created, key)
	}
	o.vals[key] = value
}

func (o *object) drop(key string) {
	delete(o.vals, key)
	if i := slices.Index(o.created, key); i >= 0 {
		o.created = slices.Delete(o.created, i, i+1)
	}
}

// set gives cur with the value at segs[depth:] set. What must become a mapping
// or list may be nil.
func set(cur any, segs []segment, depth int, value any) (any, error) {
	if depth == len(segs) {
		return overlay(cur, value), nil
	}
	s := segs[depth]
	if s.selector {
		return setItem(cur, segs, depth, value)
	}
	var o *object
	switch t := cur.(type) {
	case nil:
		o = own(nil)
	case map[string]any:
		o = own(t)
	case *object:
		o = t
	default:
		return nil, refuseParent(cur, segs, depth)
	}
	child, err := set(o.vals[s.key], segs, depth+1, value)
	if err != nil {
		return nil, err
	}
	o.put(s.key, child)
	return o, nil
}

func setItem(cur any, segs []segment, depth int, value any) (any, error) {
	a, err := ownItems(cur, segs, depth)
	if err != nil {
		return nil, err
	}
	s := segs[depth]
	found := find(a.items, s)
	if len(found) > 1 {
		return nil, refuseAt(segs[:depth], "remove all but one of them",
			"%d items of %q have %s %q", len(found), pathString(segs[:depth]), s.field, s.value)
	}
	if len(found) == 1 {
		i := found[0]
		a.items[i], err = set(a.items[i], segs, depth+1, value)
		return a, err
	}
	var base any
	if s.field != "" {
		o := own(nil)
		o.put(s.field, s.value)
		base = o
	}
	if s.field == "" && s.index > len(a.items) {
		return nil, refuseAt(segs[:depth], "", "%q has %d items, so an item %d cannot follow",
			pathString(segs[:depth]), len(a.items), s.index)
	}
	if depth+1 == len(segs) {
		base = nil
	}
	item, err := set(base, segs, depth+1, value)
	if err != nil {
		return nil, err
	}
	a.items = append(a.items, item)
	a.from = append(a.from, -1)
	return a, nil
}

// selectable makes sure that an item can be found again by its selector.
func selectable(value any, segs []segment) error {
	s := segs[len(segs)-1]
	if s.field == "" {
		return nil
	}
	o, ok := value.(*object)
	if !ok {
		return refuseAt(segs, "", "%q cannot be %s, which has no field %q", pathString(segs), kindOf(value), s.field)
	}
	v, ok := o.vals[s.field]
	if ok && scalarText(v) != s.value {
		return refuseAt(segs, "", "%q cannot be an item with another %q", pathString(segs), s.field)
	}
	if !ok {
		o.vals[s.field] = s.value
		o.created = slices.Insert(o.created, 0, s.field)
	}
	return nil
}

func ownItems(cur any, segs []segment, depth int) (*array, error) {
	switch t := cur.(type) {
	case nil:
		return &array{}, nil
	case []any:
		return ownList(t), nil
	case *array:
		return t, nil
	}
	return nil, refuseParent(cur, segs, depth)
}

func refuseParent(cur any, segs []segment, depth int) error {
	want := "a mapping"
	if segs[depth].selector {
		want = "a list"
	}
	return refuseAt(segs[:depth], fmt.Sprintf("make %q %s, or remove it", pathString(segs[:depth]), want),
		"%q is %s, so %q has no place in it", pathString(segs[:depth]), kindOf(cur), pathString(segs))
}

// remove gives cur without what is at segs[depth:], which is there.
func remove(cur any, segs []segment, depth int) (any, error) {
	s, last := segs[depth], depth == len(segs)-1
	switch t := cur.(type) {
	case map[string]any:
		return remove(own(t), segs, depth)
	case []any:
		return remove(ownList(t), segs, depth)
	case *object:
		if last {
			t.drop(s.key)
			return t, nil
		}
		child, err := remove(t.vals[s.key], segs, depth+1)
		t.vals[s.key] = child
		return t, err
	case *array:
		found := find(t.items, s)
		if len(found) > 1 {
			return nil, refuseAt(segs[:depth], "remove all but one of them",
				"%d items of %q have %s %q", len(found), pathString(segs[:depth]), s.field, s.value)
		}
		i := found[0]
		if last {
			t.items = slices.Delete(t.items, i, i+1)
			t.from = slices.Delete(t.from, i, i+1)
			return t, nil
		}
		child, err := remove(t.items[i], segs, depth+1)
		t.items[i] = child
		return t, err
	}
	return cur, nil
}
