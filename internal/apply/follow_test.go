package apply

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// followed are the actions of a run that finds what an interrupted one has left:
// Secret and file are written already, and only the rest is to be done.
func (s *stage) followed(rest ...plan.Action) []plan.Action {
	s.t.Helper()
	s.put("values.yaml", "a: 1\n")
	seeded := s.seed(map[string]string{"k": "old", "theirs": "1"})
	s.interrupted(journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary, "new": "2"})), 3)
	j := plan.Journaled(rest).Follow(*s.found())
	j.Namespace, j.Secret = s.ns, "portal"
	return append(append([]plan.Action{plan.KeepPrevious{Journal: j}}, rest...), plan.DropPrevious{Journal: j})
}

// TestFollowingRunFails: what the interrupted run has done is undone as well.
func TestFollowingRunFails(t *testing.T) {
	s := newStage(t)
	none := plan.Restart{Namespace: s.ns, Deployment: "no-such-deployment"}
	actions := s.followed(none)
	outcome, err := s.run(t.Context(), actions...)
	e := failed(t, err, none, false, "restart Deployment") // which is not there to start with the old values either
	if !errors.Is(err, k8s.ErrNotFound) || !e.Journal {
		t.Errorf("got %+v", e)
	}
	if diff := cmp.Diff(map[string]string{"k": "old", "theirs": "1"}, s.values()); diff != "" {
		t.Error(diff)
	}
	if got := s.content("values.yaml"); got != "a: 1\n" {
		t.Errorf("values: %q", got)
	}
	s.expect(outcome, []string{
		"running previous.keep", "done previous.keep", "running restart", "failed restart", "undone secret", "undone file.values", "running undo.restart", "failed undo.restart",
	}, []string{"done previous.keep", "failed restart", "undone secret", "undone file.values"}, "skipped")
}

// TestFollowingRunDoesNotBegin: a run that never got to its first change leaves
// the journal of the interrupted one as it found it.
func TestFollowingRunDoesNotBegin(t *testing.T) {
	for name, prepare := range map[string]func(*stage) context.Context{
		"stopped": func(s *stage) context.Context {
			ctx, cancel := context.WithCancel(s.t.Context())
			cancel()
			return ctx
		},
		"no rights": func(s *stage) context.Context {
			s.env.Cluster = s.open(s.cluster.KubeconfigFor(s.t, "nobody"), nil)
			return s.t.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			admin := s.env.Cluster
			actions := s.followed(s.write("other.yaml", "b: 1\n"))
			before := s.found()
			ctx := prepare(s)
			_, err := s.run(ctx, actions...)
			s.env.Cluster = admin
			if e := failed(t, err, actions[0], false); !e.Journal {
				t.Errorf("it does not say that the journal is there: %v", err)
			}
			after := s.found()
			if after == nil || after.ResourceVersion != before.ResourceVersion || s.values()["k"] != canary || s.content("values.yaml") != "a: 2\n" {
				t.Errorf("something was changed: %+v", after)
			}
		})
	}
}

// TestFollowingTakesOver: who goes on with a run that has not ended takes its
// journal, also when both want the same; the other cannot drop it then.
func TestFollowingTakesOver(t *testing.T) {
	s := newStage(t)
	seeded := s.seed(map[string]string{"k": "old"})
	s.env.Now = time.Now
	first := journaled(s.patch(seeded.ResourceVersion, map[string]string{"k": canary}))
	s.interrupted(first, 1)
	before := s.found()
	second := journaled(s.patch(seeded.ResourceVersion, map[string]string{"k": canary + "-2"}))
	j := plan.Journaled(second).Follow(*before)
	s.interrupted([]plan.Action{plan.KeepPrevious{Journal: j}}, 1)
	if after := s.found(); after.ResourceVersion == before.ResourceVersion {
		t.Fatal("the journal was not taken over")
	}
	_, err := s.run(t.Context(), plan.DropPrevious{Journal: *before})
	if !errors.Is(err, k8s.ErrChanged) || strings.Contains(err.Error(), "kubectl") || s.found() == nil {
		t.Errorf("got %v", err)
	}
}

// TestAnotherRunGoesOn: whose journal another run has taken over leaves what it did
// to that one, which may have ended well; and so does an undo that was planned
// before.
func TestAnotherRunGoesOn(t *testing.T) {
	for name, ends := range map[string]bool{"and is under way": false, "and has ended": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.put("values.yaml", "a: 1\n")
			seeded := s.seed(map[string]string{"k": "old", "theirs": "1"})
			none := plan.Restart{Namespace: s.ns, Deployment: "no-such-deployment"}
			actions := journaled(s.write("values.yaml", "a: 2\n"), s.patch(seeded.ResourceVersion, map[string]string{"k": canary}), none)
			var back []plan.Action
			first := *s
			first.env.Cluster = s.open(s.cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if strings.Contains(r.URL.Path, "/deployments/") {
						found := s.found()
						back = plan.Back(plan.Input{Current: plan.Current{Journal: found}}).Actions
						j := plan.Journaled(nil).Follow(*found)
						j.Namespace, j.Secret = s.ns, "portal"
						other := []plan.Action{plan.KeepPrevious{Journal: j}}
						if ends {
							other = append(other, plan.DropPrevious{Journal: j})
						}
						s.env.Now = time.Now
						s.interrupted(other, len(other))
					}
					return next.RoundTrip(r)
				})
			})
			_, err := first.run(t.Context(), actions...)
			if e := failed(t, err, none, false, "another run"); e.Journal {
				t.Error("it says that the journal is its own")
			}
			_, err = s.run(t.Context(), back...)
			if e := failed(t, err, back[0], true); e.Journal || !errors.Is(err, k8s.ErrChanged) {
				t.Errorf("undo: %v", err)
			}
			if s.values()["k"] != canary || s.content("values.yaml") != "a: 2\n" || (s.found() == nil) != ends {
				t.Errorf("something was put back: %v, %q", s.values(), s.content("values.yaml"))
			}
		})
	}
}

// TestOnlyWhatItWrote: a run that goes on with another one and is refused takes
// back what that one may have written, and nothing that a third one wrote.
func TestOnlyWhatItWrote(t *testing.T) {
	s := newStage(t)
	seeded := s.seed(map[string]string{"k": "old", "other": "old"})
	s.env.Now = time.Now
	s.interrupted(journaled(s.patch(seeded.ResourceVersion, map[string]string{"k": canary})), 2)
	now, err := s.env.Cluster.Secret(t.Context(), s.ns, "portal")
	if err != nil {
		t.Fatal(err)
	}
	stale := s.patch(seeded.ResourceVersion, map[string]string{"other": canary + "-2", "more": "2"})
	third := s.patch(now.ResourceVersion, map[string]string{"other": canary + "-2"}) // wants some of the same
	s.interrupted([]plan.Action{third}, 1)
	j := plan.Journaled([]plan.Action{stale}).Follow(*s.found())
	_, err = s.run(t.Context(), plan.KeepPrevious{Journal: j}, stale, plan.DropPrevious{Journal: j})
	failed(t, err, stale, true)
	if diff := cmp.Diff(map[string]string{"k": "old", "other": canary + "-2"}, s.values()); diff != "" {
		t.Error(diff)
	}
	if s.found() != nil {
		t.Error("the journal is left over")
	}
}
