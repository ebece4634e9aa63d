package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
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
	if err := r.sameRevision(ctx, a); err != nil {
		r.begun[a.ID()] = false
		return err
	}
	err = helm.Upgrade(ctx, a.Helm, func(line string) { r.tell(a, Progress, line) })
	if errors.Is(err, chart.ErrBusy) {
		r.begun[a.ID()] = false // to roll back would take back what the other helm does
	}
	return err
}

// sameRevision is an error when somebody has upgraded the release since the plan
// was made. Who may not know leaves it to helm.
func (r *run) sameRevision(ctx context.Context, a plan.Upgrade) error {
	if a.Revision == 0 {
		return nil
	}
	now, err := r.env.Cluster.ReleaseRevision(ctx, a.Helm.Namespace, a.Helm.Release)
	if err != nil || now == a.Revision {
		return nil
	}
	return fmt.Errorf("release %s: %w: it is at revision %d, and was at %d", a.Helm.Release, k8s.ErrChanged, now, a.Revision)
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
	progress := func(line string) { r.tell(a, Progress, line) }
	if a.Adopts {
		return Done, r.adopt(ctx, helm, a, progress)
	}
	return Done, helm.Rollback(ctx, a.Helm, a.Revision, progress)
}

func (r *run) helm(ctx context.Context) (*chart.Helm, error) {
	if r.env.Helm == nil {
		return nil, errors.New("there is no helm to run")
	}
	return r.env.Helm(ctx)
}
