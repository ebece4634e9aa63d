package wizard

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// TestExaminedWithin: however many servers that say nothing are asked one after the
// other, a look ends at its limit, and what had no time fails.
func TestExaminedWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) check.Result {
			<-ctx.Done()
			return check.Result{Status: check.Inconclusive, Found: "it says nothing"}
		}
		at := check.Check{ID: "settled", Run: func(context.Context) check.Result { return check.Result{Status: check.Pass} }}
		checks := []check.Check{at}
		for _, id := range []string{"first", "second", "third", "fourth", "fifth"} {
			at = check.Check{ID: id, After: []string{at.ID}, Timeout: 9 * time.Second, Run: silent}
			checks = append(checks, at)
		}
		begun := time.Now()
		s := Session{settings: Settings{Log: slog.New(slog.DiscardHandler)}}
		results := s.examineAll(t.Context(), checks, nil)
		if took := time.Since(begun); took > examinedWithin+time.Second {
			t.Errorf("it took %s", took)
		}
		if results[0].Status != check.Pass || results[1].Status != check.Inconclusive || results[5].Status != check.Fail || !strings.Contains(results[5].Found, "the whole run") {
			t.Errorf("%+v", results)
		}
	})
}

// TestGuideIsShown: a finding that somebody else has to mend shows their commands,
// each in one piece, and leads nowhere.
func TestGuideIsShown(t *testing.T) {
	const command = `  printf %s "${VALUE:?}" | kubeseal --raw --namespace openchoreo-control-plane --name backstage-secrets --from-file=/dev/stdin`
	r := check.Result{
		ID: "identity.service-token", Category: "identity", Status: check.Fail, Found: "the provider refuses the client", Hint: "copy the secret again", Fix: strings.TrimSpace(command),
		Guide: []string{"SealedSecret portal makes this Secret. Seal client-secret anew, the value as VALUE; printf adds no newline, which would be sealed too:", command, "Put the result under spec.encryptedData in Git and let it sync."},
	}
	b := atHome(t, 100, 40).examined([]check.Result{r, {ID: "routing.address", Status: check.Pass}})
	b.press("home", "enter").wait()
	if len(b.m.menu.choices) != 1 {
		t.Errorf("%d choices", len(b.m.menu.choices))
	}
	texts := func(l []Line) (all []string) {
		for _, line := range l {
			all = append(all, line.Text)
		}
		return all
	}
	for name, lines := range map[string][]string{
		"the page of the finding": texts(findingLines(r)),
		"the whole in lines":      texts(Examination{Checks: []check.Result{r}}.Lines(60)),
	} {
		if !slices.Contains(lines, "    $ "+strings.TrimSpace(command)) || !slices.Contains(lines, "    Put the result under spec.encryptedData in Git and let it sync.") && name[4] == 'p' {
			t.Errorf("%s:\n%s", name, strings.Join(lines, "\n"))
		}
	}
	next := b.m.s.ExaminationResult(Examination{Checks: []check.Result{r}}).Next
	if len(next) != 3 || next[1] != strings.TrimSpace(command) || !strings.HasPrefix(next[0], "# SealedSecret portal") {
		t.Errorf("next: %q", next)
	}
}
