package e2e_test

import (
	"strings"
	"testing"
)

// TestWaitBoundsHelm: a hook of the chart that does not end is given up after
// --wait, by the real helm and with its words, and everything is put back.
func TestWaitBoundsHelm(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	got := s.execute(t, s.environment(clientSecret), append(s.args("--upgrade", "--on-failure", "undo", "--wait", "2s", "--set", "scaling.limits.memory=2Gi"), "--chart", s.slow(t))...)
	if got.code != 1 || !strings.Contains(got.stderr, "--timeout 2s") || !strings.Contains(got.stderr, "everything was put back as it was") || !strings.Contains(got.stderr, "Job did not end within 2s") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	same(t, "put back", before, s.state(t))
	if len(s.labelled(t, "owner=helm,status=deployed")) != 1 || s.previous(t) {
		t.Error("the release is not deployed, or old values are kept")
	}
}
