package wizard

import (
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

// TestNothingGoesOn: no driver leaves anything running behind it.
func TestNothingGoesOn(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Chdir(t.TempDir())
	session := func() *Session {
		s, err := NewSession(steps.Install(), &steps.Env{}, Settings{NoConfig: true, DryRun: true}, &secret.Scrubber{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Load(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := Headless(t.Context(), session(), nil); err != nil {
		t.Error(err)
	}
	end, err := Lines(t.Context(), session(), Terminal{In: strings.NewReader("development\nq\nn\n"), Out: io.Discard})
	if err != nil || !end.Left {
		t.Errorf("left %v, error %v", end.Left, err)
	}
	end, err = FullScreen(t.Context(), session(), Terminal{In: strings.NewReader("\x03\x03"), Out: io.Discard, Environ: []string{"TERM=xterm"}})
	if err != nil || !end.Left {
		t.Errorf("left %v, error %v", end.Left, err)
	}
	goleak.VerifyNone(t, before)
}
