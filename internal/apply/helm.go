package apply

import (
	"context"
	"errors"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// upgrade runs helm upgrade. When ctx ends helm is left to finish, within its
// grace; the run is undone afterwards.
func (r *run) upgrade(ctx context.Context, a plan.Upgrade) error {
	helm, err := r.helm(ctx)
	if err != nil {
		r.begun[a.ID()] = false
		return err
	}
	if r.journal.Deployment != "" {
		// A portal that is not there yet has no template: nothing is to be restarted.
		r.template, _ = r.env.Cluster.PodTemplate(ctx, a.Helm.Namespace, r.journal.Deployment)
	}
	return helm.Upgrade(ctx, a.Helm, func(line string) { r.tell(a, Progress, line) })
}

// rollback goes back to the revision before, unless the release never left it.
func (r *run) rollback(ctx context.Context, a plan.Rollback) (Status, error) {
	now, err := r.env.Cluster.ReleaseRevision(ctx, a.Helm.Namespace, a.Helm.Release)
	if err != nil {
		return Failed, err
	}
	if now == a.Revision {
		return Unchanged, nil
	}
	helm, err := r.helm(ctx)
	if err != nil {
		return Failed, err
	}
	return Done, helm.Rollback(ctx, a.Helm, a.Revision, func(line string) { r.tell(a, Progress, line) })
}

func (r *run) helm(ctx context.Context) (*chart.Helm, error) {
	if r.env.Helm == nil {
		return nil, errors.New("there is no helm to run")
	}
	return r.env.Helm(ctx)
}
