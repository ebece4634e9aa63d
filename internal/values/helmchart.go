package values

import (
	"fmt"
	"regexp"
	"strings"
)

// helmChart adds the place of a HelmChart of K3s, or of a HelmChartConfig, which
// adds to the HelmChart of its name. The controller (k3s-io/helm-controller,
// setValuesSecret) passes valuesContent, values and valuesSecrets of the one, then
// those of the other, as values files, and the HelmChart's set as --set.
func (l *locator) helmChart(m manifest) {
	var p Place
	values, isMap := valueAt(m.tree, "spec", "values").(map[string]any)
	content := valueAt(m.tree, "spec", "valuesContent")
	text, isText := content.(string)
	var refusal error
	switch {
	case isMap:
		p.Path, p.Exists = Path{keyPath("spec", "values")}, true
		if strings.TrimSpace(text) != "" {
			p.Below = append(p.Below, "spec.valuesContent is read first: what is set in spec.values wins over it")
		}
	case isText:
		p.Path, p.Text, p.Exists = Path{keyPath("spec", "valuesContent")}, true, strings.TrimSpace(text) != ""
		values, _ = helmTree([]byte(text))
	case content != nil:
		p.Path = Path{keyPath("spec", "valuesContent")}
		refusal = m.refuse(p.Path.segs, "write the values as a text behind `valuesContent: |`", "spec.valuesContent must be a text, but is %s", kindOf(content))
	default:
		p.Path = Path{keyPath("spec", "valuesContent")}
		refusal = m.refuse(keyPath("spec"), "add `valuesContent: |` below spec, with `{}` on the line below, and run this again", "this %s has no values yet", m.kind)
	}
	if names := secretNames(m); len(names) > 0 {
		p.Shadows = append(p.Shadows, "spec.valuesSecrets win over what is set here: "+strings.Join(names, ", "))
	}
	chart := m
	if m.place == PlaceHelmChartConfig {
		chart = l.partner(m, PlaceHelmChart)
		if valueAt(chart.tree, "spec", "valuesContent") != nil || valueAt(chart.tree, "spec", "values") != nil {
			p.Below = append(p.Below, fmt.Sprintf("the HelmChart %s has values too: what is set here wins over them", chart.name))
		}
	} else if config := l.partner(m, PlaceHelmChartConfig); config.kind != "" {
		p.Shadows = append(p.Shadows, fmt.Sprintf("the HelmChartConfig %s wins over what is set here", config.name))
	}
	name, inside := chartName(chart), ""
	if key, ok := l.inside(values); ok && name != l.chart {
		inside = dotted(keyPath(key))
	}
	if names := setNames(chart, inside); len(names) > 0 {
		p.Shadows = append(p.Shadows, "spec.set of the HelmChart wins over what is set here: "+strings.Join(names, ", "))
	}
	if name != "" {
		p.Chart = strings.TrimSpace(name + " " + textAt(chart.tree, "spec", "version"))
	}
	l.add(m, p, refusal, values, name, textAt(m.tree, "metadata", "name"))
}

// partner finds the object of the other kind that goes by the same name.
func (l *locator) partner(m manifest, place PlaceKind) manifest {
	for _, o := range l.all {
		if o.place == place && o.name == m.name && m.name != "" {
			return o
		}
	}
	return manifest{}
}

// archive is a chart's file name behind its name.
var archive = regexp.MustCompile(`-v?[0-9]+\.[0-9]+\.[0-9]+[^/]*\.tgz$`)

// chartName gives the name of the chart that a HelmChart installs; its spec.chart
// may be the address of an OCI image or of an archive.
func chartName(m manifest) string {
	if textAt(m.tree, "spec", "chartContent") != "" {
		return "" // an archive in the object, which wins
	}
	name := textAt(m.tree, "spec", "chart")
	return archive.ReplaceAllString(name[strings.LastIndex(name, "/")+1:], "")
}

func secretNames(m manifest) []string {
	var names []string
	for _, raw := range listAt(m.tree, "spec", "valuesSecrets") {
		if name := textAt(raw, "name"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// setNames gives the names in a HelmChart's set that are below a prefix, without
// it.
func setNames(m manifest, inside string) []string {
	set, _ := valueAt(m.tree, "spec", "set").(map[string]any)
	var names []string
	for _, key := range sortedKeys(set) {
		if name, ok := strings.CutPrefix(key, inside); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}
