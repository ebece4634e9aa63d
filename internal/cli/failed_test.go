package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/k8s"
)

// TestFailedRun: an error says in which state it left things, and its hint can be
// followed in that state.
func TestFailedRun(t *testing.T) {
	stuck := &k8s.RolloutError{Namespace: "cp", Name: "backstage", Last: k8s.Rollout{Troubles: []k8s.Trouble{
		{Kind: k8s.TroubleCrash, Namespace: "cp", Pod: "backstage-1", Container: "backstage", Reason: "Error", ExitCode: 7},
	}}}
	memory := &k8s.RolloutError{Last: k8s.Rollout{Troubles: []k8s.Trouble{{Kind: k8s.TroubleMemory, Pod: "backstage-1", Container: "backstage", Reason: "OOMKilled"}}}}
	helm := &chart.HelmError{Command: "helm upgrade", Cause: "it was cut off: signal: killed", Status: "pending-upgrade"}
	actions := func(statuses ...apply.Status) (o apply.Outcome) {
		o.Actions = append(o.Actions, apply.Event{ID: "previous.keep", Status: apply.Done})
		for i, status := range statuses {
			o.Actions = append(o.Actions, apply.Event{ID: fmt.Sprint(i), Status: status})
		}
		return o
	}
	for name, tt := range map[string]struct {
		err           *apply.Error
		outcome       apply.Outcome
		code          int
		message, hint string
		not           string
	}{
		"a pod that is gone": {&apply.Error{Action: "wait", Err: stuck}, actions(apply.Undone, apply.Failed), 1, "exit code 7 (restarted 0 times)\neverything was put back as it was", "run the same with --on-failure leave", "kubectl"},
		"advice that stays":  {&apply.Error{Action: "wait", Err: memory}, actions(apply.Undone, apply.Failed), 1, "everything was put back", "scaling.limits.memory", "leave"},
		"left":               {&apply.Error{Action: "wait", Err: stuck}, actions(apply.Done, apply.Failed), 1, "what was changed stays", "kubectl -n cp logs backstage-1", "put back"},
		"left with a journal": {&apply.Error{Action: "wait", Err: stuck, Journal: true}, actions(apply.Done, apply.Failed), 1, "what was changed stays",
			"kubectl -n cp logs backstage-1 -c backstage --previous; the old values are kept: `backstage-setup undo`", "everything was"},
		"helm, put back":    {&apply.Error{Action: "helm upgrade --install cp", Err: helm}, actions(apply.Undone, apply.Failed), 1, "helm upgrade: it was cut off: signal: killed\neverything was put back", "", "pending"},
		"helm, in part":     {&apply.Error{Action: "helm upgrade --install cp", Err: helm, Left: []string{"the release", "the file"}}, actions(apply.Undone, apply.Failed), 1, "left pending-upgrade, or was not touched; nothing can be done with it until that is cleared\nleft as it is: the release; the file", "", "put back"},
		"the first one":     {&apply.Error{Action: "create values.yaml", Err: errors.New("disk full")}, actions(apply.Failed), 1, "create values.yaml: disk full\nnothing was changed", "", "put back"},
		"changed meanwhile": {&apply.Error{Action: "patch", Err: k8s.ErrChanged, Changed: true}, actions(apply.Undone, apply.Failed), 4, "everything was put back", "run the same command again", ""},
		"stopped":           {&apply.Error{Action: "wait", Err: context.Canceled}, actions(apply.Undone, apply.Failed), 130, "everything was put back", "", ""},
	} {
		e := applyError(tt.err, tt.outcome)
		if e.code != tt.code || !strings.Contains(e.message, tt.message) || !strings.Contains(e.hint, tt.hint) || tt.hint == "" && e.hint != "" {
			t.Errorf("%s: exit %d\n%s\nhint: %s", name, e.code, e.message, e.hint)
		}
		if tt.not != "" && strings.Contains(e.message+e.hint, tt.not) {
			t.Errorf("%s: says %q: %s\nhint: %s", name, tt.not, e.message, e.hint)
		}
	}
}
