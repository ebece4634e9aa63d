package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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

// Error names the first cause, and the pods that were not ready at the end. The
// count of what is available holds old pods too.
func (e *RolloutError) Error() string {
	text := fmt.Sprintf("deployment %s/%s: %v: %d of %d pods are updated, %d available",
		e.Namespace, e.Name, ErrNotRolledOut, e.Last.Updated, e.Last.Desired, e.Last.Available)
	if old := e.Last.oldReady(); old > 0 {
		text += fmt.Sprintf(", %d of these from before", old)
	}
	waiting := e.Last.waiting()
	switch {
	case len(e.Last.Troubles) > 0:
		text += "; " + e.Last.Troubles[0].Text()
	case len(waiting) == 0 && e.Last.Message != "":
		text += "; " + e.Last.Message
	}
	for i, pod := range waiting {
		if i == podsNamed {
			return text + fmt.Sprintf("; and %d more", len(waiting)-i)
		}
		text += "; " + pod.waits()
	}
	return text
}

// podsNamed is how many pods an error names beside the one to mend first.
const podsNamed = 3

// Pod is the pod that kept the roll-out from its end, as far as one is known; "" is
// none.
func (e *RolloutError) Pod() string {
	if len(e.Last.Troubles) > 0 {
		return e.Last.Troubles[0].Pod
	}
	if waiting := e.Last.waiting(); len(waiting) > 0 {
		return waiting[0].Name
	}
	return ""
}

// waiting are the new pods that are not ready, but for the one of the first trouble.
func (r Rollout) waiting() (pods []PodState) {
	for _, pod := range r.Pods {
		told := len(r.Troubles) > 0 && r.Troubles[0].Pod == pod.Name
		if pod.Template == TemplateNew && !pod.Ready && pod.Phase != "Terminating" && !told {
			pods = append(pods, pod)
		}
	}
	return pods
}

func (r Rollout) oldReady() (n int) {
	for _, pod := range r.Pods {
		if pod.Template == TemplateOld && pod.Ready {
			n++
		}
	}
	return min(n, r.Available)
}

// waits says what a pod was doing that is not ready.
func (p PodState) waits() string {
	text := fmt.Sprintf("pod %s: %s, not ready", p.Name, p.Phase)
	switch {
	case p.Reason != "":
		text += ": " + strings.TrimSuffix(p.Reason+": "+p.Message, ": ")
	case !p.Started.IsZero():
		text += ": its container runs, and its readiness probe has not passed yet"
	}
	if p.Restarts > 0 {
		text += fmt.Sprintf(" (%s)", restarts(p.Restarts))
	}
	return text
}

// Hint says what to type to learn more about the first cause.
func (e *RolloutError) Hint() string {
	if len(e.Last.Troubles) > 0 {
		return e.Last.Troubles[0].Hint()
	}
	if waiting := e.Last.waiting(); len(waiting) > 0 {
		return fmt.Sprintf("kubectl -n %s logs %s", e.Namespace, waiting[0].Name)
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
