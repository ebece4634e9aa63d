package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// confirmation is what a look at the running portal has shown.
type confirmation struct {
	proven bool     // the logs or the server's databases show it
	notes  []string // what could not be told
}

// text is "" where everything could be told.
func (r *run) confirmedText(namespace string) string {
	if r.confirmed == nil {
		return ""
	}
	text := strings.Join(r.confirmed.notes, "; ")
	if r.confirmed.proven {
		return text
	}
	text = "not confirmed: " + text
	if r.kept != nil {
		text += "; the old values are kept: `backstage-setup undo -n " + plan.Quote(namespace) + "` puts them back, and a run that can tell drops them; " +
			"if you see that it works: `kubectl delete secret " + plan.Quote(r.kept.Name) + " -n " + plan.Quote(namespace) + "`"
	}
	return text
}

// confirmDatabase looks which database the portal runs with, and keeps what could
// not be told for the action's end.
func (r *run) confirmDatabase(ctx context.Context, a plan.ConfirmDatabase) error {
	var c confirmation
	r.confirmed = nil
	d, err := r.env.Cluster.Deployment(ctx, a.Namespace, a.Deployment)
	if err != nil {
		if ctx.Err() != nil {
			return inWords(ctx.Err(), "stopped by you; the portal runs on")
		}
		c.notes = append(c.notes, "the Deployment cannot be read again: "+err.Error())
	} else if wrong := differences(d, a); len(wrong) > 0 {
		return &otherDatabase{strings.Join(wrong, "; "), "look at what else sets variables of the Deployment: another values file, a post-renderer, an edit by hand; `kubectl get deployment " + a.Deployment + " -n " + plan.Quote(a.Namespace) + " -o yaml`"}
	}
	read := len(r.newPods()) > 0
	findings, silent := r.logged(ctx, a.Namespace, func(id string) bool {
		return strings.HasPrefix(id, "postgres.") || strings.HasPrefix(id, "database.") || strings.HasPrefix(id, "sqlite.")
	})
	switch {
	case silent != "":
		c.notes = append(c.notes, "the pods' logs cannot be read: "+silent)
	case !read:
		c.notes = append(c.notes, "which pods are new is not known, so their logs were not read")
	case err == nil:
		c.proven = true // they are up, and none has said that it has no database
	}
	lasting := slices.DeleteFunc(slices.Clone(findings), func(f cause.Finding) bool { return slices.Contains(passing, f.ID) })
	if len(lasting) > 0 {
		return &otherDatabase{strings.Join(Explained(lasting), "\n"), lasting[0].Fix}
	}
	if len(findings) > 0 {
		r.progressText(a, strings.Join(Explained(findings), "\n"))
	}
	if err := r.appeared(ctx, a, &c); err != nil {
		return err
	}
	if a.Client != "pg" && err == nil {
		c.proven = true // with SQLite there is no other server: its Deployment says all
	}
	r.confirmed = &c
	return nil
}

// unconfirmed is the action itself, or, of a run whose database nothing could
// confirm, the one that keeps what undoing takes in place of the one that drops it.
func (r *run) unconfirmed(action plan.Action) plan.Action {
	drop, ok := action.(plan.DropPrevious)
	if !ok || r.confirmed == nil || r.confirmed.proven || drop.Local {
		return action
	}
	return plan.MarkKept{Journal: drop.Journal}
}

// newPods are the pods of the newest template, as the roll-out saw them last.
func (r *run) newPods() []k8s.PodState {
	return slices.DeleteFunc(slices.Clone(r.outcome.rolled.Pods), func(pod k8s.PodState) bool {
		return pod.Template == k8s.TemplateOld || pod.Phase == "Terminating"
	})
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

// catalogDatabase is one that Backstage always makes as it starts.
const catalogDatabase = "backstage_plugin_catalog"

// lookBefore bounds the look at the server before the first change.
const lookBefore = 30 * time.Second

// databasesBefore notes which of Backstage's databases are there before the first
// change of a run that confirms, or that leaves it to a later one: only others have
// come from its portal.
func (r *run) databasesBefore(ctx context.Context, actions []plan.Action) {
	for _, action := range actions {
		switch a := action.(type) {
		case plan.KeepPrevious:
			if d := a.Journal.Database; d != nil && d.Look {
				r.lookBefore(ctx)
			}
		case plan.ConfirmDatabase:
			switch {
			case a.Before == nil && a.Databases:
				r.lookBefore(ctx)
			case a.Before != nil && a.Before.Known: // what is there now may have come from that run's portal
				r.before = &databases{names: a.Before.Names}
			}
		}
	}
}

func (r *run) lookBefore(ctx context.Context) {
	if r.before != nil || r.env.Databases == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookBefore)
	defer cancel()
	names, err := r.env.Databases(ctx)
	r.before = &databases{names, err}
}

// databases are those of Backstage that were there, or why that is not known.
type databases struct {
	names []string
	err   error
}

// appeared waits for the databases that Backstage makes as it starts, and tells
// them. That there are none is no failure: perhaps nobody may look. Those that were
// there before prove nothing.
func (r *run) appeared(ctx context.Context, a plan.ConfirmDatabase, c *confirmation) error {
	if !a.Databases {
		return nil
	}
	if r.env.Databases == nil {
		c.notes = append(c.notes, "nobody could look which databases there are")
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
			c.notes = append(c.notes, "the server could not be asked which databases there are: "+err.Error())
			return nil
		case slices.Contains(names, catalogDatabase):
			r.came(a, c, names)
			return nil
		}
		if pause(waiting, every) != nil && ctx.Err() == nil {
			c.proven = false
			c.notes = append(c.notes, fmt.Sprintf("no database %s is there after %s, of which the portal makes one as it starts; the pods' logs may say why", catalogDatabase, a.Timeout))
			return nil
		}
	}
}

// came tells which of the databases are new.
func (r *run) came(a plan.ConfirmDatabase, c *confirmation, names []string) {
	r.progressText(a, "Backstage's databases that are there: "+strings.Join(names, ", "))
	switch before := r.before; {
	case before == nil || before.err != nil:
		c.notes = append(c.notes, "whether "+catalogDatabase+" was there before is not known")
	case slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(before.names, name) }):
		c.proven = true
	default:
		c.notes = append(c.notes, fmt.Sprintf("all of Backstage's databases (%s) were there before, so they do not show that the portal uses them", strings.Join(names, ", ")))
	}
}
