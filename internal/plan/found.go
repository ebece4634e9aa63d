package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Found returns what the operator's values files, the release and the portal's
// Deployment already settle, as proposals.
func (in Input) Found() []answers.Proposal {
	var found []answers.Proposal
	for i, f := range in.Current.Files {
		source := answers.Source{Rank: answers.FromValues, Detail: f.Path}
		if i != in.Current.Edit {
			source.Detail = f.Path + " (another -f)"
		}
		found = append(found, in.fromTree(f.Values.Tree(), source)...)
	}
	slices.Reverse(found) // the last file that says it wins, and the first proposal of a rank stands
	release := answers.Source{Rank: answers.FromCluster, Detail: "release " + in.Draft.Target.Release}
	found = append(found, in.fromTree(in.Current.Cluster.Release.Config, release)...)
	found = append(found, in.fromDeployment()...)
	found = append(found, in.fromSecret()...)
	return found
}

// ChartDefaults returns the chart's own defaults as proposals; placeholders and
// empty texts settle nothing.
func (in Input) ChartDefaults() []answers.Proposal {
	var found []answers.Proposal
	source := answers.Source{Rank: answers.FromChart}
	for key, path := range in.Profile.Paths {
		if value, ok := answerOf(answers.Key(key), in.Profile.Defaults[path]); ok && settles(value) {
			found = append(found, answers.Proposal{Key: answers.Key(key), Value: value, Source: source})
		}
	}
	for key, name := range in.Profile.BindingKeys {
		for _, b := range in.Profile.Bindings {
			if value, ok := answerOf(answers.Key(key), b.Entitlement.Value); ok && b.Name == name {
				found = append(found, answers.Proposal{Key: answers.Key(key), Value: value, Source: source})
			}
		}
	}
	for key, item := range in.Profile.Items {
		list, _ := in.Profile.Defaults[item.List].([]any)
		if value, ok := answerOf(answers.Key(key), itemField(list, item)); ok && settles(value) {
			found = append(found, answers.Proposal{Key: answers.Key(key), Value: value, Source: source})
		}
	}
	return found
}

// settles tells whether a chart's default is an answer: placeholders that the
// chart itself refuses and empty texts are not.
func settles(value any) bool {
	switch v := value.(type) {
	case string:
		return v != "" && !isPlaceholderDomain(v)
	case []string:
		return len(v) > 0 && !slices.ContainsFunc(v, isPlaceholderDomain)
	}
	return true
}

func (in Input) fromTree(tree map[string]any, source answers.Source) []answers.Proposal {
	if tree == nil {
		return nil
	}
	var found []answers.Proposal
	add := func(key string, raw any) {
		if value, ok := answerOf(answers.Key(key), raw); ok {
			found = append(found, answers.Proposal{Key: answers.Key(key), Value: value, Source: source})
		}
	}
	for key, path := range in.Profile.Paths {
		if raw, ok := values.Lookup(tree, values.MustPath(path)); ok && !isNowhere(raw) {
			add(key, raw)
		}
	}
	for key, item := range in.Profile.Items {
		if raw, ok := values.Lookup(tree, values.MustPath(item.List)); ok {
			list, _ := raw.([]any)
			add(key, itemField(list, item))
		}
	}
	if raw, ok := values.Lookup(tree, values.MustPath(in.Profile.MappingsPath)); ok {
		list, _ := raw.([]any)
		for key, name := range in.Profile.BindingKeys {
			add(key, bindingValue(list, name))
		}
	}
	return found
}

// isNowhere tells values that stand for "not set": placeholders of the chart.
func isNowhere(raw any) bool {
	if list, ok := raw.([]any); ok {
		return slices.ContainsFunc(list, func(item any) bool { text, _ := item.(string); return isPlaceholderDomain(text) })
	}
	text, ok := raw.(string)
	return ok && (text == "" || isPlaceholderDomain(text))
}

func itemField(list []any, item templates.Item) any {
	for _, entry := range list {
		m, ok := entry.(map[string]any)
		if ok && (item.Name == "" || m["name"] == item.Name) {
			return m[item.Field]
		}
	}
	return nil
}

func bindingValue(list []any, name string) any {
	for _, entry := range list {
		m, ok := entry.(map[string]any)
		if !ok || m["name"] != name {
			continue
		}
		entitlement, _ := m["entitlement"].(map[string]any)
		return entitlement["value"]
	}
	return nil
}

// fromDeployment reads back what the running portal was given, where the values
// of its release may not be read: the variables whose Helm path is known.
func (in Input) fromDeployment() []answers.Proposal {
	if r := in.Current.Cluster.Release; r.Installed && r.Unknown == "" {
		return nil
	}
	return in.Running()
}

// Running returns what the running portal was given, as proposals: the variables
// whose Helm path is known.
func (in Input) Running() []answers.Proposal {
	d := in.Current.Cluster.Deployment
	source := answers.Source{Rank: answers.FromCluster, Detail: "Deployment " + d.Name}
	var found []answers.Proposal
	for _, e := range d.Env {
		known, ok := in.Profile.EnvVar(e.Name)
		text := valueOfVariable(d, e)
		if !ok || known.Path == "" || text == "" || isPlaceholderDomain(text) {
			continue
		}
		for key, path := range in.Profile.Paths {
			if path != known.Path {
				continue
			}
			if value, ok := answerOfText(answers.Key(key), text); ok {
				found = append(found, answers.Proposal{Key: answers.Key(key), Value: value, Source: source})
			}
		}
	}
	return found
}

// valueOfVariable undoes what the chart's template makes of a value; "" where the
// variable says nothing that an operator set.
func valueOfVariable(d k8s.Deployment, e k8s.EnvVar) string {
	switch e.Name {
	case "DATABASE_CLIENT":
		return map[string]string{"better-sqlite3": "sqlite", "pg": "postgresql"}[e.Value]
	case "OPENCHOREO_API_URL": // falls back to the API's Service
		if strings.HasSuffix(e.Value, ".svc.cluster.local:8080/api/v1") {
			return ""
		}
	case "OPENCHOREO_SERVICE_CLIENT_ID": // falls back to the sign-in client
		if signIn, ok := d.EnvVar("OPENCHOREO_AUTH_CLIENT_ID"); ok && signIn.Value == e.Value {
			return ""
		}
	case "PGSSLMODE":
		if e.Value == "require" {
			return "true"
		}
	}
	return e.Value
}

// fromSecret reads back the plain settings that live in the Secret, such as the
// database's host.
func (in Input) fromSecret() []answers.Proposal {
	var found []answers.Proposal
	for _, sk := range in.Profile.SecretKeys {
		key := answers.Key(sk.Key)
		kind, known := answers.KindOf(key)
		if !known || kind == answers.Hidden {
			continue
		}
		text, where, ok := in.existing(sk.Name)
		if !ok || text.IsZero() {
			continue
		}
		if value, ok := answerOfText(key, text.Reveal()); ok {
			found = append(found, answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromCluster, Detail: where}})
		}
	}
	return found
}

// answerOf brings a value of a values file to the Go type of key's kind; false
// when it does not fit, which the schema check tells in its own words.
func answerOf(key answers.Key, raw any) (any, bool) {
	kind, known := answers.KindOf(key)
	if !known || raw == nil {
		return nil, false
	}
	switch kind {
	case answers.String:
		text, ok := raw.(string)
		return text, ok
	case answers.Bool:
		yes, ok := raw.(bool)
		return yes, ok
	case answers.Int:
		return wholeNumber(raw)
	case answers.List:
		return texts(raw)
	case answers.Env:
		return envVars(raw)
	}
	return nil, false
}

func answerOfText(key answers.Key, text string) (any, bool) {
	switch kind, _ := answers.KindOf(key); kind {
	case answers.String:
		return text, true
	case answers.Bool:
		return text == "true", text == "true" || text == "false"
	case answers.Int:
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	return nil, false
}

func wholeNumber(raw any) (any, bool) {
	switch n := raw.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	}
	return nil, false
}

func texts(raw any) (any, bool) {
	switch list := raw.(type) {
	case string:
		return []string{list}, true
	case []string:
		return list, true
	case []any:
		out := make([]string, 0, len(list))
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			out = append(out, text)
		}
		return out, true
	}
	return nil, false
}

func envVars(raw any) (any, bool) {
	list, ok := raw.([]any)
	if !ok {
		return nil, false
	}
	out := make([]answers.EnvVar, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, false
		}
		v := answers.EnvVar{}
		v.Name, _ = m["name"].(string)
		v.Value, _ = m["value"].(string)
		v.ValueFrom, _ = m["valueFrom"].(map[string]any)
		out = append(out, v)
	}
	return out, true
}
