package steps

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/templates"
)

func (k charts) helmEntries() []Entry {
	var entries []Entry
	byPath := map[string][]string{}
	for _, key := range answers.Keys() {
		for _, place := range k.places[string(key)] {
			if place.Kind == HelmEntry {
				byPath[place.Name] = append(byPath[place.Name], string(key))
			}
		}
	}
	for _, p := range k.profiles {
		for _, sk := range p.SecretKeys {
			if keys := byPath[sk.NamePath]; sk.NamePath != "" && !slices.Contains(keys, sk.Key) {
				byPath[sk.NamePath] = append(keys, sk.Key)
			}
		}
		for key := range p.BindingKeys {
			if !slices.Contains(byPath[p.MappingsPath], key) {
				byPath[p.MappingsPath] = append(byPath[p.MappingsPath], key)
			}
		}
	}
	for _, helm := range templates.HelmKeys() {
		e := Entry{
			Kind: HelmEntry, Name: helm.Path, Group: "Helm values", Meaning: helm.Meaning, Type: helmTypes[helm.Type],
			Defaults: k.chartDefaults(func(p templates.Profile) (any, bool) { v, ok := p.Defaults[helm.Path]; return v, ok }),
			Charts:   k.chartsWith(func(p templates.Profile) bool { _, ok := p.Defaults[helm.Path]; return ok }),
		}
		slices.Sort(byPath[helm.Path])
		for _, key := range byPath[helm.Path] {
			e.ComesFrom = append(e.ComesFrom, Place{AnswerEntry, key})
		}
		for _, v := range k.variables {
			if v.Path == helm.Path {
				e.Variables = append(e.Variables, v.Name)
			}
		}
		entries = append(entries, e)
	}
	return append(entries, k.movedEntries()...)
}

func (k charts) movedEntries() []Entry {
	var entries []Entry
	moved := k.profiles[len(k.profiles)-1].Moved
	for old, now := range moved {
		entries = append(entries, Entry{
			Kind: HelmEntry, Name: old, Group: "Helm values of older files", Meaning: "Renamed: the charts read " + now + " instead.",
			GoesTo: []Place{{HelmEntry, now}}, Do: "An edit of a values file that has it writes the new name in its place.",
		})
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

var helmTypes = map[string]string{
	"string": "text", "boolean": "true or false", "integer": "whole number", "array": "list", "object": "mapping",
}

func (k charts) variableEntries() []Entry {
	var entries []Entry
	for _, v := range k.variables {
		e := Entry{
			Kind: VariableEntry, Name: v.Name, Group: "Environment variables of the portal", Meaning: v.Meaning,
			Charts: k.chartsWith(func(p templates.Profile) bool { _, ok := p.EnvVar(v.Name); return ok }), Only: whenWords(v.When),
		}
		if v.Default != "" {
			e.Defaults = []Default{{Value: v.Default}}
		}
		switch {
		case v.Path != "":
			e.ComesFrom = append(e.ComesFrom, Place{HelmEntry, v.Path})
		case v.Secret != "":
			e.ComesFrom = append(e.ComesFrom, Place{SecretEntry, v.Secret})
		}
		if v.Base {
			e.Do = "It is an entry of a list that Helm replaces as a whole: this program changes the one entry and keeps the others."
		} else {
			e.Do = "The chart sets it after the variables of environment.extra, so that one of the same name there does not win: change what it comes from instead."
		}
		for _, key := range answers.Keys() {
			if slices.Contains(k.feeds[string(key)], v.Name) || (key == "environment.logLevel" && v.Name == "LOG_LEVEL") {
				e.ComesFrom = append(e.ComesFrom, Place{AnswerEntry, string(key)})
			}
		}
		entries = append(entries, e)
	}
	return entries
}

func (k charts) secretEntries() []Entry {
	var entries []Entry
	seen := map[string]bool{}
	for _, p := range slices.Backward(k.profiles) {
		for _, sk := range p.SecretKeys {
			if seen[sk.Name] {
				continue
			}
			seen[sk.Name] = true
			e := Entry{
				Kind: SecretEntry, Name: sk.Name, Group: "Keys of the Secret", Meaning: sk.Meaning,
				ComesFrom: []Place{{AnswerEntry, sk.Key}}, Variables: k.feeds[sk.Key], Required: requiredWords(sk),
				Charts: k.chartsWith(func(p templates.Profile) bool { _, ok := p.SecretKey(sk.Key); return ok }),
			}
			if sk.NamePath != "" {
				e.ComesFrom = append(e.ComesFrom, Place{HelmEntry, sk.NamePath})
				e.Meaning += " Another name can be set with " + sk.NamePath + "."
			}
			if sk.Placeholder {
				e.Do = "While nothing uses it, any text that is not empty will do; the key itself must be there."
			}
			entries = append(entries, e)
		}
	}
	return entries
}

func requiredWords(sk templates.SecretKey) string {
	when := whenWords(sk.Required)
	if when == "" {
		when = "always"
	}
	if sk.Optional {
		return when + "; the pods start without it, but what needs it does not work"
	}
	return when + "; without it the pods stay in CreateContainerConfigError"
}

func whenWords(w templates.When) string {
	switch {
	case w.Key == "":
		return ""
	case w.Value == "" || w.Value == "true":
		return "with " + w.Key
	}
	return "with " + w.Key + " " + w.Value
}

// everyVariable returns the variables of all charts, each as the newest chart
// that sets it has it.
func everyVariable(profiles []templates.Profile) []templates.EnvVar {
	var all []templates.EnvVar
	for _, p := range slices.Backward(profiles) {
		for _, v := range p.Env {
			if !slices.ContainsFunc(all, func(known templates.EnvVar) bool { return known.Name == v.Name }) {
				all = append(all, v)
			}
		}
	}
	return all
}

// profileDefault returns what a chart has for an answers key by itself.
func profileDefault(p templates.Profile, key string) (any, bool) {
	if path, ok := p.Paths[key]; ok {
		value, ok := p.Defaults[path]
		return value, ok
	}
	if item, ok := p.Items[key]; ok {
		list, _ := p.Defaults[item.List].([]any)
		for _, entry := range list {
			if m, ok := entry.(map[string]any); ok && (item.Name == "" || m["name"] == item.Name) {
				value, ok := m[item.Field]
				return value, ok
			}
		}
	}
	if name, ok := p.BindingKeys[key]; ok {
		for _, b := range p.Bindings {
			if b.Name == name {
				return b.Entitlement.Value, true
			}
		}
	}
	return nil, false
}

// chartDefaults says a default once for all charts that agree on it.
func (k charts) chartDefaults(of func(templates.Profile) (any, bool)) []Default {
	type run struct{ first, last, value string }
	var runs []run
	for _, p := range k.profiles {
		value, ok := of(p)
		if !ok {
			continue
		}
		text := defaultText(value)
		first, last := p.Versions[0], p.Versions[len(p.Versions)-1]
		if n := len(runs); n > 0 && runs[n-1].value == text {
			runs[n-1].last = last
			continue
		}
		runs = append(runs, run{first, last, text})
	}
	defaults := make([]Default, len(runs))
	for i, r := range runs {
		defaults[i] = Default{For: "chart", Value: r.value}
		if len(runs) > 1 {
			defaults[i].For = fmt.Sprintf("charts %s to %s", r.first, r.last)
		}
	}
	return defaults
}

// defaultText prints a chart's default in one line.
func defaultText(value any) string {
	switch v := value.(type) {
	case nil:
		return "none"
	case string:
		switch {
		case v == "":
			return "empty"
		case strings.Contains(v, ".invalid"):
			return v + refused
		}
		return v
	case []any:
		return listText(v)
	case map[string]any:
		if len(v) == 0 {
			return "empty"
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(out)
}

func listText(list []any) string {
	if len(list) == 0 {
		return "empty"
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = defaultText(item)
		if m, ok := item.(map[string]any); ok {
			if name, ok := m["name"].(string); ok {
				items[i] = name
				if value, ok := m["value"].(string); ok {
					items[i] += "=" + value
				}
			}
		}
	}
	return strings.Join(items, ", ")
}

// chartsWith says which of the known charts have something.
func (k charts) chartsWith(has func(templates.Profile) bool) string {
	profiles := k.profiles
	first, last := -1, -1
	for i, p := range profiles {
		if has(p) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	switch {
	case first < 0:
		return "none"
	case first == 0 && last == len(profiles)-1:
		return "all"
	case last == len(profiles)-1:
		return profiles[first].Versions[0] + " and newer"
	}
	newest := profiles[last].Versions
	return profiles[first].Versions[0] + " to " + newest[len(newest)-1]
}
