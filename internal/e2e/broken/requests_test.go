package broken_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// maxRequests bounds what a look at an installation that works asks of the API
// server: discovery's, and those about health. Port-forwards come to it.
const maxRequests = 48

// counting is a transport that counts.
type counting struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// TestRequests: a look reads, and asks no more than it may.
func TestRequests(t *testing.T) {
	in := install(t)
	var n atomic.Int64
	client, err := k8s.Open(k8s.Options{Kubeconfig: in.Kubeconfig, WrapTransport: func(next http.RoundTripper) http.RoundTripper {
		return counting{next, &n}
	}})
	if err != nil {
		t.Fatal(err)
	}
	q := k8s.Query{Namespace: in.namespace, Release: releaseName}
	found := client.Discover(t.Context(), q)
	discovered := n.Load()
	health := client.Health(t.Context(), in.namespace, found)
	t.Logf("%d requests to discover, %d about health", discovered, n.Load()-discovered)
	if n.Load() > maxRequests {
		t.Errorf("%d requests, at most %d are allowed", n.Load(), maxRequests)
	}
	if health.Portal.Name == "" || !health.Portal.Rollout.Done() || len(health.Portal.Logs) == 0 || health.API.Name == "" || len(health.Bindings.Items) == 0 {
		t.Errorf("%+v", health)
	}
	for _, right := range steps.CheckRights(q) {
		reads := right.Verb == "get" || right.Verb == "list" || right.Verb == "watch"
		if !reads && right.Resource != "pods/portforward" {
			t.Errorf("an examination asks for %s", right)
		}
	}
}
