package k8s

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestDiscoverInstalled(t *testing.T) {
	cluster := testcluster.Start(t)
	applyCRDs(t, cluster)
	ns := install(t, cluster, true)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "gateways"}, ns, "gateway-default", `{
		"addresses": [{"type": "IPAddress", "value": "192.0.2.7"}],
		"conditions": [{"type": "Accepted", "status": "True"}, {"type": "Programmed", "status": "True"}],
		"listeners": [{"name": "http", "conditions": [{"type": "Programmed", "status": "True"}]}, {"name": "https", "conditions": [{"type": "Programmed", "status": "False"}]}]}`)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "httproutes"}, ns, "portal", `{
		"parents": [{"parentRef": {"name": "gateway-default"}, "conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]}]}`)
	setStatus(t, cluster, kind{gatewayGroup, "v1", "httproutes"}, ns, "openchoreo-api", `{
		"parents": [{"parentRef": {"name": "gateway-default"}, "conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "False", "message": "no such Service"}]}]}`)
	setStatus(t, cluster, kind{"openchoreo.dev", "v1alpha1", "workflowplanes"}, ns, "own", `{"agentConnection": {"connected": true, "connectedAgents": 1}}`)
	setStatus(t, cluster, externalSecretKind, ns, "portal-es", `{
		"refreshTime": "2026-01-02T03:04:05Z", "conditions": [{"type": "Ready", "status": "True", "message": "secret synced"}]}`)

	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	eventually(t, "pods become ready", func() error {
		found := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		if found.Deployment.Available != 1 || !found.Thunder.Ready || len(found.Pods.Items) != 1 || !found.Pods.Items[0].Ready || found.Pods.Items[0].Started.IsZero() {
			return fmt.Errorf("%+v %+v %+v", found.Deployment, found.Thunder, found.Pods)
		}
		return nil
	})
	count.all = nil
	got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})

	if got.Deployment.Labels[componentLabel] != portalComponent {
		t.Errorf("the labels of the pods are %v", got.Deployment.Labels)
	}
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
			Revision: 10, Deployed: 10, Status: "deployed",
			Config: map[string]any{"backstage": map[string]any{"baseUrl": "https://console.example.com", "replicas": 2.0}},
			Bytes:  got.Release.Bytes,
		},
		Deployment: Deployment{
			Name: "portal", Release: "cp", Image: "ghcr.io/openchoreo/openchoreo-ui:v1.2.3",
			Env:        []EnvVar{{Name: "BACKEND_SECRET", SecretName: "portal-secrets", SecretKey: "backend-secret"}, {Name: "DATABASE_CLIENT", Value: "pg"}},
			References: []PodReference{{Kind: KindSecret, Name: "portal-secrets", By: "variable BACKEND_SECRET", Keys: []string{"backend-secret"}}},
			Database:   "pg", SecretName: "portal-secrets", Labels: got.Deployment.Labels, Generation: 1, Replicas: 1, Ready: 1, Updated: 1, Available: 1, Reloader: Reloader{Auto: true},
		},
		Pods: Pods{Items: []PodState{{
			Name: got.Pods.Items[0].Name, Phase: "Running", Ready: true, Node: testcluster.NodeName,
			Created: got.Pods.Items[0].Created, Started: got.Pods.Items[0].Started,
		}}},
		Secret: SecretState{Name: "portal-secrets", Secret: got.Secret.Secret, Owner: owner},
		External: ExternalSecret{
			Name: "portal-es", Namespace: ns, UID: got.External.UID, APIVersion: "external-secrets.io/v1",
			Owner:  Owner{OwnerUnknownManager, "testcluster", "", `spec applied by "testcluster"`},
			Target: "portal-secrets", CreationPolicy: "Merge", DeletionPolicy: "Retain", RefreshInterval: time.Hour,
			Data: []ExternalKey{{SecretKey: "client-secret", RemoteKey: "backstage-client-secret", Property: "value"}},
			Store: Store{
				Kind: "ClusterSecretStore", Name: "store-" + ns, Provider: "vault",
				Server: "http://openbao.openbao.svc:8200", Path: "secret", Version: "v2",
			},
			Ready: true, Message: "secret synced", RefreshTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Generation: 1, ResourceVersion: got.External.ResourceVersion,
		},
		Claim:     Claim{Namespace: ns, Name: "portal-db"},
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
		Claim:     Claim{Namespace: "openchoreo-control-plane", Name: "backstage-db"},
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

// A run that was left in the middle is not overlooked because one answer failed.
func TestDiscoverNoAnswerAboutPrevious(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := install(t, cluster, false)
	c := openAs(t, cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, PreviousSuffix) {
				return nil, errors.New("reset by a test")
			}
			return next.RoundTrip(r)
		})
	})
	if got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"}).Secret; got.Secret == nil || !strings.Contains(got.Unknown, "reset by a test") {
		t.Errorf("%+v", got)
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

func TestDiscoverTwoReleases(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	for _, d := range []struct{ name, release, component, chart string }{
		{"a-portal", "first", "backstage", "openchoreo-control-plane-1.1.6"},
		{"b-portal", "second", "backstage", "openchoreo-control-plane-1.2.3"},
		{"c-api", "third", "api-server", "openchoreo-control-plane-1.0.5"},
	} {
		cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: %s
  namespace: %s
  labels: {app.kubernetes.io/instance: %s, app.kubernetes.io/component: %s, helm.sh/chart: %s}
spec:
  replicas: 0
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: x, image: x}]}
`, d.name, ns, d.release, d.component, d.chart))
	}
	for release, want := range map[string][2]string{
		"first": {"a-portal", "1.1.6"}, "second": {"b-portal", "1.2.3"},
	} {
		got := c.Discover(t.Context(), Query{Namespace: ns, Release: release})
		if got.Deployment.Name != want[0] || got.Release.ChartVersion != want[1] || !got.Release.Installed {
			t.Errorf("%s: %+v %+v", release, got.Deployment, got.Release)
		}
	}
}

func TestDiscoverWithoutPortal(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: openchoreo-api
  namespace: %s
  labels: {app.kubernetes.io/instance: cp, app.kubernetes.io/component: api-server, helm.sh/chart: openchoreo-control-plane-1.2.3}
spec:
  replicas: 0
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: x, image: x}]}
`, ns))
	got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
	if got.Deployment.Name != "" || got.Deployment.Unknown != "" || !got.Release.Installed || got.Release.ChartVersion != "1.2.3" {
		t.Errorf("%+v %+v", got.Deployment, got.Release)
	}
}
