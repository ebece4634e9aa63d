package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/templates"
)

// The kinds of entries.
const (
	AnswerEntry   = "answer"
	HelmEntry     = "helm"
	VariableEntry = "variable"
	SecretEntry   = "secret"
	CheckEntry    = "check"
	VerdictEntry  = "code"
	ProviderEntry = "provider"
	TopicEntry    = "topic"
)

// Entry is what `explain` says about one name that operators meet. Its JSON form
// is that of `explain -o json`.
type Entry struct {
	Kind      string    `json:"kind"`
	Name      string    `json:"name"`
	Group     string    `json:"group"` // heading of the list of all entries
	Title     string    `json:"title,omitempty"`
	Meaning   string    `json:"meaning"`
	Schema    string    `json:"schema,omitempty"` // the chart's own words
	Type      string    `json:"type,omitempty"`
	Values    []Choice  `json:"values,omitempty"`
	Example   string    `json:"example,omitempty"`
	Defaults  []Default `json:"defaults,omitempty"`
	GoesTo    []Place   `json:"goesTo,omitempty"`
	ComesFrom []Place   `json:"comesFrom,omitempty"`
	Variables []string  `json:"variables,omitempty"` // of the portal's container, that it ends up in
	Charts    string    `json:"charts,omitempty"`    // which have it
	Only      string    `json:"only,omitempty"`      // when it counts
	Required  string    `json:"required,omitempty"`  // when it must be there
	Do        string    `json:"do,omitempty"`        // what to do about it
	Sections  []Section `json:"sections,omitempty"`  // of more to say than the fields hold
}

// Choice is one value of an Entry.
type Choice struct {
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

const (
	unasked = ", never taken unasked"
	refused = " (a placeholder that the chart refuses)"
)

// Default is what holds without an answer, for some charts or one preset. An
// empty For means always.
type Default struct {
	For   string `json:"for,omitempty"`
	Value string `json:"value"`
}

// Place is where a value goes to or comes from.
type Place struct {
	Kind string `json:"kind"` // answer, helm, secret, binding, run
	Name string `json:"name"`
}

// Entries returns everything that can be explained: answers keys in the order
// they are asked, Helm paths, variables, keys of the Secret, checks and their codes,
// identity providers, topics.
func Entries() []Entry {
	k := knownCharts()
	var all []Entry
	all = append(all, k.answerEntries()...)
	all = append(all, k.helmEntries()...)
	all = append(all, k.variableEntries()...)
	all = append(all, k.secretEntries()...)
	all = append(all, checkEntries()...)
	all = append(all, verdictEntries()...)
	all = append(all, providerEntries()...)
	return append(all, trustEntry())
}

// charts is what all known charts have, looked up once.
type charts struct {
	profiles  []templates.Profile
	variables []templates.EnvVar
	places    map[string][]Place  // where an answers key goes to
	feeds     map[string][]string // the variables that an answers key ends up in
}

func knownCharts() charts {
	k := charts{profiles: templates.Profiles(), places: map[string][]Place{}, feeds: map[string][]string{}}
	k.variables = everyVariable(k.profiles)
	for _, key := range answers.Keys() {
		k.places[string(key)] = k.goesTo(string(key))
		k.feeds[string(key)] = k.variablesOf(string(key))
	}
	return k
}

// Explain returns the entries that word means: those of that very name, else
// those below it, else those whose name differs in case only. An answers key
// that is a Helm path too is told as both.
func Explain(word string) []Entry {
	var exact, below, folded []Entry
	for _, e := range Entries() {
		switch {
		case e.Name == word:
			exact = append(exact, e)
		case strings.HasPrefix(e.Name, word+".") && word != "":
			below = append(below, e)
		case strings.EqualFold(e.Name, word):
			folded = append(folded, e)
		}
	}
	for _, found := range [][]Entry{exact, below, folded} {
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// Nearest returns the names that a mistyped word may mean, likeliest first, at
// most three.
func Nearest(word string) []string {
	var names, within []string
	for _, e := range Entries() {
		names = append(names, e.Name)
		if len(word) > 2 && strings.Contains(strings.ToLower(e.Name), strings.ToLower(word)) {
			within = append(within, e.Name)
		}
	}
	slices.SortStableFunc(within, func(a, b string) int { return len(a) - len(b) })
	if near := answers.Closest(word, names); near != "" {
		within = append([]string{near}, within...)
	}
	var nearest []string
	for _, name := range within {
		if !slices.Contains(nearest, name) && len(nearest) < 3 {
			nearest = append(nearest, name)
		}
	}
	return nearest
}

func (k charts) answerEntries() []Entry {
	var entries []Entry
	for _, s := range Catalog().Steps {
		for _, q := range s.Questions {
			entries = append(entries, k.answerEntry(s, q))
		}
	}
	return entries
}

func (k charts) answerEntry(s Step, q Question) Entry {
	key := string(q.Key)
	e := Entry{
		Kind: AnswerEntry, Name: key, Group: s.Title, Title: q.Title, Meaning: q.Why, Type: q.Value.words(),
		Example: q.Example, Defaults: k.answerDefaults(q), GoesTo: k.places[key], Variables: k.feeds[key],
		Charts: k.chartsWith(func(p templates.Profile) bool { return p.Has(key) }),
		Only:   q.When.Text, Required: q.Required.Text,
	}
	if e.Only == "" {
		e.Only = s.When.Text
	}
	if key == "identity.provider" {
		e.Do = "`backstage-setup explain keycloak`, or another of these, says what to create and to enter there, and what its tokens are like."
	}
	for _, o := range q.Options {
		c := Choice{Value: o.Value, Note: o.Title}
		switch {
		case strings.EqualFold(o.Title, o.Value):
			c.Note = o.Note
		case o.Note != "":
			c.Note += " (" + o.Note + ")"
		}
		e.Values = append(e.Values, c)
	}
	return e
}

// words says what kind of value it is.
func (v Value) words() string {
	switch v.Kind {
	case answers.Bool:
		return "yes or no"
	case answers.Int:
		if v.Max != 0 {
			return fmt.Sprintf("whole number from %d to %d", v.Min, v.Max)
		}
		return "whole number"
	case answers.List:
		if v.Format == "hostname" {
			return "list of host names"
		}
		return "list of texts"
	case answers.Env:
		return "list of {name, value} or {name, valueFrom}"
	case answers.Hidden:
		return "secret, given as {env: NAME}, {file: PATH}, {generate: true} or {keep: true}"
	}
	text := "text"
	if word, ok := map[string]string{"uri": "address", "name": "Kubernetes name", "quantity": "Kubernetes quantity"}[v.Format]; ok {
		text = word
	}
	if v.Empty {
		text += ", may be empty"
	}
	return text
}

// answerDefaults are the charts' defaults, then the presets', then what is said
// in words.
func (k charts) answerDefaults(q Question) []Default {
	defaults := k.chartDefaults(func(p templates.Profile) (any, bool) { return profileDefault(p, string(q.Key)) })
	if unaskedDefaults[q.Key] {
		for i := range defaults {
			defaults[i].For += unasked
		}
	}
	for _, p := range presets {
		if value, ok := p.settles[q.Key]; ok {
			defaults = append(defaults, Default{For: "preset " + p.name, Value: q.Value.Print(value)})
		}
	}
	if q.Default != "" {
		defaults = append(defaults, Default{Value: q.Default})
	}
	return defaults
}

func (k charts) goesTo(key string) []Place {
	var places []Place
	add := func(kind, name string) {
		if p := (Place{kind, name}); name != "" && !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	for _, p := range k.profiles {
		add(HelmEntry, p.Paths[key])
		if item, ok := p.Items[key]; ok {
			add(HelmEntry, item.List)
		}
		add("binding", p.BindingKeys[key])
		if sk, ok := p.SecretKey(key); ok {
			add(SecretEntry, sk.Name)
		}
		add("run", p.NoPath[key])
	}
	return places
}

func (k charts) variablesOf(key string) []string {
	var names []string
	for _, place := range k.places[key] {
		for _, v := range k.variables {
			if v.Path == place.Name && place.Kind == HelmEntry && !v.Base || v.Secret == place.Name && place.Kind == SecretEntry {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// Words returns the names of all entries, for completion.
func Words() []string {
	entries := Entries()
	words := make([]string, len(entries))
	for i, e := range entries {
		words[i] = e.Name + "\t" + e.summary()
	}
	return words
}

func (e Entry) summary() string {
	if e.Title != "" {
		return e.Title
	}
	first, _, _ := strings.Cut(e.Meaning, ". ")
	return first
}
