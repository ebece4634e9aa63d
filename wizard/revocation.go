package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// revocable tells whether the run that has ended so may be followed by a wait for the
// old value to be rejected.
func (e End) revocable() bool {
	if e.Err != nil || e.Review.Plan == nil {
		return false
	}
	_, ok := e.Review.Plan.Revocation(revocationLimit)
	return ok
}

// revocation is what a person is asked then: what to do at the server, and what this
// run would do meanwhile.
func (e End) revocation() (title string, about lines) {
	wait, _ := e.Review.Plan.Revocation(revocationLimit)
	about.add(Good, "", "The portal runs with the new value.")
	for _, c := range e.Review.Plan.Elsewhere() {
		about.add(Plain, "", "%s", c.Comment)
		about.add(Command, "", "%s", c.Line)
	}
	about.add(Dim, "", "While you do that, this run can ask %s until it rejects the old value, %d minutes at most. Nothing else is changed.", wait.Server, int(revocationLimit.Minutes()))
	return fmt.Sprintf("Wait until %s rejects the old value?", wait.Server), about
}

// revoked is the end of the run after that wait. Who stops it has lost nothing.
func (e End) revoked(outcome apply.Outcome, err error) End {
	if errors.Is(err, context.Canceled) {
		return e
	}
	e.Outcome, e.Err, e.Applied = outcome, err, err == nil
	return e
}

// wasRevoked tells whether the old value was seen to be rejected.
func wasRevoked(outcome apply.Outcome) bool {
	return slices.ContainsFunc(outcome.Actions, func(a apply.Event) bool {
		return a.ID == (plan.AwaitRejected{}).ID() && a.Status == apply.Done
	})
}

// nextAfter are the commands that are left after a run with this outcome: who has
// seen the old value rejected has deleted it.
func nextAfter(p *plan.Plan, outcome apply.Outcome) []plan.Command {
	if !wasRevoked(outcome) {
		return p.Next
	}
	gone := p.Elsewhere()
	return slices.DeleteFunc(slices.Clone(p.Next), func(c plan.Command) bool { return slices.Contains(gone, c) })
}
