package apply

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// TestBudget: from the first look to the end a run on an existing Secret asks for
// it once and writes it once; what keeping the old values takes is one Secret that
// is looked for, made, and noted in to be kept until the upgrade that is left.
func TestBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		kept bool
		want map[string]int
	}{
		"old values kept": {true, map[string]int{
			"GET secrets/portal": 1, "PATCH secrets/portal": 1,
			"GET secrets/portal-previous": 1, "POST secrets": 1, "PATCH secrets/portal-previous": 1, // and deleted by the next run
		}},
		"not kept": {false, map[string]int{
			"GET secrets/portal": 1, "PATCH secrets/portal": 1, "GET secrets/portal-previous": 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := kinds()[0]
			s := newPlace(t).stage(t, k)
			var lock sync.Mutex
			asked := map[string]int{}
			s.env.Cluster = s.open(s.cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					_, object, _ := strings.Cut(r.URL.Path, "/namespaces/"+s.ns+"/")
					about := object == "secrets" && r.Method != http.MethodGet // a list is the search for the release
					if about || strings.HasPrefix(object, "secrets/") {
						lock.Lock()
						asked[r.Method+" "+object]++
						lock.Unlock()
					}
					return next.RoundTrip(r)
				})
			})
			found := s.env.Cluster.Discover(t.Context(), k8s.Query{Namespace: s.ns, Release: "openchoreo", SecretName: "portal"})
			p := s.planOn(k, plan.Current{Cluster: found, NoPrevious: !tt.kept})
			if _, err := s.run(t.Context(), p.Actions...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}
