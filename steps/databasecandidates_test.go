package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// chosenFrom is an input in a cluster with two servers, the first of which was
// chosen.
func chosenFrom(given map[answers.Key]any) plan.Input {
	in := onDatabase(5432, map[answers.Key]any{"database.postgresql.host": "pg-rw.db.svc"})
	in.Current.NoConfig, in.Current.Known, in.Current.Flow = false, true, "install"
	in.Draft.Target.Namespace = "control"
	for _, key := range []answers.Key{"database.postgresql.port", "database.postgresql.user", "database.postgresql.database", "database.postgresql.ssl", "database.postgresql.password"} {
		in.Draft.Unset(key)
	}
	in.Current.Databases = plan.Databases{
		Found: k8s.Databases{List: []k8s.Database{
			{Operator: "CloudNativePG", Namespace: "db", Name: "pg", Host: "pg-rw.db.svc", Port: 5433, TLS: k8s.EncryptionOn, CA: k8s.KeyOf{Namespace: "db", Name: "pg-ca", Key: "ca.crt"}},
			{Operator: "Bitnami postgresql", Namespace: "db", Name: "b", Host: "b-postgresql.db.svc", Port: 5432, TLS: k8s.EncryptionOff},
		}},
		Host: "pg-rw.db.svc",
		Logins: []k8s.DatabaseLogin{
			{User: "app", Database: "app", Password: k8s.KeyOf{Namespace: "db", Name: "pg-app", Key: "password"}, Text: secret.New("of app")},
			{User: "postgres", Password: k8s.KeyOf{Namespace: "db", Name: "pg-superuser", Key: "password"}, Text: secret.New("of all"), Super: true},
		},
	}
	for key, value := range given {
		set(&in, key, value, answers.Source{Rank: answers.FromPerson})
	}
	return in
}

func TestCandidateSettlesAllButThePassword(t *testing.T) {
	in := chosenFrom(nil)
	in.Draft.ProposeAll(ofCandidate(in))
	pg := in.Draft.Database.PostgreSQL
	if pg.Port != 5433 || pg.User != "app" || pg.Database != "app" || !pg.SSL || pg.CAFile != "secret:db/pg-ca/ca.crt" || in.Draft.Has("database.postgresql.password") {
		t.Errorf("got %+v", pg)
	}
	where, value, ok := offeredPassword(in)
	if !ok || where != "Secret db/pg-app, key password" || value.Reveal() != "of app" {
		t.Errorf("offered %s %v", where, ok)
	}
	// What a person says comes first, and another role has another password.
	in = chosenFrom(map[answers.Key]any{"database.postgresql.user": "postgres", "database.postgresql.ssl": false})
	in.Draft.ProposeAll(ofCandidate(in))
	if pg = in.Draft.Database.PostgreSQL; pg.User != "postgres" || pg.SSL {
		t.Errorf("got %+v", pg)
	}
	if _, value, _ := offeredPassword(in); value.Reveal() != "of all" {
		t.Error("the password of another role is offered")
	}
	if notes := strings.Join(candidateNotes(in), " "); !strings.Contains(notes, "rules the whole server") {
		t.Errorf("notes %q", notes)
	}
	in = chosenFrom(map[answers.Key]any{"database.postgresql.user": "somebody"})
	if _, _, ok := offeredPassword(in); ok {
		t.Error("a password is offered for a role that no Secret names")
	}
	in = chosenFrom(map[answers.Key]any{"database.postgresql.host": "db.example.com"})
	if _, _, ok := offeredPassword(in); ok || len(ofCandidate(in)) != 0 || len(databaseUsers(in)) != 0 {
		t.Error("another host gets what belongs to the one that was chosen")
	}
}

func TestCandidatesAreOffered(t *testing.T) {
	in := chosenFrom(nil)
	hosts := databaseHosts(in)
	if len(hosts) != 2 || hosts[0].Value != "pg-rw.db.svc" || !strings.Contains(hosts[0].Note, "CloudNativePG, pg in namespace db") {
		t.Errorf("got %v", hosts)
	}
	users := databaseUsers(in)
	if len(users) != 2 || users[0].Value != "app" || !strings.Contains(users[1].Note, "superuser") {
		t.Errorf("got %v", users)
	}
	if text := noHost(in); !strings.Contains(text, "pg-rw.db.svc (CloudNativePG), b-postgresql.db.svc (Bitnami postgresql)") {
		t.Error(text)
	}
}

func TestClusterQuestions(t *testing.T) {
	ask := func(change func(*plan.Input)) ClusterAsk {
		in := chosenFrom(nil)
		change(&in)
		return ClusterQuestions(Install(), in)
	}
	identity := func(in *plan.Input) {
		set(in, "security.authentication", true, answers.Source{Rank: answers.FromSet})
		set(in, "identity.jwksUrl", "http://idp.sso.svc:8080/jwks", answers.Source{Rank: answers.FromSet})
	}
	for name, test := range map[string]struct {
		change func(*plan.Input)
		want   ClusterAsk
	}{
		"chosen": {func(*plan.Input) {}, ClusterAsk{Namespace: "control", Databases: true, Host: "pg-rw.db.svc", Forward: "pg-rw.db.svc"}},
		"its authority": {func(in *plan.Input) {
			set(in, "database.postgresql.ssl", true, answers.Source{})
			set(in, "database.postgresql.caFile", "secret:db/pg-ca/ca.crt", answers.Source{})
		}, ClusterAsk{Namespace: "control", Databases: true, Host: "pg-rw.db.svc", CAFile: "secret:db/pg-ca/ca.crt", Forward: "pg-rw.db.svc"}},
		"no host yet": {func(in *plan.Input) { in.Draft.Unset("database.postgresql.host") }, ClusterAsk{Namespace: "control", Databases: true}},
		"a host elsewhere": {func(in *plan.Input) {
			set(in, "database.postgresql.host", "db.example.com", answers.Source{Rank: answers.FromSet})
		}, ClusterAsk{Namespace: "control"}},
		"what is there": {func(in *plan.Input) {
			set(in, "database.postgresql.host", "x.db.svc", answers.Source{Rank: answers.FromCluster})
		}, ClusterAsk{Namespace: "control", Forward: "x.db.svc"}},
		"SQLite":             {func(in *plan.Input) { set(in, "database.type", "sqlite", answers.Source{Rank: answers.FromSet}) }, ClusterAsk{Namespace: "control"}},
		"offline":            {func(in *plan.Input) { in.Current.Offline = true }, ClusterAsk{}},
		"before it is known": {func(in *plan.Input) { in.Current.Known = false }, ClusterAsk{}},
		"an identity provider in the cluster": {func(in *plan.Input) {
			set(in, "database.type", "sqlite", answers.Source{Rank: answers.FromSet})
			identity(in)
		}, ClusterAsk{Namespace: "control", Forward: "idp.sso.svc"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(test.change)
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	in := chosenFrom(nil)
	identity(&in)
	if got := ClusterQuestions(Database(), in); strings.Contains(got.Forward, "idp") {
		t.Errorf("the flow of the database asks no identity provider: %+v", got)
	}
}

// TestCAFromSecret: a reference to a Secret is read by the cluster's answer alone.
func TestCAFromSecret(t *testing.T) {
	const reference = "secret:db/pg-ca/ca.crt"
	env := &Env{}
	for name, test := range map[string]struct {
		current plan.Current
		want    string
		pem     string
	}{
		"read":       {plan.Current{Databases: plan.Databases{CAFile: reference, CA: []byte("pem")}}, "", "pem"},
		"refused":    {plan.Current{Databases: plan.Databases{CAFile: reference, CAProblem: "must be a key"}}, "must be a key", ""},
		"on its way": {plan.Current{Databases: plan.Databases{CAFile: "secret:db/other/ca.crt", CA: []byte("pem")}}, "could not be read yet", ""},
		"offline":    {plan.Current{Offline: true}, "must be a file", ""},
	} {
		t.Run(name, func(t *testing.T) {
			env.Certificates(&test.current, reference)
			if !strings.HasPrefix(test.current.PostgresCAProblem, test.want) || (test.want == "") != (test.current.PostgresCAProblem == "") || string(test.current.PostgresCA) != test.pem {
				t.Errorf("got %q %q", test.current.PostgresCAProblem, test.current.PostgresCA)
			}
		})
	}
}

func TestCandidateNotesNameEveryOperator(t *testing.T) {
	for _, operator := range []string{"CloudNativePG", "Zalando postgres-operator", "Crunchy PGO", "Bitnami postgresql"} {
		in := chosenFrom(map[answers.Key]any{"database.postgresql.user": "app"})
		in.Current.Databases.Found.List[0].Operator = operator
		if notes := candidateNotes(in); !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, operator+": ") }) {
			t.Errorf("%s: %q", operator, notes)
		}
	}
}
