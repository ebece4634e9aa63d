package postgres_test

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// TestActivity: who uses the server's connections is counted with the rights that
// every role has; whether they are idle takes pg_monitor; a view that nobody may read
// is no fault of the server.
func TestActivity(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	w.run(t, "postgres", catalog+"portal")
	defer w.run(t, "postgres", catalogGone)
	for _, held := range []struct {
		role, database string
		times          int
	}{{"other", "postgres", 4}, {"reader", "postgres", 1}, {"portal", "postgres", 2}, {"portal", "backstage_plugin_catalog", 3}} {
		who := target()
		who.User = held.role
		for range held.times {
			release, verdicts := c.Hold(t.Context(), who, held.database)
			defer release()
			expect(t, verdicts, "")
		}
	}
	small := postgres.Budget{Replicas: 1, Pool: 1}
	ask := func(want string) postgres.Report {
		t.Helper()
		r, verdicts := c.Probe(t.Context(), target(), small)
		expect(t, verdicts, want)
		return r
	}
	r := ask("pass database.ok")
	if l := r.Limits; !l.Counted || l.Own != 3 || l.Elsewhere != 2 || l.Others < 7 || l.Free() != 40-3-l.Others {
		t.Errorf("limits %+v", l)
	}
	for _, words := range []string{"of 40, 3 are reserved and ", "other 4", "portal 2", "whether they are idle is shown to members of pg_monitor only", "; Backstage's databases have 3 more of portal"} {
		if !strings.Contains(r.InUse(), words) {
			t.Errorf("no %q in %q", words, r.InUse())
		}
	}

	w.run(t, "postgres", "GRANT pg_monitor TO portal")
	r = ask("pass database.ok")
	w.run(t, "postgres", "REVOKE pg_monitor FROM portal")
	if text := r.InUse(); strings.Contains(text, "pg_monitor") || !strings.Contains(text, " are idle") {
		t.Errorf("with pg_monitor: %q", text)
	}

	// What the role has open for something else counts for its own limit.
	w.run(t, "postgres", "ALTER ROLE portal CONNECTION LIMIT 16")
	_, verdicts := c.Probe(t.Context(), target(), postgres.Budget{Replicas: 1, Pool: 2})
	w.run(t, "postgres", "ALTER ROLE portal CONNECTION LIMIT -1")
	expect(t, verdicts, "warn limit.role.budget, pass database.ok")
	if !strings.HasPrefix(verdicts[0].Found, "the role's connection limit leaves 14 connections (of 16, 2 are in use for something else)") {
		t.Error(verdicts[0].Found)
	}

	w.run(t, "postgres", "REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC")
	defer w.run(t, "postgres", "GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC")
	r, verdicts = c.Probe(t.Context(), target(), small)
	expect(t, verdicts, "warn limit.unmeasured, pass database.ok")
	if r.Limits.Counted || r.Limits.Free() != 37 || !strings.Contains(r.InUse(), "how many others use is not counted") {
		t.Errorf("%+v: %q", r.Limits, r.InUse())
	}
	w.run(t, "postgres", strings.SplitN(verdicts[0].Fix, "\n", 2)[1])
	ask("pass database.ok")
	w.run(t, "postgres", "REVOKE SELECT ON pg_catalog.pg_stat_activity FROM portal")
}
