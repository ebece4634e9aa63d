package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// TestActions: the file, the Secret, then a restart only where nothing else rolls
// the pods.
func TestActions(t *testing.T) {
	running := inCluster(basic)
	running.Deployment.Name = "portal"
	reloaded := running
	reloaded.Deployment.Reloader = k8s.Reloader{Secrets: []string{"backstage-secrets"}}
	elsewhere := running
	elsewhere.Deployment.Reloader = k8s.Reloader{Secrets: []string{"another"}}
	fresh := k8s.Found{}
	same := []string{"backstage: {secretName: backstage-secrets}\n"}
	restart := func(c *Current) { c.Restart, c.Wait = true, 3*time.Minute }
	secretOnly := given{"client.secret": typed("n3w")}
	for name, tt := range map[string]struct {
		scene    scene
		want     []string
		upgrades bool
		restarts bool // among the next commands
	}{
		"nothing": {scene{files: same, found: running, current: restart}, nil, false, false},
		"first install": {
			scene{found: fresh, current: restart},
			[]string{"file.values: create one.yaml", "secret: create Secret cp/backstage-secrets"}, true, false,
		},
		"values only": {scene{files: same, found: running, said: given{"scaling.replicas": 3}, current: restart}, []string{"file.values: edit one.yaml"}, true, false},
		"Secret only": {
			scene{files: same, found: running, said: secretOnly, current: restart},
			[]string{"secret: patch Secret cp/backstage-secrets", "restart: restart Deployment cp/portal", "rollout: wait for Deployment cp/portal"}, false, false,
		},
		"Secret only, not to restart": {scene{files: same, found: running, said: secretOnly}, []string{"secret: patch Secret cp/backstage-secrets"}, false, true},
		"both: the upgrade rolls the pods": {
			scene{files: same, found: running, said: secretOnly.with(given{"scaling.replicas": 3}), current: restart},
			[]string{"file.values: edit one.yaml", "secret: patch Secret cp/backstage-secrets"}, true, true,
		},
		"Reloader restarts":             {scene{files: same, found: reloaded, said: secretOnly, current: restart}, []string{"secret: patch Secret cp/backstage-secrets"}, false, false},
		"Reloader restarts others":      {scene{files: same, found: elsewhere, said: secretOnly, current: restart}, []string{"secret: patch Secret cp/backstage-secrets", "restart: restart Deployment cp/portal", "rollout: wait for Deployment cp/portal"}, false, false},
		"not installed yet":             {scene{files: same, found: inCluster(basic), said: secretOnly, current: restart}, []string{"secret: patch Secret cp/backstage-secrets"}, true, false},
		"a manifest":                    {scene{files: same, found: running, said: secretOnly.with(given{"secret.delivery": DeliverManifest}), current: restart}, []string{"file.manifest: create secrets.yaml"}, false, true},
		"a manifest and values":         {scene{found: fresh, said: given{"secret.delivery": DeliverManifest}, current: restart}, []string{"file.values: create one.yaml", "file.manifest: create secrets.yaml"}, true, false},
		"delivered by External Secrets": {scene{files: same, found: running, said: secretOnly.with(given{"secret.delivery": DeliverStore}), current: restart}, nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.scene.plan(t)
			var got []string
			for _, a := range p.Actions {
				got = append(got, a.ID()+": "+a.Title())
				if w, ok := a.(AwaitRollout); ok && w.Timeout != 3*time.Minute {
					t.Errorf("it waits %s", w.Timeout)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if p.Upgrades() != tt.upgrades {
				t.Errorf("upgrade %t", p.Upgrades())
			}
			text := fmt.Sprint(p.Next)
			if strings.Contains(text, "rollout restart") != tt.restarts {
				t.Errorf("next: %s", text)
			}
		})
	}
}

func TestBackupIsForFiles(t *testing.T) {
	p := scene{files: []string{"{}\n"}, current: func(c *Current) { c.Backup = true }}.plan(t)
	if w, ok := p.Actions[0].(WriteFile); !ok || !w.Backup || w.Change.Action != "edited" {
		t.Errorf("got %+v", p.Actions[0])
	}
}

// TestUpgradeIsRun: with --upgrade nothing tells the operator to run helm too, and
// a newest revision that is not in force is no reason to leave it.
func TestUpgradeIsRun(t *testing.T) {
	same := []string{"backstage: {secretName: backstage-secrets}\n"}
	release := func(status string) k8s.Found {
		found := inCluster(basic)
		found.Deployment.Name = "portal"
		found.Release = k8s.Release{
			Name: "openchoreo", Namespace: "cp", Installed: true, Chart: chart.Name, ChartVersion: newestVersion(), Revision: 7, Deployed: 6, Status: status,
			Config: map[string]any{"backstage": map[string]any{"secretName": "backstage-secrets"}},
		}
		return found
	}
	upgrade := func(c *Current) { c.Restart, c.Wait, c.Upgrade = true, time.Minute, true }
	for name, tt := range map[string]struct {
		scene scene
		runs  bool
	}{
		"in force":               {scene{files: same, found: release("deployed"), current: upgrade}, false},
		"the status is not told": {scene{files: same, found: release(""), current: upgrade}, false},
		"a value changes":        {scene{files: same, found: release("deployed"), said: given{"scaling.replicas": 3}, current: upgrade}, true},
		"cut off":                {scene{files: same, found: release("pending-upgrade"), current: upgrade}, true},
		"failed":                 {scene{files: same, found: release("failed"), current: upgrade}, true},
		"cut off, but not asked": {scene{files: same, found: release("pending-upgrade")}, false},
	} {
		p := tt.scene.plan(t)
		if p.Upgrading() != tt.runs || tt.runs && strings.Contains(fmt.Sprint(p.Next), "helm upgrade") {
			t.Errorf("%s: actions %v, next %v", name, p.Actions, p.Next)
		}
	}
}

func newestVersion() string {
	_, version := templates.Newest()
	return version
}
