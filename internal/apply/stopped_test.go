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
