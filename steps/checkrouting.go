package steps

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
)

// visiting is a check that asks over HTTP.
func (x examiner) visiting(id string, after []string, run func(context.Context) check.Result) check.Check {
	return check.Check{ID: id, Title: titleOf(id), After: after, Timeout: visitTimeout + 2*time.Second, Run: func(ctx context.Context) check.Result {
		if x.env == nil || x.env.Visitor == nil {
			return skipped("nothing is asked over HTTP")
		}
		return run(ctx)
	}}
}

// serviceURL is an address of a Service, for a port-forward.
func (x examiner) serviceURL(s k8s.Service, port int, path string) string {
	if len(s.Ports) > 0 && !slices.Contains(s.Ports, port) {
		port = s.Ports[0]
	}
	u := url.URL{Scheme: "http", Host: s.Name + "." + x.namespace() + ".svc:" + strconv.Itoa(port), Path: path}
	return u.String()
}

// portalHealth asks the portal itself, past Gateway and DNS.
func (x examiner) portalHealth(ctx context.Context) check.Result {
	services := x.in.Current.Health.Services
	switch {
	case services.Unknown != "":
		return hidden(services.Unknown)
	case services.Portal.Name == "":
		return faulty("there is no Service of the portal", "it was deleted: the route leads nowhere", "upgrade the release: the chart makes it", x.setup("install --upgrade"))
	}
	if d := x.in.Current.Cluster.Deployment; d.Name != "" {
		show := x.kubectl("get service %s -o yaml", services.Portal.Name)
		if !services.Portal.Selects(d.Labels) {
			return faulty("the selector of Service "+services.Portal.Name+" matches no pod of Deployment "+d.Name, "somebody changed the Service: the route leads nowhere", "upgrade the release: the chart makes the Service", show)
		}
		if at := slices.IndexFunc(services.Portal.Targets, func(t string) bool { return len(d.Ports) > 0 && !slices.Contains(d.Ports, t) }); at >= 0 {
			return faulty(fmt.Sprintf("Service %s sends to port %s of the pods, which have %s", services.Portal.Name, services.Portal.Targets[at], strings.Join(d.Ports, ", ")), "somebody changed the Service: its targetPort is nothing that the portal listens at", "upgrade the release: the chart makes the Service", show)
		}
	}
	address := x.serviceURL(services.Portal, 7007, "/healthcheck")
	visit, err := x.env.Visitor.Get(ctx, address)
	if err != nil {
		return unvisited("Service "+services.Portal.Name, err, x.kubectl("get pods -l app.kubernetes.io/component=backstage"))
	}
	if visit.Status != 200 {
		r := faulty(fmt.Sprintf("Service %s answers %d at /healthcheck", services.Portal.Name, visit.Status), "the portal starts, ends, or cannot use its database", "look at the portal's log", x.kubectl("logs deployment/%s", x.in.Current.Cluster.Deployment.Name))
		r.Code = "visit.status"
		return r
	}
	return pass("the portal answers at /healthcheck")
}

// unvisited is about an address in the cluster that gave no answer.
func unvisited(what string, err error, fix string) check.Result {
	code, why := obstacle(err)
	if code == "visit.forbidden" {
		r := hidden(err.Error())
		r.Code = code
		return r
	}
	r := faulty(what+" does not answer: "+err.Error(), why, "look at the pods behind it", fix)
	r.Code = code
	return r
}

// routingChecks are the way from a browser to the portal.
func (x examiner) routingChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	base, ok := parseURL(x.in.Draft.Portal.BaseURL)
	list := []check.Check{x.judged("routing.address", []string{"portal.deployment"}, func() check.Result {
		if why := firstOf(x.in.Current.Cluster.Deployment.Unknown, x.in.Current.Cluster.Release.Unknown); !ok && why != "" {
			return hidden(why)
		}
		if !ok {
			return faulty("the portal's address is not set", "backstage.baseUrl has the chart's placeholder, or nothing", "set portal.baseUrl", x.setup("install"))
		}
		if base.Path != "" && base.Path != "/" {
			return faulty(x.in.Draft.Portal.BaseURL+" has a path", "the chart's route is for the root of a host", "give the portal a host of its own", x.setup("install"))
		}
		return pass(x.in.Draft.Portal.BaseURL)
	})}
	if x.in.Draft.Portal.Routing {
		list = append(list,
			x.judged("routing.gateway", []string{"cluster.namespace"}, x.gateway),
			x.judged("routing.route", []string{"routing.address"}, func() check.Result {
				return x.route(x.in.Current.Cluster.Portal, base, "portal.hostnames", x.in.Current.Health.Services.Portal)
			}),
			x.judged("routing.listener", []string{"routing.address", "routing.gateway"}, func() check.Result { return x.listener(base) }),
			x.judged("routing.certificate", []string{"routing.address", "routing.gateway"}, func() check.Result { return x.certificate(base) }),
		)
	}
	return append(list,
		x.visiting("routing.url", []string{"routing.address"}, func(ctx context.Context) check.Result {
			return x.outside(ctx, x.in.Draft.Portal.BaseURL, "/healthcheck", "portal.baseUrl")
		}),
		x.visiting("routing.callback", []string{"routing.url"}, x.callback),
	)
}

func (x examiner) gateway() check.Result {
	g := x.in.Current.Cluster.Gateway
	show := x.kubectl("describe gateway %s", firstOf(g.Name, "gateway-default"))
	switch {
	case g.Name == "" && g.Unknown != "":
		return hidden(g.Unknown)
	case g.Name == "":
		return faulty("there is no Gateway gateway-default", "gateway.enabled is off, or it was deleted", "upgrade the release: the chart makes it", x.setup("install --upgrade"))
	case !g.Programmed:
		return faulty("Gateway "+g.Name+" is not programmed", "no controller of class "+firstOf(g.Class, "kgateway")+" takes it, or it could not set it up", "look at the Gateway's conditions and its controller", show)
	case len(g.Addresses) == 0:
		return doubtful("Gateway "+g.Name+" has no address", "the cluster gives its Service no load balancer", "give it one, or reach it by its node ports", show)
	}
	return pass(g.Name + " at " + strings.Join(g.Addresses, ", "))
}

// route judges an HTTPRoute against the address and the Service that it is to serve.
func (x examiner) route(r k8s.Route, address *url.URL, key string, service k8s.Service) check.Result {
	show := x.kubectl("describe httproute %s", firstOf(r.Name, "backstage"))
	switch {
	case r.Name == "" && r.Unknown != "":
		return hidden(r.Unknown)
	case r.Name == "":
		return faulty("there is no HTTPRoute", "its http.enabled is off, its host names are empty, or it was deleted", "upgrade the release: the chart makes it", x.setup("install --upgrade"))
	case address != nil && !slices.ContainsFunc(r.Hostnames, func(h string) bool { return covers(h, address.Hostname()) || h == address.Hostname() }):
		f := faulty(fmt.Sprintf("HTTPRoute %s is for %s, the address is %s", r.Name, strings.Join(r.Hostnames, ", "), address.Hostname()), "the Gateway answers 404 for every other host", "make host names and address agree", x.setup("install"))
		f.Cure = cureAt(key)
		if f.Cure != nil {
			f.Cure.Propose = []check.Proposal{{Key: key, Value: []string{address.Hostname()}}}
		}
		return f
	case !r.Accepted:
		return faulty(fmt.Sprintf("HTTPRoute %s is not accepted: %s", r.Name, firstOf(r.Message, "no Gateway has said anything about it")), "its Gateway or its backend is not there, or nothing watches it", "look at its conditions", show)
	}
	if wrong := misled(r, service, x.namespace()); wrong != "" {
		return faulty("HTTPRoute "+r.Name+" "+wrong, "somebody changed the route: browsers get an error, another program, or nothing", "upgrade the release: the chart makes the route",
			x.kubectl("get httproute %s -o yaml", r.Name))
	}
	return pass(fmt.Sprintf("HTTPRoute %s for %s", r.Name, strings.Join(r.Hostnames, ", ")))
}

// misled says how a route fails to bring / to a Service; "" where it does, or the
// Service is not known.
func misled(r k8s.Route, service k8s.Service, namespace string) string {
	if service.Name == "" {
		return ""
	}
	i := slices.IndexFunc(r.Rules, func(rule k8s.RouteRule) bool { return rule.Root })
	if i < 0 {
		return "is for some paths only: no rule is for /"
	}
	var has []string
	for _, b := range r.Rules[i].Backends {
		if b.Name == service.Name && slices.Contains(service.Ports, b.Port) && (b.Namespace == "" || b.Namespace == namespace) {
			return ""
		}
		has = append(has, fmt.Sprintf("%s:%d", b.Name, b.Port))
	}
	return fmt.Sprintf("sends / to %s, the Service is %s:%s", firstOf(strings.Join(has, ", "), "nothing"), service.Name, strings.Join(texts(service.Ports), ", "))
}

// serving is the Gateway's listener for an address; nil when there is none.
func serving(g k8s.Gateway, address *url.URL) *k8s.Listener {
	protocol := map[string]string{"http": "HTTP", "https": "HTTPS"}[address.Scheme]
	for i, l := range g.Listeners {
		if l.Protocol == protocol && (l.Hostname == "" || l.Hostname == address.Hostname() || covers(l.Hostname, address.Hostname())) {
			return &g.Listeners[i]
		}
	}
	return nil
}

func (x examiner) listener(base *url.URL) check.Result {
	g := x.in.Current.Cluster.Gateway
	if g.Name == "" {
		return hidden(g.Unknown)
	}
	if base == nil {
		return skipped("the portal's address is not known")
	}
	l := serving(g, base)
	show := x.kubectl("describe gateway %s", g.Name)
	if l == nil {
		var has []string
		for _, l := range g.Listeners {
			has = append(has, fmt.Sprintf("%s %s %d %s", l.Name, l.Protocol, l.Port, firstOf(l.Hostname, "any host")))
		}
		r := faulty(fmt.Sprintf("no listener of Gateway %s is for %s://%s; it has %s", g.Name, base.Scheme, base.Hostname(), firstOf(strings.Join(has, "; "), "none")),
			"TLS ends elsewhere, or gateway.tls.hostname does not cover the host: *.example.com covers portal.example.com and not example.com", "set gateway.tls.enabled and gateway.tls.hostname", x.setup("install"))
		r.Cure = cureAt("gateway.tls.hostname")
		if base.Scheme == "https" && terminating(g) == nil {
			r.Status = check.Warn // a load balancer or proxy in front may end TLS
			r.Cure = cureAt("gateway.tls.enabled")
		}
		return r
	}
	port := base.Port()
	if !l.Programmed {
		return faulty(fmt.Sprintf("listener %s of Gateway %s is not programmed", l.Name, g.Name), "its certificate is missing or not readable, or its port is taken", "look at the listener's conditions", show)
	}
	if wanted := map[string]int{"http": 80, "https": 443}[base.Scheme]; port != "" && port != strconv.Itoa(l.Port) || port == "" && l.Port != wanted {
		return doubtful(fmt.Sprintf("listener %s is at port %d, the address is %s", l.Name, l.Port, base.Host), "something in between has to change the port, such as a load balancer or k3d", "make gateway ports and address agree unless that is so", show)
	}
	return pass(fmt.Sprintf("listener %s, port %d", l.Name, l.Port))
}

// soon is when a certificate's end is worth a word.
const soon = 14 * 24 * time.Hour

func (x examiner) certificate(base *url.URL) check.Result {
	if x.in.Current.Cluster.Gateway.Name == "" {
		return hidden(x.in.Current.Cluster.Gateway.Unknown)
	}
	if base == nil {
		return skipped("the portal's address is not known")
	}
	l := serving(x.in.Current.Cluster.Gateway, base)
	if base.Scheme != "https" || l == nil {
		return pass("no listener of the Gateway ends TLS for it")
	}
	if len(l.Certificates) == 0 {
		r := faulty("listener "+l.Name+" names no certificate", "gateway.tls.certificateRefs is empty", "name the Secret with the certificate", x.setup("install"))
		r.Cure = cureAt("gateway.tls.certificateSecret")
		return r
	}
	var result check.Result
	for _, c := range x.in.Current.Health.Certificates {
		if !slices.Contains(l.Certificates, c.Secret) {
			continue
		}
		result = x.judgeCertificate(c, base.Hostname())
		if result.Status == check.Pass {
			return result
		}
	}
	if result.Status == "" {
		return unsettled("the listener's certificate was not read", "")
	}
	return result
}

func (x examiner) judgeCertificate(c k8s.Certificate, host string) check.Result {
	cure := cureAt("gateway.tls.certificateSecret")
	broken := func(found, why, hint string) check.Result {
		r := faulty(found, why, hint, x.kubectl("get secret %s", c.Secret))
		r.Cure = cure
		return r
	}
	now := x.now()
	switch {
	case c.Unknown != "":
		return hidden(c.Unknown)
	case c.Missing:
		return broken("Secret "+c.Secret+" is not there", "cert-manager has not made it, or it is in another namespace", "make the certificate, or name another Secret")
	case c.Problem != "":
		return broken("Secret "+c.Secret+": "+c.Problem, "it is no kubernetes.io/tls Secret", "write certificate and key into it")
	case !now.IsZero() && now.After(c.NotAfter):
		return broken(fmt.Sprintf("the certificate in Secret %s has expired on %s", c.Secret, c.NotAfter.UTC().Format(time.DateOnly)), "nobody renewed it", "renew it")
	case !slices.ContainsFunc(c.Names, func(n string) bool { return strings.EqualFold(n, host) || covers(n, host) }):
		return broken(fmt.Sprintf("the certificate in Secret %s is for %s and not for %s", c.Secret, strings.Join(c.Names, ", "), host), "browsers refuse it", "get one for the portal's host")
	case !now.IsZero() && c.NotAfter.Sub(now) < soon:
		return doubtful(fmt.Sprintf("the certificate in Secret %s expires on %s", c.Secret, c.NotAfter.UTC().Format(time.DateOnly)), "", "see that it is renewed", x.kubectl("get secret %s", c.Secret))
	}
	return pass(fmt.Sprintf("Secret %s, until %s", c.Secret, c.NotAfter.UTC().Format(time.DateOnly)))
}

// outside asks as a browser would: by the public address.
func (x examiner) outside(ctx context.Context, address, path, key string) check.Result {
	if _, ok := parseURL(address); !ok {
		return skipped("the address is not known")
	}
	at := strings.TrimSuffix(address, "/") + path
	visit, err := x.env.Visitor.Get(ctx, at)
	switch {
	case err != nil:
		code, why := obstacle(err)
		r := faulty(at+" does not answer: "+err.Error(), why, "`backstage-setup explain "+code+"` says what to look at; where it cannot be reached from here, leave it out with --skip CHECK=REASON", "curl -v "+at)
		r.Code, r.Cure = code, cureAt(key)
		if code == "visit.authority" {
			r.Status = check.Warn
		}
		return r
	case visit.Status != 200:
		why := map[int]string{404: "the Gateway has no route for this host, or another server has this address", 502: "the Gateway does not reach the pods", 503: "the Gateway has no pod to send it to"}[visit.Status]
		r := faulty(fmt.Sprintf("%s answers %d", at, visit.Status), firstOf(why, "something else answers at this address, or the pods are not ready"), "look at route, Gateway and pods", "curl -v "+at)
		r.Code, r.Cure = "visit.status", cureAt(key)
		return r
	case strings.Contains(strings.ToLower(visit.Body), "<html"):
		r := faulty(at+" answers with a page", "another server has this address, or a proxy asks for a login", "compare the DNS record with the Gateway's address", "curl -v "+at)
		r.Code, r.Cure = "visit.other", cureAt(key)
		return r
	}
	return pass(at + " answers")
}

// callback asks the portal to begin a sign-in: the redirect tells which provider
// and which callback it uses. The browser would go on; this does not.
func (x examiner) callback(ctx context.Context) check.Result {
	if !x.in.Draft.Security.Authentication {
		return skipped("authentication is off")
	}
	base := strings.TrimSuffix(x.in.Draft.Portal.BaseURL, "/")
	visit, err := x.env.Visitor.Get(ctx, base+"/api/auth/openchoreo-auth/start?scope=openid&env=development")
	if err != nil {
		return unsettled("the sign-in did not begin: "+err.Error(), "open the portal and sign in")
	}
	to, err := url.Parse(visit.Location)
	if visit.Status/100 != 3 || err != nil || to.Query().Get("redirect_uri") == "" {
		return unsettled(fmt.Sprintf("the sign-in does not begin with a redirect: the answer is %d", visit.Status), "open the portal and sign in")
	}
	wanted := Callback(x.in)
	if got := to.Query().Get("redirect_uri"); got != wanted {
		r := faulty(fmt.Sprintf("the portal sends people back to %s, its address makes %s", got, wanted), "the pods run with another base URL than is set now", "upgrade and restart the portal", x.kubectl("rollout restart deployment/%s", x.in.Current.Cluster.Deployment.Name))
		r.Cure = cureAt("portal.baseUrl")
		return r
	}
	if set, ok := parseURL(x.in.Draft.Identity.AuthorizationURL); ok && to.Host != set.Host {
		r := faulty(fmt.Sprintf("the portal sends people to %s to sign in, identity.authorizationUrl is at %s", to.Host, set.Host), "the pods run with other values than are set now", "upgrade and restart the portal", x.kubectl("rollout restart deployment/%s", x.in.Current.Cluster.Deployment.Name))
		r.Cure = cureAt("identity.authorizationUrl")
		return r
	}
	return pass(wanted)
}
