package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// TestGoingOnKeepsWhatOthersWrote: what was there before the first run counts, but
// for what somebody else has written since.
func TestGoingOnKeepsWhatOthersWrote(t *testing.T) {
	found := inCluster(map[string]string{"backend-secret": "b", "client-secret": "first", "jenkins-api-key": "theirs"})
	found.Secret.Secret.Holders = map[string]string{"backend-secret": "kubectl", "client-secret": k8s.FieldManager, "jenkins-api-key": "kubectl-edit"}
	earlier := Journal{
		Secret: "backstage-secrets", Namespace: "cp", Set: []string{"client-secret", "jenkins-api-key"}, Added: []string{"backend-secret"},
		Old: map[string]secret.Text{"client-secret": secret.New("was"), "jenkins-api-key": secret.New("was")},
	}
	s := scene{
		found: found, said: given{"client.secret": typed("second"), "jenkins.enabled": true, "jenkins.apiKey": typed("second"), "backendSecret": typed("second")},
		current: func(c *Current) { c.UndoOnFailure, c.Journal = true, &earlier },
	}
	keep, ok := s.plan(t).Actions[0].(KeepPrevious)
	if !ok {
		t.Fatal("nothing is kept")
	}
	got := map[string]string{}
	for key, value := range keep.Journal.Old {
		got[key] = value.Reveal()
	}
	if diff := cmp.Diff(map[string]string{"client-secret": "was", "jenkins-api-key": "theirs", "backend-secret": "b"}, got); diff != "" {
		t.Error(diff)
	}
	if len(keep.Journal.Added) > 0 || !slices.Equal(keep.Journal.Set, slices.Sorted(maps.Keys(got))) {
		t.Errorf("set %q, added %q", keep.Journal.Set, keep.Journal.Added)
	}
	if diff := cmp.Diff([]string{"client-secret", "jenkins-api-key"}, earlier.Set); diff != "" {
		t.Errorf("the journal that was found has changed: %s", diff)
	}
}

// TestFollow: a key that the first run changed and somebody has taken away since
// is given back; a file that both wrote goes back to where the first found it,
// whichever of the two wrote last, and one that was edited in between does not.
func TestFollow(t *testing.T) {
	first := Journal{
		Set: []string{"k"}, Old: map[string]secret.Text{"k": secret.New("was")},
		Files: []JournalFile{{Path: "a", Before: "0", After: "1", Kept: "a.0.bak"}, {Path: "b", Before: "0", After: "1", Kept: "b.0.bak"}},
	}
	second := Journal{
		Added: []string{"k"},
		Files: []JournalFile{{Path: "a", Before: "1", After: "2"}, {Path: "b", Before: "theirs", After: "2", Kept: "b.theirs.bak"}},
	}
	both := second.Follow(first)
	if !slices.Equal(both.Set, []string{"k"}) || len(both.Added) > 0 || both.Old["k"].Reveal() != "was" {
		t.Errorf("set %q, added %q, old %v", both.Set, both.Added, both.Old)
	}
	want := []JournalFile{{Path: "a", Before: "0", After: "2", Kept: "a.0.bak", Earlier: []string{"1"}}, {Path: "b", Before: "theirs", After: "2", Kept: "b.theirs.bak"}}
	if diff := cmp.Diff(want, both.Files, cmp.Comparer(func(a, b JournalFile) bool {
		return a.Path == b.Path && a.Before == b.Before && a.After == b.After && a.Kept == b.Kept && slices.Equal(a.Earlier, b.Earlier)
	})); diff != "" {
		t.Error(diff)
	}
	for sum, wrote := range map[string]bool{"2": true, "1": true, "0": false, "": false} {
		if got := both.Files[0].Wrote(sum); got != wrote {
			t.Errorf("wrote %q: %t", sum, got)
		}
	}
}

// TestStale: a pod on its way out is not run with.
func TestStale(t *testing.T) {
	now := time.Now()
	for phase, want := range map[string]bool{"Running": true, "Terminating": false} {
		if got := startedBefore(k8s.Pods{Items: []k8s.PodState{{Phase: phase, Started: now.Add(-time.Hour)}}}, now); got != want {
			t.Errorf("%s: %t", phase, got)
		}
	}
}

// TestStarting: where a pod with the newest Secret does not come up, nothing is
// restarted once more.
func TestStarting(t *testing.T) {
	written := time.Now().Truncate(time.Second)
	old := k8s.PodState{Phase: "Running", Ready: true, Created: written.Add(-time.Hour), Started: written.Add(-time.Hour)}
	crashing := k8s.PodState{Phase: "Running", Created: written.Add(time.Second), Reason: "CrashLoopBackOff"}
	going := crashing
	going.Phase = "Terminating"
	older := crashing
	older.Created = old.Created
	for name, tt := range map[string]struct {
		pod  k8s.PodState
		said given
		want string
	}{
		"one that crashes":            {pod: crashing, want: "rollout"},
		"one that goes":               {pod: going, want: "restart rollout"},
		"one from before":             {pod: older, want: "restart rollout"},
		"this run changes the Secret": {pod: crashing, said: given{"client.secret": typed("n3w")}, want: "secret restart rollout"},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(basic)
			found.Secret.Secret.DataWritten = written
			found.Deployment.Name, found.Pods = "portal", k8s.Pods{Items: []k8s.PodState{old, tt.pod}}
			p := scene{files: []string{"backstage: {secretName: backstage-secrets}\n"}, found: found, said: tt.said, current: func(c *Current) { c.Restart = true }}.plan(t)
			var ids []string
			for _, a := range p.Actions {
				ids = append(ids, a.ID())
				if w, ok := a.(AwaitRollout); ok && w.Before != (tt.want == "rollout") {
					t.Errorf("began before: %t", w.Before)
				}
			}
			if got := strings.Join(ids, " "); got != tt.want {
				t.Errorf("it would do %q", got)
			}
		})
	}
}

// TestNothingWasWaitedFor: nor is it by the run that finds everything done.
func TestNothingWasWaitedFor(t *testing.T) {
	p := scene{files: []string{"backstage: {secretName: backstage-secrets}\n"}, found: inCluster(basic), current: func(c *Current) {
		c.Journal = &Journal{Secret: "backstage-secrets", Set: []string{"client-secret"}}
	}}.plan(t)
	if len(p.Actions) != 2 || p.Actions[1].ID() != "previous.drop" {
		t.Errorf("%v", p.Actions)
	}
}
