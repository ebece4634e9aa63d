package apply

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

func TestOrder(t *testing.T) {
	s := newStage(t)
	s.put("old.yaml", "a: 1\n")
	outcome, err := s.run(t.Context(), s.write("new.yaml", "b: 2\n"), s.write("old.yaml", "a: 2\n"), s.patch("", map[string]string{"client-secret": canary, "k": "v"}))
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running file.new", "done file.new", "running file.old", "done file.old", "running secret", "done secret"},
		[]string{"done file.new", "done file.old", "done secret"}, "skipped")
	if s.content("new.yaml") != "b: 2\n" || s.content("old.yaml") != "a: 2\n" {
		t.Errorf("new %q, old %q", s.content("new.yaml"), s.content("old.yaml"))
	}
	if diff := cmp.Diff(map[string]string{"client-secret": canary, "k": "v"}, s.values()); diff != "" {
		t.Error(diff)
	}
	for _, e := range outcome.Actions {
		if e.Title == "" {
			t.Errorf("%s has no title", e.ID)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	outcome, err := Run(t.Context(), Env{}, nil, nil)
	if err != nil || len(outcome.Actions) > 0 || outcome.Rollout != "skipped" {
		t.Errorf("%+v, %v", outcome, err)
	}
}

// TestUnchanged: what is so already is told apart, and left alone by the undoing.
func TestUnchanged(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	before, err := os.Stat(s.path("values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	seeded := s.seed(map[string]string{"k": canary})
	same, none := s.patch(seeded.ResourceVersion, map[string]string{"k": canary}), plan.Restart{Namespace: s.ns, Deployment: "none"}
	outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 1\n"), same, none)
	failed(t, err, none, false)
	s.expect(outcome, []string{"running file.values", "unchanged file.values", "running secret", "unchanged secret", "running restart", "failed restart"},
		[]string{"unchanged file.values", "unchanged secret", "failed restart"}, "skipped")
	if after, err := os.Stat(s.path("values.yaml")); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file was written: %v", err)
	}
}

func TestRestartAndRollout(t *testing.T) {
	s := newStage(t)
	s.deploy()
	outcome, err := s.run(t.Context(), s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, time.Minute)...)
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running restart", "done restart", "running rollout", "progress rollout", "done rollout"},
		[]string{"done secret", "done restart", "done rollout"}, "complete")
	if !slices.ContainsFunc(s.texts, func(text string) bool { return strings.Contains(text, "1 of 1 updated, 1 available") }) {
		t.Errorf("progress: %q", s.texts)
	}
	for i, text := range s.texts[1:] {
		if text != "" && text == s.texts[i] {
			t.Errorf("told twice: %q", text)
		}
	}
	apps, err := appsv1.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	d, err := apps.Deployments(s.ns).Get(t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"]; got != "2026-01-02T03:04:05Z" {
		t.Errorf("restarted at %q", got)
	}
}

// TestRolloutFails: everything is put back and the pods start with the old values
// again, unless somebody decides to leave it.
func TestRolloutIsStuckBefore(t *testing.T) {
	s := newStage(t)
	s.deployOn("a-node-that-is-not-there")
	wait := plan.AwaitRollout{Namespace: s.ns, Deployment: "portal", Timeout: time.Hour, Before: true}
	_, err := s.run(t.Context(), wait)
	var stuck *Stuck
	if failed(t, err, wait, false); !errors.As(err, &stuck) || !stuck.Before || !strings.Contains(err.Error(), "have the Secret already and do not come up") || stuck.Hint() == "" {
		t.Errorf("got %v", err)
	}
}

func TestRolloutFails(t *testing.T) {
	undone := []string{"undone secret", "running undo.restart", "done undo.restart"}
	for name, tt := range map[string]struct {
		timeout time.Duration
		cancel  bool
		decide  []Choice // nil is the default
		want    error
		events  []string // after the failure
		value   string
		left    []string
	}{
		"in time":                 {timeout: time.Second, want: k8s.ErrNotRolledOut, events: append(slices.Clone(undone), "running undo.rollout", "failed undo.rollout"), value: "old", left: []string{"wait for Deployment"}},
		"cancelled":               {timeout: time.Minute, cancel: true, want: context.Canceled, events: undone, value: "old", left: []string{"nobody has seen it up; to look at it: kubectl rollout status deployment/portal -n "}},
		"left":                    {timeout: time.Second, decide: []Choice{Leave}, want: k8s.ErrNotRolledOut, value: canary},
		"waited on, then left":    {timeout: time.Second, decide: []Choice{WaitOn, WaitOn, Leave}, want: k8s.ErrNotRolledOut, value: canary},
		"cancelled, waited, left": {timeout: time.Second, cancel: true, decide: []Choice{WaitOn, Leave}, want: k8s.ErrNotRolledOut, value: canary},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.deployOn("a-node-that-is-not-there") // its pods stay pending
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.decide != nil {
				s.env.Decide = func(f Failure) Decision {
					choice := tt.decide[0]
					tt.decide = tt.decide[1:]
					return Decision{Do: choice, Ctx: t.Context()}
				}
			}
			closes := make(chan struct{})
			hurry := sync.OnceFunc(func() { close(closes) })
			s.env.Hurry = closes
			actions := s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, tt.timeout)
			outcome, err := Run(ctx, s.env, actions, func(e Event) {
				if tt.cancel && e.Status == Progress {
					if cancel(); tt.decide == nil && ctx.Err() != nil { // and once more
						hurry()
					}
				}
				if e.Status != Progress {
					s.events = append(s.events, string(e.Status)+" "+e.ID)
				}
			})
			if failed(t, err, actions[2], false, tt.left...); !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
			written := "done secret"
			if tt.value == "old" {
				written = "undone secret"
			}
			s.expect(outcome, append([]string{"running secret", "done secret", "running restart", "done restart", "running rollout", "failed rollout"}, tt.events...),
				[]string{written, "done restart", "failed rollout"}, "failed")
			if got := s.values()["k"]; got != tt.value {
				t.Error("the Secret has another value")
			}
			if len(tt.decide) > 0 {
				t.Errorf("not asked for %v", tt.decide)
			}
		})
	}
}

// TestRestartFails: the Secret is put back.
func TestRestartFails(t *testing.T) {
	s := newStage(t)
	actions := s.roll(s.seed(map[string]string{"k": "old", "theirs": "1"}).ResourceVersion, time.Minute)
	outcome, err := s.run(t.Context(), actions...)
	if failed(t, err, actions[1], false); !errors.Is(err, k8s.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running restart", "failed restart", "undone secret"}, []string{"undone secret", "failed restart"}, "skipped")
	if diff := cmp.Diff(map[string]string{"k": "old", "theirs": "1"}, s.values()); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownAction(t *testing.T) {
	s := newStage(t)
	outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 2\n"), strange{})
	failed(t, err, strange{}, false)
	s.expect(outcome, []string{"running file.values", "done file.values", "running strange", "failed strange", "undone file.values"}, []string{"undone file.values", "failed strange"}, "skipped")
}

// TestBackup: the old bytes are kept beside the file, also after an undo.
func TestBackup(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	write := s.write("values.yaml", "a: 2\n")
	write.Backup = true
	if _, err := s.run(t.Context(), write, strange{}); err == nil {
		t.Fatal("no error")
	}
	kept, err := os.ReadFile(write.Change.File.BackupPath())
	if err != nil || string(kept) != "a: 1\n" || s.content("values.yaml") != "a: 1\n" {
		t.Errorf("backup %q, %v; file %q", kept, err, s.content("values.yaml"))
	}
}
