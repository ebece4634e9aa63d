package k8s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

const (
	maxRequests   = 24
	maxRoundTrips = 4
)

// installed is a control plane as its chart makes it; NS is its namespace.
const installed = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: portal
  namespace: NS
  labels: &labels
    helm.sh/chart: openchoreo-control-plane-1.2.3
    app.kubernetes.io/name: openchoreo-control-plane
    app.kubernetes.io/instance: cp
    app.kubernetes.io/version: v1.2.3
    app.kubernetes.io/managed-by: Helm
    app.kubernetes.io/component: backstage
    helm.toolkit.fluxcd.io/name: cp
    helm.toolkit.fluxcd.io/namespace: flux-system
  annotations: {reloader.stakater.com/auto: "true"}
spec:
  selector: {matchLabels: {app.kubernetes.io/component: backstage}}
  template:
    metadata: {labels: *labels}
    spec:
      containers:
      - name: backstage
        image: ghcr.io/openchoreo/openchoreo-ui:v1.2.3
        env:
        - {name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: portal-secrets, key: backend-secret}}}
        - {name: DATABASE_CLIENT, value: pg}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: openchoreo-api-config, namespace: NS}
data: {config.yaml: "security: {authentication: {jwt: {issuer: 'https://id.example.com'}}}"}
---
apiVersion: v1
kind: Secret
metadata: {name: portal-secrets, namespace: NS}
stringData: {client-secret: c, backend-secret: b}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast-NS, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: slow-NS}
provisioner: kubernetes.io/no-provisioner
`

// custom is what of it needs resource definitions.
const custom = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal-es, namespace: NS}
spec:
  refreshInterval: 1h
  secretStoreRef: {kind: ClusterSecretStore, name: store-NS}
  target: {name: portal-secrets, creationPolicy: Merge}
  data:
  - {secretKey: client-secret, remoteRef: {key: backstage-client-secret, property: value}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal-secrets, namespace: NS}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: store-NS}
  target: {name: another}
  data:
  - {secretKey: a, remoteRef: {key: a}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: store-NS}
spec:
  provider:
    vault:
      server: http://openbao.openbao.svc:8200
      path: secret
      version: v2
      auth: {kubernetes: {mountPath: kubernetes, role: reader}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway-default, namespace: NS}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: http, port: 8080, protocol: HTTP}
  - {name: https, port: 8443, protocol: HTTPS, hostname: "*.example.com", tls: {certificateRefs: [{name: wildcard}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: portal, namespace: NS, labels: {app.kubernetes.io/component: backstage}}
spec: {hostnames: [console.example.com], parentRefs: [{name: gateway-default}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: openchoreo-api, namespace: NS, labels: {app.kubernetes.io/component: api-server}}
spec: {hostnames: [api.example.com], parentRefs: [{name: gateway-default}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: unrelated, namespace: NS}
spec: {hostnames: [other.example.com]}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ClusterWorkflowPlane
metadata: {name: wp-NS}
spec: {planeID: default, clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: openchoreo.dev/v1alpha1
kind: WorkflowPlane
metadata: {name: own, namespace: NS}
spec: {planeID: default, clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ObservabilityPlane
metadata: {name: op, namespace: NS}
spec: {planeID: default, observerURL: "https://observer.example.com", clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: thunder}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: thunder, namespace: thunder, labels: {app.kubernetes.io/name: thunder}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: thunder}}
  template:
    metadata: {labels: {app.kubernetes.io/name: thunder}}
    spec: {containers: [{name: thunder, image: "thunder:0.28.0"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: thunder, namespace: thunder}
spec: {hostnames: [thunder.example.com]}
`

// install makes a control plane in a new namespace; kinds is whether the
// resource definitions are there.
func install(t *testing.T, cluster *testcluster.Cluster, kinds bool) (ns string) {
	t.Helper()
	ns = cluster.Namespace(t)
	manifest := installed
	if kinds {
		manifest += "\n---" + custom
	}
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(manifest, "NS", ns)))
	for _, revision := range []struct{ version, status string }{{"8", "superseded"}, {"9", "failed"}, {"10", "deployed"}} {
		text := strings.ReplaceAll(releaseJSON, `"version": 12`, `"version": `+revision.version)
		cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: v1
kind: Secret
metadata:
  name: sh.helm.release.v1.cp.v%[1]s
  namespace: %[2]s
  labels: {owner: helm, name: cp, status: %[3]s, version: "%[1]s"}
type: helm.sh/release.v1
stringData: {release: %[4]s}
`, revision.version, ns, revision.status, packRelease(t, strings.ReplaceAll(text, `"deployed"`, `"`+revision.status+`"`))))
	}
	return ns
}

// setStatus writes the status of a custom resource, as its controller would.
func setStatus(t *testing.T, cluster *testcluster.Cluster, k kind, ns, name, status string) {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	var resource dynamic.ResourceInterface = client.Resource(schema.GroupVersionResource{Group: k.group, Version: k.version, Resource: k.resource})
	if ns != "" {
		resource = resource.(dynamic.NamespaceableResourceInterface).Namespace(ns)
	}
	_, err = resource.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":`+status+`}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}

func TestDiscoverInstalled(t *testing.T) {
	cluster := testcluster.Start(t)
	applyCRDs(t, cluster)
	ns := install(t, cluster, true)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "gateways"}, ns, "gateway-default", `{
		"addresses": [{"type": "IPAddress", "value": "192.0.2.7"}],
		"conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", "status": "True"}],
		"listeners": [{"name": "http", "conditions": [{"type": "Programmed", "status": "True"}]}, {"name": "https", "conditions": [{"type": "Programmed", "status": "False"}]}]}`)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "httproutes"}, ns, "portal", `{
		"parents": [{"conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]}]}`)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "httproutes"}, ns, "openchoreo-api", `{
		"parents": [{"conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "False", "message": "no such Service"}]}]}`)
	setStatus(t, cluster, kind{"openchoreo.dev", "v1alpha1", "workflowplanes"}, ns, "own", `{"agentConnection": {"connected": true, "connectedAgents": 1}}`)
	setStatus(t, cluster, externalSecretKind, ns, "portal-es", `{
		"refreshTime": "2026-01-02T03:04:05Z", "conditions": [{"type": "Ready", "status": "True", "message": "secret synced"}]}`)

	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	eventually(t, "pods become ready", func() error {
		found := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		if found.Deployment.Available != 1 || !found.Thunder.Ready || len(found.Pods.Items) != 1 || !found.Pods.Items[0].Ready {
			return fmt.Errorf("%+v %+v %+v", found.Deployment, found.Thunder, found.Pods)
		}
		return nil
	})
	count.all = nil
	got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})

	if got.Secret.Secret == nil {
		t.Fatalf("no Secret: %+v", got.Secret)
	}
	if diff := cmp.Diff(map[string]string{"client-secret": "c", "backend-secret": "b"}, revealed(got.Secret.Secret)); diff != "" {
		t.Error(diff)
	}
	if len(got.Release.Bytes) == 0 || !strings.HasPrefix(got.Server.Version, "v1.") {
		t.Errorf("release of %d bytes, server %q", len(got.Release.Bytes), got.Server.Version)
	}
	owner := Owner{OwnerExternalSecrets, "portal-es", ns, `ExternalSecret "portal-es" has it as its target`}
	want := Found{
		Server:    got.Server,
		Namespace: Namespace{Name: ns, Exists: true},
		Release: Release{
			Name: "cp", Namespace: ns, Installed: true, Chart: "openchoreo-control-plane", ChartVersion: "1.2.3", AppVersion: "v1.2.3",
			Owner:    Owner{OwnerFlux, "cp", "flux-system", "label helm.toolkit.fluxcd.io/name=cp"},
			Revision: 10, Status: "deployed",
			Config: map[string]any{"backstage": map[string]any{"baseUrl": "https://console.example.com", "replicas": 2.0}},
			Bytes:  got.Release.Bytes,
		},
		Deployment: Deployment{
			Name: "portal", Release: "cp", Image: "ghcr.io/openchoreo/openchoreo-ui:v1.2.3",
			Env:      []EnvVar{{Name: "BACKEND_SECRET", SecretName: "portal-secrets", SecretKey: "backend-secret"}, {Name: "DATABASE_CLIENT", Value: "pg"}},
			Database: "pg", SecretName: "portal-secrets", Replicas: 1, Ready: 1, Updated: 1, Available: 1, Reloader: Reloader{Auto: true},
		},
		Pods:   Pods{Items: []PodState{{Name: got.Pods.Items[0].Name, Phase: "Running", Ready: true, Created: got.Pods.Items[0].Created}}},
		Secret: SecretState{Name: "portal-secrets", Secret: got.Secret.Secret, Owner: owner},
		External: ExternalSecret{
			Name: "portal-es", Namespace: ns, Target: "portal-secrets", CreationPolicy: "Merge", RefreshPolicy: got.External.RefreshPolicy,
			Data: []ExternalKey{{"client-secret", "backstage-client-secret", "value"}},
			Store: Store{
				Kind: "ClusterSecretStore", Name: "store-" + ns, Provider: "vault",
				Server: "http://openbao.openbao.svc:8200", Path: "secret", Version: "v2",
			},
			Ready: true, Message: "secret synced", RefreshTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			ResourceVersion: got.External.ResourceVersion,
		},
		Portal:    Route{Name: "portal", Hostnames: []string{"console.example.com"}, Gateways: []string{"gateway-default"}, Accepted: true},
		API:       Route{Name: "openchoreo-api", Hostnames: []string{"api.example.com"}, Gateways: []string{"gateway-default"}, Message: "no such Service"},
		APIConfig: APIConfig{Config: map[string]any{"security": map[string]any{"authentication": map[string]any{"jwt": map[string]any{"issuer": "https://id.example.com"}}}}},
		Gateway: Gateway{
			Name: "gateway-default", Class: "kgateway", Addresses: []string{"192.0.2.7"}, Programmed: true,
			Listeners: []Listener{
				{Name: "http", Protocol: "HTTP", Port: 8080, Programmed: true},
				{Name: "https", Hostname: "*.example.com", Protocol: "HTTPS", Port: 8443, TLS: "Terminate", Certificates: []string{"wildcard"}},
			},
		},
		StorageClasses: StorageClasses{Names: []string{"fast-" + ns, "slow-" + ns}, Default: "fast-" + ns},
		WorkflowPlanes: Planes{Items: []Plane{
			{Kind: "clusterworkflowplanes", Name: "wp-" + ns},
			{Kind: "workflowplanes", Namespace: ns, Name: "own", Connected: true},
		}},
		ObservabilityPlanes: Planes{Items: []Plane{
			{Kind: "observabilityplanes", Namespace: ns, Name: "op", ObserverURL: "https://observer.example.com"},
		}},
		Thunder: Thunder{Installed: true, Ready: true, Image: "thunder:0.28.0", Hostnames: []string{"thunder.example.com"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Secret{}, "Values")); diff != "" {
		t.Error(diff)
	}
	if !got.WorkflowPlanes.Connected() || got.ObservabilityPlanes.Connected() || got.WorkflowPlanes.Registered() != 2 {
		t.Errorf("planes %+v %+v", got.WorkflowPlanes, got.ObservabilityPlanes)
	}
	if sent := len(count.requests()); sent > maxRequests {
		t.Errorf("%d requests, at most %d are allowed", sent, maxRequests)
	} else {
		t.Logf("%d requests", sent)
	}
	t.Run("in few round trips", func(t *testing.T) { testRoundTrips(t, count.requests(), ns) })
	t.Run("owner", func(t *testing.T) {
		if diff := cmp.Diff(owner, c.SecretOwner(t.Context(), got.Secret.Secret)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("as large as ever", func(t *testing.T) { testGrowth(t, cluster, ns) })
}

// testRoundTrips replays the API server's answers, each after a second of the
// bubble's clock: the seconds that pass are the requests that wait for another.
func testRoundTrips(t *testing.T, answers []exchange, ns string) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				for _, e := range answers {
					if e.method == req.Method && strings.HasSuffix(e.url, req.URL.RequestURI()) {
						return response(req, e.status, e.contentType, e.body), nil
					}
				}
				return nil, fmt.Errorf("nobody asked %s %s before", req.Method, req.URL)
			})
		})
		start := time.Now()
		found := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		if found.External.Store.Server == "" || found.Release.Revision == 0 {
			t.Errorf("the replay is not complete: %+v", found)
		}
		if passed := time.Since(start); passed > maxRoundTrips*time.Second {
			t.Errorf("%v round trips, at most %d are allowed", passed.Seconds(), maxRoundTrips)
		}
	})
}

// testGrowth adds what a grown cluster has and expects the same requests and
// no more bytes.
func testGrowth(t *testing.T, cluster *testcluster.Cluster, ns string) {
	_, core := admin(t, cluster)
	q := Query{Namespace: ns, Release: "cp"}
	before, after := &recorder{}, &recorder{}
	openAs(t, cluster.Kubeconfig, before.wrap).Discover(t.Context(), q)
	for i := range 200 {
		s := portalSecretObject(map[string]string{"data": strings.Repeat("x", 10_000)})
		s.Name = fmt.Sprintf("unrelated-%d", i)
		s.Labels = map[string]string{"owner": "helm", "name": "another", "status": "deployed", "version": "1"}
		if _, err := core.Secrets(ns).Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	openAs(t, cluster.Kubeconfig, after.wrap).Discover(t.Context(), q)
	if len(before.requests()) != len(after.requests()) {
		t.Errorf("%d requests, then %d", len(before.requests()), len(after.requests()))
	}
	if after.bytes() > before.bytes()+before.bytes()/10 {
		t.Errorf("%d bytes, then %d", before.bytes(), after.bytes())
	}
}

func TestDiscoverEmptyCluster(t *testing.T) {
	cluster := testcluster.Start(t) // one of its own: without resource definitions
	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	got := c.Discover(t.Context(), Query{Namespace: "openchoreo-control-plane", Release: "openchoreo-control-plane"})
	if got.Server.Err != nil {
		t.Fatal(got.Server.Err)
	}
	want := Found{
		Server:    got.Server,
		Namespace: Namespace{Name: "openchoreo-control-plane"},
		Release:   Release{Name: "openchoreo-control-plane", Namespace: "openchoreo-control-plane"},
		Secret:    SecretState{Name: DefaultSecretName},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sent := len(count.requests()); sent > maxRequests {
		t.Errorf("%d requests, at most %d are allowed", sent, maxRequests)
	}
	t.Run("installed without resource definitions", func(t *testing.T) {
		ns := install(t, cluster, false)
		got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		if got.Release.Revision != 10 || got.Secret.Secret == nil || got.Deployment.Database != "pg" {
			t.Errorf("%+v", got)
		}
		if got.External.Name != "" || got.External.Unknown != "" || got.Portal.Unknown != "" || got.Gateway.Name != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDiscoverWithoutRights(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := install(t, cluster, false)
	c := openAs(t, cluster.KubeconfigFor(t, "nobody"), nil)
	got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
	if got.Server.Err != nil || got.Server.Version == "" {
		t.Errorf("everybody may ask for the version: %+v", got.Server)
	}
	if got.Release.Installed || got.Secret.Secret != nil || got.Deployment.Name != "" {
		t.Errorf("without rights it learned %+v", got)
	}
	for part, reason := range map[string]struct{ got, want string }{
		"namespace":     {got.Namespace.Unknown, `get on namespaces "` + ns + `" is missing`},
		"release":       {got.Release.Unknown, `list on secrets in namespace "` + ns + `" is missing`},
		"deployment":    {got.Deployment.Unknown, `list on deployments.apps in namespace "` + ns + `" is missing`},
		"pods":          {got.Pods.Unknown, `list on pods in namespace "` + ns + `" is missing`},
		"secret":        {got.Secret.Unknown, `get on secrets "backstage-secrets" in namespace "` + ns + `" is missing`},
		"external":      {got.External.Unknown, `list on externalsecrets.external-secrets.io in namespace "` + ns + `" is missing`},
		"portal":        {got.Portal.Unknown, "list on httproutes.gateway.networking.k8s.io"},
		"api":           {got.API.Unknown, "list on httproutes.gateway.networking.k8s.io"},
		"api config":    {got.APIConfig.Unknown, `get on configmaps "openchoreo-api-config"`},
		"gateway":       {got.Gateway.Unknown, `get on gateways.gateway.networking.k8s.io "gateway-default"`},
		"storage":       {got.StorageClasses.Unknown, "list on storageclasses.storage.k8s.io is missing"},
		"workflow":      {got.WorkflowPlanes.Unknown, "list on clusterworkflowplanes.openchoreo.dev is missing"},
		"observability": {got.ObservabilityPlanes.Unknown, "list on clusterobservabilityplanes.openchoreo.dev is missing"},
		"thunder":       {got.Thunder.Unknown, `list on deployments.apps in namespace "thunder" is missing`},
	} {
		if !strings.Contains(reason.got, reason.want) {
			t.Errorf("%s: got %q, want %q", part, reason.got, reason.want)
		}
	}
}

// With the rights of the smallest Role the chart's version comes from labels.
func TestDiscoverWithFewRights(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := install(t, cluster, false)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: setup, namespace: NS}
rules:
- {apiGroups: [""], resources: [secrets], resourceNames: [portal-secrets], verbs: [get]}
- {apiGroups: [apps], resources: [deployments], resourceNames: [backstage], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: setup, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: setup}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: setup}]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: backstage
  namespace: NS
  labels: {helm.sh/chart: openchoreo-control-plane-1.1.6, app.kubernetes.io/instance: cp, app.kubernetes.io/version: v1.1.6}
spec:
  replicas: 0
  selector: {matchLabels: {app: b}}
  template:
    metadata: {labels: {app: b}}
    spec:
      containers:
      - {name: backstage, image: x, env: [{name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: portal-secrets, key: k}}}]}
`, "NS", ns)))
	c := openAs(t, cluster.KubeconfigFor(t, "setup"), nil)
	var got Found
	eventually(t, "the rights are known", func() error {
		got = c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		return errors.Join(errOf(got.Deployment.Unknown), errOf(got.Secret.Unknown))
	})
	if got.Secret.Secret == nil || got.Secret.Name != "portal-secrets" {
		t.Errorf("%+v", got.Secret)
	}
	if r := got.Release; !r.Installed || r.ChartVersion != "1.1.6" || r.AppVersion != "v1.1.6" || r.Unknown == "" || r.Config != nil {
		t.Errorf("%+v", r)
	}
}

func errOf(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

func TestDeadServer(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close() // nobody listens there any more
	c := openAs(t, serverConfig(t, "https://"+port.Addr().String()), nil)
	_, err = c.Reach(t.Context())
	if !errors.Is(err, ErrUnreachable) {
		t.Fatalf("got %v", err)
	}
	if want := "get version: the API server cannot be reached: dial tcp " + port.Addr().String(); !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
	got := c.Discover(t.Context(), Query{Namespace: "ns", Release: "cp"})
	if !errors.Is(got.Server.Err, ErrUnreachable) || got.Secret.Unknown == "" || got.Release.Unknown == "" {
		t.Errorf("%+v", got)
	}
}

func TestSilentServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := Open(Options{Kubeconfig: serverConfig(t, "https://"+silent.Addr().String()), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Reach(t.Context())
	if !errors.Is(err, ErrUnreachable) || !strings.HasSuffix(err.Error(), "did not answer in time") {
		t.Errorf("got %v", err)
	}
}

// Discovery of a server that never answers takes one time-out, not one for each
// round trip.
func TestDiscoverSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		})
		start := time.Now()
		got := c.Discover(t.Context(), Query{Namespace: "ns", Release: "cp"})
		if passed := time.Since(start); passed != DefaultTimeout {
			t.Errorf("it took %v", passed)
		}
		if !errors.Is(got.Server.Err, ErrUnreachable) || got.Secret.Unknown == "" || got.External.Unknown == "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDiscoverCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		got := c.Discover(ctx, Query{Namespace: "ns", Release: "cp"})
		if passed := time.Since(start); passed != time.Second {
			t.Errorf("it took %v", passed)
		}
		if !errors.Is(got.Server.Err, context.Canceled) || errors.Is(got.Server.Err, ErrUnreachable) {
			t.Errorf("got %v", got.Server.Err)
		}
	})
}

// A credential plugin that fails is no unreachable server.
func TestCredentialPluginFails(t *testing.T) {
	path := writeFile(t, "config", `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users:
- name: u
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-credential-plugin, interactiveMode: IfAvailable}
`)
	_, err := openAs(t, path, nil).Reach(t.Context())
	if !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "no-such-credential-plugin") {
		t.Errorf("got %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func replayConfig(t *testing.T) string { return serverConfig(t, "http://replay.invalid") }

func serverConfig(t *testing.T, server string) string {
	t.Helper()
	return writeFile(t, "config", `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "`+server+`"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
`)
}
