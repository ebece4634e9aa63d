package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/secret"
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

// TestUnverified: what the operator's own upgrade or restart is to show keeps the
// old values; a later run verifies and drops them, or leaves them where they are.
func TestUnverified(t *testing.T) {
	same := []string{"backstage: {secretName: backstage-secrets}\n"}
	portal := inCluster(basic)
	portal.Deployment.Name = "portal"
	behind := portal
	behind.Release = k8s.Release{Name: "openchoreo", Installed: true, Revision: 7, Deployed: 7, Status: "deployed", Config: map[string]any{"backstage": map[string]any{"secretName": "another"}}}
	reloaded := portal
	reloaded.Deployment.Reloader = k8s.Reloader{Auto: true}
	change := given{"client.secret": typed("n3w")}
	left := func(kept, upgrade bool) func(*Current) {
		return func(c *Current) {
			c.Restart, c.Journal = true, &Journal{Flow: "install", Namespace: "cp", Secret: "backstage-secrets", Set: []string{"client-secret"}, UID: "u", Kept: kept, Upgrade: upgrade}
		}
	}
	with := func(restart, undo bool) func(*Current) {
		return func(c *Current) { c.Restart, c.UndoOnFailure = restart, undo }
	}
	for name, tt := range map[string]struct {
		scene scene
		want  string
	}{
		"an upgrade is left":               {scene{files: same, found: portal, said: change.with(given{"scaling.replicas": 3}), current: with(true, true)}, "previous.keep file.values secret previous.kept"},
		"a restart is left":                {scene{files: same, found: portal, said: change, current: with(false, true)}, "previous.keep secret previous.kept"},
		"Reloader restarts":                {scene{files: same, found: reloaded, said: change, current: with(true, true)}, "previous.keep secret previous.kept"},
		"it restarts itself":               {scene{files: same, found: portal, said: change, current: with(true, true)}, "previous.keep secret restart rollout previous.drop"},
		"there is no portal yet":           {scene{files: same, found: inCluster(basic), said: change, current: with(true, true)}, "previous.keep secret previous.drop"},
		"nothing is undone":                {scene{files: same, found: portal, said: change, current: with(false, false)}, "secret"},
		"kept, and all is done":            {scene{files: same, found: portal, current: left(true, false)}, "previous.keep rollout previous.drop"},
		"kept, the upgrade is left":        {scene{files: same, found: behind, current: left(true, false)}, ""},
		"interrupted, the upgrade is left": {scene{files: same, found: behind, current: left(false, false)}, "previous.kept"},
		"interrupted in its upgrade":       {scene{files: same, found: behind, current: left(false, true)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.scene.plan(t)
			var ids []string
			for _, a := range p.Actions {
				ids = append(ids, a.ID())
				if k, ok := a.(KeepPrevious); ok && k.Journal.Kept {
					t.Error("the run is said to have ended before it begins")
				}
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Fatalf("it would do %q", got)
			}
			if warned(p, "secrets", "no way back", "client-secret") != (name == "nothing is undone") {
				t.Errorf("warnings: %v", p.Warnings)
			}
			kept := strings.Contains(tt.want, "previous.kept")
			undo := slices.ContainsFunc(p.Next, func(c Command) bool { return c.Line == "backstage-setup undo -n cp" })
			if p.Keeps() != kept || undo != kept {
				t.Errorf("kept %t, and it says how to end that: %t", p.Keeps(), undo)
			}
		})
	}
}

// TestUndoRestarts: pods are made anew only where one can have read what is put
// back.
func TestUndoRestarts(t *testing.T) {
	began := time.Now().Truncate(time.Second)
	before, after := began.Add(-time.Hour), began.Add(time.Hour)
	pod := func(ready bool, started time.Time, phase string) []k8s.PodState {
		return []k8s.PodState{{Ready: ready, Started: started, Phase: phase}}
	}
	for name, tt := range map[string]struct {
		pods    []k8s.PodState
		value   string
		unknown string
		run     func(*Journal)
		want    bool
	}{
		"all are older":               {pods: pod(true, before, "Running"), value: "n3w"},
		"one is newer":                {pods: append(pod(true, before, "Running"), pod(true, after, "Running")...), value: "n3w", want: true},
		"in the same second":          {pods: pod(true, began, "Running"), value: "n3w", want: true},
		"one does not come up":        {pods: pod(false, time.Time{}, "Running"), value: "n3w", want: true},
		"the newer one goes":          {pods: pod(true, after, "Terminating"), value: "n3w"},
		"none":                        {value: "n3w"},
		"the Secret was not written":  {pods: pod(true, after, "Running"), value: "old"},
		"the pods are not known":      {unknown: "no right", value: "n3w", want: true},
		"the release is rolled back":  {pods: pod(true, before, "Running"), value: "n3w", run: func(j *Journal) { j.Upgrade, j.Revision = true, 7 }, want: true},
		"the run has restarted":       {pods: pod(true, after, "Running"), value: "n3w", run: func(j *Journal) { j.Deployment = "portal" }, want: true},
		"it was killed before it did": {pods: pod(true, before, "Running"), value: "n3w", run: func(j *Journal) { j.Deployment = "portal" }},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(map[string]string{"client-secret": tt.value})
			found.Deployment.Name, found.Pods = "portal", k8s.Pods{Items: tt.pods, Unknown: tt.unknown}
			found.Secret.Secret.DataWritten = began.Add(time.Second)
			j := Journal{Namespace: "cp", Secret: "backstage-secrets", Set: []string{"client-secret"}, Old: map[string]secret.Text{"client-secret": secret.New("old")}, Started: began.Add(time.Millisecond)}
			if tt.run != nil {
				tt.run(&j)
			}
			p := Back(Input{Current: Current{Journal: &j, Cluster: found, Restart: true}})
			got := slices.ContainsFunc(p.Actions, func(a Action) bool { _, ok := a.(Restart); return ok })
			if got != tt.want {
				t.Errorf("it restarts: %t", got)
			}
		})
	}
}

// TestUndoTellsOfTheOperatorsUpgrade: a release that was upgraded after a run that
// had left it to the operator has the values that are taken back.
func TestUndoTellsOfTheOperatorsUpgrade(t *testing.T) {
	for name, tt := range map[string]struct {
		revision int
		owner    k8s.OwnerKind
		run      func(*Journal)
		want     string
	}{
		"upgraded since":         {revision: 9, want: "helm rollback openchoreo 7 -n cp --kubeconfig eu"},
		"not upgraded":           {revision: 7},
		"no values":              {revision: 9, run: func(j *Journal) { j.Files = nil }},
		"by the run itself":      {revision: 9, run: func(j *Journal) { j.Upgrade = true }},
		"the revision not known": {revision: 9, run: func(j *Journal) { j.Revision = 0 }},
		"Flux's":                 {revision: 9, owner: k8s.OwnerFlux},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(nil)
			found.Release = k8s.Release{Name: "openchoreo", Installed: true, Revision: tt.revision, Owner: k8s.Owner{Kind: tt.owner}}
			j := Journal{Namespace: "cp", Secret: "backstage-secrets", Release: "openchoreo", Revision: 7, Files: []JournalFile{{Name: "values", Path: "/v.yaml"}}}
			if tt.run != nil {
				tt.run(&j)
			}
			got := ""
			for _, c := range Back(Input{Current: Current{Journal: &j, Cluster: found, Kubeconfig: "eu"}}).Next {
				got += c.Line
			}
			if got != tt.want {
				t.Errorf("next is %q, want %q", got, tt.want)
			}
		})
	}
}

// TestUnread: what the pods' template takes from the Secret decides whether undoing
// an upgrade makes them anew.
func TestUnread(t *testing.T) {
	reads := func(secret, key string) k8s.Deployment {
		return k8s.Deployment{Name: "portal", Env: []k8s.EnvVar{{Name: "X", SecretName: secret, SecretKey: key}}}
	}
	whole := reads("backstage-secrets", "backend-secret")
	whole.WholeSecrets = []string{"backstage-secrets"}
	hidden := reads("backstage-secrets", "backend-secret")
	hidden.Unknown = "no right"
	for name, tt := range map[string]struct {
		portal k8s.Deployment
		want   bool
	}{
		"another key":      {reads("backstage-secrets", "backend-secret"), true},
		"the key":          {reads("backstage-secrets", "client-secret"), false},
		"another Secret":   {reads("other", "client-secret"), true},
		"all of it":        {whole, false},
		"it is not known":  {hidden, false},
		"there is no such": {k8s.Deployment{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(basic)
			found.Deployment = tt.portal
			p := scene{files: []string{"backstage: {secretName: backstage-secrets}\n"}, found: found, said: given{"client.secret": typed("n3w")},
				current: func(c *Current) { c.Restart, c.UndoOnFailure = true, true }}.plan(t)
			j := Journaled(p.Actions)
			if j.Unread != tt.want || len(j.Set) != 1 {
				t.Fatalf("unread is %t, of %q", j.Unread, j.Set)
			}
			j.Upgrade, j.Revision, j.Deployment = true, 7, "portal"
			got := slices.ContainsFunc(j.Undo(nil), func(a Action) bool { _, ok := a.(Restart); return ok })
			if got == tt.want {
				t.Errorf("it restarts: %t", got)
			}
			again := Journal{Unread: false, Set: []string{"client-secret"}}.Follow(j)
			if none := (Journal{}).Follow(j); again.Unread || none.Unread != tt.want {
				t.Errorf("followed: %t, %t", again.Unread, none.Unread)
			}
		})
	}
}

// TestUnconfirmed: who goes on with a run that gave the portal another database
// confirms it, with what that run saw of the server; a rotation leaves it to others.
func TestUnconfirmed(t *testing.T) {
	same := []string{"backstage: {secretName: backstage-secrets, database: {type: postgresql}}\n"}
	portal := inCluster(basic)
	portal.Deployment.Name, portal.Deployment.Database = "portal", "pg"
	left := func(j Journal) func(*Current) {
		return func(c *Current) {
			j.Flow, j.Namespace, j.Secret, j.UID = "database", "cp", "backstage-secrets", "u"
			c.Restart, c.UndoOnFailure, c.Journal = true, true, &j
		}
	}
	known := &JournalDatabase{Known: true, Names: []string{"backstage_plugin_app"}}
	server := given{"database.type": "postgresql", "database.postgresql.host": "pg", "database.postgresql.port": 5432,
		"database.postgresql.user": "u", "database.postgresql.database": "d", "database.postgresql.password": typed("p")}
	for _, tt := range []struct {
		name   string
		scene  scene
		want   string
		before *JournalDatabase // of the ConfirmDatabase
		look   bool             // of the KeepPrevious
	}{
		{name: "kept", scene: scene{files: same, found: portal, current: left(Journal{Kept: true, Set: []string{"k"}, Database: known})}, want: "previous.keep rollout database.confirm previous.drop", before: known},
		{name: "interrupted before it wrote", scene: scene{files: same, found: portal, current: left(Journal{Database: known})}, want: "previous.keep rollout database.confirm previous.drop", before: known},
		{name: "nobody looked before", scene: scene{files: same, found: portal, current: left(Journal{Kept: true, Database: &JournalDatabase{}})}, want: "previous.keep rollout database.confirm previous.drop", before: &JournalDatabase{}},
		{name: "about no database", scene: scene{files: same, found: portal, current: left(Journal{Kept: true, Set: []string{"k"}})}, want: "previous.keep rollout previous.drop"},
		{name: "another server", scene: scene{files: same, found: portal, said: server, current: left(Journal{Kept: true, Database: known})}, want: "previous.keep secret restart rollout database.confirm previous.drop", look: true},
		{name: "on with another secret", scene: scene{files: same, found: portal, said: given{"client.secret": typed("n3w")}, current: left(Journal{Kept: true, Database: known})}, want: "previous.keep secret restart rollout database.confirm previous.drop", before: known},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.scene.plan(t)
			var ids []string
			for _, a := range p.Actions {
				ids = append(ids, a.ID())
				switch a := a.(type) {
				case ConfirmDatabase:
					if (a.Before == nil) != (tt.before == nil) || a.Before != nil && (a.Before.Known != tt.before.Known || !slices.Equal(a.Before.Names, tt.before.Names)) {
						t.Errorf("before there was %+v", a.Before)
					}
				case KeepPrevious:
					if j := a.Journal.Database; (j != nil && j.Look) != tt.look || tt.before != nil && (j == nil || j.Known != tt.before.Known) {
						t.Errorf("the journal holds %+v", j)
					}
				}
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Errorf("it would do %q", got)
			}
		})
	}
}

// TestWaitBoundsHelm: what the operator allows for the roll-out holds for helm too,
// as printed and as run; what nobody asked for leaves room for the chart's Job. A
// helm that goes back has the time that it takes.
func TestWaitBoundsHelm(t *testing.T) {
	portal := inCluster(basic)
	portal.Deployment.Name = "portal"
	portal.Release = k8s.Release{Name: "openchoreo", Installed: true, Revision: 7, Deployed: 7, Status: "deployed"}
	for _, tt := range []struct {
		name    string
		wait    time.Duration
		bound   bool
		printed string
		limit   time.Duration
	}{
		{"the default", 10 * time.Minute, false, "10m", 0},
		{"two minutes", 2 * time.Minute, true, "2m", 2*time.Minute + helmWork},
		{"an hour", time.Hour, true, "1h", time.Hour + helmWork},
		{"none at all", 0, true, "10m", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, runs := range []bool{true, false} {
				p := scene{files: []string{"backstage: {secretName: backstage-secrets}\n"}, found: portal, said: given{"scaling.replicas": 3},
					current: func(c *Current) { c.Upgrade, c.Wait, c.Bound, c.UndoOnFailure = runs, tt.wait, tt.bound, true }}.plan(t)
				if want := " --timeout " + tt.printed; !runs {
					if i := slices.IndexFunc(p.Next, func(c Command) bool { return strings.HasPrefix(c.Line, "helm upgrade") }); i < 0 || !strings.HasSuffix(p.Next[i].Line, want) {
						t.Errorf("it prints %v", p.Next)
					}
					continue
				}
				i := slices.IndexFunc(p.Actions, func(a Action) bool { return a.ID() == "upgrade" })
				if i < 0 {
					t.Fatalf("no upgrade: %v", p.Warnings)
				}
				u := p.Actions[i].(Upgrade)
				if args := strings.Join(u.Helm.Args(), " "); !strings.HasSuffix(args, " --timeout "+tt.printed) || !strings.HasSuffix(u.Line, " --timeout "+tt.printed) || u.Helm.Limit != tt.limit {
					t.Errorf("it runs %s, within %s, and prints %s", args, u.Helm.Limit, u.Line)
				}
				for _, a := range Journaled(p.Actions).Undo(nil) {
					if back, ok := a.(Rollback); ok && (back.Helm.Timeout < hookTimeout || back.Helm.Limit != 0) {
						t.Errorf("back within %s, %s", back.Helm.Timeout, back.Helm.Limit)
					}
				}
			}
		})
	}
}
