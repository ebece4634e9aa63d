package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ErrNotRolledOut is a roll-out that did not end in time.
var ErrNotRolledOut = errors.New("the roll-out did not end in time")

// Rollout is how far a Deployment has come.
type Rollout struct {
	Generation int64 // of the Deployment
	Observed   int64 // that the counts below are of
	Desired    int
	Total      int // pods of all generations
	Updated    int // pods of the newest template
	Ready      int
	Available  int
	Message    string // of the Progressing condition when it is false
	Pods       []PodState
	PodsHidden string    // why Pods is not known
	Troubles   []Trouble // what it waits for, the one to mend first at the front

	EventsHidden string // why nothing is known that only events tell, such as volumes and probes
	LogsHidden   string // why Trouble.Log is not known
}

// Done tells whether all pods are of the newest template and available. Total
// matters: Available also counts pods of the old template.
func (r Rollout) Done() bool {
	return r.Observed >= r.Generation && r.Updated == r.Desired && r.Total == r.Desired && r.Available == r.Desired
}

// Stuck tells in words why the roll-out does not go on; "" when nothing is known
// to hold it up. If certain, no waiting cures it, and somebody may want to undo
// before the deadline. Without, others may still end it: who pulls images, makes
// room or syncs Secrets.
func (r Rollout) Stuck() (reason string, certain bool) {
	for _, t := range r.Troubles { // the certain ones are in front
		if t.likely() {
			return t.Text(), t.Certain
		}
	}
	return "", false
}

// RolloutError is a roll-out that did not end before the deadline, with the
// state it was left in. errors.Is finds ErrNotRolledOut.
type RolloutError struct {
	Namespace, Name string
	Last            Rollout
	cause           error
}

// Error names the first cause.
func (e *RolloutError) Error() string {
	text := fmt.Sprintf("deployment %s/%s: %v: %d of %d pods are updated, %d available",
		e.Namespace, e.Name, ErrNotRolledOut, e.Last.Updated, e.Last.Desired, e.Last.Available)
	if len(e.Last.Troubles) > 0 {
		return text + "; " + e.Last.Troubles[0].Text()
	}
	if e.Last.Message != "" {
		text += "; " + e.Last.Message
	}
	return text
}

// Hint says what to type to learn more about the first cause.
func (e *RolloutError) Hint() string {
	if len(e.Last.Troubles) > 0 {
		return e.Last.Troubles[0].Hint()
	}
	return fmt.Sprintf("kubectl -n %s describe deployment %s", e.Namespace, e.Name)
}

// Unwrap gives ErrNotRolledOut and the context's error.
func (e *RolloutError) Unwrap() []error { return []error{ErrNotRolledOut, e.cause} }

// restartMark is where kubectl rollout restart notes the time, to the second.
const restartMark = "kubectl.kubernetes.io/restartedAt"

// RestartDeployment makes new pods as kubectl rollout restart does: it notes at
// in the pod template.
func (c *Client) RestartDeployment(ctx context.Context, namespace, name string, at time.Time) error {
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{restartMark: at.Format(time.RFC3339)},
	}}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err = c.apps.Deployments(namespace).Patch(ctx, name, types.StrategicMergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
	return c.explain(ask{"patch", "apps", "deployments", namespace, name}, err)
}
