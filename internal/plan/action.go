package plan

import (
	"fmt"
	"time"

	"github.com/openchoreo/backstage-setup/k8s"
)

// Action is one change, as data: package apply carries it out, and undoes it.
type Action interface {
	ID() string    // stable, for results and logs
	Title() string // what happens, for people
}

// WriteFile replaces or creates one file, unless it has changed since it was read.
type WriteFile struct {
	Name   string // "values" or "manifest"
	Change FileChange
	Backup bool
}

// ID returns "file.values" or "file.manifest".
func (a WriteFile) ID() string { return "file." + a.Name }

// Title returns "edit backstage-values.yaml".
func (a WriteFile) Title() string {
	verb := map[string]string{"created": "create", "edited": "edit"}[a.Change.Action]
	return verb + " " + a.Change.Path
}

// WriteSecret creates the Secret, or patches its asked keys under the resource
// version that was read.
type WriteSecret struct {
	Create bool
	Change k8s.SecretChange
}

// ID returns "secret".
func (a WriteSecret) ID() string { return "secret" }

// Title returns "patch Secret namespace/name".
func (a WriteSecret) Title() string {
	verb := "patch"
	if a.Create {
		verb = "create"
	}
	return fmt.Sprintf("%s Secret %s/%s", verb, a.Change.Namespace, a.Change.Name)
}

// Restart rolls the portal's pods: they read the Secret only when they start.
type Restart struct{ Namespace, Deployment string }

// ID returns "restart".
func (a Restart) ID() string { return "restart" }

// Title returns "restart Deployment namespace/name".
func (a Restart) Title() string {
	return fmt.Sprintf("restart Deployment %s/%s", a.Namespace, a.Deployment)
}

// AwaitRollout waits until the Deployment runs what it should.
type AwaitRollout struct {
	Namespace, Deployment string
	Timeout               time.Duration
}

// ID returns "rollout".
func (a AwaitRollout) ID() string { return "rollout" }

// Title returns "wait for Deployment namespace/name".
func (a AwaitRollout) Title() string {
	return fmt.Sprintf("wait for Deployment %s/%s", a.Namespace, a.Deployment)
}

// actions puts the changes into an order that cannot strand the portal: the
// file, then the Secret, and a restart only when nothing else will roll the pods.
func (p *Plan) actions() {
	names := []string{"values", "manifest"}
	for i, f := range p.Files {
		if f.Action != "unchanged" {
			p.Actions = append(p.Actions, WriteFile{Name: names[i], Change: f, Backup: p.in.Current.Backup})
		}
	}
	wrote := p.Secret.Action == "created" || p.Secret.Action == "patched"
	if wrote {
		p.Actions = append(p.Actions, WriteSecret{Create: p.Secret.Action == "created", Change: p.change()})
	}
	d := p.in.Current.Cluster.Deployment
	if p.in.Current.Restart && wrote && len(p.change().Set) > 0 && d.Name != "" && !p.upgradeNeeded() && !d.Reloader.Reloads(p.Secret.Name) {
		p.Actions = append(p.Actions,
			Restart{Namespace: p.in.Draft.Target.Namespace, Deployment: d.Name},
			AwaitRollout{Namespace: p.in.Draft.Target.Namespace, Deployment: d.Name, Timeout: p.in.Current.Wait})
	}
}

// upgradeNeeded tells whether a helm upgrade has to follow.
func (p *Plan) upgradeNeeded() bool {
	return p.Files[0].Action != "unchanged" || p.in.Current.Cluster.Deployment.Name == ""
}
