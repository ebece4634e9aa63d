package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// adoptTimeout is what a hook of the chart may take.
const adoptTimeout = 10 * time.Minute

// adopt goes back to a revision whose claim was kept when the release had it no
// more. Of Helm's commands only an upgrade takes up what is there already; a
// rollback of Helm 3, or of a release that Helm 3 has made, stops at it, or would
// take the claim's binding away, which Kubernetes refuses. So it is an upgrade to
// the chart and the values of that revision. Where they cannot be had, or a helm
// that was cut off blocks every upgrade, it is a rollback after all: the revision
// that fails has the claim, and the next attempt goes through.
func (r *run) adopt(ctx context.Context, helm *chart.Helm, a plan.Rollback, progress func(string)) error {
	u, remove, err := r.asOf(ctx, a)
	if err == nil {
		defer remove()
		err = helm.Upgrade(ctx, u, progress)
	}
	if err == nil {
		return nil
	}
	progress("not by an upgrade: " + err.Error())
	if err = helm.Rollback(ctx, a.Helm, a.Revision, progress); !again(err) {
		return err
	}
	if err = helm.Rollback(ctx, a.Helm, a.Revision, progress); err != nil {
		return err
	}
	progress("what only the newer revision had, such as a HorizontalPodAutoscaler, may be left: kubectl get hpa -n " + plan.Quote(a.Helm.Namespace))
	return nil
}

// again tells whether helm has failed at what a second attempt may do.
func again(err error) bool {
	var failed *chart.HelmError
	return errors.As(err, &failed) && failed.Status == "" && !errors.Is(err, chart.ErrBusy)
}

// asOf writes chart and values of the revision to a directory that only this user
// can read, for an upgrade with them; remove takes it away.
func (r *run) asOf(ctx context.Context, a plan.Rollback) (u chart.Upgrade, remove func(), err error) {
	was, err := r.env.Cluster.ReleaseAt(ctx, a.Helm.Namespace, a.Helm.Release, a.Revision)
	if err != nil {
		return u, nil, err
	}
	stored, err := chart.FromRelease(was.Bytes)
	if err != nil {
		return u, nil, err
	}
	archive, err := stored.Archive()
	if err != nil {
		return u, nil, err
	}
	values, err := json.Marshal(was.Config) // which is YAML too
	if err != nil {
		return u, nil, err
	}
	dir, err := os.MkdirTemp("", "backstage-setup-")
	if err != nil {
		return u, nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // a directory for temporary files is emptied by others too
	u = a.Helm
	u.ChartRef, u.Version, u.CreateNamespace = filepath.Join(dir, "chart.tgz"), "", false
	u.Files = []string{filepath.Join(dir, "values.yaml")}
	u.Timeout = max(u.Timeout, adoptTimeout)
	err = errors.Join(os.WriteFile(u.ChartRef, archive, 0o600), os.WriteFile(u.Files[0], values, 0o600))
	if err != nil {
		remove()
		return u, nil, fmt.Errorf("revision %d: %w", a.Revision, err)
	}
	return u, remove, nil
}
