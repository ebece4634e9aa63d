package wizard

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// TestPlannedOnce: the review and the checks are about one plan, and an answer
// makes another.
func TestPlannedOnce(t *testing.T) {
	s := complete(t, Settings{})
	first, err := s.Plan()
	if err != nil || len(first.Problems) > 0 {
		t.Fatal(err, first.Problems)
	}
	if s.Input().Planned != first.Plan {
		t.Error("the checks would plan again")
	}
	if again, _ := s.Plan(); again.Plan != first.Plan || len(again.Warnings) != len(first.Warnings) {
		t.Error("a second look at the review plans again")
	}
	if _, err := s.Answer("features.workflows", "no"); err != nil {
		t.Fatal(err)
	}
	if s.Input().Planned != nil {
		t.Error("the old plan stays after an answer")
	}
	second, err := s.Plan()
	if err != nil || len(second.Plan.Values) != len(first.Plan.Values)+1 {
		t.Errorf("%v: %d values before, %d after one more answer", err, len(first.Plan.Values), len(second.Plan.Values))
	}
}

// complete is a run that lacks no answer, in a directory of its own.
func complete(t testing.TB, settings Settings) *Session {
	t.Helper()
	t.Chdir(t.TempDir())
	return answered(t, settings)
}

func answered(t testing.TB, settings Settings) *Session {
	t.Helper()
	s, _ := newTestSession(t, settings)
	give(t, s, agreements[0].given)
	if _, err := s.Give("client.secret", secret.Value{Text: secret.New(lineCanary)}, answers.FromAnswers, "answers.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return s
}

// BenchmarkHeadless is a whole run on a values file as large as they come: it is
// read, edited, compared, checked and, being dry, not written.
func BenchmarkHeadless(b *testing.B) {
	for _, lines := range []int{4_200, 100_000} {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			b.Chdir(b.TempDir())
			var src bytes.Buffer
			src.WriteString("backstage:\n  replicas: 1 # one\n")
			for n := 2; n < lines; n += 7 {
				fmt.Fprintf(&src, "# Settings of component %[1]d.\ncomponent%[1]d:\n  enabled: true\n  # Arguments.\n  args:\n    - name: level\n      value: info\n", n)
			}
			if err := os.WriteFile("backstage-values.yaml", src.Bytes(), 0o644); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(src.Len()))
			for b.Loop() {
				end, err := Headless(b.Context(), answered(b, Settings{DryRun: true}), nil)
				if err != nil || end.Review.Blocked() != "" || end.Review.Plan.Files[0].Action != "edited" {
					b.Fatal(err, end.Review.Blocked())
				}
			}
		})
	}
}
