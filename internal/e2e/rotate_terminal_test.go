package e2e_test

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/k8s"
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
	chooses(screen, "\x1b[B\x1b[B", "Review it with a note on the Secret")
	screen.Expect("annotation backstage-setup.openchoreo.dev/", "checks passed")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "Applying")
	screen.Expect("Wait until the identity provider rejects the old value?", "The portal runs with the new value.", "delete it there", "● No, end here")
	w.holds(t, rotated)
	chooses(screen, "\x1b[B", "Wait for it")
	screen.Expect("delete the old one there now", "Ctrl+C ends the wait")
	w.Secrets(idptest.Portal, rotated)
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	screen.Expect("see whether the portal works with the new value", "✓ wait until the identity provider rejects the old value", "requests to the API server")
	if strings.Contains(screen.Screen(), "delete it there") {
		t.Errorf("it was deleted there:\n%s", screen.Screen())
	}
	if s := w.secret(t); s.Annotations[k8s.HistoryAnnotation] == "" {
		t.Errorf("annotations %v", s.Annotations)
	}
}

// TestRotateIsLeftBeforeTheOldIsRejected: who does not wait, or no longer, has lost
// nothing.
func TestRotateIsLeftBeforeTheOldIsRejected(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	screen := w.terminal(t, 120, 36, "rotate", "client-secret", "-n", w.namespace)
	screen.Expect("last set by", "Enter goes on")
	screen.Send("\r")
	screen.Expect("New value (required)")
	screen.Send(rotated)
	screen.Expect("26 characters")
	screen.Send("\r")
	screen.Expect("Apply these", "checks passed")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "Applying")
	screen.Expect("● No, end here")
	chooses(screen, "\x1b[B", "Wait for it")
	screen.Expect("Ctrl+C ends the wait")
	screen.Send("\x03")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	screen.Expect("✓ see whether the portal works with the new value", "delete it there")
	w.holds(t, rotated)
}

// TestRotateOneSecretOnTheScreen: the window is announced before the review, and
// the run says when to change the secret at the provider.
func TestRotateOneSecretOnTheScreen(t *testing.T) {
	w := newWorkshop(t)
	screen := w.terminal(t, 120, 40, "rotate", "client-secret", "-n", w.namespace)
	screen.Forbid(rotated)
	screen.Expect("last set by", "Enter goes on")
	screen.Send("\r")
	screen.Expect("New value (required)", "The order: you say yes here")
	screen.Send(rotated)
	screen.Expect("26 characters")
	screen.Send("\r")
	screen.Expect("Apply these", "does not take it yet", "wait until the identity provider takes the new value")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "change it there now")
	w.holds(t, idptest.PortalSecret)
	w.Secrets(idptest.Portal, rotated)
	screen.Expect("● No, end here")
	chooses(screen, "", "No, end here")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	screen.Expect("Without a secret that counts")
	w.holds(t, rotated)
}

// TestRotateIsLeftWhileItWaits: Ctrl-C before the provider has the new secret
// changes nothing.
func TestRotateIsLeftWhileItWaits(t *testing.T) {
	w := newWorkshop(t)
	screen := w.terminal(t, 120, 40, "rotate", "client-secret", "-n", w.namespace)
	screen.Expect("last set by", "Enter goes on")
	screen.Send("\r")
	screen.Expect("New value (required)")
	screen.Send(rotated)
	screen.Expect("26 characters")
	screen.Send("\r")
	screen.Expect("Apply these", "does not take it yet")
	screen.Press("a", "No, back")
	screen.Press("yes", "● Yes, apply")
	screen.Press("\r", "change it there now")
	screen.Send("\x03")
	screen.Expect("Stopped.", "stopped by you before", "Look again")
	chooses(screen, "\x1b[B", "Leave")
	if code := screen.Wait(); code != 130 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	w.holds(t, idptest.PortalSecret)
	if w.previous(t) {
		t.Error("old values are kept")
	}
}

// TestRotateInLines: the same questions line by line.
func TestRotateInLines(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	screen := w.terminal(t, 100, 60, "rotate", "--plain", "-n", w.namespace)
	screen.Forbid(rotated)
	screen.Expect("Key of the Secret (number, or a name of your own) [client-secret]:")
	screen.Send("\r")
	screen.Expect("New value, not shown:", "last set by")
	screen.Send(rotated + "\r")
	screen.Expect("h notes on the Secret", "Apply these 3 changes? yes/no")
	screen.Send("h\r")
	screen.Expect("annotation backstage-setup.openchoreo.dev/", "h leaves the note on the Secret out.\nk does not keep the old values.\n\nApply these 3 changes?")
	screen.Send("yes\r")
	screen.Expect("The portal runs with the new value.", "rejects the old value? yes/no [no]:")
	w.Secrets(idptest.Portal, rotated)
	screen.Send("yes\r")
	if code := screen.Wait(); code != 0 {
		t.Errorf("exit %d\n%s", code, screen.Screen())
	}
	w.holds(t, rotated)
}
