package wizard

import (
	"context"
	"os"
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
	b.settle()
	if !b.quit || b.m.end.Err == nil || b.m.end.Applied || b.m.end.Left {
		t.Errorf("quit %v, end %+v", b.quit, b.m.end)
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
	if !b.m.done || b.m.end.Applied || b.m.end.Outcome.Rollout != "failed" {
		t.Errorf("end %+v", b.m.end)
	}
}
