package apply

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Who stops waiting for a roll-out is told that it goes on, in words.
func TestStoppedRollout(t *testing.T) {
	asked := make(chan struct{}, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := `{"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": [{"name": "c", "cluster": {"server": "` + server.URL + `"}}], "users": [{"name": "u", "user": {}}],
		"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster, err := k8s.Open(k8s.Options{Kubeconfig: path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-asked
		cancel()
	}()
	wait := plan.AwaitRollout{Namespace: "a", Deployment: "backstage", Timeout: time.Minute}
	for range 2 { // the second time ctx has ended before
		outcome, err := Run(ctx, Env{Cluster: cluster}, []plan.Action{wait}, nil)
		if !errors.Is(err, context.Canceled) || !strings.HasSuffix(err.Error(), ": stopped by you; the portal goes on rolling out") {
			t.Errorf("the error is %v", err)
		}
		if len(outcome.Actions) != 1 || outcome.Actions[0].Status != Failed || outcome.Rollout != "failed" {
			t.Errorf("the outcome is %+v", outcome)
		}
	}
}

// Who stops a roll-out has the old values back, and the portal is seen up with them
// before it is said to be rolled back; who stops once more is told how to look.
func TestStoppedRunWaitsForWhatIsBack(t *testing.T) {
	for name, hurried := range map[string]bool{"waited for": false, "stopped once more": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.deploy()
			if err := s.env.Cluster.WatchRollout(t.Context(), s.ns, "portal", func(k8s.Rollout) {}); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			hurry := make(chan struct{})
			s.env.Hurry = hurry
			actions := s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, time.Minute)
			for i, a := range actions {
				if a, ok := a.(plan.AwaitRollout); ok {
					a.Reach = "--context here "
					actions[i] = a
				}
			}
			told := false
			outcome, err := Run(ctx, s.env, actions, func(e Event) {
				switch {
				case e.ID == "rollout" && e.Status == Running:
					stop()
					if hurried {
						close(hurry)
					}
				case e.ID == "undo.rollout" && strings.Contains(e.Text, "stop once more"):
					told = strings.Contains(e.Text, "1m0s at most") && strings.Contains(e.Text, "kubectl --context here rollout status deployment/portal -n "+s.ns)
				}
			})
			var failed *Error
			if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || failed.Journal || strings.Contains(err.Error(), "goes on") {
				t.Fatalf("got %v", err)
			}
			left := strings.Join(failed.Left, "\n")
			switch seen := strings.Contains(left, "kubectl --context here rollout status"); {
			case !hurried && (left != "" || outcome.Rollout != "rolled-back" || !told):
				t.Errorf("told %t, left %q, the roll-out is %s", told, left, outcome.Rollout)
			case hurried && (!seen || outcome.Rollout != "failed"):
				t.Errorf("left %q, the roll-out is %s", left, outcome.Rollout)
			}
			if s.values()["k"] != "old" {
				t.Error("the Secret has another value")
			}
		})
	}
}
