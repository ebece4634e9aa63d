package apply

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/k8s"
)

// TestUnreadyIsTold: when time has run out, the error names the new pod that was not
// ready, that the available one is an old one, and what the new one has logged: it
// is gone once that is undone.
func TestUnreadyIsTold(t *testing.T) {
	s := newStage(t)
	read := s.seed(map[string]string{"k": "old", "postgres-host": "h"})
	s.runOn("", "error: the database system is starting up")
	if err := s.env.Cluster.WatchRollout(t.Context(), s.ns, "portal", func(k8s.Rollout) {}); err != nil {
		t.Fatal(err)
	}
	s.cluster.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: unready-%[1]s}
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
      phase: Running
      conditions: [{type: Ready, status: "False"}, {type: PodScheduled, status: "True"}]
      containerStatuses: [{name: backstage, image: x, imageID: x, ready: false, restartCount: 0, state: {running: {startedAt: "2026-01-02T03:04:05Z"}}}]
`, s.ns))
	_, err := s.run(t.Context(), s.roll(read.ResourceVersion, 2*time.Second)...)
	if !errors.Is(err, k8s.ErrNotRolledOut) {
		t.Fatalf("got %v", err)
	}
	for _, words := range []string{"1 available, 1 of these from before; pod portal-", "not ready: its container runs, and its readiness probe has not passed yet", "PostgreSQL is not ready"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("it does not say %q: %v", words, err)
		}
	}
}
