package steps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/cause"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
)

// portalChecks are the portal's Deployment, its pods and what they write.
func (x examiner) portalChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	d := x.in.Current.Cluster.Deployment
	w := x.in.Current.Health.Portal
	there := []string{"portal.deployment"}
	return []check.Check{
		x.judged("portal.deployment", []string{"cluster.namespace"}, func() check.Result {
			switch {
			case d.Name == "" && d.Unknown != "":
				return hidden(d.Unknown)
			case d.Name == "":
				return faulty("there is no Deployment of the portal in namespace "+x.namespace(), "the portal was never installed here, is switched off in the values, or was deleted",
					"upgrade the release, or set the portal up", x.setup("install --upgrade"))
			case d.Replicas == 0:
				return faulty(fmt.Sprintf("Deployment %s is scaled to 0: no pod runs", d.Name), "somebody scaled it down", "scale it up",
					x.kubectl("scale deployment/%s --replicas=1", d.Name))
			case w.Rollout.Message == "the Deployment is paused":
				return faulty(fmt.Sprintf("Deployment %s is paused: its pods stay as they are", d.Name), "somebody paused its roll-out", "let it go on",
					x.kubectl("rollout resume deployment/%s", d.Name))
			}
			return pass(fmt.Sprintf("%s, image %s", d.Name, d.Image))
		}),
		x.judged("portal.image", there, x.deployed(x.image)),
		x.judged("portal.environment", there, x.deployed(x.environment)),
		x.judged("portal.command", there, x.deployed(x.command)),
		x.judged("portal.references", there, x.deployed(x.references)),
		x.judged("portal.variables", there, x.deployed(x.variables)),
		x.judged("portal.replicas", there, x.deployed(x.replicas)),
		x.judged("portal.rollout", there, func() check.Result { return x.rollout(w) }),
		x.judged("portal.secret", there, x.taken),
		x.judged("portal.events", there, x.deployed(func() check.Result { return x.warnings(w) })),
		x.judged("portal.logs", there, func() check.Result { return x.logs(w) }),
		x.visiting("portal.health", there, x.portalHealth),
	}
}

// deployed judges the portal's Deployment where it could be read.
func (x examiner) deployed(judge func() check.Result) func() check.Result {
	return func() check.Result {
		if d := x.in.Current.Cluster.Deployment; d.Name == "" {
			return hidden(firstOf(d.Unknown, "there is no Deployment of the portal"))
		}
		return judge()
	}
}

// applied is the portal's container as Helm applied it; ok is false where that is
// not known.
func (x examiner) applied() (c container, ok bool) {
	d := x.in.Current.Cluster.Deployment
	for _, object := range objects(x.in.Current.Cluster.Release.Manifest) {
		if object.Kind != "Deployment" || object.Metadata.Name != d.Name {
			continue
		}
		for _, c := range object.Spec.Template.Spec.Containers {
			if c.Name == "backstage" || len(object.Spec.Template.Spec.Containers) == 1 {
				return c, true
			}
		}
	}
	return container{}, false
}

// environment compares the variables of the portal with those that Helm applied.
func (x examiner) environment() check.Result {
	d := x.in.Current.Cluster.Deployment
	applied, ok := x.applied()
	given := applied.variables()
	if !ok {
		return unsettled("what Helm applied is not known: "+firstOf(x.in.Current.Cluster.Release.Unknown, "the release has no such Deployment"), "compare the Deployment with `helm get manifest`")
	}
	intended := k8s.Deployment{Env: given}
	var lines []string
	code := ""
	note := func(name, text string) {
		lines = append(lines, name+" "+text)
		code = firstOf(code, name)
	}
	for _, e := range given {
		last, _ := intended.EnvVar(e.Name)
		now, there := d.EnvVar(e.Name)
		switch {
		case e != last: // an earlier one of the same name has no effect
		case !there:
			note(e.Name, "is not set any more")
		case now != last && (now.SecretName != last.SecretName || now.SecretKey != last.SecretKey):
			note(e.Name, "is taken from elsewhere than the chart says")
		case now.Value != last.Value:
			note(e.Name, "has another value than the chart gave it")
		}
	}
	for _, e := range d.Env {
		if _, there := intended.EnvVar(e.Name); !there {
			if _, known := x.in.Profile.EnvVar(e.Name); known {
				note(e.Name, "was added by hand")
			}
		}
	}
	if now, there := d.EnvVar("BACKEND_SECRET"); there && slices.ContainsFunc(given, func(e k8s.EnvVar) bool {
		return e.Name == now.Name && e.SecretName != "" && e.SecretName != now.SecretName
	}) {
		code = "BACKEND_SECRET" // the pods were given another Secret: what is said about that one follows
	}
	if len(lines) == 0 {
		return pass(fmt.Sprintf("%d variables, as Helm applied them", len(d.Env)))
	}
	r := doubtful(several(lines), "somebody changed the Deployment by hand (kubectl set env, kubectl edit); the next upgrade may take it back", "change the values instead, and upgrade",
		x.kubectl("get deployment %s -o yaml", d.Name))
	r.Code = code
	return r
}

// variables looks for what makes the portal end, or Helm 4 refuse the Deployment.
func (x examiner) variables() check.Result {
	d := x.in.Current.Cluster.Deployment
	var twice, empty []string
	seen := map[string]int{}
	for _, e := range d.Env {
		if seen[e.Name]++; seen[e.Name] == 2 {
			twice = append(twice, e.Name)
		}
		_, known := x.in.Profile.EnvVar(e.Name)
		if known && e.Value == "" && e.SecretName == "" && e.ConfigMapName == "" && !strings.HasPrefix(e.Name, "GITHUB_") {
			empty = append(empty, e.Name)
		}
	}
	switch {
	case len(empty) > 0:
		r := faulty(strings.Join(empty, ", ")+": set to nothing", "Backstage takes a variable that is set but empty as a fault, and ends", "give it a value",
			"backstage-setup explain "+empty[0])
		r.Code = empty[0]
		return r
	case len(twice) > 0:
		r := doubtful(strings.Join(twice, ", ")+": set more than once; the last one counts", "backstage.extraEnv repeats what backstage.env or the chart sets: Helm 4, Flux and Argo CD refuse that",
			"set it in one place", x.setup("install"))
		r.Cure = &check.Cure{Flow: "install", Step: "environment", Key: "environment.extra"}
		return r
	}
	return pass("each is set once, and none to nothing")
}

// replicas holds the number of pods against the database.
func (x examiner) replicas() check.Result {
	d := x.in.Current.Cluster.Deployment
	most := d.Replicas
	if s := x.in.Draft.Scaling.Autoscaling; s.Enabled {
		most = max(most, s.Max)
	}
	if d.Database != "better-sqlite3" || most < 2 {
		return pass(fmt.Sprintf("%d, database %s", d.Replicas, firstOf(d.Database, "unknown")))
	}
	r := faulty(fmt.Sprintf("%d pods at most, and SQLite", most), "each pod has a database and signing keys of its own, or they write to one file: people are signed out at random, and the file can be damaged",
		"run one pod, or change to PostgreSQL", x.setup("database postgresql"))
	r.Cure = &check.Cure{Flow: "database", Step: "database", Key: "database.type", Propose: []check.Proposal{{Key: "database.type", Value: "postgresql"}}}
	return r
}

// rollout tells what keeps the pods from running.
func (x examiner) rollout(w k8s.Workload) check.Result {
	r := w.Rollout
	switch {
	case w.Name == "":
		return hidden(w.Unknown)
	case len(r.Troubles) > 0:
		t := r.Troubles[0]
		var lines []string
		for _, other := range r.Troubles {
			if text := other.Text(); !slices.Contains(lines, text) {
				lines = append(lines, text)
			}
		}
		found := faulty(several(lines[:min(len(lines), 4)]), "", "see what is named", t.Hint())
		found.Code = "rollout." + string(t.Kind)
		explain := append([]string{t.Reason + ": " + t.Message, t.Text()}, t.Log...)
		if known := cause.Explain(explain); len(known) > 0 {
			found.Cause, found.Hint = known[0].Title+". "+known[0].Cause, known[0].Fix
			found.Cure = cureAt(known[0].Step)
		}
		return found
	case !r.Done() && r.PodsHidden != "":
		return hidden(r.PodsHidden)
	case !r.Done():
		return doubtful(fmt.Sprintf("under way: %d of %d pods are updated, %d available %s", r.Updated, r.Desired, r.Available, r.Message), "a change is being rolled out", "wait, or look again with --wait",
			x.kubectlIn(w.Namespace, "rollout status deployment/%s", w.Name))
	}
	for _, p := range r.Pods {
		if p.Restarts > 2 {
			return doubtful(fmt.Sprintf("pod %s runs, after %d restarts", p.Name, p.Restarts), "it ended again and again, or its health check failed", "look at what it wrote before", x.kubectlIn(w.Namespace, "logs %s --previous", p.Name))
		}
	}
	return pass(fmt.Sprintf("%d of %d pods are ready", r.Ready, r.Desired))
}

// taken tells whether the pods have started after the Secret was written last:
// variables are read when a container starts.
func (x examiner) taken() check.Result {
	s := x.in.Current.Cluster.Secret.Secret
	w := x.in.Current.Health.Portal
	switch {
	case s == nil && x.in.Current.Cluster.Secret.Unknown != "":
		return hidden(x.in.Current.Cluster.Secret.Unknown)
	case s == nil:
		return skipped("there is no Secret")
	case w.Rollout.PodsHidden != "":
		return hidden(w.Rollout.PodsHidden)
	case s.DataWritten.IsZero():
		return unsettled("when the Secret was written last is not known", "")
	}
	var old []string
	for _, p := range w.Rollout.Pods {
		if !p.Started.IsZero() && p.Phase != "Terminating" && p.Started.Before(s.DataWritten) {
			old = append(old, p.Name)
		}
	}
	if len(old) == 0 {
		return pass("the pods have started after it was written")
	}
	r := doubtful(fmt.Sprintf("%s started before the Secret was written last (%s)", strings.Join(old, ", "), s.DataWritten.UTC().Format("2006-01-02 15:04:05 MST")),
		"a container reads its variables when it starts: these pods still use the values from before", "restart them", x.kubectl("rollout restart deployment/%s", w.Name))
	return r
}

// warnings are what Kubernetes says about pods that are there, as far as it is not
// ordinary while they start.
func (x examiner) warnings(w k8s.Workload) check.Result {
	if w.Rollout.EventsHidden != "" {
		return hidden(w.Rollout.EventsHidden)
	}
	var lines []string
	var events []string
	for _, e := range w.Warnings {
		if ordinary(e) {
			continue
		}
		events = append(events, e.Reason+": "+e.Message)
		if line := e.Object + ": " + e.Reason + ": " + e.Message; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return pass("no warnings about its pods")
	}
	r := doubtful(several(lines[:min(len(lines), 5)]), "Kubernetes warned within the last hour", "see what is named", x.kubectl("get events --field-selector type=Warning"))
	if found := cause.Explain(events); len(found) > 0 {
		f := found[0]
		r.Code, r.Cause, r.Hint = f.ID, f.Title+". "+f.Cause, f.Fix
	}
	return r
}

// ordinary events come and go while pods start.
func ordinary(e k8s.Event) bool {
	return e.Reason == "FailedScheduling" || e.Reason == "Unhealthy" && strings.HasPrefix(e.Message, "Readiness ")
}

// logs explains what a program wrote.
func (x examiner) logs(w k8s.Workload) check.Result {
	if w.Name == "" {
		return hidden(w.Unknown)
	}
	var lines []string
	for _, l := range w.Logs {
		lines = append(lines, l.Lines...)
	}
	for _, t := range w.Rollout.Troubles {
		lines = append(lines, t.Log...)
	}
	found := cause.Explain(lines)
	switch {
	case len(lines) == 0 && w.LogsUnknown != "":
		return hidden(w.LogsUnknown)
	case len(lines) == 0 && w.Rollout.PodsHidden != "":
		return hidden(w.Rollout.PodsHidden)
	case len(found) == 0:
		return pass("nothing known in it")
	}
	return logResult(found, x.kubectl("logs deployment/%s", w.Name))
}

// logResult is a check's result of what lines of a log mean.
func logResult(found []cause.Finding, show string) check.Result {
	at := slices.IndexFunc(found, func(f cause.Finding) bool { return f.Fatal() && f.After == "" })
	status := check.Fail
	if at < 0 {
		at, status = 0, check.Warn
	}
	main := found[at]
	lines := []string{main.Title + ": " + main.Line}
	for i, f := range found {
		if i != at && f.After == "" {
			lines = append(lines, "also "+f.Title+" ("+f.ID+"): "+f.Line)
		}
	}
	r := check.Result{Status: status, Code: main.ID, Found: several(lines[:min(len(lines), 4)]), Cause: main.Cause, Hint: main.Fix, Fix: show}
	if main.Step != "" {
		r.Cure = cureAt(main.Step)
	}
	return r
}

// cureAt is the place of an answers key in the flow that changes settings.
func cureAt(key string) *check.Cure {
	for _, s := range Install().Steps {
		for _, q := range s.Questions {
			if string(q.Key) == key {
				return &check.Cure{Flow: "install", Step: s.ID, Key: key}
			}
		}
	}
	return nil
}
