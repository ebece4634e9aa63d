package steps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Check examines a portal that is there: it asks and changes nothing. Its draft
// is what runs, so that the checks of the other flows can be made of it.
func Check() Flow {
	f := Flow{ID: "check", Title: "Check", Silent: true}
	for _, s := range Install().Steps {
		if s.ID == "preset" || s.ID == "review" {
			continue // what a new installation would get says nothing about this one
		}
		s.Checks, s.Plan = nil, nil
		if s.ID == "target" {
			settle := s.Suggest
			s.Suggest = func(in plan.Input) []answers.Proposal { return append(settle(in), live(in)...) }
		}
		f.Steps = append(f.Steps, s)
	}
	f.Steps = append(f.Steps, Step{ID: "examination", Title: "Examination", Intro: "What is wrong, why, and what to do.", Checks: examination})
	return f
}

// live is what runs, where it can differ from the release's values: somebody has
// changed the Deployment, or a binding.
func live(in plan.Input) []answers.Proposal {
	d := in.Current.Cluster.Deployment
	var list []answers.Proposal
	for _, e := range d.Env {
		key, ok := liveVariables[e.Name]
		if !ok || e.Value == "" || !in.ChartHas(key) || strings.Contains(e.Value, ".invalid") {
			continue
		}
		list = append(list, found(key, e.Value, "Deployment "+d.Name))
	}
	if kind := map[string]string{"better-sqlite3": "sqlite", "pg": "postgresql"}[d.Database]; kind != "" {
		list = append(list, found("database.type", kind, "Deployment "+d.Name))
	}
	if d.Name != "" {
		mode, _ := d.EnvVar("PGSSLMODE")
		list = append(list, found("database.postgresql.ssl", mode.Value == "require", "Deployment "+d.Name))
	}
	if b, ok := in.Current.Health.Bindings.Named(readerBinding); ok {
		list = append(list, found("authorization.subject", b.Value, "ClusterAuthzRoleBinding "+b.Name))
	}
	return list
}

// readerBinding lets the portal's own token read the catalog.
const readerBinding = "backstage-catalog-reader-binding"

// liveVariables are those whose text is the answer's.
var liveVariables = map[string]answers.Key{
	"BACKSTAGE_BASE_URL":                "portal.baseUrl",
	"OPENCHOREO_AUTH_CLIENT_ID":         "client.id",
	"OPENCHOREO_AUTH_METADATA_URL":      "identity.discoveryUrl",
	"OPENCHOREO_AUTH_AUTHORIZATION_URL": "identity.authorizationUrl",
	"OPENCHOREO_AUTH_TOKEN_URL":         "identity.tokenUrl",
	"OPENCHOREO_AUTH_OIDC_SCOPE":        "client.oidcScope",
	"OPENCHOREO_AUTH_SCOPE":             "client.serviceScope",
}

// examining tells whether the run examines what is there, and so settles nothing.
func examining(in plan.Input) bool { return in.Current.Flow == "check" }

// examination are all checks of the flow check, in the order in which one thing
// rests on another.
func examination(env *Env, in plan.Input) []check.Check {
	if in.Current.Local() {
		return nil
	}
	x := examiner{env, in}
	list := slices.Concat(
		x.clusterChecks(), x.releaseChecks(), x.secretChecks(), x.portalChecks(), x.databaseChecks(),
		x.apiChecks(), x.identityChecks(), x.authorizationChecks(), x.planeChecks(), x.routingChecks(), x.networkChecks(),
	)
	there := map[string]bool{}
	for _, c := range list {
		there[c.ID] = true
	}
	for i, c := range list {
		list[i].After = slices.DeleteFunc(slices.Clone(c.After), func(id string) bool { return !there[id] })
		list[i].Run = x.cured(c.ID, c.Run)
	}
	return list
}

// examiner makes the checks of what is there.
type examiner struct {
	env *Env
	in  plan.Input
}

// judged is a check of what was read before; its title is that of its page.
func (x examiner) judged(id string, after []string, run func() check.Result) check.Check {
	return judged(id, titleOf(id), after, run)
}

func titleOf(id string) string {
	for _, d := range CheckDocs() {
		if d.ID == id {
			return strings.ToLower(d.Title[:1]) + d.Title[1:]
		}
	}
	return id
}

// faulty is what does not work, why, and what mends it.
func faulty(found, cause, hint, fix string) check.Result {
	return check.Result{Status: check.Fail, Found: found, Cause: cause, Hint: hint, Fix: fix}
}

// doubtful works, but somebody should know.
func doubtful(found, cause, hint, fix string) check.Result {
	return check.Result{Status: check.Warn, Found: found, Cause: cause, Hint: hint, Fix: fix}
}

// hidden could not be read: for want of a right, which is named then, or because
// nobody answered.
func hidden(why string) check.Result {
	if why != "" && !strings.Contains(why, k8s.ErrForbidden.Error()) && !strings.Contains(why, "you may not") && !strings.Contains(why, "the right ") {
		return unsettled(why, "look again; where it stays so, ask who runs the cluster")
	}
	return check.Result{
		Status: check.Inconclusive, Found: why, Hint: "ask for the right that is named, or have somebody look who has it",
		Fix: "backstage-setup rbac --with-release",
	}
}

// unsettled could not be told.
func unsettled(found, hint string) check.Result {
	return check.Result{Status: check.Inconclusive, Found: found, Hint: hint}
}

// namespace is the control plane's.
func (x examiner) namespace() string { return x.in.Draft.Target.Namespace }

// kubectl is a command for the operator, in the namespace and cluster at hand.
func (x examiner) kubectl(format string, args ...any) string {
	return x.kubectlIn(x.namespace(), format, args...)
}

// kubectlIn is a command in another namespace.
func (x examiner) kubectlIn(namespace, format string, args ...any) string {
	return "kubectl " + x.in.Reach() + "-n " + plan.Quote(namespace) + " " + fmt.Sprintf(format, args...)
}

// setup is a command of this program that changes the installation at hand.
func (x examiner) setup(command string) string {
	if x.namespace() != "openchoreo-control-plane" {
		command += " -n " + plan.Quote(x.namespace())
	}
	if x.in.Draft.Target.Release != "openchoreo-control-plane" {
		command += " --release " + plan.Quote(x.in.Draft.Target.Release)
	}
	if reach := x.in.Reach(); reach != "" {
		command += " " + strings.TrimSuffix(reach, " ")
	}
	return "backstage-setup " + command
}

// secretName is the Secret that the portal reads.
func (x examiner) secretName() string {
	return cmp.Or(x.in.Current.Cluster.Secret.Name, x.in.Draft.Secret.Name, k8s.DefaultSecretName)
}

// several joins findings of one check.
func several(lines []string) string { return strings.Join(lines, "\n") }

// CheckRights returns what an examination reads.
func CheckRights(q k8s.Query) []k8s.Access {
	rights := k8s.DiscoveryRights(q)
	rights = append(rights, k8s.ReleaseRights(q.Namespace)...)
	rights = append(rights, k8s.HealthRights(q.Namespace)...)
	rights = append(rights, k8s.Access{
		Verb: "create", Resource: "pods/portforward", Namespace: q.Namespace,
		Why: "ask portal and API past Gateway and DNS", Prevents: "whether portal and API answer inside the cluster is not known",
	})
	return k8s.MergeRights(rights)
}
