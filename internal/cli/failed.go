package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/k8s"
)

// applyError says why applying failed, in which state that left things, and what
// to type.
func applyError(err error, outcome apply.Outcome) *exitError {
	var failed *apply.Error
	if !errors.As(err, &failed) {
		return &exitError{code: exitFailed, message: err.Error()}
	}
	state := left(failed, outcome)
	e := &exitError{code: exitFailed, message: inWords(failed, state == putBack), hint: failed.Hint()}
	if state != "" {
		e.message += "\n" + state
	}
	if pod := troubled(err); state == putBack && pod != "" && strings.Contains(e.hint, pod) {
		e.hint = "that pod is gone by now; to look at it while it fails, run the same with --on-failure leave"
	}
	if failed.Journal {
		e.hint = strings.TrimPrefix(e.hint+"; the old values are kept: `backstage-setup undo` puts them back, the same command again goes on", "; ")
	}
	if failed.Changed {
		e.code = exitChanged
		if !errors.Is(err, chart.ErrBusy) { // which has advice of its own
			e.hint = "somebody changed it meanwhile, and nothing of theirs was overwritten: run the same command again"
		}
	}
	if errors.Is(err, context.Canceled) {
		e.code = exitLeft
	}
	return e
}

const (
	putBack   = "everything was put back as it was"
	untouched = "nothing was changed"
	stays     = "what was changed stays"
)

// left says in which state a failed run left things; "" where the failure lists it.
func left(failed *apply.Error, outcome apply.Outcome) string {
	has := func(status apply.Status) bool {
		return slices.ContainsFunc(outcome.Actions, func(a apply.Event) bool { return a.Status == status && !strings.HasPrefix(a.ID, "previous.") })
	}
	switch {
	case len(failed.Left) > 0:
		return ""
	case has(apply.Undone):
		return putBack
	case has(apply.Done):
		return stays
	}
	return untouched
}

// inWords is the failure without what is no help: the title of an upgrade is the
// whole command, and the state in which helm left the release is over once that
// was put back.
func inWords(failed *apply.Error, undone bool) string {
	var helm *chart.HelmError
	if !errors.As(failed.Err, &helm) {
		return failed.Error()
	}
	text := helm.Error()
	if undone {
		text = helm.Command + ": " + helm.Cause
	}
	if len(failed.Left) > 0 {
		text += "\nleft as it is: " + strings.Join(failed.Left, "; ")
	}
	return text
}

// troubled is the pod that kept a roll-out from its end, "" when that is not known.
func troubled(err error) string {
	var rollout *k8s.RolloutError
	if errors.As(err, &rollout) {
		return rollout.Pod()
	}
	return ""
}
