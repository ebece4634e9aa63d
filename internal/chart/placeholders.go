package chart

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/openchoreo/backstage-setup/templates"
)

// Placeholders repeats the check with which the charts refuse to render, for a
// chart whose templates are not at hand: addresses that still end in the
// placeholder domain, and the Secret's name. values are as Effective returns
// them.
func Placeholders(p templates.Profile, values map[string]any) []Problem {
	on := func(paths ...string) bool {
		for _, path := range paths {
			v, _ := lookup(any(values), steps(path))
			if truth, _ := template.IsTrue(v); !truth {
				return false
			}
		}
		return true
	}
	const portal, gateway = "backstage.enabled", "gateway.enabled"
	rows := []struct {
		path string
		// since 1.2 the check asks whether these are on; always is what it asked
		// before.
		when, always []string
	}{
		{path: "openchoreoApi.http.hostnames", when: []string{gateway, "openchoreoApi.enabled", "openchoreoApi.http.enabled"}},
		{path: "backstage.http.hostnames", when: []string{gateway, portal, "backstage.http.enabled"}},
		{path: "backstage.baseUrl", when: []string{portal}},
		{path: "gateway.tls.hostname", when: []string{gateway, "gateway.tls.enabled"}, always: []string{"gateway.tls.enabled"}},
		{path: "security.oidc.issuer", when: []string{"security.enabled"}},
	}
	var problems []Problem
	for _, row := range rows {
		when := row.when
		if p.ValidateAlways {
			when = row.always
		}
		v, _ := lookup(any(values), steps(row.path))
		if on(when...) && strings.Contains(text(v), ".invalid") {
			problems = append(problems, Problem{Path: row.path, Message: "is still the placeholder domain (.invalid)"})
		}
	}
	if on(portal) && !on("backstage.secretName") {
		problems = append(problems, Problem{Path: "backstage.secretName", Message: "is required while the portal is enabled"})
	}
	if replicas, ok := lookup(any(values), steps("clusterGateway.replicas")); ok && !p.ValidateAlways && text(replicas) != "1" {
		problems = append(problems, Problem{Path: "clusterGateway.replicas", Message: "must be 1: the cluster gateway keeps its connections in memory"})
	}
	return problems
}

// text is a scalar's, or that of a list's items with commas between them.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = text(item)
		}
		return strings.Join(items, ",")
	}
	return fmt.Sprint(v)
}
