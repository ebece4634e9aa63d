package values

import (
	"slices"
	"strings"
)

// Locate finds the places in a file where the values of a chart live, or would
// go: a values file of the chart or of an umbrella chart, a Flux HelmRelease, an
// Argo CD Application or ApplicationSet, a HelmChart or HelmChartConfig of K3s,
// also as items of a List. Of several objects it gives those that concern the
// chart. There is always one place or more, else the error, of type *Error, says
// why not and what to do.
//
// The chart is the name under which an umbrella chart depends on it: its own or
// its alias. The keys are some that the chart has at the top of its values, by
// which its values are told from those of others.
func Locate(src []byte, chart string, keys ...string) ([]Place, error) {
	l := locator{chart: chart, keys: keys}
	return l.locate(src)
}

func (l *locator) locate(src []byte) ([]Place, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	for i, p := range parts(src) {
		d, tree, err := read(src[p.start:p.end], p.lineNo)
		if err != nil {
			s := site{part: p, d: &document{}}
			if i > 0 { // the first may be a values file
				s.at.Kind = PlaceHelmRelease
			}
			return nil, s.explain(err)
		}
		if d.root == nil || isNull(d.root) {
			continue
		}
		m := manifestOf(tree)
		m.part, m.document, m.d, m.tree = p, i, d, tree
		l.seen = append(l.seen, reading{p, d, tree})
		if m.kind == "" && len(l.all) == 0 {
			return l.valuesFile(src)
		}
		l.all = append(l.all, m.objects()...)
	}
	for i := range l.all {
		l.all[i].object = i
	}
	if len(l.all) == 0 {
		return l.valuesFile(src)
	}
	for _, m := range l.all {
		var err error
		switch m.place {
		case PlaceHelmRelease:
			l.helmRelease(m)
		case PlaceApplication:
			err = l.application(m, keyPath("spec"))
		case PlaceApplicationSet:
			err = l.application(m, keyPath("spec", "template", "spec"))
		case PlaceHelmChart, PlaceHelmChartConfig:
			l.helmChart(m)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.choose()
}

// locator collects places.
type locator struct {
	chart string
	keys  []string
	all   []manifest
	found []candidate
	seen  []reading // what was read on the way
}

// candidate is a place with what speaks for it.
type candidate struct {
	Place
	manifest
	concern concern
	refusal error // why the values have no place there, if that is so
}

// concern tells whether an object is about the chart.
type concern int

const (
	foreign concern = iota // it names another chart
	unknown
	named   // a name has the chart's in it
	certain // it names the chart, or has its values
)

func (l *locator) valuesFile(src []byte) ([]Place, error) {
	r, err := readPart(src, part{end: len(src)}, l.seen)
	if err != nil {
		return nil, err
	}
	l.seen = append(l.seen, r)
	tree := r.tree
	p := Place{Kind: PlacePlain, Exists: len(tree) > 0}
	if key, ok := l.inside(tree); ok {
		p.Kind, p.Path, p.Exists = PlaceUmbrella, Path{keyPath(key)}, tree[key] != nil
	}
	return []Place{p}, nil
}

// inside returns the key under which values of a chart that depends on ours hold
// ours: its name, or an alias, told by at least two of our keys below it.
func (l *locator) inside(tree map[string]any) (string, bool) {
	if l.hasKeys(tree) {
		return "", false
	}
	if v, ok := tree[l.chart]; ok {
		_, isMap := v.(map[string]any)
		return l.chart, isMap || v == nil
	}
	alias := ""
	for _, key := range sortedKeys(tree) {
		below, _ := tree[key].(map[string]any)
		ours := 0
		for _, k := range l.keys {
			if _, ok := below[k]; ok {
				ours++
			}
		}
		switch {
		case ours >= 2 && alias != "":
			return "", false // two of them: nobody can tell which is meant
		case ours >= 2:
			alias = key
		}
	}
	return alias, alias != ""
}

func (l *locator) hasKeys(tree map[string]any) bool {
	return slices.ContainsFunc(l.keys, func(k string) bool { _, ok := tree[k]; return ok })
}

// add completes a place, or one that there would be but for a refusal: values
// are those at its path, and names those in the object that may tell the chart.
func (l *locator) add(m manifest, p Place, refusal error, values map[string]any, chart string, names ...string) {
	p.Kind, p.Document, p.Name = m.place, m.document, m.name
	c := candidate{Place: p, manifest: m, concern: unknown, refusal: refusal}
	mentions := func(s string) bool { return strings.Contains(s, l.chart) }
	key, umbrella := l.inside(values)
	switch {
	case chart == l.chart:
		c.concern = certain
	case umbrella:
		c.concern = certain
		c.Path, c.Exists = Path{join(p.Path.segs, keyPath(key)...)}, values[key] != nil
	case l.hasKeys(values):
		c.concern = certain
	case mentions(chart) || slices.ContainsFunc(names, mentions):
		c.concern = named
	case chart != "" && !strings.Contains(chart, "{{") && !strings.ContainsAny(chart, "/."):
		c.concern = foreign
	}
	c.Path.segs = join(m.base, c.Path.segs...)
	l.found = append(l.found, c)
}

// choose gives the places that concern the chart, of the sources of an object
// only the surest; one that may concern it, if it is the only one.
func (l *locator) choose() ([]Place, error) {
	best, other := map[int]concern{}, map[int]bool{}
	for _, c := range l.found {
		best[c.object] = max(best[c.object], c.concern)
		other[c.object] = other[c.object] || c.concern == foreign
	}
	var sure, maybe []candidate
	for _, c := range l.found {
		switch {
		case c.concern >= named && c.concern == best[c.object]:
			sure = append(sure, c)
		case c.concern == unknown && !other[c.object]: // beside another chart it belongs to that
			maybe = append(maybe, c)
		}
	}
	if len(sure) > 0 {
		return accepted(sure)
	}
	if len(maybe) == 1 {
		return accepted(maybe)
	}
	if len(maybe) > 1 {
		var names []string
		for _, c := range maybe {
			names = append(names, c.Place.String())
		}
		return nil, l.found[0].refuse(nil, "give a file with one of them", "none of these names the chart %s: %s", l.chart, strings.Join(names, "; "))
	}
	if i := slices.IndexFunc(l.found, func(c candidate) bool { return c.concern == foreign }); i >= 0 {
		c := l.found[i]
		return nil, c.refuse(nil, "give the file that holds the values of "+l.chart, "this installs the chart %s, not %s", c.Place.Chart, l.chart)
	}
	return nil, l.nowhere()
}

// accepted gives the places without a refusal, else the first refusal.
func accepted(list []candidate) ([]Place, error) {
	var places []Place
	for _, c := range list {
		if c.refusal == nil {
			places = append(places, c.Place)
		}
	}
	if len(places) == 0 {
		return nil, list[0].refusal
	}
	return places, nil
}

// nowhere says why a file of objects has no place for values.
func (l *locator) nowhere() error {
	for _, kind := range carriers {
		for _, m := range l.all {
			if m.group == kind.group && m.kind == kind.kind {
				return m.refuse(nil, kind.hint, "%s", kind.reason)
			}
		}
	}
	m := l.all[0]
	return m.refuse(nil, "give a values file, or the file with the HelmRelease or Application", "this is an object of kind %s, which holds no values", m.kind)
}

// carriers are objects that have to do with values but are not the place to
// edit them.
var carriers = []struct{ group, kind, reason, hint string }{
	{"bitnami.com", "SealedSecret", "this is a SealedSecret, whose content only the cluster can read", "change the secret it was made from and seal that again, with `kubeseal --merge-into`"},
	{"", "Secret", "this is a Secret, which is no place for values", "give the values file; secrets are asked for and kept apart"},
	{"", "ConfigMap", "this is a ConfigMap, a copy of values that live elsewhere", "edit the file it is made from, such as the one that kustomize's configMapGenerator names"},
	{"kustomize.config.k8s.io", "Kustomization", "this is a Kustomization, which holds no values", "edit the file that its configMapGenerator or helmCharts names"},
	{"kustomize.toolkit.fluxcd.io", "Kustomization", "this is a Kustomization, which holds no values", "give the file with the HelmRelease, below the Kustomization's path"},
}
