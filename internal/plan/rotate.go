package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Rotation is what a rotation of one credential changes, and how it is proven.
type Rotation struct {
	Key  string                 // of the Secret
	Set  map[string]secret.Text // by key: Key, and those that have to change with it
	From string                 // where the new value came from, for people
	// Await bounds the wait, before anything is changed, until the server behind
	// the credential takes the new value; 0 does not wait.
	Await time.Duration
	// Revoked bounds the wait, when all is done, until it rejects the old value; 0
	// does not wait.
	Revoked time.Duration
	// Revocable tells that the server may still take the old value then, until
	// somebody deletes it there: a person is offered to wait for that.
	Revocable bool
	Asked     bool              // there is a server to ask whether it takes a value
	Server    string            // what is asked, for people: "the identity provider"
	Findings  []string          // IDs of what the pods' logs say where the credential is wrong
	Meaning   map[string]string // by key: what it is
	History   bool              // the Secret tells when its keys were set
	Then      []Command         // what is left to do elsewhere once the portal runs with the new value
}

// Rotate plans to give keys of the portal's Secret another value and to start the
// pods with it; no file and no release changes.
func Rotate(in Input, r Rotation) *Plan {
	p := New(in)
	d := &in.Draft
	p.Secret = SecretPlan{Namespace: d.Target.Namespace, Name: d.Secret.Name, Delivery: d.Secret.Delivery, History: r.History}
	for _, name := range slices.Sorted(maps.Keys(r.Set)) {
		value := r.Set[name]
		k := KeyPlan{Name: name, Action: "set", Source: r.From, Meaning: r.Meaning[name], Value: value, Length: value.Len(), changes: true}
		if old, where, exists := in.existing(name); exists && old.Equal(value) && !in.behind(name, value) {
			k.Action, k.Source, k.changes = "kept", where, false
		}
		p.Secret.Keys = append(p.Secret.Keys, k)
	}
	p.keepOthers()
	p.decide()
	p.rotation = &r
	p.actions()
	p.awaits(r)
	p.rotated(r)
	return p
}

// proof is the action that shows whether the portal works with what a rotation has
// set; nil in other flows.
func (p *Plan) proof() []Action {
	r := p.rotation
	if r == nil {
		return nil
	}
	return []Action{Prove{Namespace: p.Secret.Namespace, Deployment: p.deployment(), Key: r.Key, Value: r.Set[r.Key], Asked: r.Asked, Server: r.Server, Findings: r.Findings}}
}

// awaits puts the waits for others around what is to be done.
func (p *Plan) awaits(r Rotation) {
	changes := slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.changes })
	if !changes || !r.Asked || p.Pending() {
		return
	}
	if r.Await > 0 {
		p.Actions = append([]Action{AwaitAccepted{Server: r.Server, Value: r.Set[r.Key], Timeout: r.Await}}, p.Actions...)
	}
	if old := p.in.previousOf(r.Key); r.Revoked > 0 && !old.IsZero() {
		p.Actions = append(p.Actions, AwaitRejected{Server: r.Server, Value: old, Timeout: r.Revoked, Namespace: p.Secret.Namespace, Findings: r.Findings})
	}
}

// previousOf is what a key of the Secret holds now.
func (in Input) previousOf(name string) secret.Text {
	value, _, _ := in.existing(name)
	return value
}

// rotated writes the commands that are left: to bring the value to where it has to
// go and into the pods, where that is not this program's, and then what to do at
// the server.
func (p *Plan) rotated(r Rotation) {
	if p.settled() {
		return
	}
	for i, line := range p.Secret.Guide {
		comment := ""
		if i == 0 {
			comment = "the Secret is not ours to write"
		}
		p.Next = append(p.Next, Command{Comment: comment, Line: p.guideLine(line)})
	}
	restart := p.restartNeeded()
	if restart {
		p.restart()
		p.command("is the portal up", "kubectl rollout status deployment/%s -n %s --timeout=10m", p.deployment(), Quote(p.Secret.Namespace))
	}
	if p.Keeps() {
		ns := Quote(p.Secret.Namespace)
		p.Next = append(p.Next, Command{Comment: "if it does not come up: put the old value back", Line: "backstage-setup undo " + p.context() + "-n " + ns})
		p.command("once it is up, the next run that sees it up deletes the old value, or you do", "kubectl delete secret %s -n %s", Quote(PreviousName(p.Secret.Name)), ns)
	}
	p.Next = append(p.Next, r.Then...)
}

// Prove looks whether the portal works with what a rotation has set: what the new
// pods have logged, and whether the server behind the credential takes the value.
// It changes nothing.
type Prove struct {
	Namespace, Deployment string
	Key                   string // of the Secret
	Value                 secret.Text
	Asked                 bool   // there is a server to ask
	Server                string // for people
	Findings              []string
	Again                 bool // after the old value was put back
}

// ID returns "prove", or "undo.prove".
func (a Prove) ID() string { return again(a.Again, "prove") }

// Title returns "see whether the portal works with the new value".
func (a Prove) Title() string {
	which := "new"
	if a.Again {
		which = "old"
	}
	return fmt.Sprintf("see whether the portal works with the %s value", which)
}

// Rights are to read the pods' logs.
func (a Prove) Rights() []k8s.Access { return nil }

// AwaitAccepted waits until a server takes a value that it does not know yet.
// Nothing has been changed before it.
type AwaitAccepted struct {
	Server  string
	Value   secret.Text
	Timeout time.Duration
}

// ID returns "accepted".
func (a AwaitAccepted) ID() string { return "accepted" }

// Title returns "wait until the identity provider takes the new value".
func (a AwaitAccepted) Title() string { return "wait until " + a.Server + " takes the new value" }

// Rights are none: it is not in the cluster.
func (a AwaitAccepted) Rights() []k8s.Access { return nil }

// AwaitRejected waits until a server no longer takes the old value.
type AwaitRejected struct {
	Server    string
	Value     secret.Text
	Timeout   time.Duration
	Namespace string   // of the portal's pods, whose logs tell whether one of them still has it
	Findings  []string // IDs of what they say then
}

// ID returns "rejected".
func (a AwaitRejected) ID() string { return "rejected" }

// Title returns "wait until the identity provider rejects the old value".
func (a AwaitRejected) Title() string { return "wait until " + a.Server + " rejects the old value" }

// Rights are none: it is not in the cluster.
func (a AwaitRejected) Rights() []k8s.Access { return nil }

// Answer is what the server behind a credential says to a value.
type Answer struct {
	Accepted, Rejected bool   // neither where it could not be asked, or says something else
	Refusal            bool   // it says something that no waiting changes
	Text               string // what it says, for people
}

// Revocation is the wait that somebody may ask for once a rotation is done: until the
// server behind the credential rejects the old value. There is none where the run has
// it already, or where that server keeps no old value.
func (p *Plan) Revocation(limit time.Duration) (wait AwaitRejected, ok bool) {
	r := p.rotation
	if r == nil || !r.Asked || !r.Revocable || r.Revoked > 0 || !p.Rewrites() {
		return AwaitRejected{}, false
	}
	old := p.in.previousOf(r.Key)
	if old.IsZero() || old.Equal(r.Set[r.Key]) {
		return AwaitRejected{}, false
	}
	return AwaitRejected{Server: r.Server, Value: old, Timeout: limit, Namespace: p.Secret.Namespace, Findings: r.Findings}, true
}

// Rewrites tells whether the run gives keys of the Secret another value, itself or
// through their store.
func (p *Plan) Rewrites() bool {
	return !p.Pending() && slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.changes })
}

// Elsewhere are the commands that are left to do at the server behind a rotated
// credential.
func (p *Plan) Elsewhere() []Command {
	if p.rotation == nil {
		return nil
	}
	return p.rotation.Then
}

// Notes tells whether the run notes on the Secret when its keys were set.
func (p *Plan) Notes() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { w, ok := a.(WriteSecret); return ok && w.History != nil })
}

// Rotates tells whether the plan changes one credential of a running portal.
func (p *Plan) Rotates() bool { return p.rotation != nil }

// Rotated lists the keys of the Secret that a rotation is about.
func (p *Plan) Rotated() []string {
	if p.rotation == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.rotation.Set))
}

// RotatedKeys lists the keys of the Secret that a rotation is about, joined for
// people; "" in other flows.
func (p *Plan) RotatedKeys() string {
	if p.rotation == nil {
		return ""
	}
	return strings.Join(p.Rotated(), " and ")
}
