package plan

import (
	"maps"
	"slices"
	"strings"
)

// settled tells that nothing is left to do, neither for this program nor for the
// operator: nothing changes, and what runs is known and has what the files say.
// Without a cluster nothing is known of what runs.
func (p *Plan) settled() bool {
	c := p.in.Current
	if c.Local() || !c.Known || len(p.Actions) > 0 || len(p.Secret.Guide) > 0 || p.Secret.Action == "manifest" {
		return false
	}
	runs := c.Cluster.Deployment.Name != ""
	if !p.in.Draft.Portal.Enabled {
		runs = c.Cluster.Release.Installed
	}
	return runs && !p.lags()
}

// lags tells that an upgrade of the installed release is still to be done, from
// before this run: its last one failed, it has another chart than the operator
// named, or the files set something that it was not given. Values that other
// tooling fills in cannot be compared.
func (p *Plan) lags() bool {
	release := p.in.Current.Cluster.Release
	if !release.Installed || release.Unknown != "" {
		return false
	}
	if release.Status != "" && release.Status != "deployed" {
		return true
	}
	if p.in.Chart.Prefix == "" && p.in.Draft.From["chart"].Given() && strings.TrimPrefix(release.ChartVersion, "v") != p.in.Chart.Version {
		return true
	}
	files := map[string]any{}
	for _, tree := range p.in.trees(p.after) {
		files = overlay(files, tree)
	}
	defaults, lags := p.in.Chart.Defaults(), false
	leaves(files, nil, func(path []string, value any) {
		given, ok := find(release.Config, path)
		if !ok {
			given, _ = find(defaults, path)
		}
		if empty, isMap := value.(map[string]any); isMap && len(empty) == 0 {
			return // changes nothing
		}
		lags = lags || !filledIn(value) && !same(given, value)
	})
	return lags
}

// filledIn tells values in which other tooling fills something in, at any depth.
func filledIn(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, filledIn)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), filledIn)
	}
	return holdsPlaceholder(value)
}
