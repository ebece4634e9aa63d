package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/check"
)

// TestUpgradeFromNothing goes from an empty namespace to pods that run in one
// command; nothing is left to do, then or in a second run.
func TestUpgradeFromNothing(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	first := s.execute(t, s.environment(clientSecret), s.args("--upgrade", "-o", "json")...)
	r := first.result(t)
	if first.code != 0 || !r.Applied || r.Rollout.Status != "complete" || became(r, "upgrade") != "done" {
		t.Fatalf("exit %d\n%s%s", first.code, first.stdout, first.stderr)
	}
	if d := s.portal(t); d.Status.AvailableReplicas != 1 {
		t.Errorf("%d pods are available", d.Status.AvailableReplicas)
	}
	if mentions(r.Next, "helm upgrade") || mentions(r.Next, "rollout restart") {
		t.Errorf("something is left: %q", r.Next)
	}
	second := s.execute(t, s.environment(clientSecret), s.args("--upgrade", "-o", "json")...)
	if r := second.result(t); second.code != 0 || len(r.Actions)+len(r.Next) != 0 {
		t.Errorf("again: exit %d\n%s", second.code, second.stdout)
	}
	if s.previous(t) {
		t.Error("old values are kept")
	}
}

// TestUpgradeRollsOnce: a new Secret and new values make the pods anew once.
func TestUpgradeRollsOnce(t *testing.T) {
	s := installed(t)
	before := s.rolls(t)
	got := s.execute(t, s.environment("an entirely new one"), s.args("--upgrade", "--set", "environment.logLevel=debug", "-o", "json")...)
	r := got.result(t)
	if got.code != 0 || r.Rollout.Status != "complete" || became(r, "restart") != "unchanged" || became(r, "secret") != "done" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if now := s.rolls(t); now != before+1 {
		t.Errorf("the pods were made anew %d times", now-before)
	}
	// A change of the Secret alone takes no helm, and a restart.
	got = s.execute(t, []string{"CLIENT_SECRET=yet another one"}, s.args("--upgrade", "--set", "environment.logLevel=debug", "-o", "json")...)
	if r := got.result(t); got.code != 0 || became(r, "restart") != "done" || became(r, "upgrade") != "" || s.rolls(t) != before+2 {
		t.Errorf("exit %d, made anew %d times\n%s%s", got.code, s.rolls(t)-before-1, got.stdout, got.stderr)
	}
}

// TestFailedRolloutIsUndone: pods that crash with what is new take everything back
// to what it was: release, Secret, file, and the pods run with it.
func TestFailedRolloutIsUndone(t *testing.T) {
	s := installed(t)
	s.crash(t)
	before, revision := s.state(t), s.helm(t, "history", s.namespace, "-n", s.namespace)
	args := s.args("--upgrade", "--set", "environment.logLevel=error", "--wait", "2s")
	text := s.execute(t, s.environment("never to be used"), args...)
	if text.code != 1 || !strings.Contains(text.stderr, "everything was put back as it was") || !strings.Contains(text.stderr, "--on-failure leave") || !strings.Contains(text.stderr, "exit code 7") {
		t.Errorf("exit %d\n%s", text.code, text.stderr)
	}
	got := s.execute(t, s.environment("never to be used"), append(args, "-o", "json")...)
	r := got.result(t)
	if got.code != 1 || r.Applied || r.Rollout.Status != "rolled-back" || r.Error == nil || r.Error.Code != 1 {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	for id, want := range map[string]string{"file.values": "undone", "secret": "undone", "upgrade": "undone", "rollout": "failed"} {
		if became(r, id) != want {
			t.Errorf("%s is %q", id, became(r, id))
		}
	}
	same(t, "after the failure", before, s.state(t))
	if now := s.helm(t, "history", s.namespace, "-n", s.namespace); now == revision || !strings.Contains(now, "Rollback to 1") {
		t.Errorf("the release was not rolled back:\n%s", now)
	}
	if d := s.portal(t); d.Status.UpdatedReplicas != 1 || d.Status.AvailableReplicas != 1 || d.Status.UnavailableReplicas != 0 {
		t.Errorf("the portal is not up: %+v", d.Status)
	}
	if s.previous(t) {
		t.Error("old values are kept")
	}
}

// TestFailedRolloutIsLeft: everything stays to be looked at, and undo puts it back
// afterwards, from any directory.
func TestFailedRolloutIsLeft(t *testing.T) {
	s := installed(t)
	s.crash(t)
	before := s.state(t)
	got := s.execute(t, s.environment("to be looked at"), s.args("--upgrade", "--set", "environment.logLevel=error", "--wait", "2s", "--on-failure", "leave", "--keep-previous")...)
	if got.code != 1 || !strings.Contains(got.stderr, "what was changed stays") || !strings.Contains(got.stderr, "`backstage-setup undo`") || !strings.Contains(got.stderr, "kubectl -n "+s.namespace+" logs backstage-") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if now := s.state(t); now.Secret["client-secret"] != "to be looked at" || now.Values == before.Values || now.Release == before.Release || !s.previous(t) {
		t.Error("it was not left as it is")
	}
	dry := s.execute(t, s.environment(""), s.undo("--dry-run")...)
	for _, want := range []string{
		"Put back what was changed by install of ", "1. put the old values of Secret " + s.namespace + "/backstage-secrets back", "2. helm rollback " + s.namespace + " 1 ",
		"3. put " + s.file("backstage-values.yaml") + " back as it was", "restart Deployment", "client-secret  set",
	} {
		if !strings.Contains(dry.stdout, want) {
			t.Errorf("%q is not in what would be undone:\n%s%s", want, dry.stdout, dry.stderr)
		}
	}
	if strings.Contains(dry.stdout, "Where values come from") || dry.code != 0 || s.state(t).Secret["client-secret"] != "to be looked at" {
		t.Errorf("dry run: exit %d\n%s", dry.code, dry.stdout)
	}
	planned := s.execute(t, s.environment(""), s.undo("--dry-run", "-o", "json")...).result(t)
	if len(planned.Files) != 1 || planned.Files[0].Path != s.file("backstage-values.yaml") || planned.Files[0].Action != "restored" || became(planned, "undo.secret") != "planned" || planned.Applied {
		t.Errorf("planned: %+v", planned)
	}
	cmd := s.command(t, s.environment(""), s.undo("-o", "json")...)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	r := output{stdout: string(out)}.result(t)
	if err != nil || !r.Applied || r.Flow != "undo" || r.Rollout.Status != "rolled-back" || len(r.Files) != 1 {
		t.Errorf("undo: %v\n%s", err, out)
	}
	same(t, "after undo", before, s.state(t))
	if s.previous(t) {
		t.Error("old values are kept")
	}
	again := s.execute(t, s.environment(""), s.undo()...)
	if again.code != 0 || !strings.Contains(again.stdout, "Nothing to undo") {
		t.Errorf("again: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
}

// TestNoHelmOnThePath is found before anything is written.
func TestNoHelmOnThePath(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	got := s.execute(t, []string{"CLIENT_SECRET=new"}, s.args("--upgrade", "--set", "environment.logLevel=debug", "-o", "json")...)
	if r := got.result(t); got.code != 3 || checkOf(r, "release.helm").Status != check.Fail || !strings.Contains(checkOf(r, "release.helm").Hint, "leave --upgrade out") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	same(t, "without helm", before, s.state(t))
}

// TestHelmRefuses: what the chart's schema refuses is put back, and the pods are
// as they were.
func TestHelmRefuses(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	if err := os.WriteFile(s.file("more.yaml"), []byte("backstage: {service: {port: seven}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := s.args("--upgrade", "-f", "more.yaml", "-f", "backstage-values.yaml", "--set", "environment.logLevel=debug")
	got := s.execute(t, s.environment("new"), args...)
	if got.code != 3 || !strings.Contains(got.stdout, "✗ chart.values") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = s.execute(t, s.environment("new"), append(args, "--accept", "chart.values")...)
	if got.code != 1 || !strings.Contains(got.stderr, "error: helm upgrade: the chart's schema refuses the values") || !strings.Contains(got.stderr, "everything was put back as it was") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if err := os.Remove(s.file("more.yaml")); err != nil {
		t.Fatal(err)
	}
	same(t, "refused", before, s.state(t))
}

// TestPendingRelease: a release whose helm was killed blocks the upgrade; the
// command that is named clears it.
func TestPendingRelease(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	helm := exec.Command(s.Bin+"/helm", "upgrade", s.namespace, s.slow(t), "-n", s.namespace, "-f", "backstage-values.yaml")
	helm.Dir, helm.Env = s.dir, []string{"PATH=" + s.Bin, "HOME=" + s.dir, "KUBECONFIG=" + s.Kubeconfig}
	if err := helm.Start(); err != nil {
		t.Fatal(err)
	}
	s.await(t, "the release to be pending", func() bool {
		return len(s.labelled(t, "owner=helm,status=pending-upgrade")) == 1
	})
	if err := helm.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helm.Wait() // killed
	args := s.args("--upgrade", "--set", "environment.logLevel=debug")
	got := s.execute(t, s.environment("new"), append(args, "-o", "json")...)
	r := got.result(t)
	status := checkOf(r, "release.status")
	if got.code != 3 || status.Status != check.Fail || !strings.Contains(status.Found, "pending-upgrade") || status.Hint != "helm rollback "+s.namespace+" 1 -n "+s.namespace {
		t.Fatalf("exit %d: %+v\n%s%s", got.code, status, got.stdout, got.stderr)
	}
	if out, err := s.shell(t, status.Hint); err != nil {
		t.Fatalf("$ %s\n%s%v", status.Hint, out, err)
	}
	same(t, "after the command", before, s.state(t))
	if got := s.execute(t, s.environment("new"), args...); got.code != 0 {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if now := s.state(t); !strings.Contains(now.Release, "debug") || now.Secret["client-secret"] != "new" {
		t.Errorf("the release was given\n%s", now.Release)
	}
}

// TestHelmIsKilled while the run waits for it: the release is brought back to what
// was deployed.
func TestHelmIsKilled(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	cmd := s.command(t, s.environment("new"), s.args("--chart", s.slow(t), "--upgrade", "--set", "environment.logLevel=debug")...)
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
	if !strings.Contains(stderr.String(), "it was cut off: signal: killed") || !strings.Contains(stderr.String(), "everything was put back as it was") {
		t.Error(stderr.String())
	}
	same(t, "after helm was killed", before, s.state(t))
	if len(s.labelled(t, "owner=helm,status=deployed")) != 1 {
		t.Error("the release is not deployed")
	}
}

// TestChartOfAnotherMinor asks for a word.
func TestChartOfAnotherMinor(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	older := charttest.Version(t, "1.1.0")
	args := s.args("--chart", older, "--upgrade")
	got := s.execute(t, s.environment(clientSecret), append(args, "-o", "json")...)
	minor := checkOf(got.result(t), "chart.minor-change")
	if got.code != 3 || minor.Status != check.Fail || !strings.Contains(minor.Found, "1.2.3") || !strings.Contains(minor.Found, "1.1.0") || !strings.Contains(minor.Hint, "--accept chart.minor-change") {
		t.Fatalf("exit %d: %+v\n%s", got.code, minor, got.stderr)
	}
	same(t, "not accepted", before, s.state(t))
	if got := s.execute(t, s.environment(clientSecret), append(args, "--accept", "chart.minor-change")...); got.code != 0 {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if chart := s.portal(t).Labels["helm.sh/chart"]; chart != "openchoreo-control-plane-1.1.0" {
		t.Errorf("the release is of %s", chart)
	}
}

// await looks until it is so; a machine that is busy may take minutes.
func (s *site) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(3 * time.Minute)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited for %s", what)
		}
	}
}

// labelled lists the Secrets with these labels.
func (s *site) labelled(t *testing.T, selector string) (names []string) {
	t.Helper()
	list, err := s.secrets(t).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names
}

// children are the processes that pid has started, as /proc has it.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("there is no /proc to find child processes in")
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …; the name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}
