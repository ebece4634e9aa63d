package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/k8s"
)

// TestUndoWaitsAsAsked: how long the roll-out may take is this run's to say.
func TestUndoWaitsAsAsked(t *testing.T) {
	j := Journal{Namespace: "cp", Secret: "s", Set: []string{"k"}, Deployment: "portal", Wait: time.Second}
	for asked, want := range map[time.Duration]time.Duration{0: time.Second, time.Hour: time.Hour} {
		var got time.Duration
		for _, a := range Back(Input{Current: Current{Journal: &j, Restart: true, Wait: asked}}).Actions {
			if w, ok := a.(AwaitRollout); ok {
				got = w.Timeout
			}
		}
		if got != want {
			t.Errorf("--wait %s: it waits %s", asked, got)
		}
	}
}

// TestGoOn: a run after an interrupted one keeps its journal until the portal is
// seen to run, even when nothing is left to be written, and can undo both.
func TestGoOn(t *testing.T) {
	same := []string{"backstage: {secretName: backstage-secrets}\n"}
	running := inCluster(basic)
	running.Deployment.Name = "portal"
	pending := running
	pending.Release = k8s.Release{Name: "openchoreo", Installed: true, Revision: 8, Deployed: 7, Status: "pending-upgrade"}
	earlier := func(c *Current) {
		c.Restart, c.Wait, c.Target = true, time.Minute, k8s.Target{Context: "theirs", Kubeconfig: "/kube/config"}
		c.Journal = &Journal{Flow: "install", Namespace: "cp", Secret: "backstage-secrets", Set: []string{"k"}, Release: "openchoreo", Revision: 7, Upgrade: true, Kept: true, UID: "u"}
	}
	for name, tt := range map[string]struct {
		scene scene
		want  string
	}{
		"all was done":          {scene{files: same, found: running, current: earlier}, "previous.keep rollout previous.drop"},
		"the upgrade is undone": {scene{files: same, found: pending, current: earlier}, ""},
		"something is left":     {scene{files: same, found: running, said: given{"client.secret": typed("n3w")}, current: earlier}, "previous.keep secret restart rollout previous.drop"},
		"files only": {scene{files: same, said: given{"secret.delivery": DeliverManifest, "client.secret": typed("n3w")},
			current: func(c *Current) { c.Offline, c.Journal = true, &Journal{Flow: "install", File: "/state/journal.json"} }}, "previous.keep file.manifest previous.drop"},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.scene.plan(t)
			var ids []string
			for _, a := range p.Actions {
				ids = append(ids, a.ID())
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Fatalf("it would do %q", got)
			}
			if len(ids) == 0 {
				return
			}
			keep := p.Actions[0].(KeepPrevious)
			if !keep.Journal.Followed || keep.Local != p.in.Current.Offline {
				t.Errorf("it keeps %+v", keep)
			}
			for _, a := range keep.Journal.Undo(nil) {
				if r, ok := a.(Rollback); ok && (r.Helm.Context != "theirs" || r.Helm.Kubeconfig != "/kube/config" || r.Revision != 7) {
					t.Errorf("it would roll back %+v", r)
				}
			}
		})
	}
}
