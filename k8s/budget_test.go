package k8s

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

const (
	maxRequests   = 24
	maxRoundTrips = 4
)

// testRoundTrips replays the API server's answers, each after a second of the
// bubble's clock: the seconds that pass are the requests that wait for another.
func testRoundTrips(t *testing.T, answers []exchange, ns string) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				for _, e := range answers {
					if e.method == req.Method && strings.HasSuffix(e.url, req.URL.RequestURI()) {
						return response(req, e.status, e.contentType, e.body), nil
					}
				}
				return nil, fmt.Errorf("nobody asked %s %s before", req.Method, req.URL)
			})
		})
		start := time.Now()
		found := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"})
		if found.External.Store.Server == "" || found.Release.Revision == 0 {
			t.Errorf("the replay is not complete: %+v", found)
		}
		if passed := time.Since(start); passed > maxRoundTrips*time.Second {
			t.Errorf("%v round trips, at most %d are allowed", passed.Seconds(), maxRoundTrips)
		}
	})
}

// testGrowth adds what a grown cluster has and expects the same requests and
// no more bytes.
func testGrowth(t *testing.T, cluster *testcluster.Cluster, ns string) {
	_, core := admin(t, cluster)
	q := Query{Namespace: ns, Release: "cp"}
	before, after := &recorder{}, &recorder{}
	openAs(t, cluster.Kubeconfig, before.wrap).Discover(t.Context(), q)
	for i := range 200 {
		s := portalSecretObject(map[string]string{"data": strings.Repeat("x", 10_000)})
		s.Name = fmt.Sprintf("unrelated-%d", i)
		s.Labels = map[string]string{"owner": "helm", "name": "another", "status": "deployed", "version": "1"}
		if _, err := core.Secrets(ns).Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	openAs(t, cluster.Kubeconfig, after.wrap).Discover(t.Context(), q)
	if len(before.requests()) != len(after.requests()) {
		t.Errorf("%d requests, then %d", len(before.requests()), len(after.requests()))
	}
	if after.bytes() > before.bytes()+before.bytes()/10 {
		t.Errorf("%d bytes, then %d", before.bytes(), after.bytes())
	}
}
