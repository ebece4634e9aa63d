package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// identityChecks are those of the provider that the portal uses, asked with what
// it runs with, and Thunder's pods where it is the provider.
func (x examiner) identityChecks() []check.Check {
	d := x.in.Draft
	list := []check.Check{x.judged("security.authentication", []string{"release.installed"}, func() check.Result {
		if why := x.unseen("security.authentication"); why != "" {
			return hidden(why)
		}
		if d.Security.Authentication {
			return pass("on")
		}
		r := doubtful("off: "+anonymous, "security.enabled is off", "switch it on", x.setup("install"))
		r.Cure = cureAt("security.authentication")
		return r
	})}
	if !d.Security.Authentication {
		return list
	}
	thunder := x.in.Current.Cluster.Thunder
	if thunder.Installed && isThunder(x.in) {
		list = append(list, x.judged("identity.thunder", []string{reachable}, func() check.Result {
			w := x.in.Current.Health.Thunder
			switch r := x.rollout(w); {
			case w.Name == "":
				return hidden(w.Unknown)
			case w.Rollout.Desired == 0:
				r = faulty("ThunderID is scaled to 0: no pod runs", "somebody scaled it down", "scale it up", x.kubectlIn(w.Namespace, "scale deployment/%s --replicas=1", w.Name))
				r.Code = "rollout.scaled-to-zero"
				return r
			default:
				r.Cure = nil
				return r
			}
		}))
	}
	for _, c := range slices.Concat(identityChecks(x.env, x.in), clientChecks(x.env, x.in)) {
		if c.ID == "identity.claims" && x.in.Current.Pasted.User.IsZero() {
			continue // nothing is at hand to be judged
		}
		if !d.Portal.Enabled && c.ID != "identity.discovery" && c.ID != "identity.keys" {
			continue
		}
		c.After = append(slices.Clone(c.After), "release.installed")
		list = append(list, c)
	}
	return list
}

// unseen is why nothing that is there tells an answer, so that only the chart's
// default is known; "" where something does, or nothing else was said.
func (x examiner) unseen(key answers.Key) string {
	if x.in.Draft.From[key].Rank == answers.FromChart {
		return x.in.Current.Cluster.Release.Unknown
	}
	return ""
}

// chosen takes away what is said about addresses that were chosen: what counts in
// an examination is whether what is set works.
func chosen(r check.Result, base string) check.Result {
	if r.Status != check.Warn {
		return r
	}
	plain := strings.HasPrefix(base, "http://")
	for _, line := range strings.Split(r.Found, "\n") {
		known := false
		for _, id := range []string{"discovery.loopback", "discovery.private", "discovery.plain"} {
			v := verdictOf(id, "")
			known = known || strings.HasSuffix(line, v.Cause) && (id != "discovery.plain" || plain)
		}
		short := !strings.Contains(line, ": ") // what it means was said in another line
		if !known && !short {
			return r
		}
	}
	return check.Result{Status: check.Pass, Code: "discovery.ok", Found: r.Found}
}

// authorizationChecks are which tokens get which role.
func (x examiner) authorizationChecks() []check.Check {
	d := x.in.Draft
	if !d.Security.Authentication {
		return nil
	}
	list := []check.Check{x.judged("security.authorization", []string{"release.installed"}, func() check.Result {
		if why := x.unseen("security.authorization"); why != "" {
			return hidden(why)
		}
		if d.Security.Authorization {
			return pass("on")
		}
		r := doubtful("off: "+everybodyMay, "security.authz.enabled is off", "switch it on", x.setup("install"))
		r.Cure = cureAt("security.authorization")
		return r
	})}
	if !d.Security.Authorization {
		return list
	}
	return append(list,
		x.judged("authorization.bindings", []string{"release.installed"}, x.bindings),
		x.judged("authorization.claims", []string{"authorization.bindings"}, x.claims),
		check.Check{ID: "authorization.subject", Title: titleOf("authorization.subject"), After: []string{"authorization.bindings"}, Timeout: identityTimeout, Run: x.subject},
	)
}

// bindings looks whether all that the chart makes are there, and their roles.
func (x examiner) bindings() check.Result {
	have := x.in.Current.Health.Bindings
	if have.Unknown != "" {
		return hidden(have.Unknown)
	}
	var missing, without, denied []string
	grave := false
	for _, b := range x.in.Profile.Bindings {
		live, ok := have.Named(b.Name)
		switch {
		case !ok:
			missing = append(missing, b.Name)
			grave = grave || b.Entitlement.Claim == groupsClaim || b.Name == readerBinding
		case live.Effect == "deny":
			denied = append(denied, b.Name)
		}
		for _, role := range live.Roles {
			if !slices.Contains(have.Roles, role) {
				without = append(without, fmt.Sprintf("%s names role %s, which is not there", b.Name, role))
			}
		}
	}
	fix := x.setup("install --upgrade")
	switch {
	case len(missing) > 0:
		why := "a values file with a short list of mappings takes the others away: Helm replaces lists as a whole"
		r := faulty(fmt.Sprintf("%d of %d bindings are not there: %s", len(missing), len(x.in.Profile.Bindings), strings.Join(missing, ", ")), why, "write the whole list and upgrade", fix)
		if !grave {
			r.Status = check.Warn
		}
		r.Cure = &check.Cure{Flow: "install", Step: "authorization"}
		return r
	case len(without) > 0:
		return faulty(several(without), "the roles of the chart were deleted, or a binding was changed", "upgrade: the chart makes the roles", fix)
	case len(denied) > 0:
		return faulty("they deny: "+strings.Join(denied, ", "), "somebody changed the bindings", "set their effect to allow", x.kubectl("get clusterauthzrolebindings"))
	}
	if lacks := blind(have); len(lacks) > 0 {
		return doubtful("the roles of "+readerBinding+" do not allow "+strings.Join(lacks, ", "), "somebody changed the role: what the portal's own token may not see is missing in the catalog", "upgrade: the chart makes the role",
			"kubectl "+x.in.Reach()+"get clusterauthzroles -o yaml")
	}
	return pass(fmt.Sprintf("all %d of the chart", len(x.in.Profile.Bindings)))
}

// readerActions are what every chart since 1.0 lets the portal's own token do.
func readerActions() []string {
	return []string{
		"clustercomponenttype:view", "clusterdataplane:view", "clusterobservabilityplane:view", "clustertrait:view", "clusterworkflow:view", "clusterworkflowplane:view",
		"component:view", "componenttype:view", "dataplane:view", "deploymentpipeline:view", "environment:view", "namespace:view", "observabilityplane:view",
		"project:view", "trait:view", "workflow:view", "workflowplane:view", "workload:view",
	}
}

// blind are the actions that the catalog takes and none of the reader's roles allows.
func blind(have k8s.Bindings) []string {
	b, ok := have.Named(readerBinding)
	if !ok {
		return nil
	}
	allowed := map[string]bool{}
	for _, role := range b.Roles {
		for _, action := range have.Actions[role] {
			allowed[action] = true
		}
	}
	return slices.DeleteFunc(readerActions(), func(action string) bool {
		resource, _, _ := strings.Cut(action, ":")
		return allowed["*"] || allowed["*:*"] || allowed[resource+":*"] || allowed[action]
	})
}

// claims looks whether the API compares what the bindings name.
func (x examiner) claims() check.Result {
	have := x.in.Current.Health.Bindings
	if have.Unknown != "" {
		return hidden(have.Unknown)
	}
	user := firstOf(x.in.Draft.Authorization.Groups.Claim, groupsClaim)
	service := firstOf(x.in.Draft.Authorization.SubjectClaim, subjectClaim)
	if text, _ := below(x.in.Current.Cluster.APIConfig.Config, "security", "subjects", "user", "mechanisms", "jwt", "entitlement", "claim").(string); text != "" {
		user = text
	}
	if text, _ := below(x.in.Current.Cluster.APIConfig.Config, "security", "subjects", "service_account", "mechanisms", "jwt", "entitlement", "claim").(string); text != "" {
		service = text
	}
	var lines []string
	for _, b := range x.in.Profile.Bindings {
		live, ok := have.Named(b.Name)
		want := user
		if b.Entitlement.Claim == subjectClaim {
			want = service
		}
		switch {
		case !ok:
		case live.Claim != want:
			lines = append(lines, fmt.Sprintf("%s is for claim %s, the API looks at %s", b.Name, live.Claim, want))
		case live.Value == "":
			lines = append(lines, b.Name+" is for no value")
		}
	}
	if len(lines) == 0 {
		return pass("groups in " + user + ", programs in " + service)
	}
	r := faulty(several(lines), "a binding on another claim than the API looks at never holds", "make bindings and claims agree", x.setup("install"))
	r.Cure = cureAt("authorization.groups.claim")
	return r
}

// subject compares the binding of the portal's own token with that token, as far
// as one can be had: a wrong one gives an empty catalog without an error.
func (x examiner) subject(ctx context.Context) check.Result {
	b, ok := x.in.Current.Health.Bindings.Named(readerBinding)
	if !ok {
		return hidden(firstOf(x.in.Current.Health.Bindings.Unknown, "there is no "+readerBinding))
	}
	j, able := newJudge(x.env, x.in)
	if !able {
		return skipped("nobody is asked for a token")
	}
	got := j.claimsOfService(ctx)
	id, _ := serviceOf(x.in)
	switch {
	case len(got) == 0 && isThunder(x.in) && b.Value != id:
		return doubtful(fmt.Sprintf("%s is for %q, the client is %q", readerBinding, b.Value, id), "ThunderID puts the client's id into sub", "give the binding the client's id", x.setup("install"))
	case len(got) == 0:
		return unsettled(fmt.Sprintf("%s is for %q; no token is at hand to compare it with", readerBinding, b.Value), "mend what keeps the portal from its token first")
	case !slices.Contains(got, b.Value):
		r := faulty(fmt.Sprintf("%s is for %q, the portal's token has %q", readerBinding, b.Value, strings.Join(got, ", ")), "the API takes the token and finds no role for it: the catalog stays empty, without an error", "give the binding what is in the token", x.setup("install"))
		r.Code = "token.binding"
		r.Cure = cureAt("authorization.subject")
		if r.Cure != nil && len(got) == 1 && visible(got[0]) {
			r.Cure.Propose = []check.Proposal{{Key: "authorization.subject", Value: got[0]}}
		}
		return r
	}
	return pass(b.Value)
}

// planeChecks hold the feature flags against the planes that are registered.
func (x examiner) planeChecks() []check.Check {
	if !x.in.Draft.Portal.Enabled {
		return nil
	}
	f, found := x.in.Draft.Features, x.in.Current.Cluster
	return []check.Check{
		x.judged("planes.workflow", []string{"release.installed"}, func() check.Result {
			return x.plane("workflow", "features.workflows", f.Workflows, found.WorkflowPlanes)
		}),
		x.judged("planes.observability", []string{"release.installed"}, func() check.Result {
			return x.plane("observability", "features.observability", f.Observability, found.ObservabilityPlanes)
		}),
		x.visiting("planes.observer", []string{"planes.observability"}, x.observer),
	}
}

// observer asks the Observer of each observability plane, where the portal reads
// logs and metrics, at the address that the plane tells.
func (x examiner) observer(ctx context.Context) check.Result {
	planes := x.in.Current.Cluster.ObservabilityPlanes
	if !x.in.Draft.Features.Observability {
		return pass("features.observability is off")
	}
	if planes.Unknown != "" {
		return hidden(planes.Unknown)
	}
	var asked []string
	for _, p := range planes.Items {
		if p.ObserverURL == "" || slices.Contains(asked, p.ObserverURL) {
			continue
		}
		asked = append(asked, p.ObserverURL)
		if r := x.observed(ctx, p); r.Status != check.Pass {
			return r
		}
	}
	if len(asked) == 0 {
		return skipped("no observability plane tells an address")
	}
	return pass(strings.Join(asked, ", ") + " answers")
}

// observed asks one plane's Observer.
func (x examiner) observed(ctx context.Context, p k8s.Plane) check.Result {
	const why, hint = "spec.observerURL of the plane is wrong, or its Observer does not run: pages of logs and metrics stay empty", "correct spec.observerURL; where only the portal's pods reach it, run with --skip planes.observer=REASON"
	edit := "kubectl " + x.in.Reach()
	if p.Namespace != "" {
		edit += "-n " + plan.Quote(p.Namespace) + " "
	}
	edit += "edit " + p.Kind + " " + plan.Quote(p.Name)
	if _, ok := parseURL(p.ObserverURL); !ok || strings.Contains(p.ObserverURL, ".invalid") {
		return doubtful(fmt.Sprintf("observability plane %s: %q is no address", p.Name, p.ObserverURL), why, hint, edit)
	}
	at := strings.TrimSuffix(p.ObserverURL, "/") + "/health"
	visit, err := x.env.Visitor.Get(ctx, at)
	switch {
	case err != nil:
		code, reason := obstacle(err)
		if code == "visit.forbidden" {
			return hidden(err.Error())
		}
		r := doubtful(fmt.Sprintf("observability plane %s: %s does not answer: %v", p.Name, at, err), reason+"; "+why, hint, edit)
		r.Code = code
		return r
	case visit.Status != 200:
		r := doubtful(fmt.Sprintf("observability plane %s: %s answers %d", p.Name, at, visit.Status), why, hint, edit)
		r.Code = "visit.status"
		return r
	}
	return pass(at)
}

func (x examiner) plane(name, key string, on bool, planes k8s.Planes) check.Result {
	show := "kubectl get cluster" + name + "planes," + name + "planes -A"
	switch {
	case !on:
		return pass(key + " is off")
	case planes.Unknown != "":
		return hidden(planes.Unknown)
	case planes.Registered() == 0:
		r := doubtful(fmt.Sprintf("%s is on, and no %s plane is registered", key, name), "its pages show errors until there is one", "install the plane, or switch the feature off", x.setup("install --set "+key+"=false"))
		r.Cure = cureAt(key)
		if r.Cure != nil {
			r.Cure.Propose = []check.Proposal{{Key: key, Value: false}}
		}
		return r
	case !planes.Connected():
		return doubtful(fmt.Sprintf("no %s plane is connected", name), "the agent in that plane does not run, or does not reach the cluster gateway", "look at the plane's agent", show)
	}
	for _, p := range planes.Items {
		if name == "observability" && p.Connected && p.ObserverURL == "" {
			return doubtful(fmt.Sprintf("observability plane %s has no observer URL", p.Name), "logs and metrics are read from there", "set its spec.observerURL", show)
		}
	}
	return pass(fmt.Sprintf("%d registered", planes.Registered()))
}
