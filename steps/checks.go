package steps

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
)

// targetChecks judge what discovery found: each can be looked at again by
// discovering anew.
func targetChecks(_ *Env, in plan.Input) []check.Check {
	c := in.Current
	if c.Local() {
		return nil
	}
	list := []check.Check{
		judged("cluster.reachable", "cluster answers", nil, func() check.Result {
			if c.Cluster.Server.Err != nil {
				return fail(c.Cluster.Server.Err.Error(), "check the context and the network, or run with --offline to write files only")
			}
			return pass("Kubernetes " + c.Cluster.Server.Version + " at " + c.Target.Server)
		}),
		judged("cluster.namespace", "namespace is there", []string{"cluster.reachable"}, func() check.Result {
			ns := c.Cluster.Namespace
			switch {
			case ns.Unknown != "":
				return check.Result{Status: check.Inconclusive, Found: ns.Unknown, Hint: "writing the Secret will tell"}
			case ns.Exists:
				return pass(ns.Name)
			case in.Draft.Secret.Delivery != plan.DeliverKubernetes || !in.Draft.Portal.Enabled:
				return check.Result{Status: check.Warn, Found: fmt.Sprintf("namespace %s is not there yet", ns.Name), Hint: "kubectl create namespace " + ns.Name}
			}
			return fail(fmt.Sprintf("namespace %s is not there, so the Secret cannot be written", ns.Name), "kubectl create namespace "+ns.Name)
		}),
	}
	list = append(list, rightsCheck(in), journalCheck(in))
	return append(list, secretChecks(in)...)
}

func secretChecks(in plan.Input) []check.Check {
	if !in.Draft.Portal.Enabled || in.Draft.Secret.Delivery == plan.DeliverManifest {
		return nil
	}
	state := in.Current.Cluster.Secret
	after := []string{"cluster.reachable"}
	return []check.Check{
		judged("secret.readable", "Secret can be read", after, func() check.Result {
			switch {
			case state.Unknown != "":
				return fail(state.Unknown, "ask for the right, or write a manifest with --delivery manifest")
			case state.Secret == nil:
				return pass(fmt.Sprintf("%s is not there yet", state.Name))
			}
			return pass(fmt.Sprintf("%s, keys: %s", state.Name, strings.Join(state.Secret.Keys, ", ")))
		}),
		judged("secret.owner", "Secret is free to be written", append(after, "secret.readable"), func() check.Result {
			if _, ok := in.StoreTarget(); ok && in.Current.Store.Read {
				return pass("External Secrets makes it, and the store takes its values")
			}
			if o := state.Owner; o.Kind != "" {
				return check.Result{Status: check.Warn, Found: fmt.Sprintf("%s %s: it is not touched", state.Name, Ownership(o)), Hint: "the next commands say what to change there"}
			}
			return pass("nobody else manages it")
		}),
		judged("secret.last-applied", "no copy of old secrets", append(after, "secret.readable"), func() check.Result {
			switch {
			case state.Secret == nil || !state.Secret.LastApplied:
				return pass("no kubectl annotation")
			case state.Owner.Kind == k8s.OwnerExternalSecrets:
				return pass("the annotation is the ExternalSecret's, which holds no values")
			case in.Current.DropLastApplied:
				return pass("kubectl's annotation with old values is removed by this run")
			}
			return check.Result{Status: check.Warn, Found: "the annotation kubectl.kubernetes.io/last-applied-configuration holds old values in plain base64", Hint: "--accept secret.last-applied removes it in the same change"}
		}),
		judged("secret.placeholders", "no public default secrets", append(after, "secret.readable"), func() check.Result {
			names := publicSecrets(in)
			if len(names) == 0 {
				return pass("none found")
			}
			return check.Result{Status: check.Warn, Found: "public default values under " + strings.Join(names, ", "), Hint: "give new values: anybody can know these"}
		}),
	}
}

func publicSecrets(in plan.Input) []string {
	s := in.Current.Cluster.Secret.Secret
	if s == nil {
		return nil
	}
	var names []string
	for _, sk := range in.Profile.SecretKeys {
		if value, ok := s.Values[sk.Name]; ok && sk.Used.Holds(in.Text) && secret.Placeholder(value.Reveal()) {
			names = append(names, sk.Name)
		}
	}
	return names
}

// review is the last step: the checks of the whole plan against the chart.
func review() Step {
	return Step{
		ID: "review", Title: "Review",
		Intro: "What changes, where every value came from, and what to do next.",
	}
}

// settingsChecks judge a plan that changes settings.
func settingsChecks(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
	list := chartChecks(in, planned)
	if in.Current.Local() {
		return list
	}
	if in.InStore() {
		list = append(list, storeCheck(in, planned))
	}
	list = append(list, accessCheck(in, planned))
	list = append(list, confirmations(in, planned)...)
	list = append(list, releaseChecks(in, planned)...)
	return append(list, judged("values.drops", "the upgrade keeps the release's values", []string{"cluster.reachable"}, func() check.Result {
		return dropsNothing(in, planned)
	}))
}

func chartChecks(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
	return []check.Check{
		judged("chart.version", "chart version", nil, func() check.Result {
			version := in.Chart.Version
			if advice, ok := in.Profile.Advisories[version]; ok {
				return check.Result{Status: check.Warn, Found: version + ": " + advice, Hint: "upgrade to " + in.Profile.Recommended + " or newer of the same minor version"}
			}
			return pass(version + " (" + in.Chart.Source + ")")
		}),
		{ID: "chart.values", Title: "the chart accepts the values", Run: func(ctx context.Context) check.Result {
			return chartAccepts(ctx, in, planned)
		}},
		judged("files.writable", "files can be written", nil, func() check.Result { return filesWritable(planned) }),
	}
}

// filesWritable finds before anything is written what may not be: a write-protected
// file, a directory or file system that is read-only.
func filesWritable(planned func() (*plan.Plan, error)) check.Result {
	p, err := planned()
	if err != nil {
		return fail(err.Error(), "")
	}
	var names, found, hints []string
	for _, f := range p.Files {
		if f.Action == "unchanged" {
			continue
		}
		names = append(names, f.Path)
		if err := f.File.Writable(); err != nil {
			what, do, _ := strings.Cut(err.Error(), "\n")
			found, hints = append(found, what), append(hints, do)
		}
	}
	switch {
	case len(found) > 0:
		return fail(strings.Join(found, "\n"), strings.Join(hints, "; "))
	case len(names) == 0:
		return pass("no file changes")
	}
	return pass(strings.Join(names, ", "))
}

// dropsNothing compares what the release was given with what the files say.
func dropsNothing(in plan.Input, planned func() (*plan.Plan, error)) check.Result {
	release := in.Current.Cluster.Release
	switch {
	case !release.Installed:
		return pass("no release is installed")
	case release.Unknown != "":
		return check.Result{Status: check.Inconclusive, Found: "the values of release " + release.Name + " are not known: " + release.Unknown, Hint: "compare `helm get values " + release.Name + " -n " + release.Namespace + "` with your files before you upgrade"}
	}
	p, err := planned()
	if err != nil {
		return fail(err.Error(), "")
	}
	if !p.Upgrades() {
		return pass("no upgrade is needed")
	}
	drops := p.Drops()
	if len(drops) == 0 {
		return pass("every value of release " + release.Name + " is in the files")
	}
	return fail("an upgrade would silently drop what release "+release.Name+" was given:\n"+strings.Join(drops, "\n"),
		"add these values to a file, or give the file that has them with -f; `helm get values "+release.Name+" -n "+release.Namespace+"` shows them")
}

// chartAccepts holds the outcome of the plan against schema and templates, as
// far as the chart is at hand.
func chartAccepts(_ context.Context, in plan.Input, planned func() (*plan.Plan, error)) check.Result {
	p, err := planned()
	if err != nil {
		return fail(err.Error(), "")
	}
	var problems []string
	for _, change := range p.Values {
		path, _, _ := strings.Cut(change.Path, "[")
		if known, ok := in.Chart.Has(path); known && !ok {
			problems = append(problems, fmt.Sprintf("%s: this chart has no such value", path))
		}
	}
	effective := p.Effective()
	for _, problem := range append(in.Chart.Validate(effective), chart.Placeholders(in.Profile, effective)...) {
		if at, err := values.ParsePath(problem.Path); err == nil && problem.Path != "" {
			if now, _ := values.Lookup(effective, at); holdsPlaceholder(now) {
				continue // filled in before the chart sees it
			}
		}
		problems = append(problems, fmt.Sprintf("%s: %s", problem.Path, problem.Message))
	}
	if len(problems) > 0 {
		return fail(strings.Join(problems, "\n"), "change these values in the file or here")
	}
	if !in.Chart.Complete {
		return pass("as far as this program knows chart " + in.Chart.Version + "; --chart DIRECTORY checks its schema and templates")
	}
	release := chart.Release{Name: in.Draft.Target.Release, Namespace: in.Draft.Target.Namespace, KubeVersion: in.Current.Cluster.Server.Version}
	if _, err := in.Chart.Render(release, effective); err != nil {
		return fail("the chart does not render: "+err.Error(), "")
	}
	return pass("schema and templates of " + in.Chart.Source)
}

func judged(id, title string, after []string, run func() check.Result) check.Check {
	return check.Check{ID: id, Title: title, After: after, Run: func(context.Context) check.Result { return run() }}
}

func pass(found string) check.Result { return check.Result{Status: check.Pass, Found: found} }

func fail(found, hint string) check.Result {
	return check.Result{Status: check.Fail, Found: found, Hint: hint}
}

// Checks returns the checks of all steps that apply, and of the plan.
func (f Flow) Checks(env *Env, in plan.Input) []check.Check {
	var list []check.Check
	for _, s := range f.Steps {
		if s.Checks != nil && s.When.holds(in) {
			list = append(list, s.Checks(env, in)...)
		}
	}
	if f.Judge != nil {
		// All are about the same plan, and large files take their time.
		planned := sync.OnceValues(func() (*plan.Plan, error) {
			if in.Planned != nil {
				return in.Planned, nil
			}
			return f.Plan(in)
		})
		list = append(list, f.Judge(in, planned)...)
		if env != nil && env.Helm != nil && (in.Current.Upgrade || in.Current.Journal != nil) {
			list = append(list, helmCheck(env, in.Current.Upgrade, planned))
		}
	}
	return list
}

// Ownership says who keeps an object as it is, as the end of a sentence: "belongs
// to ExternalSecret portal (owner reference)".
func Ownership(o k8s.Owner) string {
	if o.Kind == k8s.OwnerImmutable {
		return "is immutable"
	}
	who := ownerNames[o.Kind]
	if who == "" {
		who = "another manager"
	}
	if o.Name != "" {
		who += " " + o.Name
	}
	return fmt.Sprintf("belongs to %s (%s)", who, o.Reason)
}

var ownerNames = map[k8s.OwnerKind]string{
	k8s.OwnerExternalSecrets: "ExternalSecret", k8s.OwnerSealedSecrets: "SealedSecret", k8s.OwnerArgoCD: "Argo CD application",
	k8s.OwnerFlux: "Flux", k8s.OwnerHelm: "Helm release", k8s.OwnerVault: "the Vault operator", k8s.OwnerCSI: "the Secrets Store CSI driver",
	k8s.OwnerReplicator: "a replicator",
}
