package wizard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/cause"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// applying brings the bench to where changes are being made, none done yet.
func applying(t *testing.T) *bench {
	b := newBench(t, 80, 24, local).filled().press("ctrl+g").wait().press("a").wait().types("yes")
	b.work = nil
	b.press("enter").shows("Applying", "create backstage-values.yaml")
	return b
}

func TestApplyIsStopped(t *testing.T) {
	b := applying(t).press("q", "esc", "enter").press("ctrl+c").shows("Stopping")
	b.settle().shows("Stopped.", "stopped by you").hides("context canceled").wait().press("enter").settle()
	if !b.quit || b.saves != 1 || !errors.Is(b.m.end.Err, context.Canceled) || b.m.end.Applied || b.m.end.Left {
		t.Errorf("quit %v, saved %d times, end %+v", b.quit, b.saves, b.m.end)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestApplyIsLeftByTheSecondCtrlC(t *testing.T) {
	b := applying(t)
	b.tell(eventMsg{apply.Event{ID: "file.values", Title: "create backstage-values.yaml", Status: apply.Done}})
	b.shows("create backstage-values.yaml (done)").press("ctrl+c", "ctrl+c")
	if !b.m.done || b.m.end.Left || b.m.end.Err != errUnknown || len(b.m.end.Outcome.Actions) != 1 {
		t.Errorf("done %v, end %+v", b.m.done, b.m.end)
	}
}

// A signal waits for what Ctrl+C has begun to undo.
func TestSignalAfterCtrlC(t *testing.T) {
	b := applying(t).press("ctrl+c")
	b.tell(endMsg{})
	if b.m.done {
		t.Fatal("the run did not wait for what it was undoing")
	}
	if b.settle(); !b.quit || !errors.Is(b.m.end.Err, context.Canceled) {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
}

func TestSignalWhileApplyingUndoesFirst(t *testing.T) {
	b := applying(t)
	b.tell(endMsg{})
	b.tell(endMsg{}) // Bubble Tea tells of SIGTERM too
	if b.m.done {
		t.Fatal("the run did not wait for what it was doing")
	}
	if b.settle(); !b.quit || b.m.end.Err == nil || b.m.end.Left {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
	}
	b = applying(t) // what it does never ends
	b.tell(endMsg{})
	for _, msg := range b.later {
		b.tell(msg)
	}
	if !b.m.done || b.m.end.Err != errUnknown {
		t.Errorf("done %v, end %+v", b.m.done, b.m.end)
	}
}

// rolling brings the bench to where a roll-out is waited for.
func rolling(t *testing.T, width, height int) *bench {
	b := newBench(t, width, height, local)
	b.m.page = onApply
	b.m.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 45, 0, time.UTC) }
	b.m.progress = progressPage{cancel: func() {}, actions: []apply.Event{{ID: "secret", Title: "patch Secret a/b"}, {ID: "rollout", Title: "wait for Deployment a/b"}}}
	for _, e := range []apply.Event{
		{ID: "secret", Title: "patch Secret a/b", Status: apply.Running}, {ID: "secret", Title: "patch Secret a/b", Status: apply.Done},
		{ID: "rollout", Title: "wait for Deployment a/b", Status: apply.Running},
		crashing(),
	} {
		b.tell(eventMsg{e})
	}
	return b
}

// crashing is a roll-out whose new pod cannot reach its database.
func crashing() apply.Event {
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := []string{"Backend startup failed: connect ECONNREFUSED 10.0.0.9:5432"}
	return apply.Event{ID: "rollout", Title: "wait for Deployment a/b", Status: apply.Progress, Text: "1 of 2 updated, 1 available", Rollout: &apply.Rollout{
		Rollout: k8s.Rollout{
			Desired: 2, Total: 3, Updated: 1, Ready: 2, Available: 2,
			Pods: []k8s.PodState{
				{Name: "b-76d8c5f7b9-x2x4z", Phase: "Running", Reason: "CrashLoopBackOff", Created: created, Restarts: 2, Template: k8s.TemplateNew},
				{Name: "b-5c9d6b7f48-abcde", Phase: "Running", Ready: true, Created: created.Add(-49 * time.Hour), Template: k8s.TemplateOld},
				{Name: "b-5c9d6b7f48-fghij", Phase: "Terminating", Ready: true, Created: created.Add(-5 * time.Minute), Restarts: 1},
			},
			Troubles: []k8s.Trouble{{Kind: k8s.TroubleCrash, Namespace: "a", Deployment: "b", Pod: "b-76d8c5f7b9-x2x4z", Container: "backstage", Reason: "CrashLoopBackOff", Restarts: 2, ExitCode: 1}},
		},
		Causes: [][]cause.Finding{cause.Explain(log)},
	}}
}

// Once everything is back, Ctrl+C ends the wait for it to come up; the next one leaves.
func TestUndoingIsNotWaitedFor(t *testing.T) {
	b := rolling(t, 100, 60)
	hurried := 0
	b.m.progress.hurry = func() { hurried++ }
	back := crashing()
	back.ID, back.Text = "undo.rollout", "the old values are back"
	b.tell(eventMsg{back})
	b.shows("Everything is back", "without waiting for that.").hides("Ctrl+C stops waiting")
	if b.press("ctrl+c").shows("Leaving."); hurried != 1 || b.m.done {
		t.Fatalf("hurried %d times, done %v", hurried, b.m.done)
	}
	if b.press("ctrl+c"); hurried != 1 || !b.m.done || b.m.end.Err != errUnknown {
		t.Errorf("hurried %d times, done %v, end %+v", hurried, b.m.done, b.m.end)
	}
}

func TestProgressOfARollout(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		rolling(t, size[0], size[1]).golden(fmt.Sprintf("apply-rollout-%dx%d", size[0], size[1]))
	}
	b := rolling(t, 160, 40).shows("CrashLoopBackOff", "not ready", "40s", "2 restarts", "new template", "2d", "old template", "Terminating", "template not known")
	b.shows("ECONNREFUSED 10.0.0.9:5432", "to do: ", "Ctrl+C stops waiting")
	e := crashing()
	e.Text, e.Rollout.Pods = "", e.Rollout.Pods[:1]
	b.tell(eventMsg{e})
	b.hides("abcde").shows("CrashLoopBackOff")
	b.m.now = func() time.Time { return time.Date(2026, 1, 2, 3, 5, 45, 0, time.UTC) }
	b.tell(tickMsg{})
	b.shows("100s") // a pod ages while nothing else happens
	b.tell(appliedMsg{apply.Outcome{Rollout: "failed"}, &apply.Error{Action: "wait for Deployment a/b", Err: context.DeadlineExceeded}})
	b.shows("It could not be applied.", "✗ wait for Deployment a/b: ")
	b.press("enter", "esc") // typed ahead
	b.wait().press("esc").shows("● Save the answers").press("enter").settle()
	if !b.quit || b.saves != 1 || b.m.end.Applied || b.m.end.Left || b.m.end.Outcome.Rollout != "failed" {
		t.Errorf("quit %v, saved %d times, end %+v", b.quit, b.saves, b.m.end)
	}
}

// What no waiting cures is asked about at once; the question takes no key that
// was typed ahead of it.
func TestStuckRolloutIsAskedAbout(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}} {
		b := rolling(t, size[0], size[1])
		answer := make(chan apply.Decision, 1)
		stuck := &apply.Stuck{Namespace: "a", Name: "b", Reason: `pod b-7: CreateContainerConfigError: Secret "s" has no key "postgres-password"`, Do: "kubectl -n a describe secret s"}
		b.m.s.scrub.Add(secret.New(typedSecret))
		b.tell(decideMsg{apply.Failure{Err: fmt.Errorf("it says %s: %w", typedSecret, stuck)}, answer})
		b.press("down", "enter")
		if len(answer) > 0 {
			t.Fatal("a key typed ahead decided")
		}
		b.wait().golden(fmt.Sprintf("apply-stuck-%dx%d", size[0], size[1])).shows("● Wait on")
		b.press("down").shows("● Undo: put everything back as it was").press("enter")
		if got := <-answer; got.Do != apply.Undo {
			t.Errorf("got %v", got.Do)
		}
	}
}

// Where something changed underneath, the run goes on with what is there now.
func TestChangedUnderneathIsReviewedAnew(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		b := newBench(t, size[0], size[1], local).filled().press("ctrl+g").wait()
		theirs := "# theirs\nbackstage:\n  replicas: 1\n"
		if err := os.WriteFile("backstage-values.yaml", []byte(theirs), 0o600); err != nil {
			t.Fatal(err)
		}
		b.press("a").wait().types("yes\r").settle()
		b.wait().golden(fmt.Sprintf("apply-changed-%dx%d", size[0], size[1]))
		if got, err := os.ReadFile("backstage-values.yaml"); err != nil || string(got) != theirs {
			t.Fatalf("their file is %q, %v", got, err)
		}
		b.press("enter").settle().wait().on("review").shows("Apply these 2 changes")
		b.press("esc", "ctrl+g").wait().press("a").wait().types("yes\r").settle()
		if !b.quit || !b.m.end.Applied || b.m.end.Err != nil || b.m.end.Review.Plan.Files[0].Action != "edited" {
			t.Fatalf("quit %v, end %+v\n%s", b.quit, b.m.end, b.screen())
		}
		got, err := os.ReadFile("backstage-values.yaml")
		if err != nil || !strings.HasPrefix(string(got), "# theirs\n") || !strings.Contains(string(got), "https://console.example.com") {
			t.Errorf("%v:\n%s", err, got)
		}
		if d := b.m.s.Input().Draft; d.Client.Secret.Text.Reveal() != typedSecret {
			t.Error("the secret that was typed is lost")
		}
	}
}

// What was tried is told, and once, however the operator leaves after it.
func TestFailureIsToldOnce(t *testing.T) {
	for _, keys := range [][]string{{"ctrl+c"}, {"down", "enter"}, {"down", "down", "enter"}, {"enter", "ctrl+c", "ctrl+c"}, {"signal"}, {"enter", "signal"}} {
		b := newBench(t, 80, 24, local).filled().press("ctrl+g").wait()
		if err := os.WriteFile("backstage-values.yaml", []byte("backstage: {}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		b.press("a").wait().types("yes\r").settle().shows("Something changed underneath").wait()
		for _, key := range keys {
			if key == "signal" {
				b.tell(endMsg{})
				continue
			}
			b.press(key)
			if key == "ctrl+c" && !b.m.done {
				b.hides("Nothing has been changed")
			}
			b.settle().wait()
		}
		var failure *apply.Error
		if !b.m.done || b.m.end.Left || !errors.As(b.m.end.Err, &failure) || !failure.Changed || b.m.fault != nil {
			t.Fatalf("%v: done %v, fault %v, end %+v", keys, b.m.done, b.m.fault, b.m.end)
		}
		said := failure.Error()
		for _, line := range b.m.end.Summary() {
			said += "\n" + line.Text
		}
		if strings.Count(said, failure.Err.Error()) != 1 || strings.Contains(said, "Nothing was changed") {
			t.Errorf("%v: told is\n%s", keys, said)
		}
	}
}

func TestFailureTitle(t *testing.T) {
	for want, f := range map[string]apply.Failure{
		"Stopped waiting for the portal.":                         {Action: plan.AwaitRollout{}, Err: context.Canceled},
		"The portal did not come up in time.":                     {Action: plan.AwaitRollout{}, Err: context.DeadlineExceeded},
		"The portal will not come up: waiting does not help.":     {Action: plan.AwaitRollout{}, Err: &apply.Stuck{}},
		"Stopped waiting for External Secrets.":                   {Action: plan.AwaitSync{}, Err: context.Canceled},
		"External Secrets has not brought the Secret up to date.": {Action: plan.AwaitSync{}, Err: context.DeadlineExceeded},
		"The portal does not work with the new value.":            {Action: plan.Prove{}, Err: apply.ErrUnproven},
		"The portal does not run with the database as it should.": {Action: plan.ConfirmDatabase{}, Err: apply.ErrOtherDatabase},
	} {
		if got := failureTitle(f); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
