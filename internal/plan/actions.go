package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
)

// actions puts the changes into an order that cannot strand the portal: what
// undo needs, the volume that is to be kept, the files, the Secret, the upgrade, and
// a restart only when nothing else rolls the pods.
func (p *Plan) actions() {
	c := &p.in.Current
	var list []Action
	if p.volume != nil && !p.byHand() {
		list = append(list, *p.volume)
	}
	names := []string{"values", "manifest"}
	for i, f := range p.Files {
		if f.Action != "unchanged" {
			list = append(list, WriteFile{Name: names[i], Change: f, Backup: c.Backup})
		}
	}
	if p.external != nil && p.external.Action != "unchanged" {
		list = append(list, WriteFile{Name: "external-secret", Change: *p.external})
	}
	for _, a := range p.delivery {
		if sync, ok := a.(AwaitSync); ok {
			sync.Unread = p.unread()
			a = sync
		}
		list = append(list, a)
	}
	if p.writesSecret() {
		list = append(list, WriteSecret{Create: p.Secret.Action == "created", Change: p.change(), Previous: p.previous(), Unread: p.unread(), History: p.history()})
	}
	if c.Upgrade && p.upgradeNeeded() {
		if why := p.noUpgrade(); why == "" {
			list = append(list, p.upgrade())
		} else {
			p.Warn("target", "helm upgrade is not run: %s", why)
		}
	}
	ns := p.in.Draft.Target.Namespace
	starting := p.restarts() && p.starting()
	if p.restarts() && !starting {
		list = append(list, Restart{Namespace: ns, Deployment: c.Cluster.Deployment.Name, Last: c.Cluster.Deployment.Restarted})
	}
	if (p.runs(list) || starting) && p.in.Draft.Portal.Enabled {
		list = append(list, AwaitRollout{Namespace: ns, Deployment: p.deployment(), Timeout: c.Wait, Before: !p.runs(list), Reach: p.context()})
		list = append(list, p.proof()...)
		if p.rotation == nil {
			list = append(list, p.confirmDatabase()...)
		}
	} else if p.rotation != nil && p.reloads() {
		list = append(list, AwaitRollout{Namespace: ns, Deployment: p.deployment(), Timeout: c.Wait, After: c.Cluster.Deployment.Generation, Reach: p.context()})
		list = append(list, p.proof()...)
	}
	p.Actions = p.kept(list)
}

// reloads tells whether Reloader restarts the pods with what this run writes.
func (p *Plan) reloads() bool {
	return p.in.Current.Cluster.Deployment.Reloader.Reloads(p.Secret.Name) && (p.writesSecret() || p.Secret.Delivered) && len(p.change().Set) > 0
}

// history are the marks of the Secret from which its history goes on; nil where
// none is kept.
func (p *Plan) history() map[string]string {
	s := p.in.Current.Cluster.Secret.Secret
	if s == nil || !p.Secret.History && s.Annotations[k8s.HistoryAnnotation] == "" {
		return nil
	}
	return map[string]string{k8s.HistoryAnnotation: s.Annotations[k8s.HistoryAnnotation]}
}

// writesSecret tells whether the run itself writes the Secret in the cluster.
func (p *Plan) writesSecret() bool {
	return p.Secret.Action == "created" || p.Secret.Action == "patched"
}

// unread tells whether the portal's pods, as their template is now, read none of
// the keys that change. One that stays cannot have started with what is put back.
func (p *Plan) unread() bool {
	d := &p.in.Current.Cluster.Deployment
	if d.Name == "" || d.Unknown != "" || slices.Contains(d.WholeSecrets, p.Secret.Name) {
		return false
	}
	return !slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool {
		return k.changes && slices.ContainsFunc(d.Env, func(v k8s.EnvVar) bool { return v.SecretName == p.Secret.Name && v.SecretKey == k.Name })
	})
}

// previous are the values that the Secret's asked keys hold now.
func (p *Plan) previous() map[string]secret.Text {
	existing := p.in.Current.Cluster.Secret.Secret
	if existing == nil {
		return nil
	}
	old := map[string]secret.Text{}
	for _, k := range p.Secret.Keys {
		if value, there := existing.Values[k.Name]; there && k.changes {
			old[k.Name] = value
		}
	}
	return old
}

// restarts tells whether this run restarts the pods itself: what they were
// started with is not what the Secret holds, and nothing else will roll them.
func (p *Plan) restarts() bool {
	d := p.in.Current.Cluster.Deployment
	if !p.in.Current.Restart || d.Name == "" || p.engine() != "" || d.Reloader.Reloads(p.Secret.Name) {
		return false
	}
	if p.upgradeNeeded() && !(p.in.Current.Upgrade && p.noUpgrade() == "") {
		return false // the upgrade that the operator runs comes first
	}
	return p.Stale() && !p.Pending()
}

// Pending tells whether somebody else has to write the Secret before the pods can
// have what was asked for: its owner.
func (p *Plan) Pending() bool {
	return p.Secret.Action == "external" && !p.Secret.Delivered && slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.changes })
}

// Stale tells whether pods run with other values than the Secret holds, now or
// once this run has written it: pods read it only when they start.
func (p *Plan) Stale() bool {
	if p.Secret.Name == "" || p.in.Current.Cluster.Deployment.Name == "" {
		return false
	}
	if p.writesSecret() || p.Secret.Delivered {
		return len(p.change().Set) > 0
	}
	existing := p.in.Current.Cluster.Secret.Secret
	return existing != nil && startedBefore(p.in.Current.Cluster.Pods, existing.DataWritten)
}

// starting tells whether a pod is there that was made with what the Secret holds
// and has not come up: to restart would begin the same anew.
func (p *Plan) starting() bool {
	s := p.in.Current.Cluster.Secret.Secret
	if s == nil || p.writesSecret() || p.Secret.Delivered {
		return false
	}
	return slices.ContainsFunc(p.in.Current.Cluster.Pods.Items, func(pod k8s.PodState) bool {
		return !pod.Ready && pod.Phase != "Terminating" && pod.Created.After(s.DataWritten)
	})
}

// startedBefore tells whether a pod runs since before then, and goes on. Both
// times are to the second.
func startedBefore(pods k8s.Pods, then time.Time) bool {
	return slices.ContainsFunc(pods.Items, func(pod k8s.PodState) bool {
		return !pod.Started.IsZero() && pod.Started.Before(then) && pod.Phase != "Terminating"
	})
}

// Changes is how many of the actions change something that stays: not what
// undoing takes.
func (p *Plan) Changes() int {
	n := 0
	for _, a := range p.Actions {
		switch a.(type) {
		case KeepPrevious, MarkKept, DropPrevious, Prove, ConfirmDatabase, AwaitAccepted, AwaitRejected:
		default:
			n++
		}
	}
	return n
}

// WritesCluster tells whether an action changes something in the cluster.
func (p *Plan) WritesCluster() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool {
		switch a.(type) {
		case Upgrade, Rollback:
			return true // by helm, whose rights are not known
		}
		return len(a.Rights()) > 0
	})
}

// runs tells whether the actions make the portal's pods roll.
func (p *Plan) runs(list []Action) bool {
	return slices.ContainsFunc(list, func(a Action) bool {
		switch a.(type) {
		case Upgrade, Restart:
			return true
		}
		return false
	})
}

// kept puts around the actions what keeps and drops the means to undo them.
func (p *Plan) kept(list []Action) []Action {
	j := Journaled(list)
	c := &p.in.Current
	j.Flow = c.Flow
	j.Release, j.Revision = p.in.Draft.Target.Release, c.Cluster.Release.Revision
	j.Database = p.journalDatabase()
	patches := p.Secret.Action == "patched" && (len(j.Set) > 0 || c.KeepPrevious) || len(j.Entries) > 0
	local := c.Local() && (c.Journal != nil || len(j.Files) > 1 && slices.ContainsFunc(j.Files, func(f JournalFile) bool { return f.Before != "" }))
	switch {
	case len(list) == 0 && c.Journal == nil:
		return list
	case len(list) == 0:
		if list = p.verify(); list == nil && !c.Journal.Kept && !c.Journal.Upgrade {
			return []Action{MarkKept{Journal: *c.Journal}} // nothing was left to do, but what the operator does
		}
		if list == nil {
			return nil
		}
	case (patches || j.Upgrade && j.Revision > 0) && (c.KeepPrevious || c.UndoOnFailure) && !c.NoPrevious:
	case c.Journal != nil: // an earlier run's is followed
	case local:
	default:
		if patches && len(j.Set) > 0 {
			p.Warn("secrets", "no way back: the old values of %s are not kept; --keep-previous keeps them until the portal is seen to be up", strings.Join(j.Set, ", "))
		}
		return list
	}
	for i, a := range list {
		if f, ok := a.(WriteFile); ok {
			f.Keep = c.Journal == nil || !c.Journal.wrote(f.Change.File)
			list[i] = f
		}
	}
	j.Files = Journaled(list).Files
	if c.Journal != nil {
		j = j.Follow(p.lasting(*c.Journal))
		j.Helm = p.upgrade().Helm // to undo the earlier run's takes the same cluster
	}
	j.Reach = p.context()
	if j.Secret == "" {
		j.Namespace, j.Secret = p.in.Draft.Target.Namespace, p.in.Draft.Secret.Name
	}
	unseen := p.rotation != nil && c.unconfirmed() != nil // a rotation does not look which database the portal has
	verified := !unseen && (p.runs(list) || slices.ContainsFunc(list, isWait))
	list = append([]Action{KeepPrevious{Journal: j, Local: local}}, list...)
	if !verified && !local && (unseen || c.KeepPrevious || c.Journal != nil && c.Journal.Kept || p.unverified(j)) {
		return append(list, MarkKept{Journal: j})
	}
	return append(list, DropPrevious{Journal: j, Local: local})
}

// unverified tells whether a portal is there that has been running with other
// values than the journal's run gives it.
func (p *Plan) unverified(j Journal) bool {
	return p.in.Current.Cluster.Deployment.Name != "" && (len(j.Set) > 0 || len(j.Entries) > 0)
}

// verify is what is left of a run that was interrupted when everything was as
// asked: to see that the portal comes up with it. It is nil while something else
// has to follow.
func (p *Plan) verify() []Action {
	c, d := &p.in.Current, &p.in.Draft
	switch {
	case c.Local(), !c.Journal.Kept && !c.Journal.Upgrade && c.Journal.Deployment == "" && c.Journal.Database == nil && !p.unverified(*c.Journal):
		return []Action{} // there is nothing to wait for
	case p.upgradeNeeded() || p.lags() || p.restartNeeded() || p.Stale() || !d.Portal.Enabled || p.Secret.Action != "unchanged":
		return nil
	}
	list := append([]Action{AwaitRollout{Namespace: d.Target.Namespace, Deployment: p.deployment(), Timeout: c.Wait, Reach: p.context()}}, p.proof()...)
	if p.rotation != nil {
		return list
	}
	return append(list, p.confirmDatabase()...)
}

func isWait(a Action) bool { _, ok := a.(AwaitRollout); return ok }

// upgradeNeeded tells whether a helm upgrade has to follow: a file changes, there
// is no portal yet, or an upgrade was asked for and the release was given
// something else than the files say, as after a run that was interrupted before
// its upgrade: the newest revision may have the values and not be in force. Where
// the release's values are not known, asking decides.
func (p *Plan) upgradeNeeded() bool {
	if len(p.Files) == 0 {
		return false // it puts back what was, and asks for nothing new
	}
	c := &p.in.Current
	if p.Files[0].Action != "unchanged" || c.Cluster.Deployment.Name == "" {
		return true
	}
	r := c.Cluster.Release
	unknown := !r.Installed || r.Unknown != "" || r.Revision == 0
	return c.Upgrade && p.engine() == "" && (unknown || r.ChartVersion != p.in.Chart.Version || p.lags())
}

// noUpgrade is why this program does not run helm; "" when it can.
func (p *Plan) noUpgrade() string {
	kind := p.in.edited().Values.Place().Kind
	switch {
	case p.in.Current.Local():
		return "no cluster is contacted"
	case p.engine() != "":
		return fmt.Sprintf("%s owns the release", engineNames[p.engine()])
	case (kind != "" && kind != values.PlacePlain) || p.in.Chart.Prefix != "":
		return "the values are no plain file of this chart, but for whoever reads " + p.in.edited().Path
	case p.Secret.Action == "manifest":
		return "the Secret is not in the cluster before you have applied its manifest"
	case p.Secret.Action == "external" && !p.Secret.Delivered:
		return "the Secret does not have its keys before its owner has written them"
	}
	return ""
}

// Owned says who runs helm in place of this program; "" when it is nobody else.
func (p *Plan) Owned() string { return engineNames[p.engine()] }

// engine is what else runs helm: Flux or Argo CD, "" for nobody.
func (p *Plan) engine() k8s.OwnerKind { return p.in.engine() }

func (in Input) engine() k8s.OwnerKind {
	switch kind := in.Current.Cluster.Release.Owner.Kind; kind {
	case k8s.OwnerFlux, k8s.OwnerArgoCD:
		return kind
	}
	return ""
}

// Offers tells whether this program could run the upgrade that has to follow.
func (p *Plan) Offers() bool {
	return !p.in.Current.Upgrade && p.upgradeNeeded() && p.noUpgrade() == ""
}

// Upgrading tells whether it does.
func (p *Plan) Upgrading() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { _, ok := a.(Upgrade); return ok })
}

// Keeps tells whether the old values are still kept when this run has ended.
func (p *Plan) Keeps() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { _, ok := a.(MarkKept); return ok })
}

// Keeping tells whether the old values are kept while the run lasts.
func (p *Plan) Keeping() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { k, ok := a.(KeepPrevious); return ok && !k.Local })
}

func (p *Plan) upgrade() Upgrade {
	c, u := &p.in.Current, p.helmUpgrade()
	// The context that was looked at: the kubeconfig's current one may change.
	u.Kubeconfig, u.Context = c.Target.Kubeconfig, c.Target.Context
	u.Grace, u.Deployed = upgradeGrace, c.Cluster.Release.Deployed
	if c.Bound && c.Wait > 0 {
		u.Limit = c.Wait + helmWork
	}
	return Upgrade{Helm: u, Revision: c.Cluster.Release.Revision, Line: p.helm()}
}

// hookTimeout is what the chart's Job for the bindings may take.
const hookTimeout = 10 * time.Minute

// helmWork is what helm may take beside the hooks that it waits for: to fetch and
// render the chart, and to send what it makes.
const helmWork = 30 * time.Second

// hooks is how long helm waits for each hook of the chart: as long as for the
// roll-out where somebody said how long that is, else what the chart needs.
func (in Input) hooks() time.Duration {
	if c := in.Current; c.Bound && c.Wait > 0 {
		return c.Wait
	}
	return max(in.Current.Wait, hookTimeout)
}

// upgradeGrace is how long helm may go on once a run is told to stop: a helm that
// is killed leaves a release that nothing can be done with.
const upgradeGrace = 2 * time.Minute
