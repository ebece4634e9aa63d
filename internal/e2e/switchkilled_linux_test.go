package e2e_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestSwitchKilled: a switch to PostgreSQL is killed after each line that it
// writes. The volume is there all the time; the next run ends where the first
// would have, or undo puts everything back.
func TestSwitchKilled(t *testing.T) {
	s, host := onVolume(t)
	s.logs(t, "Listening on :7007")
	volume, there := s.claim(t).uid, s.toPostgres(host, "--upgrade")
	back := func(title string) {
		t.Helper()
		if got := s.execute(t, s.switching(), s.database("sqlite", "--upgrade")...); got.code != 0 {
			t.Fatalf("%s: back: exit %d\n%s", title, got.code, got.stderr)
		}
		claim := s.claim(t)
		if claim.uid != volume {
			t.Fatalf("%s: back: the volume is %v", title, claim)
		}
		// As if it had never been left.
		if out, err := s.shell(t, "kubectl annotate pvc backstage-db helm.sh/resource-policy- -n "+s.namespace+
			` && kubectl patch secret backstage-secrets -n `+s.namespace+` --type=json -p '[`+strings.Join([]string{remove("host"), remove("port"), remove("user"), remove("password"), remove("db")}, ",")+`]'`); err != nil {
			t.Fatalf("%s%v", out, err)
		}
	}
	whole := s.execute(t, s.switching(), there...)
	if whole.code != 0 {
		t.Fatal(whole.stderr)
	}
	back("at first")
	found := 0
	for i, at := range moments(whole.stderr) {
		title := fmt.Sprintf("killed after %d bytes", at.room)
		before := s.state(t)
		s.kill(t, s.hold(t, s.switching(), at, there...))
		journal := s.previous(t)
		if s.claim(t).uid != volume {
			t.Fatalf("%s: the volume is gone", title)
		}
		if i%3 == 1 && journal {
			found++
			if got := s.execute(t, s.environment(""), s.undo()...); got.code != 0 {
				t.Fatalf("%s: undo: exit %d\n%s", title, got.code, got.stderr)
			}
			same(t, title+", undo", before, s.state(t))
		} else {
			got := s.execute(t, s.switching(), there...)
			claim := s.claim(t)
			if got.code != 0 || claim.uid != volume || !claim.kept() || s.variable(t, "DATABASE_CLIENT") != "pg" || string(s.secret(t).Data["postgres-password"]) != oddPassword {
				t.Fatalf("%s: the next run: exit %d, claim %v\n%s", title, got.code, claim, got.stderr)
			}
			if again := s.execute(t, s.switching(), append(there, "-o", "json")...).result(t); len(again.Actions) > 0 {
				t.Errorf("%s: one more run still does %v", title, again.Actions)
			}
			back(title)
		}
		if s.previous(t) {
			t.Fatalf("%s: old values are kept", title)
		}
	}
	if found == 0 {
		t.Error("no run left anything to undo")
	}
}

// TestSwitchWhoseHelmIsKilled: a release that is pending takes no upgrade, and goes
// back all the same.
func TestSwitchWhoseHelmIsKilled(t *testing.T) {
	s, host := onVolume(t)
	before := s.state(t)
	cmd := s.command(t, s.switching(), append(s.toPostgres(host, "--upgrade"), "--chart", s.slow(t))...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.await(t, "helm to be at work", func() bool { return len(s.labelled(t, "owner=helm,status=pending-upgrade")) == 1 })
	for _, pid := range children(t, cmd.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if !strings.Contains(stderr.String(), "not by an upgrade: ") || !strings.Contains(stderr.String(), "everything was put back as it was") {
		t.Error(stderr.String())
	}
	same(t, "after helm was killed", before, s.state(t))
	if len(s.labelled(t, "owner=helm,status=deployed")) != 1 || s.previous(t) {
		t.Error("the release is not deployed, or old values are kept")
	}
}

func remove(key string) string { return `{"op":"remove","path":"/data/postgres-` + key + `"}` }
