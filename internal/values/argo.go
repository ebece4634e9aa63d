package values

import (
	"fmt"
	"strings"
)

// application adds the places of an Argo CD Application, whose spec is at a
// path, one for each source that may be a chart. Sources win over a source.
func (l *locator) application(m manifest, spec []segment) error {
	raw, _ := lookup(m.tree, spec)
	sources := listAt(raw, "sources")
	if len(sources) == 0 {
		source, ok := valueAt(raw, "source").(map[string]any)
		if !ok || !isChart(source) {
			return nil
		}
		return l.source(m, join(spec, segment{key: "source"}), source, l.aboveAll(m))
	}
	for i, raw := range sources {
		source, ok := raw.(map[string]any)
		if !ok || !isChart(source) {
			continue
		}
		shadows := l.aboveAll(m)
		for j := i + 1; j < len(sources); j++ {
			if later, ok := sources[j].(map[string]any); ok && isSource(later) {
				shadows = append(shadows, fmt.Sprintf("%s.sources[%d] comes later: of an object that both make, Argo CD takes that one", pathString(spec), j))
			}
		}
		at := join(spec, segment{key: "sources"}, segment{selector: true, index: i})
		if err := l.source(m, at, source, shadows); err != nil {
			return err
		}
	}
	return nil
}

// isSource tells a source that makes objects from one that only lends files.
func isSource(source map[string]any) bool {
	return textAt(source, "chart") != "" || textAt(source, "path") != "" || source["helm"] != nil
}

// isChart tells a source that may be a chart.
func isChart(source map[string]any) bool {
	return isSource(source) && source["directory"] == nil && source["kustomize"] == nil && source["plugin"] == nil
}

// aboveAll says what wins over the whole template of an ApplicationSet.
func (l *locator) aboveAll(m manifest) []string {
	var list []string
	if m.place != PlaceApplicationSet {
		return nil
	}
	if textAt(m.tree, "spec", "templatePatch") != "" {
		list = append(list, "spec.templatePatch changes what spec.template says")
	}
	for i, raw := range listAt(m.tree, "spec", "generators") {
		g, _ := raw.(map[string]any)
		for _, kind := range sortedKeys(g) {
			if valueAt(g, kind, "template") != nil {
				list = append(list, fmt.Sprintf("spec.generators[%d].%s.template wins over spec.template", i, kind))
			}
		}
	}
	return list
}

// source adds the place of one source. Argo CD passes valueFiles, then
// valuesObject or without one values, then parameters and fileParameters.
func (l *locator) source(m manifest, path []segment, source map[string]any, shadows []string) error {
	helmPath := join(path, segment{key: "helm"})
	helm, _ := source["helm"].(map[string]any)
	name := pathString(helmPath)
	p := Place{Path: Path{join(helmPath, segment{key: "valuesObject"})}}
	values, _ := helm["valuesObject"].(map[string]any)
	text, isText := helm["values"].(string)
	switch {
	case helm["valuesObject"] != nil:
		p.Exists = true
		if strings.TrimSpace(text) != "" {
			p.Below = append(p.Below, name+".values is ignored, because "+name+".valuesObject is there")
		}
	case strings.TrimSpace(text) != "":
		p.Path, p.Text, p.Exists = Path{join(helmPath, segment{key: "values"})}, true, true
		values, _ = helmTree([]byte(text))
	case helm["values"] != nil && !isText:
		return m.refuse(join(helmPath, segment{key: "values"}), "rename it to valuesObject, or write the values as a text behind `values: |`",
			"%s.values must be a text, but is %s", name, kindOf(helm["values"]))
	}
	chart, inside := textAt(source, "chart"), ""
	if key, ok := l.inside(values); ok && chart != l.chart {
		inside = dotted(keyPath(key))
	}
	for _, key := range []string{"parameters", "fileParameters"} {
		if names := parameterNames(helm[key], inside); len(names) > 0 {
			p.Shadows = append(p.Shadows, name+"."+key+" win over what is set here: "+strings.Join(names, ", "))
		}
	}
	p.Shadows = append(p.Shadows, shadows...)
	if files := texts(listAt(helm, "valueFiles")); len(files) > 0 {
		p.Below = append(p.Below, name+".valueFiles reads "+strings.Join(files, ", ")+": what is set here wins over it")
	}
	if m.place == PlaceApplicationSet {
		p.Below = append(p.Below, "what is set here reaches all Applications that the generators make")
	}
	p.Chart = strings.TrimSpace(chart + " " + textAt(source, "targetRevision"))
	if chart == "" {
		p.Chart = ""
	}
	if m.place == PlaceApplicationSet && l.severalCharts(m, p, path, source, values) {
		return nil
	}
	l.add(m, p, nil, values, chart, textAt(source, "path"))
	return nil
}

// parameterNames gives the names below a prefix, without it.
func parameterNames(list any, inside string) []string {
	var names []string
	items, _ := list.([]any)
	for _, item := range items {
		if name, ok := strings.CutPrefix(textAt(item, "name"), inside); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}
