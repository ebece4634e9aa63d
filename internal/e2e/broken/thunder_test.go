package broken_test

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var thunder = thing{"apps", "v1", "deployments", "thunder", true}

// withThunder makes ThunderID's Deployment, in its own namespace.
func withThunder(t *testing.T) (in, own *installation) {
	in = installAs(t, "1.2.3", "thunder.localhost")
	own = &installation{Cluster: in.Cluster, namespace: "thunder", dynamic: in.dynamic}
	own.make(t, `
apiVersion: v1
kind: Namespace
metadata: {name: thunder}
`, thing{"", "v1", "namespaces", "thunder", false})
	own.make(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: thunder, namespace: NS, labels: {app.kubernetes.io/name: thunder}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: thunder}}
  template:
    metadata: {labels: {app.kubernetes.io/name: thunder}}
    spec: {containers: [{name: thunder, image: thunder}]}
`, thunder)
	own.ready(t, 1)
	return in, own
}

// ready waits until ThunderID has that many pods.
func (in *installation) ready(t *testing.T, wanted int64) {
	t.Helper()
	in.await(t, "ThunderID's pods", func() error {
		status, _ := in.get(t, thunder).Object["status"].(map[string]any)
		if n, _ := status["availableReplicas"].(int64); n != wanted || len(in.pods(t, "")) != int(wanted) {
			return fmt.Errorf("%v", status)
		}
		return nil
	})
}

// TestThunder: where ThunderID is the provider and its pods do not run, that is what
// is to be mended, whatever does not answer for it.
func TestThunder(t *testing.T) {
	in, own := withThunder(t)
	if got := in.check(t); got.First != nil || got.code != 0 || got.result("identity.thunder").Status != "pass" {
		t.Fatalf("exit %d\n%s", got.code, got.findings())
	}
	scale := func(t *testing.T, replicas int64) {
		own.edit(t, thunder, func(o map[string]any) { o["spec"].(map[string]any)["replicas"] = replicas })
	}
	for _, d := range []struct {
		name, code string
		make       func(t *testing.T)
	}{
		{"scaled to 0", "rollout.scaled-to-zero", func(t *testing.T) {
			t.Cleanup(func() { own.ready(t, 1) })
			scale(t, 0)
			own.ready(t, 0)
		}},
		{"no image", "rollout.image", func(t *testing.T) {
			pod := own.pods(t, "")[0].GetName()
			t.Cleanup(func() {
				p := podThing
				p.name = pod
				if err := own.of(p).Delete(context.Background(), pod, metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				own.ready(t, 1)
			})
			own.kubelet(t, thunder, pod, waiting("ImagePullBackOff", `Back-off pulling image "thunder:v9"`), 0, nil)
		}},
		{"no node", "rollout.unschedulable", func(t *testing.T) {
			t.Cleanup(func() { own.ready(t, 1) })
			own.edit(t, thunder, func(o map[string]any) {
				o["spec"].(map[string]any)["strategy"] = map[string]any{"type": "Recreate"}
				o["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["nodeSelector"] = map[string]any{"disk": "nosuch"}
			})
			own.await(t, "the pod to find no node", func() error {
				for _, p := range own.pods(t, "") {
					conditions, _ := p.Object["status"].(map[string]any)["conditions"].([]any)
					for _, c := range conditions {
						if c := c.(map[string]any); c["type"] == "PodScheduled" && c["status"] == "False" {
							return nil
						}
					}
				}
				return fmt.Errorf("not tried")
			})
		}},
	} {
		t.Run(d.name, func(t *testing.T) {
			d.make(t)
			in.silent.Store(true)
			t.Cleanup(func() { in.silent.Store(false) })
			got := in.check(t)
			r := got.result("identity.thunder")
			if got.First == nil || got.First.ID != "identity.thunder" || r.Code != d.code || r.Cure.Flow != "" {
				t.Errorf("%+v\n%s", r, got.findings())
			}
			for _, c := range got.Checks {
				if c.Status == "fail" && c.ID != r.ID && c.Because == "" {
					t.Errorf("%s stands by itself: %s", c.ID, c.Found)
				}
			}
		})
	}
}
