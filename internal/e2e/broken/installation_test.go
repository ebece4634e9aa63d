package broken_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
	"github.com/openchoreo/backstage-setup/templates"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }

const (
	releaseName = "openchoreo-control-plane"
	password    = "a-password-of-its-own-7Q"
)

// installation is a control plane that works: the chart's objects, a database and
// an identity provider that are real, and servers in the place of portal, API and
// Gateway.
type installation struct {
	*testcluster.Cluster
	namespace string
	dir       string
	program   string
	path      string // that the program finds commands in; "" is none
	version   string // of the chart
	chart     string // its directory
	dynamic   dynamic.Interface
	provider  *idptest.Provider
	database  *pgtest.Server
	manifest  string
	values    map[string]any

	portal, api atomic.Pointer[http.HandlerFunc] // what they answer; nil is what is right
	way         atomic.Pointer[http.HandlerFunc] // the Gateway's, by host
	address     atomic.Pointer[string]           // that the portal believes to be at
	silent      atomic.Bool                      // the provider has no pod
	base        *url.URL
	ca          string // of the database, in PEM
	apiURL      string
}

// log is what the container writes.
func (in *installation) log(container string) string {
	return filepath.Join(in.dir, container+".log")
}

// write has the container's log hold these lines.
func (in *installation) write(tb testing.TB, container string, lines ...string) {
	tb.Helper()
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "2026-01-02T03:04:05.000000000Z stdout F %s\n", line)
	}
	if err := os.WriteFile(in.log(container), []byte(b.String()), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// usualLog is what a portal that works writes.
var usualLog = []string{
	`{"level":"info","message":"Loading config from MergedConfigSource","service":"backstage"}`,
	`{"level":"info","message":"Listening on 0.0.0.0:7007","service":"rootHttpRouter"}`,
	`{"level":"info","message":"Plugin initialization complete","service":"backstage"}`,
}

// crds are OpenChoreo's and others' resource definitions.
func crds(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "crds")
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("the resource definitions are not at hand: ", err)
	}
	return dir
}

// install makes an installation of the newest chart, at a provider that nothing is
// known of.
func install(tb testing.TB) *installation {
	tb.Helper()
	return installAs(tb, "1.2.3", "idp.localhost")
}

// installAs makes an installation of that chart, with the provider at that host.
func installAs(tb testing.TB, version, provider string) *installation {
	tb.Helper()
	definitions := crds(tb)
	cluster := testcluster.Shared(tb)
	cluster.ApplyCRDs(tb, definitions)
	in := &installation{Cluster: cluster, namespace: cluster.Namespace(tb), dir: tb.TempDir(), version: version, chart: charttest.Dir(tb)}
	if version != "1.2.3" {
		in.chart = charttest.Version(tb, version)
	}
	var err error
	if in.dynamic, err = dynamic.NewForConfig(cluster.Config()); err != nil {
		tb.Fatal(err)
	}
	in.build(tb)
	in.servers(tb)
	in.startDatabase(tb)
	const path = "/api/auth/openchoreo-auth/handler/frame"
	callback := "portal.localhost:" + in.base.Port() + path
	in.provider = idptest.Start(tb, idptest.Options{Host: provider, Redirect: "http://" + callback, Before: func(w http.ResponseWriter, r *http.Request) bool {
		if in.silent.Load() {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return true
		}
		q := r.URL.Query()
		if r.URL.Path != "/authorize" || !slices.Contains([]string{"https://" + callback, "http://" + nowhere + ":" + in.base.Port() + path}, q.Get("redirect_uri")) {
			return false
		}
		http.Redirect(w, r, q.Get("redirect_uri")+"?error=login_required&state="+q.Get("state"), http.StatusFound) // registered too
		return true
	}})
	in.write(tb, "backstage", usualLog...)
	in.write(tb, "openchoreo-api", `{"level":"INFO","msg":"server started"}`)
	in.wire(tb)
	in.secret(tb)
	in.upgrade(tb, in.usual())
	in.platform(tb)
	in.settle(tb)
	in.awaitForwards(tb)
	return in
}

// build compiles the program.
func (in *installation) build(tb testing.TB) {
	tb.Helper()
	in.program = filepath.Join(in.dir, "backstage-setup")
	if out, err := exec.Command("go", "build", "-o", in.program, "../../..").CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
}

// servers are the portal, the API and the Gateway.
func (in *installation) servers(tb testing.TB) {
	tb.Helper()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := in.way.Load(); h != nil {
			(*h)(w, r)
			return
		}
		in.serveGateway(w, r)
	}))
	tb.Cleanup(gateway.Close)
	_, port, err := net.SplitHostPort(gateway.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	in.base = &url.URL{Scheme: "http", Host: "portal.localhost:" + port}
	in.address.Store(new(in.base.String()))
	in.apiURL = "http://api.localhost:" + port
}

// serveGateway is what the Gateway answers by host.
func (in *installation) serveGateway(w http.ResponseWriter, r *http.Request) {
	switch host, _, _ := net.SplitHostPort(r.Host); host {
	case "portal.localhost":
		in.servePortal(w, r)
	case "api.localhost":
		in.serveAPI(w, r)
	case "observer.localhost":
		in.serveAPI(w, r) // it has the same /health
	default:
		http.NotFound(w, r)
	}
}

func (in *installation) servePortal(w http.ResponseWriter, r *http.Request) {
	if h := in.portal.Load(); h != nil {
		(*h)(w, r)
		return
	}
	switch r.URL.Path {
	case "/healthcheck":
		fmt.Fprint(w, `{"status":"ok"}`)
	case "/api/auth/openchoreo-auth/start":
		q := url.Values{"client_id": {idptest.Portal}, "response_type": {"code"}, "redirect_uri": {*in.address.Load() + "/api/auth/openchoreo-auth/handler/frame"}}
		http.Redirect(w, r, in.provider.Issuer+"/authorize?"+q.Encode(), http.StatusFound)
	default:
		http.NotFound(w, r)
	}
}

func (in *installation) serveAPI(w http.ResponseWriter, r *http.Request) {
	if h := in.api.Load(); h != nil {
		(*h)(w, r)
		return
	}
	if r.URL.Path != "/health" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "OK")
}

func (in *installation) startDatabase(tb testing.TB) {
	tb.Helper()
	authority := pgtest.NewAuthority("the database's own")
	in.ca = strings.TrimSpace(string(authority.PEM)) + "\n"
	server, err := pgtest.Start(tb.Context(), pgtest.Options{
		Settings: map[string]string{"max_connections": "300"},
		Pair:     authority.Issue(pgtest.Certificate{Subject: "pg", Names: []string{"pg." + in.namespace + ".svc"}}),
		Access:   "host all all 127.0.0.1/32 scram-sha-256\n",
		SQL:      "CREATE ROLE portal LOGIN CREATEDB PASSWORD '" + password + "';\nCREATE ROLE poor LOGIN PASSWORD '" + password + "';\n",
	})
	if errors.Is(err, pgtest.ErrMissing) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.Stop)
	in.database = server
}

// wire makes what the cluster has in the place of a network: logs, and where
// port-forwards end.
func (in *installation) wire(tb testing.TB) {
	tb.Helper()
	direct := func(serve func(http.ResponseWriter, *http.Request)) string {
		server := httptest.NewServer(http.HandlerFunc(serve))
		tb.Cleanup(server.Close)
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		if err != nil {
			tb.Fatal(err)
		}
		return port
	}
	in.ApplyManifest(tb, []byte(strings.NewReplacer(
		"NS", in.namespace, "PGPORT", strconv.Itoa(in.database.Port), "MUTEPORT", mute(tb), "PORTALPORT", direct(in.servePortal), "APIPORT", direct(in.serveAPI),
		"PORTALLOG", in.log("backstage"), "APILOG", in.log("openchoreo-api"),
	).Replace(`
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards:
  - {ports: [5432], target: {address: 127.0.0.1, port: PGPORT}}
  - {ports: [5434], target: {address: 127.0.0.1, port: MUTEPORT}}
  - {ports: [7007], target: {address: 127.0.0.1, port: PORTALPORT}}
  - {ports: [8080], target: {address: 127.0.0.1, port: APIPORT}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  logs:
  - {containers: [backstage], logsFile: PORTALLOG, previousLogsFile: PORTALLOG}
  - {containers: [openchoreo-api], logsFile: APILOG, previousLogsFile: APILOG}
---
apiVersion: v1
kind: Service
metadata: {name: pg, namespace: NS}
spec: {selector: {app: pg}, ports: [{name: pg, port: 5432, targetPort: 5432}, {name: mute, port: 5434, targetPort: 5434}]}
---
apiVersion: v1
kind: Pod
metadata: {name: pg-0, namespace: NS, labels: {app: pg}}
spec: {containers: [{name: pg, image: x, ports: [{containerPort: 5432}]}]}
`)))
}

func (in *installation) secret(tb testing.TB) {
	tb.Helper()
	in.ApplyManifest(tb, []byte(strings.NewReplacer("NS", in.namespace, "CERTIFICATE", strconv.Quote(in.ca), "HOST", "pg."+in.namespace+".svc").Replace(`
apiVersion: v1
kind: Secret
metadata: {name: backstage-secrets, namespace: NS}
stringData:
  backend-secret: "Yx3J0rQ2m8bT5wPz7vLk1nHs9dFg4aCe6uXi0oMy"
  client-secret: "`+idptest.PortalSecret+`"
  jenkins-api-key: "not-used"
  postgres-host: "HOST"
  postgres-port: "5432"
  postgres-user: portal
  postgres-password: "`+password+`"
  postgres-db: backstage
  postgres-ca: CERTIFICATE
`)))
	// Who applies keys from the server side owns them: it is made as kubectl create does.
	o := in.get(tb, portalSecret)
	if err := in.of(portalSecret).Delete(context.Background(), portalSecret.name, metav1.DeleteOptions{}); err != nil {
		tb.Fatal(err)
	}
	o.SetManagedFields(nil)
	o.SetResourceVersion("")
	o.SetUID("")
	if _, err := in.of(portalSecret).Create(context.Background(), o, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
		tb.Fatal(err)
	}
}

// usual are the values of an installation that works.
func (in *installation) usual() map[string]any {
	port, err := strconv.Atoi(in.base.Port())
	if err != nil {
		panic(err) // it is a server's of this test
	}
	issuer := in.provider.Issuer
	return map[string]any{
		"backstage": map[string]any{
			"secretName": "backstage-secrets", "baseUrl": in.base.String(), "http": map[string]any{"hostnames": []any{"portal.localhost"}},
			"auth":     map[string]any{"clientId": idptest.Portal},
			"database": map[string]any{"type": "postgresql", "postgresql": map[string]any{"ssl": true}},
			"extraEnv": []any{map[string]any{"name": "APP_CONFIG_backend_database_connection_ssl_ca", "valueFrom": map[string]any{
				"secretKeyRef": map[string]any{"name": "backstage-secrets", "key": "postgres-ca"},
			}}},
		},
		"openchoreoApi": map[string]any{"config": map[string]any{"server": map[string]any{"publicUrl": in.apiURL}}, "http": map[string]any{"hostnames": []any{"api.localhost"}}},
		"gateway":       map[string]any{"httpPort": port, "tls": map[string]any{"enabled": false}},
		"security": map[string]any{"oidc": map[string]any{
			"issuer": issuer, "wellKnownEndpoint": issuer + "/.well-known/openid-configuration",
			"authorizationUrl": issuer + "/authorize", "tokenUrl": issuer + "/oauth/token", "jwksUrl": issuer + "/keys",
		}},
	}
}

// upgrade applies the objects that the chart makes of values, and keeps them as
// Helm keeps a release.
func (in *installation) upgrade(tb testing.TB, values map[string]any) {
	tb.Helper()
	in.values = values
	c, err := chart.Open(in.chart)
	if err != nil {
		tb.Fatal(err)
	}
	effective, err := c.Effective(in.values)
	if err != nil {
		tb.Fatal(err)
	}
	rendered, err := c.Render(chart.Release{Name: releaseName, Namespace: in.namespace}, effective)
	if err != nil {
		tb.Fatal(err)
	}
	var documents []string
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		for document := range strings.SplitSeq(rendered[name], "\n---") {
			if strings.Contains(document, "kind: ") && !strings.Contains(document, "helm.sh/hook") {
				documents = append(documents, document)
			}
		}
	}
	in.manifest = strings.Join(documents, "\n---\n")
	isPortal := func(document string) bool { return strings.Contains(document, "\nkind: Deployment\n") }
	in.ApplyManifest(tb, []byte(strings.Join(slices.DeleteFunc(slices.Clone(documents), isPortal), "\n---\n")))
	in.replace(tb, documents[slices.IndexFunc(documents, isPortal)])
	in.release(tb, "deployed", c.Version)
}

// replace makes the portal's Deployment what the manifest says, whoever changed
// which of its fields before.
func (in *installation) replace(tb testing.TB, manifest string) {
	tb.Helper()
	var o unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(manifest), &o.Object); err != nil {
		tb.Fatal(err)
	}
	in.await(tb, "the Deployment to be replaced", func() error {
		now, err := in.of(portalDeployment).Get(context.Background(), portalDeployment.name, metav1.GetOptions{})
		if err != nil {
			_, err = in.of(portalDeployment).Create(context.Background(), &o, metav1.CreateOptions{})
			return err
		}
		now.Object["spec"] = o.Object["spec"]
		_, err = in.of(portalDeployment).Update(context.Background(), now, metav1.UpdateOptions{})
		return err
	})
}

// release writes the Secret in which Helm keeps a release.
func (in *installation) release(tb testing.TB, status, version string) {
	tb.Helper()
	stored, err := json.Marshal(map[string]any{
		"name": releaseName, "namespace": in.namespace, "version": 1, "info": map[string]any{"status": status},
		"chart":  map[string]any{"metadata": map[string]any{"name": releaseName, "version": version, "appVersion": "v" + version, "apiVersion": "v2"}},
		"config": in.values, "manifest": in.manifest,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(stored); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	in.ApplyManifest(tb, fmt.Appendf(nil, `
apiVersion: v1
kind: Secret
metadata:
  name: sh.helm.release.v1.%[1]s.v1
  namespace: %[2]s
  labels: {owner: helm, name: %[1]s, status: %[3]s, version: "1"}
type: helm.sh/release.v1
stringData: {release: %[4]q}
`, releaseName, in.namespace, status, base64.StdEncoding.EncodeToString(zipped.Bytes())))
}

// platform is what other charts and controllers make: the API's Deployment,
// bindings, planes, and what the Gateway's controller says.
func (in *installation) platform(tb testing.TB) {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: openchoreo-api
  namespace: %[1]s
  labels: {app.kubernetes.io/component: api-server, app.kubernetes.io/instance: %[2]s}
spec:
  selector: {matchLabels: {app.kubernetes.io/component: api-server, app.kubernetes.io/name: %[2]s, app.kubernetes.io/instance: %[2]s}}
  template:
    metadata: {labels: {app.kubernetes.io/component: api-server, app.kubernetes.io/name: %[2]s, app.kubernetes.io/instance: %[2]s}}
    spec: {containers: [{name: openchoreo-api, image: api, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ClusterWorkflowPlane
metadata: {name: default}
spec: {planeID: default, clusterAgent: {clientCA: {value: x}}, secretStoreRef: {name: default}}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ClusterObservabilityPlane
metadata: {name: default}
spec: {planeID: default, clusterAgent: {clientCA: {value: x}}, observerURL: "%[3]s"}
`, in.namespace, releaseName, strings.Replace(in.apiURL, "api.", "observer.", 1))
	profile, _, err := templates.Lookup(in.version)
	if err != nil {
		tb.Fatal(err)
	}
	roles := map[string]bool{}
	for _, binding := range profile.Bindings {
		value := binding.Entitlement.Value
		if binding.Name == "backstage-catalog-reader-binding" {
			value = idptest.Portal
		}
		role := binding.RoleMappings[0].Name
		if !roles[role] {
			fmt.Fprintf(&b, "---\napiVersion: openchoreo.dev/v1alpha1\nkind: ClusterAuthzRole\nmetadata: {name: %s}\nspec: {actions: [%s]}\n", role, strings.Join(readerActions, ", "))
		}
		roles[role] = true
		fmt.Fprintf(&b, `---
apiVersion: openchoreo.dev/v1alpha1
kind: ClusterAuthzRoleBinding
metadata: {name: %s}
spec: {effect: allow, entitlement: {claim: %s, value: %q}, roleMappings: [{roleRef: {kind: ClusterAuthzRole, name: %s}}]}
`, binding.Name, binding.Entitlement.Claim, value, role)
	}
	in.ApplyManifest(tb, []byte(b.String()))
	for _, plane := range []thing{{group: "openchoreo.dev", version: "v1alpha1", resource: "clusterworkflowplanes", name: "default"}, {group: "openchoreo.dev", version: "v1alpha1", resource: "clusterobservabilityplanes", name: "default"}} {
		in.status(tb, plane, map[string]any{"agentConnection": map[string]any{"connected": true, "connectedAgents": int64(1), "lastHeartbeatTime": "2026-01-01T00:00:00Z"}})
	}
	condition := func(kind string) map[string]any {
		return map[string]any{"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
	}
	in.status(tb, gateway, map[string]any{
		"addresses": []any{map[string]any{"type": "IPAddress", "value": "127.0.0.1"}}, "conditions": []any{condition("Programmed")},
		"listeners": []any{map[string]any{"name": "http", "attachedRoutes": int64(2), "supportedKinds": []any{}, "conditions": []any{condition("Programmed")}}},
	})
	for _, name := range []string{"backstage", "openchoreo-api"} {
		in.status(tb, thing{group: "gateway.networking.k8s.io", version: "v1", resource: "httproutes", namespaced: true, name: name}, map[string]any{"parents": []any{map[string]any{
			"controllerName": "kgateway.dev/kgateway", "parentRef": map[string]any{"name": "gateway-default"}, "conditions": []any{condition("Accepted"), condition("ResolvedRefs")},
		}}})
	}
}

// thing is an object of the cluster.
type thing struct {
	group, version, resource, name string
	namespaced                     bool
}

var (
	portalDeployment = thing{"apps", "v1", "deployments", "backstage", true}
	apiDeployment    = thing{"apps", "v1", "deployments", "openchoreo-api", true}
	portalSecret     = thing{"", "v1", "secrets", "backstage-secrets", true}
	releaseSecret    = thing{"", "v1", "secrets", "sh.helm.release.v1." + releaseName + ".v1", true}
	apiConfig        = thing{"", "v1", "configmaps", "openchoreo-api-config", true}
	portalService    = thing{"", "v1", "services", "backstage", true}
	apiService       = thing{"", "v1", "services", "openchoreo-api", true}
	gateway          = thing{"gateway.networking.k8s.io", "v1", "gateways", "gateway-default", true}
	portalRoute      = thing{"gateway.networking.k8s.io", "v1", "httproutes", "backstage", true}
	apiRoute         = thing{"gateway.networking.k8s.io", "v1", "httproutes", "openchoreo-api", true}
)

func binding(name string) thing {
	return thing{"openchoreo.dev", "v1alpha1", "clusterauthzrolebindings", name, false}
}

func role(name string) thing {
	return thing{"openchoreo.dev", "v1alpha1", "clusterauthzroles", name, false}
}

func plane(kind string) thing {
	return thing{"openchoreo.dev", "v1alpha1", "cluster" + kind + "planes", "default", false}
}

func (in *installation) of(t thing) dynamic.ResourceInterface {
	r := in.dynamic.Resource(schema.GroupVersionResource{Group: t.group, Version: t.version, Resource: t.resource})
	if t.namespaced {
		return r.Namespace(in.namespace)
	}
	return r
}

func (in *installation) get(tb testing.TB, t thing) *unstructured.Unstructured {
	tb.Helper()
	o, err := in.of(t).Get(context.Background(), t.name, metav1.GetOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// edit changes an object, and puts it back when the test ends.
func (in *installation) edit(tb testing.TB, t thing, change func(object map[string]any)) {
	tb.Helper()
	before := in.get(tb, t)
	in.await(tb, t.name+" to be changed", func() error {
		now := in.get(tb, t)
		change(now.Object)
		_, err := in.of(t).Update(context.Background(), now, metav1.UpdateOptions{})
		return err
	})
	tb.Cleanup(func() { in.restore(tb, t, before) })
}

// remove deletes an object, and makes it again when the test ends.
func (in *installation) remove(tb testing.TB, t thing) {
	tb.Helper()
	before := in.get(tb, t)
	policy := metav1.DeletePropagationBackground
	if err := in.of(t).Delete(context.Background(), t.name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.restore(tb, t, before) })
}

// status sets the status of an object.
func (in *installation) status(tb testing.TB, t thing, status map[string]any) {
	tb.Helper()
	in.await(tb, "the status of "+t.name, func() error {
		now := in.get(tb, t)
		now.Object["status"] = status
		_, err := in.of(t).UpdateStatus(context.Background(), now, metav1.UpdateOptions{})
		return err
	})
}

// editStatus changes the status of an object, and puts it back.
func (in *installation) editStatus(tb testing.TB, t thing, change func(status map[string]any)) {
	tb.Helper()
	before := in.get(tb, t)
	status, _ := before.DeepCopy().Object["status"].(map[string]any)
	if status == nil {
		status = map[string]any{}
	}
	change(status)
	in.status(tb, t, status)
	tb.Cleanup(func() { in.restore(tb, t, before) })
}

// restore makes an object what it was, its status included where no controller
// keeps it.
func (in *installation) restore(tb testing.TB, t thing, before *unstructured.Unstructured) {
	tb.Helper()
	in.await(tb, t.name+" to be as before", func() error {
		o := before.DeepCopy()
		o.SetManagedFields(nil)
		now, err := in.of(t).Get(context.Background(), t.name, metav1.GetOptions{})
		if err == nil {
			o.SetResourceVersion(now.GetResourceVersion())
			o.SetUID(now.GetUID())
			_, err = in.of(t).Update(context.Background(), o, metav1.UpdateOptions{})
		} else {
			o.SetResourceVersion("")
			o.SetUID("")
			_, err = in.of(t).Create(context.Background(), o, metav1.CreateOptions{})
		}
		return err
	})
	if status, ok := before.Object["status"].(map[string]any); ok && t.resource != "deployments" && t.resource != "services" {
		in.status(tb, t, status)
	}
}

// settle waits until both Deployments have their pods, all ready and of the newest
// template.
func (in *installation) settle(tb testing.TB) {
	tb.Helper()
	for _, t := range []thing{portalDeployment, apiDeployment} {
		in.await(tb, t.name+" to roll out", func() error {
			d := in.get(tb, t)
			number := func(path ...string) int64 { n, _, _ := unstructured.NestedInt64(d.Object, path...); return n }
			wanted := number("spec", "replicas")
			if number("status", "observedGeneration") < number("metadata", "generation") {
				return errors.New("not observed")
			}
			for _, count := range []string{"updatedReplicas", "readyReplicas", "availableReplicas", "replicas"} {
				if n := number("status", count); n != wanted {
					return fmt.Errorf("%s %d of %d", count, n, wanted)
				}
			}
			return nil
		})
	}
	in.await(tb, "old pods to go", func() error {
		for _, p := range in.pods(tb, "") {
			if p.GetDeletionTimestamp() != nil {
				return errors.New(p.GetName())
			}
		}
		return nil
	})
}

var podThing = thing{"", "v1", "pods", "", true}

func (in *installation) pods(tb testing.TB, component string) []unstructured.Unstructured {
	tb.Helper()
	o := metav1.ListOptions{}
	if component != "" {
		o.LabelSelector = "app.kubernetes.io/component=" + component
	}
	list, err := in.of(podThing).List(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return list.Items
}

// restart makes new pods of the portal, which start after whatever was written
// before.
func (in *installation) restart(tb testing.TB) {
	tb.Helper()
	for _, p := range in.pods(tb, "backstage") {
		now := int64(0)
		if err := in.of(podThing).Delete(context.Background(), p.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			tb.Fatal(err)
		}
	}
	in.await(tb, "a new pod", func() error {
		pods := in.pods(tb, "backstage")
		if len(pods) == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	in.settle(tb)
}

// await repeats until what returns nil.
func (in *installation) await(tb testing.TB, what string, try func() error) {
	tb.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			tb.Fatalf("waiting for %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// awaitForwards waits until kwok knows logs and port-forwards.
func (in *installation) awaitForwards(tb testing.TB) {
	tb.Helper()
	in.await(tb, "logs and port-forwards", func() error {
		got := in.check(tb)
		for _, id := range []string{"portal.health", "api.health", "portal.logs", "database.postgresql.reach"} {
			if r := got.result(id); r.Status != "pass" {
				return fmt.Errorf("%s: %s %s", id, r.Status, r.Found)
			}
		}
		return nil
	})
}

// examined is what check -o json says.
type examined struct {
	code           int
	stdout, stderr string
	Healthy        bool
	First          *struct {
		ID, Code     string
		Consequences []string
	}
	Checks []result
}

type result struct {
	ID, Status, Code, Found, Hint, Cause, Fix, Doc, Category, Because string
	Guide                                                             []string
	Cure                                                              struct {
		Flow, Step, Key string
		Set             map[string]any
	}
}

func (e examined) result(id string) result {
	for _, r := range e.Checks {
		if r.ID == id {
			return r
		}
	}
	return result{Status: "not there"}
}

// run runs the program.
func (in *installation) run(tb testing.TB, stdin string, args ...string) examined {
	tb.Helper()
	cmd := exec.CommandContext(context.Background(), in.program, args...)
	cmd.Dir = in.dir
	cmd.Env = []string{"HOME=" + in.dir, "PATH=" + cmp.Or(in.path, "/nonexistent"), "KUBECONFIG=" + in.Kubeconfig}
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	return examined{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// check runs the check and reads its result.
func (in *installation) check(tb testing.TB, args ...string) examined {
	tb.Helper()
	got := in.run(tb, "", append([]string{"check", "-o", "json", "-n", in.namespace}, args...)...)
	if err := json.Unmarshal([]byte(got.stdout), &got); err != nil {
		tb.Fatalf("%v\nexit %d\n%s%s", err, got.code, got.stdout, got.stderr)
	}
	return got
}

// mute is a port that takes connections and says nothing.
func mute(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// dead is a kubeconfig of a cluster that takes connections and says nothing.
func (in *installation) dead(tb testing.TB) string {
	tb.Helper()
	config, err := os.ReadFile(in.Kubeconfig)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "dead")
	if err := os.WriteFile(path, bytes.ReplaceAll(config, []byte(in.URL()), []byte("https://127.0.0.1:"+mute(tb))), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
