package values

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// An ApplicationSet whose chart is a template makes Applications of several
// charts from one set of values: what is set there for one reaches all. This
// file tells which charts these are, and which values files belong to ours.

// severalCharts adds a source, at a path, whose chart is a template: a refusal,
// or if ours is not among those that it stands for, a place of theirs. False: the
// chart is fixed, as far as anybody can tell.
func (l *locator) severalCharts(m manifest, p Place, at []segment, source map[string]any, values map[string]any) bool {
	key, template := chartTemplate(source)
	if template == "" {
		return false
	}
	charts, files, all := l.stands(m, source, template)
	ours := slices.Contains(charts, l.chart)
	if key != "chart" {
		// A directory may also be named for what is no chart, such as a cluster.
		apps := ours && len(charts) > 1 || fromDirectory.MatchString(template)
		if _, umbrella := l.inside(values); !apps || umbrella || l.hasKeys(values) {
			return false
		}
	} else if all && !ours && len(charts) > 0 {
		p.Chart = strings.Join(charts, ", ")
		l.add(m, p, nil, nil, charts[0])
		return true
	}
	reached := "every chart that this template stands for"
	if len(charts) > 1 {
		reached += ", such as " + strings.Join(charts[:min(len(charts), 3)], ", ")
	}
	hint := "give " + strings.Join(files, " or ") + " instead, which this source reads for " + l.chart
	if len(files) == 0 {
		hint = "give a values file of " + l.chart + " instead, or make a source of its own for it, with the name of the chart written out"
	}
	refusal := m.refuse(join(at, segment{key: key}), hint, "the chart is the template %s: what is set here would reach %s", template, reached)
	l.found = append(l.found, candidate{Place: p, manifest: m, concern: named, refusal: refusal})
	return true
}

// fromDirectory is a template that stands for the directories that a Git
// generator finds.
var fromDirectory = regexp.MustCompile(`\{\{-?\s*\.?path\b`)

// chartTemplate gives the key and the template that name a source's chart: its
// chart, else the last element of its path, or of an OCI address that is the
// chart itself. The template is empty when the name is fixed.
func chartTemplate(source map[string]any) (key, template string) {
	key, template = "chart", textAt(source, "chart")
	if template == "" {
		key, template = "path", lastElement(textAt(source, "path"))
	}
	if template == "." && strings.HasPrefix(textAt(source, "repoURL"), "oci://") {
		key, template = "repoURL", lastElement(textAt(source, "repoURL"))
	}
	if !strings.Contains(template, "{{") {
		return key, ""
	}
	return key, template
}

// lastElement is what is behind the last slash outside of templates.
func lastElement(p string) string {
	p = strings.TrimRight(p, "/")
	start, inside := 0, false
	for i := range len(p) {
		switch {
		case strings.HasPrefix(p[i:], "{{"):
			inside = true
		case strings.HasPrefix(p[i:], "}}"):
			inside = false
		case p[i] == '/' && !inside:
			start = i + 1
		}
	}
	return p[start:]
}

// stands gives the charts that a template stands for, as far as the generators
// write them out, whether that is all of them, and the values files that the
// source reads for ours.
func (l *locator) stands(m manifest, source map[string]any, template string) (charts, files []string, all bool) {
	elements, all := generated(listAt(m.tree, "spec", "generators"))
	for _, element := range elements {
		chart, ok := filled(template, element)
		if !ok {
			all = false
			continue
		}
		charts = appendNew(charts, chart)
		if chart == l.chart {
			files = appendNew(files, valuesFile(m, source, element))
		}
	}
	return charts, files, all
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// generated gives the elements of list generators, as far as they are written
// out, and whether there are no other generators.
func generated(generators []any) (elements []map[string]any, all bool) {
	all = true
	for _, raw := range generators {
		generator, _ := raw.(map[string]any)
		for _, kind := range sortedKeys(generator) {
			switch kind {
			case "list":
				for _, raw := range listAt(generator, "list", "elements") {
					if element, ok := raw.(map[string]any); ok {
						elements = append(elements, element)
					}
				}
				all = all && valueAt(generator, "list", "elementsYaml") == nil
			case "matrix", "merge": // what they make has the fields of several
				inner, _ := generated(listAt(generator, kind, "generators"))
				elements, all = append(elements, inner...), false
			case "selector":
			default:
				all = false
			}
		}
	}
	return elements, all
}

// field is a template that is a field of an element and nothing else, as in Go
// templates or, without the dot, in those that ApplicationSets had first.
var field = regexp.MustCompile(`\{\{-?\s*\.?([A-Za-z_][\w.]*)\s*-?\}\}`)

// filled fills in a template. False: it has other fields, or does more.
func filled(template string, element map[string]any) (string, bool) {
	ok := true
	text := field.ReplaceAllStringFunc(template, func(s string) string {
		name := field.FindStringSubmatch(s)[1]
		v, found := lookup(element, keyPath(strings.Split(name, ".")...))
		if s := scalarText(v); found && s != "" {
			return s
		}
		ok = false
		return s
	})
	return text, ok && !strings.Contains(text, "{{")
}

// valuesFile names, for people, the values file that a source reads for an
// element: the last one, which wins. It is empty when nobody can tell.
func valuesFile(m manifest, source, element map[string]any) string {
	named := ""
	for _, file := range texts(listAt(source, "helm", "valueFiles")) {
		name, ok := filled(file, element)
		if !ok {
			continue
		}
		repo := textAt(source, "repoURL")
		if rest, isRef := strings.CutPrefix(name, "$"); isRef {
			var ref string
			ref, name, _ = strings.Cut(rest, "/")
			repo = repoOf(m, ref)
		} else if dir, ok := filled(textAt(source, "path"), element); ok && !strings.HasPrefix(name, "/") {
			name = path.Join(dir, name)
		}
		named = strings.TrimPrefix(path.Clean(name), "/")
		if repo, ok := filled(repo, element); ok && repo != "" {
			named += " of " + repo
		}
	}
	return named
}

// repoOf gives the address of the source that lends its files under a name.
func repoOf(m manifest, ref string) string {
	for _, raw := range listAt(m.tree, "spec", "template", "spec", "sources") {
		if textAt(raw, "ref") == ref {
			return textAt(raw, "repoURL")
		}
	}
	return ""
}
