package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// runOn lets the portal run with these variables and this log.
func (s *stage) runOn(env, log string) {
	s.t.Helper()
	s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: portal, namespace: %s}
spec:
  replicas: 1
  selector: {matchLabels: {app: portal}}
  template:
    metadata: {labels: {app: portal}}
    spec: {containers: [{name: backstage, image: x, env: [%s]}]}
`, s.ns, env))
	if log == "" {
		return
	}
	file := filepath.Join(s.t.TempDir(), "portal.log")
	if err := os.WriteFile(file, []byte("2026-01-02T03:04:05.000000006Z stdout F "+log+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: logs-%[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{containers: [backstage], logsFile: %[2]s}]
`, s.ns, file))
}

// TestConfirmDatabase: what the Deployment gives its pods, what they log and the
// databases that appear are held against what was asked.
func TestConfirmDatabase(t *testing.T) {
	const onPostgres = "{name: DATABASE_CLIENT, value: pg}, {name: PGSSLMODE, value: require}, {name: POSTGRES_HOST, valueFrom: {secretKeyRef: {name: portal, key: postgres-host}}}"
	asked := plan.ConfirmDatabase{Client: "pg", SSLMode: "require", Secret: "portal", FromSecret: []string{"POSTGRES_HOST"}, Databases: true, Timeout: 50 * time.Millisecond}
	there := func(names ...string) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return names, nil }
	}
	for _, tt := range []struct {
		name      string
		env, log  string
		ask       plan.ConfirmDatabase
		databases func(context.Context) ([]string, error)
		fails     string // "" is not
		told      string
	}{
		{name: "as asked", env: onPostgres, log: "Listening on :7007", ask: asked, databases: there("backstage_plugin_app", "backstage_plugin_catalog"),
			told: "Backstage's databases that are there: backstage_plugin_app, backstage_plugin_catalog"},
		{name: "no database appears", env: onPostgres, log: "Listening on :7007", ask: asked, databases: there(), told: "no database backstage_plugin_catalog is there after 50ms"},
		{name: "the server cannot be asked", env: onPostgres, log: "Listening on :7007", ask: asked,
			databases: func(context.Context) ([]string, error) { return nil, errors.New("connection refused") }, told: "which databases there are: connection refused"},
		{name: "without logs", env: onPostgres, ask: asked, told: "the pods' logs cannot be read: "},
		{name: "still SQLite", env: "{name: DATABASE_CLIENT, value: better-sqlite3}", ask: asked, fails: "has DATABASE_CLIENT=better-sqlite3, not pg"},
		{name: "back on SQLite", env: "{name: DATABASE_CLIENT, value: better-sqlite3}", log: "Listening on :7007", ask: plan.ConfirmDatabase{Client: "better-sqlite3"}},
		{name: "not back on SQLite", env: onPostgres, ask: plan.ConfirmDatabase{Client: "better-sqlite3"}, fails: "has DATABASE_CLIENT=pg, not better-sqlite3"},
		{name: "another Secret", env: strings.Replace(onPostgres, "name: portal", "name: other", 1), ask: asked, fails: "POSTGRES_HOST does not come from Secret portal"},
		{name: "not verified", env: strings.Replace(onPostgres, "value: require", "value: no-verify", 1), ask: asked, fails: "PGSSLMODE is no-verify, not require"},
		{name: "an error in the log", env: onPostgres, log: "error: permission denied for schema public", ask: asked, fails: "The database user may not make tables"},
		{name: "an error that passes", env: onPostgres, log: "error: the database system is starting up", ask: asked, databases: there("backstage_plugin_catalog"), told: "PostgreSQL is not ready"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.env.Databases = tt.databases
			created := s.seed(map[string]string{"k": "old", "postgres-host": "h"})
			s.runOn(tt.env, tt.log)
			tt.ask.Namespace, tt.ask.Deployment = s.ns, "portal"
			outcome, err := s.run(t.Context(), append(s.roll(created.ResourceVersion, time.Minute), tt.ask)...)
			if tt.fails == "" {
				if err != nil || !strings.Contains(strings.Join(s.texts, "\n"), tt.told) {
					t.Errorf("%v\n%q", err, s.texts)
				}
				if outcome.Rollout != "complete" || s.values()["k"] != canary {
					t.Errorf("roll-out %s, %v", outcome.Rollout, s.values())
				}
				return
			}
			if !errors.Is(err, ErrOtherDatabase) || !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("got %v", err)
			}
			if outcome.Rollout != "rolled-back" || s.values()["k"] != "old" {
				t.Errorf("roll-out %s, the Secret has %v", outcome.Rollout, s.values())
			}
		})
	}
}

// TestConfirmDatabaseLeft: who keeps what does not run keeps it, as with a roll-out.
func TestConfirmDatabaseLeft(t *testing.T) {
	s := newStage(t)
	s.env.Decide = func(f Failure) Decision {
		if !errors.Is(f.Err, ErrOtherDatabase) || f.Hint() == "" {
			t.Errorf("asked about %v", f.Err)
		}
		return Decision{Do: Leave}
	}
	created := s.seed(map[string]string{"k": "old"})
	s.runOn("{name: DATABASE_CLIENT, value: better-sqlite3}", "")
	_, err := s.run(t.Context(), append(s.roll(created.ResourceVersion, time.Minute), plan.ConfirmDatabase{Namespace: s.ns, Deployment: "portal", Client: "pg"})...)
	if !errors.Is(err, ErrOtherDatabase) || s.values()["k"] != canary {
		t.Errorf("%v, %v", err, s.values())
	}
}

// TestConfirmDatabaseProof: what could not be told is in the action's outcome, and
// where nothing shows that the portal uses the server the old values stay kept.
func TestConfirmDatabaseProof(t *testing.T) {
	const onPostgres = "{name: DATABASE_CLIENT, value: pg}"
	catalog := []string{"backstage_plugin_catalog"}
	for _, tt := range []struct {
		name          string
		log           string
		before, after []string
		blind         bool // nobody can ask the server
		text          []string
		kept          bool
	}{
		{name: "logs and a new database", log: "Listening on :7007", after: catalog},
		{name: "a new database without logs", after: catalog, text: []string{"the pods' logs cannot be read: "}},
		{name: "logs and a database of before", log: "Listening on :7007", before: catalog, after: catalog, text: []string{"were there before"}},
		{name: "nothing", blind: true, text: []string{"not confirmed: the pods' logs cannot be read: ", "nobody could look which databases there are", "`backstage-setup undo -n "}, kept: true},
		{name: "a database of before without logs", before: catalog, after: catalog, text: []string{"not confirmed: ", "were there before"}, kept: true},
		{name: "logs but no database comes", log: "Listening on :7007", text: []string{"not confirmed: no database backstage_plugin_catalog is there after "}, kept: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			if asked := 0; !tt.blind {
				s.env.Databases = func(context.Context) ([]string, error) {
					if asked++; asked == 1 {
						return tt.before, nil
					}
					return tt.after, nil
				}
			}
			created := s.seed(map[string]string{"k": "old"})
			s.runOn(onPostgres, tt.log)
			ask := plan.ConfirmDatabase{Namespace: s.ns, Deployment: "portal", Client: "pg", Databases: true, Timeout: 50 * time.Millisecond}
			outcome, err := s.run(t.Context(), journaled(append(s.roll(created.ResourceVersion, time.Minute), ask)...)...)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(outcome.Actions, func(e Event) bool { return e.ID == ask.ID() })
			if at < 0 || outcome.Actions[at].Status != Done || len(tt.text) == 0 && outcome.Actions[at].Text != "" {
				t.Fatalf("got %+v", outcome.Actions)
			}
			for _, words := range tt.text {
				if !strings.Contains(outcome.Actions[at].Text, words) {
					t.Errorf("it does not say %q: %s", words, outcome.Actions[at].Text)
				}
			}
			j := s.found()
			if (j != nil) != tt.kept || tt.kept && (!j.Kept || j.Old["k"].Reveal() != "old") {
				t.Errorf("the journal is %+v", j)
			}
		})
	}
}
