package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
)

// apiChecks are the OpenChoreo API, which the portal reads everything from.
func (x examiner) apiChecks() []check.Check {
	w := x.in.Current.Health.API
	there := []string{"api.deployment"}
	list := []check.Check{
		x.judged("api.deployment", []string{"cluster.namespace"}, func() check.Result {
			switch {
			case w.Name == "" && w.Unknown != "":
				return hidden(w.Unknown)
			case w.Name == "":
				return faulty("there is no Deployment of the OpenChoreo API in namespace "+x.namespace(), "openchoreoApi.enabled is off, or it was deleted", "upgrade the release", x.setup("install --upgrade"))
			}
			return pass(w.Name)
		}),
		x.judged("api.rollout", there, func() check.Result {
			r := x.rollout(w)
			if w.Rollout.Desired == 0 && r.Status != check.Inconclusive {
				r = faulty("Deployment "+w.Name+" is scaled to 0: no pod runs", "somebody scaled it down", "scale it up", x.kubectl("scale deployment/%s --replicas=1", w.Name))
				r.Code = "rollout.scaled-to-zero"
			}
			r.Cure = nil // nothing of the API is asked in a flow
			return r
		}),
		x.judged("api.config", []string{"cluster.namespace"}, x.apiConfig),
		x.judged("api.logs", there, func() check.Result { return x.logs(w) }),
		x.visiting("api.health", there, x.apiHealth),
	}
	if x.in.Draft.Portal.Enabled {
		list = append(list, x.judged("api.address", []string{"portal.deployment"}, x.deployed(x.apiAddress)))
	}
	if address, ok := parseURL(x.in.Draft.API.PublicURL); ok {
		list = append(list,
			x.judged("api.route", there, func() check.Result {
				return x.route(x.in.Current.Cluster.API, address, "api.hostnames", x.in.Current.Health.Services.API)
			}),
			x.visiting("api.url", there, func(ctx context.Context) check.Result {
				return x.outside(ctx, x.in.Draft.API.PublicURL, "/health", "api.publicUrl")
			}),
		)
	}
	return list
}

// apiConfig compares what the API runs with, as far as the portal depends on it,
// with the values and with what Helm applied.
func (x examiner) apiConfig() check.Result {
	config := x.in.Current.Cluster.APIConfig
	switch {
	case config.Unknown != "":
		return hidden(config.Unknown)
	case config.Config == nil:
		return faulty("there is no ConfigMap openchoreo-api-config", "it was deleted", "upgrade the release: the chart makes it", x.setup("install --upgrade"))
	}
	d := x.in.Draft
	var lines []string
	var first answers.Key
	compare := func(key answers.Key, live, want string) {
		if live != want && want != "" && d.From[key].Rank == answers.FromCluster {
			lines = append(lines, fmt.Sprintf("%s: the API has %q, the values say %q", key, live, want))
			if first == "" {
				first = key
			}
		}
	}
	text := func(path ...string) string { t, _ := below(config.Config, path...).(string); return t }
	if d.Security.Authentication {
		compare("identity.issuer", text("identity", "oidc", "issuer"), d.Identity.Issuer)
		compare("identity.jwksUrl", text("identity", "oidc", "jwks_url"), d.Identity.JWKSURL)
		audiences, _ := below(config.Config, "security", "authentication", "jwt", "audiences").([]any)
		if d.Identity.Audience != "" && !slices.Contains(audiences, any(d.Identity.Audience)) || d.Identity.Audience == "" && len(audiences) > 0 {
			lines = append(lines, fmt.Sprintf("identity.audience: the API wants %v, the values say %q", audiences, d.Identity.Audience))
			first = firstKey(first, "identity.audience")
		}
	}
	compare("api.publicUrl", text("server", "public_url"), d.API.PublicURL)
	for _, s := range []struct {
		key  answers.Key
		path []string
		want bool
	}{
		{"security.authentication", []string{"security", "enabled"}, d.Security.Authentication},
		{"security.authorization", []string{"security", "authorization", "enabled"}, d.Security.Authorization},
	} {
		if on, known := below(config.Config, s.path...).(bool); known && on != s.want {
			lines = append(lines, fmt.Sprintf("%s: the API has %s, the values say %s", s.key, yesNo(on), yesNo(s.want)))
			first = firstKey(first, s.key)
		}
	}
	if len(lines) > 0 {
		r := faulty(several(lines), "somebody changed the ConfigMap, or the values were changed and the release was not upgraded: portal and API then disagree about tokens", "upgrade the release with the right values; a change of the ConfigMap takes a restart of the API too", x.setup("install --upgrade"))
		r.Cure = cureAt(string(first))
		return r
	}
	return pass("issuer " + firstOf(text("identity", "oidc", "issuer"), "none"))
}

func firstKey(a, b answers.Key) answers.Key {
	if a != "" {
		return a
	}
	return b
}

func (x examiner) apiHealth(ctx context.Context) check.Result {
	services := x.in.Current.Health.Services
	switch {
	case services.Unknown != "":
		return hidden(services.Unknown)
	case services.API.Name == "":
		return faulty("there is no Service of the OpenChoreo API", "it was deleted: the portal reaches nothing", "upgrade the release: the chart makes it", x.setup("install --upgrade"))
	}
	show := x.kubectl("get pods -l app.kubernetes.io/component=api-server")
	visit, err := x.env.Visitor.Get(ctx, x.serviceURL(services.API, 8080, "/health"))
	if err != nil {
		return unvisited("Service "+services.API.Name, err, show)
	}
	if visit.Status != 200 {
		r := faulty(fmt.Sprintf("Service %s answers %d at /health", services.API.Name, visit.Status), "the API starts, or ends with an error", "look at its log", x.kubectl("logs deployment/%s", x.in.Current.Health.API.Name))
		r.Code = "visit.status"
		return r
	}
	return pass("the API answers at /health")
}

// apiAddress is about the address at which the portal looks for the API.
func (x examiner) apiAddress() check.Result {
	e, ok := x.in.Current.Cluster.Deployment.EnvVar("OPENCHOREO_API_URL")
	address, parsed := parseURL(e.Value)
	services := x.in.Current.Health.Services
	switch {
	case !ok || !parsed:
		r := faulty(fmt.Sprintf("OPENCHOREO_API_URL is %q", e.Value), "the portal needs a full address", "leave portal.apiUrl empty to use the API's Service", x.setup("install"))
		r.Cure = cureAt("portal.apiUrl")
		return r
	case !k8s.IsClusterAddress(address.Hostname()):
		return pass(e.Value)
	case services.Unknown != "":
		return hidden(services.Unknown)
	}
	name, rest, _ := strings.Cut(address.Hostname(), ".")
	namespace, _, _ := strings.Cut(rest, ".")
	if namespace != x.namespace() {
		r := doubtful(fmt.Sprintf("the portal looks for the API in namespace %s", namespace), "portal.apiUrl names another installation", "leave portal.apiUrl empty to use the API's Service", x.setup("install"))
		r.Cure = cureAt("portal.apiUrl")
		return r
	}
	if s := services.API; s.Name != name || len(s.Ports) > 0 && address.Port() != "" && !slices.Contains(texts(s.Ports), address.Port()) {
		r := faulty(fmt.Sprintf("the portal looks for the API at %s; its Service is %s, ports %s", address.Host, firstOf(s.Name, "not there"), strings.Join(texts(s.Ports), ", ")), "portal.apiUrl names a Service or a port that is not there", "leave portal.apiUrl empty to use the API's Service", x.setup("install"))
		r.Cure = cureAt("portal.apiUrl")
		return r
	}
	return pass(e.Value)
}

func texts(numbers []int) []string {
	list := make([]string, len(numbers))
	for i, n := range numbers {
		list[i] = fmt.Sprint(n)
	}
	return list
}
