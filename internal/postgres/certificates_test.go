package postgres_test

import (
	"context"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// show lets the server show another certificate, and returns when it does.
func (w *world) show(t *testing.T, p pgtest.Pair) {
	t.Helper()
	if err := w.Certificate(p); err != nil {
		t.Fatal(err)
	}
	w.run(t, "postgres", "SELECT pg_reload_conf()")
	for range 2000 { // each a connection: seconds
		if shown, _ := w.client(t).Chain(t.Context(), target()); len(shown.Chain) > 0 && strings.HasPrefix(string(p.Chain), string(shown.Chain[0].PEM)) {
			return
		}
	}
	t.Fatal("the server does not take its certificate")
}

// certificates are what the real server shows, and what Node.js would make of it.
var certificates = []struct {
	name, fact, want string
	shown            func(ca, below *pgtest.Authority) pgtest.Pair
	config           func(c *postgres.Config, ca, below *pgtest.Authority)
	change           func(*postgres.Target)
}{
	{name: "a public authority", fact: "3.2 bundled list", want: "pass database.ok", shown: issue(pgtest.Certificate{Names: []string{host}})},
	{name: "a public authority with the chain", fact: "3.2", want: "pass database.ok", shown: issueBelow(pgtest.Certificate{Names: []string{host}})},
	{name: "wildcard", fact: "3.2 name", want: "pass database.ok", shown: issue(pgtest.Certificate{Names: []string{"*.example.com"}})},
	{name: "common name alone", fact: "3.2 name; tls.checkServerIdentity", want: "pass database.ok", shown: issue(pgtest.Certificate{Subject: host})},
	{name: "name with a dot at the end", fact: "3.2 name", want: "pass database.ok", shown: issue(pgtest.Certificate{Names: []string{host}}), change: func(t *postgres.Target) { t.Host = host + "." }},
	{name: "private leaf only", fact: "3.2 UNABLE_TO_VERIFY_LEAF_SIGNATURE", want: "fail tls.authority", shown: issue(pgtest.Certificate{Names: []string{host}}), config: nobody},
	{name: "private chain with the root", fact: "3.2 SELF_SIGNED_CERT_IN_CHAIN; operators B2", want: "fail tls.authority", shown: issue(pgtest.Certificate{Names: []string{host}, WithRoot: true}), config: nobody},
	{name: "private chain without the root", fact: "3.2", want: "fail tls.authority", shown: issueBelow(pgtest.Certificate{Names: []string{host}}), config: nobody},
	{name: "self-signed", fact: "3.2 DEPTH_ZERO_SELF_SIGNED_CERT", want: "fail tls.selfsigned", shown: issue(pgtest.Certificate{Names: []string{host}, SelfSigned: true})},
	{name: "wrong name", fact: "3.2 ERR_TLS_CERT_ALTNAME_INVALID; operators B3", want: "fail tls.host", shown: issue(pgtest.Certificate{Names: []string{"db.example.org"}})},
	{name: "no name", fact: "3.2 ERR_TLS_CERT_ALTNAME_INVALID", want: "fail tls.host", shown: issue(pgtest.Certificate{})},
	{name: "names but for the common name", fact: "3.2; tls.checkServerIdentity", want: "fail tls.host", shown: issue(pgtest.Certificate{Subject: host, Names: []string{"db.example.org"}})},
	{name: "address in the certificate", fact: "3.2 IP", want: "fail target.ip", shown: issue(pgtest.Certificate{IPs: []net.IP{net.IPv4(192, 0, 2, 7)}}), change: func(t *postgres.Target) { t.Host = "192.0.2.7" }},
	{name: "expired", fact: "3.2", want: "fail tls.expired", shown: issue(pgtest.Certificate{Names: []string{host}, After: time.Now().Add(-time.Hour)})},
	{name: "of the future", fact: "3.2", want: "fail tls.early", shown: issue(pgtest.Certificate{Names: []string{host}, Before: time.Now().Add(time.Hour)})},
	{name: "soon expired", fact: "3.2", want: "warn tls.expiring, pass database.ok", shown: issue(pgtest.Certificate{Names: []string{host}, After: time.Now().Add(48 * time.Hour)})},
	{name: "for clients", fact: "3.2", want: "fail tls.certificate", shown: issue(pgtest.Certificate{Names: []string{host}, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})},
	{name: "chain incomplete", fact: "3.2", want: "fail tls.incomplete", shown: issueBelow(pgtest.Certificate{Names: []string{host}, Alone: true, IssuerURL: "http://ca.example.com/below.crt"})},
	{name: "chain incomplete, CA file", fact: "3.2", want: "fail tls.incomplete", shown: issueBelow(pgtest.Certificate{Names: []string{host}, Alone: true}), config: given},
	{name: "CA file", fact: "3.2 ssl.ca; chart.md 2.5 a", want: "pass database.ok", shown: issue(pgtest.Certificate{Names: []string{host}}), config: given},
	{name: "CA file with the chain", fact: "3.2 ssl.ca", want: "pass database.ok", shown: issueBelow(pgtest.Certificate{Names: []string{host}}), config: given},
	{name: "CA file without the root", fact: "3.2 ssl.ca; OpenSSL wants the root", want: "fail tls.partial", shown: issueBelow(pgtest.Certificate{Names: []string{host}}), config: func(c *postgres.Config, _, below *pgtest.Authority) {
		c.CA, c.Public = below.PEM, x509.NewCertPool()
	}},
	{name: "CA file of another", fact: "3.2 ssl.ca replaces the list", want: "fail tls.public", shown: issue(pgtest.Certificate{Names: []string{host}}), config: func(c *postgres.Config, _, _ *pgtest.Authority) {
		c.CA = pgtest.NewAuthority("Somebody Else").PEM
	}},
	{name: "expired, unverified", fact: "3.2 no-verify", want: "warn tls.unverified, pass database.ok", shown: issue(pgtest.Certificate{Names: []string{"x"}, After: time.Now().Add(-time.Hour)}), change: unverified},
}

func issue(c pgtest.Certificate) func(ca, below *pgtest.Authority) pgtest.Pair {
	return func(ca, _ *pgtest.Authority) pgtest.Pair { return ca.Issue(c) }
}

func issueBelow(c pgtest.Certificate) func(ca, below *pgtest.Authority) pgtest.Pair {
	return func(_, below *pgtest.Authority) pgtest.Pair { return below.Issue(c) }
}

func nobody(c *postgres.Config, _, _ *pgtest.Authority) { c.Public = x509.NewCertPool() }

func given(c *postgres.Config, ca, _ *pgtest.Authority) {
	c.CA, c.Public = ca.PEM, x509.NewCertPool()
}

func TestCertificates(t *testing.T) {
	w := theWorld(t)
	below := w.ca.Intermediate("Test Intermediate")
	defer w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}}))
	for _, v := range certificates {
		t.Run(v.name, func(t *testing.T) {
			w.show(t, v.shown(w.ca, below))
			config := postgres.Config{Dial: dial(w.Port), Public: w.ca.Pool()}
			if v.config != nil {
				v.config(&config, w.ca, below)
			}
			ask := target()
			if v.change != nil {
				v.change(&ask)
			}
			report, verdicts := client(t, config).Probe(t.Context(), ask, small)
			expect(t, verdicts, v.want)
			if report.TLS != nil && report.TLS.Verified != strings.HasSuffix(v.want, "pass database.ok") && ask.Mode == postgres.Verify {
				t.Errorf("verified is %v", report.TLS.Verified)
			}
		})
	}
}

// TestChain fetches the authority of a server, and trusts it then.
func TestChain(t *testing.T) {
	w := theWorld(t)
	w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}, WithRoot: true}))
	defer w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}}))
	ask := target()
	ask.User, ask.Password = "", secret.Text{}
	shown, verdicts := client(t, postgres.Config{Dial: dial(w.Port), Public: x509.NewCertPool()}).Chain(t.Context(), ask)
	expect(t, verdicts, "fail tls.authority")
	root, ok := shown.Authority()
	if !ok || string(root) != string(w.ca.PEM) || len(shown.Chain) != 2 || shown.Chain[1].Subject != "CN=Test Root" || len(shown.Chain[1].SHA256) != 64 {
		t.Fatalf("chain %+v", shown.Chain)
	}
	_, verdicts = client(t, postgres.Config{Dial: dial(w.Port), CA: root}).Chain(t.Context(), ask)
	expect(t, verdicts, "pass tls.ok")
	_, verdicts = client(t, postgres.Config{Dial: dial(w.Port), CA: root}).Probe(t.Context(), target(), small)
	expect(t, verdicts, "pass database.ok")
	ask.Host = "192.0.2.7"
	shown, verdicts = client(t, postgres.Config{Dial: dial(w.Port), CA: root}).Chain(t.Context(), ask)
	expect(t, verdicts, "fail target.ip, fail tls.host")
	if len(shown.Chain) != 2 {
		t.Errorf("chain %+v", shown.Chain)
	}
}

// TestOneSelfSigned trusts a certificate that is signed by itself, when it is
// given.
func TestOneSelfSigned(t *testing.T) {
	w := theWorld(t)
	w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}, SelfSigned: true}))
	shown, verdicts := w.client(t).Chain(t.Context(), target())
	expect(t, verdicts, "fail tls.selfsigned")
	itself, ok := shown.Authority()
	if !ok {
		t.Fatalf("chain %+v", shown.Chain)
	}
	_, verdicts = client(t, postgres.Config{Dial: dial(w.Port), CA: itself}).Probe(t.Context(), target(), small)
	expect(t, verdicts, "pass database.ok") // as Node.js 20 has it
	w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}}))
}

// TestNoTLS is a server that has none.
func TestNoTLS(t *testing.T) {
	w := theWorld(t)
	w.run(t, "postgres", "ALTER SYSTEM SET ssl = off; SELECT pg_reload_conf();")
	defer func() {
		w.run(t, "postgres", "ALTER SYSTEM RESET ssl; SELECT pg_reload_conf();")
		w.show(t, w.ca.Issue(pgtest.Certificate{Names: []string{host}}))
	}()
	c := w.client(t)
	for range 2000 {
		if _, verdicts := c.Chain(t.Context(), target()); outcome(verdicts) == "fail tls.unsupported" {
			break
		}
	}
	_, verdicts := c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "fail tls.unsupported") // 3.2; operators B4
	ask := target()
	ask.SSL = false
	_, verdicts = c.Probe(t.Context(), ask, small)
	expect(t, verdicts, "warn tls.off, pass database.ok")
}

// TestOwnListOnly: this machine's own list of authorities counts for nothing, in
// either direction.
func TestOwnListOnly(t *testing.T) {
	w := theWorld(t)
	file := t.TempDir() + "/roots.pem"
	if err := pgtest.Write(file, string(w.ca.PEM)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	t.Setenv("PGSSLROOTCERT", file)
	_, verdicts := client(t, postgres.Config{Dial: dial(w.Port)}).Probe(context.WithoutCancel(t.Context()), target(), small)
	expect(t, verdicts, "fail tls.authority")
}

// TestMozilla: Node.js's list has the authorities of Azure and Neon, and not
// Amazon's own for RDS (3.2).
func TestMozilla(t *testing.T) {
	subjects := postgres.PublicSubjects()
	for _, name := range []string{"DigiCert Global Root G2", "Microsoft RSA Root Certificate Authority 2017", "ISRG Root X1", "Amazon Root CA 1"} {
		if !strings.Contains(subjects, "CN="+name) {
			t.Errorf("%s is missing", name)
		}
	}
	if strings.Contains(subjects, "RDS") || len(subjects) < 4000 {
		t.Errorf("the list is odd: %s", subjects)
	}
}

// TestNames holds names against Node.js's rules (lib/tls.js, checked by hand with
// Node.js 20).
func TestNames(t *testing.T) {
	for _, v := range []struct {
		pattern, host string
		want          bool
	}{
		{"db.example.com", "db.example.com", true},
		{"DB.Example.COM.", "db.example.com", true},
		{"*.example.com", "db.example.com", true},
		{"*.example.com", "a.db.example.com", false},
		{"*.example.com", "example.com", false},
		{"*.com", "example.com", false},
		{"*", "localhost", false},
		{"d*.example.com", "db.example.com", true},
		{"d*x.example.com", "db.example.com", false},
		{"d*b.example.com", "db.example.com", true},
		{"db*b.example.com", "db.example.com", false},
		{"**.example.com", "db.example.com", false},
		{"db.*.com", "db.example.com", false},
		{"xn--*.example.com", "xn--a.example.com", false},
		{"db..com", "db..com", false},
		{"dé.example.com", "dé.example.com", false},
		{"", "db", false},
		{"db", "db", true},
	} {
		if got := postgres.Covers(v.pattern, v.host); got != v.want {
			t.Errorf("%q covers %q: %v", v.pattern, v.host, got)
		}
	}
}
