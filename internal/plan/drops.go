package plan

import (
	"maps"
	"slices"
	"strings"
)

// Drops lists the values that the operator gave the installed release and that
// an upgrade with the files, as they are after this plan, would silently take
// away: those that no file sets, or sets to nothing, unless the chart's default
// is the same, or the answers of this run took them out. Paths are those of the
// chart's values.
func (p *Plan) Drops() []string {
	config := p.in.Current.Cluster.Release.Config
	if len(config) == 0 {
		return nil
	}
	after := map[string]any{}
	for _, tree := range p.in.trees(p.after) {
		after = overlay(after, tree)
	}
	var drops []string
	defaults := p.in.Chart.Defaults()
	leaves(config, nil, func(path []string, value any) {
		if now, kept := find(after, path); kept {
			drops = append(drops, p.missingItems(strings.Join(path, "."), value, now)...)
			return
		}
		if items, ok := value.([]any); ok && p.takesOut(strings.Join(path, "."), items...) {
			return
		}
		if standard, ok := find(defaults, path); ok && same(standard, value) {
			return
		}
		drops = append(drops, strings.Join(path, "."))
	})
	return drops
}

// takesOut tells whether all of these items of the list at path are variables that
// the answers of this run take out of it.
func (p *Plan) takesOut(path string, items ...any) bool {
	base, extra, ok := p.environmentLists()
	if !ok || path != base && path != extra || len(items) == 0 {
		return false
	}
	return !slices.ContainsFunc(items, func(item any) bool {
		m, _ := item.(map[string]any)
		name, _ := m["name"].(string)
		return !slices.Contains(p.dropped, name)
	})
}

// missingItems lists the named items of a list that the list in its place lacks
// and this run does not take out.
func (p *Plan) missingItems(path string, was, now any) []string {
	before, ok1 := was.([]any)
	after, ok2 := now.([]any)
	if !ok1 || !ok2 {
		return nil
	}
	var missing []string
	for _, item := range before {
		m, _ := item.(map[string]any)
		if name, ok := m["name"].(string); ok && byName(after, name) == nil && !p.takesOut(path, item) {
			missing = append(missing, path+"[name="+name+"]")
		}
	}
	return missing
}

// leaves visits everything in a tree that is no mapping, and empty mappings.
func leaves(tree map[string]any, path []string, visit func([]string, any)) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		at := append(slices.Clone(path), key)
		if below, ok := tree[key].(map[string]any); ok && len(below) > 0 {
			leaves(below, at, visit)
			continue
		}
		visit(at, tree[key])
	}
}

// find follows keys through mappings. A mapping that was replaced by something
// else counts as found: the file says something there.
func find(tree map[string]any, path []string) (any, bool) {
	var at any = tree
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return at, at != nil
		}
		if at, ok = m[key]; !ok {
			return nil, false
		}
	}
	return at, true
}

// Upgrades tells whether a helm upgrade has to follow this plan.
func (p *Plan) Upgrades() bool { return p.upgradeNeeded() }
