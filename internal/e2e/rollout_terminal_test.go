package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/terminaltest"
)

const newSecret = "c4n4ry-n3w-Client-Secret-51aa"

// pods lets new pods of the namespace take this status and keep it. A namespace
// that is not there takes that back.
func (s *site) pods(t *testing.T, namespace, status string) {
	t.Helper()
	s.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pods-%[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.namespace, operator: In, values: [%[2]s]}
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.podIP, operator: DoesNotExist}
  weight: 1
  next:
    statusTemplate: |
      podIP: 10.1.99.99
      %[3]s`, s.namespace, namespace, strings.ReplaceAll(strings.TrimSpace(status), "\n", "\n      ")))
}

// logs lets the portal's containers have written this before they ended.
func (s *site) logs(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"now", "before"} {
		line := "2026-01-02T03:04:05.000000006Z stdout F " + text + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: logs-%[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{containers: [backstage], logsFile: %[2]s/now, previousLogsFile: %[2]s/before}]
`, s.namespace, dir))
}

// rotates begins to give an installed portal another client secret, on the full
// screen, up to the roll-out.
func (s *site) rotates(t *testing.T, cols, rows int) *terminaltest.Terminal {
	t.Helper()
	args := s.args()
	for i, arg := range args {
		if arg == "--yes" {
			args = append(args[:i:i], args[i+1:]...)
			break
		}
	}
	screen := terminaltest.Start(t, s.command(t, s.environment(newSecret), args...), cols, rows)
	screen.Forbid(newSecret)
	screen.Expect("Enter goes on")
	screen.Send("\x07")
	screen.Expect("Apply these", "checks passed")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "Applying")
	return screen
}

// chooses moves in a menu, once that takes keys, to what is chosen then, and
// takes it.
func chooses(screen *terminaltest.Terminal, keys, chosen string) {
	screen.Expect("↑↓ choose")
	screen.Send(keys)
	screen.Expect("● " + chosen)
	screen.Send("\r")
}

func (s *site) holds(t *testing.T, want string) {
	t.Helper()
	if got := string(s.secret(t).Data["client-secret"]); got != want {
		t.Errorf("the Secret has %q, want %q", got, want)
	}
}

// TestStuckRolloutIsUndone: what no waiting cures is asked about before the
// deadline, and undoing puts the old secret back and brings the portal up with it.
func TestStuckRolloutIsUndone(t *testing.T) {
	s := installed(t)
	s.pods(t, s.namespace, `
phase: Pending
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 0
  state: {waiting: {reason: CreateContainerConfigError, message: 'couldn''t find key postgres-password in Secret ns/backstage-secrets'}}
`)
	screen := s.rotates(t, 140, 40)
	screen.Expect("CreateContainerConfigError", "not ready", "old template", "Ctrl+C stops waiting")
	screen.Expect("The portal will not come up: waiting does not help.", "● Wait on")
	s.holds(t, newSecret)
	s.pods(t, "nowhere", "phase: Pending")
	chooses(screen, "\x1b[B", "Undo: put everything back as it was")
	screen.Expect("It could not be applied.")
	s.holds(t, clientSecret)
	if s.previous(t) {
		t.Error("the old values are still kept")
	}
	chooses(screen, "\x1b[B", "Leave")
	if code := screen.Wait(); code != 1 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
}

// TestCancelledRolloutIsLeftAndUndoneLater: Ctrl-C asks at once; who leaves finds
// the run again, and can undo it from the question about it. What a crashed
// container has logged is explained, and secrets in it do not show.
func TestCancelledRolloutIsLeftAndUndoneLater(t *testing.T) {
	s := installed(t)
	s.logs(t, "client "+newSecret+": connect ECONNREFUSED 10.0.0.9:5432")
	s.pods(t, s.namespace, `
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 3
  state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting}}
  lastState: {terminated: {exitCode: 1, reason: Error}}
`)
	screen := s.rotates(t, 140, 40)
	screen.Expect("CrashLoopBackOff", "3 restarts", "its log: ", "ECONNREFUSED 10.0.0.9:5432", "PostgreSQL: it refuses the connection", "to do: ")
	began := time.Now()
	screen.Send("\x03")
	screen.Expect("Stopped waiting for the portal.", "● Wait on")
	t.Logf("asked %v after Ctrl-C", time.Since(began))
	chooses(screen, "", "Wait on")
	screen.Expect("Ctrl+C stops waiting")
	screen.Send("\x03")
	screen.Expect("Stopped waiting for the portal.")
	chooses(screen, "\x1b[A", "Leave it as it is")
	screen.Expect("Stopped.")
	chooses(screen, "\x1b[B", "Leave")
	if code := screen.Wait(); code != 130 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	s.holds(t, newSecret)

	s.pods(t, "nowhere", "phase: Pending")
	again := terminaltest.Start(t, s.command(t, nil, "install", "-n", s.namespace, "--release", s.namespace), 100, 30)
	again.Forbid(newSecret)
	again.Expect("An earlier run did not end.", "client-secret", "● Go on")
	chooses(again, "\x1b[B", "Put everything back")
	again.Expect("Put back what was changed by install", "Apply these")
	again.Press("a", "No, back")
	again.Press("yes", "● Yes, apply")
	again.Send("\r")
	if code := again.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, again.Screen())
	}
	s.holds(t, clientSecret)
	if s.previous(t) {
		t.Error("the old values are still kept")
	}
	leaksInFiles(t, s.dir, newSecret)
}

// TestStuckHeadless: nobody is there to wait on, so a roll-out that no waiting
// ends fails with the reason, long before its deadline.
func TestStuckHeadless(t *testing.T) {
	s := installed(t)
	s.pods(t, s.namespace, `
phase: Pending
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 0
  state: {waiting: {reason: InvalidImageName, message: 'Failed to apply default image tag "x:y:z": invalid reference format'}}
`)
	got := s.execute(t, s.environment(newSecret), s.args("--on-failure", "leave", "--wait", "1h")...)
	if got.code != 1 || !strings.Contains(got.stderr, "no waiting ends this roll-out") || !strings.Contains(got.stderr, "InvalidImageName") || !strings.Contains(got.stderr, "hint: kubectl -n "+s.namespace+" describe pod") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	first, _, _ := strings.Cut(got.stderr, "\n")
	for _, want := range []string{"server " + strings.TrimPrefix(s.URL(), "https://"), "namespace " + s.namespace, ", CA "} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in the first line, %q", want, first)
		}
	}
	leaks(t, "the run", got.stdout+got.stderr, newSecret)
	s.holds(t, newSecret)
}
