package steps

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// known is what settles answers because it is there: values files, the release,
// and what runs.
func known(in plan.Input) []answers.Proposal { return append(in.Found(), running(in)...) }

// running is what routes, gateway and API of an installation tell, where the
// values of its release may not be read.
func running(in plan.Input) []answers.Proposal {
	c := in.Current.Cluster
	lost := examining(in) && c.Release.Status == "" // Helm has no record of it any more
	if c.Release.Installed && c.Release.Unknown == "" && !lost {
		return nil
	}
	var list []answers.Proposal
	add := func(key answers.Key, value any, where string) {
		if text, ok := value.(string); ok && (text == "" || strings.Contains(text, ".invalid")) {
			return // the chart's placeholders
		}
		list = append(list, found(key, value, where))
	}
	if r := c.Portal; len(r.Hostnames) > 0 {
		add("portal.hostnames", r.Hostnames, "HTTPRoute "+r.Name)
	}
	if r := c.API; len(r.Hostnames) > 0 {
		add("api.hostnames", r.Hostnames, "HTTPRoute "+r.Name)
	}
	list = append(list, listening(c.Gateway)...)
	const where = "ConfigMap openchoreo-api-config"
	for _, setting := range []struct {
		key  answers.Key
		path []string
	}{
		{"api.publicUrl", []string{"server", "public_url"}},
		{"identity.issuer", []string{"identity", "oidc", "issuer"}},
		{"identity.jwksUrl", []string{"identity", "oidc", "jwks_url"}},
		{"identity.authorizationUrl", []string{"identity", "oidc", "authorization_endpoint"}},
		{"identity.tokenUrl", []string{"identity", "oidc", "token_endpoint"}},
		{"authorization.groups.claim", []string{"security", "subjects", "user", "mechanisms", "jwt", "entitlement", "claim"}},
		{"authorization.subjectClaim", []string{"security", "subjects", "service_account", "mechanisms", "jwt", "entitlement", "claim"}},
	} {
		text, _ := below(c.APIConfig.Config, setting.path...).(string)
		add(setting.key, text, where)
	}
	if audiences, _ := below(c.APIConfig.Config, "security", "authentication", "jwt", "audiences").([]any); len(audiences) > 0 {
		text, _ := audiences[0].(string)
		add("identity.audience", text, where)
	}
	return list
}

// listening is what the gateway's listeners tell.
func listening(g k8s.Gateway) []answers.Proposal {
	if g.Name == "" {
		return nil
	}
	where := "Gateway " + g.Name
	list := []answers.Proposal{found("gateway.tls.enabled", terminating(g) != nil, where)}
	for _, l := range g.Listeners {
		if l.Protocol == "HTTP" {
			list = append(list, found("gateway.httpPort", l.Port, where))
		}
	}
	if l := terminating(g); l != nil {
		list = append(list, found("gateway.httpsPort", l.Port, where))
		if l.Hostname != "" {
			list = append(list, found("gateway.tls.hostname", l.Hostname, where))
		}
		if len(l.Certificates) > 0 {
			list = append(list, found("gateway.tls.certificateSecret", l.Certificates[0], where))
		}
	}
	return list
}

// terminating is the gateway's first listener that ends TLS; nil when none does.
func terminating(g k8s.Gateway) *k8s.Listener {
	for i, l := range g.Listeners {
		if l.Protocol == "HTTPS" {
			return &g.Listeners[i]
		}
	}
	return nil
}

// addressOf is the address of a host behind the gateway; https where the gateway
// is not known.
func addressOf(host string, g k8s.Gateway) string {
	u := url.URL{Scheme: "https", Host: host}
	if g.Name == "" {
		return u.String()
	}
	u.Scheme = ""
	for _, l := range g.Listeners {
		scheme, usual := "https", 443
		if l.Protocol == "HTTP" {
			scheme, usual = "http", 80
		}
		if (l.Protocol != "HTTP" && l.Protocol != "HTTPS") || u.Scheme == "https" || l.Hostname != "" && !covers(l.Hostname, host) {
			continue
		}
		u.Scheme, u.Host = scheme, host
		if l.Port != usual {
			u.Host = net.JoinHostPort(host, strconv.Itoa(l.Port))
		}
	}
	if u.Scheme == "" {
		u.Scheme = "https"
	}
	return u.String()
}

// below is what is under a path of keys; nil when there is nothing.
func below(tree map[string]any, path ...string) any {
	var value any = tree
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}
