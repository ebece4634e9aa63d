package postgres_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

func TestUnreachable(t *testing.T) {
	own := []string{"laptop", "build7.corp.example.com"}
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.": true, "db.localhost": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": true, "::": true, "fe80::1": true, "localhost.localdomain": true,
		"laptop": true, "Laptop.local": true, "laptop.lan.": true, "build7.corp.example.com": true, "build7.local": true,
		"laptop.example.com": false, "build7.example.com": false, "build.corp.example.com": false, "db": false, "postgres.team.svc": false, "db.example.com": false,
		"10.0.0.7": false, "2001:db8::1": false, "host.docker.internal": false, "notlocalhost": false, "": false,
	} {
		why, got := postgres.Unreachable(host, own...)
		if got != want || got != (why != "") {
			t.Errorf("%q: %v %s", host, got, why)
		}
	}
	if _, refused := postgres.Unreachable("anything", "", "."); refused {
		t.Error("a machine without a name is everything")
	}
}

func TestHosts(t *testing.T) {
	c := client(t, postgres.Config{Dial: serve(t, closes), Own: []string{"laptop"}})
	for host, want := range map[string]string{
		"":                             "fail target.host",
		"postgres://u:p@db/x":          "fail target.host",
		"u@db":                         "fail target.host",
		"/var/run/postgresql":          "fail target.host",
		"db example":                   "fail target.host",
		"db\u200b.example.com":         "fail target.host",
		"a,b":                          "fail target.host",
		"db:5432":                      "fail target.host",
		"[2001:db8::1]":                "fail target.host",
		"fe80::1%eth0":                 "fail target.host",
		"bücher.example.com":           "fail target.host",
		"127.1":                        "fail target.host",
		"2130706433":                   "fail target.host",
		"0x7f000001":                   "fail target.host",
		"laptop.local":                 "fail target.unreachable",
		"::1":                          "fail target.unreachable",
		"10.1.2.3":                     "fail target.ip",
		"2001:db8::1":                  "fail target.ip",
		"db.example.com":               "inconclusive network.closed",
		" db.example.com\n":            "warn target.blank, inconclusive network.closed",
		"xn--bcher-kva.example.com":    "inconclusive network.closed",
		"db_1.team.svc.cluster.local.": "inconclusive network.closed",
	} {
		ask := target()
		ask.Host = host
		_, verdicts := c.Probe(t.Context(), ask, small)
		expect(t, verdicts, want)
	}
}

func TestManaged(t *testing.T) {
	for host, want := range map[string]string{
		"portal.abc123.eu-west-1.rds.amazonaws.com":                 "rds https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
		"PORTAL.abc123.eu-west-1.RDS.amazonaws.com.":                "rds https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
		"portal.abc123.us-gov-west-1.rds.amazonaws.com":             "rds https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem",
		"portal.abc123.rds.cn-north-1.amazonaws.com.cn":             "rds https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem",
		"portal.cluster-abc123.eu-west-1.rds.amazonaws.com":         "aurora https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
		"portal.cluster-ro-abc123.eu-west-1.rds.amazonaws.com":      "aurora https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
		"portal.proxy-abc123.eu-west-1.rds.amazonaws.com":           "rds-proxy ",
		"abc123.def.us-central1.sql.goog":                           "cloudsql server-ca.pem: gcloud sql instances describe <instance> --format='value(serverCaCert.cert)'",
		"abc.def.us-central1.alloydb-psc.goog":                      "alloydb the cluster's CA certificate, from the console or the API",
		"portal.postgres.database.azure.com":                        "azure ",
		"portal.postgres.database.usgovcloudapi.net":                "azure ",
		"ep-cool-leaf-123456.us-east-2.aws.neon.tech":               "neon ",
		"ep-cool-leaf-123456-pooler.us-east-2.aws.neon.tech":        "neon ",
		"db.abcdefghijkl.supabase.co":                               "supabase the project's certificate: Database settings, SSL configuration, Download certificate",
		"aws-0-eu-central-1.pooler.supabase.com":                    "supabase-pooler the project's certificate: Database settings, SSL configuration, Download certificate",
		"db.example.com":                                            "",
		"rds.amazonaws.com.example.com":                             "",
		"neon.tech":                                                 "",
		"portal-postgres.team.svc.cluster.local":                    "",
		"10.0.0.3":                                                  "",
		"portal.postgres.database.azure.com.attacker.example":       "",
		"portal.abc123.eu-west-1.rds.amazonaws.com.evil.example.de": "",
	} {
		s, ok := postgres.Managed(host)
		got := ""
		if ok {
			got = s.ID + " " + s.Bundle
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	seen := map[string]bool{}
	for _, s := range postgres.Services() {
		if seen[s.ID] || s.Name == "" || s.TLS == "" || s.Role == "" || s.Pooler == "" || len(s.Sources) == 0 || s.Private != (s.Bundle != "") {
			t.Errorf("the row %s is incomplete", s.ID)
		}
		for id := range s.Fixes {
			if !slices.ContainsFunc(postgres.Kinds(), func(k postgres.Kind) bool { return k.ID == id }) {
				t.Errorf("%s mends %s, which is no verdict", s.ID, id)
			}
		}
		seen[s.ID] = true
	}
}

// TestManagedFixes: a service's own words come before the general ones.
func TestManagedFixes(t *testing.T) {
	ask := target()
	ask.Host = "portal.abc123.eu-west-1.rds.amazonaws.com"
	ca := pgtest.NewAuthority("Amazon RDS eu-west-1 Root CA RSA2048 G1")
	w := theWorld(t)
	w.show(t, ca.Issue(pgtest.Certificate{Names: []string{ask.Host}, WithRoot: true}))
	defer w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}}))
	_, verdicts := client(t, postgres.Config{Dial: dial(w.Port)}).Probe(t.Context(), ask, small)
	expect(t, verdicts, "fail tls.authority")
	if !strings.HasPrefix(verdicts[0].Fix, "download https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem") {
		t.Error(verdicts[0].Fix)
	}
	ask.User = "poor"
	_, verdicts = client(t, postgres.Config{Dial: dial(w.Port), CA: ca.PEM}).Probe(t.Context(), ask, small)
	expect(t, verdicts, "fail role.createdb")
	if !strings.HasPrefix(verdicts[0].Fix, "being a member of rds_superuser is not enough; as the master user:\nALTER ROLE \"poor\" CREATEDB;") {
		t.Error(verdicts[0].Fix)
	}
}

func TestBudget(t *testing.T) {
	for _, v := range []struct {
		b                               postgres.Budget
		needed, busy, least, free, pool int
	}{
		{postgres.Budget{}, 80, 24, 8, 97, 4},
		{postgres.Budget{Replicas: 2, Surge: 1}, 240, 72, 24, 97, 4},
		{postgres.Budget{Replicas: 5, Surge: 2}, 560, 168, 56, 97, 1},
		{postgres.Budget{Replicas: 5, Surge: 2, Plugins: 7, Pool: 4}, 196, 112, 49, 40, 0},
		{postgres.Budget{Replicas: 1, Surge: -1}, 80, 24, 8, -3, 0},
	} {
		if v.b.Needed() != v.needed || v.b.Busy() != v.busy || v.b.Least() != v.least || v.b.Fit(v.free) != v.pool {
			t.Errorf("%+v: %d %d %d", v.b, v.b.Needed(), v.b.Least(), v.b.Fit(v.free))
		}
	}
}

// TestRecipes lets an administrator follow each recipe, and probes what the
// portal would then do.
func TestRecipes(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	ask := target()
	ask.User, ask.Database = "poor", "one"
	_, verdicts := c.Probe(t.Context(), ask, small)
	expect(t, verdicts, "fail role.createdb")
	recipes := postgres.Recipes(ask, small, 20)
	var ways []string
	for _, r := range postgres.Mending(recipes, verdicts) {
		ways = append(ways, r.ID)
	}
	if got := strings.Join(ways, " "); got != "createdb precreated schema" {
		t.Errorf("ways out: %s", got)
	}
	for id, v := range map[string]struct {
		layout postgres.Layout
		undo   string
	}{
		"createdb":   {postgres.PerPlugin, "ALTER ROLE poor NOCREATEDB"},
		"precreated": {postgres.Precreated, sevenGone},
		"schema":     {postgres.Schema, "DROP DATABASE one"},
		"limit":      {postgres.PerPlugin, "ALTER ROLE poor CONNECTION LIMIT -1"},
	} {
		t.Run(id, func(t *testing.T) {
			recipe := recipes[slices.IndexFunc(recipes, func(r postgres.Recipe) bool { return r.ID == id })]
			w.run(t, "postgres", strings.Join(recipe.SQL, "\n"))
			defer w.run(t, "postgres", v.undo)
			ask := ask
			ask.Layout = v.layout
			want := "pass database.ok"
			if id == "limit" {
				want = "fail role.createdb"
			}
			_, verdicts := c.Probe(t.Context(), ask, small)
			expect(t, verdicts, want)
		})
	}
}

// TestRecipeTexts: what the portal is told, in both ways.
func TestRecipeTexts(t *testing.T) {
	var got strings.Builder
	for _, r := range postgres.Recipes(target(), postgres.Budget{Replicas: 2, Surge: 1}, 60) {
		fmt.Fprintf(&got, "# %s\n%s", r.ID, r.AppConfig())
		for _, s := range r.Variables() {
			fmt.Fprintf(&got, "%s=%s%s\n", s.Variable, s.Value, s.Key)
		}
		if r.Title == "" || len(r.For) == 0 || r.SSL == nil && len(r.SQL)+len(r.Settings) == 0 {
			t.Errorf("%s is incomplete", r.ID)
		}
		for _, id := range r.For {
			if !slices.ContainsFunc(postgres.Kinds(), func(k postgres.Kind) bool { return k.ID == id }) {
				t.Errorf("%s mends %s, which is no verdict", r.ID, id)
			}
		}
	}
	want := `# createdb
# precreated
backend:
  database:
    ensureExists: false
APP_CONFIG_backend_database_ensureExists=false
# schema
backend:
  database:
    pluginDivisionMode: schema
    ensureExists: false
    ensureSchemaExists: true
APP_CONFIG_backend_database_pluginDivisionMode=schema
APP_CONFIG_backend_database_ensureExists=false
APP_CONFIG_backend_database_ensureSchemaExists=true
# pool
backend:
  database:
    knexConfig:
      pool:
        max: 2
APP_CONFIG_backend_database_knexConfig_pool_max=2
# limit
# ca
APP_CONFIG_backend_database_connection_ssl_ca=postgres-ca
# no-verify
PGSSLMODE=no-verify
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestNew(t *testing.T) {
	if _, err := postgres.New(postgres.Config{CA: []byte("rubbish")}); err == nil || !strings.Contains(err.Error(), "BEGIN CERTIFICATE") {
		t.Error(err)
	}
}

func TestWorst(t *testing.T) {
	v := func(classes ...postgres.Class) (all []postgres.Verdict) {
		for _, c := range classes {
			all = append(all, postgres.Verdict{Class: c})
		}
		return all
	}
	if postgres.Worst(nil) != postgres.Inconclusive || postgres.Worst(v("pass", "warn")) != postgres.Warn || postgres.Worst(v("inconclusive", "fail", "pass")) != postgres.Fail {
		t.Error("the worst is not the worst")
	}
}

// TestClassify reads what psql in a Job has said.
func TestClassify(t *testing.T) {
	ask := target()
	ask.User = `odd"role`
	v := postgres.Classify(postgres.ServerError{Code: "28000", Message: `no pg_hba.conf entry for host "10.1.2.3", user "portal", database "postgres", no encryption`}, ask)
	expect(t, []postgres.Verdict{v}, "fail login.hba") // the target has TLS on
	ask.SSL = false
	v = postgres.Classify(postgres.ServerError{Code: "28000", Message: `no pg_hba.conf entry for host "10.1.2.3", user "portal", database "postgres", no encryption`}, ask)
	expect(t, []postgres.Verdict{v}, "fail login.hba.tls")
	v = postgres.Classify(postgres.ServerError{Code: "42501", Message: "permission denied to create database"}, ask)
	expect(t, []postgres.Verdict{v}, "fail role.createdb")
	if !strings.HasPrefix(v.Fix, `ALTER ROLE "odd""role" CREATEDB`) {
		t.Error(v.Fix)
	}
	v = postgres.Classify(postgres.ServerError{Code: "3D000", Message: `database "postgres" does not exist`}, ask)
	if !strings.HasPrefix(v.Fix, `CREATE DATABASE "postgres"`) {
		t.Error(v.Fix)
	}
}

// TestWords: a server that repeats the password, in whatever spelling, is not
// quoted.
func TestWords(t *testing.T) {
	for _, message := range []string{"no " + password, "cor\u200brect horse 4711", "correct%20horse%204711", "Y29ycmVjdCBob3JzZSA0NzEx", "c o r r e c t h o r s e 4 7 1 1"} {
		v := postgres.Classify(postgres.ServerError{Code: "28P01", Message: message}, target())
		if !strings.Contains(v.Found, "not shown") && !strings.Contains(v.Found, "[") {
			t.Errorf("%q is shown: %s", message, v.Found)
		}
	}
	ask := target()
	ask.Password = secret.New("db") // too short to be told from words
	v := postgres.Classify(postgres.ServerError{Code: "28P01", Message: "wrong password db"}, ask)
	if strings.Contains(v.Found, "db") {
		t.Error(v.Found)
	}
}

// TestKinds: every verdict is complete, has one place, and is reached by a test
// with a real or a made-up server.
func TestKinds(t *testing.T) {
	ids, id := map[string]bool{}, regexp.MustCompile(`^[a-z]+(\.[a-z]+)*$`)
	statement := regexp.MustCompile(`(ALTER|CREATE|DROP|GRANT|REASSIGN|SELECT) [A-Za-z]+ `)
	for _, k := range postgres.Kinds() {
		if ids[k.ID] || !id.MatchString(k.ID) || (k.Fix == "") != (k.Class == postgres.Pass) || k.Class != postgres.Pass && k.Cause == "" {
			t.Errorf("%s is incomplete", k.ID)
		}
		for _, text := range []string{k.Cause, k.Fix} {
			if strings.Contains(text, "!") || strings.HasSuffix(text, ".") || text == k.Cause && strings.Contains(text, "\n") {
				t.Errorf("%s: %q", k.ID, text)
			}
		}
		for line := range strings.SplitSeq(k.Fix, "\n") {
			if at := statement.FindStringIndex(line); at != nil && (at[0] != 0 || !strings.HasSuffix(line, ";")) {
				t.Errorf("%s: a statement is not a line of its own: %q", k.ID, line)
			}
		}
		ids[k.ID] = true
	}
	var wants []string
	count := 0
	add := func(want string) {
		count++
		for part := range strings.SplitSeq(want, ", ") {
			wants = append(wants, part)
		}
	}
	for _, v := range vectors {
		add(v.want)
		if v.fact == "" {
			t.Errorf("%s proves nothing", v.name)
		}
	}
	for _, v := range certificates {
		add(v.want)
	}
	real := count
	for _, v := range strangers {
		add(v.plain)
		add(v.tls)
	}
	// Of the tests beside the tables.
	for _, want := range []string{
		"pass tls.ok", "fail tls.unsupported", "fail tls.version", "inconclusive tls.handshake", "inconclusive network.dropped", "inconclusive network.refused",
		"inconclusive network.unreachable", "inconclusive network.name", "inconclusive network.resolver", "inconclusive network.timeout", "warn target.loopback",
		"inconclusive canceled", "warn template.busy", "warn create.exists", "fail create.transaction", "fail server.denied", "fail server.standby",
		"warn pooler", "warn pooler.transaction", "fail pooler.schema", "inconclusive pooler.databases", "fail pooler.refused", "fail login.unicode", "warn create.left",
	} {
		add(want)
	}
	for k := range ids {
		if !slices.ContainsFunc(wants, func(w string) bool { return strings.HasSuffix(w, " "+k) }) {
			t.Errorf("no test reaches %s", k)
		}
	}
	if real < 60 || len(ids) < 30 {
		t.Errorf("%d vectors of the real server, %d verdicts", real, len(ids))
	}
	t.Logf("%d vectors of the real server, %d in all, %d verdicts", real, count, len(ids))
}

// FuzzErrors: whatever a server says, the verdict can be shown, is a failure or
// unknown, and does not repeat the password.
func FuzzErrors(f *testing.F) {
	for _, seed := range [][2]string{
		{"28P01", `password authentication failed for user "portal"`}, {"28000", "no pg_hba.conf entry, no encryption"}, {"42501", "permission denied to create database"},
		{"08P01", "unsupported startup parameter: options"}, {"XX000", "\x1b[31m" + password + "\u202e"}, {"", ""}, {"\xff", "correct%20horse%204711"},
		{"53300", strings.Repeat("long ", 300)}, {"28000", "correct\u200b horse\x00 4711"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, code, message string) {
		for _, encrypted := range []bool{false, true} {
			ask := target()
			ask.SSL = encrypted
			v := postgres.Classify(postgres.ServerError{Code: code, Message: message}, ask)
			presentable(t, v)
			if v.Class == postgres.Pass {
				t.Errorf("an error is a pass: %v", v)
			}
		}
	})
}

// FuzzServer: no bytes of a server make the probe pass, hang or panic.
func FuzzServer(f *testing.F) {
	for _, v := range []string{
		"", "S", "N", "E", "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I", "R\x00\x00\x00\x0c\x00\x00\x00\x05abcd", "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00",
		"E\x00\x00\x00\x1cSFATAL\x00C53300\x00Mfull up\x00\x00", "HTTP/1.1 400 Bad Request\r\n", "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05IT\x00\x00\x00\x06\x00\x00D\x00\x00\x00\x06\x00\x00Z\x00\x00\x00\x05I",
	} {
		f.Add(v, true)
		f.Add(v, false)
	}
	f.Fuzz(func(t *testing.T, said string, encrypted bool) {
		ask := target()
		ask.SSL, ask.Password = encrypted, secret.New(password)
		c := client(t, postgres.Config{Dial: script(said)})
		_, verdicts := c.Probe(t.Context(), ask, small)
		if worst := postgres.Worst(verdicts); worst != postgres.Fail && worst != postgres.Inconclusive {
			t.Errorf("%q passes: %v", said, verdicts)
		}
		for _, v := range verdicts {
			presentable(t, v)
		}
	})
}
