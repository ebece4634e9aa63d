package cli

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/wizard"
)

// TestBlockedRun: the first line tells what was found, and --accept is offered only
// where it may help.
func TestBlockedRun(t *testing.T) {
	failed := func(id, found, hint string) check.Result {
		return check.Result{ID: id, Status: check.Fail, Found: found, Hint: hint}
	}
	rotation := &wizard.Result{Rotation: &wizard.RotationResult{}}
	for name, tt := range map[string]struct {
		result        *wizard.Result
		checks        []check.Result
		message, hint string
	}{
		"one": {&wizard.Result{}, []check.Result{{ID: "cluster.reachable", Status: check.Pass}, failed("chart.values", "two values\nand more", "set them")},
			"check chart.values failed: two values\nnothing was changed", "mend it, or go on regardless with --accept chart.values"},
		"several": {&wizard.Result{}, []check.Result{failed("chart.values", "two values", ""), failed("gateway.tls", "is off", "")},
			"checks chart.values, gateway.tls failed: two values\nnothing was changed", "mend it, or go on regardless with --accept chart.values --accept gateway.tls"},
		"a write that is refused": {&wizard.Result{}, []check.Result{failed("chart.values", "two values", "set them"), failed("cluster.access", "may not patch", "ask for the right")},
			"checks chart.values, cluster.access failed: two values\nnothing was changed", "ask for the right"},
		"a proof": {rotation, []check.Result{failed("identity.service-token", "refused", "with --await 10m the run waits")},
			"check identity.service-token failed: refused\nnothing was changed", "with --await 10m the run waits"},
		"the same of an installation": {&wizard.Result{}, []check.Result{failed("identity.service-token", "refused", "look")},
			"check identity.service-token failed: refused\nnothing was changed", "mend it, or go on regardless with --accept identity.service-token"},
		"an owner": {rotation, []check.Result{failed("rotate.owner", "nothing was rotated", "run the commands under Next")},
			"check rotate.owner failed: nothing was rotated\nnothing was changed", "run the commands under Next"},
		"a value given again": {rotation, []check.Result{failed("rotate.value", "has it", "give another")},
			"check rotate.value failed: has it\nnothing was changed", "give another"},
	} {
		e, ok := blocked(tt.checks, tt.result).(*exitError)
		if !ok || e.code != exitCheck || e.message != tt.message || e.hint != tt.hint || strings.HasSuffix(e.message, "\n") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
