package e2e_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/terminaltest"
)

// walk answers the questions of a first installation with Thunder on the full
// screen, up to the review.
func (s *site) walk(screen *terminaltest.Terminal) {
	screen.Expect("Target", "Enter goes on")
	screen.Send("\r")
	screen.Expect("What is this installation for?")
	screen.Send("\r") // development is suggested
	screen.Expect("Portal address")
	screen.Send("\r") // so is the address
	screen.Expect("Identity provider")
	screen.Send("\r")
	screen.Expect("Issuer", "thunder.openchoreo.localhost")
	screen.Send("\r")
	screen.Expect("Client id")
	screen.Send("\r")
	screen.Forbid(clientSecret)
	screen.Send(clientSecret)
	screen.Expect("25 characters")
	screen.Send("\r")
	screen.Expect("Apply these", "checks passed")
}

// agree says yes to the review. What could have been typed ahead of a question is
// not taken for its answer, so keys are pressed again until they count.
func agree(screen *terminaltest.Terminal) {
	screen.Press("a", "No, back")
	screen.Press("\x1b[B", "● Yes, apply")
	screen.Press("\r", "kubectl logs")
}

func (s *site) screenArgs() []string {
	return []string{"install", "-n", s.namespace, "--chart", s.chart}
}

// TestFullScreenInstall drives the real binary from the first key to the
// summary; the chart then rolls out, and the same answers headless give the same
// bytes.
func TestFullScreenInstall(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 110, 34, s.screenArgs()...)
	screen.Expect(s.namespace, s.URL())
	s.walk(screen)
	agree(screen)
	screen.Expect("Callback to register", "helm upgrade --install")
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
	if got := string(s.secret(t).Data["client-secret"]); got != clientSecret {
		t.Errorf("the Secret has %q", got)
	}
	s.roll(t)
	written, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := newSite(t)
	if got := other.execute(t, []string{"CLIENT_SECRET=" + clientSecret}, other.headlessArgs()...); got.code != 0 {
		t.Fatal(got.stderr)
	}
	same, err := os.ReadFile(other.file("backstage-values.yaml"))
	if err != nil || string(same) != string(written) {
		t.Errorf("headless wrote other bytes: %v\n%s", err, same)
	}
	leaksInFiles(t, s.dir, clientSecret)
}

// TestNoIsTheDefault: Enter at the last question changes nothing.
func TestNoIsTheDefault(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 110, 34, s.screenArgs()...)
	s.walk(screen)
	screen.Press("a", "No, back")
	screen.Press("\r", "Apply these 2 changes\n")
	screen.Send("\x03\x03")
	if code := screen.Wait(); code != 130 {
		t.Errorf("exit %d", code)
	}
	s.untouched(t)
}

// untouched fails when a values file, a manifest or a Secret is there.
func (s *site) untouched(t *testing.T) {
	t.Helper()
	for _, name := range []string{"backstage-values.yaml", "backstage-secrets.yaml"} {
		if _, err := os.Stat(s.file(name)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if n := len(s.list(t)); n != 0 {
		t.Errorf("%d Secrets were written", n)
	}
}

// TestSignals: the terminal is put back, nothing is changed, the answers are kept.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		for _, mode := range [][]string{nil, {"--plain"}} {
			t.Run(strings.Join(append([]string{sig.String()}, mode...), " "), func(t *testing.T) {
				s := newSite(t)
				screen := s.terminal(t, 100, 30, append(s.screenArgs(), mode...)...)
				if mode == nil {
					screen.Expect("Enter goes on")
					screen.Send("\r")
				}
				screen.Expect("What is this installation for?")
				screen.Send("\r")
				screen.Expect("Portal address")
				screen.Signal(sig)
				if code := screen.Wait(); code != 130 {
					t.Errorf("exit %d\n%s", code, screen.Screen())
				}
				if out := screen.Output(); strings.Contains(out, "\x1b[?1049h") && !strings.Contains(out, "\x1b[?1049l") {
					t.Error("the alternate screen was left on")
				}
				s.untouched(t)
				kept, err := os.ReadFile(s.file(".local/state/backstage-setup/answers.yaml"))
				if err != nil || !strings.Contains(string(kept), "development") {
					t.Errorf("the answers were not kept: %v\n%s", err, kept)
				}
			})
		}
	}
}

// TestTypeAhead: keys that come in one burst land where a slow typist's would.
func TestTypeAhead(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 110, 34, s.screenArgs()...)
	screen.Expect("Enter goes on")
	screen.Send("\r\r")
	screen.Expect("Portal address")
	screen.Forbid(clientSecret)
	// one burst: replace the suggested address, provider, issuer, client, secret
	screen.Send("\x15http://portal.localhost:8080\r\r\x15http://thunder.portal.localhost:8080\r\x15burst-client\r" + clientSecret + "\r")
	screen.Expect("Apply these 2 changes")
	agree(screen)
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
	written, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`baseUrl: "http://portal.localhost:8080"`, `issuer: "http://thunder.portal.localhost:8080"`, `clientId: "burst-client"`} {
		if !strings.Contains(string(written), want) {
			t.Errorf("%s is not in\n%s", want, written)
		}
	}
	if got := string(s.secret(t).Data["client-secret"]); got != clientSecret {
		t.Errorf("the Secret has %q", got)
	}
}

// TestPastedNewline: a secret copied with its line end neither submits nor
// spills into the next field.
func TestPastedNewline(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 110, 34, s.screenArgs()...)
	screen.Expect("Enter goes on")
	screen.Send("\r\r\r\r\r\r")
	screen.Expect("Client secret")
	screen.Forbid(clientSecret)
	screen.Send("\x1b[200~" + clientSecret + "\n\x1b[201~")
	screen.Expect("25 characters", "Client secret")
	screen.Send("\r")
	screen.Expect("Apply these 2 changes")
	agree(screen)
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if got := string(s.secret(t).Data["client-secret"]); got != clientSecret {
		t.Errorf("the Secret has %q", got)
	}
}

// TestMuteTerminal: nothing waits for an answer that never comes.
func TestMuteTerminal(t *testing.T) {
	s := newSite(t)
	screen := terminaltest.StartMute(t, s.command(t, nil, s.screenArgs()...), 110, 34)
	screen.Expect(s.namespace, s.URL())
	s.walk(screen)
	agree(screen)
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
	if got := string(s.secret(t).Data["client-secret"]); got != clientSecret {
		t.Errorf("the Secret has %q", got)
	}
}

// TestFortyColumns walks through on the smallest terminal that is promised.
func TestFortyColumns(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 40, 12, s.screenArgs()...)
	screen.Expect("Target")
	for range 6 {
		screen.Send("\r")
	}
	screen.Expect("Client secret")
	screen.Send(clientSecret)
	screen.Expect("25 characters")
	screen.Send("\r")
	screen.Expect("Apply these")
	agree(screen)
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
}

// TestPlainInstall is the whole run line by line, as a screen reader hears it.
func TestPlainInstall(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 100, 50, append(s.screenArgs(), "--plain")...)
	screen.Forbid(clientSecret)
	for _, line := range []string{"What is this installation for?", "Portal address", "Identity provider", "Issuer", "Client id"} {
		screen.Expect(line)
		screen.Send("\r")
	}
	screen.Expect("Client secret, not shown:")
	screen.Send(clientSecret + "\r")
	screen.Expect("Apply these 2 changes?")
	screen.Send("yes\r")
	if code := screen.Wait(); code != 0 {
		t.Fatalf("exit %d\n%s", code, screen.Screen())
	}
	if !strings.Contains(screen.Output(), "25 characters") {
		t.Error("nothing said how long the secret was")
	}
	if strings.Contains(screen.Output(), "\x1b[") {
		t.Error("control sequences were written")
	}
	if got := string(s.secret(t).Data["client-secret"]); got != clientSecret {
		t.Errorf("the Secret has %q", got)
	}
}
