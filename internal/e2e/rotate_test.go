package e2e_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

// rotated is the secret that the tests give the portal's client.
const rotated = "r0tated/c4n4ry+Wx=&%#Zq 21"

// workshop is a portal that runs, signed in by a provider that answers.
type workshop struct {
	*site
	*idptest.Provider
}

// newWorkshop sets up a portal whose one client does everything, unless more
// answers say otherwise.
func newWorkshop(t *testing.T, more ...string) *workshop {
	t.Helper()
	w := &workshop{newSite(t), idptest.Start(t, idptest.Options{Redirect: portalCallback})}
	w.provided = true
	args := append([]string{
		"install", "--yes", "-n", w.namespace, "--chart", w.chart, "--set", "preset=development", "--set", "portal.baseUrl=https://console.example.com",
		"--set", "gateway.tls.enabled=true", "--set", "gateway.tls.certificateSecret=tls", "--set", "identity.provider=other", "--set", "identity.issuer=" + w.Issuer,
		"--set", "client.id=" + idptest.Portal, "--set", "client.secret=env:CLIENT_SECRET",
	}, more...)
	if got := w.execute(t, []string{"CLIENT_SECRET=" + idptest.PortalSecret, "SERVICE_SECRET=" + idptest.ServiceSecret}, args...); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.roll(t)
	return w
}

// rotate runs the program headless with that new value.
func (w *workshop) rotate(t *testing.T, value string, more ...string) output {
	t.Helper()
	return w.execute(t, []string{"NEW=" + value}, w.rotation(more...)...)
}

func (w *workshop) rotation(more ...string) []string {
	return append([]string{"rotate", "--from", "env:NEW", "--yes", "-o", "json", "-n", w.namespace}, more...)
}

// hammer asks for tokens as the portal does, with the secret that a pod would be
// started with, until it is stopped; it returns how many were got and refused.
func (w *workshop) hammer(t *testing.T, id string, secret func() string) (stop func() (got, refused int)) {
	t.Helper()
	end, done := make(chan struct{}), sync.WaitGroup{}
	got, refused := 0, 0
	done.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			resp, err := http.PostForm(w.URL()+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret()}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				got++
			} else {
				refused++
			}
		}
	})
	return func() (int, int) {
		close(end)
		done.Wait()
		return got, refused
	}
}

// URL is the provider's, and not the API server's.
func (w *workshop) URL() string { return w.Provider.URL }

// TestRotateClientSecret: both secrets are valid meanwhile, so no call fails; the
// pods have the new one at the end, and only then the old one may go.
func TestRotateClientSecret(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	before := w.rolls(t)
	stop := w.hammer(t, idptest.Portal, func() string { return string(w.secret(t).Data["client-secret"]) })
	got := w.rotate(t, rotated)
	calls, refused := stop()
	r := got.result(t)
	if got.code != 0 || !r.Applied || r.Rollout.Status != "complete" || became(r, "prove") != "done" || became(r, "secret") != "done" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if calls == 0 || refused != 0 || w.Refused() != 0 {
		t.Errorf("%d calls, %d refused, %d by the provider", calls, refused, w.Refused())
	}
	w.holds(t, rotated)
	if n := w.rolls(t) - before; n != 1 {
		t.Errorf("the pods were made anew %d times", n)
	}
	if w.previous(t) {
		t.Error("the old value is kept")
	}
	if r.Rotation == nil || !slices.Equal(r.Rotation.Keys, []string{"client-secret"}) || r.Rotation.Requests == 0 {
		t.Errorf("rotation: %+v", r.Rotation)
	}
	for _, text := range []string{got.stdout, got.stderr} {
		leaks(t, "an output", text, rotated)
		leaks(t, "an output", text, idptest.PortalSecret)
	}
	leaksInFiles(t, w.dir, rotated)

	again := w.rotate(t, rotated)
	if again.code != 3 || !strings.Contains(again.stdout, "this very value already") {
		t.Errorf("the old value again: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	if again = w.rotate(t, rotated, "--accept", "rotate.value"); again.code != 0 || len(again.result(t).Actions) != 0 {
		t.Errorf("accepted: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
}

// TestRotateToAWrongSecret changes nothing.
func TestRotateToAWrongSecret(t *testing.T) {
	w := newWorkshop(t)
	got := w.rotate(t, "not a secret of the client")
	r := got.result(t)
	if c := checkOf(r, "identity.service-token"); got.code != 3 || c.Code != "service.client" || c.Status != "fail" || !strings.Contains(c.Hint, "--await") {
		t.Errorf("exit %d: %+v\n%s", got.code, c, got.stderr)
	}
	w.holds(t, idptest.PortalSecret)
	if w.previous(t) {
		t.Error("the old value is kept")
	}
}
