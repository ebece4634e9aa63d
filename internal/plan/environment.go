package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
)

// isPlaceholderDomain tells the chart's own placeholders, which its validation refuses.
func isPlaceholderDomain(text string) bool { return strings.Contains(text, ".invalid") }

// environment puts the wanted variables where no name is set twice: a name that
// the base list or the extra list has is changed there, a new one goes to the
// extra list. Server-side apply refuses a Deployment that names one twice.
func (p *Plan) environment() {
	base, extra, ok := p.environmentLists()
	if !ok {
		return
	}
	wanted := p.wantedVariables()
	p.warnTwice(base, extra, wanted)
	for _, v := range wanted {
		list := extra
		if p.listHas(base, v.Name) {
			list = base
		}
		if list == base && p.listHas(extra, v.Name) {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(extra + "[name=" + v.Name + "]"), Delete: true})
			p.Warn("environment", "%s was set twice, which server-side apply refuses: the one in %s goes", v.Name, extra)
		}
		p.setVariable(list, v)
	}
	p.databaseVariables()
}

// warnTwice tells about names that both lists set and this run leaves alone.
func (p *Plan) warnTwice(base, extra string, wanted []answers.EnvVar) {
	list, _ := p.listOf(extra)
	for _, item := range list {
		m, _ := item.(map[string]any)
		name, _ := m["name"].(string)
		if p.listHas(base, name) && !slices.ContainsFunc(wanted, func(v answers.EnvVar) bool { return v.Name == name }) {
			p.Warn("environment", "%s is set in %s and in %s: server-side apply (Helm 4, Flux, Argo CD) refuses that; answer it here and one of them goes", name, base, extra)
		}
	}
}

// environmentLists returns the Helm paths of the base and the extra list.
func (p *Plan) environmentLists() (base, extra string, ok bool) {
	extra, ok = p.in.Profile.Paths["environment.extra"]
	item := p.in.Profile.Items["environment.logLevel"]
	return item.List, extra, ok && item.List != ""
}

func (p *Plan) wantedVariables() []answers.EnvVar {
	var wanted []answers.EnvVar
	d := &p.in.Draft
	if d.From["environment.extra"].Given() {
		wanted = append(wanted, d.Environment.Extra...)
		p.others(wanted)
	}
	if level := answers.Key("environment.logLevel"); d.Has(level) && d.From[level].Rank > answers.FromChart {
		name := p.in.Profile.Items[string(level)].Name
		if !slices.ContainsFunc(wanted, func(v answers.EnvVar) bool { return v.Name == name }) {
			wanted = append(wanted, answers.EnvVar{Name: name, Value: d.Environment.LogLevel})
		}
	}
	return wanted
}

// others deals with variables of the file that are not in the list that was
// given. Whoever answers on the screen has seen them all, and takes one away by
// leaving it out; an answers file may not know them.
func (p *Plan) others(wanted []answers.EnvVar) {
	_, extra, _ := p.environmentLists()
	list, inFile := p.listOf(extra)
	for _, item := range list {
		m, _ := item.(map[string]any)
		name, _ := m["name"].(string)
		if !inFile || name == "" || name == postgresEnv || slices.ContainsFunc(wanted, func(v answers.EnvVar) bool { return v.Name == name }) {
			continue
		}
		if p.in.Draft.From["environment.extra"].Rank == answers.FromPerson {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(extra + "[name=" + name + "]"), Delete: true})
			continue
		}
		p.Warn("environment", "%s is in the file and not in environment.extra: it stays; take it out of %s by hand", name, extra)
	}
}

// listOf returns the list in force below and in the edited file, and whether
// the edited file holds it itself.
func (p *Plan) listOf(path string) (list []any, inFile bool) {
	if own, ok := values.Lookup(p.in.own(), values.MustPath(path)); ok {
		list, _ = own.([]any)
		return list, true
	}
	for _, tree := range []map[string]any{p.theirs, p.in.Current.Cluster.Release.Config, p.under} {
		if below, ok := values.Lookup(tree, values.MustPath(path)); ok {
			list, _ = below.([]any)
			return list, false
		}
	}
	return nil, false
}

func (p *Plan) listHas(path, name string) bool {
	list, _ := p.listOf(path)
	return byName(list, name) != nil
}

func (p *Plan) setVariable(path string, v answers.EnvVar) {
	list, inFile := p.listOf(path)
	wanted := map[string]any{"name": v.Name, "value": v.Value}
	if v.ValueFrom != nil {
		wanted = map[string]any{"name": v.Name, "valueFrom": v.ValueFrom}
	}
	old := byName(list, v.Name)
	if old != nil && same(old, wanted) {
		return
	}
	p.Values = append(p.Values, ValueChange{Key: p.variableKey(v.Name), Path: path + "[name=" + v.Name + "]", Value: wanted, Source: p.variableSource(v.Name)})
	if inFile && len(list) > 0 {
		p.editVariable(path, old, wanted)
		return
	}
	// The edited file does not hold the list, and Helm replaces lists as a whole.
	fresh := make([]any, 0, len(list)+1)
	for _, item := range list {
		m, _ := item.(map[string]any)
		if m["name"] == v.Name {
			m = wanted
		}
		fresh = append(fresh, ordered(m, "name", "value", "valueFrom"))
	}
	if old == nil {
		fresh = append(fresh, ordered(wanted, "name", "value", "valueFrom"))
	}
	p.mergeListEdit(path, v.Name, fresh, wanted)
}

// mergeListEdit adds to a list that this plan already writes as a whole.
func (p *Plan) mergeListEdit(path, name string, fresh []any, wanted map[string]any) {
	for i, e := range p.edits {
		list, ok := e.Value.([]any)
		if e.Path.String() != path || !ok {
			continue
		}
		at := slices.IndexFunc(list, func(item any) bool { return entry(item, "name") == name })
		if at >= 0 {
			list[at] = ordered(wanted, "name", "value", "valueFrom")
			return
		}
		p.edits[i].Value = append(list, ordered(wanted, "name", "value", "valueFrom"))
		return
	}
	p.edits = append(p.edits, values.Edit{Path: values.MustPath(path), Value: fresh})
}

func (p *Plan) editVariable(path string, old, wanted map[string]any) {
	at := path + "[name=" + wanted["name"].(string) + "]"
	if old == nil {
		p.edits = append(p.edits, values.Edit{Path: values.MustPath(at), Value: ordered(wanted, "name", "value", "valueFrom")})
		return
	}
	for _, field := range slices.Sorted(maps.Keys(wanted)) {
		if !same(old[field], wanted[field]) {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(at + "." + field), Value: wanted[field]})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(old)) {
		if _, keep := wanted[field]; !keep {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(at + "." + field), Delete: true})
		}
	}
}

func (p *Plan) variableSource(name string) answers.Source {
	return p.in.Draft.From[p.variableKey(name)]
}

// variableKey returns the answers key that a variable comes from.
func (p *Plan) variableKey(name string) answers.Key {
	for _, key := range []answers.Key{"environment.logLevel", "database.postgresql.caFile", "database.postgresql.verify"} {
		if name == p.in.Profile.Items[string(key)].Name {
			return key
		}
	}
	if slices.ContainsFunc(layoutSettings, func(s databaseSetting) bool { return s.variable() == name }) && p.in.Draft.Given("database.postgresql.layout") {
		return "database.postgresql.layout"
	}
	return "environment.extra"
}
