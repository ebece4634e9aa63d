package steps

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
)

// networkChecks are the NetworkPolicies on the portal's pods. They come last: what
// they shut is looked for only where nothing else explains it.
func (x examiner) networkChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	return []check.Check{x.judged("portal.network", []string{"portal.deployment"}, x.deployed(x.network))}
}

// need is a port without which the portal does not work.
type need struct {
	code, what string
	port       k8s.PolicyPort
}

// network looks whether the NetworkPolicies that select the portal's pods leave the
// ports open that it needs. Which pods and addresses may use them is not told.
func (x examiner) network() check.Result {
	p := x.in.Current.Health.Policies
	if p.Unknown != "" {
		return hidden(p.Unknown)
	}
	if len(p.Ingress) == 0 && len(p.Egress) == 0 {
		return pass("no NetworkPolicy selects its pods")
	}
	d := x.in.Current.Cluster.Deployment
	var lines []string
	code, guilty, chapter := "", "", ""
	shut := func(of []k8s.Policy, n need, says string) {
		if k8s.Allows(of, n.port) {
			return
		}
		lines = append(lines, fmt.Sprintf("NetworkPolicy %s: no rule lets %s", strings.Join(namesOf(of), ", "), says))
		if code == "" {
			code, guilty = n.code, of[0].Name
			chapter = map[bool]string{true: "ingress", false: "egress"}[n.code == "network.ingress"]
		}
	}
	in := need{code: "network.ingress", port: servedAt(d)}
	shut(p.Ingress, in, fmt.Sprintf("anything to port %d of the portal's pods", in.port.First))
	for _, n := range x.needs() {
		shut(p.Egress, n, fmt.Sprintf("the portal's pods to port %d, for %s", n.port.First, n.what))
	}
	if len(lines) == 0 {
		return pass(strings.Join(namesOf(slices.Concat(p.Ingress, p.Egress)), ", ") + ": the ports that the portal needs are open to somebody")
	}
	hint := "add a rule to the policy"
	if x.ofChart("NetworkPolicy", guilty) {
		hint = "add a rule under backstage.networkPolicy." + chapter + ", and upgrade"
	}
	r := doubtful(several(lines), "once a policy selects a pod, everything is shut that no rule allows; nothing is where the cluster's network does not look at policies", hint,
		x.kubectl("describe networkpolicy %s", guilty))
	r.Code = code
	return r
}

// needs are the ports that the portal's pods have to reach.
func (x examiner) needs() []need {
	d := x.in.Current.Cluster.Deployment
	list := []need{{"network.dns", "DNS", k8s.PolicyPort{UDP: true, First: 53}}}
	if d.Database == "pg" {
		port := 5432
		if e, ok := d.EnvVar("POSTGRES_PORT"); ok {
			text := e.Value
			if s := x.in.Current.Cluster.Secret.Secret; s != nil && e.SecretName == s.Name {
				text = s.Values[e.SecretKey].Reveal()
			}
			if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
				port = n
			}
		}
		list = append(list, need{"network.database", "PostgreSQL", k8s.PolicyPort{First: port}})
	}
	for _, server := range []struct{ variable, code, what string }{
		{"OPENCHOREO_API_URL", "network.api", "the OpenChoreo API"},
		{"OPENCHOREO_AUTH_TOKEN_URL", "network.identity", "the identity provider"},
	} {
		e, _ := d.EnvVar(server.variable)
		if port := dialled(e.Value); port > 0 {
			list = append(list, need{server.code, server.what, k8s.PolicyPort{First: port}})
		}
	}
	return list
}

// dialled is the port that an address is asked at; 0 where there is none.
func dialled(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	if n, err := strconv.Atoi(u.Port()); err == nil {
		return n
	}
	return map[string]int{"http": 80, "https": 443}[u.Scheme]
}

// servedAt is the port that the portal's container has.
func servedAt(d k8s.Deployment) k8s.PolicyPort {
	port := k8s.PolicyPort{First: 7007, Name: "http"}
	for i, text := range d.Ports {
		n, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		port = k8s.PolicyPort{First: n}
		if i+1 < len(d.Ports) {
			if _, err := strconv.Atoi(d.Ports[i+1]); err != nil {
				port.Name = d.Ports[i+1]
			}
		}
		break
	}
	return port
}

func namesOf(policies []k8s.Policy) []string {
	var names []string
	for _, p := range policies {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// perhapsShut names the NetworkPolicies that may be behind a failure to reach the
// portal, or of the portal to reach something: whom they let through is not known.
func (x examiner) perhapsShut(id string, r *check.Result) {
	p := x.in.Current.Health.Policies
	var of []k8s.Policy
	switch {
	case r.Status != check.Fail:
	case id == "routing.url" && slices.Contains([]string{"visit.status", "visit.timeout"}, r.Code):
		of = p.Ingress
	case id == "portal.logs" && slices.Contains(slices.Concat(silent("postgres"), silent("identity"), silent("api"), unresolved(), []string{"api.fetch"}), r.Code):
		of = p.Egress
	}
	if len(of) > 0 {
		r.Hint += fmt.Sprintf("; NetworkPolicy %s selects the portal's pods: see whom it lets through", strings.Join(namesOf(of), ", "))
	}
}

// silent are the codes of a log that tells of a server that was not reached.
func silent(peer string) []string {
	return []string{peer + ".timeout", peer + ".refused", peer + ".unreachable", peer + ".reset"}
}

// unresolved are the codes of a log that tells of a name that was not found.
func unresolved() []string {
	return []string{"postgres.dns", "postgres.dns-again", "identity.dns", "identity.dns-again", "api.dns", "api.dns-again", "network.dns", "network.dns-again"}
}

// prefixed puts a check's ID before codes, as Explanations name findings.
func prefixed(id string, codes ...string) []string {
	list := make([]string, len(codes))
	for i, code := range codes {
		list[i] = id + "/" + code
	}
	return list
}

// networkCodes are what portal.network ends with.
func networkCodes() []codeDoc {
	const do = "Add a rule to the policy; those of the chart take more under backstage.networkPolicy."
	return []codeDoc{
		{"network.ingress", "No rule of the NetworkPolicies that select the portal's pods lets anything to their port: the Gateway answers 503, while a port-forward still works.", do},
		{"network.dns", "No rule of the NetworkPolicies that select the portal's pods lets them ask DNS: no name resolves in them.", do},
		{"network.database", "No rule of the NetworkPolicies that select the portal's pods lets them reach PostgreSQL's port.", do},
		{"network.api", "No rule of the NetworkPolicies that select the portal's pods lets them reach the OpenChoreo API's port.", do},
		{"network.identity", "No rule of the NetworkPolicies that select the portal's pods lets them reach the identity provider's port: sign-in ends with 504, and the catalog stays empty.", do},
	}
}
