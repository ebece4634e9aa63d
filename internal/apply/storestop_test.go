package apply

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Who stops a run through the store has the old values in the Secret when it ends,
// or is told that they may not be there yet.
func TestStoppedWhileExternalSecretsSyncs(t *testing.T) {
	if _, err := os.Stat(crds); err != nil {
		t.Skipf("the resource definitions of External Secrets are not here: %v", err)
	}
	t.Parallel()
	for _, k := range kinds() {
		if !k.stored || k.given == nil || k.back {
			continue
		}
		home := newPlace(t)
		home.cluster.ApplyCRDs(t, crds)
		for name, held := range map[string]bool{"a controller that is slow": false, "one that does not run": true} {
			t.Run(name, func(t *testing.T) {
				s := home.stage(t, k)
				before := s.condition(k)
				actions := s.planned(k).Actions
				if held {
					actions = hurried(actions)
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				_, err := Run(ctx, s.env, actions, func(e Event) {
					if e.ID != "sync" || e.Status != Running || ctx.Err() != nil {
						return
					}
					s.until(func() bool { return s.values()["client-secret"] == newClient })
					s.kitchen.controller.Pause()
					stop()
					if !held {
						time.AfterFunc(300*time.Millisecond, s.kitchen.controller.Resume)
					}
				})
				var failed *Error
				if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v", err)
				}
				diff := cmp.Diff(before, s.condition(k), cmp.AllowUnexported(condition{}))
				left := strings.Join(failed.Left, "\n")
				switch told := strings.Contains(left, "may hold the new values"); {
				case !held && (diff != "" || left != "" || failed.Journal):
					t.Errorf("left %q, journal %t: %s", left, failed.Journal, diff)
				case held && (diff == "" || !told || !failed.Journal):
					t.Errorf("left %q, journal %t: %s", left, failed.Journal, diff)
				}
				s.kitchen.controller.Resume()
			})
		}
	}
}
