package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/values"
)

// Plan is what will change. Steps fill it through its methods; Finish works out
// files, Secret, actions and commands.
type Plan struct {
	Values   []ValueChange
	Bindings []BindingChange
	Files    []FileChange
	Secret   SecretPlan
	Warnings []Warning
	Actions  []Action
	Next     []Command
	Problems answers.Problems // what the plan cannot do; each blocks

	delivery []Action    // through the store
	external *FileChange // of an ExternalSecret that is kept in Git
	rotation *Rotation   // nil in flows that set up
	volume   *KeepVolume // that the release has no more; nil when none is to be kept

	in        Input
	under     map[string]any // chart and the files below the edited one
	before    map[string]any // what is in force before the edits; nil until Blank asks
	theirs    map[string]any // the operator's files
	edits     []values.Edit
	dropped   []string       // variables that the answers take out of the portal's lists
	after     map[string]any // the edited file's values after the edits
	effective map[string]any
	demands   []ValueChange // everything that was asked, written or in force already
	complete  bool          // the files set up everything that the chart insists on
}

// ValueChange is one Helm value that the edited file gets.
type ValueChange struct {
	Key    answers.Key
	Path   string
	Value  any
	Source answers.Source
}

// Warning is something the operator should know before applying. Step is the
// step that can change it.
type Warning struct {
	Step string
	Text string
}

// New starts a plan for in.
func New(in Input) *Plan {
	return &Plan{in: in, under: in.Under(), theirs: in.Theirs(), complete: len(chart.Placeholders(in.Profile, in.Effective())) == 0}
}

// Warn adds a warning that step can do something about.
func (p *Plan) Warn(step, format string, args ...any) {
	p.Warnings = append(p.Warnings, Warning{Step: step, Text: fmt.Sprintf(format, args...)})
}

// Set writes key's answer to its Helm path. Keys without one (they live in the
// Secret, a list or nowhere) are left to the methods that know them, and what
// only the chart's default says is not written.
func (p *Plan) Set(key answers.Key) {
	path, ok := p.in.Profile.Paths[string(key)]
	kind, _ := answers.KindOf(key)
	if !ok || !p.in.Draft.Has(key) || kind == answers.Env {
		return // environment variables are merged by name, see environment
	}
	if key == "database.postgresql.ssl" {
		p.chartTLS(path)
		return
	}
	if rank := p.in.Draft.From[key].Rank; rank == answers.FromChart || rank == answers.FromValues {
		return // what the chart's default or a file says already is theirs to change
	}
	if p.complete && !p.asked(key) {
		return
	}
	p.write(key, path, p.in.Draft.Get(key))
}

// asked tells whether somebody wants key as it is: a person, a preset, or
// something that they said. In files that are complete, what merely follows from
// a setting that stays as it is stays as it is too.
func (p *Plan) asked(key answers.Key) bool {
	source := p.in.Draft.From[key]
	from, derived := strings.CutPrefix(source.Detail, "from ")
	if source.Rank == answers.FromDerived && derived {
		k := answers.Key(from)
		rank := p.in.Draft.From[k].Rank
		return rank != answers.FromValues && rank != answers.FromCluster && p.asked(k)
	}
	if source.Rank == answers.FromProvider {
		rank := p.in.Draft.From["identity.issuer"].Rank
		return rank != answers.FromValues && rank != answers.FromCluster
	}
	return true
}

// SetTo writes value to key's Helm path, whatever the draft says.
func (p *Plan) SetTo(key answers.Key, value any) {
	if path, ok := p.in.Profile.Paths[string(key)]; ok {
		p.write(key, path, value)
	}
}

// redirectURLs is the chart's list of callbacks, which no template reads.
const redirectURLs = "backstage.auth.redirectUrls"

// Callback keeps the values' list of redirect URLs, if there is one, equal to
// the portal's real callback. No template reads it; people do.
func (p *Plan) Callback(url string) {
	raw, ok := values.Lookup(p.theirs, values.MustPath(redirectURLs))
	if list, isList := raw.([]any); ok && isList && len(list) > 0 {
		p.write("portal.baseUrl", redirectURLs, []string{url})
	}
}

// Blank writes an empty value over a placeholder default that the chart's own
// check would refuse although nothing uses it.
func (p *Plan) Blank(key answers.Key) {
	path, ok := p.in.Profile.Paths[string(key)]
	if !ok {
		return
	}
	if p.before == nil {
		p.before = p.in.Effective()
	}
	current, _ := values.Lookup(p.before, values.MustPath(path))
	switch v := current.(type) {
	case string:
		if isPlaceholderDomain(v) {
			p.write(key, path, "")
		}
	case []any:
		if list, ok := texts(v); ok && slices.ContainsFunc(list.([]string), isPlaceholderDomain) {
			p.write(key, path, []string{})
		}
	}
}

// write edits path unless the file leaves it out and what is below says the
// same already: only what differs is written, and what the file has.
func (p *Plan) write(key answers.Key, path string, value any) {
	at := values.MustPath(path)
	own, inFile := values.Lookup(p.in.own(), at)
	if inFile && holdsPlaceholder(own) && !p.in.Draft.Given(key) {
		return // filled in by the operator's own tooling
	}
	p.demands = append(p.demands, ValueChange{Key: key, Path: path, Value: value})
	below, _ := values.Lookup(p.under, at)
	if (!inFile && same(below, value)) || (inFile && same(own, value)) {
		return
	}
	p.Values = append(p.Values, ValueChange{Key: key, Path: path, Value: value, Source: p.in.Draft.From[key]})
	p.edits = append(p.edits, values.Edit{Path: at, Value: value})
}

// holdsPlaceholder tells values that envsubst, Flux or a template fills in later.
func holdsPlaceholder(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "${") || strings.Contains(v, "{{")
	case []any:
		return slices.ContainsFunc(v, holdsPlaceholder)
	}
	return false
}

// same compares a value as YAML gives it with one of an answer.
func same(raw, value any) bool {
	switch want := value.(type) {
	case int:
		n, ok := wholeNumber(raw)
		return ok && n == want
	case []string:
		list, ok := texts(raw)
		return ok && slices.Equal(list.([]string), want)
	}
	return reflect.DeepEqual(plain(raw), plain(value))
}

// plain brings a tree to the types that YAML decoding gives, so that trees from
// Go literals and from files compare.
func plain(value any) any {
	switch v := value.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case values.Map:
		out := make(map[string]any, len(v))
		for _, e := range v {
			out[e.Key] = plain(e.Value)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = plain(item)
		}
		return out
	}
	return value
}

// Finish works out files, Secret, actions and next commands. It returns an
// error only when a file cannot be edited: a *values.Error with its place.
func (p *Plan) Finish() error {
	p.move()
	p.subjects()
	p.bindings()
	p.strangers()
	p.environment()
	p.items()
	p.secret()
	if err := p.files(); err != nil {
		return err
	}
	p.takesEffect()
	p.actions()
	p.next()
	return nil
}

// move takes away settings of older charts that have a new place.
func (p *Plan) move() {
	tree := p.in.own()
	for _, old := range slices.Sorted(maps.Keys(p.in.Profile.Moved)) {
		raw, ok := values.Lookup(tree, values.MustPath(old))
		if !ok {
			continue
		}
		fresh := p.in.Profile.Moved[old]
		if _, there := values.Lookup(tree, values.MustPath(fresh)); !there && !p.sets(fresh) {
			p.edits = append(p.edits, values.Edit{Path: values.MustPath(fresh), Value: raw})
		}
		p.edits = append(p.edits, values.Edit{Path: values.MustPath(old), Delete: true})
		p.Warn("target", "%s has no effect on this chart: its value moves to %s", old, fresh)
	}
}

func (p *Plan) sets(path string) bool {
	return slices.ContainsFunc(p.edits, func(e values.Edit) bool { return e.Path.String() == path })
}

// items writes answers that live in one item of a list, such as the gateway's
// first certificate; the other items are kept.
func (p *Plan) items() {
	for _, key := range slices.Sorted(maps.Keys(p.in.Profile.Items)) {
		item := p.in.Profile.Items[key]
		k := answers.Key(key)
		if item.Name != "" || !p.in.Draft.Has(k) || p.in.Draft.From[k].Rank == answers.FromChart {
			continue // named items are the environment's
		}
		wanted, _ := p.in.Draft.Get(k).(string)
		raw, _ := values.Lookup(p.theirs, values.MustPath(item.List))
		list, _ := raw.([]any)
		if current, _ := itemField(list, item).(string); current == wanted || wanted == "" {
			continue
		}
		fresh := []any{values.Map{{Key: item.Field, Value: wanted}}}
		if len(list) > 0 {
			first, _ := list[0].(map[string]any)
			fresh = append([]any{ordered(overlay(first, map[string]any{item.Field: wanted}), item.Field)}, list[1:]...)
		}
		p.Values = append(p.Values, ValueChange{Key: k, Path: item.List, Value: fresh, Source: p.in.Draft.From[k]})
		p.edits = append(p.edits, p.listEdit(item.List, list, fresh, item.Field)...)
	}
}

// listEdit changes the first item's field in place where the edited file holds
// the list, and writes the whole list where it does not.
func (p *Plan) listEdit(path string, old, fresh []any, field string) []values.Edit {
	own, inFile := values.Lookup(p.in.own(), values.MustPath(path))
	if list, ok := own.([]any); ok && inFile && len(list) > 0 && len(old) > 0 {
		if first, ok := list[0].(map[string]any); ok {
			if was, ok := first[field].(string); ok {
				at := values.MustPath(path + "[" + field + "=" + was + "]." + field)
				return []values.Edit{{Path: at, Value: entry(fresh[0], field)}}
			}
		}
	}
	return []values.Edit{{Path: values.MustPath(path), Value: fresh}}
}

// ordered writes a mapping with some keys first and the rest sorted.
func ordered(m map[string]any, first ...string) values.Map {
	var out values.Map
	for _, k := range first {
		if v, ok := m[k]; ok {
			out = append(out, values.Entry{Key: k, Value: v})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(first, k) {
			out = append(out, values.Entry{Key: k, Value: m[k]})
		}
	}
	return out
}

func entry(item any, key string) any {
	m, _ := item.(values.Map)
	for _, e := range m {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}
