package e2e_test

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

// TestRotateOnTheScreen: three screens, then it is applied and seen to work.
func TestRotateOnTheScreen(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	screen := w.terminal(t, 120, 36, "rotate", "-n", w.namespace)
	screen.Forbid(rotated)
	screen.Expect("Key of the Secret", "last set by", "● client-secret", "jenkins-api-key")
	screen.Send("\r")
	screen.Expect("New value (required)", "may know one value at a time")
	screen.Send(rotated)
	screen.Expect("26 characters")
	screen.Send("\r")
	screen.Expect("Apply these", "checks passed", "Give client-secret another value")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "Applying")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	screen.Expect("see whether the portal works with the new value", "requests to the API server")
	w.holds(t, rotated)
}
