package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Undoing is an action that takes back another one. Where there is nothing to
// take back it does nothing.
type Undoing interface {
	Action
	Undoes() string // ID of the action
}

// RestoreFile puts the old bytes of a file back, or removes a file that was not
// there, unless somebody has written it since.
type RestoreFile struct {
	Name string // as the WriteFile's
	File JournalFile
}

// ID returns "undo.file.values" or "undo.file.manifest".
func (a RestoreFile) ID() string { return "undo." + a.Undoes() }

// Undoes returns the WriteFile's ID.
func (a RestoreFile) Undoes() string { return "file." + a.Name }

// Title returns "put values.yaml back as it was".
func (a RestoreFile) Title() string {
	if a.File.Before == "" {
		return "remove " + a.File.Path
	}
	return "put " + a.File.Path + " back as it was"
}

// RestoreSecret gives keys of the Secret their old values and takes those away
// that were not there. A key that somebody else has written since stays theirs.
type RestoreSecret struct {
	Namespace, Name string
	Created         bool                   // the Secret itself was not there
	Old             map[string]secret.Text // by key
	Added           []string
	New             map[string]secret.Text // what the run wrote; nil when that is not known any more
	Earlier         []string               // keys that a run before it wrote too, what is not known any more
}

// ID returns "undo.secret".
func (a RestoreSecret) ID() string { return "undo." + a.Undoes() }

// Undoes returns the WriteSecret's ID.
func (a RestoreSecret) Undoes() string { return "secret" }

// Title returns "put the old values of Secret namespace/name back".
func (a RestoreSecret) Title() string {
	if a.Created {
		return fmt.Sprintf("delete Secret %s/%s, which was not there", a.Namespace, a.Name)
	}
	return fmt.Sprintf("put the old values of Secret %s/%s back", a.Namespace, a.Name)
}

// Rollback runs helm rollback to the revision before the run's upgrade, unless
// the release still is at that revision.
type Rollback struct {
	Helm     chart.Upgrade // Release, Namespace and how helm reaches the cluster
	Revision int
	Adopts   bool // it takes up a claim that was kept, which takes an upgrade to what the revision was
}

// ID returns "undo.upgrade".
func (a Rollback) ID() string { return "undo." + a.Undoes() }

// Undoes returns the Upgrade's ID.
func (a Rollback) Undoes() string { return "upgrade" }

// Title returns the command, or what it comes to.
func (a Rollback) Title() string {
	if a.Adopts {
		return fmt.Sprintf("bring release %s back to revision %d, with its volume", Quote(a.Helm.Release), a.Revision)
	}
	return fmt.Sprintf("helm rollback %s %d -n %s", Quote(a.Helm.Release), a.Revision, Quote(a.Helm.Namespace))
}

// Undo returns what takes the journal's run back, in an order that cannot strand
// the portal: the Secret, the release, the files, the claim that the release has
// again, and last a restart where the pods can have started with the new values. begun tells which of the run's actions may have
// been carried out, by ID; nil is all of them.
func (j Journal) Undo(begun func(id string) bool) []Action {
	if begun == nil {
		begun = func(string) bool { return true }
	}
	var list []Action
	secretToo := j.Secret != "" && (j.Created || len(j.Set)+len(j.Added) > 0) && begun("secret")
	if secretToo {
		list = append(list, RestoreSecret{Namespace: j.Namespace, Name: j.Secret, Created: j.Created, Old: j.Old, Added: j.Added, New: j.New, Earlier: j.Earlier})
	}
	through := len(j.Entries) > 0 || j.External != nil
	if e := j.External; e != nil {
		switch {
		case e.Created && begun("external.create"):
			list = append(list, DeleteExternal{Namespace: e.Namespace, Name: e.Name})
		case len(e.Added) > 0 && begun("external.keys"):
			list = append(list, RemoveExternalKeys{Namespace: e.Namespace, Name: e.Name, Keys: e.Added})
		}
	}
	stored := false
	for i := len(j.Entries) - 1; i >= 0; i-- {
		if a := (RestoreStore{Target: j.Entries[i].Target, Entry: j.Entries[i]}); begun(a.Undoes()) {
			list = append(list, a)
			stored = true
		}
	}
	if e := j.External; e != nil && !e.Created && stored {
		list = append(list, AwaitSync{External: k8s.ExternalSecret{Namespace: e.Namespace, Name: e.Name}, Keys: e.Keys, Force: true, Timeout: j.Wait, Again: true})
	}
	secretToo = secretToo || through && begun("sync")
	upgraded := j.Upgrade && j.Revision > 0 && begun("upgrade")
	if upgraded {
		j.Helm.Release, j.Helm.Namespace = j.Release, j.Namespace
		// A helm that goes back is not hurried: cut off, it leaves a release that nothing can be done with.
		j.Helm.Timeout, j.Helm.Limit = max(j.Helm.Timeout, hookTimeout), 0
		list = append(list, Rollback{Helm: j.Helm, Revision: j.Revision, Adopts: j.Claim != nil})
	}
	for i := len(j.Files) - 1; i >= 0; i-- {
		if a := (RestoreFile{Name: j.Files[i].Name, File: j.Files[i]}); begun(a.Undoes()) {
			list = append(list, a)
		}
	}
	if free := (FreeVolume{Namespace: j.Namespace}); j.Claim != nil && begun(free.Undoes()) {
		free.Claim = *j.Claim
		list = append(list, free)
	}
	if j.Deployment == "" || !secretToo && !upgraded || j.Created {
		return list
	}
	// Who rolls back comes to the old template: a pod of it that is still there goes
	// on, with the data that it has in no volume, unless it can have started with
	// what was put back.
	if secretToo && (begun("restart") || upgraded) && !(upgraded && j.Unread) {
		list = append(list, Restart{Namespace: j.Namespace, Deployment: j.Deployment, Again: true})
	} else if !upgraded {
		return list
	}
	list = append(list, AwaitRollout{Namespace: j.Namespace, Deployment: j.Deployment, Timeout: j.Wait, Again: true, Reach: j.Reach})
	if j.Proof != nil {
		again := *j.Proof
		again.Value, again.Again = j.Old[j.Proof.Key], true
		list = append(list, again)
	}
	return list
}

// Back plans to put back what the journal of an earlier run tells. Without a
// journal there is nothing to do.
func Back(in Input) *Plan {
	p := &Plan{in: in, Secret: SecretPlan{Action: "unchanged"}}
	if in.Current.Journal == nil {
		return p
	}
	j := *in.Current.Journal
	j.Reach = in.Reach()
	j.Helm.Kubeconfig, j.Helm.Context, j.Helm.Grace, j.Helm.Timeout = in.Current.Target.Kubeconfig, in.Current.Target.Context, upgradeGrace, in.Current.Wait
	if in.Current.Wait > 0 {
		j.Wait = in.Current.Wait // this run's, and not that of the one that is undone
	}
	j.Entries = slices.Clone(j.Entries)
	for i := range j.Entries {
		e := &j.Entries[i]
		e.Target = StoreTarget{Address: e.Address, Namespace: e.Namespace, CABundle: in.Current.Cluster.External.Store.CABundle,
			CAFile: in.Draft.Secret.Store.CAFile, Token: in.Draft.Secret.Store.Token.Text}
		if e.Target.Token.IsZero() {
			p.Problems = answers.Problems{{Key: "secret.store.token", Message: "is missing: " + e.At().String() + " in the store at " + e.Address + " is put back with it"}}
		}
	}
	if len(p.Problems) > 0 {
		return p
	}
	if j.Deployment == "" && p.engine() == "" { // what the run left to the operator may have been done since
		j.Deployment = in.Current.Cluster.Deployment.Name
	}
	p.Actions = append(j.Undo(nil), DropPrevious{Journal: j, Local: j.File != ""})
	for i, a := range p.Actions {
		if r, ok := a.(Restart); ok {
			r.Last = in.Current.Cluster.Deployment.Restarted
			p.Actions[i] = r
		}
	}
	if !in.Current.Restart || !p.seen(j) {
		p.Actions = slices.DeleteFunc(p.Actions, func(a Action) bool {
			switch a.(type) {
			case Restart, AwaitRollout:
				return true
			}
			return false
		})
	}
	if len(j.Set)+len(j.Added) > 0 {
		p.Secret = SecretPlan{Namespace: j.Namespace, Name: j.Secret, Action: "patched"}
	}
	for _, key := range j.Set {
		value := j.Old[key]
		p.Secret.Keys = append(p.Secret.Keys, KeyPlan{Name: key, Action: "set", Source: "as it was before", Length: value.Len(), Value: value, changes: true})
	}
	for _, key := range j.Added {
		p.Secret.Keys = append(p.Secret.Keys, KeyPlan{Name: key, Action: "removed", Source: "it was not there before", changes: true})
	}
	p.upgradedSince(j)
	if j.Upgrade && j.Revision == 0 {
		p.Warn("target", "the run may have upgraded release %s from an unknown revision, which is not undone: `helm history %s -n %s` shows what there is", j.Release, Quote(j.Release), Quote(j.Namespace))
	}
	return p
}

// upgradedSince tells of an upgrade that the run had left to the operator, or to
// whoever else owns the release: it is not this program's to take back.
func (p *Plan) upgradedSince(j Journal) {
	r := p.in.Current.Cluster.Release
	if j.Upgrade || j.Revision == 0 || r.Revision <= j.Revision || p.engine() != "" || !slices.ContainsFunc(j.Files, func(f JournalFile) bool { return f.Name == "values" }) {
		return
	}
	p.command(fmt.Sprintf("release %s has been upgraded since, with the values that are taken back: revision %d was before", j.Release, j.Revision),
		"helm rollback %s %d -n %s%s", Quote(j.Release), j.Revision, Quote(j.Namespace), p.helmReach())
}

func (p *Plan) helmReach() string { return p.in.HelmReach() }

// HelmReach are helm's flags of Reach, each with a blank before it.
func (in Input) HelmReach() string {
	flags := ""
	if f := in.Current.Kubeconfig; f != "" {
		flags = " --kubeconfig " + Quote(f)
	}
	if c := in.Draft.Target.Context; c != "" && in.Draft.From["target.context"].Given() {
		flags += " --kube-context " + Quote(c)
	}
	return flags
}

// seen tells whether a pod can have started with what the journal's run wrote to
// the Secret, or the release is rolled back, or that cannot be told: then the pods
// are to start anew with what is put back.
func (p *Plan) seen(j Journal) bool {
	c := &p.in.Current.Cluster
	s := c.Secret.Secret
	if s == nil || s.Name != j.Secret || s.DataWritten.IsZero() || c.Pods.Unknown != "" || c.Deployment.Name == "" ||
		j.Upgrade && j.Revision > 0 || len(j.Entries) > 0 || j.External != nil {
		return true
	}
	written := slices.ContainsFunc(j.Added, func(key string) bool { _, there := s.Values[key]; return there }) ||
		slices.ContainsFunc(j.Set, func(key string) bool { return !s.Values[key].Equal(j.Old[key]) })
	since := s.DataWritten // or before, where somebody else wrote after the run
	if j.Started.Before(since) {
		since = j.Started
	}
	since = since.Truncate(time.Second) // as Kubernetes has the times of pods
	return written && slices.ContainsFunc(c.Pods.Items, func(pod k8s.PodState) bool {
		return pod.Phase != "Terminating" && (!pod.Ready || !pod.Started.Before(since)) // one that does not come up may wait long to try again
	})
}
