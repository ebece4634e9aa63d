package e2e_test

import (
	"strings"
	"testing"
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
