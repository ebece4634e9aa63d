package values

import (
	"fmt"
	"strings"
)

// helmRelease adds the place of a Flux HelmRelease. Its inline values win over
// all of valuesFrom, targetPath included (ChartValuesFromReferences in
// fluxcd/helm-controller merges them last).
func (l *locator) helmRelease(m manifest) {
	p := Place{Path: Path{keyPath("spec", "values")}}
	values, ok := valueAt(m.tree, "spec", "values").(map[string]any)
	p.Exists = ok
	for i, raw := range listAt(m.tree, "spec", "valuesFrom") {
		p.Below = append(p.Below, fmt.Sprintf("spec.valuesFrom[%d] reads %s: what is set in spec.values wins over it, what is removed there shows again", i, valuesFrom(raw)))
	}
	if files := texts(listAt(m.tree, "spec", "chart", "spec", "valuesFiles")); len(files) > 0 {
		p.Below = append(p.Below, "spec.chart.spec.valuesFiles reads "+strings.Join(files, ", ")+" of the chart first")
	}
	if len(listAt(m.tree, "spec", "postRenderers")) > 0 {
		p.Shadows = append(p.Shadows, "spec.postRenderers change what the chart made of the values")
	}
	chart := textAt(m.tree, "spec", "chart", "spec", "chart")
	version := textAt(m.tree, "spec", "chart", "spec", "version")
	ref := textAt(m.tree, "spec", "chartRef", "name")
	if chart == "" {
		chart, version = l.referenced(m)
	}
	p.Chart = strings.TrimSpace(chart + " " + version)
	l.add(m, p, nil, values, chart, ref, textAt(m.tree, "metadata", "name"))
}

// referenced gives chart and version of what a chartRef names, when the file
// has it.
func (l *locator) referenced(m manifest) (chart, version string) {
	kind, name := textAt(m.tree, "spec", "chartRef", "kind"), textAt(m.tree, "spec", "chartRef", "name")
	for _, o := range l.all {
		if o.group != "source.toolkit.fluxcd.io" || o.kind != kind || textAt(o.tree, "metadata", "name") != name {
			continue
		}
		if kind == "HelmChart" {
			return textAt(o.tree, "spec", "chart"), textAt(o.tree, "spec", "version")
		}
		url := strings.TrimRight(textAt(o.tree, "spec", "url"), "/")
		version = textAt(o.tree, "spec", "ref", "tag")
		if version == "" {
			version = textAt(o.tree, "spec", "ref", "semver")
		}
		return url[strings.LastIndex(url, "/")+1:], version
	}
	return "", ""
}

// valuesFrom names an entry of valuesFrom.
func valuesFrom(raw any) string {
	key := textAt(raw, "valuesKey")
	if key == "" {
		key = "values.yaml"
	}
	s := fmt.Sprintf("%s of %s %s", key, textAt(raw, "kind"), textAt(raw, "name"))
	if target := textAt(raw, "targetPath"); target != "" {
		s += " into " + target
	}
	return s
}

func texts(list []any) []string {
	var all []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
