package templates

import "slices"

func bindingValues(bindings []Binding) []any {
	items := make([]any, len(bindings))
	for i, b := range bindings {
		items[i] = b.Value()
	}
	return items
}

// Value returns the binding as an item of the chart's list of mappings.
func (b Binding) Value() map[string]any {
	roles := make([]any, len(b.RoleMappings))
	for i, role := range b.RoleMappings {
		roles[i] = map[string]any{"roleRef": map[string]any{"name": role.Name, "kind": role.Kind}}
	}
	item := map[string]any{
		"name":         b.Name,
		"kind":         b.Kind,
		"roleMappings": roles,
		"entitlement":  map[string]any{"claim": b.Entitlement.Claim, "value": b.Entitlement.Value},
		"effect":       b.Effect,
	}
	if b.System {
		item["system"] = true
	}
	return item
}

// bindingKeys maps the answers keys to all bindings that any chart has.
func bindingKeys(bindings []Binding) map[string]string {
	keys := map[string]string{
		"authorization.subject":                   "backstage-catalog-reader-binding",
		"authorization.groups.admins":             "admin-binding",
		"authorization.groups.developers":         "developer-binding",
		"authorization.groups.platformEngineers":  "platform-engineer-binding",
		"authorization.groups.sres":               "sre-binding",
		"authorization.clients.rcaAgent":          "rca-agent-binding",
		"authorization.clients.finopsAgent":       "finops-agent-binding",
		"authorization.clients.workloadPublisher": "workload-publisher-binding",
		"authorization.clients.observer":          "observer-resource-reader-binding",
		"authorization.clients.mcpTryout":         "mcp-tryout-client-binding",
	}
	for key, name := range keys {
		if !slices.ContainsFunc(bindings, func(b Binding) bool { return b.Name == name }) {
			delete(keys, key)
		}
	}
	return keys
}

func bindings10() []Binding {
	return []Binding{
		group("admin"), group("developer"), group("platform-engineer"), group("sre"),
		client("backstage-catalog-reader", "openchoreo-backstage-client"),
		client("rca-agent", "openchoreo-rca-agent"),
		client("workload-publisher", "openchoreo-workload-publisher-client"),
		client("observer-resource-reader", "openchoreo-observer-resource-reader-client"),
		mcpTryout(),
	}
}

func bindings11() []Binding {
	return []Binding{
		group("admin"), group("developer"), group("platform-engineer"), group("sre"),
		client("backstage-catalog-reader", "openchoreo-backstage-client"),
		client("finops-agent", "openchoreo-finops-agent"),
		client("rca-agent", "openchoreo-rca-agent"),
		client("workload-publisher", "openchoreo-workload-publisher-client"),
		client("observer-resource-reader", "openchoreo-observer-resource-reader-client"),
		mcpTryout(),
	}
}

func bindings12() []Binding {
	return []Binding{
		group("admin"), group("developer"), group("platform-engineer"), group("sre"),
		mcpTryout(),
		client("backstage-catalog-reader", "openchoreo-backstage-client"),
		client("finops-agent", "openchoreo-finops-agent"),
		client("rca-agent", "openchoreo-rca-agent"),
		client("workload-publisher", "openchoreo-workload-publisher-client"),
		client("observer-resource-reader", "openchoreo-observer-resource-reader-client"),
	}
}

// group binds a role to the group of the same name in the plural.
func group(role string) Binding {
	return allow(role, Binding{Name: role + "-binding", Entitlement: Entitlement{Claim: "groups", Value: role + "s"}})
}

// client binds a role of the system's own to a program's client.
func client(role, sub string) Binding {
	return allow(role, Binding{Name: role + "-binding", System: true, Entitlement: Entitlement{Claim: "sub", Value: sub}})
}

// mcpTryout gives a sample client the role of an administrator.
func mcpTryout() Binding {
	return allow("admin", Binding{Name: "mcp-tryout-client-binding", Entitlement: Entitlement{Claim: "sub", Value: "service_mcp_client"}})
}

func allow(role string, b Binding) Binding {
	b.Kind = "ClusterAuthzRoleBinding"
	b.RoleMappings = []RoleRef{{Name: role, Kind: "ClusterAuthzRole"}}
	b.Effect = "allow"
	return b
}
