package steps

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

func urls() Step {
	return Step{
		ID: "urls", Title: "URLs",
		Intro:   "One address in; host names, callback, API address and gateway settings follow from it.",
		Suggest: suggestURLs,
		Checks:  urlChecks,
		Notes: func(in plan.Input) []string {
			if callback := Callback(in); callback != "" {
				return []string{"Callback to register at the identity provider:\n" + callback}
			}
			return nil
		},
		Plan: func(in plan.Input, p *plan.Plan) {
			if !in.Draft.Portal.Enabled && in.Profile.ValidateAlways {
				p.Blank("portal.baseUrl")
				p.Blank("portal.hostnames")
			}
			if in.Draft.Portal.Enabled {
				p.Callback(idp.Callback(in.Draft.Portal.BaseURL))
			}
			planURLs(in, p)
		},
		Questions: []Question{
			{Key: "portal.enabled", Title: "Install the portal", Ask: More, Value: boolValue,
				Why: "Without it only the API, the CLI and GitOps remain."},
			{Key: "portal.baseUrl", Title: "Portal address", Example: "https://console.example.com", When: portal, Required: portal,
				Value: urlValue.with(originRule, noQueryRule), Suggest: suggestBaseURL,
				Why: "What people type into the browser, with the port if it is not the scheme's own. Sign-in, links and CORS depend on it to the letter."},
			{Key: "portal.hostnames", Title: "Host names of the route", Example: "console.example.com", When: portal, Ask: More,
				Value: hostsValue, Rule: hostnamesRule, Default: "the host of portal.baseUrl",
				Why: "The HTTPRoute answers to these names only. Bare names: no scheme, no port."},
			{Key: "portal.routing", Title: "Route through the gateway", When: portal, Ask: More, Value: boolValue,
				Why: "Creates the HTTPRoute. Turn it off only if you route to the Service yourself."},
			{Key: "portal.service.type", Title: "Service type", When: portal, Ask: More, Value: textValue,
				Options: []Option{{"ClusterIP", "ClusterIP", "inside the cluster; the gateway leads to it"}, {"NodePort", "NodePort", "a port on every node"}, {"LoadBalancer", "LoadBalancer", "an address of its own"}},
				Why:     "How the portal's Service is exposed."},
			{Key: "portal.service.port", Title: "Service port", Example: "7007", When: portal, Ask: More, Value: portValue,
				Why: "The Service's port; the container's stays 7007. The event forwarder calls 7007, whatever is set here."},
			{Key: "portal.service.nodePort", Title: "Node port", Example: "30707", Ask: More, Value: intValue(1, 65535),
				When: portal.and(Condition{"portal.service.type NodePort or LoadBalancer", func(in plan.Input) bool {
					t := in.Draft.Portal.Service.Type
					return t == "NodePort" || t == "LoadBalancer"
				}}),
				Default: "chosen by Kubernetes",
				Why:     "A fixed port on every node."},
			{Key: "portal.apiUrl", Title: "API address for the portal's pods", Example: "http://openchoreo-api.openchoreo-control-plane.svc.cluster.local:8080/api/v1", When: portal, Ask: More,
				Value: urlValue.with(noQueryRule).orEmpty(), Default: "the API's Service in the cluster", Rule: apiURLRule,
				Why: "Only needed when the API is elsewhere or speaks TLS inside the cluster."},
			{Key: "api.publicUrl", Title: "API address", Example: "https://api.example.com", Required: afterBaseURL,
				Value: urlValue.with(noQueryRule), Default: "api. before, or instead of the first label of, the portal's host",
				Why: "Where the CLI and other clients reach the OpenChoreo API."},
			{Key: "api.hostnames", Title: "Host names of the API's route", Example: "api.example.com", Ask: More, Required: afterAPIURL,
				Value: hostsValue, Default: "the host of api.publicUrl", Rule: apiHostnamesRule,
				Why: "The API's HTTPRoute answers to these names only."},
			{Key: "gateway.tls.enabled", Title: "HTTPS at the gateway", Ask: More, Value: boolValue, Default: "yes for an https address",
				Why: "Gives the gateway an HTTPS listener. Turn it off when TLS ends before the cluster.", Rule: tlsRule},
			{Key: "gateway.tls.hostname", Title: "Host name of the HTTPS listener", Example: "*.example.com", Ask: More, When: throughGateway, Required: throughGateway.and(afterAPIURL),
				Value: Value{Kind: answers.String, Rules: []Rule{listenerRule}}, Rule: listenerCoversRule,
				Default: "*. before the parent that portal and API share",
				Why:     "It must cover the portal's and the API's host: *.example.com covers all names below example.com, but not example.com itself."},
			{Key: "gateway.tls.certificateSecret", Title: "Certificate Secret", Example: "openchoreo-tls", When: throughGateway.and(afterBaseURL),
				Value: nameValue, Default: "none",
				Why: "The kubernetes.io/tls Secret with the listener's certificate, for instance one that cert-manager keeps. Without it the listener is not served."},
			{Key: "gateway.httpPort", Title: "HTTP port of the gateway", Example: "80", Ask: More, Value: portValue, Default: "the port of an http address, else 80",
				Why: "The port that the gateway listens on."},
			{Key: "gateway.httpsPort", Title: "HTTPS port of the gateway", Example: "443", Ask: More, Value: portValue, Default: "the port of an https address, else 443",
				Why: "The port that the gateway listens on."},
		},
	}
}

// afterBaseURL: as long as the portal's address is missing, what follows from it is not.
var afterBaseURL = Condition{"always", func(in plan.Input) bool { return !in.Draft.Portal.Enabled || in.Draft.Has("portal.baseUrl") }}

// afterAPIURL: as long as the API's address is missing, what follows from it is not.
var afterAPIURL = Condition{"always", func(in plan.Input) bool { return in.Draft.Has("api.publicUrl") }}

func suggestBaseURL(in plan.Input) any {
	if routes := in.Current.Cluster.Portal; len(routes.Hostnames) > 0 {
		return addressOf(routes.Hostnames[0], in.Current.Cluster.Gateway)
	}
	if in.Draft.Preset == "development" {
		return "http://openchoreo.localhost:8080"
	}
	return nil
}

// suggestURLs derives everything that follows from the portal's address.
func suggestURLs(in plan.Input) []answers.Proposal {
	d := &in.Draft
	var list []answers.Proposal
	base, ok := parseURL(d.Portal.BaseURL)
	if !ok || !d.Has("portal.baseUrl") {
		return append(list, fromAPI(in)...)
	}
	before, _ := parseURL(baseURLBefore(in))
	list = append(list, derived("portal.hostnames", []string{base.Hostname()}, "portal.baseUrl", follows(in, "portal.hostnames", before, func(u *url.URL) any { return []string{u.Hostname()} })))
	apiURL := d.API.PublicURL
	if api := APIURL(base); api != "" {
		change := follows(in, "api.publicUrl", before, func(u *url.URL) any { return APIURL(u) })
		p := derived("api.publicUrl", api, "portal.baseUrl", change)
		list = append(list, p)
		if d.From["api.publicUrl"].Rank < p.Source.Rank {
			apiURL = api
		}
	}
	https := base.Scheme == "https"
	list = append(list, derived("gateway.tls.enabled", https, "portal.baseUrl", follows(in, "gateway.tls.enabled", before, func(u *url.URL) any { return u.Scheme == "https" })))
	if n, err := strconv.Atoi(base.Port()); err == nil {
		key := map[bool]answers.Key{true: "gateway.httpsPort", false: "gateway.httpPort"}[https]
		list = append(list, derived(key, n, "portal.baseUrl", follows(in, key, before, portOf)))
	}
	api, ok := parseURL(apiURL)
	if !ok {
		return list
	}
	list = append(list, derived("api.hostnames", []string{api.Hostname()}, "api.publicUrl", follows(in, "api.hostnames", before, func(u *url.URL) any {
		old, _ := parseURL(APIURL(u))
		if old == nil {
			return nil
		}
		return []string{old.Hostname()}
	})))
	if parent := sharedParent(base.Hostname(), api.Hostname()); parent != "" {
		list = append(list, derived("gateway.tls.hostname", "*."+parent, "portal.baseUrl", follows(in, "gateway.tls.hostname", before, func(u *url.URL) any {
			old, _ := parseURL(APIURL(u))
			if old == nil {
				return nil
			}
			return "*." + sharedParent(u.Hostname(), old.Hostname())
		})))
	}
	return list
}

// fromAPI derives from the API's address when there is no portal.
func fromAPI(in plan.Input) []answers.Proposal {
	api, ok := parseURL(in.Draft.API.PublicURL)
	if !ok || !in.Draft.Has("api.publicUrl") {
		return nil
	}
	list := []answers.Proposal{
		derived("api.hostnames", []string{api.Hostname()}, "api.publicUrl", false),
		derived("gateway.tls.enabled", api.Scheme == "https", "api.publicUrl", false),
		derived("gateway.tls.hostname", api.Hostname(), "api.publicUrl", false),
	}
	if n, err := strconv.Atoi(api.Port()); err == nil {
		key := map[bool]answers.Key{true: "gateway.httpsPort", false: "gateway.httpPort"}[api.Scheme == "https"]
		list = append(list, derived(key, n, "api.publicUrl", false))
	}
	return list
}

func portOf(u *url.URL) any {
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		return nil
	}
	return n
}

// baseURLBefore returns what the values files say now, when a person is
// changing it.
func baseURLBefore(in plan.Input) string {
	if !in.Draft.Given("portal.baseUrl") {
		return ""
	}
	for _, p := range known(in) {
		if p.Key == "portal.baseUrl" && p.Value != in.Draft.Portal.BaseURL {
			text, _ := p.Value.(string)
			return text
		}
	}
	return ""
}

// follows tells whether the present value of key is what derive makes of the
// address before the change: then it changes with it.
func follows(in plan.Input, key answers.Key, before *url.URL, derive func(*url.URL) any) bool {
	if before == nil || in.Draft.Given(key) {
		return false
	}
	old := derive(before)
	if old == nil {
		return false
	}
	for _, p := range known(in) {
		if p.Key == key {
			return fmt.Sprint(p.Value) == fmt.Sprint(old)
		}
	}
	return false
}

func parseURL(text string) (*url.URL, bool) {
	if urlRule(text) != nil || hasPlaceholder(text) {
		return nil, false
	}
	u, err := url.Parse(text)
	return u, err == nil && u.Host != ""
}

// APIURL derives the API's address from the portal's: "api." before a
// registrable domain, else "api" as the host's first label. It returns "" for a
// host without a name.
func APIURL(base *url.URL) string {
	host := base.Hostname()
	if net.ParseIP(host) != nil {
		return ""
	}
	_, rest, dotted := strings.Cut(host, ".")
	registrable, err := publicsuffix.EffectiveTLDPlusOne(host)
	if !dotted || err != nil || registrable == host {
		rest = host
	}
	api := url.URL{Scheme: base.Scheme, Host: "api." + rest}
	if base.Port() != "" {
		api.Host = net.JoinHostPort(api.Host, base.Port())
	}
	return api.String()
}

// sharedParent returns the longest parent domain that both hosts are below, or
// "" when they share none that a certificate could be for.
func sharedParent(a, b string) string {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	slices.Reverse(as)
	slices.Reverse(bs)
	n := 0
	for n < len(as)-1 && n < len(bs)-1 && as[n] == bs[n] {
		n++
	}
	shared := slices.Clone(as[:n])
	slices.Reverse(shared)
	parent := strings.Join(shared, ".")
	if _, icann := publicsuffix.PublicSuffix(parent); icann && parent != "" {
		if suffix, _ := publicsuffix.PublicSuffix(parent); suffix == parent {
			return ""
		}
	}
	return parent
}
