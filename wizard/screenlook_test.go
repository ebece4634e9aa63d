package wizard

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// A cluster that does not answer blocks, says so and can be gone on without.
func TestUnreachableCluster(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil { // nobody listens there now
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := `{"apiVersion": "v1", "kind": "Config", "current-context": "prod-eu",
		"clusters": [{"name": "c", "cluster": {"server": "http://` + address + `"}}], "users": [{"name": "u", "user": {}}],
		"contexts": [{"name": "prod-eu", "context": {"cluster": "c", "user": "u"}}]}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(name string) (*k8s.Client, error) { return k8s.Open(k8s.Options{Kubeconfig: path, Context: name}) }
	client, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	env := &steps.Env{Cluster: client, Connect: open}
	s, err := NewSession(steps.Install(), env, Settings{Contexts: []string{"prod-eu", "other"}}, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	b := benchOf(t, s, 100, 30).shows("looking at the cluster", "prod-eu (production?)").press("down", "up")
	b.settle().shows("the cluster was not reached", "The cluster does not answer").filled()
	b.press("ctrl+g").wait().shows("Check cluster.reachable failed", "Go to Target", "c go on although it failed")
	b.press("enter").on("target").press("pgdown").shows("Checks", "cluster.reachable").press("esc").wait()
	b.press("c").wait().shows("Go on although check cluster.reachable failed?").types("yes\r").wait().shows("failed and accepted")
	// Another context that the kubeconfig has not: nothing may be applied to the one before.
	b.press("alt+1", "ctrl+e").types("other\r").settle().shows("✗")
	b.press("ctrl+g").wait().hides("Apply these").shows("Go to Target").press("a")
	if b.m.menu != nil {
		t.Error("it would be applied to another cluster than the one named")
	}
}
