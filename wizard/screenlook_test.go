package wizard

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// deafCluster opens the full screen on a session with a cluster that nobody
// answers for.
func deafCluster(t *testing.T, width, height int) (*bench, *k8s.Client) {
	t.Helper()
	return deafFlow(t, steps.Install(), width, height)
}

// deafFlow is the same for any flow.
func deafFlow(t *testing.T, flow steps.Flow, width, height int) (*bench, *k8s.Client) {
	t.Helper()
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
	env := &steps.Env{Cluster: client, Connect: open, Secrets: secret.Source{Rand: strings.NewReader(strings.Repeat("fixed random bytes ", 20))}}
	s, err := NewSession(flow, env, Settings{Contexts: []string{"prod-eu", "other"}, Accept: []string{"cluster.production"}}, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return benchOf(t, s, width, height), client
}

// finds ends the look under way with what it is to have found.
func (b *bench) finds(client *k8s.Client, found k8s.Found) *bench {
	b.t.Helper()
	b.work = nil
	b.tell(seenMsg{b.m.look.run, Seen{Query: b.m.look.query, Cluster: client, Found: found}})
	b.m.s.current.Target.Server = "https://k8s.example.com:6443" // the port is another one each time
	b.m.s.current.Target.CAFingerprint = "0a1b 2c3d 4e5f 6071"
	b.m.s.changed()
	b.m.draw()
	return b
}

// empty is a cluster in which nothing of OpenChoreo is.
func empty() k8s.Found {
	return k8s.Found{
		Server: k8s.Server{Version: "v1.34.2"}, Namespace: k8s.Namespace{Name: "openchoreo-control-plane"},
		Release: k8s.Release{Name: "openchoreo-control-plane"}, Secret: k8s.SecretState{Name: "backstage-secrets"},
	}
}

// A cluster that does not answer blocks, says so and can be gone on without.
func TestUnreachableCluster(t *testing.T) {
	b, _ := deafCluster(t, 100, 30)
	b.shows("looking at the cluster", "prod-eu (production?)").press("down", "up")
	b.settle().shows("the cluster was not reached", "The cluster does not answer").answered()
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

// Where the namespace is not there the first step and the review say so at once,
// with the command, and looking again takes it back.
func TestMissingNamespace(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		b, client := deafCluster(t, size[0], size[1])
		name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size[0], size[1]) }
		b.hides("is not there yet").finds(client, empty()).on("target").golden(name("namespace-missing"))
		b.shows("✗ namespace openchoreo-control-plane", "kubectl create namespace", "ctrl+r looks again")
		b.press("ctrl+e").press("alt+2", "alt+1").shows("✗ namespace openchoreo-control-plane")
		b.answered().press("ctrl+g").wait().golden(name("review-blocked"))
		b.shows("Check cluster.namespace failed", "kubectl create namespace")
		found := empty()
		found.Namespace.Exists = true
		b.press("ctrl+r").finds(client, found).wait().hides("cluster.namespace failed")
		b.press("alt+1").hides("kubectl create namespace")
	}
}

// Who does not write the Secret now needs no namespace yet.
func TestMissingNamespaceIsNoMatterForAManifest(t *testing.T) {
	b, client := deafCluster(t, 80, 24)
	b.finds(client, empty())
	if _, err := b.m.s.Answer("secret.delivery", "manifest"); err != nil {
		t.Fatal(err)
	}
	b.m.refresh()
	b.press("alt+2", "alt+1").on("target").hides("is not there yet", "kubectl create namespace")
}

// A release of a chart that this program does not know is not a cluster that was
// not reached.
func TestUnknownChartOfTheRelease(t *testing.T) {
	b, client := deafCluster(t, 100, 30)
	found := empty()
	found.Namespace.Exists = true
	found.Release.Installed, found.Release.Revision, found.Release.ChartVersion = true, 3, "9.9.9"
	b.finds(client, found).hides("was not reached", "does not answer").shows("✗ the chart of release openchoreo-control-plane: must be")
	b.shows("Kubernetes v1.34.2", "chart 9.9.9, revision 3")
	b.press("ctrl+g").wait().shows("✗ the chart of release openchoreo-control-plane: must be", "Go to Target").hides("was not reached")
	b.press("esc").on("target").press("enter").on("target").shows("1 wrong", "Chart (required)").press("enter").on("target")
	if given := b.m.s.Given(); given.Has("chart") {
		t.Error("Enter took the chart that stands in for the unknown one")
	}
	b.types("1.2.3\r").hides("the chart of release").on("urls")
	b.press("ctrl+g").wait().shows("wrong or missing").hides("the chart of release", "was not reached")
}
