package k8s

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// brief looks at once, and again soon.
func brief() patience {
	return patience{looks: []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, time.Second}}
}

// become makes new pods of the namespace take this status and keep it.
func become(t *testing.T, cluster *testcluster.Cluster, ns, status string) {
	t.Helper()
	cluster.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: become-%[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.namespace, operator: In, values: [%[1]s]}
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.podIP, operator: DoesNotExist}
  weight: 1
  next:
    statusTemplate: |
      podIP: 10.1.99.99
%[2]s`, ns, indent(status, "      ")))
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n"
}

const creating = `
phase: Pending
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 0
  state: {waiting: {reason: ContainerCreating}}
`

// eventsOnPods writes the warning about each pod of the namespace that appears,
// as the controller or kubelet does.
func eventsOnPods(t *testing.T, core typedcorev1.CoreV1Interface, ns, reason, message string) {
	t.Helper()
	var pods *corev1.PodList
	eventually(t, "a pod is there", func() (err error) {
		pods, err = core.Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err == nil && len(pods.Items) == 0 {
			err = errors.New("none")
		}
		return err
	})
	for _, pod := range pods.Items {
		now := metav1.Now()
		_, err := core.Events(ns).Create(t.Context(), &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{GenerateName: pod.Name + "."},
			InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: ns, Name: pod.Name, UID: pod.UID},
			Reason:         reason, Message: message, Type: corev1.EventTypeWarning,
			FirstTimestamp: now, LastTimestamp: now, Count: 1,
			Source: corev1.EventSource{Component: "attachdetach-controller"},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// watchUntil follows the roll-out until enough says so, and returns the error
// with which it then passes its deadline.
func watchUntil(t *testing.T, c *Client, ns string, p patience, enough func(Rollout) bool) *RolloutError {
	t.Helper()
	ctx := expiring{t.Context(), make(chan struct{})}
	var (
		once sync.Once
		last Rollout
	)
	late := time.AfterFunc(3*time.Minute, func() { once.Do(func() { close(ctx.passed) }) })
	err := c.watchRollout(ctx, ns, "backstage", 0, p, func(r Rollout) {
		if last = r; enough(r) {
			once.Do(func() { close(ctx.passed) })
		}
	})
	if !late.Stop() {
		t.Fatalf("waited too long: %+v", last)
	}
	var rollout *RolloutError
	if !errors.As(err, &rollout) {
		t.Fatalf("got %v", err)
	}
	return rollout
}

func hasTrouble(kind TroubleKind) func(Rollout) bool {
	return func(r Rollout) bool { return len(r.Troubles) > 0 && r.Troubles[0].Kind == kind }
}

func TestWatchRolloutTellsWhatOnlyEventsSay(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	running := `
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 0
  state: {running: {startedAt: "2026-01-02T03:04:05Z"}}
`
	for name, tt := range map[string]struct {
		status, reason, message string
		kind                    TroubleKind
		check                   func(Trouble) bool
	}{
		"a volume at another node": {creating, "FailedAttachVolume",
			`Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) backstage-a, backstage-b`,
			TroubleMultiAttach, func(t Trouble) bool {
				return cmp.Equal(t.OtherPods, []string{"backstage-a", "backstage-b"}) && strings.Contains(t.Hint(), "--replicas=0")
			}},
		"a volume whose Secret is not there": {creating, "FailedMount",
			`MountVolume.SetUp failed for volume "ca" : secret "portal-ca" not found`,
			TroubleSecretMissing, func(t Trouble) bool { return t.MissingSecret == "portal-ca" }},
		"a container that is killed": {`
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 2
  state: {running: {startedAt: "2026-01-02T03:04:05Z"}}
  lastState: {terminated: {exitCode: 143, reason: Error}}
`, "Unhealthy", `Liveness probe failed: Get "http://10.1.99.99:7007/healthcheck": context deadline exceeded`,
			TroubleCrash, func(t Trouble) bool { return t.Restarts == 2 && t.ExitCode == 143 }},
		"a network that is not there": {creating, "FailedCreatePodSandBox",
			`Failed to create pod sandbox: plugin type="calico" failed (add): error getting ClusterInformation`,
			TroubleSandbox, func(t Trouble) bool { return t.Node == testcluster.NodeName }},
		"a probe that fails": {running, "Unhealthy",
			`Readiness probe failed: HTTP probe failed with statuscode: 503`,
			TroubleProbe, func(t Trouble) bool { return t.Container == "backstage" }},
	} {
		t.Run(name, func(t *testing.T) {
			ns := cluster.Namespace(t)
			become(t, cluster, ns, tt.status)
			deploy(t, cluster, ns, 1)
			eventsOnPods(t, core, ns, tt.reason, tt.message)
			err := watchUntil(t, c, ns, brief(), func(r Rollout) bool {
				return hasTrouble(tt.kind)(r) && r.Troubles[0].Message != ""
			})
			got := err.Last.Troubles[0]
			if got.Pod == "" || got.Reason != tt.reason || got.Message != tt.message || got.Deployment != "backstage" || !tt.check(got) {
				t.Errorf("got %+v\nhint %s", got, got.Hint())
			}
			if !strings.HasSuffix(err.Error(), "; "+got.Text()) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A log is read once for a container that crashes again and again, and it is
// the log of the one that crashed.
func TestWatchRolloutReadsTheLogOfACrash(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	_, core := admin(t, cluster)
	logs := t.TempDir()
	for name, line := range map[string]string{"now": "starting", "before": "connect ECONNREFUSED 10.0.0.9:5432"} {
		text := "2026-01-02T03:04:05.000000000Z stdout F " + line + "\n"
		if err := os.WriteFile(filepath.Join(logs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: crash-%[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{containers: [backstage], logsFile: %[2]s/now, previousLogsFile: %[2]s/before}]
`, ns, logs))
	become(t, cluster, ns, `
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 3
  state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting}}
  lastState: {terminated: {exitCode: 1, reason: Error}}
`)
	deploy(t, cluster, ns, 1)
	requests := &recorder{}
	c := openAs(t, cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
		requests.next = next
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/log") { // a watch would not end in the recorder
				return requests.RoundTrip(req)
			}
			return next.RoundTrip(req)
		})
	})
	patch := func(n int) { // the pod changes all the time
		pods, err := core.Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		for _, pod := range pods.Items {
			pod.Status.ContainerStatuses[0].RestartCount = int32(3 + n)
			if _, err := core.Pods(ns).UpdateStatus(t.Context(), &pod, metav1.UpdateOptions{}); err != nil {
				t.Error(err)
			}
		}
	}
	told := 0
	err := watchUntil(t, c, ns, brief(), func(r Rollout) bool {
		if len(r.Troubles) == 0 || len(r.Troubles[0].Log) == 0 {
			return false
		}
		if told < 3 {
			told++
			patch(told)
		}
		return r.Troubles[0].Restarts == 6
	})
	got := err.Last.Troubles[0]
	if got.Kind != TroubleCrash || got.Restarts != 6 || got.ExitCode != 1 || got.Container != "backstage" || got.Image != "x" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"connect ECONNREFUSED 10.0.0.9:5432"}, got.Log); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(err.Error(), "ECONNREFUSED") {
		t.Errorf("the log is in the error: %v", err)
	}
	if want := "CrashLoopBackOff: container backstage ended with exit code 1 (restarted 6 times)"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got  %v\nwant … %s", err, want)
	}
	answered := 0
	for _, e := range requests.requests() {
		if !strings.Contains(e.url, "previous=true") || !strings.Contains(e.url, "container=backstage") {
			t.Errorf("asked %s", e.url)
		}
		if e.status == http.StatusOK { // kwok needs a moment until it has the log
			answered++
		}
	}
	if answered != 1 || len(requests.requests()) > len(brief().looks) {
		t.Errorf("%d requests for logs, %d answered", len(requests.requests()), answered)
	}
}

// What only events and logs tell is not known without the right to them; the
// roll-out is watched all the same, and the server is not asked again.
func TestWatchRolloutWithoutTheRightToEvents(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	become(t, cluster, ns, `
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 1
  state: {terminated: {exitCode: 137, reason: Error, message: "by the kubelet"}}
`)
	deploy(t, cluster, ns, 2)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: watcher, namespace: NS}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: watcher-NS}]
`, "NS", ns)))
	var mu sync.Mutex
	asked := map[string]int{}
	c := openAs(t, cluster.KubeconfigFor(t, "watcher-"+ns), func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			asked[filepath.Base(req.URL.Path)]++
			mu.Unlock()
			return next.RoundTrip(req)
		})
	})
	eventually(t, "the right is known", func() error {
		_, err := c.readDeployment(t.Context(), ns, "backstage")
		return err
	})
	err := watchUntil(t, c, ns, brief(), func(r Rollout) bool {
		return r.EventsHidden != "" && r.LogsHidden != "" && len(r.Pods) == 2 && r.Pods[0].Template == TemplateNew && len(r.Troubles) == 2
	})
	got := err.Last
	if !strings.Contains(got.EventsHidden, "list on events") || !strings.Contains(got.LogsHidden, "get on pods/log") {
		t.Errorf("hidden: %s; %s", got.EventsHidden, got.LogsHidden)
	}
	want := "Error: container backstage ended with exit code 137 (restarted once): by the kubelet"
	if len(got.Troubles) != 2 || !strings.HasSuffix(got.Troubles[0].Text(), want) || got.Troubles[0].Log != nil {
		t.Errorf("got %+v", got.Troubles)
	}
	mu.Lock()
	defer mu.Unlock()
	// What is seen before the first refusal is known asks once each: two pods, and
	// what they went through on the way.
	if asked["events"] > 4 || asked["log"] > 4 || asked["replicasets"] != 1 {
		t.Errorf("asked %v", asked)
	}
}

func TestWatchRolloutTellsPodsOfTheNewTemplate(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	deploy(t, cluster, ns, 1)
	var ready seen
	if err := c.WatchRollout(t.Context(), ns, "backstage", ready.add); err != nil {
		t.Fatal(err)
	}
	old := ready.last().Pods[0]
	if old.Template != TemplateNew || old.Started.IsZero() || old.Node != testcluster.NodeName {
		t.Errorf("before the restart: %+v", old)
	}
	become(t, cluster, ns, creating)
	if err := c.RestartDeployment(t.Context(), ns, "backstage", time.Now()); err != nil {
		t.Fatal(err)
	}
	err := watchUntil(t, c, ns, brief(), func(r Rollout) bool {
		return len(r.Pods) == 2 && slices.ContainsFunc(r.Pods, func(p PodState) bool {
			return p.Phase == "Pending" && p.Template == TemplateNew
		})
	})
	by := map[string]Template{}
	for _, pod := range err.Last.Pods {
		by[pod.Name] = pod.Template
		if pod.Template == TemplateNew && !pod.Started.IsZero() {
			t.Errorf("a container that is being made has started: %+v", pod)
		}
	}
	if len(by) != 2 || by[old.Name] != TemplateOld {
		t.Errorf("got %v, the old one is %s", by, old.Name)
	}
}

// A request that hangs does not keep a canceled watch from ending.
func TestWatchRolloutEndsWhileItLooks(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	become(t, cluster, ns, creating)
	deploy(t, cluster, ns, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := openAs(t, cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/events") {
				cancel()
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return next.RoundTrip(req)
		})
	})
	if err := c.watchRollout(ctx, ns, "backstage", 0, brief(), func(Rollout) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
