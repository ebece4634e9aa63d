package e2e_test

import (
	"strings"
	"testing"
)

const up, down = "\x1b[A", "\x1b[B"

// TestHomeLeadsToWhatMends: the home screen tells what is installed and how it is;
// a finding leads to the question that mends it, with the answer filled in, and a
// run that is left leads back.
func TestHomeLeadsToWhatMends(t *testing.T) {
	s := installed(t)
	screen := s.terminal(t, 110, 40, "-n", s.namespace, "--release", s.namespace)
	screen.Expect("Portal", "http://openchoreo.localhost:8080", "1 of 1 ready", "Rotate a credential", "Mend first", "planes.observability")
	screen.Until("the cursor is on the finding", func(text string) bool {
		if strings.Contains(text, "▌ ! planes.observability") {
			return true
		}
		screen.Send(up)
		return false
	})
	screen.Send("\r")
	screen.Expect("why:", "features.observability=false", "Mend it in install")
	screen.Press("\r", "14 Review")
	screen.Expect("Features (step")
	screen.Expect("● No")
	screen.Send("\x03")
	screen.Expect("Leave? Nothing has been changed")
	screen.Send("\x03")
	screen.Expect("What now", "planes.observability")
	screen.Send("q")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestHomeOfNothing: where nothing is installed, setting it up is what is offered.
func TestHomeOfNothing(t *testing.T) {
	s := newSite(t)
	screen := s.terminal(t, 80, 24, "-n", s.namespace, "--release", s.namespace)
	screen.Expect("not there yet", "▌ Set the portal up")
	screen.Forbid("Rotate")
	screen.Send("\r")
	screen.Expect("Target (step")
	screen.Send("\x03")
	screen.Expect("Leave?")
	screen.Send("\x03")
	screen.Expect("▌ Set the portal up")
	screen.Send("\x03")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestCheckOnTheScreen: check fills the screen in, and leaves its findings in the
// scrollback with their exit code.
func TestCheckOnTheScreen(t *testing.T) {
	s := installed(t)
	screen := s.terminal(t, 110, 40, "check", "-n", s.namespace, "--release", s.namespace)
	screen.Expect("The portal is not healthy", "Mend first", "cluster.reachable")
	screen.Send("v")
	screen.ExpectGone("cluster.reachable")
	screen.Send("q")
	if code := screen.Wait(); code != 3 {
		t.Errorf("exit %d", code)
	}
	if text := screen.Output(); !strings.Contains(text, "Mend first: ") || !strings.Contains(text, "cluster.reachable") {
		t.Errorf("the scrollback has\n%s", text)
	}
}

// TestHomeInLines: the same for those who read lines.
func TestHomeInLines(t *testing.T) {
	s := installed(t)
	screen := s.terminal(t, 110, 120, "--plain", "-n", s.namespace, "--release", s.namespace)
	screen.Expect("Portal: http://openchoreo.localhost:8080", "Mend first", "What now?", "Rotate a credential", "A number")
	screen.Send("nine\r")
	screen.Expect("must be a number")
	screen.Send("\r")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
}
