package steps

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/k8s"
)

// finding is the result of one check.
func finding(t *testing.T, results []check.Result, id string) check.Result {
	t.Helper()
	at := slices.IndexFunc(results, func(r check.Result) bool { return r.ID == id })
	if at < 0 {
		t.Fatalf("no %s in %+v", id, results)
	}
	return results[at]
}

// TestCAFileIsProposed: what --ca-file names is not trusted for the portal, which
// is not given it; where it would help, it is what the finding says to type.
func TestCAFileIsProposed(t *testing.T) {
	server, ca := startDatabase(t)
	stranger := pgtest.NewAuthority("Stranger")
	for name, test := range map[string]struct {
		pem   []byte
		host  string
		mends bool
	}{
		"the server's authority":       {ca.PEM, databaseHost, true},
		"another one":                  {stranger.PEM, databaseHost, false},
		"the right one, another name":  {ca.PEM, "other.example.com", false},
		"none":                         {nil, databaseHost, false},
		"a file without certificates":  {[]byte("nothing"), databaseHost, false},
		"the right one and a stranger": {slices.Concat(stranger.PEM, ca.PEM), databaseHost, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := onDatabase(server.Port, map[answers.Key]any{"database.postgresql.ssl": true, "database.postgresql.host": test.host})
			_, results := judgedDatabase(t, NewPostgres(PostgresOptions{Dial: toLoopback(new(atomic.Int32)), CAFile: "my ca.pem", CA: test.pem}), in)
			r := finding(t, results, postgresTLS)
			if r.Status != check.Fail || r.Code != "tls.authority" {
				t.Errorf("%s %s", r.Status, r.Code)
			}
			if mends := r.Hint == "--set database.postgresql.caFile='my ca.pem'"; mends != test.mends || mends != strings.Contains(r.Found, "with the certificates of --ca-file") {
				t.Errorf("%q\n%s", r.Hint, r.Found)
			}
			if want := []check.Proposal{{Key: "database.postgresql.caFile", Value: "my ca.pem"}}; slices.Equal(r.Cure.Propose, want) != test.mends {
				t.Errorf("proposed %+v", r.Cure.Propose)
			}
		})
	}
}

// TestStatementsStandAlone: every statement is a line that can be pasted, the
// simplest way first, and what is there is not created again.
func TestStatementsStandAlone(t *testing.T) {
	server, _ := startDatabase(t)
	if err := server.SQL(t.Context(), "postgres", "CREATE DATABASE backstage_plugin_catalog OWNER poor;\nCREATE DATABASE backstage_plugin_auth OWNER \"full\";\n"); err != nil {
		t.Fatal(err)
	}
	for layout, first := range map[string]string{"": `ALTER ROLE "poor" CREATEDB;`, "existing": `CREATE DATABASE "backstage_plugin_app" OWNER "poor" ENCODING 'UTF8' TEMPLATE template0;`} {
		given := map[answers.Key]any{"database.postgresql.user": "poor"}
		if layout != "" {
			given["database.postgresql.layout"] = layout
		}
		_, results := judgedDatabase(t, NewPostgres(PostgresOptions{Dial: toLoopback(new(atomic.Int32))}), onDatabase(server.Port, given))
		r := finding(t, results, postgresRights)
		lines := strings.Split(r.Found, "\n")
		var statements []string
		for _, line := range lines {
			if strings.HasPrefix(line, "ALTER ") || strings.HasPrefix(line, "CREATE ") {
				statements = append(statements, line)
				if !strings.HasSuffix(line, ";") || strings.Contains(line, "...") {
					t.Errorf("cannot be pasted: %s", line)
				}
			}
		}
		if len(statements) == 0 || statements[0] != first {
			t.Errorf("layout %q begins with %q\n%s", layout, statements, r.Found)
		}
		if !slices.Contains(statements, `ALTER DATABASE "backstage_plugin_auth" OWNER TO "poor";`) || strings.Contains(r.Found, `CREATE DATABASE "backstage_plugin_auth"`) || strings.Contains(strings.Join(statements, "\n"), `"backstage_plugin_catalog"`) {
			t.Errorf("layout %q: databases that are there:\n%s", layout, r.Found)
		}
		if strings.Contains(r.Hint, "; ") || strings.Contains(r.Hint, "...") {
			t.Errorf("hint: %s", r.Hint)
		}
	}
}

// TestMissingEntryIsCreated: the database that is logged in to first is made by a
// statement of its own.
func TestMissingEntryIsCreated(t *testing.T) {
	q, _ := databaseQuery(onDatabase(5432, nil))
	if got := toCreate(q, postgres.Report{}); len(got) != 2 || got[1] != `CREATE DATABASE "postgres";` {
		t.Errorf("%q", got)
	}
}

// TestUnreadAuthorityIsDropped: what nobody gave and cannot be read is no wrong
// answer, but a note, and the cluster is not asked in circles.
func TestUnreadAuthorityIsDropped(t *testing.T) {
	const reference = "secret:db/pg-ca/ca.crt"
	in := chosenFrom(nil)
	in.Draft.ProposeAll(ofCandidate(in))
	before := ClusterQuestions(Install(), in)
	if before.CAFile != reference {
		t.Fatalf("asked %+v", before)
	}
	in = chosenFrom(nil)
	in.Current.Databases.CAFile, in.Current.Databases.CAProblem = reference, "must be a key of a Secret that you may read: there is no pg-ca"
	in.Draft.ProposeAll(ofCandidate(in))
	if pg := in.Draft.Database.PostgreSQL; pg.CAFile != "" || !pg.SSL {
		t.Errorf("proposed %+v", pg)
	}
	if after := ClusterQuestions(Install(), in); after != before {
		t.Errorf("asked %+v, then %+v", before, after)
	}
	if notes := strings.Join(candidateNotes(in), "\n"); !strings.Contains(notes, reference+" must be a key") {
		t.Error(notes)
	}
	// Once a person gives it, it is theirs.
	in = chosenFrom(map[answers.Key]any{"database.postgresql.ssl": true, "database.postgresql.caFile": reference})
	in.Current.Databases.CAFile, in.Current.Databases.CAProblem = reference, "must be a key"
	in.Draft.ProposeAll(ofCandidate(in))
	if in.Draft.Database.PostgreSQL.CAFile != reference || strings.Contains(strings.Join(candidateNotes(in), "\n"), "not prefilled: secret:") {
		t.Errorf("%+v %q", in.Draft.Database.PostgreSQL, candidateNotes(in))
	}
}

// TestEncryptionIsAsked: where PostgreSQL is newly chosen, plain text is nobody's
// silent choice, on an existing installation too.
func TestEncryptionIsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		was  string
		rank answers.Rank
		ssl  bool
		want bool
	}{
		"from SQLite":           {"better-sqlite3", answers.FromChart, false, true},
		"nothing there":         {"", answers.FromChart, false, true},
		"PostgreSQL already":    {"pg", answers.FromChart, false, false},
		"in the values":         {"better-sqlite3", answers.FromValues, false, false},
		"known of the operator": {"better-sqlite3", answers.FromDerived, false, false},
		"encrypted":             {"better-sqlite3", answers.FromChart, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := onDatabase(5432, nil)
			in.Draft.Unset("database.postgresql.ssl")
			set(&in, "database.postgresql.ssl", test.ssl, answers.Source{Rank: test.rank})
			in.Current.Cluster.Deployment = k8s.Deployment{Name: "backstage", Database: test.was}
			if got := plainByDefault(in) != ""; got != test.want {
				t.Errorf("asked: %v", got)
			}
		})
	}
}

// TestShownChainWithoutAuthority: a server that sends no authority is not accused.
func TestShownChainWithoutAuthority(t *testing.T) {
	in := onDatabase(5432, map[answers.Key]any{"database.postgresql.ssl": true, "database.postgresql.trustCA": "sha256:" + strings.Repeat("ab", 32)})
	in.Current.PostgresShown = plan.ShownChain{Address: in.PostgresAddress(), Certificates: []plan.ShownCertificate{{Subject: "CN=db", Issuer: "CN=Root", Fingerprint: "sha256:" + strings.Repeat("cd", 32)}}}
	err := trustRule(in)
	if err == nil || strings.Contains(err.Error(), "posing") || !strings.Contains(err.Error(), "its own certificate alone (CN=db, issued by CN=Root)") || !strings.Contains(err.Error(), "database.postgresql.caFile") {
		t.Error(err)
	}
	in.Current.PostgresShown.Certificates = append(in.Current.PostgresShown.Certificates, plan.ShownCertificate{Subject: "CN=Root", Fingerprint: "sha256:" + strings.Repeat("ef", 32), Authority: true})
	if err := trustRule(in); err == nil || !strings.Contains(err.Error(), "somebody may be posing") {
		t.Error(err)
	}
}
