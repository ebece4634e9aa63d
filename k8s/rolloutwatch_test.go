package k8s

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// expiring is a context whose deadline passes when the test says so.
type expiring struct {
	context.Context
	passed chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.passed }

func (e expiring) Err() error {
	select {
	case <-e.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestWatchRolloutTellsWhyPodsDoNotStart(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	for name, tt := range map[string]struct{ status, reason, message, text string }{
		"CrashLoopBackOff": {`
          waiting: {reason: CrashLoopBackOff, message: back-off 10s restarting}
        lastState: {terminated: {exitCode: 7}}`, "CrashLoopBackOff", "exit code 7; back-off 10s restarting",
			"CrashLoopBackOff: container backstage ended with exit code 7 (restarted 3 times)"},
		"CreateContainerConfigError": {`
          waiting: {reason: CreateContainerConfigError, message: "couldn't find key client-secret in Secret ns/s"}`,
			"CreateContainerConfigError", "couldn't find key client-secret in Secret ns/s",
			`CreateContainerConfigError: Secret "s" has no key "client-secret"`},
		"ImagePullBackOff": {`
          waiting: {reason: ImagePullBackOff, message: "Back-off pulling image"}`, "ImagePullBackOff", "Back-off pulling image",
			`ImagePullBackOff: Back-off pulling image (image "x")`},
		"OOMKilled": {`
          terminated: {reason: OOMKilled, exitCode: 137}`, "OOMKilled", "exit code 137",
			"OOMKilled: container backstage used more memory than its limit (restarted 3 times)"},
	} {
		t.Run(name, func(t *testing.T) {
			ns := cluster.Namespace(t)
			cluster.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: %s-%s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.namespace, operator: In, values: [%[2]s]}
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
  weight: 1
  next:
    statusTemplate: |
      phase: Running
      podIP: 10.1.99.99
      containerStatuses:
      - name: backstage
        image: x
        imageID: ""
        ready: false
        restartCount: 3
        state:%[3]s
`, strings.ToLower(name), ns, tt.status))
			deploy(t, cluster, ns, 1)
			ctx := expiring{t.Context(), make(chan struct{})}
			var once sync.Once
			err := c.WatchRollout(ctx, ns, "backstage", func(r Rollout) {
				if len(r.Pods) == 1 && r.Pods[0].Reason == tt.reason {
					once.Do(func() { close(ctx.passed) }) // it goes on until the deadline passes
				}
			})
			var rollout *RolloutError
			if !errors.As(err, &rollout) || !errors.Is(err, ErrNotRolledOut) {
				t.Fatalf("got %v", err)
			}
			pod := rollout.Last.Pods[0]
			if pod.Message != tt.message || pod.Ready {
				t.Errorf("got %+v", pod)
			}
			if want := "; pod " + pod.Name + ": " + tt.text; !strings.HasSuffix(err.Error(), want) {
				t.Errorf("got  %v\nwant …%s", err, want)
			}
		})
	}
}

func TestWatchRolloutOfNothing(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	progress := func(r Rollout) { t.Errorf("told %+v", r) }
	if err := c.WatchRollout(t.Context(), ns, "backstage", progress); !errors.Is(err, ErrNotFound) {
		t.Errorf("not there: %v", err)
	}
	if err := c.RestartDeployment(t.Context(), ns, "backstage", time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("restart: %v", err)
	}
	nobody := openAs(t, cluster.KubeconfigFor(t, "nobody"), nil)
	if err := nobody.WatchRollout(t.Context(), ns, "backstage", progress); !errors.Is(err, ErrForbidden) {
		t.Errorf("no right: %v", err)
	}
}

// hold makes pods of the namespace stay Pending, so that a roll-out goes on.
func hold(t *testing.T, cluster *testcluster.Cluster, ns string) {
	t.Helper()
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: %s}
spec: {hard: {pods: "0"}}
`, ns))
	deploy(t, cluster, ns, 1)
}

func TestWatchRolloutEnds(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	apps, err := appsv1.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("canceled", func(t *testing.T) {
		ns := cluster.Namespace(t)
		hold(t, cluster, ns)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := c.WatchRollout(ctx, ns, "backstage", func(Rollout) { cancel() })
		var rollout *RolloutError
		if !errors.Is(err, context.Canceled) || errors.As(err, &rollout) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		ns := cluster.Namespace(t)
		hold(t, cluster, ns)
		var once sync.Once
		err := c.WatchRollout(t.Context(), ns, "backstage", func(Rollout) {
			once.Do(func() {
				if err := apps.Deployments(ns).Delete(t.Context(), "backstage", metav1.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			})
		})
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a quota that refuses pods is told", func(t *testing.T) {
		ns := cluster.Namespace(t)
		hold(t, cluster, ns)
		ctx := expiring{t.Context(), make(chan struct{})}
		var once sync.Once
		err := c.WatchRollout(ctx, ns, "backstage", func(r Rollout) {
			if strings.Contains(r.Message, "exceeded quota") {
				once.Do(func() { close(ctx.passed) })
			}
		})
		if !errors.Is(err, ErrNotRolledOut) || !strings.Contains(err.Error(), "exceeded quota") {
			t.Errorf("got %v", err)
		}
	})
}

// Who may only get this one Deployment still sees it roll out.
func TestWatchRolloutWithFewRights(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	hold(t, cluster, ns)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: getter, namespace: NS}
rules:
- {apiGroups: [apps], resources: [deployments], resourceNames: [backstage], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: getter, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: getter}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: getter-NS}]
`, "NS", ns)))
	c := openAs(t, cluster.KubeconfigFor(t, "getter-"+ns), nil)
	eventually(t, "the right is known", func() error {
		_, err := c.readDeployment(t.Context(), ns, "backstage")
		return err
	})
	_, core := admin(t, cluster)
	var told seen
	err := c.WatchRollout(t.Context(), ns, "backstage", func(r Rollout) {
		if told.add(r); len(told.all) == 1 {
			if err := core.ResourceQuotas(ns).Delete(t.Context(), "none", metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
			deploy(t, cluster, ns, 0) // the controller would wait long before it tries a pod again
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := told.last(); last.Pods != nil || !strings.Contains(last.PodsHidden, "list on pods") {
		t.Errorf("got %+v", last)
	}
}

// A watch that breaks, as all do after a while, is no end of the roll-out.
func TestWatchRolloutAfterBrokenWatches(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	hold(t, cluster, ns)
	broken := 0
	var mu sync.Mutex
	c := openAs(t, cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			breaks := req.URL.Query().Get("watch") == "true" && broken == 0
			if breaks {
				broken++
			}
			mu.Unlock()
			if breaks {
				deploy(t, cluster, ns, 0)
				return nil, errors.New("connection lost")
			}
			return next.RoundTrip(req)
		})
	})
	if err := c.WatchRollout(t.Context(), ns, "backstage", (&seen{}).add); err != nil {
		t.Fatal(err)
	}
	if broken != 1 {
		t.Error("no watch was broken")
	}
}
