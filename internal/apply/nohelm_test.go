package apply

import (
	"context"
	"errors"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// TestNoHelm: a helm that was never run has rolled no pods, so none are restarted
// when the Secret is put back.
func TestNoHelm(t *testing.T) {
	s := newStage(t)
	s.deploy()
	missing := errors.New("there is no helm")
	s.env.Helm = func(context.Context) (*chart.Helm, error) { return nil, missing }
	upgrade := plan.Upgrade{Helm: chart.Upgrade{Release: "cp", Namespace: s.ns}, Revision: 3, Line: "helm upgrade"}
	written, rest := s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, 0)[0], s.roll("1", 0)[1:]
	outcome, err := s.run(t.Context(), append([]plan.Action{written, upgrade}, rest...)...)
	if failed(t, err, upgrade, false); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running upgrade", "failed upgrade", "undone secret"}, []string{"undone secret", "failed upgrade"}, "skipped")
	if s.values()["k"] != "old" {
		t.Error("the Secret was not put back")
	}
}
