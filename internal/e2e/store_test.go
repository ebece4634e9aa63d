package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/terminaltest"
	"github.com/openchoreo/backstage-setup/internal/testcluster/estest"
)

// seeds are the keys of the product's guide for k3d, and what they hold there.
var seeds = map[string]string{
	"backend-secret": "local-dev-backend-secret", "client-secret": "backstage-portal-secret", "jenkins-api-key": "placeholder-not-in-use",
	"github-actions-token": "placeholder-not-in-use", "github-oauth-client-secret": "placeholder-not-in-use",
}

// kitchen is a site whose Secret is made by External Secrets from OpenBao, which
// is a Service of the cluster.
type kitchen struct {
	*site
	bao        *baotest.Server
	controller *estest.Controller
}

func newKitchen(t *testing.T, marks string) *kitchen {
	t.Helper()
	k := emptyKitchen(t)
	for key, value := range seeds {
		k.bao.Put("secret", "backstage-"+key, fmt.Sprintf(`{"value": %q, "note": 7}`, value))
	}
	var data strings.Builder
	for key := range seeds {
		fmt.Fprintf(&data, "  - {secretKey: %[1]s, remoteRef: {key: backstage-%[1]s, property: value}}\n", key)
	}
	k.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: backstage-secrets, namespace: NS`+marks+`}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: default, kind: SecretStore}
  target: {name: backstage-secrets}
  data:
`+data.String())
	k.synced(t, "client-secret", seeds["client-secret"])
	return k
}

// emptyKitchen has a store and no ExternalSecret.
func emptyKitchen(t *testing.T) *kitchen {
	t.Helper()
	crds := filepath.Join("..", "..", "..", "shared", "crds")
	if _, err := os.Stat(crds); err != nil {
		t.Skipf("the resource definitions of External Secrets are not here: %v", err)
	}
	k := &kitchen{site: newSite(t), bao: baotest.Start(t)}
	k.ApplyCRDs(t, crds)
	k.bao.Mount("secret", 2)
	at, err := url.Parse(k.bao.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(at.Host)
	if err != nil {
		t.Fatal(err)
	}
	k.controller = estest.Start(t, k.Cluster, k.namespace, estest.Store{URL: k.bao.URL, Token: baotest.RootToken})
	k.apply(t, `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: default, namespace: NS}
spec:
  provider: {vault: {server: "http://openbao.NS.svc:8200", path: secret, version: v2, auth: {tokenSecretRef: {name: t, key: t}}}}
---
apiVersion: v1
kind: Service
metadata: {name: openbao, namespace: NS}
spec: {selector: {app: openbao}, ports: [{port: 8200, targetPort: 8200}]}
---
apiVersion: v1
kind: Pod
metadata: {name: openbao-0, namespace: NS, labels: {app: openbao}}
spec: {containers: [{name: openbao, image: x, ports: [{containerPort: 8200}]}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards: [{ports: [8200], target: {address: 127.0.0.1, port: `+port+`}}]
`)
	return k
}

func (k *kitchen) apply(t *testing.T, manifest string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), k.Bin+"/kubectl", "apply", "-f", "-") // as a person: server-side managers would own it
	cmd.Env = []string{"KUBECONFIG=" + k.Kubeconfig, "HOME=" + k.dir}
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(manifest, "NS", k.namespace))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// synced waits until the Secret's key holds the value.
func (k *kitchen) synced(t *testing.T, key, value string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		s, err := k.secrets(t).Get(t.Context(), "backstage-secrets", metav1.GetOptions{})
		if err == nil && string(s.Data[key]) == value {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not synced: %v", key, err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// stored is what the store holds under the key's own entry.
func (k *kitchen) stored(t *testing.T, key string) (value string, version int) {
	t.Helper()
	text, version := k.bao.Get("secret", "backstage-"+key)
	var object struct {
		Value string      `json:"value"`
		Note  json.Number `json:"note"`
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
	}
	return object.Value, version
}

func (k *kitchen) install(t *testing.T, more ...string) output {
	t.Helper()
	env := []string{"CLIENT_SECRET=" + clientSecret, "SERVICE_SECRET=" + serviceSecret, "BAO_TOKEN=" + baotest.RootToken}
	return k.execute(t, env, append([]string{
		"install", "--yes", "-n", k.namespace, "--chart", k.chart,
		"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080",
		"--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
		"--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET",
	}, more...)...)
}

const serviceSecret = "service-canary-4be1d0"

// TestThroughTheStore: the Secret is External Secrets', so the values go to its
// store, through a port-forward, and come back into the Secret.
func TestThroughTheStore(t *testing.T) {
	k := newKitchen(t, "")
	got := k.install(t, "--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET")
	if got.code != 0 {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	s := k.secret(t)
	want := map[string]string{"service-client-secret": serviceSecret}
	for key, value := range seeds {
		want[key] = value
	}
	want["client-secret"] = clientSecret
	if diff := cmp.Diff(want, text(s)); diff != "" {
		t.Error(diff)
	}
	if value, version := k.stored(t, "client-secret"); value != clientSecret || version != 2 {
		t.Errorf("the store has version %d", version)
	}
	if object, _ := k.bao.Get("secret", "backstage-client-secret"); !strings.Contains(object, `"note"`) {
		t.Error("the entry's other property is gone")
	}
	for _, key := range []string{"backend-secret", "jenkins-api-key"} {
		if _, version := k.stored(t, key); version != 1 {
			t.Errorf("%s was written", key)
		}
	}
	for _, out := range []string{got.stdout, got.stderr} {
		for _, canary := range []string{clientSecret, serviceSecret, baotest.RootToken} {
			if strings.Contains(out, canary) && canary != "root" {
				t.Errorf("a secret shows:\n%s", out)
			}
		}
	}
	if list := k.list(t); slices.ContainsFunc(list, func(s corev1.Secret) bool { return strings.HasSuffix(s.Name, "-previous") }) {
		t.Error("the journal stays")
	}
	// The same once more changes nothing.
	again := k.install(t, "--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET")
	if _, version := k.stored(t, "client-secret"); again.code != 0 || version != 2 {
		t.Errorf("exit %d, version %d\n%s", again.code, version, again.stderr)
	}
}

func text(s *corev1.Secret) map[string]string {
	out := map[string]string{}
	for key, value := range s.Data {
		out[key] = string(value)
	}
	return out
}

// TestNewThroughTheStore: a first installation gets its Secret from the store: the
// entries and the ExternalSecret are made.
func TestNewThroughTheStore(t *testing.T) {
	k := emptyKitchen(t)
	k.apply(t, `
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: default}
spec:
  provider: {vault: {server: "http://openbao.NS.svc:8200", path: secret, version: v2, auth: {tokenSecretRef: {name: t, key: t, namespace: NS}}}}
`)
	t.Cleanup(func() {
		cmd := exec.Command(k.Bin+"/kubectl", "delete", "clustersecretstore", "default")
		cmd.Env = []string{"KUBECONFIG=" + k.Kubeconfig, "HOME=" + k.dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	got := k.install(t, "--delivery", "external-secrets", "--set", "secret.store.token=env:BAO_TOKEN")
	if got.code != 0 {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	keys := text(k.secret(t))
	if keys["client-secret"] != clientSecret || len(keys["backend-secret"]) != 44 || keys["jenkins-api-key"] == "" {
		t.Errorf("the Secret has %d keys, or other values", len(keys))
	}
	if value, version := k.stored(t, "backend-secret"); value != keys["backend-secret"] || version != 1 {
		t.Errorf("the store has version %d of another value", version)
	}
}

// TestUndoThroughTheStore: a run that was killed after the store was written is
// put back by undo, which needs the token.
func TestUndoThroughTheStore(t *testing.T) {
	k := newKitchen(t, "")
	k.controller.Pause()
	env := []string{"CLIENT_SECRET=" + clientSecret, "BAO_TOKEN=" + baotest.RootToken}
	cmd := k.command(t, env, "install", "--yes", "-n", k.namespace, "--chart", k.chart, "--set", "preset=development",
		"--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
		"--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET", "--set", "secret.store.token=env:BAO_TOKEN")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if _, version := k.stored(t, "client-secret"); version == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the store was not written")
		}
		<-time.After(20 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	k.controller.Resume()
	if got := k.execute(t, env, "undo", "--yes", "-n", k.namespace); got.code != 2 || !strings.Contains(got.stderr, "secret.store.token") {
		t.Errorf("without the token: exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	got := k.execute(t, env, "undo", "--yes", "-n", k.namespace, "--set", "secret.store.token=env:BAO_TOKEN")
	if got.code != 0 {
		t.Errorf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	if diff := cmp.Diff(seeds, text(k.secret(t))); diff != "" {
		t.Error(diff)
	}
	if value, version := k.stored(t, "client-secret"); value != seeds["client-secret"] || version != 3 {
		t.Errorf("the store has version %d", version)
	}
	if _, err := os.Stat(k.file("backstage-values.yaml")); !os.IsNotExist(err) {
		t.Error("the values file is still there")
	}
}

// TestStoreWithoutToken: nothing is written, and the operator is told what to
// write where.
func TestStoreWithoutToken(t *testing.T) {
	k := newKitchen(t, "")
	got := k.install(t)
	if got.code != 0 || !strings.Contains(got.stdout, "bao kv patch -mount=secret backstage-client-secret value=-") || !strings.Contains(got.stdout, "force-sync") {
		t.Errorf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	if _, version := k.stored(t, "client-secret"); version != 1 || string(k.secret(t).Data["client-secret"]) != seeds["client-secret"] {
		t.Error("something was written")
	}
}

// TestStoreRefuses: what would fail is found before anything is written.
func TestStoreRefuses(t *testing.T) {
	reader := map[string][]string{"secret/data/*": {"read"}, "secret/metadata/*": {"read"}}
	for name, tt := range map[string]struct {
		prepare func(k *kitchen) (token string)
		want    string
	}{
		"wrong token":     {func(*kitchen) string { return "nobody" }, "no right to read"},
		"may only read":   {func(k *kitchen) string { return k.bao.Token(reader) }, "may not write"},
		"sealed":          {func(k *kitchen) string { k.bao.Seal(); return baotest.RootToken }, "sealed"},
		"no engine there": {func(k *kitchen) string { k.bao.Unmount("secret"); return baotest.RootToken }, "mount"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKitchen(t, "")
			t.Setenv("OTHER_TOKEN", "")
			token := tt.prepare(k)
			env := []string{"CLIENT_SECRET=" + clientSecret, "OTHER_TOKEN=" + token}
			got := k.execute(t, env, "install", "--yes", "-n", k.namespace, "--chart", k.chart, "--set", "preset=development",
				"--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET",
				"--set", "identity.issuer=http://thunder.openchoreo.localhost:8080", "--set", "secret.store.token=env:OTHER_TOKEN")
			if !strings.Contains(got.stdout+got.stderr, tt.want) {
				t.Errorf("it does not say %q:\n%s\n%s", tt.want, got.stdout, got.stderr)
			}
			if string(k.secret(t).Data["client-secret"]) != seeds["client-secret"] {
				t.Error("the Secret has another value")
			}
		})
	}
}

// TestStoreIsUndone: the roll-out fails, so the store, and with it the Secret, get
// the old values again.
func TestStoreIsUndone(t *testing.T) {
	k := newKitchen(t, "")
	both := []string{"--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET"}
	if got := k.install(t, both...); got.code != 0 {
		t.Fatalf("exit %d\n%s", got.code, got.stderr)
	}
	before := text(k.secret(t))
	k.apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: backstage, namespace: NS, labels: {app.kubernetes.io/component: backstage}}
spec:
  replicas: 1
  selector: {matchLabels: {app: portal}}
  template:
    metadata: {labels: {app: portal}}
    spec:
      nodeSelector: {kubernetes.io/hostname: none}
      containers: [{name: backstage, image: x, env: [{name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: backstage-secrets, key: backend-secret}}}]}]
`)
	env := []string{"NEW_SECRET=another-canary-91ab", "BAO_TOKEN=" + baotest.RootToken}
	got := k.execute(t, env, "install", "--yes", "-n", k.namespace, "--chart", k.chart, "--wait", "3s",
		"--set", "client.secret=env:NEW_SECRET", "--set", "serviceClient.secret=env:NEW_SECRET", "--set", "secret.store.token=env:BAO_TOKEN")
	if got.code != 1 || !strings.Contains(got.stderr, "undone") {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	if diff := cmp.Diff(before, text(k.secret(t))); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]string{"client-secret": clientSecret, "service-client-secret": serviceSecret} {
		if value, version := k.stored(t, key); value != want || version < 3 {
			t.Errorf("%s has version %d and not the old value", key, version)
		}
	}
}

// TestStoreWithoutController: nothing syncs, so what is new in the store and in
// the ExternalSecret goes again.
func TestStoreWithoutController(t *testing.T) {
	k := newKitchen(t, "")
	k.controller.Pause()
	got := k.install(t, "--wait", "3s", "--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET")
	if got.code != 1 || !strings.Contains(got.stderr, "is its controller running") {
		t.Errorf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	if value, _ := k.stored(t, "service-client-secret"); value != "" {
		t.Error("the new entry is still there")
	}
	if value, version := k.stored(t, "client-secret"); value != seeds["client-secret"] || version != 3 {
		t.Errorf("the store has version %d", version)
	}
	k.controller.Resume()
	k.synced(t, "client-secret", seeds["client-secret"])
	if _, there := k.secret(t).Data["service-client-secret"]; there {
		t.Error("the ExternalSecret still reads the new key")
	}
	if again := k.install(t, "--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET"); again.code != 0 {
		t.Errorf("the second run: exit %d\n%s\n%s", again.code, again.stdout, again.stderr)
	}
}

// TestExternalSecretInGit: the ExternalSecret belongs to Argo CD, so what it lacks
// goes to a file for Git; the store gets its values all the same.
func TestExternalSecretInGit(t *testing.T) {
	k := newKitchen(t, `, annotations: {argocd.argoproj.io/tracking-id: "platform:external-secrets.io/ExternalSecret:NS/backstage-secrets"}`)
	got := k.install(t, "--set", "secret.store.token=env:BAO_TOKEN", "--set", "serviceClient.id=service", "--set", "serviceClient.secret=env:SERVICE_SECRET")
	if got.code != 0 || !strings.Contains(got.stdout, "backstage-external-secret.yaml") {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
	}
	manifest, err := os.ReadFile(k.file("backstage-external-secret.yaml"))
	if err != nil || !strings.Contains(string(manifest), "service-client-secret") || strings.Contains(string(manifest), serviceSecret) {
		t.Errorf("%v\n%s", err, manifest)
	}
	if value, _ := k.stored(t, "service-client-secret"); value != serviceSecret {
		t.Error("the store does not have the new entry")
	}
	if _, there := k.secret(t).Data["service-client-secret"]; there {
		t.Error("the ExternalSecret was changed in the cluster")
	}
}

// TestStoreTokenIsAsked: on the screen the token is asked for, hidden, and the
// review then says that the values go through the store.
func TestStoreTokenIsAsked(t *testing.T) {
	k := newKitchen(t, "")
	cmd := k.command(t, []string{"CLIENT_SECRET=" + clientSecret}, "install", "-n", k.namespace, "--chart", k.chart,
		"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
		"--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET")
	token := k.bao.Token(map[string][]string{"secret/data/*": {"read", "create", "update"}, "secret/metadata/*": {"read"}, "secret/config": {"read"}})
	screen := terminaltest.Start(t, cmd, 110, 34)
	screen.Forbid(token)
	screen.Expect("Target", "Enter goes on", "Secret store")
	screen.Send("\r")
	screen.Expect("Identity provider")
	screen.Send("\r")
	screen.Expect("Store token")
	screen.Send(token)
	screen.Expect("characters")
	screen.Send("\r")
	screen.Expect("Apply these", "checks passed")
	agree(screen)
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
	k.synced(t, "client-secret", clientSecret)
	if _, version := k.stored(t, "client-secret"); version != 2 {
		t.Errorf("the store has version %d", version)
	}
}
