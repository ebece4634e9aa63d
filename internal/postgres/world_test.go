package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"

	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

const (
	host     = "db.example.com"
	password = "correct horse 4711"
)

// world is the one server of these tests, and who is known there.
type world struct {
	*pgtest.Server
	ca *pgtest.Authority
}

// roles are what is said of each in CREATE ROLE, and how pg_hba.conf lets it in.
// Those without a line of their own are members, who log in with SCRAM.
var roles = []struct{ name, is, hba string }{
	{"portal", "LOGIN CREATEDB", ""},
	{"poor", "LOGIN", ""},
	{"creators", "NOLOGIN CREATEDB", ""},
	{"heir", "LOGIN IN ROLE creators", ""},
	{"other", "LOGIN", ""},
	{"asleep", "NOLOGIN", ""},
	{"expired", "LOGIN CREATEDB VALID UNTIL '2020-01-01'", ""},
	{"forever", "LOGIN CREATEDB VALID UNTIL 'infinity'", ""},
	{"super", "LOGIN SUPERUSER", ""},
	{"full", "LOGIN CREATEDB CONNECTION LIMIT 0", ""},
	{"narrow", "LOGIN CREATEDB CONNECTION LIMIT 7", ""},
	{"limited", "LOGIN CREATEDB CONNECTION LIMIT 20", ""},
	{"reader", "LOGIN CREATEDB", ""},
	{"stranger", "LOGIN CREATEDB", ""},
	{"we\"ird role", "LOGIN CREATEDB", ""},
	{"tls_only", "LOGIN CREATEDB", "hostssl all tls_only 127.0.0.1/32 scram-sha-256"},
	{"plain_only", "LOGIN CREATEDB", "hostnossl all plain_only 127.0.0.1/32 scram-sha-256"},
	{"rejected", "LOGIN CREATEDB", "host all rejected 127.0.0.1/32 reject"},
	{"certified", "LOGIN CREATEDB", "hostssl all certified 127.0.0.1/32 cert"},
	{"half_certified", "LOGIN CREATEDB", "hostssl all half_certified 127.0.0.1/32 scram-sha-256 clientcert=verify-ca"},
	{"trusted", "LOGIN CREATEDB", "host all trusted 127.0.0.1/32 trust"},
	{"ghost_trusted", "", "host all ghost_trusted 127.0.0.1/32 trust"},
	{"ghost", "", "host all ghost 127.0.0.1/32 scram-sha-256"},
	{"clear", "LOGIN CREATEDB", "host all clear 127.0.0.1/32 password"},
	{"hashed", "LOGIN CREATEDB", "host all hashed 127.0.0.1/32 md5"},
	{"kerberos", "LOGIN CREATEDB", "host all kerberos 127.0.0.1/32 gss"},
	{"identified", "LOGIN CREATEDB", "host all identified 127.0.0.1/32 ident"},
	{"elsewhere", "LOGIN CREATEDB", "host all elsewhere 192.0.2.0/24 scram-sha-256"},
}

// asked says that shared was called: TestMain must not be the first to do it.
var asked atomic.Bool

var shared = sync.OnceValues(func() (*world, error) {
	asked.Store(true)
	ca := pgtest.NewAuthority("Test Root")
	var access, sql strings.Builder
	sql.WriteString("CREATE ROLE members NOLOGIN;\nREVOKE CONNECT ON DATABASE postgres FROM PUBLIC;\n")
	for _, r := range roles {
		in, name := "members", `"`+strings.ReplaceAll(r.name, `"`, `""`)+`"`
		if r.hba != "" {
			in = ""
			fmt.Fprintln(&access, r.hba)
		}
		if r.is == "" {
			continue
		}
		encryption := "scram-sha-256"
		if r.name == "hashed" {
			encryption = "md5"
		}
		fmt.Fprintf(&sql, "SET password_encryption = '%s';\nCREATE ROLE %s %s PASSWORD '%s';\n", encryption, name, r.is, password)
		if in != "" {
			fmt.Fprintf(&sql, "GRANT %s TO %s;\n", in, name)
		}
		if r.name != "stranger" {
			fmt.Fprintf(&sql, "GRANT CONNECT ON DATABASE postgres TO %s;\n", name)
		}
	}
	access.WriteString("host all +members 127.0.0.1/32 scram-sha-256\n")
	sql.WriteString("ALTER ROLE reader SET default_transaction_read_only = on;\n")
	s, err := pgtest.Start(context.Background(), pgtest.Options{
		Settings: map[string]string{"max_connections": "40", "ssl_ca_file": "server.crt", "password_encryption": "scram-sha-256"},
		Access:   access.String(), SQL: sql.String(),
		Pair: ca.Issue(pgtest.Certificate{Names: []string{host}}),
	})
	return &world{s, ca}, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if asked.Load() {
		if w, err := shared(); err == nil {
			w.Stop()
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// theWorld starts the server at the first call. Without one on this machine the
// test is skipped.
func theWorld(t testing.TB) *world {
	t.Helper()
	w, err := shared()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs statements as the administrator.
func (w *world) run(t testing.TB, database, statements string) {
	t.Helper()
	if statements == "" {
		return
	}
	if err := w.SQL(context.WithoutCancel(t.Context()), database, statements); err != nil {
		t.Fatal(err)
	}
}

// dial leads every name to one port of this machine.
func dial(port int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
	}
}

// client knows the world's authority as if it were a public one.
func (w *world) client(t testing.TB) *postgres.Client {
	return client(t, postgres.Config{Dial: dial(w.Port), Public: w.ca.Pool()})
}

func client(t testing.TB, c postgres.Config) *postgres.Client {
	t.Helper()
	made, err := postgres.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// target is the portal's, as it should be.
func target() postgres.Target {
	return postgres.Target{Host: host, Port: 5432, User: "portal", Password: secret.New(password), Database: "backstage", SSL: true}
}

// small is a portal that fits.
var small = postgres.Budget{Replicas: 1, Plugins: 1, Pool: 1}

// outcome is class and ID of all verdicts.
func outcome(verdicts []postgres.Verdict) string {
	all := make([]string, len(verdicts))
	for i, v := range verdicts {
		all[i] = string(v.Class) + " " + v.ID
	}
	return strings.Join(all, ", ")
}

// expect holds verdicts against what is wanted, and against the rules for all.
func expect(t testing.TB, verdicts []postgres.Verdict, want string) {
	t.Helper()
	if got := outcome(verdicts); got != want {
		t.Errorf("got  %s\nwant %s\n%v", got, want, verdicts)
	}
	for _, v := range verdicts {
		presentable(t, v)
	}
}

// presentable holds a verdict against what it promises.
func presentable(t testing.TB, v postgres.Verdict) {
	t.Helper()
	at := slices.IndexFunc(postgres.Kinds(), func(k postgres.Kind) bool { return k.ID == v.ID })
	if at < 0 {
		t.Fatalf("%s is no kind of verdict", v.ID)
	}
	if v.Found == "" || (v.Fix == "") != (v.Class == postgres.Pass) || v.Class != postgres.Pass && v.Cause == "" {
		t.Errorf("%v lacks a text", v)
	}
	for _, text := range []string{v.Found, v.Cause, v.Fix} {
		if strings.Contains(text, password) {
			t.Errorf("%s holds the password: %s", v.ID, text)
		}
		if text == v.Fix { // a line for each statement
			text = strings.ReplaceAll(text, "\n", " ")
		}
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf) }) || len([]rune(text)) > 500 {
			t.Errorf("%s is unfit to be shown: %q", v.ID, text)
		}
	}
	if strings.Contains(v.Fix, "<role>") || strings.Contains(v.Fix, "<bundle>") || strings.Contains(v.Fix, "<database>") || strings.Contains(v.Cause, "<role>") {
		t.Errorf("%s has a place that is not filled in: %s %s", v.ID, v.Cause, v.Fix)
	}
}
