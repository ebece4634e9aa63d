package postgres_test

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// vector is one target of the real server, in one state of it.
type vector struct {
	name string
	fact string // what it proves: a row of facts/postgres.md (3.x) or operators.md (B…)
	want string // class and ID of every verdict

	// role names the user; the rest of the target is right unless change does
	// something to it.
	role   string
	change func(*postgres.Target)
	budget postgres.Budget
	setup  string // SQL before, in the database of in
	undo   string // and after
	in     string // "postgres" if empty
	create bool   // CreateProbe in place of Probe
}

func with(s string) func(*postgres.Target) {
	return func(t *postgres.Target) { t.Password = secret.New(s) }
}

func plain(t *postgres.Target)      { t.SSL = false }
func unverified(t *postgres.Target) { t.Mode = postgres.NoVerify }
func precreated(t *postgres.Target) { t.Layout = postgres.Precreated }
func schema(t *postgres.Target)     { t.Layout, t.Database = postgres.Schema, "one" }

// seven are the databases of all plugins.
const (
	seven = `CREATE DATABASE backstage_plugin_app OWNER poor; CREATE DATABASE backstage_plugin_auth OWNER poor;
		CREATE DATABASE backstage_plugin_events OWNER poor; CREATE DATABASE backstage_plugin_scaffolder OWNER poor;
		CREATE DATABASE backstage_plugin_search OWNER poor; CREATE DATABASE "backstage_plugin_user-settings" OWNER poor;
		CREATE DATABASE backstage_plugin_catalog OWNER poor;`
	sevenGone = `DROP DATABASE backstage_plugin_app; DROP DATABASE backstage_plugin_auth; DROP DATABASE backstage_plugin_events;
		DROP DATABASE backstage_plugin_scaffolder; DROP DATABASE backstage_plugin_search; DROP DATABASE "backstage_plugin_user-settings";
		DROP DATABASE backstage_plugin_catalog;`
	catalog     = `CREATE DATABASE backstage_plugin_catalog OWNER `
	catalogGone = `DROP DATABASE backstage_plugin_catalog;`
	newTemplate = `ALTER DATABASE template1 IS_TEMPLATE false; DROP DATABASE template1; CREATE DATABASE template1 TEMPLATE template0 IS_TEMPLATE true LOCALE 'C' ENCODING `
)

var vectors = []vector{
	{name: "as it should be", fact: "3.4", role: "portal", want: "pass database.ok"},
	{name: "without TLS", fact: "3.2 ssl=false is plain text", role: "portal", change: plain, want: "warn tls.off, pass database.ok"},
	{name: "TLS unverified", fact: "3.2 no-verify", role: "portal", change: unverified, want: "warn tls.unverified, pass database.ok"},
	{name: "a role's name that needs quotes", fact: "3.5 ALTER ROLE", role: "we\"ird role", want: "pass database.ok"},
	{name: "password without end", fact: "3.4 rolvaliduntil", role: "forever", want: "pass database.ok"},

	// 3.5, in its order.
	{name: "wrong password", fact: "3.5 28P01", role: "portal", change: with("wrong"), want: "fail login.password"},
	{name: "wrong password, md5", fact: "3.5 28P01", role: "hashed", change: with("wrong"), want: "fail login.password"},
	{name: "wrong password, plain", fact: "3.5 28P01", role: "clear", change: with("wrong"), want: "fail login.password"},
	{name: "expired password", fact: "3.5 28P01 VALID UNTIL", role: "expired", want: "fail login.password"},
	{name: "unknown role", fact: "3.5 28P01 unknown role under a general line", role: "ghost", want: "fail login.password"},
	{name: "line end after the password", fact: "3.5 28P01 stray newline; operators B12", role: "portal", change: with(password + "\n"), want: "warn target.blank, pass database.ok"},
	{name: "blank that belongs to the password", fact: "3.5 28P01 stray blank", role: "portal", change: with(" blank "), setup: "ALTER ROLE portal PASSWORD ' blank '", undo: "ALTER ROLE portal PASSWORD '" + password + "'", want: "warn target.blank, fail login.password"},
	{name: "only with TLS", fact: "3.5 28000 no encryption; operators B1", role: "tls_only", change: plain, want: "warn tls.off, fail login.hba.tls"},
	{name: "only with TLS, and with it", fact: "3.2 force-SSL", role: "tls_only", want: "pass database.ok"},
	{name: "only without TLS", fact: "3.5 28000 no pg_hba.conf entry", role: "plain_only", want: "fail login.hba"},
	{name: "no line for the address", fact: "3.5 28000 allow the pods' addresses", role: "elsewhere", want: "fail login.hba"},
	{name: "no line for the address, without TLS", fact: "3.5 28000", role: "elsewhere", change: plain, want: "warn tls.off, fail login.hba.tls"},
	{name: "rejected", fact: "3.5 28000 pg_hba.conf rejects", role: "rejected", want: "fail login.hba.rejects"},
	{name: "rejected without TLS", fact: "3.5 28000 pg_hba.conf rejects, no encryption", role: "rejected", change: plain, want: "warn tls.off, fail login.hba.tls"},
	{name: "no LOGIN", fact: "3.5 28000 not permitted to log in", role: "asleep", want: "fail login.nologin"},
	{name: "no such role, trusted", fact: "3.5 28000", role: "ghost_trusted", want: "fail login.unknown"},
	{name: "client certificate", fact: "3.5 28000 cert", role: "certified", want: "fail login.certificate"},
	{name: "client certificate and password", fact: "3.5 28000 clientcert", role: "half_certified", want: "fail login.certificate"},
	{name: "ident", fact: "3.5 28000", role: "identified", want: "fail login.refused"},
	{name: "Kerberos", fact: "3.5; pg-protocol knows passwords only", role: "kerberos", want: "fail login.method"},
	{name: "no database postgres", fact: "3.5 3D000; 3.4 some services hide it", role: "portal", in: "template1", setup: "ALTER DATABASE postgres RENAME TO hidden", undo: "ALTER DATABASE hidden RENAME TO postgres", want: "fail database.missing"},
	{name: "no CONNECT", fact: "3.5 42501 connect; operators B6", role: "stranger", want: "fail database.connect"},
	{name: "no CREATEDB", fact: "3.4 rolcreatedb; operators B5", role: "poor", want: "fail role.createdb"},
	{name: "no CREATEDB, for real", fact: "3.5 42501 create", role: "poor", create: true, want: "fail role.createdb"},
	{name: "CREATEDB of a group", fact: "3.4 CREATEDB is not inherited", role: "heir", want: "fail role.createdb"},
	{name: "CREATEDB of a group, for real", fact: "3.5 42501 create", role: "heir", create: true, want: "fail role.createdb"},
	{name: "schema public of another", fact: "3.5 42501 schema public; operators B7", role: "portal", setup: catalog + "other", undo: catalogGone, want: "fail plugin.schema"},
	{name: "role's limit", fact: "3.5 53300 rolconnlimit", role: "full", want: "fail limit.role"},
	{name: "database's limit", fact: "3.5 53300", role: "portal", setup: "ALTER DATABASE postgres CONNECTION LIMIT 0", undo: "ALTER DATABASE postgres CONNECTION LIMIT -1", want: "fail limit.database"},
	{name: "made and dropped", fact: "3.4 active probe", role: "portal", create: true, want: "pass create.ok"},
	{name: "made by an odd role", fact: "3.4 active probe", role: "we\"ird role", create: true, want: "pass create.ok"},
	{name: "made while reading only", fact: "3.4 default_transaction_read_only, 25006", role: "reader", create: true, want: "fail server.readonly"},
	{name: "template1 of an older collation, for real", fact: "3.4 template1", role: "portal", setup: "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'template1'", undo: "UPDATE pg_database SET datcollversion = NULL WHERE datname = 'template1'", create: true, want: "fail template.collation"},
	{name: "template1 of an older collation", fact: "3.4 template1", role: "portal", setup: "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'template1'", undo: "UPDATE pg_database SET datcollversion = NULL WHERE datname = 'template1'", want: "fail template.collation"},
	{name: "postgres takes no connections", fact: "3.4 unknown postgres database", role: "portal", in: "template1", setup: "ALTER DATABASE postgres ALLOW_CONNECTIONS false", undo: "ALTER DATABASE postgres ALLOW_CONNECTIONS true", want: "fail database.closed"},

	// 3.1 and 3.4: what is there.
	{name: "trust", fact: "3.5 a pass from here is none from the pod", role: "trusted", change: with("anything"), want: "inconclusive login.unchecked"},
	{name: "plain password under TLS", fact: "3.4", role: "clear", want: "pass database.ok"},
	{name: "plain password without TLS", fact: "3.2 plain text", role: "clear", change: plain, want: "warn tls.off, inconclusive login.cleartext"},
	{name: "md5", fact: "3.4", role: "hashed", want: "pass database.ok"},
	{name: "superuser", fact: "3.4 rolsuper", role: "super", want: "warn role.superuser, pass database.ok"},
	{name: "password that expires", fact: "3.4 rolvaliduntil", role: "forever", setup: "DO $$ BEGIN EXECUTE format('ALTER ROLE forever VALID UNTIL %L', now() + interval '3 days'); END $$", undo: "ALTER ROLE forever VALID UNTIL 'infinity'", want: "warn role.expires, pass database.ok"},
	{name: "reading only", fact: "3.4 default_transaction_read_only", role: "reader", want: "fail server.readonly"},
	{name: "too few connections", fact: "3.1 pools", role: "portal", budget: postgres.Budget{Plugins: 38}, want: "fail limit.tight"},
	{name: "too many pods", fact: "3.1 pools", role: "portal", budget: postgres.Budget{Replicas: 5, Surge: 2}, want: "warn limit.budget, pass database.ok"},
	{name: "pools too large", fact: "3.1 pools; operators B10", role: "portal", budget: postgres.Budget{Replicas: 2, Surge: 1}, want: "warn limit.budget, pass database.ok"},
	{name: "role's limit too small", fact: "3.1 rolconnlimit", role: "narrow", budget: postgres.Budget{Replicas: 1, Pool: 1}, want: "fail limit.role.tight"},
	{name: "pools too large for the role", fact: "3.1 rolconnlimit", role: "limited", budget: postgres.Budget{Replicas: 1, Pool: 10}, want: "warn limit.role.budget, pass database.ok"},
	{name: "nobody may see who is connected", fact: "3.4 pg_stat_activity", role: "portal", setup: "REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC", undo: "GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC", want: "warn limit.unmeasured, pass database.ok"},
	{name: "LATIN1", fact: "3.4 template1 encoding", role: "portal", setup: newTemplate + "'LATIN1'", undo: newTemplate + "'UTF8'", want: "fail encoding.other"},
	{name: "SQL_ASCII", fact: "3.4 template1 encoding", role: "portal", setup: newTemplate + "'SQL_ASCII'", undo: newTemplate + "'UTF8'", want: "warn encoding.ascii, pass database.ok"},

	// 3.1 and 3.4: databases that are there.
	{name: "own database", fact: "3.4 existing databases", role: "portal", setup: catalog + "portal", undo: catalogGone, want: "pass database.ok"},
	{name: "database of a group", fact: "3.4 owner", role: "heir", setup: catalog + "creators", undo: catalogGone, want: "fail role.createdb"},
	{name: "no CONNECT on a plugin's database", fact: "3.4 CONNECT", role: "portal", setup: catalog + "other; REVOKE CONNECT ON DATABASE backstage_plugin_catalog FROM PUBLIC", undo: catalogGone, want: "fail plugin.connect"},
	{name: "tables of another", fact: "3.4 owner", role: "portal", setup: catalog + "portal; \\connect backstage_plugin_catalog\nCREATE TABLE knex_migrations (id int)", undo: catalogGone, want: "fail plugin.tables"},
	{name: "closed plugin's database", fact: "3.4", role: "portal", setup: catalog + "portal ALLOW_CONNECTIONS false", undo: catalogGone, want: "fail database.closed"},
	{name: "limit of a plugin's database", fact: "3.1 pools", role: "portal", budget: postgres.Budget{Replicas: 1, Plugins: 1, Pool: 4}, setup: catalog + "portal CONNECTION LIMIT 2", undo: catalogGone, want: "warn plugin.limit, pass database.ok"},
	{name: "a plugin's database in LATIN1", fact: "3.4 encoding", role: "portal", setup: catalog + "portal TEMPLATE template0 LOCALE 'C' ENCODING 'LATIN1'", undo: catalogGone, want: "fail encoding.other"},
	{name: "all databases, no CREATEDB", fact: "3.1 recipe b", role: "poor", setup: seven, undo: sevenGone, want: "warn role.precreated, pass database.ok"},
	{name: "all databases, ensureExists false", fact: "3.1 recipe b", role: "poor", change: precreated, setup: seven, undo: sevenGone, want: "pass database.ok"},
	{name: "ensureExists false and one is missing", fact: "3.1 recipe b", role: "poor", change: precreated, setup: catalog + "poor", undo: catalogGone, want: "fail plugin.missing"},
	{name: "ensureExists false and none is there", fact: "3.1 recipe b", role: "poor", change: precreated, want: "fail database.missing"},
	{name: "schema mode", fact: "3.1 recipe c; operators B8", role: "poor", change: schema, setup: "CREATE DATABASE one OWNER poor", undo: "DROP DATABASE one", want: "pass database.ok"},
	{name: "schema mode without CREATE", fact: "3.1 recipe c", role: "poor", change: schema, setup: "CREATE DATABASE one OWNER other", undo: "DROP DATABASE one", want: "fail schema.create"},
	{name: "schema mode without the database", fact: "3.1 recipe c", role: "poor", change: schema, want: "fail database.missing"},
	{name: "schema mode, a schema of another", fact: "3.1 recipe c", role: "poor", change: schema, setup: "CREATE DATABASE one OWNER poor; \\connect one\nCREATE SCHEMA catalog; CREATE SCHEMA \"user-settings\" AUTHORIZATION poor; CREATE SCHEMA mine", undo: "DROP DATABASE one", want: "fail schema.owner"},
	{name: "schema mode, tables of another", fact: "3.1 recipe c", role: "poor", change: schema, setup: "CREATE DATABASE one OWNER poor; \\connect one\nCREATE SCHEMA catalog AUTHORIZATION poor; CREATE TABLE catalog.knex_migrations (id serial)", undo: "DROP DATABASE one", want: "fail plugin.tables"},
	{name: "schema mode in LATIN1", fact: "3.4 encoding", role: "poor", change: schema, setup: "CREATE DATABASE one OWNER poor TEMPLATE template0 LOCALE 'C' ENCODING 'LATIN1'", undo: "DROP DATABASE one", want: "fail encoding.other"},

	// What is seen without a connection.
	{name: "an address with TLS", fact: "3.2 IP", role: "portal", change: func(t *postgres.Target) { t.Host = "192.0.2.7" }, want: "fail target.ip"},
	{name: "an address without verification", fact: "3.2 IP, no-verify", role: "portal", change: func(t *postgres.Target) { t.Host, t.Mode = "192.0.2.7", postgres.NoVerify }, want: "warn tls.unverified, pass database.ok"},
	{name: "localhost", fact: "3.5 note: the pod's address", role: "portal", change: func(t *postgres.Target) { t.Host = "localhost" }, want: "fail target.unreachable"},
	{name: "host with a port", fact: "3.5 host", role: "portal", change: func(t *postgres.Target) { t.Host = "db:5432" }, want: "fail target.host"},
	{name: "port zero", fact: "3.5 port", role: "portal", change: func(t *postgres.Target) { t.Port = 0 }, want: "fail target.port"},
	{name: "no user", fact: "chart.md 2.9", role: "", want: "inconclusive target.incomplete"},
	{name: "no password", fact: "chart.md 2.9", role: "portal", change: with(""), want: "inconclusive target.incomplete"},
	{name: "zero byte", fact: "3.3 NUL", role: "portal\x00", want: "fail target.text"},
}

func TestVectors(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	for i, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			in := v.in
			if in == "" {
				in = "postgres"
			}
			// Vectors in a row with one state of the server share it.
			if i == 0 || vectors[i-1].setup != v.setup {
				w.run(t, in, v.setup)
			}
			if i+1 == len(vectors) || vectors[i+1].setup != v.setup {
				defer w.run(t, in, v.undo)
			}
			ask := target()
			ask.User = v.role
			if v.change != nil {
				v.change(&ask)
			}
			if v.create {
				expect(t, c.CreateProbe(t.Context(), ask), v.want)
				return
			}
			budget := v.budget
			if budget == (postgres.Budget{}) {
				budget = small
			}
			_, verdicts := c.Probe(t.Context(), ask, budget)
			expect(t, verdicts, v.want)
		})
	}
	rows, verdicts := c.Ask(t.Context(), superuser(), "postgres", "select count(*) from pg_database where datname like 'backstage%'")
	if len(verdicts) > 0 || *rows[0][0] != "0" {
		t.Errorf("databases are left behind: %v", verdicts)
	}
}

func superuser() postgres.Target {
	t := target()
	t.User = "super"
	return t
}
