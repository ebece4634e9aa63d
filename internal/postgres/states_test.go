package postgres_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
)

// TestSlots fills the server up (3.5 53300, operators B10).
func TestSlots(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	trusted := target()
	trusted.User, trusted.SSL = "trusted", false // which is quicker
	for range 60 {
		release, verdicts := c.Hold(t.Context(), trusted, "postgres")
		if len(verdicts) > 0 {
			expect(t, verdicts, "fail limit.server")
			_, verdicts = c.Probe(t.Context(), target(), small)
			expect(t, verdicts, "fail limit.server")
			return
		}
		defer release()
	}
	t.Error("the server is never full")
}

// TestBudgetSeesOthers: what other roles have open is not left for the portal.
func TestBudgetSeesOthers(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	other := target()
	other.User = "other"
	for range 5 {
		release, verdicts := c.Hold(t.Context(), other, "postgres")
		defer release()
		expect(t, verdicts, "")
	}
	report, verdicts := c.Probe(t.Context(), target(), postgres.Budget{Replicas: 1, Plugins: 35, Pool: 1})
	expect(t, verdicts, "fail limit.tight")
	if l := report.Limits; l.Max != 40 || l.Reserved != 3 || l.Others < 5 || l.Free() > 32 {
		t.Errorf("limits %+v", l)
	}
}

// TestTemplateBusy has somebody in template1 (3.4): Backstage cannot copy it.
func TestTemplateBusy(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	release, verdicts := c.Hold(t.Context(), superuser(), "template1")
	expect(t, verdicts, "")
	defer release()
	_, verdicts = c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "warn template.busy, pass database.ok")
	verdicts = c.CreateProbe(t.Context(), target())
	expect(t, verdicts, "warn template.busy") // 55006, after the server has waited
}

// TestStates has the rows of 3.5 that a query meets and no probe does.
func TestStates(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	w.run(t, "postgres", catalog+"portal")
	defer w.run(t, "postgres", catalogGone)
	for _, v := range []struct{ name, fact, sql, want string }{
		{"exists", "3.5 42P04", "create database backstage_plugin_catalog", "warn create.exists"},
		{"in a transaction", "3.5 25001", "begin; create database x", "fail create.transaction"},
		{"reading only", "3.4 25006", "begin read only; create table x ()", "fail server.readonly"},
		{"too slow", "3.4 statement_timeout", "set statement_timeout = 10; select pg_sleep(5)", "inconclusive server.slow"},
		{"ended", "3.5 57P01", "select pg_terminate_backend(pg_backend_pid())", "inconclusive server.stopping"},
		{"schema public", "3.5 42501 schema public", "create table public.x ()", "fail plugin.schema"},
		{"another right", "3.5 42501", "alter system set work_mem = 100", "fail server.denied"},
		{"syntax", "3.5", "selekt", "fail server.error"},
		{"in use", "3.4 55006", "drop database postgres", "fail server.denied"},
	} {
		t.Run(v.name, func(t *testing.T) {
			_, verdicts := c.Ask(t.Context(), target(), "postgres", v.sql)
			expect(t, verdicts, v.want)
		})
	}
}

// TestStandby is a real replica, and one that nobody may read.
func TestStandby(t *testing.T) {
	w := theWorld(t)
	standby, err := w.Standby(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Stop()
	c := client(t, postgres.Config{Dial: dial(standby.Port), Public: w.ca.Pool()})
	report, verdicts := c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "fail server.standby") // 3.4 pg_is_in_recovery
	if !report.Standby {
		t.Error("the report does not say so")
	}
	expect(t, c.CreateProbe(t.Context(), target()), "fail server.readonly") // 25006
	if err := standby.Restart(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	_, verdicts = c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "inconclusive server.starting") // 3.5 57P03
}

// TestReport is what a probe tells of a server where all is well.
func TestReport(t *testing.T) {
	w := theWorld(t)
	w.run(t, "postgres", catalog+"portal")
	defer w.run(t, "postgres", catalogGone)
	r, verdicts := w.client(t).Probe(t.Context(), target(), postgres.Budget{Replicas: 2})
	expect(t, verdicts, "warn limit.budget, pass database.ok")
	if r.Major < 13 || !strings.HasPrefix(r.Version, "1") || r.TLS == nil || !r.TLS.Verified || r.TLS.Version != "TLS 1.3" || len(r.TLS.Chain) != 1 ||
		r.Auth != "scram-sha-256" || r.Encoding != "UTF8" || r.Standby || r.ReadOnly || r.Pooler {
		t.Errorf("%+v", r)
	}
	if role := r.Role; role.Name != "portal" || !role.CreateDB || role.Superuser || role.Limit != -1 || !role.ValidUntil.IsZero() {
		t.Errorf("%+v", role)
	}
	if len(r.Databases) != 1 || r.Databases[0] != (postgres.Database{Name: "backstage_plugin_catalog", Owner: "portal", Encoding: "UTF8", Connect: true, Create: true, Owned: true, Open: true, Limit: -1}) {
		t.Errorf("%+v", r.Databases)
	}
	if pass := verdicts[1]; !strings.Contains(pass.Found, "db.example.com:5432, with TLS 1.3, verified, as portal") || !strings.Contains(pass.Cause, "NetworkPolicy") {
		t.Errorf("%+v", pass)
	}
	if r.Role.Limit != -1 || !r.Limits.Counted || r.Limits.Own != 0 {
		t.Errorf("%+v", r.Limits)
	}
}

// TestEnvironment: nothing of the operator's own psql leads the probe astray.
func TestEnvironment(t *testing.T) {
	w := theWorld(t)
	home := t.TempDir()
	for name, content := range map[string]string{
		".pgpass":          "*:*:*:*:wrong\n",
		".pg_service.conf": "[evil]\nhost=192.0.2.1\nuser=evil\n",
		"root.crt":         "rubbish",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1", "PGPORT": "x", "PGUSER": "evil", "PGPASSWORD": "wrong", "PGDATABASE": "evil",
		"PGSERVICE": "nowhere", "PGSERVICEFILE": "/nowhere", "PGSSLMODE": "disable", "PGSSLROOTCERT": filepath.Join(home, "root.crt"),
		"PGOPTIONS": "-c default_transaction_read_only=on", "PGAPPNAME": "evil", "PGCONNECT_TIMEOUT": "x", "PGTARGETSESSIONATTRS": "read-only",
		"PGTZ": "Mars/Olympus", "PGCLIENTENCODING": "LATIN1", "PGREQUIREAUTH": "none", "PGCHANNELBINDING": "require", "PGPASSFILE": filepath.Join(home, ".pgpass"),
	} {
		t.Setenv(name, value)
	}
	r, verdicts := w.client(t).Probe(t.Context(), target(), small)
	expect(t, verdicts, "pass database.ok")
	if r.TLS == nil || r.ReadOnly {
		t.Errorf("%+v", r)
	}
	rows, verdicts := w.client(t).Ask(t.Context(), target(), "postgres", "select current_setting('application_name'), current_setting('client_encoding'), (select ssl from pg_stat_ssl where pid = pg_backend_pid())")
	expect(t, verdicts, "")
	if *rows[0][0] != "backstage-setup" || *rows[0][1] != "UTF8" || *rows[0][2] != "t" {
		t.Errorf("%v %v %v", *rows[0][0], *rows[0][1], *rows[0][2])
	}
}

// TestReadOnly: a probe changes nothing, and leaves no connection behind.
func TestReadOnly(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	count := "select xact_commit + xact_rollback > 0, tup_inserted + tup_updated + tup_deleted from pg_stat_database where datname = 'postgres'"
	before, verdicts := c.Ask(t.Context(), superuser(), "postgres", count)
	expect(t, verdicts, "")
	_, verdicts = c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "pass database.ok")
	after, verdicts := c.Ask(t.Context(), superuser(), "postgres", count)
	expect(t, verdicts, "")
	if *before[0][1] != *after[0][1] {
		t.Errorf("rows were written: %s, then %s", *before[0][1], *after[0][1])
	}
	for range 2000 { // the server ends a session after the client has
		rows, verdicts := c.Ask(t.Context(), superuser(), "postgres", "select count(*) from pg_stat_activity where usename = 'portal'")
		expect(t, verdicts, "")
		if *rows[0][0] == "0" {
			return
		}
	}
	t.Error("a connection is left")
}

// TestPooler is a real PgBouncer (3.4), in front of what the portal needs.
func TestPooler(t *testing.T) {
	w := theWorld(t)
	w.run(t, "postgres", "CREATE DATABASE one OWNER poor")
	defer w.run(t, "postgres", "DROP DATABASE one")
	everybody := map[string]string{"portal": password, "poor": password}
	ask := target()
	ask.SSL = false
	for _, v := range []struct {
		name, databases, settings, want, create string
		change                                  func(*postgres.Target)
	}{
		{"session mode, all databases", "* = host=127.0.0.1 port=PORT", "pool_mode = session", "warn tls.off, warn pooler, inconclusive pooler.databases", "pass create.ok", nil},
		{"transaction mode", "* = host=127.0.0.1 port=PORT", "pool_mode = transaction", "warn tls.off, warn pooler.transaction, inconclusive pooler.databases", "pass create.ok", nil},
		{"one database alone", "postgres = host=127.0.0.1 port=PORT", "", "warn tls.off, warn pooler, inconclusive pooler.databases", "fail database.missing", nil},
		{"schema mode, transaction mode", "* = host=127.0.0.1 port=PORT", "pool_mode = transaction", "warn tls.off, fail pooler.schema", "fail role.createdb", func(t *postgres.Target) { schema(t); t.User = "poor" }},
		{"schema mode, session mode", "one = host=127.0.0.1 port=PORT", "", "warn tls.off, warn pooler, pass database.ok", "fail database.missing", func(t *postgres.Target) { schema(t); t.User = "poor" }},
		{"not the database postgres", "backstage = host=127.0.0.1 port=PORT", "", "warn tls.off, fail database.missing", "fail database.missing", nil},
		{"nothing behind it", "* = host=127.0.0.1 port=1", "server_login_retry = 0\nserver_connect_timeout = 1\nquery_wait_timeout = 1", "warn tls.off, fail pooler.refused", "fail pooler.refused", nil},
		{"wrong password", "* = host=127.0.0.1 port=PORT", "", "warn tls.off, fail login.password", "fail login.password", with("wrong")},
		{"unknown user", "* = host=127.0.0.1 port=PORT", "", "warn tls.off, fail login.password", "fail login.password", func(t *postgres.Target) { t.User = "stranger" }},
		{"full", "* = host=127.0.0.1 port=PORT", "max_client_conn = 0", "warn tls.off, fail limit.server", "fail limit.server", nil},
		{"TLS that it has not", "* = host=127.0.0.1 port=PORT", "", "fail tls.unsupported", "fail tls.unsupported", func(t *postgres.Target) { t.SSL = true }},
	} {
		t.Run(v.name, func(t *testing.T) {
			b, err := w.Bouncer(t.Context(), v.databases, everybody, v.settings)
			if errors.Is(err, pgtest.ErrNoBouncer) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer b.Stop()
			c, ask := client(t, postgres.Config{Dial: dial(b.Port)}), ask
			if v.change != nil {
				v.change(&ask)
			}
			_, verdicts := c.Probe(t.Context(), ask, small)
			expect(t, verdicts, v.want)
			expect(t, c.CreateProbe(t.Context(), ask), v.create)
		})
	}
	left(t, w)
}

// left fails if a probe's database is there still.
func left(t *testing.T, w *world) {
	t.Helper()
	rows, verdicts := w.client(t).Ask(context.WithoutCancel(t.Context()), superuser(), "postgres", "select datname from pg_database where datname like 'backstage\\_plugin\\_probe%'")
	expect(t, verdicts, "")
	for _, row := range rows {
		t.Errorf("%s is left", *row[0])
		w.run(t, "postgres", "DROP DATABASE "+*row[0])
	}
}

// TestCreateGoesOn: a database that is being made is dropped again, whatever
// becomes of the caller.
func TestCreateGoesOn(t *testing.T) {
	w := theWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lead := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(w.Port)(ctx, network, address)
		return watched{conn, "create database", cancel}, err
	}
	ask := target()
	ask.SSL = false
	expect(t, client(t, postgres.Config{Dial: lead}).CreateProbe(ctx, ask), "pass create.ok")
	if ctx.Err() == nil {
		t.Error("nothing was cancelled")
	}
	left(t, w)
}

// TestCreateUnknown: a server that goes away while it makes the database.
func TestCreateUnknown(t *testing.T) {
	going := func(conn net.Conn) {
		backend(func(b *pgproto3.Backend) {
			defer func() { _ = conn.Close() }()
			b.Send(&pgproto3.AuthenticationOk{})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if b.Flush() != nil {
				return
			}
			if _, err := b.Receive(); err != nil {
				return
			}
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SET")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if b.Flush() == nil {
				_, _ = b.Receive()
			}
		})(conn)
	}
	ask := target()
	ask.SSL = false
	lead := serve(t, going)
	verdicts := client(t, postgres.Config{Dial: lead}).CreateProbe(t.Context(), ask)
	expect(t, verdicts, "inconclusive network.dropped, warn create.left")
	if !strings.HasPrefix(verdicts[1].Fix, `DROP DATABASE IF EXISTS "backstage_plugin_probe_`) {
		t.Error(verdicts[1].Fix)
	}
}

// watched calls back when certain words are sent.
type watched struct {
	net.Conn
	words string
	seen  func()
}

func (w watched) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.words) {
		w.seen()
	}
	return w.Conn.Write(p)
}
