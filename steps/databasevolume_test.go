package steps

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

const onVolumeValues = `backstage:
  secretName: backstage-secrets
  database:
    type: "sqlite"
    sqlite:
      persistence:
        enabled: true
        size: "2Gi"
`

// onVolume is the flow database of a portal that runs with SQLite on a volume.
func onVolume(t *testing.T, given map[answers.Key]any, change func(*plan.Current)) plan.Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(onVolumeValues), 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := new(Env).Values([]string{path}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	profile, version := templates.Newest()
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version)}
	in.Current = plan.Current{Known: true, Flow: "database", Files: files, Random: secret.New("random"), Target: k8s.Target{Context: "test"}}
	in.Current.Cluster = k8s.Found{
		Release:    k8s.Release{Name: "openchoreo-control-plane", Installed: true, Revision: 3, Status: "deployed"},
		Deployment: k8s.Deployment{Name: "backstage", Database: "better-sqlite3", DataVolume: "persistentVolumeClaim", DataClaim: "backstage-db"},
		Secret:     k8s.SecretState{Name: "backstage-secrets"},
		Claim: k8s.Claim{Namespace: "openchoreo-control-plane", Name: "backstage-db", Exists: true, UID: "u", Size: "2Gi", AccessModes: []string{"ReadWriteOnce"},
			Releases: []string{"openchoreo-control-plane"}, Annotations: map[string]string{}},
	}
	if change != nil {
		change(&in.Current)
	}
	for key, value := range given {
		set(&in, key, value, answers.Source{Rank: answers.FromSet})
	}
	return Database().Complete(in)
}

// TestLeavingAVolume: what happens to the volume when SQLite is left, and what is
// said about it.
func TestLeavingAVolume(t *testing.T) {
	type mapping = map[answers.Key]any
	to := func(more mapping) mapping {
		all := mapping{"database.type": "postgresql", "database.postgresql.host": "db.example.com", "database.postgresql.user": "portal", "database.postgresql.database": "backstage",
			"database.postgresql.password": secret.Typed(secret.New("p"))}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	annotated := func(name, value string) func(*plan.Current) {
		return func(c *plan.Current) { c.Cluster.Claim.Annotations[name] = value }
	}
	argo := func(options string) func(*plan.Current) {
		return func(c *plan.Current) {
			c.Cluster.Release.Owner = k8s.Owner{Kind: k8s.OwnerArgoCD, Name: "cp"}
			if options != "" {
				c.Cluster.Claim.Annotations[k8s.SyncOptions] = options
			}
		}
	}
	const annotate = "kubectl annotate --overwrite pvc backstage-db -n openchoreo-control-plane helm.sh/resource-policy=keep"
	for name, tt := range map[string]struct {
		said   mapping
		change func(*plan.Current)
		asked  bool
		set    string // annotations of the action
		says   string // in a warning
		next   string // a command
		never  string // in any of them
	}{
		"to PostgreSQL":          {said: to(nil), asked: true, set: "helm.sh/resource-policy=keep", says: "the volume of SQLite stays, as claim backstage-db (2Gi)", next: "kubectl delete pvc backstage-db"},
		"said so":                {said: to(mapping{"database.sqlite.keepVolume": true}), asked: true, set: "helm.sh/resource-policy=keep", says: "stays"},
		"not wanted":             {said: to(mapping{"database.sqlite.keepVolume": false}), asked: true, says: "the upgrade deletes claim backstage-db with all data of SQLite, for good", never: "kubectl delete pvc"},
		"not wanted, try mode":   {said: to(mapping{"database.sqlite.keepVolume": false}), change: func(c *plan.Current) { c.Upgrade, c.UndoOnFailure = true, true }, asked: true, says: "starts with an empty volume"},
		"to SQLite without one":  {said: mapping{"database.sqlite.persistence": false}, asked: true, set: "helm.sh/resource-policy=keep", says: "stays"},
		"kept already":           {said: to(nil), change: annotated("helm.sh/resource-policy", "keep"), says: "is annotated to be kept"},
		"another policy":         {said: to(nil), change: annotated("helm.sh/resource-policy", "delete"), asked: true, set: "helm.sh/resource-policy=keep was delete", says: "stays"},
		"nothing changes":        {},
		"the release's no more":  {said: to(nil), change: func(c *plan.Current) { c.Cluster.Deployment.DataClaim = "" }},
		"another's claim":        {said: to(nil), change: func(c *plan.Current) { c.Cluster.Claim.Releases = []string{"another"} }},
		"it goes already":        {said: to(nil), change: func(c *plan.Current) { c.Cluster.Claim.Deleting = true }},
		"there is none":          {said: to(nil), change: func(c *plan.Current) { c.Cluster.Claim = k8s.Claim{Name: "backstage-db"} }},
		"Argo CD":                {said: to(nil), change: argo(""), asked: true, set: "argocd.argoproj.io/sync-options=Prune=false helm.sh/resource-policy=keep", says: "stays"},
		"Argo CD, with options":  {said: to(nil), change: argo("Replace=true, Prune=confirm"), asked: true, set: "argocd.argoproj.io/sync-options=Replace=true,Prune=false was Replace=true, Prune=confirm helm.sh/resource-policy=keep"},
		"Argo CD, never pruned":  {said: to(nil), change: argo("Prune=false"), asked: true, set: "helm.sh/resource-policy=keep"},
		"Flux":                   {said: to(nil), change: func(c *plan.Current) { c.Cluster.Release.Owner = k8s.Owner{Kind: k8s.OwnerFlux, Name: "cp"} }, asked: true, set: "helm.sh/resource-policy=keep"},
		"no cluster":             {said: to(nil), change: func(c *plan.Current) { c.NoConfig, c.Cluster = true, k8s.Found{} }, next: annotate},
		"no cluster, not wanted": {said: to(mapping{"database.sqlite.keepVolume": false}), change: func(c *plan.Current) { c.NoConfig, c.Cluster = true, k8s.Found{} }, never: "pvc"},
		"manifest":               {said: to(mapping{"secret.delivery": "manifest"}), asked: true, says: "stays", next: annotate},
	} {
		t.Run(name, func(t *testing.T) {
			in := onVolume(t, tt.said, tt.change)
			s, q, _ := Database().Find("database.sqlite.keepVolume")
			if s.Applies(in, q) != tt.asked {
				t.Errorf("it is asked for: %t", !tt.asked)
			}
			p, err := Database().Plan(in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range p.Actions {
				keep, ok := a.(plan.KeepVolume)
				if !ok {
					continue
				}
				for _, name := range []string{k8s.SyncOptions, k8s.ResourcePolicy} {
					value, there := keep.Claim.Set[name]
					if !there {
						continue
					}
					if was, there := keep.Claim.Before[name]; there {
						value += " was " + was
					}
					got = append(got, name+"="+value)
				}
			}
			if strings.Join(got, " ") != tt.set {
				t.Errorf("it sets %q, want %q", got, tt.set)
			}
			says := func(text string) bool {
				return slices.ContainsFunc(p.Warnings, func(w plan.Warning) bool { return strings.Contains(w.Text, text) })
			}
			orders := func(text string) bool {
				return slices.ContainsFunc(p.Next, func(c plan.Command) bool { return strings.Contains(c.Line, text) })
			}
			if !says(tt.says) && tt.says != "" || tt.next != "" && !orders(tt.next) || tt.never != "" && orders(tt.never) {
				t.Errorf("it says %v, next %v", p.Warnings, p.Next)
			}
			if upgrade, keep := next(p, "helm upgrade"), next(p, "kubectl annotate"); keep > upgrade && upgrade >= 0 {
				t.Errorf("the volume is kept after the upgrade: %v", p.Next)
			}
		})
	}
}

func next(p *plan.Plan, text string) int {
	return slices.IndexFunc(p.Next, func(c plan.Command) bool { return strings.HasPrefix(c.Line, text) })
}

// TestVolumeFits: SQLite's volume against the claim that is there.
func TestVolumeFits(t *testing.T) {
	left := func(c *plan.Current) {
		c.Cluster.Deployment.Database, c.Cluster.Deployment.DataVolume, c.Cluster.Deployment.DataClaim = "pg", "", ""
	}
	for name, tt := range map[string]struct {
		said   map[answers.Key]any
		change func(*plan.Current)
		want   check.Status
		found  string
		hint   string
	}{
		"in use":         {want: check.Pass, found: "2Gi"},
		"left and kept":  {change: left, want: check.Warn, found: "is taken up again", hint: "kubectl delete pvc backstage-db"},
		"larger":         {said: map[answers.Key]any{"database.sqlite.size": "3Gi"}, change: left, want: check.Warn},
		"smaller":        {said: map[answers.Key]any{"database.sqlite.size": "1Gi"}, change: left, want: check.Fail, found: "cannot shrink to 1Gi", hint: "--set database.sqlite.size=2Gi; or start"},
		"smaller in use": {said: map[answers.Key]any{"database.sqlite.size": "1Gi"}, want: check.Fail, found: "cannot shrink to 1Gi", hint: "--set database.sqlite.size=2Gi"},
		"another class": {said: map[answers.Key]any{"database.sqlite.storageClass": "slow"}, change: func(c *plan.Current) { c.Cluster.Claim.StorageClass = "fast" },
			want: check.Fail, found: "of storage class fast, not slow", hint: "--set database.sqlite.storageClass=fast"},
		"another mode":   {said: map[answers.Key]any{"database.sqlite.accessMode": "ReadWriteMany"}, want: check.Fail, found: "is ReadWriteOnce, not ReadWriteMany", hint: "database.sqlite.accessMode=ReadWriteOnce"},
		"another's":      {change: func(c *plan.Current) { left(c); c.Cluster.Claim.Releases = nil }, want: check.Fail, found: "is not of release openchoreo-control-plane", hint: "kubectl describe pvc"},
		"it is deleted":  {change: func(c *plan.Current) { left(c); c.Cluster.Claim.Deleting = true }, want: check.Fail, found: "is being deleted"},
		"there is none":  {change: func(c *plan.Current) { c.Cluster.Claim.Exists = false }},
		"not persistent": {said: map[answers.Key]any{"database.sqlite.persistence": false}},
		"no cluster":     {change: func(c *plan.Current) { c.NoConfig = true }},
	} {
		t.Run(name, func(t *testing.T) {
			checks := databaseChecks(nil, onVolume(t, tt.said, tt.change))
			if tt.want == "" {
				if len(checks) > 0 {
					t.Errorf("it checks %s", checks[0].ID)
				}
				return
			}
			got := checks[0].Run(t.Context())
			if got.Status != tt.want || !strings.Contains(got.Found, tt.found) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("%+v", got)
			}
		})
	}
}
