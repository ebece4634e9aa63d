package e2e_test

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// TestDatabaseIsConfirmed: after the roll-out of a switch the portal is seen to run
// with the other database, and a Deployment that does not is put back.
func TestDatabaseIsConfirmed(t *testing.T) {
	s := installed(t)
	host := startInCluster(t, s)
	on := func(kind string, args ...string) checked {
		d := desk{site: s}
		return d.json(t, append(s.environment(clientSecret), "PG_PASSWORD="+oddPassword), append([]string{"database", kind, "--yes", "--upgrade", "-o", "json", "-n", s.namespace,
			"--release", s.namespace, "--chart", s.chart}, args...)...)
	}
	server := []string{"--set", "database.postgresql.host=" + host, "--set", "database.postgresql.user=portal", "--set", "database.postgresql.database=backstage",
		"--set", "database.postgresql.password=env:PG_PASSWORD", "--set", "database.postgresql.layout=per-plugin"}
	s.await(t, "the server's pod to take connections", func() bool {
		return on("postgresql", append([]string{"--dry-run"}, server...)...).status("database.postgresql.reach") == "pass"
	})
	got := on("postgresql", server...)
	if got.code != 0 || !got.Applied || became(got.result(t), "database.confirm") != "done" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	for _, words := range []string{"see whether the portal runs with PostgreSQL", "Backstage's databases that are there: backstage_plugin_catalog"} {
		if !strings.Contains(got.stderr, words) {
			t.Errorf("no %q in\n%s", words, got.stderr)
		}
	}
	if got = on("sqlite"); got.code != 0 || became(got.result(t), "database.confirm") != "done" || !strings.Contains(got.stderr, "runs with SQLite") {
		t.Errorf("back: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestDatabaseIsConfirmedLater: where the operator runs the upgrade, the run after
// it confirms the database by what the first one saw of the server, keeps the way
// back while it cannot tell, and drops it when it can.
func TestDatabaseIsConfirmedLater(t *testing.T) {
	s := installed(t)
	server, host := serverBehind(t, s)
	sql := func(statement string) {
		t.Helper()
		if err := server.SQL(t.Context(), "postgres", statement); err != nil {
			t.Fatal(err)
		}
	}
	sql("DROP DATABASE backstage_plugin_catalog")
	sql("CREATE DATABASE backstage_plugin_old OWNER portal")
	there := s.toPostgres(host, "--keep-previous", "-o", "json")
	s.await(t, "the server's pod to take connections", func() bool {
		got := s.execute(t, s.switching(), append(there, "--dry-run")...)
		return checkOf(got.result(t), "database.postgresql.reach").Status == check.Pass
	})
	got := s.execute(t, s.switching(), there...)
	if got.code != 0 || !s.previous(t) {
		t.Fatalf("exit %d, old values are kept: %t\n%s%s", got.code, s.previous(t), got.stdout, got.stderr)
	}
	upgraded := false
	for _, line := range got.result(t).Next {
		if strings.HasPrefix(line, "helm upgrade ") || strings.HasPrefix(line, "kubectl rollout status ") {
			if out, err := s.shell(t, line); err != nil {
				t.Fatalf("$ %s\n%s%v", line, out, err)
			}
			upgraded = true
		}
	}
	if !upgraded {
		t.Fatalf("no upgrade is left: %q", got.result(t).Next)
	}

	// Nothing can be asked.
	sql("ALTER ROLE portal NOLOGIN")
	got = s.execute(t, s.switching(), append(there, "--accept", "database.postgresql.login")...)
	if got.code != 0 || !s.previous(t) || !strings.Contains(got.stdout, "not confirmed: ") || !strings.Contains(got.stdout, "kubectl delete secret backstage-secrets-previous -n "+s.namespace) {
		t.Fatalf("blind: exit %d, old values are kept: %t\n%s%s", got.code, s.previous(t), got.stdout, got.stderr)
	}

	// The portal has made its databases since, which the first run did not see.
	sql("ALTER ROLE portal LOGIN")
	sql("CREATE DATABASE backstage_plugin_catalog OWNER portal")
	got = s.execute(t, s.switching(), there...)
	if got.code != 0 || s.previous(t) || became(got.result(t), "database.confirm") != "done" || strings.Contains(got.stdout, "not confirmed: ") {
		t.Errorf("exit %d, old values are kept: %t\n%s%s", got.code, s.previous(t), got.stdout, got.stderr)
	}
}
