package values

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// manifest is what a document says of itself: a Kubernetes object, or with no
// kind, any other document.
type manifest struct {
	part
	document   int
	d          *document
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
	}
	return o
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
	e.path = segs
	return o.shift(o.d.place(e))
}

// override is a value that an object sets past its values.
type override struct {
	node *yaml.Node
	name string // in the form of a path of the values
}

// overrides gives what wins over the values at the site: Argo CD passes
// parameters and fileParameters as helm's --set and --set-file.
func (s *site) overrides() []override {
	if s.at.Kind != PlaceApplication && s.at.Kind != PlaceApplicationSet {
		return nil
	}
	helm, inside := s.at.helm()
	var list []override
	for _, key := range []string{"parameters", "fileParameters"} {
		n := s.d.root
		for _, step := range join(helm, segment{key: key}) {
			if n = s.d.child(n, step); n == nil {
				break
			}
		}
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
