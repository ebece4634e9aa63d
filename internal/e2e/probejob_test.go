package e2e_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// jobAnswers are those of a portal on the server of cloudNative.
func (s *site) jobAnswers(t *testing.T, host string) []string {
	t.Helper()
	for name, text := range map[string]string{
		"client": clientSecret, "pg": candidatePassword, "secrets.yaml": "client:\n  secret: {file: client}\ndatabase:\n  postgresql:\n    password: {file: pg}\n",
	} {
		if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"install", "-n", s.namespace, "--release", s.namespace, "--chart", s.chart, "--delivery", "manifest", "--answers", "secrets.yaml",
		"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
		"--set", "identity.provider=thunder", "--set", "client.id=portal", "--set", "database.type=postgresql", "--set", "database.postgresql.host=" + host,
		"--set", "database.postgresql.user=app", "--set", "database.postgresql.database=app", "--set", "database.postgresql.ssl=false"}
}

// TestProbeJob: where no port-forward is allowed, a Job is printed that the cluster
// takes, and its log is read in place of asking.
func TestProbeJob(t *testing.T) {
	s := newSite(t)
	host, _ := cloudNative(t, s, "CREATEDB")
	user := "job-" + s.namespace
	role := s.execute(t, []string{"KUBECONFIG="}, "rbac", "-n", s.namespace, "--release", s.namespace, "--subject", "user:"+user)
	theirs := s.as(t, user, []byte(role.stdout), s.rights())
	args := theirs.jobAnswers(t, host)

	refused := theirs.execute(t, nil, append(args, "--yes")...)
	if refused.code != 3 || !strings.Contains(refused.stderr+refused.stdout, "--probe-job prints a Job") {
		t.Errorf("without the right: exit %d\n%s%s", refused.code, refused.stdout, refused.stderr)
	}
	printed := theirs.execute(t, nil, append(args, "--probe-job")...)
	if printed.code != 0 || strings.Contains(printed.stdout+printed.stderr, candidatePassword) {
		t.Fatalf("exit %d\n%s%s", printed.code, printed.stdout, printed.stderr)
	}
	for _, want := range []string{"create secret generic backstage-setup-probe", "apply -f -", "wait --for=condition=complete", "logs job/backstage-setup-probe > probe.txt", "delete job/backstage-setup-probe secret/backstage-setup-probe"} {
		if !strings.Contains(printed.stderr, want) {
			t.Errorf("no %q in\n%s", want, printed.stderr)
		}
	}
	s.ApplyManifest(t, []byte(printed.stdout)) // by an administrator: creating Jobs is no right of a run's

	tag := postgres.Target{Host: host, Port: 5432, User: "app", Password: secret.New(candidatePassword)}.Tag()
	good := strings.NewReplacer("HOST", host, "TAG", tag, "NOW", time.Now().UTC().Format(time.RFC3339)).Replace(`backstage-setup-probe: target HOST 5432 disable postgres app
backstage-setup-probe: time NOW
backstage-setup-probe: password TAG
backstage-setup-probe: ask version postgres
backstage-setup-probe: error psql: error: connection to server at "HOST" (10.1.2.3), port 5432 failed: FATAL:  password authentication failed for user "app"
backstage-setup-probe: end
`)
	for name, test := range map[string]struct{ text, want string }{
		"a result":       {good, "login.password"},
		"another's":      {strings.Replace(good, ": password "+tag, ": password 0000", 1), "this is about another password"},
		"something else": {"Error from server (NotFound)\n", "there is no result of a probe in it"},
	} {
		if err := os.WriteFile(theirs.file("probe.txt"), []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := theirs.execute(t, nil, append(args, "--yes", "-o", "json", "--probe-result", "probe.txt")...)
		if got.code != 3 || !strings.Contains(got.stdout, test.want) || strings.Contains(got.stdout, "network.") {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	desk{site: theirs}.nothingWritten(t)

	// On the screen: the Job goes into a file, its log is pasted.
	screen := theirs.terminal(t, 130, 45, args...)
	screen.Forbid(candidatePassword)
	screen.Expect("o ask with a Job")
	screen.Press("o", "Ask PostgreSQL from inside the cluster")
	screen.Press("\x1b[B", "● Paste the result")
	screen.Press("\x1b[B", "● Write the Job's manifest")
	screen.Press("\r", "The Job is in backstage-setup-probe.yaml")
	screen.Press("\r", "All of the Job's log")
	screen.Press("\x1b[200~"+good+"\x1b[201~", "pasted as a whole")
	screen.Send("\r")
	screen.Expect("the password is wrong")
	screen.Send("\x03\x03")
	screen.Wait()
	text, err := os.ReadFile(theirs.file("backstage-setup-probe.yaml"))
	if err != nil || !bytes.Contains(text, []byte("kind: Job")) || bytes.Contains(text, []byte(candidatePassword)) {
		t.Errorf("%v\n%s", err, text)
	}

	// Line by line: it is printed, to be copied.
	lines := theirs.terminal(t, 130, 45, append(args, "--plain")...)
	lines.Forbid(candidatePassword)
	lines.Expect("`job` prints a Job")
	lines.Send("job\r")
	lines.Expect("and paste what is in probe.txt")
	lines.Send("result\r")
	for line := range strings.Lines(good) {
		lines.Expect("The Job's log")
		lines.Send(strings.TrimSuffix(line, "\n") + "\r")
	}
	lines.Expect("SQLSTATE 28P01", "cannot be applied")
	lines.Send("\x03")
	lines.Wait()
}

// nothingWritten fails when a values file or a manifest was written.
func (d desk) nothingWritten(t *testing.T) {
	t.Helper()
	for _, name := range []string{"backstage-values.yaml", "backstage-secrets.yaml"} {
		if _, err := os.Stat(d.file(name)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}
