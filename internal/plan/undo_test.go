package plan

import (
	"testing"
	"time"
)

// TestUndoWaitsAsAsked: how long the roll-out may take is this run's to say.
func TestUndoWaitsAsAsked(t *testing.T) {
	j := Journal{Namespace: "cp", Secret: "s", Set: []string{"k"}, Deployment: "portal", Wait: time.Second}
	for asked, want := range map[time.Duration]time.Duration{0: time.Second, time.Hour: time.Hour} {
		var got time.Duration
		for _, a := range Back(Input{Current: Current{Journal: &j, Restart: true, Wait: asked}}).Actions {
			if w, ok := a.(AwaitRollout); ok {
				got = w.Timeout
			}
		}
		if got != want {
			t.Errorf("--wait %s: it waits %s", asked, got)
		}
	}
}
