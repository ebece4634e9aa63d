package apply

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// journaled puts keeping and dropping around the actions, as a plan does.
func journaled(actions ...plan.Action) []plan.Action {
	for i, a := range actions {
		if f, ok := a.(plan.WriteFile); ok {
			f.Keep = true
			actions[i] = f
		}
	}
	j := plan.Journaled(actions)
	j.Flow = "install"
	return append(append([]plan.Action{plan.KeepPrevious{Journal: j}}, actions...), plan.DropPrevious{Journal: j})
}

// found is the journal that is in the cluster, nil when there is none.
func (s *stage) found() *plan.Journal {
	s.t.Helper()
	previous, err := s.env.Cluster.Secret(s.t.Context(), s.ns, plan.PreviousName("portal"))
	if errors.Is(err, k8s.ErrNotFound) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	j, err := plan.FoundJournal(previous)
	if err != nil || j == nil {
		s.t.Fatalf("no journal in %s: %v", previous.Name, err)
	}
	return j
}

// beside lists what else is in the directory.
func (s *stage) beside() (names []string) {
	s.t.Helper()
	list, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// TestPreviousIsKept: while the run lasts the old values are in a Secret of their
// own and the old file beside the new one; afterwards both are gone.
func TestPreviousIsKept(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old", "theirs": "1"})
	var kept *plan.Journal
	var mode fs.FileMode
	s.env.Cluster = s.open(s.cluster.Kubeconfig, at(http.MethodPatch, func() {
		if kept != nil {
			return
		}
		admin := s.env.Cluster
		s.env.Cluster = s.open(s.cluster.Kubeconfig, nil)
		kept = s.found()
		s.env.Cluster = admin
		info, err := os.Stat(kept.Files[0].Kept)
		if err != nil {
			t.Error(err)
			return
		}
		mode = info.Mode().Perm()
	}))
	outcome, err := s.run(t.Context(), journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "new": "2"}))...)
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{
		"running previous.keep", "done previous.keep", "running file.values", "done file.values", "running secret", "done secret", "running previous.drop", "done previous.drop",
	}, []string{"done previous.keep", "done file.values", "done secret", "done previous.drop"}, "skipped")
	if kept == nil || kept.Old["k"].Reveal() != "old" || len(kept.Old) != 1 || mode != 0o600 {
		t.Fatalf("kept %+v, mode %v", kept, mode)
	}
	if diff := cmp.Diff([]string{"k", "new"}, append(kept.Set, kept.Added...)); diff != "" {
		t.Error(diff)
	}
	if s.found() != nil {
		t.Error("the journal stays")
	}
	if diff := cmp.Diff([]string{"values.yaml"}, s.beside()); diff != "" {
		t.Error(diff)
	}
}

// interrupted carries out what a run does before it is killed: nothing is undone.
func (s *stage) interrupted(actions []plan.Action, first int) {
	s.t.Helper()
	if _, err := s.run(s.t.Context(), actions[:first]...); err != nil {
		s.t.Fatal(err)
	}
}

// TestUndoAfterKill: from what was kept, another process puts back whatever the
// run had come to; a second time changes nothing.
func TestUndoAfterKill(t *testing.T) {
	for first, name := range []string{"before anything", "kept", "file written", "Secret written", "restarted"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.deploy()
			s.put("values.yaml", "a: 1\n")
			before := map[string]string{"k": "old", "theirs": "1"}
			seeded := s.seed(before)
			actions := journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "new": "2"}),
				plan.Restart{Namespace: s.ns, Deployment: "portal"}, plan.AwaitRollout{Namespace: s.ns, Deployment: "portal", Timeout: time.Minute})
			s.interrupted(actions, first)
			for range 2 {
				j := s.found()
				p := plan.Back(plan.Input{Current: plan.Current{Journal: j, Restart: true}})
				if (j == nil) != (len(p.Actions) == 0) {
					t.Fatalf("journal %v, %d actions", j, len(p.Actions))
				}
				outcome, err := s.run(t.Context(), p.Actions...)
				if err != nil {
					t.Fatal(err)
				}
				if j != nil && outcome.Rollout != "rolled-back" {
					t.Errorf("rollout %q", outcome.Rollout)
				}
				if diff := cmp.Diff(before, s.values()); diff != "" {
					t.Error(diff)
				}
				if got := s.content("values.yaml"); got != "a: 1\n" {
					t.Errorf("values: %q", got)
				}
				if diff := cmp.Diff([]string{"values.yaml"}, s.beside()); diff != "" {
					t.Error(diff)
				}
			}
			if s.found() != nil {
				t.Error("the journal stays")
			}
		})
	}
}

// TestUndoLeavesTheirs: what somebody wrote after the interrupted run stays, is
// named, and the journal is kept.
func TestUndoLeavesTheirs(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old", "l": "old"})
	s.interrupted(journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "l": canary, "new": "2"})), 3)
	now, err := s.core().Secrets(s.ns).Get(t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now.Data["l"] = []byte("theirs")
	if _, err := s.core().Secrets(s.ns).Update(t.Context(), now, metav1.UpdateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	s.put("values.yaml", "a: 3\n")
	back := plan.Back(plan.Input{Current: plan.Current{Journal: s.found()}})
	_, err = s.run(t.Context(), back.Actions...)
	var failure *Error
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "l: written by somebody else") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(map[string]string{"k": "old", "l": "theirs"}, s.values()); diff != "" {
		t.Error(diff)
	}
	if got := s.content("values.yaml"); got != "a: 3\n" {
		t.Errorf("values: %q", got)
	}
	if s.found() == nil {
		t.Error("the journal is gone, and with it the old values")
	}
}

// TestGoOnAfterKill: the run after an interrupted one keeps what was there before
// the first, and undoing goes back to that.
func TestGoOnAfterKill(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old", "theirs": "1"})
	s.interrupted(journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "new": "2"})), 3)
	first := s.found()

	version := func() string {
		now, err := s.env.Cluster.Secret(t.Context(), s.ns, "portal")
		if err != nil {
			t.Fatal(err)
		}
		return now.ResourceVersion
	}
	actions := journaled(s.write("values.yaml", "a: 3\n"), s.patch(version(), map[string]string{"k": canary + "-2", "new": "3", "third": "1"}))
	j := plan.Journaled(actions).Follow(*first)
	actions[0], actions[len(actions)-1] = plan.KeepPrevious{Journal: j}, plan.DropPrevious{Journal: j}
	s.interrupted(actions, 3)
	both := s.found()
	if both.Old["k"].Reveal() != "old" || len(both.Old) != 1 || !both.Started.Equal(first.Started) {
		t.Errorf("kept %+v", both)
	}
	if _, err := s.run(t.Context(), plan.Back(plan.Input{Current: plan.Current{Journal: both}}).Actions...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"k": "old", "theirs": "1"}, s.values()); diff != "" {
		t.Error(diff)
	}
	if got := s.content("values.yaml"); got != "a: 1\n" {
		t.Errorf("values: %q", got)
	}
}

// TestTwoAtOnce: of two runs that saw the same, one wins and the other changes
// nothing.
func TestTwoAtOnce(t *testing.T) {
	s := newStage(t)
	seeded := s.seed(map[string]string{"k": "old"})
	first := journaled(s.patch(seeded.ResourceVersion, map[string]string{"k": canary}))
	second := journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary + "-2"}))
	s.interrupted(first, 2)
	_, err := s.run(t.Context(), second...)
	if failed(t, err, second[0], true); !errors.Is(err, k8s.ErrChanged) {
		t.Errorf("got %v", err)
	}
	if got := s.values()["k"]; got != canary || s.content("values.yaml") != "(none)" {
		t.Error("the second run has changed something")
	}
	if s.found() == nil {
		t.Error("the second run has taken the first one's journal")
	}
}

// TestLostAnswer: a write whose answer does not come back is looked for, and
// counts when it took place.
func TestLostAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		sent bool // the request reaches the server
		want string
	}{"after the write": {true, canary}, "before it": {false, "old"}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			seeded := s.seed(map[string]string{"k": "old"})
			patch := s.patch(seeded.ResourceVersion, map[string]string{"k": canary})
			s.env.Cluster = s.open(s.cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method != http.MethodPatch {
						return next.RoundTrip(r)
					}
					if tt.sent {
						answer, err := next.RoundTrip(r)
						if err != nil {
							return nil, err
						}
						_ = answer.Body.Close()
					}
					return nil, errors.New("connection reset by peer")
				})
			})
			_, err := s.run(t.Context(), patch)
			if (err == nil) != tt.sent {
				t.Errorf("got %v", err)
			}
			if got := s.values()["k"]; got != tt.want {
				t.Error("the Secret holds another value")
			}
		})
	}
}

// TestCreatedIsUndone: a Secret that the run made goes again, unless somebody has
// put something into it.
func TestCreatedIsUndone(t *testing.T) {
	for name, theirs := range map[string]bool{"untouched": false, "with a key of somebody else's": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			create := s.patch("", map[string]string{"k": canary})
			none := plan.Restart{Namespace: s.ns, Deployment: "none"}
			s.env.Cluster = s.open(s.cluster.Kubeconfig, at(http.MethodPatch, func() {
				if !theirs {
					return
				}
				now, err := s.core().Secrets(s.ns).Get(context.Background(), "portal", metav1.GetOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				now.Data["theirs"] = []byte("1")
				if _, err := s.core().Secrets(s.ns).Update(context.Background(), now, metav1.UpdateOptions{}); err != nil {
					t.Error(err)
				}
			}))
			_, err := s.run(t.Context(), create, none)
			failed(t, err, none, false)
			want := map[string]string(nil)
			if theirs {
				want = map[string]string{"theirs": "1"}
			}
			if diff := cmp.Diff(want, s.values()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLocalJournal: a run that writes files alone keeps its journal in the state
// directory.
func TestLocalJournal(t *testing.T) {
	s := newStage(t)
	s.env.Cluster = nil
	s.env.Journal = filepath.Join(t.TempDir(), "state", "journal.json")
	s.put("values.yaml", "a: 1\n")
	s.put("manifest.yaml", "b: 1\n")
	actions := journaled(s.write("values.yaml", "a: 2\n"), s.write("manifest.yaml", "b: 2\n"), s.write("new.yaml", "c: 1\n"))
	j := plan.Journaled(actions)
	actions[0], actions[len(actions)-1] = plan.KeepPrevious{Journal: j, Local: true}, plan.DropPrevious{Journal: j, Local: true}
	s.interrupted(actions, 4)
	text, err := os.ReadFile(s.env.Journal)
	if err != nil {
		t.Fatal(err)
	}
	found, err := plan.DecodeJournal(text)
	if err != nil {
		t.Fatal(err)
	}
	found.File = s.env.Journal
	if _, err := s.run(t.Context(), plan.Back(plan.Input{Current: plan.Current{Journal: found}}).Actions...); err != nil {
		t.Fatal(err)
	}
	if s.content("values.yaml") != "a: 1\n" || s.content("manifest.yaml") != "b: 1\n" || s.content("new.yaml") != "(none)" {
		t.Errorf("values %q, manifest %q, new %q", s.content("values.yaml"), s.content("manifest.yaml"), s.content("new.yaml"))
	}
	if diff := cmp.Diff([]string{"manifest.yaml", "values.yaml"}, s.beside()); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(s.env.Journal); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal stays: %v", err)
	}
}

// TestForeignPrevious: a Secret of that name that is none of ours is no journal.
func TestForeignPrevious(t *testing.T) {
	s := newStage(t)
	if _, err := s.core().Secrets(s.ns).Create(t.Context(), &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: plan.PreviousName("portal")}, StringData: map[string]string{"k": "theirs"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	seeded := s.seed(map[string]string{"k": "old"})
	actions := journaled(s.patch(seeded.ResourceVersion, map[string]string{"k": canary}))
	_, err := s.run(t.Context(), actions...)
	failed(t, err, actions[0], true)
	previous, err := s.env.Cluster.Secret(t.Context(), s.ns, plan.PreviousName("portal"))
	if err != nil || !previous.Values["k"].Equal(secret.New("theirs")) || s.values()["k"] != "old" {
		t.Errorf("somebody else's Secret was touched: %v", err)
	}
}
