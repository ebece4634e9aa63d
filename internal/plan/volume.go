package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
)

// KeepVolume has the claim with SQLite's data outlive its place in the release.
// Helm, and Argo CD in its place, read at the time of deleting the annotations of
// the live object: nothing of it need be in the chart.
type KeepVolume struct {
	Namespace string
	Claim     JournalClaim
	Size      string // such as "1Gi", for people
}

// JournalClaim is a PersistentVolumeClaim that a run keeps by annotations.
type JournalClaim struct {
	Name   string            `json:"name"`
	UID    string            `json:"uid"`              // one that was made anew is another
	Set    map[string]string `json:"set"`              // annotations
	Before map[string]string `json:"before,omitempty"` // of Set, those that were there with another value
}

// ID returns "volume.keep".
func (a KeepVolume) ID() string { return "volume.keep" }

// Title returns "keep the volume of SQLite, claim namespace/name (1Gi)".
func (a KeepVolume) Title() string {
	return fmt.Sprintf("keep the volume of SQLite, claim %s/%s (%s)", a.Namespace, a.Claim.Name, a.Size)
}

// Rights are to read and patch the claim.
func (a KeepVolume) Rights() []k8s.Access { return k8s.KeepClaimRights(a.Namespace, a.Claim.Name) }

// FreeVolume takes the annotations of KeepVolume away again, unless somebody has
// changed them since. It comes after the release has its claim back.
type FreeVolume struct {
	Namespace string
	Claim     JournalClaim
}

// ID returns "undo.volume.keep".
func (a FreeVolume) ID() string { return "undo." + a.Undoes() }

// Undoes returns the KeepVolume's ID.
func (a FreeVolume) Undoes() string { return KeepVolume{}.ID() }

// Title returns "leave claim namespace/name to its release again".
func (a FreeVolume) Title() string {
	return fmt.Sprintf("leave claim %s/%s to its release again", a.Namespace, a.Claim.Name)
}

// Rights are to read and patch the claim.
func (a FreeVolume) Rights() []k8s.Access { return k8s.KeepClaimRights(a.Namespace, a.Claim.Name) }

// LeavesVolume returns the claim that the portal keeps SQLite's files on now and
// that the release has no more with these answers.
func (in Input) LeavesVolume() (k8s.Claim, bool) {
	c, d := in.Current.Cluster, &in.Draft
	claim := c.Claim
	stays := d.Portal.Enabled && d.Database.Type == "sqlite" && d.Database.SQLite.Persistence
	return claim, !stays && claim.Exists && !claim.Deleting && claim.Name == c.Deployment.DataClaim && claim.Of(d.Target.Release)
}

// KeepsVolume tells whether the claim outlives its place in the release already.
func (in Input) KeepsVolume() bool { return len(in.keepAnnotations()) == 0 }

// keepAnnotations are those that the claim lacks to be kept by whoever owns the
// release.
func (in Input) keepAnnotations() map[string]string {
	now, set := in.Current.Cluster.Claim.Annotations, map[string]string{}
	if now[k8s.ResourcePolicy] != k8s.PolicyKeep {
		set[k8s.ResourcePolicy] = k8s.PolicyKeep
	}
	if in.engine() != k8s.OwnerArgoCD {
		return set // Flux runs Helm's own code
	}
	options := strings.FieldsFunc(now[k8s.SyncOptions], func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(options, k8s.NoPrune) {
		return set
	}
	options = slices.DeleteFunc(options, func(o string) bool { return strings.HasPrefix(o, "Prune=") })
	set[k8s.SyncOptions] = strings.Join(append(options, k8s.NoPrune), ",")
	return set
}

// KeepVolume has the run keep the claim that LeavesVolume returns. Where the run
// itself may not touch the cluster, the operator is told to.
func (p *Plan) KeepVolume() {
	claim, leaves := p.in.LeavesVolume()
	if p.in.Current.Local() {
		claim, leaves = p.in.leavesInValues()
	}
	set := p.in.keepAnnotations()
	if !leaves || len(set) == 0 {
		return
	}
	a := KeepVolume{Namespace: claim.Namespace, Size: claim.Size, Claim: JournalClaim{Name: claim.Name, UID: claim.UID, Set: set}}
	for name := range set {
		if value, there := claim.Annotations[name]; there {
			if a.Claim.Before == nil {
				a.Claim.Before = map[string]string{}
			}
			a.Claim.Before[name] = value
		}
	}
	p.volume = &a
}

// leavesInValues is LeavesVolume where no cluster is asked: by the values before
// and after.
func (in Input) leavesInValues() (k8s.Claim, bool) {
	d, before := &in.Draft, in.Effective()
	value := func(key string) any {
		v, _ := values.Lookup(before, values.MustPath(in.Profile.Paths[key]))
		return v
	}
	had := value("database.type") == "sqlite" && value("database.sqlite.persistence") == true
	stays := d.Database.Type == "sqlite" && d.Database.SQLite.Persistence
	name, _ := values.Lookup(before, values.MustPath("backstage.name"))
	text, _ := name.(string)
	return k8s.Claim{Namespace: d.Target.Namespace, Name: k8s.ClaimName(text)}, had && !stays && in.EditedExists()
}

// byHand tells whether it is the operator who keeps the volume: the run itself
// touches no cluster.
func (p *Plan) byHand() bool {
	return p.in.Current.Local() || p.in.Draft.Secret.Delivery == DeliverManifest
}

// keepByHand is the command that does what KeepVolume does.
func (p *Plan) keepByHand() {
	var set []string
	for _, name := range slices.Sorted(maps.Keys(p.volume.Claim.Set)) {
		set = append(set, Quote(name+"="+p.volume.Claim.Set[name]))
	}
	p.command("keep the volume of SQLite, which the upgrade deletes otherwise", "kubectl annotate --overwrite pvc %s -n %s %s", Quote(p.volume.Claim.Name), Quote(p.volume.Namespace), strings.Join(set, " "))
}

// follow returns the claim's part of a journal that goes on with an earlier one.
func (c *JournalClaim) follow(earlier *JournalClaim) *JournalClaim {
	if earlier == nil || c != nil && c.UID != earlier.UID {
		return c
	}
	if c == nil {
		return earlier
	}
	both := JournalClaim{Name: c.Name, UID: c.UID, Set: maps.Clone(earlier.Set), Before: maps.Clone(c.Before)}
	maps.Copy(both.Set, c.Set)
	for name := range earlier.Set {
		delete(both.Before, name)
		if value, there := earlier.Before[name]; there {
			if both.Before == nil {
				both.Before = map[string]string{}
			}
			both.Before[name] = value
		}
	}
	return &both
}
