package wizard

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

const databasePassword = "correct horse 4711"

// startPrivate is a real server that shows its certificate and the private root
// above it.
func startPrivate(t *testing.T) (*pgtest.Server, *pgtest.Authority) {
	t.Helper()
	ca := pgtest.NewAuthority("Private Root")
	server, err := pgtest.Start(t.Context(), pgtest.Options{
		Access: "host all all 127.0.0.1/32 scram-sha-256\n",
		SQL:    "CREATE ROLE portal LOGIN CREATEDB PASSWORD '" + databasePassword + "';\n",
		Pair:   ca.Issue(pgtest.Certificate{Names: []string{"db.example.com"}, WithRoot: true}),
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

// databaseSession is a run without a cluster whose portal is to use the server at
// port, with TLS.
func databaseSession(t *testing.T, port int, settings Settings, given map[string]string) *Session {
	t.Helper()
	t.Chdir(t.TempDir())
	return databaseSessionHere(t, port, settings, given)
}

// databaseSessionHere is databaseSession in the current directory.
func databaseSessionHere(t *testing.T, port int, settings Settings, given map[string]string) *Session {
	t.Helper()
	settings.NoConfig = true
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	env := &steps.Env{Secrets: secret.Source{Rand: bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 4))},
		Postgres: steps.NewPostgres(steps.PostgresOptions{Dial: dial})}
	s, err := NewSession(steps.Install(), env, settings, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	give(t, s, map[string]string{"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080",
		"identity.issuer": "http://thunder.openchoreo.localhost:8080", "client.id": "portal",
		"database.type": "postgresql", "database.postgresql.host": "db.example.com", "database.postgresql.port": strconv.Itoa(port),
		"database.postgresql.user": "portal", "database.postgresql.database": "backstage", "database.postgresql.ssl": "yes"})
	typeSecret(t, s, "client.secret", "some client secret")
	typeSecret(t, s, "database.postgresql.password", databasePassword)
	give(t, s, given)
	return s
}

// TestAuthorityByItsFingerprint: a private authority is shown, trusted only by its
// fingerprint, and handed to the portal as a file would be.
func TestAuthorityByItsFingerprint(t *testing.T) {
	server, ca := startPrivate(t)
	s := databaseSession(t, server.Port, Settings{}, nil)
	end, err := Headless(t.Context(), s, nil)
	if err != nil || end.Review.Failed() != "database.postgresql.tls" {
		t.Fatalf("%v, failed %q", err, end.Review.Failed())
	}
	fingerprint := ""
	for _, c := range end.Review.Checks {
		if c.ID != "database.postgresql.tls" {
			continue
		}
		_, fingerprint, _ = strings.Cut(c.Hint, "--trust-ca ")
		fingerprint = strings.TrimSuffix(fingerprint, ")")
		for _, part := range []string{`it shows "CN=Private Root", issued by "CN=Private Root", valid 20`, strings.TrimPrefix(fingerprint, "sha256:")} {
			if !strings.Contains(c.Found, part) {
				t.Errorf("no %q in %s", part, c.Found)
			}
		}
		if c.Cure == nil || c.Cure.Key != "database.postgresql.trustCA" || len(c.Cure.Propose) > 0 {
			t.Errorf("the cure is %+v", c.Cure)
		}
	}
	if _, ok := plan.Fingerprint(fingerprint); !ok {
		t.Fatalf("no fingerprint: %q", fingerprint)
	}
	s.UseShown()
	var offered []string
	for _, f := range s.Fields("database") {
		if f.Question.Key == "database.postgresql.trustCA" {
			for _, o := range f.Options {
				offered = append(offered, o.Value+" "+o.Title)
			}
		}
	}
	if got := strings.Join(offered, ", "); got != fingerprint+" CN=Private Root" {
		t.Errorf("offered: %q", got)
	}

	for name, tt := range map[string]struct{ given, problem string }{
		"the authority":               {fingerprint, ""},
		"as openssl writes it":        {"sha256 Fingerprint=" + colons(fingerprint), ""},
		"somebody else's":             {"sha256:" + strings.Repeat("0", 64), "must be of a certificate that db.example.com:" + strconv.Itoa(server.Port) + " shows, which are sha256:"},
		"the server's own, no CA's":   {leaf(t, s), "must be of the authority itself"},
		"of a server that is not one": {fingerprint, "must be of a certificate that db.example.com:1 shows: "},
	} {
		t.Run(name, func(t *testing.T) {
			port := server.Port
			if strings.HasSuffix(tt.problem, ":1 shows: ") {
				port = 1
			}
			s := databaseSession(t, port, Settings{}, map[string]string{"database.postgresql.trustCA": tt.given})
			end, err := Headless(t.Context(), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.problem != "" {
				if len(end.Review.Problems) != 1 || !strings.Contains(end.Review.Problems[0].Message, tt.problem) {
					t.Errorf("problems: %v", end.Review.Problems)
				}
				return
			}
			if !end.Applied || end.Err != nil {
				t.Fatalf("blocked by %q: %v %v", end.Review.Blocked(), end.Review.Problems, end.Err)
			}
			var written struct{ Data map[string][]byte }
			text, err := os.ReadFile("backstage-secrets.yaml")
			if err == nil {
				err = yaml.Unmarshal(text, &written)
			}
			if err != nil || string(written.Data["postgres-ca"]) != string(ca.PEM) {
				t.Errorf("postgres-ca is %q: %v", written.Data["postgres-ca"], err)
			}
			if file, err := os.ReadFile("backstage-values.yaml"); err != nil || !strings.Contains(string(file), "APP_CONFIG_backend_database_connection_ssl_ca") || !strings.Contains(string(file), "ssl: true") {
				t.Errorf("%v\n%s", err, file)
			}
			// A second run has the certificate in the Secret, and asks nobody for it.
			again := databaseSessionHere(t, port, Settings{}, map[string]string{"database.postgresql.trustCA": tt.given})
			if q := again.ProviderQuery(); !q.Empty() {
				t.Errorf("asked again: %+v", q)
			}
			if end, err := Headless(t.Context(), again, nil); err != nil || end.Review.Blocked() != "" || len(end.Outcome.Actions) > 0 {
				t.Errorf("the second run: %v, %q, %+v", err, end.Review.Blocked(), end.Outcome.Actions)
			}
		})
	}
}

// leaf is the fingerprint of the server's own certificate.
func leaf(t *testing.T, s *Session) string {
	t.Helper()
	shown := s.Input().Shown()
	if len(shown.Certificates) != 2 {
		t.Fatalf("shown: %+v", shown)
	}
	return shown.Certificates[0].Fingerprint
}

// colons writes a fingerprint as openssl does.
func colons(fingerprint string) string {
	digits := strings.ToUpper(strings.TrimPrefix(fingerprint, "sha256:"))
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// TestUnverifiedByName: no connection goes unverified unless somebody says so by
// the check's name, and then it is tried as just that.
func TestUnverifiedByName(t *testing.T) {
	server, _ := startPrivate(t)
	unverified := map[string]string{"database.postgresql.verify": "no"}
	for name, tt := range map[string]struct {
		given    map[string]string
		settings Settings
		blocked  string
	}{
		"not accepted":              {unverified, Settings{}, "database.postgresql.unverified"},
		"in a dry run too":          {unverified, Settings{DryRun: true}, "database.postgresql.unverified"},
		"another check is accepted": {unverified, Settings{Accept: []string{"database.postgresql.tls"}}, "database.postgresql.unverified"},
		"accepted":                  {unverified, Settings{Accept: []string{"database.postgresql.unverified"}}, ""},
		"through a variable":        {map[string]string{"database.postgresql.ssl": "no", "environment.extra": "PGSSLMODE=no-verify"}, Settings{}, "database.postgresql.unverified"},
	} {
		t.Run(name, func(t *testing.T) {
			s := databaseSession(t, server.Port, tt.settings, tt.given)
			end, err := Headless(t.Context(), s, nil)
			if err != nil || end.Review.Failed() != tt.blocked {
				t.Fatalf("%v, failed %q, problems %v", err, end.Review.Failed(), end.Review.Problems)
			}
			for _, c := range end.Review.Checks {
				if c.ID == "database.postgresql.tls" && c.Code != "tls.unverified" || c.ID == "database.postgresql.login" && c.Code != "database.ok" {
					t.Errorf("%s: %s %s", c.ID, c.Status, c.Code)
				}
			}
			file, err := os.ReadFile("backstage-values.yaml")
			if tt.blocked != "" {
				if !errors.Is(err, os.ErrNotExist) {
					t.Errorf("written: %v\n%s", err, file)
				}
				return
			}
			for _, part := range []string{"PGSSLMODE", "no-verify"} {
				if !strings.Contains(string(file), part) {
					t.Errorf("no %s in\n%s", part, file)
				}
			}
			if strings.Contains(string(file), "ssl: true") {
				t.Errorf("the chart's ssl is on, and its PGSSLMODE wins:\n%s", file)
			}
			var given answers.Key = "database.postgresql.verify"
			if in := s.Input(); !in.Unverified() || !in.Draft.Given(given) {
				t.Error("the answer is lost")
			}
		})
	}
}
