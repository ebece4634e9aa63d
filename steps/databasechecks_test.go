package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

const (
	databaseHost     = "db.example.com"
	databasePassword = "correct horse 4711"
)

// startDatabase is a real server with the roles portal and poor, which may create
// no databases, and the authority of its certificate.
func startDatabase(t *testing.T) (*pgtest.Server, *pgtest.Authority) {
	t.Helper()
	ca := pgtest.NewAuthority("Test Root")
	server, err := pgtest.Start(t.Context(), pgtest.Options{
		Settings: map[string]string{"max_connections": "300"},
		Access:   "host all all 127.0.0.1/32 scram-sha-256\n",
		SQL: fmt.Sprintf("CREATE ROLE portal LOGIN CREATEDB PASSWORD '%[1]s';\nCREATE ROLE poor LOGIN PASSWORD '%[1]s';\n"+
			"CREATE ROLE full LOGIN CREATEDB CONNECTION LIMIT 3 PASSWORD '%[1]s';\nCREATE DATABASE poors OWNER poor;\n", databasePassword),
		Pair: ca.Issue(pgtest.Certificate{Names: []string{databaseHost}}),
	})
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server, ca
}

// toLoopback dials every name here, and counts.
func toLoopback(dials *atomic.Int32) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
}

// onDatabase is an input of a portal that is to use the server at port.
func onDatabase(port int, given map[answers.Key]any) plan.Input {
	profile, version := templates.Newest()
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version)}
	in.Current = plan.Current{NoConfig: true, Flow: "database", Files: []plan.ValuesFile{{Path: "backstage-values.yaml"}}}
	source := answers.Source{Rank: answers.FromSet}
	all := map[answers.Key]any{
		"portal.enabled": true, "database.type": "postgresql", "database.postgresql.host": databaseHost, "database.postgresql.port": port,
		"database.postgresql.user": "portal", "database.postgresql.database": "backstage", "database.postgresql.ssl": false, "scaling.replicas": 1,
		"database.postgresql.password": secret.Value{Text: secret.New(databasePassword)},
	}
	for key, value := range given {
		all[key] = value
	}
	for key, value := range all {
		set(&in, key, value, source)
	}
	return in
}

// judgedDatabase is "status code" of each check.
func judgedDatabase(t *testing.T, p *Postgres, in plan.Input) (map[string]string, []check.Result) {
	t.Helper()
	results := check.Run(t.Context(), databaseChecks(&Env{Postgres: p}, in), check.Options{Skip: in.Current.Skip})
	got := map[string]string{}
	for _, r := range results {
		if strings.Contains(r.Found+r.Hint, databasePassword) {
			t.Errorf("%s tells the password", r.ID)
		}
		got[strings.TrimPrefix(r.ID, "database.postgresql.")] = strings.TrimSpace(string(r.Status) + " " + r.Code)
	}
	return got, results
}

func TestDatabaseChecks(t *testing.T) {
	server, ca := startDatabase(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	type want struct{ reach, tls, login, rights, capacity string }
	installed := func(in *plan.Input) {
		in.Current.Cluster.Deployment.Name, in.Current.Cluster.Deployment.Database = "backstage", "pg"
		in.Current.Cluster.Release.Installed = true
		for _, key := range answers.Keys() {
			if source, ok := in.Draft.From[key]; ok {
				source.Rank = answers.FromCluster
				in.Draft.From[key] = source
			}
		}
	}
	given := func(pairs ...any) map[answers.Key]any {
		m := map[answers.Key]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[answers.Key(pairs[i].(string))] = pairs[i+1]
		}
		return m
	}
	for _, test := range []struct {
		name   string
		given  map[answers.Key]any
		change func(*plan.Input)
		want   want
	}{
		{"right", nil, nil, want{"pass", "warn tls.off", "pass database.ok", "pass", "pass"}},
		{"wrong password", given("database.postgresql.password", secret.Value{Text: secret.New("wrong")}), nil,
			want{"pass", "warn tls.off", "fail login.password", "skip", "skip"}},
		{"no CREATEDB", given("database.postgresql.user", "poor"), nil,
			want{"pass", "warn tls.off", "pass database.ok", "fail role.createdb", "pass"}},
		{"no CREATEDB in schema mode", given("database.postgresql.user", "poor", "database.postgresql.database", "postgres", "environment.extra",
			[]answers.EnvVar{{Name: "APP_CONFIG_backend_database_pluginDivisionMode", Value: "schema"}}), nil,
			want{"pass", "warn tls.off", "pass database.ok", "fail schema.create", "pass"}},
		{"no databases where they are to be there", given("database.postgresql.user", "poor", "database.postgresql.layout", "existing"), nil,
			want{"pass", "warn tls.off", "fail database.missing", "skip", "skip"}},
		{"schemas in somebody else's database", given("database.postgresql.user", "poor", "database.postgresql.database", "postgres", "database.postgresql.layout", "schema"), nil,
			want{"pass", "warn tls.off", "pass database.ok", "fail schema.create", "pass"}},
		{"schemas in a database of its own", given("database.postgresql.user", "poor", "database.postgresql.database", "poors", "database.postgresql.layout", "schema"), nil,
			want{"pass", "warn tls.off", "pass database.ok", "pass", "pass"}},
		{"no room for the role", given("database.postgresql.user", "full"), nil,
			want{"pass", "warn tls.off", "pass database.ok", "pass", "fail limit.role.tight"}},
		{"no room for many pods", given("scaling.replicas", 10), nil, want{"pass", "warn tls.off", "pass database.ok", "pass", "warn limit.budget"}},
		{"room for two pods, and one more in a roll-out", given("scaling.replicas", 2), nil, want{"pass", "warn tls.off", "pass database.ok", "pass", "pass"}},
		{"nothing there", given("database.postgresql.port", closed), nil, want{"fail network.refused", "skip", "skip", "skip", "skip"}},
		{"nothing there, and nothing changes", given("database.postgresql.port", closed), installed,
			want{"warn network.refused", "skip", "skip", "skip", "skip"}},
		{"wrong password that nobody changes", given("database.postgresql.password", secret.Value{Text: secret.New("wrong")}), installed,
			want{"pass", "warn tls.off", "warn login.password", "skip", "skip"}},
		{"left out", given("database.postgresql.port", closed), func(in *plan.Input) {
			in.Current.Skip = map[string]string{"database.postgresql.reach": "only the cluster can reach it"}
		}, want{"skip", "skip", "skip", "skip", "skip"}},
		{"generated password", given("database.postgresql.password", secret.Value{Ref: secret.Ref{Generate: true}, Text: secret.New("x")}), nil,
			want{"skip", "skip", "skip", "skip", "skip"}},
		{"private authority", given("database.postgresql.ssl", true), nil, want{"pass", "fail tls.authority", "skip", "skip", "skip"}},
		{"private authority with its CA", given("database.postgresql.ssl", true, "database.postgresql.caFile", "ca.pem"), func(in *plan.Input) {
			in.Current.PostgresCA = ca.PEM
		}, want{"pass", "pass tls.ok", "pass database.ok", "pass", "pass"}},
		{"another name than the certificate's", given("database.postgresql.ssl", true, "database.postgresql.caFile", "ca.pem", "database.postgresql.host", "other.example.com"),
			func(in *plan.Input) { in.Current.PostgresCA = ca.PEM }, want{"pass", "fail tls.host", "skip", "skip", "skip"}},
		{"encrypted, accepted as not verified", given("environment.extra", []answers.EnvVar{{Name: "PGSSLMODE", Value: "no-verify"}}), nil,
			want{"pass", "warn tls.unverified", "pass database.ok", "pass", "pass"}},
		{"this machine", given("database.postgresql.host", "my-laptop.local"), nil, want{"fail target.unreachable", "skip", "skip", "skip", "skip"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := onDatabase(server.Port, test.given)
			if test.change != nil {
				test.change(&in)
			}
			var dials atomic.Int32
			got, results := judgedDatabase(t, NewPostgres(PostgresOptions{Own: []string{"my-laptop"}, Dial: toLoopback(&dials)}), in)
			if all := (want{got["reach"], got["tls"], got["login"], got["rights"], got["capacity"]}); all != test.want {
				t.Errorf("got  %v\nwant %v\n%+v", all, test.want, results)
			}
			for _, r := range results {
				if r.Code != "" && !slices.ContainsFunc(Explain(r.Code), func(e Entry) bool { return e.Kind == VerdictEntry }) {
					t.Errorf("nothing explains %s", r.Code)
				}
			}
		})
	}
}

// TestPostgresAsksOnce: checks at the same time and later are one probe; another
// password is another one.
func TestPostgresAsksOnce(t *testing.T) {
	server, _ := startDatabase(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var dials atomic.Int32
	p := NewPostgres(PostgresOptions{Dial: toLoopback(&dials)})
	q, _ := databaseQuery(onDatabase(server.Port, nil))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if a := p.Probe(t.Context(), q); a.Report.Role.Name != "portal" {
				t.Errorf("%v", a.Verdicts)
			}
		})
	}
	wait.Wait()
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections for one question", n)
	}
	p.Forget()
	p.Probe(t.Context(), q)
	q.Target.Password = secret.New("wrong")
	if a := p.Probe(t.Context(), q); a.Report.Version != "" {
		t.Error("a wrong password got the answer to the right one")
	}
	if n := dials.Load(); n != 3 {
		t.Errorf("%d connections for three questions", n)
	}
}

// TestPostgresGivesUpWithWhoWaits: a server that says nothing holds nobody up, and
// is asked anew the next time.
func TestPostgresGivesUpWithWhoWaits(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	arrived := make(chan net.Conn, 2)
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			arrived <- conn
		}
	}()
	var dials atomic.Int32
	p := NewPostgres(PostgresOptions{Dial: toLoopback(&dials)})
	q, _ := databaseQuery(onDatabase(silent.Addr().(*net.TCPAddr).Port, nil))
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan PostgresAnswer)
		go func() { answer <- p.Probe(ctx, q) }()
		conn := <-arrived
		cancel()
		if a := <-answer; len(a.Verdicts) != 1 || a.Verdicts[0].ID != "canceled" {
			t.Errorf("who left was told %v", a.Verdicts)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoDatabaseChecksOffline(t *testing.T) {
	in := onDatabase(5432, nil)
	in.Current.Offline = true
	if list := databaseChecks(&Env{Postgres: NewPostgres(PostgresOptions{})}, in); len(list) != 0 {
		t.Errorf("%d checks", len(list))
	}
	in = onDatabase(5432, map[answers.Key]any{"database.type": "sqlite"})
	if list := databaseChecks(&Env{Postgres: NewPostgres(PostgresOptions{})}, in); len(list) != 0 {
		t.Errorf("%d checks with SQLite", len(list))
	}
}

func TestReachableRule(t *testing.T) {
	for host, want := range map[string]string{
		"db.example.com": "", "10.0.0.7": "", "localhost": "must be the name that the portal's pods", "db.localhost": "must be the name",
		"127.0.0.2": "must be the name", "my-laptop": "must be the name", "my-laptop.local": "must be the name", "my-laptop.example.com": "",
	} {
		t.Run(host+" "+strconv.Quote(want), func(t *testing.T) {
			in := onDatabase(5432, map[answers.Key]any{"database.postgresql.host": host})
			in.Current.Own = []string{"my-laptop"}
			if got := fmt.Sprint(reachableRule(in)); want == "" && got != "<nil>" || !strings.Contains(got, want) {
				t.Errorf("got %s", got)
			}
		})
	}
	in := onDatabase(5432, map[answers.Key]any{"database.postgresql.host": "10.0.0.7", "database.postgresql.ssl": true})
	if err := reachableRule(in); err == nil || !strings.Contains(err.Error(), "host name with TLS") {
		t.Errorf("an address with TLS: %v", err)
	}
}

func TestDatabaseNotes(t *testing.T) {
	in := onDatabase(5432, map[answers.Key]any{"database.postgresql.host": "x.abc.eu-west-1.rds.amazonaws.com", "database.postgresql.ssl": true})
	in.Current.Cluster.Deployment = k8s.Deployment{Database: "better-sqlite3"}
	notes := strings.Join(databaseNotes(in), "\n")
	for _, want := range []string{"moves no data", "Amazon RDS", "global-bundle.pem", "ALTER ROLE <role> CREATEDB", "Pooler: "} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in %s", want, notes)
		}
	}
	if notes := databaseNotes(onDatabase(5432, nil)); len(notes) != 0 {
		t.Errorf("anybody's server: %q", notes)
	}
}

// TestWaysOutAreUnderstood: what the portal is told to do without CREATEDB is what
// the next probe goes by.
func TestWaysOutAreUnderstood(t *testing.T) {
	in := onDatabase(5432, map[answers.Key]any{"database.postgresql.user": "poor"})
	q, _ := databaseQuery(in)
	missing := []postgres.Verdict{databaseVerdict("role.createdb", "")}
	lines := strings.Join(waysOut(in, q, postgres.Report{}, missing), "\n")
	for _, want := range []string{
		"with database.postgresql.layout existing:", "with database.postgresql.layout schema:",
		`CREATE DATABASE "backstage_plugin_catalog" OWNER "poor"`,
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %s in\n%s", want, lines)
		}
	}
	got := map[string]postgres.Layout{}
	for _, recipe := range postgres.Mending(postgres.Recipes(q.Target, q.Budget, 0), missing) {
		var extra []answers.EnvVar
		for _, s := range recipe.Variables() {
			extra = append(extra, answers.EnvVar{Name: s.Variable, Value: s.Value})
		}
		set(&in, "environment.extra", extra, answers.Source{Rank: answers.FromSet})
		got[recipe.ID] = layoutOf(in)
	}
	want := map[string]postgres.Layout{"createdb": postgres.PerPlugin, "precreated": postgres.Precreated, "schema": postgres.Schema}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
