package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// BindingChange is one authorization binding of the list that will be in force.
type BindingChange struct {
	Name   string
	Claim  string
	Value  string
	Role   string
	Action string // kept, set, added
	Was    string // the value before, when Action is set
	System bool
}

// bindings works out the whole list of authorization bindings: the chart's
// default list, the operator's own entries, and the asked changes by name. Helm
// replaces lists as a whole, so a shorter list would take the rest away.
func (p *Plan) bindings() {
	if !p.in.Draft.Security.Authorization {
		return
	}
	path := p.in.Profile.MappingsPath
	raw, listed := values.Lookup(p.theirs, values.MustPath(path))
	theirs, _ := raw.([]any)
	if !listed && p.bindingsAsked() { // the release's own entries must not get lost
		raw, _ := values.Lookup(p.in.Current.Cluster.Release.Config, values.MustPath(path))
		theirs, _ = raw.([]any)
	}
	defaults := defaultBindings(p.in.Profile)
	desired, added := merge(defaults, theirs)
	var readded []string
	for _, name := range added {
		if listed && theirs != nil {
			readded = append(readded, name)
		}
	}
	for i, b := range desired {
		desired[i] = p.wanted(b)
	}
	desired = p.moreGroups(desired)
	p.tell(desired, theirs, defaults)
	if len(readded) > 0 && !p.changesBindings(theirs, defaults, desired) {
		p.Warn("authorization", "the values file cuts the chart's list of bindings short: %s missing; it is left as it is, since nothing in it changes", strings.Join(readded, ", "))
		p.Bindings = slices.DeleteFunc(p.Bindings, func(b BindingChange) bool { return b.Action == "added" })
		return
	}
	if len(readded) > 0 {
		p.Warn("authorization", "the values file cuts the chart's list of bindings short: %s added back; take out afterwards what is missing on purpose", strings.Join(readded, ", "))
	}
	own, inFile := values.Lookup(p.in.own(), values.MustPath(path))
	if list, ok := own.([]any); inFile && ok && len(list) > 0 {
		p.editBindings(path, list, desired)
		return
	}
	below := theirs
	if !listed || below == nil {
		below = defaults
	}
	if same(below, desired) {
		return
	}
	list := make([]any, len(desired))
	for i, b := range desired {
		list[i] = bindingMap(b.(map[string]any))
	}
	p.edits = append(p.edits, values.Edit{Path: values.MustPath(path), Value: list})
	p.Values = append(p.Values, ValueChange{Key: "authorization.subject", Path: path, Value: list, Source: p.in.Draft.From["authorization.subject"]})
}

// bindingsAsked tells whether somebody wants an entry of the list changed.
func (p *Plan) bindingsAsked() bool {
	keys := []answers.Key{"authorization.groups.claim", "authorization.subjectClaim"}
	for key := range p.in.Profile.BindingKeys {
		keys = append(keys, answers.Key(key))
	}
	return slices.ContainsFunc(keys, func(k answers.Key) bool {
		rank := p.in.Draft.From[k].Rank
		return rank == answers.FromChange || rank == answers.FromProvider || rank == answers.FromNewProvider || rank.Given()
	})
}

// changesBindings tells whether an entry of the operator's list is to change, or
// one that it lacks is asked for: only then the list is written, and completed.
func (p *Plan) changesBindings(theirs, defaults, desired []any) bool {
	for _, item := range desired {
		b := item.(map[string]any)
		name, _ := b["name"].(string)
		was := byName(theirs, name)
		if was == nil {
			was = byName(defaults, name)
		}
		if !same(was, b) {
			return true
		}
	}
	// The portal's own entry must be there whatever else is.
	return byName(theirs, p.in.Profile.BindingKeys["authorization.subject"]) == nil && p.in.Draft.Portal.Enabled
}

// editBindings changes entries of the file's own list by name and appends what
// it lacks.
func (p *Plan) editBindings(path string, own, desired []any) {
	before := len(p.edits)
	inOrder := make([]any, 0, len(desired))
	for _, item := range own {
		if b, ok := item.(map[string]any); ok {
			name, _ := b["name"].(string)
			inOrder = append(inOrder, byName(desired, name))
		}
	}
	for _, item := range desired {
		b := item.(map[string]any)
		name, _ := b["name"].(string)
		at := path + "[name=" + name + "]"
		old := byName(own, name)
		if old == nil {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(at), Value: bindingMap(b)})
			inOrder = append(inOrder, b)
			continue
		}
		for _, field := range []string{"claim", "value"} {
			if was, now := entitlement(old, field), entitlement(b, field); was != now {
				p.edits = append(p.edits, values.Edit{Path: values.MustPath(at + ".entitlement." + field), Value: now})
			}
		}
	}
	if len(p.edits) > before {
		p.Values = append(p.Values, ValueChange{Key: "authorization.subject", Path: path, Value: inOrder, Source: p.in.Draft.From["authorization.subject"]})
	}
}

// merge returns the default list with the operator's version of each entry, then
// the operator's own entries, and the names of defaults that they lack.
func merge(defaults, theirs []any) (merged []any, missing []string) {
	for _, d := range defaults {
		name, _ := d.(map[string]any)["name"].(string)
		if own := byName(theirs, name); own != nil {
			merged = append(merged, own)
			continue
		}
		missing = append(missing, name)
		merged = append(merged, d)
	}
	for _, t := range theirs {
		b, ok := t.(map[string]any)
		if !ok {
			continue
		}
		if name, _ := b["name"].(string); byName(defaults, name) == nil {
			merged = append(merged, b)
		}
	}
	return merged, missing
}

func byName(list []any, name string) map[string]any {
	for _, item := range list {
		if b, ok := item.(map[string]any); ok && b["name"] == name {
			return b
		}
	}
	return nil
}

func entitlement(b map[string]any, field string) string {
	e, _ := b["entitlement"].(map[string]any)
	text, _ := e[field].(string)
	return text
}

// wanted returns the binding with the asked value, or as it is.
func (p *Plan) wanted(item any) any {
	b := item.(map[string]any)
	name, _ := b["name"].(string)
	key := p.bindingKey(name)
	if key == "" || !p.in.Draft.Has(key) || p.in.Draft.From[key].Rank == answers.FromChart {
		return p.claimed(b, key)
	}
	value := ""
	switch v := p.in.Draft.Get(key).(type) {
	case string:
		value = v
	case []string:
		if len(v) > 0 {
			value = v[0]
		}
	}
	if value == "" {
		return p.claimed(b, key)
	}
	return p.claimed(withEntitlement(b, "value", value), key)
}

// claimed gives the binding the claim that the API's subjects are set to.
func (p *Plan) claimed(b map[string]any, key answers.Key) map[string]any {
	claim := answers.Key("authorization.subjectClaim")
	if strings.HasPrefix(string(key), "authorization.groups.") {
		claim = "authorization.groups.claim"
	}
	if key == "" || !p.in.Draft.Has(claim) || p.in.Draft.From[claim].Rank == answers.FromChart {
		return b
	}
	text, _ := p.in.Draft.Get(claim).(string)
	return withEntitlement(b, "claim", text)
}

func withEntitlement(b map[string]any, field, value string) map[string]any {
	e, _ := b["entitlement"].(map[string]any)
	return overlay(b, map[string]any{"entitlement": overlay(e, map[string]any{field: value})})
}

func (p *Plan) bindingKey(name string) answers.Key {
	for key, binding := range p.in.Profile.BindingKeys {
		if binding == name {
			return answers.Key(key)
		}
	}
	return ""
}

// moreGroups adds a binding for each further group of a question that names
// several: "admin-binding-2" beside "admin-binding".
func (p *Plan) moreGroups(list []any) []any {
	for _, key := range answers.Keys() {
		name, ok := p.in.Profile.BindingKeys[string(key)]
		groups, isList := p.in.Draft.Get(key).([]string)
		if !ok || !isList || len(groups) == 0 {
			continue
		}
		base := byName(list, name)
		p.leftGroups(list, key, base, len(groups))
		for i, group := range groups[1:] {
			extra := fmt.Sprintf("%s-%d", name, i+2)
			b := overlay(withEntitlement(base, "value", group), map[string]any{"name": extra})
			if at := slices.IndexFunc(list, func(item any) bool { return item.(map[string]any)["name"] == extra }); at >= 0 {
				list[at] = b
				continue
			}
			list = append(list, b)
		}
	}
	return list
}

// leftGroups warns about entries of an earlier, longer answer: they look like the
// operator's own, so they stay, and go on giving the role.
func (p *Plan) leftGroups(list []any, key answers.Key, base map[string]any, asked int) {
	if !p.in.Draft.Given(key) {
		return
	}
	for i := asked + 1; ; i++ {
		name := fmt.Sprintf("%v-%d", base["name"], i)
		left := byName(list, name)
		if left == nil {
			return
		}
		if role(left) == role(base) {
			p.Warn("authorization", "%s stays and gives %s the role %s: take it out of the values file, and out of the cluster, if it is not wanted any more", name, entitlement(left, "value"), role(left))
		}
	}
}

// tell records what happens to each binding, for the review.
func (p *Plan) tell(desired, theirs, defaults []any) {
	for _, item := range desired {
		b := item.(map[string]any)
		name, _ := b["name"].(string)
		old := byName(theirs, name)
		if theirs == nil {
			old = byName(defaults, name)
		}
		change := BindingChange{Name: name, Claim: entitlement(b, "claim"), Value: entitlement(b, "value"), Role: role(b), Action: "kept"}
		change.System, _ = b["system"].(bool)
		switch {
		case old == nil:
			change.Action = "added"
		case !same(old, b):
			change.Action, change.Was = "set", entitlement(old, "value")
		}
		p.Bindings = append(p.Bindings, change)
	}
}

func role(b map[string]any) string {
	list, _ := b["roleMappings"].([]any)
	var names []string
	for _, item := range list {
		m, _ := item.(map[string]any)
		ref, _ := m["roleRef"].(map[string]any)
		if name, ok := ref["name"].(string); ok {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func defaultBindings(profile templates.Profile) []any {
	list := make([]any, len(profile.Bindings))
	for i, b := range profile.Bindings {
		list[i] = b.Value()
	}
	return list
}

// bindingMap writes a binding in the order of the chart's own list.
func bindingMap(b map[string]any) values.Map {
	m := ordered(b, "name", "kind", "system", "roleMappings", "entitlement", "effect")
	for i, e := range m {
		switch e.Key {
		case "entitlement":
			if inner, ok := e.Value.(map[string]any); ok {
				m[i].Value = ordered(inner, "claim", "value")
			}
		case "roleMappings":
			m[i].Value = roleMaps(e.Value)
		}
	}
	return m
}

func roleMaps(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		fresh := ordered(m, "roleRef")
		for j, e := range fresh {
			if ref, ok := e.Value.(map[string]any); ok && e.Key == "roleRef" {
				fresh[j].Value = ordered(ref, "name", "kind")
			}
		}
		out[i] = fresh
	}
	return out
}
