package apply

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// setKey writes a key of the portal's Secret as somebody else does.
func (s *stage) setKey(key, value string) {
	s.t.Helper()
	now, err := s.core().Secrets(s.ns).Get(s.t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	now.Data[key] = []byte(value)
	if _, err := s.core().Secrets(s.ns).Update(s.t.Context(), now, metav1.UpdateOptions{FieldManager: "somebody"}); err != nil {
		s.t.Fatal(err)
	}
}

// TestUndoGoesOn: a key that is somebody else's by now keeps no file from being
// put back. The journal then tells of the key alone, so that what happens to the
// file afterwards is nobody's to take back, and goes when the key is settled.
func TestUndoGoesOn(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old", "l": "old"})
	s.interrupted(journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "l": canary})), 3)
	s.setKey("l", "theirs")
	back := func() error {
		_, err := s.run(t.Context(), plan.Back(plan.Input{Current: plan.Current{Journal: s.found()}}).Actions...)
		return err
	}
	var failure *Error
	if err := back(); !errors.As(err, &failure) || failure.Changed || !failure.Journal || len(failure.Left) > 0 || !strings.Contains(err.Error(), "l: written by somebody else") {
		t.Fatalf("got %#v, %v", failure, err)
	}
	if diff := cmp.Diff(map[string]string{"k": "old", "l": "theirs"}, s.values()); diff != "" {
		t.Error(diff)
	}
	if s.content("values.yaml") != "a: 1\n" {
		t.Errorf("values: %q", s.content("values.yaml"))
	}
	if names := s.beside(); len(names) != 1 {
		t.Errorf("beside the file: %q", names)
	}
	j := s.found()
	if j == nil || len(j.Files) > 0 || !j.Old["l"].Equal(j.Old["k"]) || j.Old["l"].Reveal() != "old" {
		t.Fatalf("the journal: %+v", j)
	}
	if err := os.WriteFile(s.path("values.yaml"), []byte("theirs: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := back(); !errors.As(err, &failure) || failure.Changed || len(failure.Left) > 0 {
		t.Errorf("again: %v", err)
	}
	s.setKey("l", "old")
	if err := back(); err != nil {
		t.Errorf("settled: %v", err)
	}
	if s.found() != nil || s.content("values.yaml") != "theirs: 1\n" {
		t.Errorf("the journal is %v, values %q", s.found(), s.content("values.yaml"))
	}
}

// TestUndoSettlesTheSecretAlone: a file that somebody has edited stays theirs, and
// the journal forgets the Secret, with the old values, when it is put back.
func TestUndoSettlesTheSecretAlone(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old"})
	s.interrupted(journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary})), 3)
	s.put("values.yaml", "theirs: 1\n")
	_, err := s.run(t.Context(), plan.Back(plan.Input{Current: plan.Current{Journal: s.found()}}).Actions...)
	var failure *Error
	if !errors.As(err, &failure) || failure.Changed || !failure.Journal {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(map[string]string{"k": "old"}, s.values()); diff != "" || s.content("values.yaml") != "theirs: 1\n" {
		t.Errorf("%s, values %q", diff, s.content("values.yaml"))
	}
	if j := s.found(); j == nil || len(j.Set) > 0 || len(j.Old) > 0 || len(j.Files) != 1 {
		t.Errorf("the journal: %+v", j)
	}
	kept, err := s.core().Secrets(s.ns).Get(t.Context(), plan.PreviousName("portal"), metav1.GetOptions{})
	if err != nil || len(kept.Data) > 0 {
		t.Errorf("old values are kept: %d keys, %v", len(kept.Data), err)
	}
}
