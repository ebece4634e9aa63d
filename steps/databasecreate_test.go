package steps

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
)

func TestProbeCreate(t *testing.T) {
	server, _ := startDatabase(t)
	for _, test := range []struct{ name, user, want, says string }{
		{"may", "portal", "pass create.ok", "has made the database backstage_plugin_probe_"},
		{"may not", "poor", "fail role.createdb", "may not create databases"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := onDatabase(server.Port, map[answers.Key]any{"database.postgresql.user": test.user})
			in.Current.ProbeCreate = true
			var dials atomic.Int32
			p := NewPostgres(PostgresOptions{Dial: toLoopback(&dials)})
			got, results := judgedDatabase(t, p, in)
			p.Settle()
			at := slices.IndexFunc(results, func(r check.Result) bool { return r.ID == postgresRights })
			if got["rights"] != test.want || !strings.Contains(results[at].Found, test.says) {
				t.Errorf("got %s: %s", got["rights"], results[at].Found)
			}
			noDatabaseLeft(t, p, server.Port)
		})
	}
}

// noDatabaseLeft holds what is there against what was there before.
func noDatabaseLeft(t *testing.T, p *Postgres, port int) {
	t.Helper()
	p.Forget()
	q, _ := databaseQuery(onDatabase(port, nil))
	if a := p.Probe(t.Context(), q); a.Report.Version == "" || len(a.Report.Databases) > 0 {
		t.Errorf("left behind: %+v, %v", a.Report.Databases, a.Verdicts)
	}
}

// TestProbeCreateIsNotGivenUpInTheMiddle: who leaves while the database is there
// does not leave it behind.
func TestProbeCreateIsNotGivenUpInTheMiddle(t *testing.T) {
	server, _ := startDatabase(t)
	ctx, leave := context.WithCancel(t.Context())
	var dials atomic.Int32
	direct := toLoopback(&dials)
	there := false
	p := NewPostgres(PostgresOptions{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := direct(ctx, network, address)
		if dials.Load() == 2 { // the second connection is into the new database
			there = true
			leave()
		}
		return conn, err
	}})
	q, _ := databaseQuery(onDatabase(server.Port, nil))
	p.Create(ctx, q)
	p.Settle()
	if !there {
		t.Fatal("no database was made")
	}
	noDatabaseLeft(t, p, server.Port)
}

func TestMayCreate(t *testing.T) {
	rights := func(s check.Status) []check.Result { return []check.Result{{ID: postgresRights, Status: s}} }
	in := onDatabase(5432, nil)
	schema := onDatabase(5432, map[answers.Key]any{"environment.extra": []answers.EnvVar{{Name: "APP_CONFIG_backend_database_pluginDivisionMode", Value: "schema"}}})
	dry := onDatabase(5432, nil)
	dry.Current.DryRun = true
	done := onDatabase(5432, nil)
	done.Current.ProbeCreate = true
	if !MayCreate(in, rights(check.Pass)) {
		t.Error("it is not offered")
	}
	if MayCreate(in, rights(check.Fail)) || MayCreate(in, rights(check.Skip)) || MayCreate(in, nil) || MayCreate(schema, rights(check.Pass)) || MayCreate(dry, rights(check.Pass)) || MayCreate(done, rights(check.Pass)) {
		t.Error("it is offered where it shows nothing, or may not be")
	}
}
