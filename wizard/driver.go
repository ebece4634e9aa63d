package wizard

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/steps"
)

// End is how a driver's run ended.
type End struct {
	Review  Review
	Outcome apply.Outcome
	Applied bool   // what was asked is in force in files and Secret: carried out, or so already
	Left    bool   // the operator left; nothing was changed
	Home    bool   // what was left is the home screen or that of the checks, which change nothing
	Start   *Start // the run that the operator chose there
	// Examination is what the checks there came to; nil when they were left before.
	Examination *Examination
	Err         error // applying failed
}

// Remains tells whether a run that failed has left something changed.
func (e End) Remains() bool {
	passes := []string{"restart", "rollout", "sync", "prove", "accepted"} // they leave nothing behind
	return e.Err != nil && slices.ContainsFunc(e.Outcome.Actions, func(a apply.Event) bool {
		return a.Status == apply.Done && !strings.HasPrefix(a.ID, "previous.") && !slices.Contains(passes, a.ID)
	})
}

// Terminal is where an interactive driver talks to a person. Out is the screen,
// by convention the process's stderr: stdout carries results only.
type Terminal struct {
	In      io.Reader
	Out     io.Writer
	Environ []string // TERM, NO_COLOR and so on
	NoColor bool
	// SaveDraft keeps what was answered, without secrets, for a later run; it
	// returns where. Drivers call it when the operator leaves and wants it, and
	// when a signal or a fault ends the run.
	SaveDraft func(*Session) (path string, err error)
	// SaveJob writes the manifest of a Job that asks PostgreSQL from the cluster; it
	// returns where. nil: there is no place for it.
	SaveJob func(manifest []byte) (path string, err error)
	// Signals ends the run when it is closed or receives: SIGTERM, SIGHUP.
	Signals <-chan struct{}
}

// Apply carries out the review's plan. It may only be called after an explicit
// yes. Events come one at a time. decide says what becomes of a roll-out that fails
// or is stopped; nil does what --on-failure says.
func (s *Session) Apply(ctx context.Context, r Review, report func(apply.Event), decide func(apply.Failure) apply.Decision) (apply.Outcome, error) {
	if r.Plan == nil || r.Blocked() != "" {
		return apply.Outcome{}, fmt.Errorf("nothing was changed: %s", r.Blocked())
	}
	env := apply.Env{Cluster: s.env.Cluster, Now: time.Now, Decide: decide, Helm: s.env.Helm, Store: s.env.OpenStore, Hurry: s.hurry}
	if r.Plan.Rotates() {
		env.Ask = s.env.Ask(r.Input)
	}
	if r.Plan.ConfirmsDatabase() {
		env.Databases = s.env.Databases(r.Input)
	}
	if s.Offline() {
		env.Journal = s.settings.Journal
	}
	if decide == nil {
		env.Decide = func(apply.Failure) apply.Decision { return s.policy() }
	}
	outcome, err := apply.Run(ctx, env, r.Plan.Actions, func(e apply.Event) {
		e = s.scrubbed(e)
		s.logEvent(e)
		if report != nil {
			report(e)
		}
	})
	for i, e := range outcome.Actions {
		outcome.Actions[i] = s.scrubbed(e)
	}
	outcome.Requests = s.Requests()
	return outcome, err
}

// revocationLimit bounds the wait for an old value to be rejected that a person asks
// for: who has to find the page of the provider takes a while.
const revocationLimit = 10 * time.Minute

// Revoked waits until the server behind a credential that r has rotated, with this
// outcome, rejects the old value.
func (s *Session) Revoked(ctx context.Context, r Review, outcome apply.Outcome, report func(apply.Event)) (apply.Outcome, error) {
	wait, ok := r.Plan.Revocation(revocationLimit)
	if !ok {
		return outcome, nil
	}
	outcome, err := apply.Revoked(ctx, apply.Env{Cluster: s.env.Cluster, Now: time.Now, Ask: s.env.Ask(r.Input)}, outcome, wait, func(e apply.Event) { report(s.scrubbed(e)) })
	for i, e := range outcome.Actions {
		outcome.Actions[i] = s.scrubbed(e)
	}
	outcome.Requests = s.Requests()
	return outcome, err
}

// History has a rotation note on the Secret when its keys were set, or not.
func (s *Session) History(yes bool) {
	s.current.History = yes
	s.changed()
}

// Hurry has a run that is undone not wait any more, once the channel closes, for what
// was put back to come up: whoever has stopped it stops it once more.
func (s *Session) Hurry(closed <-chan struct{}) { s.hurry = closed }

// scrubbed is an event without the run's secrets: what the portal logs and says
// when it ends may hold anything.
func (s *Session) scrubbed(e apply.Event) apply.Event {
	e.Text = s.scrub.Scrub(e.Text)
	if e.Rollout == nil {
		return e
	}
	state := *e.Rollout
	state.Message = s.scrub.Scrub(state.Message)
	state.Pods = slices.Clone(state.Pods)
	for i := range state.Pods {
		state.Pods[i].Message = s.scrub.Scrub(state.Pods[i].Message)
	}
	state.Troubles = slices.Clone(state.Troubles)
	for i := range state.Troubles {
		state.Troubles[i].Message = s.scrub.Scrub(state.Troubles[i].Message)
	}
	state.Causes = slices.Clone(state.Causes)
	for i := range state.Causes {
		state.Causes[i] = slices.Clone(state.Causes[i])
		for j := range state.Causes[i] {
			state.Causes[i][j].Line = s.scrub.Scrub(state.Causes[i][j].Line)
		}
	}
	e.Rollout = &state
	return e
}

// policy is what --on-failure says.
func (s *Session) policy() apply.Decision {
	if s.settings.Undo {
		return apply.Decision{Do: apply.Undo}
	}
	return apply.Decision{Do: apply.Leave}
}

// DryRun tells whether the run must not change anything.
func (s *Session) DryRun() bool { return s.settings.DryRun }

// Yes tells whether applying needs no further word.
func (s *Session) Yes() bool { return s.settings.Yes }

// AcceptLastApplied agrees to the removal of kubectl's annotation with old
// secrets, or takes that back.
func (s *Session) AcceptLastApplied(yes bool) {
	s.current.DropLastApplied = yes
	s.changed()
}

// Upgrade has helm upgrade run too, or takes that back.
func (s *Session) Upgrade(yes bool) {
	s.current.Upgrade = yes
	s.changed()
}

// KeepPrevious has the Secret's old values kept while the run lasts, or not.
func (s *Session) KeepPrevious(yes bool) {
	s.current.NoPrevious = !yes
	s.changed()
}

// Accept goes on although the check of that id fails, as --accept does.
func (s *Session) Accept(id string) {
	s.settings.Accept = append(slices.Clone(s.settings.Accept), id)
	s.current.Accept = s.settings.Accept
	s.changed()
}

// Summary is what stays in the scrollback after a run: what was done, and the
// commands that are left.
func (e End) Summary() []Line {
	var l lines
	switch {
	case e.Home:
		return l
	case e.Left:
		l.add(Plain, "", "Nothing was changed.")
		return l
	case e.Review.Plan == nil:
		return l
	case !e.Applied && e.Err == nil:
		l.add(Plain, "", "Nothing was changed.")
		return l
	}
	for _, a := range e.Outcome.Actions {
		if housekeeping(a) {
			continue
		}
		mark, kind := "✓", Good
		if noteOf(a) != "" {
			mark, kind = "!", Caution
		}
		if a.Status != apply.Done && a.Status != apply.Unchanged {
			mark, kind = "✗", Bad
		}
		text := a.Title
		switch a.Status {
		case apply.Undone:
			text += " (undone)"
		case apply.Unchanged:
			text += " (not needed)"
		}
		if a.Text != "" && a.Status == apply.Failed && (e.Err == nil || !strings.Contains(e.Err.Error(), a.Text)) {
			text += ": " + a.Text // else the error tells it, which follows
		}
		if note := noteOf(a); note != "" {
			text += ": " + note
		}
		l.add(kind, "", "%s %s", mark, strings.ReplaceAll(text, "\n", "\n  "))
	}
	if e.Err != nil {
		return l
	}
	e.now().attention(&l)
	if len(e.Outcome.Actions) == 0 {
		l.add(Good, "", "%s", e.Review.nothing())
	}
	commands := nextAfter(e.Review.Plan, e.Outcome)
	left := len(e.Outcome.Actions)+len(commands) > 0
	if callback := steps.Callback(e.Review.Input); callback != "" && left && !e.Review.undoes() && !e.Review.Plan.Rotates() {
		l.add(Plain, "", "Callback to register: %s", callback)
	}
	next(&l, "Next", commands)
	e.rotation(&l)
	return l
}

// now is the review without what was so before the run and is over: old values of an
// earlier run, which this one has taken away.
func (e End) now() Review {
	r := e.Review
	gone := func(a apply.Event) bool { return a.ID == (plan.DropPrevious{}).ID() && a.Status == apply.Done }
	if slices.ContainsFunc(e.Outcome.Actions, gone) {
		r.Checks = slices.DeleteFunc(slices.Clone(r.Checks), func(c check.Result) bool { return c.ID == "run.interrupted" })
	}
	return r
}

// rotation is what there is to know of a rotation that has ended.
func (e End) rotation(l *lines) {
	if !e.Review.Plan.Rotates() || len(e.Outcome.Actions) == 0 {
		return
	}
	if e.Outcome.Window > 0 {
		l.add(Plain, "", "Without a secret that counts: %s at most, until all pods had the new one.", e.Outcome.Window.Round(time.Millisecond))
	}
	if e.Outcome.Requests > 0 {
		l.add(Dim, "", "%s to the API server.", count(e.Outcome.Requests, "request"))
	}
}

// Preview is what a dry run shows: the review, and whether there is anything in it.
func (e End) Preview() []Line {
	l := lines(e.Review.Lines())
	if e.Review.Plan != nil && !e.Review.Changes() {
		l.add(Good, "", "\n%s", e.Review.nothing())
	}
	return l
}

// housekeeping is what nobody has to read of afterwards: what undoing would have
// taken was kept, and is gone.
func housekeeping(a apply.Event) bool {
	return strings.HasPrefix(a.ID, "previous.") && a.Status == apply.Done
}

// WritePlain writes lines without any look, for pipes, logs and screen readers.
func WritePlain(w io.Writer, list []Line) error {
	for _, line := range list {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.Text, " ")); err != nil {
			return err
		}
	}
	return nil
}
