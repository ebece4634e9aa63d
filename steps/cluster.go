package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Scope says which rights a run may need.
type Scope struct {
	Deployment string              // the portal's
	Release    bool                // reading the release's values, which takes listing Secrets
	Elsewhere  bool                // what is cluster-wide, or in other namespaces: suggestions alone
	Databases  bool                // finding PostgreSQL servers, in all namespaces
	Logins     []string            // namespaces in which the logins of such servers are read
	Forward    []string            // hosts of Services that are reached by a port-forward
	External   *k8s.ExternalSecret // that makes the portal's Secret, or is to; nil is none
}

// Rights returns what a run may need of the cluster: to look, and for every
// action that a plan can hold.
func Rights(q k8s.Query, s Scope) []k8s.Access {
	rights := k8s.DiscoveryRights(q)
	if !s.Elsewhere {
		rights = slices.DeleteFunc(rights, func(r k8s.Access) bool { return r.Namespace != "" && r.Namespace != q.Namespace })
	}
	if s.Release {
		rights = append(rights, k8s.ReleaseRights(q.Namespace)...)
	}
	rights = append(rights, plan.Rights(q.Namespace, q.SecretName, s.Deployment)...)
	if s.External != nil {
		rights = append(rights, plan.ExternalRights(*s.External)...)
	}
	if s.Databases {
		rights = append(rights, k8s.DatabaseRights()...)
	}
	for _, namespace := range s.Logins {
		for _, right := range append(k8s.DatabaseRights(), k8s.LoginRights(namespace)...) {
			right.Namespace = namespace
			rights = append(rights, right)
		}
	}
	for _, host := range s.Forward {
		rights = append(rights, k8s.ForwardRights(host)...)
	}
	return k8s.MergeRights(rights)
}

// rightsCheck tells before the first question what will not be possible.
func rightsCheck(in plan.Input) check.Check {
	return judged("cluster.rights", "rights in the cluster", []string{"cluster.reachable"}, func() check.Result {
		c := in.Current
		if c.RightsUnknown != "" {
			return check.Result{Status: check.Inconclusive, Found: "which rights you have is not known: " + c.RightsUnknown, Hint: "the API server says so when something is written"}
		}
		var missing []string
		rights := c.AllRights()
		for _, r := range rights {
			if !r.Allowed {
				missing = append(missing, fmt.Sprintf("%s: %s", r, r.Prevents))
			}
		}
		if len(missing) == 0 {
			return pass(fmt.Sprintf("all %d that a run can need; helm's own are not looked at", len(rights)))
		}
		return check.Result{Status: check.Warn, Found: "you may not\n" + strings.Join(missing, "\n"),
			Hint: "`backstage-setup rbac` prints the Role to ask for; what helm itself needs is not looked at"}
	})
}

// accessCheck fails when the plan holds an action that the cluster will refuse.
func accessCheck(in plan.Input, planned func() (*plan.Plan, error)) check.Check {
	return judged("cluster.access", "the cluster allows the changes", []string{"cluster.reachable"}, func() check.Result {
		p, err := planned()
		if err != nil {
			return fail(err.Error(), "")
		}
		var missing []string
		for _, a := range p.Actions {
			for _, r := range a.Rights() {
				text := fmt.Sprintf("%s, to %s", r, a.Title())
				if r.Needed && denied(in.Current.Rights, r) && !slices.Contains(missing, text) {
					missing = append(missing, text)
				}
			}
		}
		if len(missing) == 0 {
			return pass("nothing that is to be changed is refused")
		}
		hint := "`backstage-setup rbac` prints the Role to ask for"
		if keepsPrevious(p) {
			hint += "; with --on-failure leave no old values are kept"
		}
		return fail("you may not\n"+strings.Join(missing, "\n"), hint)
	})
}

func keepsPrevious(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Actions, func(a plan.Action) bool { _, ok := a.(plan.KeepPrevious); return ok })
}

// denied tells whether the API server said no to r.
func denied(rights []k8s.Access, r k8s.Access) bool {
	return slices.ContainsFunc(rights, func(known k8s.Access) bool { return known.Same(r) && !known.Allowed })
}

// journalCheck tells of an earlier run that did not end.
func journalCheck(in plan.Input) check.Check {
	return judged("run.interrupted", "no run was interrupted", []string{"cluster.reachable"}, func() check.Result {
		j := in.Current.Journal
		switch {
		case in.Current.JournalProblem != "":
			return fail(in.Current.JournalProblem, "rename or delete it: its name is needed to keep old values")
		case j == nil:
			return pass("no run was left in the middle")
		case in.Current.Flow == Undo().ID:
			return pass("it is put back: " + j.Words())
		case j.Kept:
			return check.Result{Status: check.Warn, Found: "the values from before an earlier run are still kept: " + j.Words(),
				Hint: "`backstage-setup undo` puts them back; a verified run takes them away"}
		}
		return check.Result{Status: check.Warn, Found: "an earlier run did not end, or is still under way: " + j.Words(),
			Hint: "unless somebody is still at it, this run goes on from there; to put everything back instead, `backstage-setup undo`"}
	})
}

// confirmations are asked for before something is written to a cluster that may
// not be the one that is meant.
func confirmations(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
	writes := func() bool {
		p, err := planned()
		return err == nil && p.WritesCluster()
	}
	confirm := func(id, title, harmless string, doubt func() (found, hint string)) check.Check {
		return judged(id, title, nil, func() check.Result {
			found, hint := doubt()
			switch {
			case found == "":
				return pass(harmless)
			case !writes():
				return pass(found + ", and nothing is written there")
			case in.Current.DryRun:
				return check.Result{Status: check.Warn, Found: found, Hint: hint}
			}
			return fail(found, hint)
		})
	}
	t := in.Current.Target
	return []check.Check{
		confirm("cluster.production", "no production cluster by its name", "neither context nor server is named after production", func() (string, string) {
			if part := ProductionPart(t.Context, t.Server); part != "" {
				return fmt.Sprintf("%s at %s has %q in its name: this looks like production", described(t), t.Server, part), "confirm it with --accept cluster.production"
			}
			return "", ""
		}),
		confirm("cluster.tls-verify", "the server's certificate is verified", "the server's certificate is verified", func() (string, string) {
			if t.InsecureSkipTLS {
				return "the kubeconfig has insecure-skip-tls-verify for " + described(t) + ": anybody on the way could read the secrets", "give the cluster's certificate-authority in the kubeconfig, or confirm with --accept cluster.tls-verify"
			}
			return "", ""
		}),
		confirm("cluster.context", "the cluster of the last run", knownCluster(in), func() (string, string) {
			last := in.Current.LastTarget
			if in.Draft.From["target.context"].Given() || last == (k8s.Target{}) || sameCluster(last, t) {
				return "", ""
			}
			return fmt.Sprintf("%s at %s is not the cluster of the last run, %s at %s", described(t), t.Server, described(last), last.Server), "name the context with --context, or confirm with --accept cluster.context"
		}),
	}
}

func knownCluster(in plan.Input) string {
	switch {
	case in.Draft.From["target.context"].Given():
		return "the context was named"
	case in.Current.LastTarget == (k8s.Target{}):
		return "no run before this one is known"
	}
	return "the cluster of the last run"
}

func sameCluster(a, b k8s.Target) bool {
	return a.Context == b.Context && a.Server == b.Server && a.CAFingerprint == b.CAFingerprint
}

func described(t k8s.Target) string {
	if t.Context == "" {
		return "the pod's own cluster"
	}
	return "context " + t.Context
}

// ProductionPart returns the part of a name that says production, "" when none
// does.
func ProductionPart(names ...string) string {
	for _, name := range names {
		for _, part := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' }) {
			if slices.Contains([]string{"prod", "prd", "production", "live"}, part) {
				return part
			}
		}
	}
	return ""
}

// releaseChecks judge the upgrade that this run, or the operator after it, runs.
func releaseChecks(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
	r := in.Current.Cluster.Release
	return []check.Check{
		judged("release.status", "the release can be upgraded", []string{"cluster.reachable"}, func() check.Result {
			release := chart.Upgrade{Release: r.Name, Namespace: r.Namespace, Deployed: r.Deployed}
			blocked, why, command := release.StatusBlocks(r.Status)
			switch {
			case !r.Installed:
				return pass("no release is installed")
			case r.Status == "":
				return check.Result{Status: check.Inconclusive, Found: "the status of release " + r.Name + " is not known: " + orUnknown(r.Unknown), Hint: "helm status " + plan.Quote(r.Name) + " -n " + plan.Quote(r.Namespace)}
			case !blocked:
				return pass(fmt.Sprintf("%s, revision %d", r.Status, r.Revision))
			}
			if p, err := planned(); err != nil || !p.Upgrades() {
				return check.Result{Status: check.Warn, Found: r.Status + ": " + why, Hint: command}
			}
			return fail(r.Status+": "+why, command)
		}),
		judged("chart.minor-change", "the chart keeps its minor version", []string{"cluster.reachable"}, func() check.Result {
			if !r.Installed || r.ChartVersion == "" || r.Chart != chart.Name || !chart.MinorChange(r.ChartVersion, in.Chart.Version) {
				return pass(keepsMinor(r, in.Chart.Version))
			}
			found := fmt.Sprintf("release %s is of chart %s, and %s is another minor version: an upgrade of the whole control plane", r.Name, r.ChartVersion, in.Chart.Version)
			if p, err := planned(); err != nil || !p.Upgrades() {
				return check.Result{Status: check.Warn, Found: found, Hint: "read the release notes; to change settings only, leave --chart out"}
			}
			return fail(found, "to change settings only, leave --chart out; to upgrade, read the release notes and confirm with --accept chart.minor-change")
		}),
	}
}

func keepsMinor(r k8s.Release, version string) string {
	switch {
	case !r.Installed:
		return "no release is installed"
	case r.ChartVersion == "" || r.Chart != chart.Name:
		return "the release is of another chart, or of an unknown version"
	}
	return fmt.Sprintf("from %s to %s", r.ChartVersion, version)
}

// helmCheck looks for helm before anything is written, when the plan runs it.
func helmCheck(env *Env, upgrade bool, planned func() (*plan.Plan, error)) check.Check {
	return check.Check{ID: "release.helm", Title: "helm can be run", Run: func(ctx context.Context) check.Result {
		p, err := planned()
		if err != nil {
			return fail(err.Error(), "")
		}
		if !slices.ContainsFunc(p.Actions, runsHelm) {
			if owner := p.Owned(); owner != "" && upgrade {
				return check.Result{Status: check.Warn, Found: owner + " owns the release: helm upgrade is not run from here, since it would be taken back", Hint: "the next commands say what to commit"}
			}
			return pass("it is not needed")
		}
		helm, err := env.Helm(ctx)
		if err != nil {
			var hinted interface{ Hint() string }
			if errors.As(err, &hinted) {
				return fail(err.Error(), hinted.Hint())
			}
			return fail(err.Error(), "")
		}
		return pass(fmt.Sprintf("%s at %s", helm.Version, helm.Path))
	}}
}

func runsHelm(a plan.Action) bool {
	switch a.(type) {
	case plan.Upgrade, plan.Rollback:
		return true
	}
	return false
}

func orUnknown(text string) string {
	if text == "" {
		return "the release itself was not found"
	}
	return text
}
