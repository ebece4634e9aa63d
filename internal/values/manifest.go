package values

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// manifest is what a document says of itself: a Kubernetes object, or with no
// kind, any other document.
type manifest struct {
	part
	document   int
	object     int // which of all objects of the file, from 0
	d          *document
	base       []segment // where in the document the object is
	tree       map[string]any
	group      string // of its apiVersion, without the version
	kind, name string
	place      PlaceKind // what of ours it is, if any
}

func manifestOf(tree map[string]any) manifest {
	apiVersion, kind := textAt(tree, "apiVersion"), textAt(tree, "kind")
	if apiVersion == "" || kind == "" {
		return manifest{}
	}
	o := manifest{tree: tree, kind: kind, name: textAt(tree, "metadata", "name")}
	if namespace := textAt(tree, "metadata", "namespace"); namespace != "" && o.name != "" {
		o.name = namespace + "/" + o.name
	}
	if group, _, ok := strings.Cut(apiVersion, "/"); ok {
		o.group = group
	}
	switch o.group + " " + kind {
	case "helm.toolkit.fluxcd.io HelmRelease":
		o.place = PlaceHelmRelease
	case "argoproj.io Application":
		o.place = PlaceApplication
	case "argoproj.io ApplicationSet":
		o.place = PlaceApplicationSet
	case "helm.cattle.io HelmChart":
		o.place = PlaceHelmChart
	case "helm.cattle.io HelmChartConfig":
		o.place = PlaceHelmChartConfig
	}
	return o
}

// objects gives the items of a List that are objects, else the object itself.
func (o manifest) objects() []manifest {
	if o.group != "" || o.kind != "List" {
		return []manifest{o}
	}
	var list []manifest
	for i, raw := range listAt(o.tree, "items") {
		tree, _ := raw.(map[string]any)
		item := manifestOf(tree)
		if item.kind == "" {
			continue
		}
		item.part, item.document, item.d = o.part, o.document, o.d
		item.base = join(keyPath("items"), segment{selector: true, index: i})
		list = append(list, item)
	}
	if len(list) == 0 {
		return []manifest{o}
	}
	return list
}

// objectAt gives what the document says of itself where a path leads: in a List,
// of one item.
func objectAt(tree map[string]any, path []segment) manifest {
	for _, o := range manifestOf(tree).objects() {
		if o.base != nil && len(path) > 1 && path[0] == o.base[0] && path[1] == o.base[1] {
			return o
		}
	}
	return manifestOf(tree)
}

// keyPath is a path of keys.
func keyPath(keys ...string) []segment {
	segs := make([]segment, len(keys))
	for i, k := range keys {
		segs[i] = segment{key: k}
	}
	return segs
}

func join(segs []segment, more ...segment) []segment {
	return append(segs[:len(segs):len(segs)], more...)
}

func valueAt(tree any, keys ...string) any {
	v, _ := lookup(tree, keyPath(keys...))
	return v
}

func textAt(tree any, keys ...string) string {
	s, _ := valueAt(tree, keys...).(string)
	return s
}

func listAt(tree any, keys ...string) []any {
	l, _ := valueAt(tree, keys...).([]any)
	return l
}

// refuse places a refusal at what the object has at a path.
func (o manifest) refuse(segs []segment, hint, format string, args ...any) error {
	e := refuse(o.d.root, hint, format, args...)
	e.path = join(o.base, segs...)
	return o.shift(o.d.place(e))
}

// override is a value that an object sets past its values.
type override struct {
	node *yaml.Node
	name string // in the form of a path of the values
}

// overrides gives what wins over the values at the site: Argo CD passes
// parameters and fileParameters as helm's --set and --set-file, K3s set.
func (s *site) overrides() []override {
	if s.at.Kind == PlaceHelmChart {
		return s.setOverrides()
	}
	if s.at.Kind != PlaceApplication && s.at.Kind != PlaceApplicationSet {
		return nil
	}
	helm, inside := s.at.helm()
	var list []override
	for _, key := range []string{"parameters", "fileParameters"} {
		n := s.d.at(join(helm, segment{key: key}))
		if n == nil {
			continue
		}
		for _, item := range n.Content {
			name := s.d.child(item, segment{key: "name"})
			if name == nil || name.Kind != yaml.ScalarNode {
				continue
			}
			if rest, ok := strings.CutPrefix(name.Value, dotted(inside)); ok {
				list = append(list, override{name, rest})
			}
		}
	}
	return list
}

// setOverrides gives those of a HelmChart.
func (s *site) setOverrides() []override {
	path := s.at.Path.segs
	spec := path[:slices.Index(path, segment{key: "spec"})+1]
	inside := path[min(len(spec)+1, len(path)):]
	n := s.d.at(join(spec, segment{key: "set"}))
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var list []override
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, _ := nodeKey(n.Content[i])
		if rest, ok := strings.CutPrefix(name, dotted(inside)); ok {
			list = append(list, override{n.Content[i], rest})
		}
	}
	return list
}

// helm splits the path of values in an Application: the helm section, and what
// is left behind values or valuesObject.
func (p Place) helm() (section, inside []segment) {
	for i, s := range p.Path.segs {
		if s.key == "helm" {
			return p.Path.segs[:i+1], p.Path.segs[min(i+2, len(p.Path.segs)):]
		}
	}
	return p.Path.segs, nil
}
