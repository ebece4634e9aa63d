package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// How long a run that was stopped waits for what it has put back.
const (
	stoppedSync = 30 * time.Second // External Secrets takes a second where its controller runs
	stoppedWait = 90 * time.Second // a portal starts within a minute, mostly
)

// undo puts everything back that may have been changed and returns what could
// not be. settled tells that to try again would be of no use: what is left is for
// sure what somebody else wrote, or only nobody has seen yet that the portal runs
// with what is back.
func (r *run) undo(ctx context.Context, begun func(id string) bool) (left []string, settled bool) {
	settled = true
	w := r.waiting(ctx)
	defer w.end()
	ctx = context.WithoutCancel(ctx)
	stuck := false
	for _, action := range r.journal.Undo(begun) {
		if waits(action) && len(left) > 0 {
			continue
		}
		if _, free := action.(plan.FreeVolume); free && stuck {
			left = append(left, describeLeft(action)) // the next upgrade would delete it
			continue
		}
		if w.over() && unseen(action) != "" {
			left = append(left, unseen(action))
			continue
		}
		undoing, quiet := action.(plan.Undoing)
		if !quiet {
			r.tell(action, Running, "")
		}
		in := ctx
		if waits(action) {
			action, in = w.bound(action), w.ctx
			r.hold(w, action)
		}
		status, err := r.do(in, action)
		switch {
		case err != nil && w.left(err) && unseen(action) != "":
			left = append(left, unseen(action))
			r.tell(action, Failed, err.Error())
		case err != nil:
			if _, looks := action.(plan.Prove); !looks { // that everything is back is all that undoing can do
				settled = settled && errors.Is(err, errTheirKeys)
			}
			_, back := action.(plan.Rollback)
			stuck = stuck || back
			left = append(left, fmt.Sprintf("%s: %v", describeLeft(action), err))
			if !quiet {
				r.tell(action, Failed, err.Error())
			}
		case quiet && status != Unchanged:
			r.undone(undoing)
		case !quiet:
			r.tell(action, status, "")
		}
		if _, ok := action.(plan.AwaitRollout); ok && err == nil {
			r.outcome.Rollout = "rolled-back"
		}
	}
	return left, settled
}

// patience is how long undoing waits for what it has put back: as long as the run
// would have, and who has stopped it not that long.
type patience struct {
	ctx     context.Context // ends when nobody waits any more
	end     context.CancelFunc
	stopped bool
	until   time.Time // of who has stopped it
}

func (r *run) waiting(ctx context.Context) *patience {
	w := &patience{stopped: ctx.Err() != nil}
	w.ctx, w.end = context.WithCancel(context.WithoutCancel(ctx))
	if w.stopped {
		w.until = time.Now().Add(stoppedWait)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		w.end() // the time that the whole run was given is over
		return w
	}
	go func() {
		select {
		case <-r.env.Hurry:
			w.end()
		case <-w.ctx.Done():
		}
	}()
	return w
}

// over tells that nobody waits any more.
func (w *patience) over() bool { return w.ctx.Err() != nil }

// bound has an action of a stopped run wait no longer than that takes as a rule.
// Without the sync the Secret keeps the new values, and what restarts reads them.
func (w *patience) bound(action plan.Action) plan.Action {
	if !w.stopped {
		return action
	}
	switch a := action.(type) {
	case plan.AwaitSync:
		a.Timeout = min(a.Timeout, stoppedSync)
		return a
	case plan.AwaitRollout:
		a.Timeout = min(a.Timeout, time.Until(w.until))
		return a
	}
	return action
}

// left tells whether a wait of undoing has ended with err because nobody waited
// until its end.
func (w *patience) left(err error) bool {
	var stuck *Stuck
	return w.over() || w.stopped && !errors.As(err, &stuck)
}

// hold tells who has stopped the run what is still waited for.
func (r *run) hold(w *patience, action plan.Action) {
	if a, ok := action.(plan.AwaitRollout); ok && w.stopped {
		r.progressText(a, fmt.Sprintf("the old values are back, and the portal starts with them: that is waited for, %s at most; stop once more to leave at once. To look at it: %s", a.Timeout.Round(time.Second), a.Look()))
	}
}

// unseen says of a roll-out that nobody has waited for what is going on, and how to
// look at it; "" of other actions.
func unseen(action plan.Action) string {
	if a, ok := action.(plan.AwaitRollout); ok {
		return fmt.Sprintf("Deployment %s/%s starts with what was put back, and nobody has seen it up; to look at it: %s", a.Namespace, a.Deployment, a.Look())
	}
	return ""
}

// tookBack tells whether the run has put anything back.
func (r *run) tookBack() bool {
	return slices.ContainsFunc(r.outcome.Actions, func(e Event) bool { return e.Status == Undone })
}

// undone marks the action that was taken back in the outcome; one of an earlier
// run, which this one followed, is added to it.
func (r *run) undone(by plan.Undoing) {
	e := Event{ID: by.Undoes(), Title: by.Title(), Status: Undone}
	i := slices.IndexFunc(r.outcome.Actions, func(a Event) bool { return a.ID == e.ID })
	switch {
	case i < 0:
		r.outcome.Actions = append(r.outcome.Actions, e)
	default:
		e.Title = r.outcome.Actions[i].Title
		if r.outcome.Actions[i].Status != Failed {
			r.outcome.Actions[i].Status = Undone
		}
	}
	if r.report != nil {
		r.report(e)
	}
}

func describeLeft(a plan.Action) string {
	switch a := a.(type) {
	case plan.RestoreFile:
		return a.File.Path + " holds the new content"
	case plan.FreeVolume:
		return fmt.Sprintf("claim %s/%s stays annotated, so that nothing deletes it", a.Namespace, a.Claim.Name)
	case plan.RestoreSecret:
		return fmt.Sprintf("Secret %s/%s may hold the new values", a.Namespace, a.Name)
	case plan.AwaitSync:
		return fmt.Sprintf("the Secret that ExternalSecret %s/%s makes may hold the new values", a.External.Namespace, a.External.Name)
	}
	return a.Title()
}
