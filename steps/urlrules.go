package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

var errorf = fmt.Errorf

// hostnamesRule: a route that lacks the portal's own host answers 404 to everybody.
func hostnamesRule(in plan.Input) error {
	base, ok := parseURL(in.Draft.Portal.BaseURL)
	if !ok || slices.Contains(in.Draft.Portal.Hostnames, base.Hostname()) || slices.ContainsFunc(in.Draft.Portal.Hostnames, hasPlaceholder) {
		return nil
	}
	return errorf("must include %s, the host of portal.baseUrl: the route answers to these names only", base.Hostname())
}

func apiHostnamesRule(in plan.Input) error {
	api, ok := parseURL(in.Draft.API.PublicURL)
	if !ok || slices.Contains(in.Draft.API.Hostnames, api.Hostname()) || slices.ContainsFunc(in.Draft.API.Hostnames, hasPlaceholder) {
		return nil
	}
	return errorf("must include %s, the host of api.publicUrl: the route answers to these names only", api.Hostname())
}

// apiURLRule: the portal's client takes off a final /api/v1 and /api/v1/, but
// not a bare slash.
func apiURLRule(in plan.Input) error {
	text := in.Draft.Portal.APIURL
	if strings.HasSuffix(text, "/") && !strings.HasSuffix(text, "/api/v1/") {
		return errorf("must not end with a slash, such as %s", strings.TrimRight(text, "/"))
	}
	return nil
}

// tlsRule holds scheme and listener together: either of them alone gives a
// portal that nobody reaches.
func tlsRule(in plan.Input) error {
	key, address := mainAddress(in)
	u, ok := parseURL(address)
	switch {
	case ok && in.Draft.Gateway.TLS.Enabled && u.Scheme == "http":
		return errorf("must be no for %s %s, or that address must begin with https", key, address)
	case endsBefore(in) && !in.Current.Accepts("gateway.tls"):
		return errorf("must be yes for %s %s; if TLS ends before the cluster, run with --accept gateway.tls", key, address)
	}
	return nil
}

// mainAddress is the one that people reach first: the portal's, without a portal
// the API's.
func mainAddress(in plan.Input) (key, address string) {
	if !in.Draft.Portal.Enabled {
		return "api.publicUrl", in.Draft.API.PublicURL
	}
	return "portal.baseUrl", in.Draft.Portal.BaseURL
}

// endsBefore tells an https address for which the gateway has no TLS, although no
// values file has it so.
func endsBefore(in plan.Input) bool {
	_, address := mainAddress(in)
	u, ok := parseURL(address)
	return ok && u.Scheme == "https" && !in.Draft.Gateway.TLS.Enabled && in.Draft.From["gateway.tls.enabled"].Rank != answers.FromValues
}

// urlChecks says of tlsRule, when --accept has lifted it, what was accepted.
func urlChecks(_ *Env, in plan.Input) []check.Check {
	if !endsBefore(in) {
		return nil
	}
	key, address := mainAddress(in)
	return []check.Check{judged("gateway.tls", "TLS at the gateway", nil, func() check.Result {
		return fail(fmt.Sprintf("gateway.tls.enabled is no for %s %s", key, address), "something in front of the cluster has to end TLS")
	})}
}

func listenerCoversRule(in plan.Input) error {
	if !in.Draft.Gateway.TLS.Enabled || hasPlaceholder(in.Draft.Gateway.TLS.Hostname) {
		return nil
	}
	for _, address := range []string{in.Draft.Portal.BaseURL, in.Draft.API.PublicURL} {
		u, ok := parseURL(address)
		if !ok || u.Scheme != "https" || (address == in.Draft.Portal.BaseURL && !in.Draft.Portal.Enabled) {
			continue
		}
		if !covers(in.Draft.Gateway.TLS.Hostname, u.Hostname()) {
			return errorf("must cover %s: *.example.com covers every name below example.com, not example.com itself", u.Hostname())
		}
	}
	return nil
}

// covers tells whether a Gateway listener's host name matches host (Gateway
// API: "*." stands for one or more labels).
func covers(listener, host string) bool {
	if parent, wild := strings.CutPrefix(listener, "*."); wild {
		return strings.HasSuffix(host, "."+parent)
	}
	return listener == host
}

func planURLs(in plan.Input, p *plan.Plan) {
	d := &in.Draft
	if d.Gateway.TLS.Enabled && d.Gateway.TLS.CertificateSecret == "" {
		p.Warn("urls", "gateway.tls.certificateSecret is not set: without a certificate the HTTPS listener is not served")
	}
	if d.Has("portal.service.port") && d.Portal.Enabled && d.Portal.Service.Port != 7007 && in.ChartHas("features.eventForwarder") && d.Features.EventForwarder {
		p.Warn("urls", "portal.service.port is %d, but the event forwarder calls port 7007: set eventForwarder.config.webhooks.endpoints too, or turn features.eventForwarder off", d.Portal.Service.Port)
	}
	if d.Target.Namespace != "openchoreo-control-plane" {
		p.Warn("target", "outside the namespace openchoreo-control-plane some of the chart's own addresses (cluster gateway, portal assistant) stay wrong")
	}
}
