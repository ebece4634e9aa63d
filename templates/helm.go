package templates

// HelmKey is a path of the chart's values that the portal depends on, whether
// or not an answer reaches it.
type HelmKey struct {
	Path string
	// Type is the schema's word: string, boolean, integer, array, object.
	Type string
	// Default is the chart's: string, bool, int, nil, []any or map[string]any.
	Default any
	// Since is the first release that has it, Until the first without it.
	Since, Until string
	// Meaning is a sentence or two for operators.
	Meaning string
}

// in reports whether a release has the key.
func (k HelmKey) in(release string) bool {
	return !before(release, k.Since) && (k.Until == "" || before(release, k.Until))
}

// HelmKeys returns every Helm path that the portal depends on, with the default
// of the newest chart that has it, in the order of a new values file.
func HelmKeys() []HelmKey {
	var keys []HelmKey
	for _, of := range []func() []HelmKey{
		portalKeys, signInKeys, databaseKeys, featureKeys, scalingKeys, podKeys,
		apiKeys, securityKeys, gatewayKeys, companionKeys,
	} {
		keys = append(keys, of()...)
	}
	return keys
}

// defaultsOf returns the defaults of one release.
func defaultsOf(release string, bindings []Binding) map[string]any {
	defaults := map[string]any{}
	for _, k := range HelmKeys() {
		if k.in(release) {
			defaults[k.Path] = k.Default
		}
	}
	defaults[mappingsPath] = bindingValues(bindings)
	return defaults
}

func none() []any             { return []any{} }
func empty() map[string]any   { return map[string]any{} }
func list(items ...any) []any { return items }
