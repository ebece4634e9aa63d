package steps

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// runDatabaseJob runs the container of the Job here, with the password that the
// Secret would have, every name led to this machine.
func runDatabaseJob(t *testing.T, in plan.Input, password string) []byte {
	t.Helper()
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("there is no psql here")
	}
	job, why := NewDatabaseJob(in)
	if why != "" {
		t.Fatal(why)
	}
	if strings.Contains(string(job.Manifest)+strings.Join(slices.Concat(job.Before, job.After), " "), password) {
		t.Error("the Job or a command holds the password")
	}
	var parsed struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args []string
						Env  []struct{ Name, Value string }
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(job.Manifest, &parsed); err != nil {
		t.Fatal(err)
	}
	c := parsed.Spec.Template.Spec.Containers[0]
	cmd := exec.CommandContext(t.Context(), "sh", "-c", c.Args[0])
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PROBE_DIR=" + t.TempDir(), "PGHOSTADDR=127.0.0.1"}
	for _, v := range c.Env {
		value := v.Value
		if v.Name == "PGPASSWORD" {
			value = password
		}
		cmd.Env = append(cmd.Env, v.Name+"="+strings.ReplaceAll(value, "$$", "$"))
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// TestJobInPlaceOfAProbe: what the printed Job writes gives the checks that asking
// from here gives, and nothing is asked from here then.
func TestJobInPlaceOfAProbe(t *testing.T) {
	server, ca := startDatabase(t)
	type want struct{ reach, tls, login, rights, capacity string }
	for _, test := range []struct {
		name     string
		given    map[answers.Key]any
		ca       []byte
		password string
		want     want
	}{
		{"right", nil, nil, databasePassword, want{"pass", "warn tls.off", "pass database.ok", "pass", "pass"}},
		{"right, verified", map[answers.Key]any{"database.postgresql.ssl": true, "database.postgresql.caFile": "ca.pem"}, ca.PEM, databasePassword, want{"pass", "pass tls.ok", "pass database.ok", "pass", "pass"}},
		{"no CREATEDB", map[answers.Key]any{"database.postgresql.user": "poor"}, nil, databasePassword, want{"pass", "warn tls.off", "pass database.ok", "fail role.createdb", "pass"}},
		{"wrong password", nil, nil, "another password", want{"pass", "warn tls.off", "fail login.password", "skip", "skip"}},
		{"another name", map[answers.Key]any{"database.postgresql.ssl": true, "database.postgresql.caFile": "ca.pem", "database.postgresql.host": "other.example.com"}, ca.PEM, databasePassword,
			want{"pass", "fail tls.host", "skip", "skip", "skip"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := onDatabase(server.Port, test.given)
			in.Draft.Target.Namespace = "control"
			in.Current.PostgresCA = test.ca
			set(&in, "database.postgresql.password", secret.Value{Text: secret.New(test.password)}, answers.Source{Rank: answers.FromSet})
			in.Current.ProbeResult = runDatabaseJob(t, in, test.password)
			in.Current.Offline = true
			got, results := judgedDatabase(t, NewPostgres(PostgresOptions{Dial: nil}), in)
			if all := (want{got["reach"], got["tls"], got["login"], got["rights"], got["capacity"]}); all != test.want {
				t.Errorf("got  %v\nwant %v\n%+v\n%s", all, test.want, results, in.Current.ProbeResult)
			}
			for _, r := range results {
				if said := strings.Contains(r.Found, "as a Job saw it on "); said != (r.Status != check.Skip) {
					t.Errorf("%s: %s", r.ID, r.Found)
				}
			}
			// The same log says nothing about another password.
			set(&in, "database.postgresql.password", secret.Value{Text: secret.New("yet another password")}, answers.Source{Rank: answers.FromSet})
			got, results = judgedDatabase(t, NewPostgres(PostgresOptions{}), in)
			if all := (want{got["reach"], got["tls"], got["login"], got["rights"], got["capacity"]}); all != (want{"fail", "skip", "skip", "skip", "skip"}) || !strings.Contains(results[0].Found, "this is about another password") {
				t.Errorf("with another password: %v %+v", all, results)
			}
		})
	}
	in := onDatabase(server.Port, nil)
	in.Draft.Target.Namespace = "control"
	in.Current.ProbeResult = []byte("Error from server (NotFound)\n")
	got, results := judgedDatabase(t, NewPostgres(PostgresOptions{}), in)
	if got["reach"] != "fail" || got["login"] != "skip" || !strings.Contains(results[0].Found, "no result of a probe") {
		t.Errorf("garbage: %v %+v", got, results)
	}
}

func TestDatabaseJobCommands(t *testing.T) {
	in := onDatabase(5432, nil)
	in.Draft.Target.Namespace = "control"
	in.Current.Kubeconfig = "my config"
	password := func(v secret.Value) (DatabaseJob, string) {
		set(&in, "database.postgresql.password", v, answers.Source{Rank: answers.FromSet})
		job, why := NewDatabaseJob(in)
		if why != "" {
			t.Fatal(why)
		}
		return job, strings.Join(job.Before, "\n")
	}
	job, before := password(secret.Value{Ref: secret.Ref{Env: "PG_PASSWORD"}, Text: secret.New(databasePassword)})
	if before != `printf %s "$PG_PASSWORD" | kubectl --kubeconfig 'my config' -n control create secret generic backstage-setup-probe --from-file=password=/dev/stdin` {
		t.Error(before)
	}
	if job.Apply != "kubectl --kubeconfig 'my config' -n control apply -f " || !slices.Contains(job.After, "kubectl --kubeconfig 'my config' -n control delete job/backstage-setup-probe secret/backstage-setup-probe") {
		t.Errorf("%q %q", job.Apply, job.After)
	}
	if _, before = password(secret.Value{Ref: secret.Ref{File: "pg pass"}, Text: secret.New(databasePassword)}); !strings.HasPrefix(before, `tr -d '\r\n' < 'pg pass' | `) {
		t.Error(before)
	}
	if _, before = password(secret.Value{Text: secret.New(databasePassword)}); !strings.Contains(before, "stty -echo") {
		t.Error(before)
	}
	in.Current.Cluster.Secret.Secret = &k8s.Secret{Namespace: "control", Name: "backstage-secrets", Keys: []string{"postgres-password"}, Values: map[string]secret.Text{"postgres-password": secret.New(databasePassword)}}
	job, before = password(secret.Value{Ref: secret.Ref{Keep: true}})
	if before != "" || !strings.Contains(string(job.Manifest), `name: "backstage-secrets", key: "postgres-password"`) || strings.Contains(strings.Join(job.After, " "), "secret/") {
		t.Errorf("%q %q\n%s", before, job.After, job.Manifest)
	}
	if _, why := NewDatabaseJob(onDatabase(5432, map[answers.Key]any{"database.type": "sqlite"})); why == "" {
		t.Error("a Job for SQLite")
	}
}

func TestJobHelps(t *testing.T) {
	in := onDatabase(5432, nil)
	in.Current.NoConfig, in.Draft.Target.Namespace = false, "control"
	for code, want := range map[string]bool{"network.refused": true, "network.name": true, "login.unchecked": true, "target.host": false, "": false} {
		results := []check.Result{{ID: postgresReach, Status: check.Fail, Code: code}}
		if got := JobHelps(in, results); got != want {
			t.Errorf("%s: %v", strconv.Quote(code), got)
		}
	}
}
