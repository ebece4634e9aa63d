package broken_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// nowhere is a host whose name does not resolve.
const nowhere = "portal.nowhere.test"

// unnamed has the portal be at a host whose name does not resolve.
func unnamed(t *testing.T, in *installation) {
	address := strings.Replace(in.base.String(), "portal.localhost", nowhere, 1)
	in.address.Store(&address)
	t.Cleanup(func() { in.address.Store(new(in.base.String())) })
	in.rolled(t, map[string]any{"backstage.baseUrl": address, "backstage.http.hostnames": []any{nowhere}})
}

// policy makes a NetworkPolicy on the portal's pods, and has the Gateway answer as
// it does where it does not reach them.
func (in *installation) policy(tb testing.TB, types, rules string) {
	tb.Helper()
	in.make(tb, fmt.Sprintf(`
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: strict, namespace: NS}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/component: backstage}}
  policyTypes: [%s]
%s`, types, rules), thing{"networking.k8s.io", "v1", "networkpolicies", "strict", true})
}

// unreached has the Gateway answer for the portal as it does where it does not
// reach the pods.
func unreached(t *testing.T, in *installation) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "portal.") {
			(*answering(http.StatusServiceUnavailable, "upstream connect error"))(w, r)
			return
		}
		in.serveGateway(w, r)
	})
	in.way.Store(&h)
	t.Cleanup(func() { in.way.Store(nil) })
}

// everything that the portal has to reach, but for what is named.
func egress(in *installation, but string) string {
	text := "  egress:\n"
	_, provider, _ := strings.Cut(strings.TrimPrefix(in.provider.Issuer, "http://"), ":")
	for name, port := range map[string]string{"dns": "53, protocol: UDP", "database": "5432", "api": "8080", "identity": provider} {
		if name != but {
			text += "  - ports: [{port: " + port + "}]\n"
		}
	}
	return text
}

func networkDefects() []defect {
	shut := func(code string, lines ...string) defect {
		return defect{name: "policy that shuts " + code, first: "portal.network/network." + code, make: func(t *testing.T, in *installation) {
			in.policy(t, "Egress", egress(in, code))
			in.says(t, "backstage", lines...)
		}}
	}
	return []defect{
		{name: "name that does not resolve", first: "routing.url/visit.dns", make: unnamed},
		{name: "policy that shuts the portal's port", first: "portal.network/network.ingress", make: func(t *testing.T, in *installation) {
			in.policy(t, "Ingress", "  ingress: [{ports: [{port: 7008}]}]\n")
			unreached(t, in)
		}},
		{name: "policy that shuts everything", first: "portal.network/network.ingress", make: func(t *testing.T, in *installation) {
			in.policy(t, "Ingress, Egress", "")
			unreached(t, in)
		}},
		shut("database", `Failed to connect to the database to make sure that 'backstage_plugin_app' exists, Error: connect ETIMEDOUT 10.96.0.7:5432`),
		shut("api", `catalog error Failed to run OpenChoreoEntityProvider: connect ETIMEDOUT http://openchoreo-api:8080/api/v1/namespaces`),
		shut("identity", `Failed to fetch client credentials token: connect ETIMEDOUT 10.96.0.9:8090`),
		shut("dns", `Failed to fetch client credentials token: getaddrinfo EAI_AGAIN idp.example.com`),
		{name: "Gateway that does not reach the pods, whatever a policy says", first: "routing.url/visit.status", make: func(t *testing.T, in *installation) {
			in.policy(t, "Ingress", "  ingress: [{ports: [{port: http}], from: [{podSelector: {matchLabels: {app: nosuch}}}]}]\n")
			unreached(t, in)
		}},
		{name: "argument taken away", first: "portal.command", make: func(t *testing.T, in *installation) {
			in.container(t, func(c map[string]any) { c["args"] = c["args"].([]any)[:3] })
		}},
		{name: "command of one's own", first: "portal.command", make: func(t *testing.T, in *installation) {
			in.container(t, func(c map[string]any) { c["command"] = []any{"sleep"} })
		}},
		{name: "command that ends", first: "portal.command", make: func(t *testing.T, in *installation) {
			in.container(t, func(c map[string]any) { c["command"], c["args"] = []any{"node"}, []any{"nosuch"} })
			in.crash(t, `Error: Cannot find module '/app/nosuch'`)
		}},
	}
}

// TestPerhapsPolicy: where the Gateway does not reach the pods, a policy that might
// be why is named.
func TestPerhapsPolicy(t *testing.T) {
	in := install(t)
	in.policy(t, "Ingress", "  ingress: [{ports: [{port: http}], from: [{podSelector: {matchLabels: {app: nosuch}}}]}]\n")
	if got := in.check(t); got.First != nil || got.result("portal.network").Status != "pass" {
		t.Errorf("a policy alone is no fault:\n%s", got.findings())
	}
	unreached(t, in)
	if r := in.check(t).result("routing.url"); !strings.Contains(r.Hint, "NetworkPolicy strict selects the portal's pods") {
		t.Errorf("%+v", r)
	}
}

// TestNameAndPortal: a name that does not resolve is not because the portal does not
// answer, nor the other way round.
func TestNameAndPortal(t *testing.T) {
	in := install(t)
	unnamed(t, in)
	in.down(t)
	got := in.check(t)
	for _, id := range []string{"portal.health", "routing.url"} {
		if r := got.result(id); r.Status != "fail" || r.Because != "" {
			t.Errorf("%s is %s because %q", id, r.Status, r.Because)
		}
	}
}

// TestPolicyAndPods: a policy is not named before what keeps the pods from running.
func TestPolicyAndPods(t *testing.T) {
	in := install(t)
	in.policy(t, "Ingress, Egress", "")
	in.crash(t, `SqliteError: database disk image is malformed`)
	unreached(t, in)
	got := in.check(t)
	if got.First == nil || got.First.ID != "portal.logs" || got.result("routing.url").Because == "portal.network" {
		t.Errorf("%+v\n%s", got.First, got.findings())
	}
}
