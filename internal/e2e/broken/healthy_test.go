package broken_test

import (
	"testing"
)

// TestHealthy: an installation that works has nothing but passes.
func TestHealthy(t *testing.T) {
	in := install(t)
	got := in.check(t)
	for _, r := range got.Checks {
		if r.Status != "pass" && r.Status != "skip" {
			t.Errorf("%s: %s %s: %s (%s)", r.ID, r.Status, r.Code, r.Found, r.Hint)
		}
		if r.Category == "" || r.Doc == "" {
			t.Errorf("%s has no category or no page", r.ID)
		}
	}
	if got.code != 0 || !got.Healthy || got.First != nil || len(got.Checks) < 40 {
		t.Errorf("exit %d, healthy %v, first %v, %d checks\n%s", got.code, got.Healthy, got.First, len(got.Checks), got.stderr)
	}
	text := in.run(t, "", "check", "-n", in.namespace)
	t.Log(text.stdout)
}
