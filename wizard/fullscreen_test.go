//go:build unix

package wizard

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/terminaltest"
	"github.com/openchoreo/backstage-setup/steps"
)

// TestScreenProcess is not a test but the program that the tests below run on a
// terminal: the full screen on a session without a cluster.
func TestScreenProcess(t *testing.T) {
	mode := os.Getenv("SCREEN_PROCESS")
	if mode == "" {
		t.Skip("run by other tests")
	}
	os.Exit(screenProcess(mode))
}

func screenProcess(mode string) int {
	s, err := NewSession(steps.Install(), &steps.Env{Secrets: secret.Source{LookupEnv: os.LookupEnv}}, local, &secret.Scrubber{})
	if err == nil {
		err = s.Load()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	terminal := Terminal{In: os.Stdin, Out: os.Stderr, Environ: os.Environ(), NoColor: mode == "no-color",
		SaveDraft: func(*Session) (string, error) { return "saved.yaml", os.WriteFile("saved.yaml", nil, 0o600) }}
	if mode == "signals" {
		ended := make(chan struct{})
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
		go func() {
			<-signals
			close(ended)
		}()
		terminal.Signals = ended
	}
	end, err := FullScreen(context.Background(), s, terminal)
	fmt.Printf("left %v, applied %v, failed %v, error %v\n", end.Left, end.Applied, end.Err, err)
	if end.Left {
		return 130
	}
	return 0
}

// startScreen runs the full screen in a directory of its own.
func startScreen(t *testing.T, mode string, cols, rows int) (*terminaltest.Terminal, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestScreenProcess$")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SCREEN_PROCESS="+mode)
	return terminaltest.Start(t, cmd, cols, rows), cmd.Dir
}

// restored fails the test unless the program left the terminal as it found it.
func restored(t *testing.T, term *terminaltest.Terminal) {
	t.Helper()
	out := term.Output()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		if strings.LastIndex(out, on) > strings.LastIndex(out, off) {
			t.Errorf("%q is not taken back by %q", on, off)
		}
	}
}

func TestFullScreenWholeRun(t *testing.T) {
	term, dir := startScreen(t, "plain", 100, 30)
	term.Forbid(typedSecret)
	term.Expect("Nothing is asked here")
	term.Send("\r")
	term.Expect("What is this installation for?")
	term.Send("\r")
	term.Expect("Portal address (required)")
	term.Send("https://console.example.com\r")
	term.Expect("Certificate Secret")
	term.Send("\r\r\r\r")
	term.Expect("Client secret (required)", "callback  https://console.example.com/api/auth/openchoreo-auth/handler/frame")
	term.Send("\x1b[200~" + typedSecret + "\n\x1b[201~")
	term.Expect("17 characters")
	term.Send("\r")
	term.Expect("3 checks passed", "enter apply these 2 changes")
	term.Send("a")
	term.Expect("Apply these 2 changes?", "enter do it")
	term.Send("yes\r")
	if code := term.Wait(); code != 0 {
		t.Errorf("exit code %d\n%s", code, term.Screen())
	}
	restored(t, term)
	out := term.Output()
	for _, want := range []string{
		"left false, applied true, failed <nil>, error <nil>",
		"create backstage-values.yaml",
		"https://console.example.com/api/auth/openchoreo-auth/handler/frame",
	} {
		if !strings.Contains(out[strings.LastIndex(out, "\x1b[?1049l"):], want) {
			t.Errorf("after the screen is gone %q is not there:\n%s", want, term.Screen())
		}
	}
	values, err := os.ReadFile(filepath.Join(dir, "backstage-values.yaml"))
	if err != nil || !strings.Contains(string(values), "https://console.example.com") || strings.Contains(string(values), typedSecret) {
		t.Errorf("%v:\n%s", err, values)
	}
	if info, err := os.Stat(filepath.Join(dir, "backstage-secrets.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// All keys arrive in one read, as from a script or a very fast typist.
func TestFullScreenBurst(t *testing.T) {
	for range 5 {
		term, dir := startScreen(t, "plain", 80, 24)
		term.Forbid(typedSecret)
		term.Expect("Nothing is asked here")
		term.Send("\r\rhttps://console.example.com\r\r\rhttps://idp.example.com\rmy-client\r" + typedSecret + "\ra\ryes\r")
		term.Expect("enter apply these 2 changes")
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Fatalf("keys typed ahead wrote %v %v", entries, err)
		}
		term.Send("ayes\r")
		term.Expect("enter do it")
		term.Send("yes\r")
		if code := term.Wait(); code != 0 {
			t.Fatalf("exit code %d\n%s", code, term.Screen())
		}
		values, err := os.ReadFile(filepath.Join(dir, "backstage-values.yaml"))
		for _, want := range []string{"https://console.example.com", "https://idp.example.com", "my-client"} {
			if err != nil || !strings.Contains(string(values), `"`+want+`"`) {
				t.Errorf("no %q: %v\n%s", want, err, values)
			}
		}
	}
}

func TestFullScreenLeave(t *testing.T) {
	term, dir := startScreen(t, "plain", 80, 24)
	term.Expect("Nothing is asked here")
	term.Send("\x03")
	term.Expect("Leave?", "enter do it")
	term.Send("\r")
	if code := term.Wait(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	restored(t, term)
	if _, err := os.Stat(filepath.Join(dir, "saved.yaml")); err != nil {
		t.Error(err)
	}
	if !strings.Contains(term.Screen(), "Nothing was changed.") || !strings.Contains(term.Screen(), "backstage-setup install --answers saved.yaml") {
		t.Error(term.Screen())
	}
}

func TestFullScreenSignals(t *testing.T) {
	for _, test := range []struct {
		mode string
		sig  syscall.Signal
	}{{"signals", syscall.SIGTERM}, {"signals", syscall.SIGHUP}, {"plain", syscall.SIGTERM}, {"plain", syscall.SIGINT}} {
		term, dir := startScreen(t, test.mode, 80, 24)
		term.Expect("Nothing is asked here")
		term.Signal(test.sig)
		if code := term.Wait(); code != 130 {
			t.Errorf("%s %v: exit code %d\n%s", test.mode, test.sig, code, term.Screen())
		}
		restored(t, term)
		if _, err := os.Stat(filepath.Join(dir, "saved.yaml")); err != nil {
			t.Error(err)
		}
	}
}

func TestFullScreenResize(t *testing.T) {
	term, _ := startScreen(t, "plain", 120, 40)
	term.Expect("Nothing is asked here", "14 Review")
	term.Resize(40, 10)
	term.ExpectGone("14 Review")
	term.Send("\r\r")
	term.Expect("Portal address (required)")
	term.Resize(100, 40)
	term.Expect("14 Review", "Portal address (required)")
	term.Send("\x03\x03")
	if code := term.Wait(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

func TestFullScreenWithoutColour(t *testing.T) {
	term, _ := startScreen(t, "no-color", 80, 24)
	term.Expect("Nothing is asked here")
	term.Send("\r")
	term.Expect("What is this installation for?")
	term.Send("\x03\x03")
	term.Wait()
	for _, colour := range []string{"\x1b[38", "\x1b[48", "\x1b[3;38", ";38;", "\x1b[31m", "\x1b[32m", "\x1b[34m"} {
		if strings.Contains(term.Output(), colour) {
			t.Errorf("there is a colour: %q", colour)
		}
	}
}
