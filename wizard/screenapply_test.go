package wizard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/apply"
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

func TestSignalWhileApplyingUndoesFirst(t *testing.T) {
	b := applying(t)
	b.tell(endMsg{})
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

func TestProgressOfARollout(t *testing.T) {
	b := newBench(t, 80, 24, local)
	b.m.page = onApply
	b.m.progress = progressPage{cancel: func() {}, actions: []apply.Event{{ID: "secret", Title: "patch Secret a/b"}, {ID: "rollout", Title: "wait for Deployment a/b"}}}
	for _, e := range []apply.Event{
		{ID: "secret", Title: "patch Secret a/b", Status: apply.Running}, {ID: "secret", Title: "patch Secret a/b", Status: apply.Done},
		{ID: "rollout", Title: "wait for Deployment a/b", Status: apply.Running},
		{ID: "rollout", Title: "wait for Deployment a/b", Status: apply.Progress, Text: "1 of 2 updated, 1 available; b-7: CrashLoopBackOff back-off 10s"},
	} {
		b.tell(eventMsg{e})
	}
	b.tell(tickMsg{})
	b.golden("apply-rollout-80x24")
	b.tell(appliedMsg{apply.Outcome{Rollout: "failed"}, &apply.Error{Action: "wait for Deployment a/b", Err: context.DeadlineExceeded}})
	b.shows("It could not be applied.", "✗ wait for Deployment a/b: ")
	b.press("enter", "esc") // typed ahead
	b.wait().press("esc").shows("● Save the answers").press("enter").settle()
	if !b.quit || b.saves != 1 || b.m.end.Applied || b.m.end.Left || b.m.end.Outcome.Rollout != "failed" {
		t.Errorf("quit %v, saved %d times, end %+v", b.quit, b.saves, b.m.end)
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
