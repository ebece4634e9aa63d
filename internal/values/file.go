package values

import "slices"

// Source is a file that was read once. It is immutable, and its methods may be
// called concurrently.
type Source struct {
	src    []byte
	places []Place
	seen   []reading
}

// Scan reads a file and finds the places in it as Locate does, with the same
// errors.
func Scan(src []byte, chart string, keys ...string) (*Source, error) {
	l := locator{chart: chart, keys: keys}
	places, err := l.locate(src)
	if err != nil {
		return nil, err
	}
	return &Source{src: src, places: places, seen: l.seen}, nil
}

// Places returns what Locate does: one place or more.
func (s *Source) Places() []Place { return slices.Clone(s.places) }

// Open reads the values at a place. Its errors are those of CheckAt and ParseAt:
// what it opens can be edited.
func (s *Source) Open(at Place) (*File, error) { return openFile(s.src, at, s.seen...) }

// File is the values at a place of a file, read once: what CheckAt, ParseAt and
// ApplyAt would read the file again for each time. It is immutable, and its
// methods may be called concurrently. A nil File is that of no file at all.
type File struct {
	src      []byte
	site     *site
	tree     map[string]any
	warnings []Warning
}

// Open reads the values at a place of src, which must not be changed from then on.
// Errors are of type *Error.
func Open(src []byte, at Place) (*File, error) { return openFile(src, at) }

func openFile(src []byte, at Place, seen ...reading) (*File, error) {
	s, err := open(src, at, seen...)
	if err != nil {
		return nil, err
	}
	if s.text != nil {
		if err := s.readText(); err != nil {
			return nil, s.explain(err)
		}
	}
	f := &File{src: src, site: s}
	checked, err := f.Apply(nil, Options{})
	if err != nil {
		return nil, err
	}
	f.warnings = checked.Warnings
	if f.tree, err = valuesIn(s.base(), s.prefix); err != nil {
		return nil, s.explain(s.locate(err))
	}
	return f, nil
}

// Place returns where in the file the values are; of a nil File the zero Place.
func (f *File) Place() Place {
	if f == nil {
		return Place{}
	}
	return f.site.at
}

// Tree returns the values as ParseAt does, but for whole numbers: they are int,
// int64 or uint64. It is shared: nobody may change it. A nil File has none.
func (f *File) Tree() map[string]any {
	if f == nil {
		return nil
	}
	return f.tree
}

// Warnings returns what CheckAt does.
func (f *File) Warnings() []Warning {
	if f == nil {
		return nil
	}
	return slices.Clone(f.warnings)
}

// Apply is ApplyAt on what was read already.
func (f *File) Apply(edits []Edit, opts Options) (Result, error) {
	if err := checkPaths(edits); err != nil {
		return Result{}, err
	}
	return f.site.copied().apply(f.src, edits, opts)
}

// After returns the values as Tree would, were the result of Apply with the same
// edits read again; Apply makes sure that it says just that. The edits must be
// such that Apply gives no error.
func (f *File) After(edits []Edit) (map[string]any, error) {
	root, _, err := edited(f.site.base(), under(f.site.prefix, edits))
	if err != nil {
		return nil, f.site.explain(err)
	}
	return valuesIn(settled(root).(map[string]any), f.site.prefix)
}

// settled turns an edited tree back into one as read. What no edit touched is
// shared with the tree it came from.
func settled(v any) any {
	switch t := v.(type) {
	case *object:
		m := make(map[string]any, len(t.vals))
		for k, child := range t.vals {
			m[k] = settled(child)
		}
		return m
	case *array:
		list := make([]any, len(t.items))
		for i, item := range t.items {
			list[i] = settled(item)
		}
		return list
	}
	return v
}

// reading is one document of a file, or a text in it, as read finds it.
type reading struct {
	part
	d    *document
	tree map[string]any
}

// readPart reads a part of a file, unless it is among what was seen already.
func readPart(src []byte, p part, seen []reading) (reading, error) {
	for _, r := range seen {
		if r.part == p {
			return r, nil
		}
	}
	d, tree, err := read(src[p.start:p.end], p.lineNo)
	return reading{p, d, tree}, err
}

// copied is the site for one edit: an editor appends to a document's warnings.
func (s *site) copied() *site {
	c := *s
	c.d = s.d.copied()
	return &c
}

func (d *document) copied() *document {
	c := *d
	c.warnings = slices.Clone(d.warnings)
	return &c
}

// base is the tree that the prefix leads through: the document's, or the text's.
func (s *site) base() map[string]any {
	if s.inner != nil {
		return s.inner.tree
	}
	return s.tree
}

// readText reads the text that holds the values, unless that was done.
func (s *site) readText() error {
	if s.inner != nil {
		return nil
	}
	d, tree, err := read(s.text.text, s.textLine)
	if err != nil {
		return s.text.outer(err)
	}
	s.inner = &reading{d: d, tree: tree}
	return nil
}

func checkPaths(edits []Edit) error {
	for _, e := range edits {
		if len(e.Path.segs) == 0 {
			return refuse(nil, "", "an edit has no path")
		}
	}
	return nil
}
