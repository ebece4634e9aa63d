package apply

import (
	"context"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// Revoked waits, after a run that has ended well with outcome, until the server
// behind a rotated credential rejects the old value; it returns the outcome with
// that. Nothing is changed, and nothing undone where it does not. report may be nil.
func Revoked(ctx context.Context, env Env, outcome Outcome, wait plan.AwaitRejected, report func(Event)) (Outcome, error) {
	r := &run{env: env, report: report, outcome: outcome}
	r.tell(wait, Running, "")
	if err := r.rejected(ctx, wait); err != nil {
		r.note(wait, Failed, err.Error())
		return r.outcome, stillRuns(wait, err)
	}
	r.note(wait, Done, "")
	return r.outcome, nil
}
