// Package apply carries out the actions of a plan, reports them, and undoes what
// was done when one fails. It must not know questions, Helm paths or terminals.
package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Env is where actions take place.
type Env struct {
	Cluster *k8s.Client // nil when no action needs one
	Now     func() time.Time
}

// Status of an action.
type Status string

// What becomes of an action; the names are those of the result's JSON.
const (
	Running   Status = "running" // events only
	Progress  Status = "progress"
	Done      Status = "done"
	Unchanged Status = "unchanged"
	Failed    Status = "failed"
	Undone    Status = "undone"
)

// Event is one thing that happened to an action.
type Event struct {
	ID, Title string
	Status    Status
	Text      string // detail, for people
}

// Outcome is what became of each action that was begun, in order.
type Outcome struct {
	Actions []Event
	Rollout string // complete, skipped, failed
}

// Error is a failed action: Changed tells that something changed underneath and
// nothing of it was overwritten.
type Error struct {
	Action  string
	Changed bool
	Left    []string // what could not be undone
	Err     error
}

// Error returns the failure and, on further lines, what was left behind.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.Action, e.Err)
	if len(e.Left) > 0 {
		text += "\nleft as it is: " + strings.Join(e.Left, "; ")
	}
	return text
}

// Unwrap returns the failure itself.
func (e *Error) Unwrap() error { return e.Err }

// Run carries out actions in order. When one fails, those before it are undone
// in reverse; the error is then an *Error. report gets every event; it may be nil.
// A cancelled ctx ends the action under way and undoes.
func Run(ctx context.Context, env Env, actions []plan.Action, report func(Event)) (Outcome, error) {
	r := &run{env: env, report: report}
	outcome := Outcome{Rollout: "skipped"}
	for i, action := range actions {
		if _, ok := action.(plan.AwaitRollout); !ok && ctx.Err() != nil {
			return outcome, r.fail(&outcome, actions[:i], action, inWords(ctx.Err(), "stopped by you before it began"))
		}
		r.tell(action, Running, "")
		status, err := r.do(ctx, action)
		if err != nil {
			outcome.Actions = append(outcome.Actions, Event{ID: action.ID(), Title: action.Title(), Status: Failed, Text: err.Error()})
			r.tell(action, Failed, err.Error())
			if _, ok := action.(plan.AwaitRollout); ok {
				outcome.Rollout = "failed"
				return outcome, &Error{Action: action.Title(), Err: err} // the Secret is right; the pods are the operator's to look at
			}
			return outcome, r.fail(&outcome, actions[:i], action, err)
		}
		if _, ok := action.(plan.AwaitRollout); ok {
			outcome.Rollout = "complete"
		}
		outcome.Actions = append(outcome.Actions, Event{ID: action.ID(), Title: action.Title(), Status: status})
		r.tell(action, status, "")
	}
	return outcome, nil
}

type run struct {
	env    Env
	report func(Event)
}

func (r *run) tell(a plan.Action, status Status, text string) {
	if r.report != nil {
		r.report(Event{ID: a.ID(), Title: a.Title(), Status: status, Text: text})
	}
}

// do carries out one action: it is Done, or was so already.
func (r *run) do(ctx context.Context, action plan.Action) (Status, error) {
	switch a := action.(type) {
	case plan.WriteFile:
		status := Done
		if a.Change.File.Exists && bytes.Equal(a.Change.File.Bytes, a.Change.After) {
			status = Unchanged
		}
		return status, a.Change.File.Replace(a.Change.After, file.Options{Mode: a.Change.Mode, Backup: a.Backup})
	case plan.WriteSecret:
		return r.secret(ctx, a)
	case plan.Restart:
		return Done, r.env.Cluster.RestartDeployment(ctx, a.Namespace, a.Deployment, r.env.Now())
	case plan.AwaitRollout:
		return Done, r.await(ctx, a)
	}
	return Failed, fmt.Errorf("action %s: nobody knows how", action.ID())
}

func (r *run) secret(ctx context.Context, a plan.WriteSecret) (Status, error) {
	if a.Create {
		_, err := r.env.Cluster.CreateSecret(ctx, a.Change)
		return Done, err
	}
	patched, err := r.env.Cluster.PatchSecret(ctx, a.Change)
	if err == nil && patched.ResourceVersion == a.Change.ResourceVersion {
		return Unchanged, nil // the API server writes nothing where nothing differs
	}
	return Done, err
}

func (r *run) await(ctx context.Context, a plan.AwaitRollout) error {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	last := ""
	err := r.env.Cluster.WatchRollout(ctx, a.Namespace, a.Deployment, func(state k8s.Rollout) {
		if text := describe(state); text != last {
			last = text
			r.tell(a, Progress, text)
		}
	})
	return inWords(err, "stopped by you; the portal goes on rolling out")
}

func describe(state k8s.Rollout) string {
	text := fmt.Sprintf("%d of %d updated, %d available", state.Updated, state.Desired, state.Available)
	for _, pod := range state.Pods {
		if pod.Reason != "" {
			text += fmt.Sprintf("; %s: %s %s", pod.Name, pod.Reason, pod.Message)
		}
	}
	return text
}

// fail undoes what was done, newest first. Only files can have been written
// before something that fails: what is in the cluster is the last to change.
func (r *run) fail(outcome *Outcome, done []plan.Action, failed plan.Action, err error) error {
	e := &Error{Action: failed.Title(), Err: err}
	e.Changed = errors.Is(err, k8s.ErrChanged) || errors.Is(err, file.ErrChanged)
	for i := len(done) - 1; i >= 0; i-- {
		if outcome.Actions[i].Status == Unchanged {
			continue
		}
		undone, left := r.undo(done[i])
		switch {
		case left != "":
			e.Left = append(e.Left, left)
		case undone:
			outcome.Actions[i].Status = Undone
			r.tell(done[i], Undone, "")
		}
	}
	return e
}

func (r *run) undo(action plan.Action) (undone bool, left string) {
	switch a := action.(type) {
	case plan.WriteFile:
		if err := a.Change.File.Restore(a.Change.After); err != nil {
			return false, fmt.Sprintf("%s holds the new content: %v", a.Change.Path, err)
		}
		return true, ""
	case plan.WriteSecret:
		return false, fmt.Sprintf("Secret %s/%s holds the new values", a.Change.Namespace, a.Change.Name)
	}
	return false, ""
}
