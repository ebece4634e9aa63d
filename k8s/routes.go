package k8s

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

const gatewayGroup = "gateway.networking.k8s.io"

// Route is an HTTPRoute. Name is "" when there is none.
type Route struct {
	Name      string
	Hostnames []string
	Gateways  []string // names of its parents
	Rules     []RouteRule
	Accepted  bool   // by at least one of Gateways, as it is now, with all its backends found
	Message   string // why not
	Unknown   string
}

// RouteRule is where an HTTPRoute sends some paths.
type RouteRule struct {
	Root     bool // it is for every path
	Backends []RouteBackend
}

// RouteBackend is a Service that a rule sends to, of the route's own namespace
// where Namespace is "".
type RouteBackend struct {
	Namespace, Name string
	Port            int
}

// Gateway is the control plane's Gateway. Name is "" when there is none.
type Gateway struct {
	Name       string
	Class      string
	Listeners  []Listener
	Addresses  []string // IP addresses or host names, when it has any
	Programmed bool
	Unknown    string
}

// Listener is a port of a Gateway.
type Listener struct {
	Name, Hostname string // Hostname "" is any
	Protocol       string // HTTP, HTTPS, TLS
	Port           int
	TLS            string   // Terminate, Passthrough or "" for none
	Certificates   []string // names of the Secrets
	Programmed     bool
}

// routeObject is an HTTPRoute as the API server sends it.
type routeObject struct {
	Metadata struct {
		Name       string            `json:"name"`
		Namespace  string            `json:"namespace"`
		Generation int64             `json:"generation"`
		Labels     map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Hostnames  []string      `json:"hostnames"`
		ParentRefs []routeParent `json:"parentRefs"`
		Rules      []routeRule   `json:"rules"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			Ref        routeParent `json:"parentRef"`
			Conditions []struct {
				condition
				Observed int64 `json:"observedGeneration"`
			} `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
}

type routeParent struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type routeRule struct {
	Matches []struct {
		Path *struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"path"`
		Headers     []struct{} `json:"headers"`
		QueryParams []struct{} `json:"queryParams"`
		Method      string     `json:"method"`
	} `json:"matches"`
	BackendRefs []struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Port      int    `json:"port"`
	} `json:"backendRefs"`
}

// plain tells what of a rule counts. Without matches a rule is for everything, and
// so is the prefix / and a match that names no path.
func (r routeRule) plain() RouteRule {
	out := RouteRule{Root: len(r.Matches) == 0}
	for _, m := range r.Matches {
		prefix := m.Path == nil || (m.Path.Type == "" || m.Path.Type == "PathPrefix") && (m.Path.Value == "" || m.Path.Value == "/")
		if prefix && len(m.Headers) == 0 && len(m.QueryParams) == 0 && m.Method == "" {
			out.Root = true
		}
	}
	for _, b := range r.BackendRefs {
		if b.Kind == "" || b.Kind == "Service" {
			out.Backends = append(out.Backends, RouteBackend{b.Namespace, b.Name, b.Port})
		}
	}
	return out
}

// routes returns the HTTPRoutes of the portal and of the API.
func (c *Client) routes(ctx context.Context, namespace string) (portal, api Route) {
	selector := componentLabel + " in (" + portalComponent + "," + apiComponent + ")"
	all, err := c.listRoutes(ctx, namespace, selector)
	if err != nil {
		reason := unknown(err)
		return Route{Unknown: reason}, Route{Unknown: reason}
	}
	for _, r := range all {
		switch r.Metadata.Labels[componentLabel] {
		case portalComponent:
			portal = r.plain()
		case apiComponent:
			api = r.plain()
		}
	}
	return portal, api
}

func (c *Client) listRoutes(ctx context.Context, namespace, selector string) ([]routeObject, error) {
	var list struct {
		Items []routeObject `json:"items"`
	}
	err := c.list(ctx, kind{gatewayGroup, "v1", "httproutes"}, namespace, selector, 50, &list)
	return list.Items, err
}

func (r routeObject) plain() Route {
	out := Route{Name: r.Metadata.Name, Hostnames: r.Spec.Hostnames}
	for _, parent := range r.Spec.ParentRefs {
		out.Gateways = append(out.Gateways, parent.Name)
	}
	for _, rule := range r.Spec.Rules {
		out.Rules = append(out.Rules, rule.plain())
	}
	wanted := func(ref routeParent) bool {
		return slices.ContainsFunc(r.Spec.ParentRefs, func(p routeParent) bool {
			return p.Name == ref.Name && cmp.Or(p.Namespace, r.Metadata.Namespace) == cmp.Or(ref.Namespace, r.Metadata.Namespace)
		})
	}
	for _, parent := range r.Status.Parents {
		if !wanted(parent.Ref) { // what is said about a parent of before
			out.Message = "Gateway " + strings.Join(out.Gateways, ", ") + " has said nothing about it, only " + parent.Ref.Name + " of before"
			continue
		}
		ok := len(parent.Conditions) > 0
		for _, cond := range parent.Conditions {
			if stale := cond.Observed != 0 && cond.Observed < r.Metadata.Generation; stale {
				ok = false
				out.Message = "its Gateway has not looked at the last change yet"
				break
			}
			if cond.Status == "True" || (cond.Type != "Accepted" && cond.Type != "ResolvedRefs") {
				continue
			}
			ok = false
			out.Message = cond.Message
		}
		out.Accepted = out.Accepted || ok
	}
	if out.Accepted {
		out.Message = ""
	}
	return out
}

func (c *Client) gateway(ctx context.Context, namespace string) Gateway {
	var g struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Spec struct {
			Class     string `json:"gatewayClassName"`
			Listeners []struct {
				Name     string `json:"name"`
				Hostname string `json:"hostname"`
				Port     int    `json:"port"`
				Protocol string `json:"protocol"`
				TLS      *struct {
					Mode            string `json:"mode"`
					CertificateRefs []struct {
						Name string `json:"name"`
					} `json:"certificateRefs"`
				} `json:"tls"`
			} `json:"listeners"`
		} `json:"spec"`
		Status struct {
			Addresses []struct {
				Value string `json:"value"`
			} `json:"addresses"`
			Conditions []condition `json:"conditions"`
			Listeners  []struct {
				Name       string      `json:"name"`
				Conditions []condition `json:"conditions"`
			} `json:"listeners"`
		} `json:"status"`
	}
	if err := c.get(ctx, kind{gatewayGroup, "v1", "gateways"}, namespace, gatewayName, &g); err != nil {
		return Gateway{Unknown: unknown(err)}
	}
	out := Gateway{Name: g.Metadata.Name, Class: g.Spec.Class, Programmed: isTrue(g.Status.Conditions, "Programmed")}
	programmed := map[string]bool{}
	for _, l := range g.Status.Listeners {
		programmed[l.Name] = isTrue(l.Conditions, "Programmed")
	}
	for _, l := range g.Spec.Listeners {
		listener := Listener{Name: l.Name, Hostname: l.Hostname, Port: l.Port, Protocol: l.Protocol, Programmed: programmed[l.Name]}
		if l.TLS != nil {
			listener.TLS = l.TLS.Mode
			if listener.TLS == "" {
				listener.TLS = "Terminate" // the Gateway API's default
			}
			for _, ref := range l.TLS.CertificateRefs {
				listener.Certificates = append(listener.Certificates, ref.Name)
			}
		}
		out.Listeners = append(out.Listeners, listener)
	}
	for _, a := range g.Status.Addresses {
		out.Addresses = append(out.Addresses, a.Value)
	}
	return out
}

func isTrue(conditions []condition, kind string) bool {
	for _, cond := range conditions {
		if cond.Type == kind {
			return cond.Status == "True"
		}
	}
	return false
}
