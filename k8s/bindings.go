package k8s

import (
	"context"
	"sync"
)

// The resources of OpenChoreo's authorization that hold for the whole cluster.
const (
	bindingResource = "clusterauthzrolebindings"
	roleResource    = "clusterauthzroles"
)

// Bindings are OpenChoreo's cluster-wide authorization bindings and the names of
// its cluster-wide roles.
type Bindings struct {
	Items   []RoleBinding
	Roles   []string
	Actions map[string][]string // that each role allows, such as "component:view"
	Unknown string
}

// RoleBinding gives roles to tokens that have a claim with a value.
type RoleBinding struct {
	Name         string
	Claim, Value string
	Effect       string // allow or deny; "" is allow
	Roles        []string
}

// Named returns the binding of that name.
func (b Bindings) Named(name string) (RoleBinding, bool) {
	for _, item := range b.Items {
		if item.Name == name {
			return item, true
		}
	}
	return RoleBinding{}, false
}

func (c *Client) bindings(ctx context.Context) Bindings {
	type metadata struct {
		Name string `json:"name"`
	}
	var (
		bindings struct {
			Items []struct {
				Metadata metadata `json:"metadata"`
				Spec     struct {
					Effect      string `json:"effect"`
					Entitlement struct {
						Claim string `json:"claim"`
						Value string `json:"value"`
					} `json:"entitlement"`
					RoleMappings []struct {
						RoleRef struct {
							Name string `json:"name"`
						} `json:"roleRef"`
					} `json:"roleMappings"`
				} `json:"spec"`
			} `json:"items"`
		}
		roles struct {
			Items []struct {
				Metadata metadata `json:"metadata"`
				Spec     struct {
					Actions []string `json:"actions"`
				} `json:"spec"`
			} `json:"items"`
		}
		bindingsErr, rolesErr error
		wait                  sync.WaitGroup
	)
	wait.Go(func() {
		bindingsErr = c.list(ctx, kind{planeGroup, "v1alpha1", bindingResource}, "", "", 500, &bindings)
	})
	wait.Go(func() { rolesErr = c.list(ctx, kind{planeGroup, "v1alpha1", roleResource}, "", "", 500, &roles) })
	wait.Wait()
	var out Bindings
	for _, err := range []error{bindingsErr, rolesErr} {
		if err != nil { // also where the cluster does not know the kind
			return Bindings{Unknown: err.Error()}
		}
	}
	for _, item := range bindings.Items {
		b := RoleBinding{
			Name: item.Metadata.Name, Claim: item.Spec.Entitlement.Claim, Value: item.Spec.Entitlement.Value, Effect: item.Spec.Effect,
		}
		for _, m := range item.Spec.RoleMappings {
			b.Roles = append(b.Roles, m.RoleRef.Name)
		}
		out.Items = append(out.Items, b)
	}
	out.Actions = map[string][]string{}
	for _, item := range roles.Items {
		out.Actions[item.Metadata.Name] = item.Spec.Actions
		out.Roles = append(out.Roles, item.Metadata.Name)
	}
	return out
}
