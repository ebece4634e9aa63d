package values

import (
	"bytes"
	"strings"
)

// PlaceKind is what kind of file or object holds the values.
type PlaceKind string

// The kinds of Place.
const (
	PlacePlain           PlaceKind = "plain"           // a values file of the chart
	PlaceUmbrella        PlaceKind = "umbrella"        // a values file of a chart that depends on it
	PlaceHelmRelease     PlaceKind = "helmrelease"     // Flux
	PlaceApplication     PlaceKind = "application"     // Argo CD
	PlaceApplicationSet  PlaceKind = "applicationset"  // Argo CD
	PlaceHelmChart       PlaceKind = "helmchart"       // K3s
	PlaceHelmChartConfig PlaceKind = "helmchartconfig" // K3s
)

var placeNames = map[PlaceKind]string{
	PlacePlain: "values file", PlaceUmbrella: "umbrella values file", PlaceHelmRelease: "HelmRelease",
	PlaceApplication: "Application", PlaceApplicationSet: "ApplicationSet",
	PlaceHelmChart: "HelmChart", PlaceHelmChartConfig: "HelmChartConfig",
}

// Place is where the values of a chart live in a file. The zero value is the
// root of the first document, like PlacePlain.
type Place struct {
	Kind     PlaceKind
	Document int // which YAML document of the file, from 0, empty ones counted
	// Path is where the values tree hangs in that document, such as spec.values;
	// empty for a plain file. Where it leads through a text (see Text), it goes
	// on inside that.
	Path  Path
	Text  bool   // the values are YAML in a string of the YAML, as in Argo CD's helm.values
	Name  string // namespace/name of the object, as far as it says them
	Chart string // name and version of the chart, as far as the object says them
	// Exists is false when there are no values yet, but would go here.
	Exists bool
	// Shadows says which other layers win over what is set here, and Below
	// which ones lose against it: the values may live there. Sentences for people.
	Shadows, Below []string
}

// String names the place for people: "HelmRelease flux-system/openchoreo, spec.values".
func (p Place) String() string {
	s, ok := placeNames[p.Kind]
	if !ok {
		s = placeNames[PlacePlain]
	}
	if p.Name != "" {
		s += " " + p.Name
	}
	if len(p.Path.segs) > 0 {
		s += ", " + p.Path.String()
	}
	return s
}

// ApplyAt is Apply for values that live at a place from Locate: paths, those of
// Result.Changed too, are those of the values, while lines, columns and paths
// that a refusal names are those of the file. All documents but the place's own
// stay as they are.
func ApplyAt(src []byte, at Place, edits []Edit, opts Options) (Result, error) {
	if err := checkPaths(edits); err != nil {
		return Result{}, err
	}
	s, err := open(src, at)
	if err != nil {
		return Result{}, err
	}
	return s.apply(src, edits, opts)
}

// apply is ApplyAt behind open.
func (s *site) apply(src []byte, edits []Edit, opts Options) (result Result, err error) {
	if s.text == nil {
		result, _, err = s.d.apply(s.tree, under(s.prefix, edits), underAll(s.prefix, opts))
		result.Warnings = s.shiftAll(result.Warnings)
	} else {
		result, err = s.applyText(edits, opts)
	}
	if err != nil {
		return Result{}, s.explain(err)
	}
	for i, c := range result.Changed {
		result.Changed[i].Path = strings.TrimPrefix(c.Path, dotted(s.prefix))
	}
	if len(result.Changed) == 0 {
		result.Bytes = src
	} else if len(s.bytes()) < len(src) {
		result.Bytes = bytes.Join([][]byte{src[:s.start], result.Bytes, src[s.end:]}, nil)
	}
	result.Warnings = append(result.Warnings, s.outranked(result.Changed)...)
	sortWarnings(result.Warnings)
	return result, nil
}

// ParseAt reads the values at a place as Parse does. It gives an empty, non-nil
// map when there are none yet. Errors are of type *Error, placed in the file.
// What an umbrella chart passes on as `global` is not among them.
func ParseAt(src []byte, at Place) (map[string]any, error) {
	s, err := open(src, at)
	if err != nil {
		return nil, err
	}
	tree, err := s.parse()
	if err != nil {
		return nil, s.explain(err)
	}
	m, err := valuesIn(tree, s.prefix)
	return m, s.explain(s.locate(err))
}

// valuesIn gives the mapping at a prefix, an empty one if there is none.
func valuesIn(tree map[string]any, prefix []segment) (map[string]any, error) {
	var v any = tree
	for i := range prefix {
		next, ok := lookup(v, prefix[i:i+1])
		_, isMap := v.(map[string]any)
		if !ok && (!isMap || prefix[i].selector) {
			return nil, refuseParent(v, prefix, i)
		}
		if next == nil {
			return map[string]any{}, nil
		}
		v = next
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, refuseAt(prefix, "make it a mapping", "%q is %s, not values", pathString(prefix), kindOf(v))
	}
	return m, nil
}

// CheckAt tells whether ApplyAt can edit the values at a place; see Check.
func CheckAt(src []byte, at Place) ([]Warning, error) {
	result, err := ApplyAt(src, at, nil, Options{})
	return result.Warnings, err
}

// under puts the edits below a prefix.
func under(prefix []segment, edits []Edit) []Edit {
	if len(prefix) == 0 {
		return edits
	}
	moved := make([]Edit, len(edits))
	for i, e := range edits {
		e.Path = Path{append(prefix[:len(prefix):len(prefix)], e.Path.segs...)}
		moved[i] = e
	}
	return moved
}

func underAll(prefix []segment, opts Options) Options {
	moved := make(map[string]string, len(opts.Comments))
	for path, text := range opts.Comments {
		moved[dotted(prefix)+path] = text
	}
	opts.Comments = moved
	return opts
}

// dotted is what stands before a path below the prefix.
func dotted(prefix []segment) string {
	if len(prefix) == 0 {
		return ""
	}
	return pathString(prefix) + "."
}
