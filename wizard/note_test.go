package wizard

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// TestNoteIsTold: what an action that is done could not tell is in the summary, on
// the lines and in the result for programs.
func TestNoteIsTold(t *testing.T) {
	const note = "not confirmed: nobody could look"
	for name, tt := range map[string]struct {
		event apply.Event
		want  bool
	}{
		"done with a note": {apply.Event{ID: "database.confirm", Title: "see", Status: apply.Done, Text: note}, true},
		"done":             {apply.Event{ID: "database.confirm", Title: "see", Status: apply.Done}, false},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := apply.Outcome{Actions: []apply.Event{tt.event}}
			var summary, lines []string
			for _, l := range (End{Review: Review{Plan: &plan.Plan{}}, Outcome: outcome, Applied: true}).Summary() {
				summary = append(summary, l.Text)
			}
			for _, l := range eventLines(tt.event) {
				lines = append(lines, l.Text)
			}
			mark := map[bool]string{true: "! see: " + note, false: "✓ see"}[tt.want]
			if got := summary[0]; got != mark {
				t.Errorf("the summary says %q", got)
			}
			if got := strings.Contains(strings.Join(lines, "\n"), note); got != tt.want {
				t.Errorf("the lines say %q", lines)
			}
			if got := noteOf(outcome.Actions[0]); got != tt.event.Text {
				t.Errorf("the result says %q", got)
			}
		})
	}
}

// TestEarlierRunIsOver: a run that has taken the old values of an earlier one away
// does not end with the words that they are kept still.
func TestEarlierRunIsOver(t *testing.T) {
	checks := []check.Result{{ID: "run.interrupted", Status: check.Warn, Found: "the values are still kept"}, {ID: "release.status", Status: check.Warn, Found: "pending"}}
	for id, kept := range map[string]bool{"previous.drop": false, "previous.kept": true} {
		end := End{Review: Review{Plan: &plan.Plan{}, Checks: checks}, Applied: true, Outcome: apply.Outcome{Actions: []apply.Event{{ID: id, Status: apply.Done}}}}
		text := ""
		for _, l := range end.Summary() {
			text += l.Text + "\n"
		}
		if strings.Contains(text, "still kept") != kept || !strings.Contains(text, "pending") {
			t.Errorf("%s: %s", id, text)
		}
	}
}
