package plan

import (
	"fmt"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Action is one change, as data: package apply carries it out, and undoes it.
// There is none for what is so already: a plan is the difference between what is
// there and what is wanted, so that a second run after an interruption converges.
type Action interface {
	ID() string           // stable, for results and logs
	Title() string        // what happens, for people
	Rights() []k8s.Access // what the cluster must allow for it
}

// KeepPrevious writes the Journal before anything is changed: to the Secret
// PreviousName with the old values, or, where no cluster is written, to a file in
// the state directory. Somebody else's journal is a change underneath.
type KeepPrevious struct {
	Journal Journal
	Local   bool
}

// ID returns "previous.keep".
func (a KeepPrevious) ID() string { return "previous.keep" }

// Title returns "keep the old values in Secret namespace/name-previous".
func (a KeepPrevious) Title() string {
	if a.Local {
		return "keep the old files until the run has ended"
	}
	return fmt.Sprintf("keep the old values in Secret %s/%s", a.Journal.Namespace, PreviousName(a.Journal.Secret))
}

// DropPrevious takes the Journal away: the run is verified, or undone.
type DropPrevious struct {
	Journal Journal
	Local   bool
}

// ID returns "previous.drop".
func (a DropPrevious) ID() string { return "previous.drop" }

// Title returns "delete Secret namespace/name-previous".
func (a DropPrevious) Title() string {
	if a.Local {
		return "drop the old files"
	}
	return fmt.Sprintf("delete Secret %s/%s: the old values are not needed any more", a.Journal.Namespace, PreviousName(a.Journal.Secret))
}

// MarkKept notes in the Journal that the run has ended and that what undo takes
// stays: what shows whether the new values are good, such as an upgrade that the
// operator runs, comes after it.
type MarkKept struct {
	Journal Journal
}

// ID returns "previous.kept".
func (a MarkKept) ID() string { return "previous.kept" }

// Title returns "leave the old values in Secret namespace/name-previous".
func (a MarkKept) Title() string {
	return fmt.Sprintf("leave the old values in Secret %s/%s until the portal is seen to be up with the new ones", a.Journal.Namespace, PreviousName(a.Journal.Secret))
}

// WriteFile replaces or creates one file, unless it has changed since it was read.
type WriteFile struct {
	Name   string // "values" or "manifest"
	Change FileChange
	Backup bool // the old bytes stay beside it
	Keep   bool // the old bytes stay beside it until the run is verified
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
	Create   bool
	Change   k8s.SecretChange
	Previous map[string]secret.Text // what the keys of Change.Set hold now, where they are there
	Unread   bool                   // the pods that run read none of the keys of Change.Set
	History  map[string]string      // the mark of the Secret that tells when its keys were set; nil where it has none and gets none
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

// Upgrade runs helm upgrade --install with the operator's own helm.
type Upgrade struct {
	Helm     chart.Upgrade
	Revision int    // of the release now; 0 when there is none or it is not known
	Line     string // as the operator would type it
}

// ID returns "upgrade".
func (a Upgrade) ID() string { return "upgrade" }

// Title returns the command.
func (a Upgrade) Title() string { return a.Line }

// Restart rolls the portal's pods, which read the Secret only when they start,
// unless an upgrade of the same run has given them a new template.
type Restart struct {
	Namespace, Deployment string
	Last                  time.Time // of the restarts before; zero when there was none
	Again                 bool      // so that the pods start with what was put back
}

// ID returns "restart", or "undo.restart".
func (a Restart) ID() string { return again(a.Again, "restart") }

// Title returns "restart Deployment namespace/name".
func (a Restart) Title() string {
	return fmt.Sprintf("restart Deployment %s/%s", a.Namespace, a.Deployment)
}

// AwaitRollout waits until the Deployment runs what it should.
type AwaitRollout struct {
	Namespace, Deployment string
	Timeout               time.Duration
	Again                 bool   // after something was put back
	Before                bool   // it began before this run: whatever is in its way was waited for already
	After                 int64  // somebody else begins it: the Deployment's generation until then; 0 is whatever is under way
	Reach                 string // kubectl's flags for the cluster, with a blank behind them
}

// Look is the command that shows how far it is.
func (a AwaitRollout) Look() string {
	return fmt.Sprintf("kubectl %srollout status deployment/%s -n %s", a.Reach, Quote(a.Deployment), Quote(a.Namespace))
}

// ID returns "rollout", or "undo.rollout".
func (a AwaitRollout) ID() string { return again(a.Again, "rollout") }

// Title returns "wait for Deployment namespace/name".
func (a AwaitRollout) Title() string {
	return fmt.Sprintf("wait for Deployment %s/%s", a.Namespace, a.Deployment)
}

func again(yes bool, id string) string {
	if yes {
		return "undo." + id
	}
	return id
}
