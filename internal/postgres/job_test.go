package postgres_test

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// runJob runs the script as a Job's container does, with every name led here; ca are
// the certificates that it is given.
func runJob(t *testing.T, port int, at postgres.Target, ca []byte) []byte {
	t.Helper()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("there is no psql here: apt-get install postgresql-client")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", postgres.JobScript())
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PROBE_DIR=" + t.TempDir(), "PGHOSTADDR=127.0.0.1", "PGHOST=" + at.Host, "PGPORT=" + strconv.Itoa(port),
		"PGUSER=" + at.User, "PGPASSWORD=" + at.Password.Reveal(), "PGSSLMODE=" + at.PsqlMode(), "PROBE_DATABASE=" + at.Entry(), "PROBE_CA=" + string(ca),
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", psql, err, out)
	}
	return out
}

// TestJob: what a Job sees leads to the verdicts that a probe comes to.
func TestJob(t *testing.T) {
	w := theWorld(t)
	stranger := pgtest.NewAuthority("Stranger")
	for _, v := range []struct {
		name   string
		change func(*postgres.Target)
		ca     []byte
		sql    string
		undo   string
		want   string
	}{
		{"good", nil, w.ca.PEM, "", "", "pass database.ok"},
		{"good, with databases there", nil, w.ca.PEM, catalog + "portal", catalogGone, "pass database.ok"},
		{"a database of another role", nil, w.ca.PEM, catalog + "other", catalogGone, "fail plugin.schema"},
		{"no CREATEDB", func(t *postgres.Target) { t.User = "poor" }, w.ca.PEM, "", "", "fail role.createdb"},
		{"an odd name", func(t *postgres.Target) { t.User = `we"ird role` }, w.ca.PEM, "", "", "pass database.ok"},
		{"wrong password", func(t *postgres.Target) { t.Password = secret.New("wrong password") }, w.ca.PEM, "", "", "fail login.password"},
		{"unknown role", func(t *postgres.Target) { t.User = "ghost_trusted" }, w.ca.PEM, "", "", "fail login.unknown"},
		{"may not log in", func(t *postgres.Target) { t.User = "asleep" }, w.ca.PEM, "", "", "fail login.nologin"},
		{"no TLS from here", func(t *postgres.Target) { t.User, t.SSL = "tls_only", false }, nil, "", "", "warn tls.off, fail login.hba.tls"},
		{"without TLS", func(t *postgres.Target) { t.SSL = false }, nil, "", "", "warn tls.off, pass database.ok"},
		{"not verified", func(t *postgres.Target) { t.Mode = postgres.NoVerify }, nil, "", "", "warn tls.unverified, pass database.ok"},
		{"unknown authority", nil, stranger.PEM, "", "", "fail tls.authority"},
		{"another name", func(t *postgres.Target) { t.Host = "other.example.com" }, w.ca.PEM, "", "", "fail tls.host"},
		{"an address", func(t *postgres.Target) { t.Host = "10.0.0.7" }, w.ca.PEM, "", "", "fail target.ip"},
		{"no connection left", func(t *postgres.Target) { t.User = "full" }, w.ca.PEM, "", "", "fail limit.role"},
		{"reads only", func(t *postgres.Target) { t.User = "reader" }, w.ca.PEM, "", "", "fail server.readonly"},
		{"may not connect", func(t *postgres.Target) { t.User = "stranger" }, w.ca.PEM, "", "", "fail database.connect"},
		{"schema mode", func(t *postgres.Target) { t.Layout, t.Database, t.User = postgres.Schema, "postgres", "poor" }, w.ca.PEM, "", "", "fail schema.create"},
		{"nobody has made them", func(t *postgres.Target) { t.Layout = postgres.Precreated }, w.ca.PEM, "", "", "fail database.missing"},
	} {
		t.Run(v.name, func(t *testing.T) {
			w.run(t, "postgres", v.sql)
			defer w.run(t, "postgres", v.undo)
			at := target()
			at.Port = w.Port
			if v.change != nil {
				v.change(&at)
			}
			out := runJob(t, w.Port, at, v.ca)
			if strings.Contains(string(out), at.Password.Reveal()) {
				t.Error("the output holds the password")
			}
			_, verdicts, err := postgres.ReadJob(out, at, small, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			expect(t, verdicts, v.want)
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}

// TestJobElsewhere: servers that cannot be used, as libpq tells of them.
func TestJobElsewhere(t *testing.T) {
	w := theWorld(t)
	standby, err := w.Standby(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Stop()
	plain, err := pgtest.Start(t.Context(), pgtest.Options{Settings: map[string]string{"ssl": "off"}, Access: "host all all 127.0.0.1/32 trust\n", SQL: "CREATE ROLE portal LOGIN CREATEDB;\n"})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Stop()
	for _, v := range []struct {
		name string
		port int
		want string
	}{
		{"a standby", standby.Port, "fail server.standby"},
		{"without TLS", plain.Port, "fail tls.unsupported"},
		{"nothing there", 1, "inconclusive network.refused"},
	} {
		t.Run(v.name, func(t *testing.T) {
			at := target()
			at.Port = v.port
			out := runJob(t, v.port, at, w.ca.PEM)
			_, verdicts, err := postgres.ReadJob(out, at, small, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			expect(t, verdicts, v.want)
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}

// TestJobResultIsRefused: what is no result, half of one, or about another server
// says so and nothing about the server.
func TestJobResultIsRefused(t *testing.T) {
	at := target()
	head := postgres.JobMark + "target db.example.com 5432 verify-full postgres portal\n"
	for name, v := range map[string]struct {
		text, want string
	}{
		"nothing":        {"", "no result of a probe"},
		"something else": {"Error from server (NotFound): jobs.batch not found\n", "no result of a probe"},
		"bytes":          {"\xff\xfe", "no result of a probe"},
		"half":           {head + postgres.JobMark + "ask version postgres\n", "ends in the middle"},
		"no password":    {head + postgres.JobMark + "end\n", "does not tell which password"},
		"no time":        {head + postgres.JobMark + "password " + at.Tag() + "\n" + postgres.JobMark + "end\n", "or when it was made"},
		"another one":    {head + jobHead(at, "0000", seenAt) + postgres.JobMark + "end\n", "this is about another password"},
		"old":            {head + jobHead(at, "", seenAt.Add(-25*time.Hour)) + postgres.JobMark + "end\n", "more than a day ago"},
		"of tomorrow":    {head + jobHead(at, "", seenAt.Add(25*time.Hour)) + postgres.JobMark + "end\n", "check the clock"},
		"another host":   {strings.Replace(head, "db.", "other.", 1) + postgres.JobMark + "end\n", "the result is about"},
	} {
		t.Run(name, func(t *testing.T) {
			_, verdicts, err := postgres.ReadJob([]byte(v.text), at, small, clock)
			if err == nil || !strings.Contains(err.Error(), v.want) || verdicts != nil {
				t.Errorf("%v %v", err, verdicts)
			}
			if strings.Contains(v.want, "no result") != errors.Is(err, postgres.ErrNoResult) {
				t.Errorf("%v", err)
			}
		})
	}
	// A result with nothing in it is no pass.
	report, verdicts, err := postgres.ReadJob([]byte(head+jobHead(at, "", seenAt.Add(-time.Hour))+postgres.JobMark+"end\n"), at, small, clock)
	if err != nil || !report.Asked.Equal(seenAt.Add(-time.Hour)) {
		t.Fatal(report.Asked, err)
	}
	expect(t, verdicts, "inconclusive network.dropped")
}

// seenAt is when the results that are written here were made.
var seenAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return seenAt }

// jobHead is how a Job tells its time and its password, by default at's.
func jobHead(at postgres.Target, tag string, when time.Time) string {
	return postgres.JobMark + "time " + when.Format(time.RFC3339) + "\n" + postgres.JobMark + "password " + cmp.Or(tag, at.Tag()) + "\n"
}

// TestTag: it changes with all that it is of, and is short.
func TestTag(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*postgres.Target){
		"same":     func(*postgres.Target) {},
		"host":     func(t *postgres.Target) { t.Host = "other.example.com" },
		"port":     func(t *postgres.Target) { t.Port = 5433 },
		"user":     func(t *postgres.Target) { t.User = "other" },
		"password": func(t *postgres.Target) { t.Password = secret.New("other password") },
	} {
		at := target()
		change(&at)
		tag := at.Tag()
		if other, there := seen[tag]; there || len(tag) != 4 {
			t.Errorf("%s: %q, as %s", name, tag, other)
		}
		seen[tag] = name
	}
	at := target()
	blank := at
	blank.Password = secret.New(at.Password.Reveal() + "\n")
	if at.Tag() != blank.Tag() {
		t.Error("Backstage reads both as one password")
	}
}

// FuzzReadJob: whatever is pasted, every verdict can be shown, and nothing passes
// that no server has said.
func FuzzReadJob(f *testing.F) {
	head := postgres.JobMark + "target db.example.com 5432 verify-full postgres portal\n" + jobHead(target(), "", seenAt)
	f.Add(head + postgres.JobMark + "end\n")
	f.Add(head + postgres.JobMark + "ask version postgres\n" + postgres.JobMark + "row PostgreSQL 17.1\t17.1\t170001\n" + postgres.JobMark + "end\n")
	f.Add(head + postgres.JobMark + "ask version postgres\n" + postgres.JobMark + "error psql: error: FATAL:  password authentication failed for user \"portal\"\n" + postgres.JobMark + "end\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, verdicts, err := postgres.ReadJob([]byte(text), target(), small, clock)
		if err == nil && len(verdicts) == 0 {
			t.Error("nothing is said")
		}
		for _, v := range verdicts {
			presentable(t, v)
		}
	})
}
