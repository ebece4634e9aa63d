// Package values edits YAML files that people own, byte for byte: what an edit
// does not name stays as it was, comments, quoting, indentation and line ends
// included. It finds where in a file the values live, and reads them as Helm
// does (YAML 1.1, last duplicate wins). It must not know what any path of the
// values means, nor files, charts or terminals.
package values

// Map is a mapping to be written, in this order.
type Map []Entry

// Entry is one key of a Map.
type Entry struct {
	Key   string
	Value any
}

// Edit sets or deletes one path.
type Edit struct {
	Path   Path
	Delete bool // remove the key or list item; Value is ignored
	// Value is a string, bool, integer, float64, nil, Map, map[string]any
	// (written in sorted order), []any, []string, []Map or []map[string]any,
	// nested at will. It replaces what is there, keys and items it lacks
	// included; what it has in common with it keeps its bytes.
	Value any
	// Comment goes above the key if the edit creates it: one or more lines,
	// with or without a leading "#".
	Comment string
}

// Options tune Apply. The zero value is useful.
type Options struct {
	// Comments holds the comment to put above a mapping key when an edit has
	// to create it, by the path of that key.
	Comments map[string]string
}

// Kinds of Change.
const (
	KindSet    = "set"
	KindInsert = "insert"
	KindDelete = "delete"
)

// Change is one path whose value Apply changed.
type Change struct {
	Path string // in the form of Path.String
	Kind string // KindSet, KindInsert or KindDelete
}

// Warning is something the owner of the file should know. Line and Column are
// 1-based, the column in characters; zero when it has no place.
type Warning struct {
	Line, Column int
	Text         string
}

// Result is an edited file.
type Result struct {
	Bytes    []byte    // the whole file; the source itself when nothing changed
	Changed  []Change  // in the order of the edits; empty when all were no-ops
	Warnings []Warning // by line
}

// Apply makes the edits, in their order and as one change, in the first
// document of src. An edit whose value is already there, as Helm reads it, and
// a deletion of what is absent change nothing.
//
// Refusals are of type *Error, and then no bytes are returned: all or nothing.
// The result is parsed again and must differ from src by exactly the edits.
func Apply(src []byte, edits []Edit, opts Options) (Result, error) {
	d, before, err := read(src, nil)
	if err != nil {
		return Result{}, err
	}
	result, _, err := d.apply(before, edits, opts)
	return result, err
}

// apply makes the edits in the document, whose tree is before. It gives the
// editor too, nil when nothing changed.
func (d *document) apply(before map[string]any, edits []Edit, opts Options) (Result, *editor, error) {
	after, effective, err := edited(before, edits)
	if err != nil {
		return Result{}, nil, d.place(err)
	}
	result := Result{Bytes: d.src, Warnings: d.warnings}
	if len(effective) == 0 || equal(before, after) {
		return result, nil, nil
	}
	result.Changed = changes(before, after, effective)
	e := newEditor(d, comments(edits, opts))
	if err := e.root(before, after); err != nil {
		return Result{}, nil, err
	}
	out := e.assemble()
	if err := e.verify(out, before, after, edits); err != nil {
		return Result{}, nil, d.place(err)
	}
	result.Bytes = out
	result.Warnings = append(append(result.Warnings, e.warnings...), d.shadowed(result.Changed)...)
	sortWarnings(result.Warnings)
	return result, e, nil
}

// comments joins the comments of the options and of the edits, by path.
func comments(edits []Edit, opts Options) map[string]string {
	all := make(map[string]string, len(opts.Comments))
	for path, text := range opts.Comments {
		all[path] = text
	}
	for _, e := range edits {
		if e.Comment != "" && !e.Delete {
			all[e.Path.String()] = e.Comment
		}
	}
	return all
}

// changes lists the paths that the effective edits changed, each once.
func changes(before map[string]any, after *object, edits []Edit) []Change {
	var list []Change
	last := make(map[string]Edit, len(edits))
	for _, e := range edits {
		last[e.Path.String()] = e
	}
	for _, e := range edits {
		path := e.Path.String()
		e, ok := last[path]
		if !ok {
			continue
		}
		delete(last, path)
		was, had := lookup(before, e.Path.segs)
		is, has := lookup(after, e.Path.segs)
		switch {
		case e.Delete:
			list = append(list, Change{path, KindDelete}) // what [0] names may be there again
		case !had:
			list = append(list, Change{path, KindInsert})
		case !has || !equal(was, is): // !has: the field of its selector was set
			list = append(list, Change{path, KindSet})
		}
	}
	return list
}
