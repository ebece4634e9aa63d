package values

// verify reads the new file and compares it with what it should say.
func (e *editor) verify(out []byte, before map[string]any, after *object, edits []Edit) error {
	if out != nil && e.verifyPart(out, before, after) {
		return nil
	}
	root, err := decode(out)
	if root == nil {
		root = map[string]any{}
	}
	if out != nil && err == nil && equal(root, after) {
		return nil
	}
	if len(e.shared) > 0 {
		n := e.shared[0]
		alias := e.d.aliases[n]
		return refuse(n, "set the key in the places that use it instead",
			"this carries the anchor &%s, which line %d uses too, so that place would change as well", n.Anchor, e.d.lineNos.line(alias.Line))
	}
	return refuseAt(edits[0].Path.segs, "make this change by hand",
		"%q cannot be set here without changing something else", edits[0].Path)
}

// verifyPart compares only the top-level entries that splices touch, read on
// their own: in large files most of the time goes into reading. An entry of a
// block mapping means the same alone as among its neighbours if no alias ties
// them together, and the bytes of the others are as before. It gives false
// when it cannot tell.
func (e *editor) verifyPart(out []byte, before map[string]any, after *object) bool {
	d := e.d
	if d.root == nil || !isMapping(d.root) || isFlow(d.root) || len(d.aliases) > 0 || len(d.twice) > 0 {
		return false
	}
	var part []byte
	want := len(after.created)
	next, from, to := 0, -1, 0 // the next splice; the run of touched entries in out
	for i := 0; i+1 < len(d.root.Content); i += 2 {
		key, ok := nodeKey(d.root.Content[i])
		start, end := d.offset(d.root.Content[i]), d.next
		if !ok || d.lines[d.line(start)] != start {
			return false
		}
		if i+2 < len(d.root.Content) {
			end = d.offset(d.root.Content[i+2])
		}
		is, kept := after.vals[key]
		if next == len(e.splices) || e.splices[next].at > end {
			// Untouched. What is put right at an entry's end belongs to it.
			if !kept || !untouched(before[key], is) {
				return false
			}
			if from >= 0 {
				part = append(part, out[from:to]...)
				from = -1
			}
			continue
		}
		if e.splices[next].at < start {
			return false
		}
		if from < 0 {
			from = e.moved(next, start)
		}
		for next < len(e.splices) && e.splices[next].to <= end {
			next++
		}
		if to = e.moved(next, end); kept {
			want++
		}
	}
	if from >= 0 {
		part = append(part, out[from:to]...)
	}
	if next < len(e.splices) || len(part) > len(out)/2 {
		return false
	}
	root, err := decode(part)
	got, ok := root.(map[any]any)
	if err != nil || !ok || len(got) != want {
		return false
	}
	for k, v := range got {
		key, _ := keyText(k)
		if w, ok := after.vals[key]; !ok || !equal(v, w) {
			return false
		}
	}
	return true
}
