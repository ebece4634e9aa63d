package wizard

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/openchoreo/backstage-setup/k8s"
)

// On every page of every size the header tells which cluster this is: names may
// lose their middle, what warns may not.
func TestHeaderTellsTheCluster(t *testing.T) {
	arn := "arn:aws:eks:eu-west-1:123456789012:cluster/shop-production"
	eks := "https://0123456789ABCDEF0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
	for name, tt := range map[string]struct {
		width, height int
		target        k8s.Target
		want          []string
	}{
		"80x24":           {80, 24, k8s.Target{Context: "kind", Server: "https://127.0.0.1:6443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"kind", "127.0.0.1:6443", "namespace openchoreo-control-plane", "CA 0a1b 2c3d 4e5f 6071"}},
		"160x50":          {160, 50, k8s.Target{Context: "kind", Server: "https://127.0.0.1:6443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"kind  127.0.0.1:6443  namespace openchoreo-control-plane  CA 0a1b 2c3d 4e5f 6071"}},
		"long names":      {80, 24, k8s.Target{Context: arn, Server: eks, CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"arn:aws", "shop-production (production?)", "0123456789", "amazonaws.com", "namespace openchoreo-control-plane", "CA 0a1b 2c3d 4e5f 6071"}},
		"unverified":      {80, 24, k8s.Target{Context: "live-eu", Server: "https://10.0.0.1:6443", InsecureSkipTLS: true}, []string{"live-eu (production?) (TLS not verified)", "10.0.0.1:6443", "CA not verified"}},
		"small":           {40, 12, k8s.Target{Context: "kind", Server: "https://127.0.0.1:6443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"kind  127.0.0.1:6443", "openchoreo-control-plane  CA 0a1b 2c3d"}},
		"small, long":     {40, 12, k8s.Target{Context: arn, Server: eks, CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"(production?)", "openchoreo-control-plane  CA 0a1b 2c3d"}},
		"small, insecure": {40, 12, k8s.Target{Context: "live-eu", Server: "https://10.0.0.1:6443", InsecureSkipTLS: true}, []string{"live-eu (production?)", "10.0.0.1:6443", "CA not verified"}},
		"rancher":         {80, 24, k8s.Target{Context: "a", Server: "https://rancher.example.com/k8s/clusters/c-m-1234"}, []string{"rancher.example.com/k8s/clusters/c-m-1234", "CA of the system"}},
		"in a pod":        {80, 24, k8s.Target{Server: "https://10.96.0.1:443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}, []string{"in the cluster", "10.96.0.1:443", "CA 0a1b 2c3d 4e5f 6071"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, client := deafCluster(t, tt.width, tt.height)
			found := empty()
			found.Namespace.Exists = true
			b.finds(client, found)
			b.m.s.current.Target = tt.target
			b.m.s.changed()
			b.m.draw()
			head := strings.Join(strings.Split(b.screen(), "\n")[:3], "\n")
			for _, want := range tt.want {
				if !strings.Contains(head, want) {
					t.Errorf("%q is not in\n%s", want, head)
				}
			}
			for _, line := range strings.Split(b.screen(), "\n") {
				if ansi.StringWidth(line) > tt.width {
					t.Errorf("too wide: %q", line)
				}
			}
			b.answered().press("ctrl+g").wait()
			if b.m.ready() {
				b.press("a").wait()
				for _, want := range []string{"Server " + hostPort(tt.target.Server)[:8], "Namespace openchoreo-control-plane"} {
					b.shows(want)
				}
			}
		})
	}
}

// Saying yes to a doubt about the cluster says what is at stake, and where; the
// first choice is no.
func TestConfirmationSaysWhatIsAtStake(t *testing.T) {
	b, client := deafCluster(t, 80, 24)
	b.m.s.settings.Accept = nil
	b.m.s.current.Accept = nil
	found := empty()
	found.Namespace.Exists = true
	b.finds(client, found).answered().press("ctrl+g").wait().shows("Check cluster.production failed", "c go on although it failed")
	b.press("c").wait().golden("accept-production-80x24")
	b.shows("Is this the cluster that you mean?", "Context prod-eu (production?)", "Server k8s.example.com:6443", "CA 0a1b 2c3d 4e5f 6071", "Namespace openchoreo-control-plane", "● No, back to the review")
	b.press("enter").wait().shows("Check cluster.production failed")
	b.press("c").wait().types("yes\r").wait().hides("Check cluster.production failed")
}

func TestWhere(t *testing.T) {
	for name, tt := range map[string]struct {
		target k8s.Target
		want   string
	}{
		"all":      {k8s.Target{Context: "prod-eu", Server: "https://k8s.example.com:6443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}, "Context prod-eu (production?), server k8s.example.com:6443, namespace openchoreo-control-plane, CA 0a1b 2c3d 4e5f 6071."},
		"insecure": {k8s.Target{Context: "kind", Server: "https://k8s.example.com", InsecureSkipTLS: true}, "Context kind (TLS not verified), server k8s.example.com, namespace openchoreo-control-plane, CA not verified."},
		"pod":      {k8s.Target{Server: "https://10.96.0.1:443"}, "The pod's own cluster, server 10.96.0.1:443, namespace openchoreo-control-plane, CA of the system."},
	} {
		b, _ := deafCluster(t, 80, 24)
		b.m.s.current.Target = tt.target
		b.m.s.changed()
		if got := b.m.s.Where(); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

// A feature's question tells whether its plane is there, at every size.
func TestFeaturesTellOfTheirPlanes(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}} {
		b, client := deafCluster(t, size[0], size[1])
		found := empty()
		found.WorkflowPlanes.Items = []k8s.Plane{{Name: "default"}}
		b.finds(client, found).press("alt+9").on("features").press("ctrl+e").shows("Here: workflow plane: 1")
		b.press("enter").shows("Here: observability plane: none is")
	}
}

// What may not be done is told before the first question, with what it prevents.
func TestMissingRightsAreToldFirst(t *testing.T) {
	b, client := deafCluster(t, 160, 40)
	b.finds(client, empty())
	for range mostRights + 2 {
		b.m.s.current.Rights = append(b.m.s.current.Rights, k8s.Access{Verb: "patch", Resource: "secrets", Namespace: "ns", Name: "backstage-secrets", Prevents: "writing the Secret"})
	}
	b.m.s.current.Rights = append(b.m.s.current.Rights, k8s.Access{Verb: "get", Resource: "pods", Allowed: true, Prevents: "nothing"})
	b.m.s.changed()
	b.m.draw()
	b.on("target").shows("! Not allowed: patch on", "writing the Secret", "and 2 more", "backstage-setup rbac").hides("nothing")
}
