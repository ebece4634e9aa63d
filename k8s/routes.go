package k8s

import "context"

const gatewayGroup = "gateway.networking.k8s.io"

// Route is an HTTPRoute. Name is "" when there is none.
type Route struct {
	Name      string
	Hostnames []string
	Gateways  []string // names of its parents
	Accepted  bool     // by at least one Gateway, with all its backends found
	Message   string   // why not
	Unknown   string
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
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Hostnames  []string `json:"hostnames"`
		ParentRefs []struct {
			Name string `json:"name"`
		} `json:"parentRefs"`
	} `json:"spec"`
	Status struct {
		Parents []struct {
			Conditions []condition `json:"conditions"`
		} `json:"parents"`
	} `json:"status"`
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
	for _, parent := range r.Status.Parents {
		ok := len(parent.Conditions) > 0
		for _, cond := range parent.Conditions {
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
