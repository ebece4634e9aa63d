//go:build unix

package apply

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// pods are the names of the portal's pods that are not on their way out.
func (r *release) pods() (names []string) {
	r.t.Helper()
	list, err := r.core().Pods(r.ns).List(r.t.Context(), metav1.ListOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			names = append(names, pod.Name)
		}
	}
	return names
}

// TestUndoLeavesTheOldPod: a pod of before that the roll-out has kept goes on, with
// the data that it has in no volume, unless it may have started with what is put
// back.
func TestUndoLeavesTheOldPod(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		unread bool
		stop   bool // at the roll-out, as with Ctrl-C
		same   bool
	}{
		{name: "its keys were added", unread: true, same: true},
		{name: "stopped at the roll-out", unread: true, stop: true, same: true},
		{name: "it reads what was set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRelease(t)
			if err := r.env.Cluster.WatchRollout(t.Context(), r.ns, "backstage", func(k8s.Rollout) {}); err != nil {
				t.Fatal(err)
			}
			before := r.pods()
			if len(before) != 1 {
				t.Fatalf("pods %q", before)
			}
			actions := r.actions(strings.Replace(oldRelease, "replicas: 1", "replicas: 1, nodeSelector: {kubernetes.io/hostname: nowhere}", 1), newClient)
			actions = actions[:len(actions)-1]
			for i, a := range actions {
				switch a := a.(type) {
				case plan.WriteSecret:
					a.Unread = tt.unread
					actions[i] = a
				case plan.KeepPrevious:
					a.Journal.Unread, a.Journal.Deployment, a.Journal.Wait = tt.unread, "backstage", 20*time.Second
					actions[i] = a
				}
			}
			actions = append(actions, plan.AwaitRollout{Namespace: r.ns, Deployment: "backstage", Timeout: 3 * time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var during []string
			r.env.Decide = func(Failure) Decision { return Decision{Do: Undo} }
			_, err := Run(ctx, r.env, actions, func(e Event) {
				if e.ID == "rollout" && e.Rollout != nil && e.Rollout.Updated == 1 && len(during) == 0 {
					if during = r.pods(); tt.stop {
						cancel()
					}
				}
			})
			var failure *Error
			if !errors.As(err, &failure) || failure.Journal || len(failure.Left) > 0 {
				t.Fatalf("got %v", err)
			}
			if len(during) != 2 {
				t.Fatalf("while it rolled there were the pods %q", during)
			}
			if err := r.env.Cluster.WatchRollout(t.Context(), r.ns, "backstage", func(k8s.Rollout) {}); err != nil {
				t.Fatal(err)
			}
			after := r.pods()
			if same := len(after) == 1 && after[0] == before[0]; same != tt.same {
				t.Errorf("the pods were %q and are %q", before, after)
			}
		})
	}
}
