package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/cause"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// ErrOtherDatabase is a portal that runs with another database than was asked for,
// or does not work with it.
var ErrOtherDatabase = errors.New("the portal does not run with the database that was asked for")

// otherDatabase is how that shows.
type otherDatabase struct{ what, do string }

func (e *otherDatabase) Error() string { return ErrOtherDatabase.Error() + ": " + e.what }

// Hint says what mends it.
func (e *otherDatabase) Hint() string { return e.do }

// Unwrap returns ErrOtherDatabase.
func (e *otherDatabase) Unwrap() error { return ErrOtherDatabase }

// passing are findings of a portal that has come up all the same: the server was
// not ready, or ended connections.
var passing = []string{"postgres.starting", "postgres.terminated", "postgres.pool"}

// confirmDatabase looks which database the portal runs with.
func (r *run) confirmDatabase(ctx context.Context, a plan.ConfirmDatabase) error {
	d, err := r.env.Cluster.Deployment(ctx, a.Namespace, a.Deployment)
	if err != nil {
		if ctx.Err() != nil {
			return inWords(ctx.Err(), "stopped by you; the portal runs on")
		}
		r.progressText(a, "the Deployment cannot be read again: "+err.Error())
	} else if wrong := differences(d, a); len(wrong) > 0 {
		return &otherDatabase{strings.Join(wrong, "; "), "look at what else sets variables of the Deployment: another values file, a post-renderer, an edit by hand; `kubectl get deployment " + a.Deployment + " -n " + plan.Quote(a.Namespace) + " -o yaml`"}
	}
	findings, silent := r.logged(ctx, a.Namespace, func(id string) bool {
		return strings.HasPrefix(id, "postgres.") || strings.HasPrefix(id, "database.") || strings.HasPrefix(id, "sqlite.")
	})
	if silent != "" {
		r.progressText(a, "the pods' logs cannot be read: "+silent)
	}
	lasting := slices.DeleteFunc(slices.Clone(findings), func(f cause.Finding) bool { return slices.Contains(passing, f.ID) })
	if len(lasting) > 0 {
		return &otherDatabase{strings.Join(Explained(lasting), "\n"), lasting[0].Fix}
	}
	if len(findings) > 0 {
		r.progressText(a, strings.Join(Explained(findings), "\n"))
	}
	return r.appeared(ctx, a)
}

// differences are what the Deployment gives its pods that was not asked for.
func differences(d k8s.Deployment, a plan.ConfirmDatabase) (wrong []string) {
	if d.Database != a.Client {
		wrong = append(wrong, fmt.Sprintf("Deployment %s has DATABASE_CLIENT=%s, not %s", d.Name, cmp.Or(d.Database, "(none)"), a.Client))
	}
	if a.Client != "pg" {
		return wrong
	}
	if v, _ := d.EnvVar("PGSSLMODE"); v.Value != a.SSLMode {
		wrong = append(wrong, fmt.Sprintf("PGSSLMODE is %s, not %s", cmp.Or(v.Value, "(none)"), cmp.Or(a.SSLMode, "(none)")))
	}
	for _, name := range a.FromSecret {
		if v, _ := d.EnvVar(name); v.SecretName != a.Secret {
			wrong = append(wrong, fmt.Sprintf("%s does not come from Secret %s", name, a.Secret))
		}
	}
	return wrong
}

// appeared waits for the databases that Backstage makes as it starts, and tells
// them. That there are none is no failure: perhaps nobody may look.
func (r *run) appeared(ctx context.Context, a plan.ConfirmDatabase) error {
	if !a.Databases || r.env.Databases == nil {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	for every := askSoon; ; every = min(2*every, askSeldom) {
		names, err := r.env.Databases(waiting)
		switch {
		case ctx.Err() != nil:
			return inWords(ctx.Err(), "stopped by you; the portal runs on")
		case err != nil:
			r.progressText(a, "the server could not be asked which databases there are: "+err.Error())
			return nil
		case slices.Contains(names, "backstage_plugin_catalog"):
			r.progressText(a, "Backstage's databases that are there: "+strings.Join(names, ", "))
			return nil
		}
		if pause(waiting, every) != nil && ctx.Err() == nil {
			r.progressText(a, fmt.Sprintf("no database backstage_plugin_catalog is there after %s, of which the portal makes one as it starts; the pods' logs may say why", a.Timeout))
			return nil
		}
	}
}
