package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// TestRotateBudget counts what a rotation asks of the API server about the Secret
// and the Deployment, from the first look to the end: the Secret is read once and
// written once, what keeps the old value is looked for, made and deleted, the
// Deployment is patched once and it and its pods are watched once each.
func TestRotateBudget(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	var lock sync.Mutex
	asked, total := map[string]int{}, 0
	client, err := k8s.Open(k8s.Options{Kubeconfig: w.kubeconfig, WrapTransport: func(next http.RoundTripper) http.RoundTripper {
		return counting(func(r *http.Request) (*http.Response, error) {
			_, object, _ := strings.Cut(r.URL.Path, "/namespaces/"+w.namespace+"/")
			verb := r.Method
			if r.URL.Query().Has("watch") {
				verb = "WATCH"
			}
			lock.Lock()
			total++
			one := strings.HasPrefix(object, "secrets/") || verb != http.MethodGet && !strings.Contains(r.URL.Path, "selfsubject")
			if one {
				asked[verb+" "+object]++
			}
			lock.Unlock()
			return next.RoundTrip(r)
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := steps.NewProvider(steps.ProviderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := wizard.NewSession(steps.Rotate(), &steps.Env{Cluster: client, Provider: provider}, wizard.Settings{Restart: true, Undo: true, Wait: time.Minute, Yes: true}, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[answers.Key]any{"target.namespace": w.namespace, "rotate.value": secret.Typed(secret.New(rotated))} {
		if _, err := s.Give(key, value, answers.FromFlag, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	end, err := wizard.Headless(t.Context(), s, nil)
	if err != nil || end.Err != nil || !end.Applied {
		t.Fatal(err, end.Err, end.Review.Checks)
	}
	want := map[string]int{
		"GET secrets/backstage-secrets": 1, "PATCH secrets/backstage-secrets": 1,
		"GET secrets/backstage-secrets-previous": 1, "POST secrets": 1, "DELETE secrets/backstage-secrets-previous": 1,
		"PATCH deployments/backstage": 1, "WATCH deployments": 1, "WATCH pods": 1,
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	if end.Outcome.Requests != total {
		t.Errorf("it says %d requests, and has sent %d", end.Outcome.Requests, total)
	}
	t.Logf("%d requests in all", total)
}

type counting func(*http.Request) (*http.Response, error)

func (f counting) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
