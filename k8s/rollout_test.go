package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestRolloutDone(t *testing.T) {
	for name, tt := range map[string]struct {
		rollout Rollout
		want    bool
	}{
		"all new and available":                    {Rollout{Generation: 2, Observed: 2, Desired: 2, Total: 2, Updated: 2, Ready: 2, Available: 2}, true},
		"scaled to nothing":                        {Rollout{Generation: 2, Observed: 2}, true},
		"not seen by the controller":               {Rollout{Generation: 3, Observed: 2, Desired: 1, Total: 1, Updated: 1, Available: 1}, false},
		"old pod available, new one not":           {Rollout{Generation: 2, Observed: 2, Desired: 1, Total: 2, Updated: 1, Available: 1}, false},
		"old pod still there beside available new": {Rollout{Generation: 2, Observed: 2, Desired: 1, Total: 2, Updated: 1, Available: 2}, false},
		"only some are new":                        {Rollout{Generation: 2, Observed: 2, Desired: 2, Total: 2, Updated: 1, Available: 2}, false},
		"new but not available":                    {Rollout{Generation: 2, Observed: 2, Desired: 1, Total: 1, Updated: 1}, false},
	} {
		if got := tt.rollout.Done(); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestRolloutError(t *testing.T) {
	last := Rollout{Desired: 2, Updated: 1, Available: 1, Message: "deadline exceeded", Troubles: []Trouble{
		{Kind: TroubleKeyMissing, Pod: "stuck", Reason: "CreateContainerConfigError", MissingKey: "x", MissingSecret: "s"},
		{Kind: TroubleProbe, Pod: "slow", Reason: "Unhealthy", Message: "Readiness probe failed"},
	}}
	err := &RolloutError{Namespace: "ns", Name: "backstage", Last: last, cause: context.DeadlineExceeded}
	want := `deployment ns/backstage: the roll-out did not end in time: 1 of 2 pods are updated, 1 available; pod stuck: CreateContainerConfigError: Secret "s" has no key "x"`
	if err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	err.Last.Troubles = nil
	if want := "1 available; deadline exceeded"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	err.Last = Rollout{Desired: 1, Updated: 1, Available: 1, Message: "deadline exceeded", Pods: []PodState{
		{Name: "new", Phase: "Running", Started: time.Unix(1, 0), Restarts: 2, Template: TemplateNew},
		{Name: "waits", Phase: "Pending", Reason: "CrashLoopBackOff", Message: "exit code 7", Template: TemplateNew},
		{Name: "old", Phase: "Running", Ready: true, Template: TemplateOld},
	}}
	want = `deployment ns/backstage: the roll-out did not end in time: 1 of 1 pods are updated, 1 available, 1 of these from before; ` +
		`pod new: Running, not ready: its container runs, and its readiness probe has not passed yet (restarted 2 times); pod waits: Pending, not ready: CrashLoopBackOff: exit code 7`
	if err.Error() != want || err.Pod() != "new" || err.Hint() != "kubectl -n ns logs new" {
		t.Errorf("%s, %s\ngot  %v\nwant %s", err.Pod(), err.Hint(), err, want)
	}
	if !errors.Is(err, ErrNotRolledOut) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the reason is lost")
	}
}

func deploy(t *testing.T, cluster *testcluster.Cluster, ns string, replicas int) {
	t.Helper()
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: backstage, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app.kubernetes.io/component: backstage}}
  template:
    metadata: {labels: {app.kubernetes.io/component: backstage}, annotations: {note: kept}}
    spec:
      containers:
      - {name: sidecar, image: s}
      - {name: backstage, image: x}
`, ns, replicas))
}

// seen collects what is told.
type seen struct {
	mu  sync.Mutex
	all []Rollout
}

func (s *seen) add(r Rollout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r)
}

func (s *seen) last() Rollout {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[len(s.all)-1]
}

func TestRestartAndWatch(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	deploy(t, cluster, ns, 2)
	c, _ := admin(t, cluster)
	if err := c.WatchRollout(t.Context(), ns, "backstage", (&seen{}).add); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := c.RestartDeployment(t.Context(), ns, "backstage", at); err != nil {
		t.Fatal(err)
	}
	var told seen
	if err := c.WatchRollout(t.Context(), ns, "backstage", told.add); err != nil {
		t.Fatal(err)
	}
	last := told.last()
	if !last.Done() || last.Desired != 2 || last.Generation < 2 {
		t.Errorf("got %+v", last)
	}
	for i, r := range told.all {
		if r.Done() != (i == len(told.all)-1) {
			t.Errorf("%d of %d: %+v", i, len(told.all), r)
		}
		if i > 0 && cmp.Equal(r, told.all[i-1]) {
			t.Errorf("%d is told twice: %+v", i, r)
		}
	}
	ready := slices.DeleteFunc(slices.Clone(last.Pods), func(p PodState) bool { return !p.Ready || p.Phase == "Terminating" })
	if len(ready) < 2 {
		t.Errorf("pods %+v", last.Pods)
	}
	apps, err := appsv1.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	d, err := apps.Deployments(ns).Get(t.Context(), "backstage", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"note": "kept", "kubectl.kubernetes.io/restartedAt": "2026-01-02T03:04:05Z"}
	if diff := cmp.Diff(want, d.Spec.Template.Annotations); diff != "" {
		t.Error(diff)
	}
	if len(d.Spec.Template.Spec.Containers) != 2 {
		t.Error("the containers changed")
	}
}
