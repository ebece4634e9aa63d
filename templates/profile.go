// Package templates holds what the program knows by heart: the OpenChoreo
// control-plane charts as data, and the texts of the files that it writes anew.
// It must not know any code that uses it, Kubernetes, Helm or a terminal.
package templates

import "slices"

// Profile is one class of control-plane charts that are alike in everything
// the portal's settings depend on. The charts' own values.yaml, schema and
// templates are the source; facts that only a chart's code shows have a comment
// at the data.
type Profile struct {
	// Name is for messages: "1.1.3-1.1.6".
	Name string
	// Versions are the known releases of the class, ascending, without a "v".
	Versions []string
	// Recommended is the lowest release of the minor that is free of the known
	// faults in Advisories. It may belong to a later profile of the same minor.
	Recommended string
	// Advisories maps releases of the class to what is wrong with them, for
	// those that an operator should leave.
	Advisories map[string]string

	// Paths maps an answers key to its Helm path. A key that is in none of
	// Paths, Items, BindingKeys, SecretKeys and NoPath is one this chart lacks.
	Paths map[string]string
	// Items maps an answers key to its place inside a list.
	Items map[string]Item
	// BindingKeys maps an answers key to the name of the Binding whose
	// entitlement value it is.
	BindingKeys map[string]string
	// NoPath maps an answers key that reaches no values file to the reason.
	NoPath map[string]string
	// Moved maps a Helm path of older files to the one that took its place.
	Moved map[string]string
	// Defaults maps a Helm path to the chart's default: string, bool, int, nil,
	// []any or map[string]any. Lists and maps are leaves here.
	Defaults map[string]any

	// MappingsPath is the Helm path of the list of Bindings. Helm replaces a
	// list as a whole, so whoever changes one binding writes all of them.
	MappingsPath string
	// Bindings are the chart's default authorization mappings, in order.
	Bindings []Binding

	// SecretKeys are the keys of the portal's Secret, in the order they are
	// written.
	SecretKeys []SecretKey
	// Env are the variables the chart sets on the portal's container, in the
	// container's order.
	Env []EnvVar

	// UnquotedBindings: the template writes entitlements without quotes, so an
	// all-digit or true/null-like value is no text and the API server refuses it.
	UnquotedBindings bool
	// HookBindings: bindings are applied by a hook Job that never prunes.
	// Without it they are objects of the release, and an upgrade deletes those
	// that the values no longer list.
	HookBindings bool
	// ValidateAlways: the check for placeholder domains ignores which
	// components are enabled. See the chart package's Placeholders.
	ValidateAlways bool
	// ReplicasWithAutoscaling: the Deployment sets replicas although an
	// autoscaler is on, so that every upgrade resets the autoscaler's count.
	ReplicasWithAutoscaling bool
	// AffinityUsable: the schema lets backstage.affinity have content.
	AffinityUsable bool
	// Kubernetes is the lowest Kubernetes minor the documentation names.
	Kubernetes string
}

// Item is a place inside a list of a values file.
type Item struct {
	// List is the Helm path of the list.
	List string
	// Name is the value of the item's field "name"; empty means the first item.
	Name string
	// Field is the item's field that takes the answer; empty where the answer only
	// decides whether the item is there.
	Field string
}

// Binding is one item of the chart's authorization mappings; its fields are
// those of the list's items, in the order they are written.
type Binding struct {
	Name         string
	Kind         string
	System       bool // written only when true
	RoleMappings []RoleRef
	Entitlement  Entitlement
	Effect       string
}

// RoleRef is the roleRef of one role mapping.
type RoleRef struct{ Name, Kind string }

// Entitlement is the claim and the value that a caller's token must have.
type Entitlement struct{ Claim, Value string }

// When is a condition on one answer. The zero When always holds.
type When struct {
	// Key is an answers key.
	Key string
	// Value is the answer's text, "true" and "false" for yes and no. Empty means
	// any text but the empty one.
	Value string
}

// Holds evaluates the condition; answer gives the text of an answers key, or
// the empty string when it has none.
func (w When) Holds(answer func(key string) string) bool {
	if w.Key == "" {
		return true
	}
	if w.Value == "" {
		return answer(w.Key) != ""
	}
	return answer(w.Key) == w.Value
}

// SecretKey is a key of the portal's Secret.
type SecretKey struct {
	// Name is the key's name in the Secret.
	Name string
	// NamePath is the Helm path that holds another name for it, or empty.
	NamePath string
	// Key is the answers key that fills it.
	Key string
	// Meaning is a sentence for operators.
	Meaning string
	// Required says when the portal needs the key. Unless Optional, its pods
	// stay in CreateContainerConfigError without it.
	Required When
	// Optional: the pods start without the key even where it is Required.
	Optional bool
	// Placeholder: while Used does not hold, any text that is not empty will do.
	Placeholder bool
	// Used says when the portal acts on the value.
	Used When
}

// EnvVar is a variable of the portal's container.
type EnvVar struct {
	Name string
	// Meaning is a sentence for operators.
	Meaning string
	// Path is the Helm path that sets it, Secret the Secret's key that it is
	// read from; both are empty for a fixed value.
	Path, Secret string
	// Default is the value with a chart's own defaults, or empty.
	Default string
	// When says when the chart sets it.
	When When
	// Since is the first release that sets it.
	Since string
	// Base: the variable comes from the list backstage.env and may be changed
	// there. All others are set by the template after the operator's lists, and
	// a second entry of the same name does not win.
	Base bool
}

// Has reports whether the chart, or the program for it, knows an answers key.
func (p Profile) Has(key string) bool {
	if _, ok := p.Paths[key]; ok {
		return true
	}
	if _, ok := p.Items[key]; ok {
		return true
	}
	if _, ok := p.BindingKeys[key]; ok {
		return true
	}
	if _, ok := p.NoPath[key]; ok {
		return true
	}
	return slices.ContainsFunc(p.SecretKeys, func(s SecretKey) bool { return s.Key == key })
}

// SecretKey returns the Secret's key that an answers key fills.
func (p Profile) SecretKey(key string) (SecretKey, bool) {
	i := slices.IndexFunc(p.SecretKeys, func(s SecretKey) bool { return s.Key == key })
	if i < 0 {
		return SecretKey{}, false
	}
	return p.SecretKeys[i], true
}

// EnvVar returns the variable of that name.
func (p Profile) EnvVar(name string) (EnvVar, bool) {
	i := slices.IndexFunc(p.Env, func(e EnvVar) bool { return e.Name == name })
	if i < 0 {
		return EnvVar{}, false
	}
	return p.Env[i], true
}
