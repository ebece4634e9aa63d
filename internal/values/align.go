package values

// overlay gives the value to write over old, sharing with old what is equal,
// so that only what differs is edited.
func overlay(old, value any) any {
	if equal(old, value) && old != nil {
		return old
	}
	switch v := value.(type) {
	case *object:
		var o *object
		switch t := old.(type) {
		case map[string]any:
			o = own(t)
		case *object:
			o = t
		default:
			return v
		}
		for k := range o.vals {
			if _, ok := v.vals[k]; !ok {
				o.drop(k)
			}
		}
		for _, k := range v.created {
			if was, ok := o.vals[k]; ok {
				o.vals[k] = overlay(was, v.vals[k])
				continue
			}
			o.put(k, v.vals[k])
		}
		return o
	case *array:
		switch t := old.(type) {
		case []any:
			return align(ownList(t), v.items)
		case *array:
			return align(t, v.items)
		}
	}
	return value
}

// align lays new items over a list: those equal at both ends stay, those of the
// same name in between are edited in place, the others come and go.
func align(old *array, want []any) *array {
	out := &array{}
	keep := func(i int, item any) {
		out.items = append(out.items, item)
		out.from = append(out.from, old.from[i])
	}
	head := 0
	for head < len(old.items) && head < len(want) && equal(old.items[head], want[head]) {
		keep(head, old.items[head])
		head++
	}
	oldEnd, end := len(old.items), len(want)
	for oldEnd > head && end > head && equal(old.items[oldEnd-1], want[end-1]) {
		oldEnd--
		end--
	}
	next := head
	for i := head; i < end; i++ {
		at := match(old.items[next:oldEnd], want[i])
		if at < 0 {
			out.items = append(out.items, want[i])
			out.from = append(out.from, -1)
			continue
		}
		keep(next+at, overlay(old.items[next+at], want[i]))
		next += at + 1
	}
	for i := oldEnd; i < len(old.items); i++ {
		keep(i, old.items[i])
	}
	return out
}

// match finds the item to edit into want: one of the same name, the next one
// when neither has a name.
func match(old []any, want any) int {
	name := itemName(want)
	for i, item := range old {
		was := itemName(item)
		if was == name && (name != "" || kindOf(item) == kindOf(want)) {
			return i
		}
		if name == "" {
			return -1
		}
	}
	return -1
}

func itemName(item any) string {
	v, _ := lookup(item, []segment{{key: "name"}})
	return scalarText(v)
}
