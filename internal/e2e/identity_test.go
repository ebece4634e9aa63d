package e2e_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

const portalCallback = "https://console.example.com/api/auth/openchoreo-auth/handler/frame"

// desk is a directory and an identity provider, without a cluster.
type desk struct {
	*site
	*idptest.Provider
}

func newDesk(t *testing.T, o idptest.Options) desk {
	t.Helper()
	if o.Redirect == "" {
		o.Redirect = portalCallback
	}
	return desk{&site{dir: t.TempDir(), provided: true}, idptest.Start(t, o)}
}

// checked is the part of a run's result that these tests look at.
type checked struct {
	output
	Applied bool
	Checks  []struct{ ID, Status, Code, Found, Hint string }
}

func (c checked) status(id string) string {
	for _, r := range c.Checks {
		if r.ID == id {
			return strings.TrimSpace(r.Status + " " + r.Code)
		}
	}
	return "not there"
}

func (c checked) found(id string) string {
	for _, r := range c.Checks {
		if r.ID == id {
			return r.Found + "\n" + r.Hint
		}
	}
	return ""
}

func (c checked) with(status string) []string {
	var ids []string
	for _, r := range c.Checks {
		if r.Status == status && strings.HasPrefix(r.ID, "identity.") {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// install runs with the issuer alone, no endpoint, for that client.
func (d desk) install(t *testing.T, issuer, id, password string, more ...string) checked {
	t.Helper()
	args := append([]string{
		"install", "--yes", "-o", "json", "--set", "preset=development", "--set", "portal.baseUrl=https://console.example.com", "--set", "gateway.tls.enabled=true",
		"--set", "gateway.tls.certificateSecret=tls", "--set", "identity.provider=other", "--set", "client.id=" + id, "--set", "client.secret=env:CLIENT_SECRET",
	}, more...)
	if issuer != "" {
		args = append(args, "--set", "identity.issuer="+issuer)
	}
	return d.json(t, []string{"CLIENT_SECRET=" + password}, args...)
}

func (d desk) json(t *testing.T, env []string, args ...string) checked {
	t.Helper()
	c := checked{output: d.execute(t, env, args...)}
	if err := json.Unmarshal([]byte(c.stdout), &c); err != nil {
		t.Fatalf("%v\n%s%s", err, c.stdout, c.stderr)
	}
	return c
}

func (d desk) values(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(d.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// untouched tells that no file was written.
func (d desk) untouched(t *testing.T) {
	t.Helper()
	if entries, err := os.ReadDir(d.dir); err != nil || len(entries) != 0 {
		t.Errorf("files were written: %v %v", entries, err)
	}
}

// TestIssuerAloneIsEnough: endpoints and document follow from the issuer, and
// every question is asked once.
func TestIssuerAloneIsEnough(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret)
	if got.code != 0 || !got.Applied {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	for _, want := range []string{
		"issuer: \"" + d.Issuer + "\"", "wellKnownEndpoint: \"" + d.URL + "/.well-known/openid-configuration\"",
		"authorizationUrl: \"" + d.URL + "/authorize\"", "tokenUrl: \"" + d.URL + "/oauth/token\"", "jwksUrl: \"" + d.URL + "/keys\"",
	} {
		if !strings.Contains(d.values(t), want) {
			t.Errorf("the values lack %s:\n%s", want, d.values(t))
		}
	}
	for id, want := range map[string]string{
		"identity.discovery": "warn discovery.loopback", "identity.keys": "pass keys.ok", "identity.scopes": "pass scopes.ok",
		"identity.service-token": "pass service.ok", "identity.token": "pass token.ok", "identity.sign-in-secret": "pass service.ok",
		"identity.redirect": "pass redirect.ok", "identity.claims": "inconclusive",
	} {
		if got.status(id) != want {
			t.Errorf("%s: %s %s, want %s", id, got.status(id), got.found(id), want)
		}
	}
	asked := map[string]int{}
	for _, request := range d.Asked() {
		asked[request]++
	}
	if asked["GET /.well-known/openid-configuration"] != 1 || asked["GET /keys"] != 1 || asked["POST /oauth/token"] != 2 || asked["GET /authorize"] != 1 {
		t.Errorf("asked %v: want each once, and the token endpoint once for either grant", asked)
	}
}

func TestIssuerIsSpelledAsTheProviderDoes(t *testing.T) {
	for name, slash := range map[string]bool{"with a slash": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, idptest.Options{Slash: slash})
			given := d.URL + "/"
			if slash {
				given = d.URL
			}
			got := d.install(t, given, idptest.Portal, idptest.PortalSecret)
			if got.code != 0 || !strings.Contains(d.values(t), "issuer: \""+d.Issuer+"\"\n") {
				t.Errorf("exit %d\n%s%s\n%s", got.code, got.stdout, got.stderr, d.values(t))
			}
			if !strings.Contains(got.found("identity.discovery"), "the issuer is "+d.Issuer+", not "+given) {
				t.Errorf("nothing says so: %s", got.found("identity.discovery"))
			}
		})
	}
}

// TestNamesBelowLocalhost are this machine, whatever its resolver says: the
// quick start gives Thunder such a name.
func TestNamesBelowLocalhost(t *testing.T) {
	d := newDesk(t, idptest.Options{Host: "thunder.openchoreo.localhost"})
	got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret)
	if got.code != 0 || got.status("identity.token") != "pass token.ok" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

func TestWellKnownAddressAloneIsEnough(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	got := d.install(t, "", idptest.Portal, idptest.PortalSecret, "--set", "identity.discoveryUrl="+d.URL+"/.well-known/openid-configuration")
	if got.code != 0 || !strings.Contains(d.values(t), "issuer: \""+d.Issuer+"\"\n") || !strings.Contains(d.values(t), "jwksUrl: \""+d.URL+"/keys\"") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestIssuerOfAnotherProvider: an issuer that is not the document's is refused,
// with the one that is.
func TestIssuerOfAnotherProvider(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	got := d.install(t, "https://another.example.com", idptest.Portal, idptest.PortalSecret, "--set", "identity.discoveryUrl="+d.URL+"/.well-known/openid-configuration")
	if got.code != 3 || got.status("identity.discovery") != "fail discovery.issuer" || !strings.Contains(got.stdout, `"identity.issuer": "`+d.Issuer+`"`) {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	d.untouched(t)
}

// TestRefusals: each ends with exit code 3, one failed check, and no file.
func TestRefusals(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the secret was taken on to %s", r.URL)
	}))
	defer other.Close()
	for name, test := range map[string]struct {
		options    idptest.Options
		id, secret string
		check      string
		want       string
	}{
		"wrong secret":   {idptest.Options{}, idptest.Portal, "not the secret", "identity.service-token", "fail service.client"},
		"Basic only":     {idptest.Options{BasicOnly: true}, idptest.Portal, idptest.PortalSecret, "identity.service-token", "fail service.basic"},
		"opaque token":   {idptest.Options{}, idptest.Opaque, idptest.OpaqueSecret, "identity.token", "fail token.encrypted"},
		"not registered": {idptest.Options{Redirect: "https://other.example.com/"}, idptest.Portal, idptest.PortalSecret, "identity.redirect", "fail redirect.unregistered"},
		"redirect of the token endpoint": {idptest.Options{Before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/oauth/token" {
				http.Redirect(w, r, other.URL+"/token", http.StatusTemporaryRedirect)
			}
			return r.URL.Path == "/oauth/token"
		}}, idptest.Portal, idptest.PortalSecret, "identity.service-token", "fail service.redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, test.options)
			got := d.install(t, d.Issuer, test.id, test.secret)
			if got.code != 3 || got.status(test.check) != test.want {
				t.Errorf("exit %d, %s: %s\n%s", got.code, test.check, got.status(test.check), got.stdout)
			}
			if failed := got.with("fail"); !slices.Equal(failed, []string{test.check}) {
				t.Errorf("failed: %v, want %s alone", failed, test.check)
			}
			leaks(t, "stdout", got.stdout, test.secret)
			leaks(t, "stderr", got.stderr, test.secret)
			d.untouched(t)
		})
	}
}

// TestSubjectOfTheRealToken: the binding names the sub, not the client.
func TestSubjectOfTheRealToken(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	got := d.install(t, d.Issuer, idptest.Renamed, idptest.RenamedSecret)
	if got.code != 0 || got.status("identity.token") != "pass token.ok" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if values := d.values(t); !strings.Contains(values, idptest.RenamedSubject) || strings.Count(values, "entitlement:") < 5 {
		t.Errorf("the bindings are not complete or lack the sub:\n%s", values)
	}
	for _, want := range []string{idptest.Renamed, idptest.RenamedSubject} {
		if !strings.Contains(got.found("identity.token"), want) {
			t.Errorf("%s does not tell %s", got.found("identity.token"), want)
		}
	}
	wrong := newDesk(t, idptest.Options{})
	got = wrong.install(t, wrong.Issuer, idptest.Renamed, idptest.RenamedSecret, "--set", "authorization.subject=renamed")
	if got.code != 3 || got.status("identity.token") != "fail token.binding" || !strings.Contains(got.stdout, `"authorization.subject": "`+idptest.RenamedSubject+`"`) {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	wrong.untouched(t)
}

// TestServiceClientOfItsOwn gets its own token; the sign-in client's secret is
// then proven by itself.
func TestServiceClientOfItsOwn(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	args := []string{"--set", "serviceClient.id=" + idptest.Service, "--set", "serviceClient.secret=file:service"}
	if err := os.WriteFile(d.file("service"), []byte(idptest.ServiceSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret, append(args, "--dry-run")...)
	if got.code != 0 || got.status("identity.service-token") != "pass service.ok" || got.status("identity.sign-in-secret") != "inconclusive signin.unproven" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	got = d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret, append(args, "--dry-run", "--probe")...)
	if got.status("identity.sign-in-secret") != "pass signin.ok" {
		t.Errorf("with --probe: %s", got.status("identity.sign-in-secret"))
	}
	got = d.install(t, d.Issuer, idptest.Portal, "not the secret", append(args, "--probe")...)
	if got.code != 3 || got.status("identity.service-token") != "pass service.ok" || got.status("identity.sign-in-secret") != "fail signin.client" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

// TestDeadProvider fails one check and skips the others; a run that was skipped
// needs the endpoints, and records why.
func TestDeadProvider(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + listener.Addr().String()
	listener.Close()
	d := newDesk(t, idptest.Options{})
	got := d.install(t, dead, idptest.Portal, idptest.PortalSecret)
	if got.code != 3 || got.status("identity.discovery") != "fail network.refused" {
		t.Fatalf("exit %d\n%s", got.code, got.stdout)
	}
	if failed, left := got.with("fail"), got.with("skip"); len(failed) != 1 || len(left) != 6 {
		t.Errorf("failed %v, skipped %v", failed, left)
	}
	d.untouched(t)

	const reason = "identity.discovery=only the cluster can reach it"
	if got := d.execute(t, []string{"CLIENT_SECRET=x y"}, "install", "--yes", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.provider=other",
		"--set", "identity.issuer="+dead, "--set", "client.id=x", "--set", "client.secret=env:CLIENT_SECRET", "--skip", reason); got.code != 2 || !strings.Contains(got.stderr, "identity.tokenUrl: is missing") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	got = d.install(t, dead, idptest.Portal, idptest.PortalSecret, "--skip", reason, "--set", "identity.tokenUrl="+dead+"/t", "--set", "identity.jwksUrl="+dead+"/k",
		"--set", "identity.authorizationUrl="+dead+"/a", "--set", "authorization.subject=portal")
	if got.code != 0 || got.status("identity.discovery") != "skip" || got.found("identity.discovery") != "skipped: only the cluster can reach it\n" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got.status("identity.service-token") != "inconclusive network.refused" { // the endpoint was given, so it is asked
		t.Errorf("%s: %s", got.status("identity.service-token"), got.found("identity.service-token"))
	}
	for _, wrong := range []string{"identity.discovery", "identity.discovery=", "cluster.tls-verify=why not", "no.such=reason"} {
		if got := d.execute(t, nil, "install", "--dry-run", "--skip", wrong); got.code != 2 {
			t.Errorf("--skip %s: exit %d", wrong, got.code)
		}
	}
}

// TestPrivateAuthority: a certificate of one's own is refused without --ca-file,
// and a warning with it.
func TestPrivateAuthority(t *testing.T) {
	d := newDesk(t, idptest.Options{TLS: true})
	if got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret); got.code != 3 || got.status("identity.discovery") != "fail tls.authority" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, d.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret, "--ca-file", ca)
	if got.code != 0 || !strings.Contains(got.found("identity.discovery"), "trusted only because of the CA file") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	for _, wrong := range []string{ca + "-none", d.file("backstage-values.yaml")} {
		if got := d.execute(t, nil, "install", "--dry-run", "--ca-file", wrong); got.code != 2 || !strings.Contains(got.stderr, "--ca-file") {
			t.Errorf("exit %d\n%s", got.code, got.stderr)
		}
	}
}

// TestPastedTokenOffline judges a token without the network.
func TestPastedTokenOffline(t *testing.T) {
	d := newDesk(t, idptest.Options{})
	c, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := c.ServiceToken(t.Context(), idp.ServiceRequest{TokenURL: d.URL + "/oauth/token", ClientID: idptest.Renamed, Secret: secret.New(idptest.RenamedSecret)})
	resp, err := http.Get(d.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.file("keys.json"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(d.Asked())
	run := func(subject string, more ...string) checked {
		args := append([]string{
			"install", "--offline", "--dry-run", "-o", "json", "--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080",
			"--set", "identity.issuer=" + d.Issuer, "--set", "client.id=renamed", "--set", "client.secret=env:CLIENT_SECRET",
			"--service-token", "env:TOKEN", "--jwks", "keys.json",
		}, more...)
		if subject != "" {
			args = append(args, "--set", "authorization.subject="+subject)
		}
		return d.json(t, []string{"CLIENT_SECRET=something", "TOKEN=" + token.Access.Reveal()}, args...)
	}
	for _, subject := range []string{idptest.RenamedSubject, ""} { // without an answer the token tells it
		if got := run(subject); got.code != 0 || got.status("identity.token") != "pass token.ok" {
			t.Errorf("subject %q: exit %d\n%s", subject, got.code, got.stdout)
		}
	}
	got := run("renamed")
	if got.code != 3 || got.status("identity.token") != "fail token.binding" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	leaks(t, "stdout", got.stdout, token.Access.Reveal())
	got = run(idptest.RenamedSubject, "--user-token", "env:TOKEN")
	if got.status("identity.claims") != "fail user.groups" {
		t.Errorf("a token without groups: %s", got.status("identity.claims"))
	}
	if asked := d.Asked(); len(asked) != before {
		t.Errorf("the provider was asked: %v", asked[before:])
	}
	if got := d.execute(t, nil, "install", "--offline", "--user-token", token.Access.Reveal()); got.code != 2 {
		t.Errorf("a literal: exit %d", got.code)
	} else {
		leaks(t, "stderr", got.stderr, token.Access.Reveal())
	}
}

// TestProviderThatEchoes: a server that repeats the secret in every form finds it
// in no output.
func TestProviderThatEchoes(t *testing.T) {
	const canary = "c4n4ry+Wx/7?=&%#Zq 19"
	var once sync.Once
	echoed := make(chan struct{})
	d := newDesk(t, idptest.Options{Before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/oauth/token" {
			return false
		}
		once.Do(func() { close(echoed) })
		var all []string
		for _, form := range forms(canary) {
			all = append(all, form)
		}
		answer, err := json.Marshal(map[string]string{"error": "invalid_request", "error_description": strings.Join(all, " \x1b[2J ") + url.PathEscape(canary)})
		if err != nil {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(answer)
		return true
	}})
	for _, format := range []string{"json", "text"} {
		args := []string{
			"install", "--yes", "-o", format, "--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.provider=other",
			"--set", "identity.issuer=" + d.Issuer, "--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET", "--set", "authorization.subject=portal",
		}
		got := d.execute(t, []string{"CLIENT_SECRET=" + canary}, args...)
		if got.code != 3 || !strings.Contains(got.stdout, "identity.service-token") {
			t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		leaks(t, format+": stdout", got.stdout, canary)
		leaks(t, format+": stderr", got.stderr, canary)
		if strings.ContainsRune(got.stdout+got.stderr, '\x1b') {
			t.Errorf("%s: a control character came through", format)
		}
	}
	<-echoed
	d.untouched(t)
}

// TestProviderInTheCluster is reached as a Service, by a port-forward; a secret
// that is kept is tried with what the cluster has.
func TestProviderInTheCluster(t *testing.T) {
	s := newSite(t)
	s.provided = true
	issuer := "http://idp." + s.namespace + ".svc:8090"
	provider := idptest.Start(t, idptest.Options{Redirect: "http://openchoreo.localhost:8080/api/auth/openchoreo-auth/handler/frame", Issuer: issuer})
	at, err := url.Parse(provider.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.ApplyManifest(t, []byte(strings.NewReplacer("NS", s.namespace, "PORT", at.Port()).Replace(`
apiVersion: v1
kind: Service
metadata: {name: idp, namespace: NS}
spec: {selector: {app: idp}, ports: [{port: 8090, targetPort: 8090}]}
---
apiVersion: v1
kind: Pod
metadata: {name: idp-0, namespace: NS, labels: {app: idp}}
spec: {containers: [{name: idp, image: x, ports: [{containerPort: 8090}]}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards: [{ports: [8090], target: {address: 127.0.0.1, port: PORT}}]
`)))
	run := func(password string, more ...string) checked {
		args := append([]string{
			"install", "--yes", "-o", "json", "-n", s.namespace, "--chart", s.chart, "--set", "preset=development",
			"--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.provider=other", "--set", "identity.issuer=" + issuer, "--set", "client.id=" + idptest.Renamed,
		}, more...)
		return desk{site: s}.json(t, []string{"CLIENT_SECRET=" + password, "HTTP_PROXY=http://127.0.0.1:1"}, args...)
	}
	s.await(t, "the provider's pod to take connections", func() bool {
		return run(idptest.RenamedSecret, "--dry-run", "--set", "client.secret=env:CLIENT_SECRET").status("identity.discovery") != "fail network.unreachable"
	})
	got := run(idptest.RenamedSecret, "--set", "client.secret=env:CLIENT_SECRET")
	if got.code != 0 || got.status("identity.token") != "pass token.ok" || got.status("identity.redirect") != "pass redirect.ok" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got = run(""); got.code != 0 || got.status("identity.service-token") != "pass service.ok" {
		t.Errorf("what is kept was not tried: exit %d\n%s", got.code, got.stdout)
	}
	if got = run("wrong", "--set", "client.secret=env:CLIENT_SECRET"); got.code != 3 || got.status("identity.service-token") != "fail service.client" || string(s.secret(t).Data["client-secret"]) != idptest.RenamedSecret {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
}

// TestPortalStaysAdjustable: where nothing about signing in changes, a provider
// that does not answer is a warning.
func TestPortalStaysAdjustable(t *testing.T) {
	var down atomic.Bool
	d := newDesk(t, idptest.Options{Before: func(w http.ResponseWriter, _ *http.Request) bool {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return down.Load()
	}})
	if got := d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret); got.code != 0 {
		t.Fatalf("exit %d\n%s", got.code, got.stdout)
	}
	down.Store(true)
	got := d.json(t, nil, "install", "--yes", "-o", "json", "--set", "features.workflows=false")
	if got.code != 0 || got.status("identity.discovery") != "warn answer.busy.silent" || len(got.with("skip")) != 6 {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	if got = d.install(t, d.Issuer, idptest.Portal, idptest.PortalSecret); got.code != 3 {
		t.Errorf("with a secret to be proven: exit %d\n%s", got.code, got.stdout)
	}
}

// TestLeavingDoesNotWait: a provider that says nothing holds nobody up.
func TestLeavingDoesNotWait(t *testing.T) {
	arrived := make(chan struct{}, 10)
	d := newDesk(t, idptest.Options{Before: func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		<-r.Context().Done()
		return true
	}})
	cmd := d.command(t, []string{"CLIENT_SECRET=x y"}, "install", "--yes", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer="+d.Issuer,
		"--set", "client.id=x", "--set", "client.secret=env:CLIENT_SECRET")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v", err)
	}
	d.untouched(t)
}
