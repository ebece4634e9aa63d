// Package apply carries out the actions of a plan, reports them, and undoes what
// was done when one fails. It must not know questions, Helm paths or terminals.
package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Env is where actions take place.
type Env struct {
	Cluster *k8s.Client // nil when no action needs one
	Now     func() time.Time
	Store   func(target plan.StoreTarget, mount string) (*openbao.Store, error) // nil when no action needs it
	Journal string                                                              // file of a run that writes no cluster; "" keeps none
	Helm    func(context.Context) (*chart.Helm, error)                          // the operator's own; nil when no action needs it
	Read    func(path string) (file.Snapshot, error)                            // reads files before they are written; nil is file.Read

	// Databases returns the names of Backstage's databases that are at the server now;
	// nil where nobody can look.
	Databases func(context.Context) ([]string, error)
	// Ask asks the server behind a credential whether it takes a value, which no
	// output shows; nil when no action needs it. It takes some seconds at most.
	Ask func(context.Context, secret.Text) plan.Answer

	// Decide says what becomes of a run that waits in vain or was stopped while it
	// waited; nil is Undo. It may block: a person is asked.
	Decide func(Failure) Decision
	// Hurry is closed when nobody waits any more for what a stopped run puts back to
	// come up; nil is never.
	Hurry <-chan struct{}
}

// Failure is an action that can be waited on, left or undone.
type Failure struct {
	Action plan.Action
	Err    error // errors.Is finds context.Canceled when somebody stopped it
}

// Hint is what to type about the failure; "" when it knows nothing.
func (f Failure) Hint() string { return hint(f.Err) }

// Decision is what to do about a Failure.
type Decision struct {
	Do  Choice
	Ctx context.Context // to go on under, with WaitOn
}

// Choice is one of the ways on.
type Choice int

// The ways on.
const (
	Undo   Choice = iota // put everything back
	Leave                // as it is
	WaitOn               // do the action once more
)

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

	Rollout *Rollout // with the Progress of a roll-out that is waited for
}

// Outcome is what became of each action that was begun, in order.
type Outcome struct {
	Actions []Event
	Rollout string // complete, skipped, failed, rolled-back
	// Window is how long the portal may have been without a secret that the
	// server takes: from the last time that it was seen to reject the new one until
	// all pods had it. 0 where nothing was waited for.
	Window time.Duration
	// Requests is how many requests the cluster's client has sent, from the first
	// look to the end; whoever calls Run fills it in.
	Requests int

	rolled k8s.Rollout // as it was seen last
}

// Error is a failed action: Changed tells that something changed underneath and
// nothing of it was overwritten.
type Error struct {
	Action  string
	Changed bool
	Left    []string // what could not be undone
	Journal bool     // what undo takes is kept: `backstage-setup undo` goes on
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

// Hint is what to type about the failure; "" when the failure knows nothing.
func (e *Error) Hint() string { return hint(e.Err) }

func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// Run carries out actions in order. When one fails, what was done is undone; the
// error is then an *Error. report gets every event, one at a time; it may be nil.
// A cancelled ctx lets a write that is under way end, ends a wait at once, and
// undoes.
func Run(ctx context.Context, env Env, actions []plan.Action, report func(Event)) (Outcome, error) {
	r := &run{env: env, report: report, journal: plan.Journaled(actions), begun: map[string]bool{}, back: map[string]bool{}, entries: map[string]openbao.Entry{}}
	r.outcome.Rollout = "skipped"
	r.earlier, r.held = earlier(actions), held(actions)
	r.databasesBefore(ctx, actions)
	for _, action := range actions {
		action = r.unconfirmed(action)
		if r.passes(action) {
			r.left = append(r.left, remain{action: action})
			continue
		}
		undoing, back := action.(plan.Undoing)
		if back {
			if stands, unknown := r.stands(context.WithoutCancel(ctx)); unknown == nil && !stands {
				err := fmt.Errorf("%w: another run of this program has gone on with what is to be put back", k8s.ErrChanged)
				r.note(action, Failed, err.Error())
				return r.outcome, &Error{Action: action.Title(), Changed: true, Err: err}
			}
		}
		if !waits(action) && ctx.Err() != nil {
			if len(r.left) > 0 {
				r.left = append(r.left, remain{action, inWords(ctx.Err(), "stopped by you before it began")})
				break
			}
			return r.fail(ctx, action, inWords(ctx.Err(), "stopped by you before it began"), false)
		}
		r.begun[action.ID()] = true
		r.tell(action, Running, "")
		status, err := r.do(ctx, action)
		for err != nil && waits(action) {
			decision := r.decide(action, err)
			if decision.Do == Leave {
				return r.leave(action, err)
			}
			if decision.Do == Undo {
				break
			}
			ctx = decision.Ctx
			status, err = r.do(ctx, action)
		}
		if err != nil {
			r.note(action, Failed, err.Error())
			if back || len(r.left) > 0 {
				r.left = append(r.left, remain{action, err}) // the rest may be independent
				continue
			}
			if _, after := action.(plan.AwaitRejected); after {
				return r.outcome, stillRuns(action, err)
			}
			switch action.(type) {
			case plan.MarkKept, plan.DropPrevious:
				_, kept := action.(plan.MarkKept)
				return r.outcome, &Error{Action: action.Title(), Journal: kept, Err: fmt.Errorf("everything else is done, but %w", err)}
			}
			return r.fail(ctx, action, err, true)
		}
		if a, ok := action.(plan.AwaitRollout); ok {
			r.outcome.Rollout = "complete"
			if a.Again {
				r.outcome.Rollout = "rolled-back"
			}
			if !r.dark.IsZero() {
				r.outcome.Window = r.env.Now().Sub(r.dark)
			}
		}
		r.begun[action.ID()] = status != Unchanged
		if back {
			r.back[undoing.Undoes()] = true
		}
		text := ""
		if a, ok := action.(plan.ConfirmDatabase); ok {
			text = r.confirmedText(a.Namespace)
		}
		r.note(action, status, text)
	}
	if len(r.left) > 0 {
		return r.partly(context.WithoutCancel(ctx))
	}
	return r.outcome, nil
}

// run is what is known of a Run under way.
type run struct {
	env      Env
	report   func(Event)
	outcome  Outcome
	journal  plan.Journal
	begun    map[string]bool // by ID: the action has changed something, or may have
	kept     *k8s.Secret     // that keeps the journal
	keptHere bool            // the journal is in a file
	held     plan.Journal    // that the actions start from; without UID when there is none in the cluster
	unsure   string          // what may keep the journal, for people; "" when that is known
	earlier  bool            // the journal of an earlier run is there
	template string          // of the Deployment's pods before an upgrade
	left     []remain        // of undoing an earlier run
	back     map[string]bool // actions of the earlier run that were undone, by ID

	dark      time.Time // when the new value was seen to be rejected last
	restarted time.Time // last
	borne     []string  // why a roll-out is stuck, which was told already
	forced    time.Time // last, of an ExternalSecret

	before    *databases    // of Backstage before the first change; nil where nobody looks
	confirmed *confirmation // of the portal's database; nil where nobody looked

	entries  map[string]openbao.Entry // of the store before they were written, by ID of the action
	external *k8s.ExternalSecret      // as this run has changed or made it
}

// earlier tells whether the actions start from the journal of an earlier run, to
// undo it or to go on.
func earlier(actions []plan.Action) bool {
	for _, action := range actions {
		switch a := action.(type) {
		case plan.KeepPrevious:
			return a.Journal.Followed
		case plan.MarkKept, plan.DropPrevious:
			return true
		}
	}
	return false
}

// held is the journal that the actions start from.
func held(actions []plan.Action) plan.Journal {
	for _, action := range actions {
		switch a := action.(type) {
		case plan.KeepPrevious:
			return a.Journal
		case plan.MarkKept:
			return a.Journal
		case plan.DropPrevious:
			return a.Journal
		}
	}
	return plan.Journal{}
}

func (r *run) tell(a plan.Action, status Status, text string) {
	if r.report != nil {
		r.report(Event{ID: a.ID(), Title: a.Title(), Status: status, Text: text})
	}
}

// note tells what became of an action and keeps it for the outcome.
func (r *run) note(a plan.Action, status Status, text string) {
	r.outcome.Actions = append(r.outcome.Actions, Event{ID: a.ID(), Title: a.Title(), Status: status, Text: text})
	r.tell(a, status, text)
}

// waits tells the actions that change nothing themselves and can be waited on.
func waits(a plan.Action) bool {
	switch a.(type) {
	case plan.AwaitRollout, plan.AwaitSync, plan.ConfirmDatabase, plan.Prove:
		return true
	}
	return false
}

func (r *run) decide(a plan.Action, err error) Decision {
	if r.env.Decide == nil {
		return Decision{Do: Undo}
	}
	return r.env.Decide(Failure{Action: a, Err: err})
}

// leave ends the run with everything as it is.
func (r *run) leave(a plan.Action, err error) (Outcome, error) {
	r.note(a, Failed, err.Error())
	if _, ok := a.(plan.AwaitRollout); ok {
		r.outcome.Rollout = "failed"
	}
	return r.outcome, &Error{Action: a.Title(), Err: err, Journal: r.keeps() || r.earlier}
}

// fail undoes what was done and may have been done. begun tells whether the
// failed action was.
func (r *run) fail(ctx context.Context, failed plan.Action, err error, begun bool) (Outcome, error) {
	e := &Error{Action: failed.Title(), Err: err}
	e.Changed = changed(err)
	if _, ok := failed.(plan.AwaitRollout); ok {
		r.outcome.Rollout = "failed"
	}
	if r.begun["upgrade"] && r.journal.Revision == 0 {
		// What was installed for the first time stays, with the Secret and the files
		// that it needs: taking it away is for the operator to decide.
		e.Left = []string{fmt.Sprintf("release %s, its Secret and the files", r.journal.Release)}
		e.Journal = r.keeps() || r.earlier
		return r.outcome, e
	}
	const keep = "previous.keep"
	if r.journal.Followed && (failed.ID() == keep || !r.begun[keep]) {
		e.Journal = true // an earlier run's, and nothing was added to what that one did
		return r.outcome, e
	}
	if r.journal.Followed && errors.Is(err, chart.ErrBusy) {
		e.Journal = true // perhaps it is the earlier run's own helm that is still at work
		return r.outcome, e
	}
	if stands, unknown := r.stands(context.WithoutCancel(ctx)); unknown == nil && !stands {
		// What this run did is for that one to finish or to undo.
		e.Left = []string{"another run of this program has gone on with what this one did"}
		return r.outcome, e
	}
	unsettled := begun && r.begun[failed.ID()] && !refused(err)
	if writes := (plan.WriteSecret{}).ID(); r.journal.Followed && (!r.begun[writes] || failed.ID() == writes && !unsettled) {
		r.journal = r.journal.Unwritten()
	}
	var settled bool
	e.Left, settled = r.undo(ctx, func(id string) bool {
		switch {
		case r.journal.Followed:
			return true // the earlier run may have done it
		case id == failed.ID():
			return unsettled
		}
		return r.begun[id]
	})
	if r.tookBack() {
		e.Err = inWords(err, "stopped by you")
	}
	if r.unsure != "" {
		e.Left, settled = append(e.Left, r.unsure), false
	}
	if settled && r.keeps() {
		if err := r.drop(context.WithoutCancel(ctx), r.journal, r.keptHere); err != nil {
			e.Left = append(e.Left, err.Error())
		}
	}
	e.Journal = r.keeps() || r.earlier
	return r.outcome, e
}

// changed tells whether err is that something changed underneath.
func changed(err error) bool {
	return errors.Is(err, k8s.ErrChanged) || errors.Is(err, file.ErrChanged) || errors.Is(err, openbao.ErrChanged) || errors.Is(err, chart.ErrBusy)
}

// refused tells whether an action that failed with err changed nothing for sure.
func refused(err error) bool {
	for _, reason := range []error{k8s.ErrChanged, k8s.ErrForbidden, k8s.ErrImmutable, k8s.ErrNotFound, k8s.ErrLogin, file.ErrChanged,
		openbao.ErrChanged, openbao.ErrForbidden, openbao.ErrSealed, openbao.ErrWrongMount, openbao.ErrRedirect} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}
