package broken_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
)

// keys changes values of the portal's Secret and restarts the portal; "" takes a
// key away, and a single blank makes it empty.
func (in *installation) keys(tb testing.TB, change map[string]string) {
	tb.Helper()
	tb.Cleanup(func() { in.restart(tb) }) // the last: after the values are back
	in.edit(tb, portalSecret, func(o map[string]any) {
		data := o["data"].(map[string]any)
		for key, value := range change {
			switch value {
			case "":
				delete(data, key)
			case " ":
				data[key] = ""
			default:
				data[key] = base64.StdEncoding.EncodeToString([]byte(value))
			}
		}
	})
	in.restart(tb)
}

// set changes values of the release, as `helm upgrade` does; paths are dotted.
func (in *installation) set(tb testing.TB, change map[string]any) {
	tb.Helper()
	values := in.usual()
	for path, value := range change {
		tree := values
		parts := strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			below, ok := tree[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				tree[part] = below
			}
			tree = below
		}
		tree[parts[len(parts)-1]] = value
	}
	tb.Cleanup(func() {
		in.upgrade(tb, in.usual())
		in.settle(tb)
	})
	in.upgrade(tb, values)
}

// rolled is set, with the roll-out waited for.
func (in *installation) rolled(tb testing.TB, change map[string]any) {
	tb.Helper()
	in.set(tb, change)
	in.settle(tb)
}

// variable changes a variable of the running Deployment by hand.
func (in *installation) variable(tb testing.TB, name string, value any) {
	tb.Helper()
	tb.Cleanup(func() { in.settle(tb) })
	in.edit(tb, portalDeployment, func(o map[string]any) {
		containers, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
		c := containers[0].(map[string]any)
		env := c["env"].([]any)
		env = slices.DeleteFunc(env, func(e any) bool { return e.(map[string]any)["name"] == name })
		if value != nil {
			env = append(env, map[string]any{"name": name, "value": value})
		}
		c["env"] = env
		if err := unstructured.SetNestedSlice(o, containers, "spec", "template", "spec", "containers"); err != nil {
			tb.Fatal(err)
		}
	})
	in.settle(tb)
}

// pod changes the status of the portal's pod as a kubelet would.
func (in *installation) pod(tb testing.TB, state map[string]any, restarts int64, last map[string]any) {
	tb.Helper()
	tb.Cleanup(func() { in.restart(tb) })
	in.kubelet(tb, portalDeployment, in.pods(tb, "backstage")[0].GetName(), state, restarts, last)
}

// kubelet changes the status of the only pod of a Deployment, and waits until that
// has no pod that is available.
func (in *installation) kubelet(tb testing.TB, of thing, pod string, state map[string]any, restarts int64, last map[string]any) {
	tb.Helper()
	p := podThing
	p.name = pod
	in.await(tb, "the pod's status", func() error {
		now := in.get(tb, p)
		status := now.Object["status"].(map[string]any)
		for _, c := range status["conditions"].([]any) {
			if c := c.(map[string]any); c["type"] == "Ready" || c["type"] == "ContainersReady" {
				c["status"] = "False"
			}
		}
		container := status["containerStatuses"].([]any)[0].(map[string]any)
		container["ready"], container["started"], container["state"], container["restartCount"] = false, false, state, restarts
		if last != nil {
			container["lastState"] = last
		}
		_, err := in.of(p).UpdateStatus(context.Background(), now, metav1.UpdateOptions{})
		return err
	})
	in.await(tb, "the Deployment to see it", func() error {
		n, _, _ := unstructured.NestedInt64(in.get(tb, of).Object, "status", "availableReplicas")
		if n != 0 {
			return fmt.Errorf("%d are available", n)
		}
		return nil
	})
}

func waiting(reason, message string) map[string]any {
	return map[string]any{"waiting": map[string]any{"reason": reason, "message": message}}
}

// crash has the portal's container end again and again, with these last words.
func (in *installation) crash(tb testing.TB, lines ...string) {
	tb.Helper()
	in.says(tb, "backstage", lines...)
	in.down(tb)
	in.pod(tb, waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=backstage"), 4, map[string]any{
		"terminated": map[string]any{"exitCode": int64(1), "reason": "Error", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:09Z"},
	})
}

// says has a container write lines behind the usual ones.
func (in *installation) says(tb testing.TB, container string, lines ...string) {
	tb.Helper()
	usual := usualLog
	if container != "backstage" {
		usual = nil
	}
	before, err := os.ReadFile(in.log(container))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.WriteFile(in.log(container), before, 0o644); err != nil {
			tb.Error(err)
		}
	})
	in.write(tb, container, append(slices.Clone(usual), lines...)...)
}

func answering(status int, body string) *http.HandlerFunc {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	return &h
}

// down has the portal answer as a Service without pods does.
func (in *installation) down(tb testing.TB) {
	in.portal.Store(answering(http.StatusServiceUnavailable, "no healthy upstream"))
	tb.Cleanup(func() { in.portal.Store(nil) })
}

// make applies objects that are deleted when the test ends.
func (in *installation) make(tb testing.TB, manifest string, things ...thing) {
	tb.Helper()
	in.ApplyManifest(tb, []byte(strings.ReplaceAll(manifest, "namespace: NS", "namespace: "+in.namespace)))
	tb.Cleanup(func() {
		for _, t := range things {
			if err := in.of(t).Delete(context.Background(), t.name, metav1.DeleteOptions{}); err != nil {
				tb.Error(err)
			}
		}
	})
}

// external makes the ExternalSecret of the portal's Secret, in that state.
func (in *installation) external(tb testing.TB, ready, reason, message string, refreshed time.Time) {
	tb.Helper()
	es := thing{"external-secrets.io", "v1", "externalsecrets", "portal", true}
	in.make(tb, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal, namespace: NS}
spec:
  refreshInterval: 1h0m0s
  secretStoreRef: {kind: SecretStore, name: vault}
  target: {name: backstage-secrets, creationPolicy: Merge}
  data: [{secretKey: client-secret, remoteRef: {key: backstage-client-secret, property: value}}]
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: NS}
spec: {provider: {vault: {server: "http://openbao.localhost:8200", path: secret, version: v2, auth: {tokenSecretRef: {name: token, key: token}}}}}
`, es, thing{"external-secrets.io", "v1", "secretstores", "vault", true})
	in.status(tb, es, map[string]any{
		"refreshTime": refreshed.UTC().Format(time.RFC3339),
		"conditions":  []any{map[string]any{"type": "Ready", "status": ready, "reason": reason, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}},
	})
	in.status(tb, thing{"external-secrets.io", "v1", "secretstores", "vault", true}, map[string]any{
		"conditions": []any{map[string]any{"type": "Ready", "status": "True", "reason": "Valid", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}},
	})
}

// secure has the Gateway end TLS with that certificate, nil for none, and the
// portal's address begin with https.
func (in *installation) secure(tb testing.TB, c *pgtest.Certificate) {
	tb.Helper()
	address := "https://portal.localhost:" + in.base.Port()
	in.address.Store(&address)
	tb.Cleanup(func() { in.address.Store(new(in.base.String())) })
	before := in.get(tb, gateway)
	if c != nil {
		pair := pgtest.NewAuthority("some authority").Issue(*c)
		in.make(tb, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: portal-tls, namespace: NS}
type: kubernetes.io/tls
data: {tls.crt: %s, tls.key: %s}
`, base64.StdEncoding.EncodeToString(pair.Chain), base64.StdEncoding.EncodeToString(pair.Key)), thing{"", "v1", "secrets", "portal-tls", true})
	}
	in.rolled(tb, map[string]any{
		"backstage.baseUrl": address, "gateway.httpPort": 8080, "gateway.httpsPort": before.Object["spec"].(map[string]any)["listeners"].([]any)[0].(map[string]any)["port"],
		"gateway.tls": map[string]any{"enabled": true, "hostname": "*.localhost", "certificateRefs": []any{map[string]any{"name": "portal-tls"}}},
	})
	in.editStatus(tb, gateway, func(status map[string]any) {
		first := status["listeners"].([]any)[0].(map[string]any)
		second := map[string]any{"name": "https"}
		for k, v := range first {
			if k != "name" {
				second[k] = v
			}
		}
		if c == nil {
			second["conditions"] = []any{map[string]any{"type": "Programmed", "status": "False", "reason": "Invalid", "message": "certificate", "lastTransitionTime": "2026-01-01T00:00:00Z"}}
		}
		status["listeners"] = []any{first, second}
	})
}

// elapse waits until the clock shows another second than when the pods started:
// Kubernetes notes both to the second.
func (in *installation) elapse(tb testing.TB) {
	tb.Helper()
	begun := time.Now().Truncate(time.Second)
	in.await(tb, "the next second", func() error {
		if time.Now().Truncate(time.Second).After(begun) {
			return nil
		}
		return fmt.Errorf("not yet")
	})
}

// operatorFile is a file in the directory where the program runs.
func (in *installation) operatorFile(tb testing.TB, name, text string) {
	tb.Helper()
	path := filepath.Join(in.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.Remove(path); err != nil {
			tb.Error(err)
		}
	})
}

// kill deletes the portal's pods and waits for nothing.
func (in *installation) kill(tb testing.TB) {
	tb.Helper()
	for _, p := range in.pods(tb, "backstage") {
		now := int64(0)
		if err := in.of(podThing).Delete(context.Background(), p.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			tb.Fatal(err)
		}
	}
}

// unready waits until the Deployment's controller has seen the newest template,
// and its pods have been tried.
func (in *installation) unready(tb testing.TB) {
	tb.Helper()
	in.await(tb, "the roll-out to be stuck", func() error {
		d := in.get(tb, portalDeployment)
		if n, _, _ := unstructured.NestedInt64(d.Object, "status", "unavailableReplicas"); n == 0 {
			return fmt.Errorf("nothing is unavailable")
		}
		conditions, _, _ := unstructured.NestedSlice(d.Object, "status", "conditions")
		for _, c := range conditions {
			if c := c.(map[string]any); c["type"] == "ReplicaFailure" && c["status"] == "True" {
				return nil
			}
		}
		for _, p := range in.pods(tb, "backstage") {
			conditions, _, _ := unstructured.NestedSlice(p.Object, "status", "conditions")
			for _, c := range conditions {
				if c := c.(map[string]any); c["type"] == "PodScheduled" && c["status"] == "False" {
					return nil
				}
			}
		}
		return fmt.Errorf("no pod was tried")
	})
}

var claim = thing{"", "v1", "persistentvolumeclaims", "backstage-db", true}

// claim has SQLite's volume be of a storage class that is not there.
func (in *installation) claim(tb testing.TB) {
	tb.Helper()
	tb.Cleanup(func() { in.unclaim(tb) })
	in.set(tb, map[string]any{"backstage.database": map[string]any{"type": "sqlite", "sqlite": map[string]any{"persistence": map[string]any{"enabled": true, "storageClassName": "nosuch"}}}})
	in.unready(tb)
}

// unclaim deletes the claim, whoever uses it, and waits until it is gone.
func (in *installation) unclaim(tb testing.TB) {
	tb.Helper()
	in.await(tb, "the claim to go", func() error {
		ctx := context.Background()
		o, err := in.of(claim).Get(ctx, claim.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		o.SetFinalizers(nil)
		if _, err := in.of(claim).Update(ctx, o, metav1.UpdateOptions{}); err != nil {
			return err
		}
		if err := in.of(claim).Delete(ctx, claim.name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		return fmt.Errorf("it is being deleted")
	})
}
