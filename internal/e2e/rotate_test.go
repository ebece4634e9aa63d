package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
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
func newWorkshop(t testing.TB, more ...string) *workshop {
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
func (w *workshop) rotate(t testing.TB, value string, more ...string) output {
	t.Helper()
	return w.silent(t, w.execute(t, []string{"NEW=" + value}, w.rotation(more...)...), value)
}

// silent fails when an output shows one of the secrets that are about.
func (w *workshop) silent(t testing.TB, got output, more ...string) output {
	t.Helper()
	for _, secret := range append(more, idptest.PortalSecret, idptest.ServiceSecret, rotated) {
		leaks(t, "stdout", got.stdout, secret)
		leaks(t, "stderr", got.stderr, secret)
	}
	return got
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
	if dry := w.rotate(t, rotated, "--dry-run"); dry.code != 0 || dry.result(t).Applied || len(dry.result(t).Actions) != 0 || w.previous(t) {
		t.Errorf("dry run: exit %d\n%s%s", dry.code, dry.stdout, dry.stderr)
	}
	if none := w.execute(t, nil, "rotate", "--yes", "-n", w.namespace); none.code != 2 || !strings.Contains(none.stderr, "--from env:NAME") {
		t.Errorf("no value: exit %d\n%s", none.code, none.stderr)
	}
	w.holds(t, idptest.PortalSecret)
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

// TestRotateOneClientKeptTwice: both keys of the one client change in one patch.
func TestRotateOneClientKeptTwice(t *testing.T) {
	w := newWorkshop(t)
	first := w.secret(t)
	first.Data["service-client-secret"] = []byte(idptest.PortalSecret)
	if _, err := w.secrets(t).Update(t.Context(), first, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.Secrets(idptest.Portal, rotated)
	got := w.rotate(t, rotated)
	r := got.result(t)
	if got.code != 0 || !slices.Equal(r.Rotation.Keys, []string{"client-secret", "service-client-secret"}) {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	now := w.secret(t)
	if string(now.Data["service-client-secret"]) != rotated || string(now.Data["client-secret"]) != rotated {
		t.Error("not both have changed")
	}
}

// TestRotateTwoClients: each has a secret of its own; what cannot be proven is not
// written.
func TestRotateTwoClients(t *testing.T) {
	w := newWorkshop(t, "--set", "serviceClient.id="+idptest.Service, "--set", "serviceClient.secret=env:SERVICE_SECRET")
	w.Secrets(idptest.Service, idptest.ServiceSecret, rotated)
	got := w.execute(t, nil, "rotate", "service-client-secret", "--from", "env:NEW", "--yes", "-o", "json", "-n", w.namespace)
	if got.code != 2 || !strings.Contains(got.stdout, "env:NEW") {
		t.Errorf("no such variable: exit %d\n%s", got.code, got.stdout)
	}
	got = w.rotate(t, rotated, "service-client-secret")
	if r := got.result(t); got.code != 0 || !slices.Equal(r.Rotation.Keys, []string{"service-client-secret"}) || checkOf(r, "identity.service-token").Status != "pass" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, idptest.PortalSecret)

	w.Secrets(idptest.Portal, rotated)
	got = w.rotate(t, rotated)
	if c := checkOf(got.result(t), "identity.sign-in-secret"); got.code != 3 || c.Status != "fail" || c.Code != "signin.unproven" || !strings.Contains(c.Hint, "--probe") || !strings.Contains(c.Hint, "--skip") {
		t.Errorf("an unproven value: exit %d: %+v", got.code, c)
	}
	w.holds(t, idptest.PortalSecret)
	if got = w.rotate(t, "a wrong one", "--probe"); got.code != 3 || checkOf(got.result(t), "identity.sign-in-secret").Code != "signin.client" {
		t.Errorf("a wrong one: exit %d\n%s", got.code, got.stdout)
	}
	if got = w.rotate(t, rotated, "--probe"); got.code != 0 || checkOf(got.result(t), "identity.sign-in-secret").Code != "signin.ok" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	if got = w.rotate(t, "not proven by anybody", "--skip", "identity.sign-in-secret=the provider cannot be reached from here"); got.code != 0 {
		t.Errorf("skipped: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, "not proven by anybody")
}

// TestRotateOneSecretAtATime: the run waits for the provider to change, then moves
// at once, and says how long there was no secret that counts.
func TestRotateOneSecretAtATime(t *testing.T) {
	w := newWorkshop(t)
	stop := w.hammer(t, idptest.Portal, func() string { return string(w.secret(t).Data["client-secret"]) })
	run := w.begin(t, []string{"NEW=" + rotated}, w.rotation("--await", "2m")...)
	run.until(t, "change it there now")
	w.holds(t, idptest.PortalSecret) // nothing is changed before
	if w.previous(t) {
		t.Error("a journal is there before anything is changed")
	}
	changed := time.Now()
	w.Secrets(idptest.Portal, rotated)
	got := run.end(t)
	measured := time.Since(changed)
	_, refused := stop()
	r := got.result(t)
	window, err := time.ParseDuration(r.Rotation.Window)
	if got.code != 0 || err != nil || became(r, "accepted") != "done" || became(r, "prove") != "done" {
		t.Fatalf("exit %d, window %q: %v\n%s%s", got.code, r.Rotation.Window, err, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	t.Logf("window %v, the whole run after the change %v, %d calls were refused in it", window, measured, refused)
	if c := checkOf(r, "identity.service-token"); c.Status != "warn" || !strings.Contains(got.stdout, "may know one value at a time") {
		t.Errorf("nothing announces it: %+v", c)
	}

	// Who does not change it there in time finds everything as it was.
	got = w.rotate(t, "never to be taken", "--await", "1s")
	if got.code != 1 || !strings.Contains(got.stdout, "did not take the new value within 1s") || w.previous(t) {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
}

// TestRotatedPodsCrash: the old value is put back, the portal started with it, and
// that is proven.
func TestRotatedPodsCrash(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	w.pods(t, w.namespace, crashing)
	run := w.begin(t, []string{"NEW=" + rotated}, w.rotation("--wait", "10s")...)
	run.until(t, "CrashLoopBackOff")
	w.holds(t, rotated)
	w.pods(t, "nowhere", "phase: Pending")
	got := run.end(t)
	r := got.result(t)
	if got.code != 1 || r.Applied || r.Rollout.Status != "rolled-back" || became(r, "secret") != "undone" || len(r.Next) != 0 {
		t.Errorf("exit %d, applied %t, roll-out %s, secret %s, next %q", got.code, r.Applied, r.Rollout.Status, became(r, "secret"), r.Next)
	}
	if !strings.Contains(got.stderr, "✓ see whether the portal works with the old value") || !strings.Contains(got.stdout, "everything was put back as it was") {
		t.Errorf("the old value is not proven:\n%s%s", got.stderr, got.stdout)
	}
	w.holds(t, idptest.PortalSecret)
	if w.previous(t) {
		t.Error("the old value is kept")
	}
}

// TestRotateOneSecretAtATimeFails: the old value is back, and no use any more,
// which is said.
func TestRotateOneSecretAtATimeFails(t *testing.T) {
	w := newWorkshop(t)
	w.pods(t, w.namespace, crashing)
	run := w.begin(t, []string{"NEW=" + rotated}, w.rotation("--await", "2m", "--wait", "10s")...)
	run.until(t, "change it there now")
	w.Secrets(idptest.Portal, rotated)
	run.until(t, "CrashLoopBackOff")
	w.pods(t, "nowhere", "phase: Pending")
	got := run.end(t)
	if got.code != 1 || became(got.result(t), "secret") != "undone" || !strings.Contains(got.stdout, "see whether the portal works with the old value: the portal does not work with it: the identity provider rejects it") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, idptest.PortalSecret)
	if w.previous(t) {
		t.Error("the old value is kept")
	}
	if again := w.rotate(t, rotated); again.code != 0 {
		t.Errorf("again: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	w.holds(t, rotated)
}

const crashing = `
phase: Running
containerStatuses:
- name: backstage
  image: x
  imageID: ""
  ready: false
  restartCount: 3
  state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting}}
  lastState: {terminated: {exitCode: 1, reason: Error}}
`

// TestRotatedPodsComplain: pods come up, but their log says that the provider
// refuses the client.
func TestRotatedPodsComplain(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	w.logs(t, `Failed to fetch client credentials token: Token request failed: 401 Unauthorized - {"error":"invalid_client"} for `+rotated)
	got := w.rotate(t, rotated)
	r := got.result(t)
	if got.code != 1 || became(r, "prove") != "failed" || became(r, "secret") != "undone" || !strings.Contains(got.stdout, "The identity provider refuses the client") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	leaks(t, "stdout", got.stdout, rotated)
	leaks(t, "stderr", got.stderr, rotated)
	w.holds(t, idptest.PortalSecret)

	cmd := w.command(t, nil, "rotate", "--from", "-", "--yes", "-n", w.namespace)
	cmd.Stdin = strings.NewReader(rotated)
	got = start(t, cmd).end(t) // which looks for it
	if got.code != 1 || !strings.Contains(got.stderr, "[redacted]") {
		t.Errorf("from stdin: exit %d\n%s", got.code, got.stderr)
	}
}

// TestRotateWhatTheProviderForgets: it takes the secret at first and rejects it
// once the pods have it.
func TestRotateWhatTheProviderForgets(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	run := w.begin(t, []string{"NEW=" + rotated}, w.rotation()...)
	run.until(t, "► restart Deployment")
	w.Secrets(idptest.Portal, idptest.PortalSecret)
	got := run.end(t)
	if r := got.result(t); got.code != 1 || became(r, "prove") != "failed" || became(r, "secret") != "undone" || !strings.Contains(got.stdout, "the identity provider rejects it") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, idptest.PortalSecret)
}

// TestRotateAgainstAnEdit: what somebody else writes meanwhile is not overwritten.
func TestRotateAgainstAnEdit(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, rotated)
	text := func() []string { return []string{"rotate", "--from", "env:NEW", "--yes", "-n", w.namespace} }
	first := w.execute(t, []string{"NEW=" + rotated}, text()...) // learn what a run says before its first action
	if first.code != 0 {
		t.Fatal(first.stderr)
	}
	w.Secrets(idptest.Portal, rotated, "mine, but too late")
	asked := len(w.Asked())
	slow := w.hold(t, []string{"NEW=mine, but too late"}, moments(first.stderr)[0], text()...)
	w.await(t, "the run to have read the Secret and asked the provider", func() bool { return len(w.Asked()) > asked })
	theirs := w.secret(t)
	theirs.Data["client-secret"] = []byte("theirs")
	if _, err := w.secrets(t).Update(t.Context(), theirs, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := slow.drained(t); got.code != 4 {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	w.holds(t, "theirs")
	if w.previous(t) {
		t.Error("the old value is kept")
	}
}

// TestRotateKilled: a rotation is killed after each line that it writes; the same
// again ends where it would have, or undo puts the old value back.
func TestRotateKilled(t *testing.T) {
	w := newWorkshop(t)
	value := func(i int) string { return fmt.Sprintf("rotated-secret-%04d", i) }
	rotate := func(i int) (env, args []string) {
		w.Secrets(idptest.Portal, idptest.PortalSecret, value(i), value(i-1), value(i-2), value(i-3))
		return []string{"NEW=" + value(i)}, w.rotation()
	}
	env, args := rotate(1)
	whole := w.execute(t, env, args...)
	if whole.code != 0 {
		t.Fatal(whole.stderr)
	}
	found, undone := 0, 0
	for i, at := range moments(whole.stderr) {
		n := i + 2
		before := string(w.secret(t).Data["client-secret"])
		env, args := rotate(n)
		w.Secrets(idptest.Portal, before, value(n))
		w.kill(t, w.hold(t, env, at, args...))
		journal := w.previous(t)
		title := fmt.Sprintf("killed after %d bytes", at.room)
		if journal {
			found++
		}
		if i%3 == 2 {
			if got := w.execute(t, nil, "rotate", "--undo", "--yes", "-n", w.namespace); got.code != 0 {
				t.Fatalf("%s: undo: exit %d\n%s", title, got.code, got.stderr)
			}
			if journal {
				undone++
				w.holds(t, before)
			}
		} else {
			got := w.execute(t, env, args...)
			r := got.result(t)
			ended := got.code == 3 && !journal && checkOf(r, "rotate.value").Status == "fail" // it was killed when all was done
			if got.code != 0 && !ended {
				t.Errorf("%s: exit %d\n%s%s", title, got.code, got.stdout, got.stderr)
			}
			w.holds(t, value(n))
			if again := w.execute(t, env, append(args, "--accept", "rotate.value")...); again.code != 0 || len(again.result(t).Actions) > 0 {
				t.Errorf("%s: a third run still does something: exit %d\n%s", title, again.code, again.stdout)
			}
		}
		if w.previous(t) {
			t.Fatalf("%s: the old value is kept", title)
		}
	}
	if found == 0 || undone == 0 {
		t.Errorf("%d runs left a journal, %d were undone", found, undone)
	}
}

// TestUndoOfADeadSecret: a run was killed, and the old value has been deleted at the
// provider since. To go back would break signing in, so it is refused.
func TestUndoOfADeadSecret(t *testing.T) {
	w := newWorkshop(t)
	const last = "the-value-of-the-run-that-dies"
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated, last)
	whole := w.rotate(t, rotated)
	written := strings.Index(whole.stderr, "► restart")
	if whole.code != 0 || written < 0 {
		t.Fatalf("exit %d\n%s", whole.code, whole.stderr)
	}
	w.kill(t, w.hold(t, []string{"NEW=" + last}, moment{room: written}, w.rotation()...))
	if w.holds(t, last); !w.previous(t) {
		t.Fatal("the run has left no journal")
	}
	undo := []string{"rotate", "--undo", "--yes", "-o", "json", "-n", w.namespace}
	w.Secrets(idptest.Portal, last)
	got := w.execute(t, nil, undo...)
	if values := checkOf(got.result(t), "undo.values"); got.code != 3 || values.Status != "fail" || !strings.Contains(values.Found, "client-secret") {
		t.Errorf("exit %d, %+v\n%s", got.code, values, got.stderr)
	}
	leaks(t, "stdout", got.stdout, last)
	leaks(t, "stdout", got.stdout, rotated)
	w.holds(t, last)
	w.Secrets(idptest.Portal, last, rotated)
	got = w.execute(t, nil, undo...)
	if values := checkOf(got.result(t), "undo.values"); got.code != 0 || values.Status != "pass" {
		t.Errorf("exit %d, %+v\n%s", got.code, values, got.stderr)
	}
	w.holds(t, rotated)
}

// TestRotateOtherKeys: no proof, but all the safety.
func TestRotateOtherKeys(t *testing.T) {
	w := newWorkshop(t)
	first := w.secret(t)
	first.Data["of-their-own"] = []byte("old")
	if _, err := w.secrets(t).Update(t.Context(), first, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, key, from string
		more            []string
		code            int
		want            string
	}{
		{"drawn", "backend-secret", "generate", nil, 0, ""},
		{"drawn for a stranger", "of-their-own", "generate", nil, 0, ""},
		{"given", "jenkins-api-key", "env:NEW", nil, 0, rotated},
		{"drawn, but the provider has to know it", "client-secret", "generate", nil, 2, ""},
		{"misspelled", "clientsecret", "env:NEW", nil, 3, ""},
		{"new", "github-actions-token", "env:NEW", []string{"--accept", "rotate.key"}, 0, rotated},
		{"a literal", "client-secret", rotated, nil, 2, ""},
		{"kept", "client-secret", "keep", nil, 2, ""},
		{"no such key", "no/key", "env:NEW", nil, 2, ""},
		{"offline", "client-secret", "env:NEW", []string{"--offline"}, 2, ""},
		{"as a manifest", "client-secret", "env:NEW", []string{"--set", "secret.delivery=manifest"}, 2, ""},
	} {
		before := w.secret(t)
		args := append([]string{"rotate", test.key, "--from", test.from, "--yes", "-o", "json", "-n", w.namespace}, test.more...)
		got := w.execute(t, []string{"NEW=" + rotated}, args...)
		if got.code != test.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", test.name, got.code, test.code, got.stdout, got.stderr)
		}
		leaks(t, test.name, got.stdout+got.stderr, rotated)
		now := w.secret(t)
		if changed := string(now.Data[test.key]) != string(before.Data[test.key]); changed != (test.code == 0) {
			t.Errorf("%s: changed %t", test.name, changed)
		}
		if test.want != "" && string(now.Data[test.key]) != test.want {
			t.Errorf("%s: another value", test.name)
		}
	}
	if now := w.secret(t); len(now.Annotations) != 0 {
		t.Errorf("annotations: %v", now.Annotations)
	}
}

// TestRotateFromStdinWithHistory: the value comes on stdin, its line end goes, and
// the Secret tells when it was set; a wait shows that the old one is rejected.
func TestRotateFromStdinWithHistory(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	cmd := w.command(t, nil, "rotate", "client-secret", "--from", "-", "--yes", "-o", "json", "-n", w.namespace, "--history", "--prove-revoked", "2m")
	cmd.Stdin = strings.NewReader(rotated + "\n")
	run := start(t, cmd)
	run.until(t, "delete the old one there now")
	w.Secrets(idptest.Portal, rotated)
	got := run.end(t)
	if r := got.result(t); got.code != 0 || became(r, "rejected") != "done" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	var history map[string]time.Time
	if err := json.Unmarshal([]byte(w.secret(t).Annotations["backstage-setup.openchoreo.dev/history"]), &history); err != nil || time.Since(history["client-secret"]) > time.Hour || len(history) != 1 {
		t.Errorf("history: %v %v", history, err)
	}
	if got := w.rotate(t, "old-key-1", "jenkins-api-key"); got.code != 0 {
		t.Fatal(got.stderr)
	}
	if now := w.secret(t).Annotations["backstage-setup.openchoreo.dev/history"]; !strings.Contains(now, "jenkins-api-key") {
		t.Errorf("a history that is there does not go on: %s", now)
	}
}

// TestRotateThroughTheStore: a Secret of External Secrets is rotated in its store.
func TestRotateThroughTheStore(t *testing.T) {
	k := newKitchen(t, "")
	w := &workshop{k.site, idptest.Start(t, idptest.Options{Redirect: portalCallback})}
	w.provided = true
	env := []string{"CLIENT_SECRET=" + idptest.PortalSecret, "BAO_TOKEN=" + baotest.RootToken, "NEW=" + rotated}
	token := []string{"--set", "secret.store.token=env:BAO_TOKEN"}
	if got := w.execute(t, env, append([]string{
		"install", "--yes", "-n", w.namespace, "--chart", w.chart, "--set", "preset=development", "--set", "portal.baseUrl=https://console.example.com",
		"--set", "gateway.tls.enabled=true", "--set", "gateway.tls.certificateSecret=tls", "--set", "identity.provider=other", "--set", "identity.issuer=" + w.Issuer,
		"--set", "client.id=" + idptest.Portal, "--set", "client.secret=env:CLIENT_SECRET"}, token...)...); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.roll(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	got := w.execute(t, env, w.rotation(token...)...)
	r := got.result(t)
	if got.code != 0 || !r.Applied || became(r, "sync") != "done" || became(r, "restart") != "done" || became(r, "prove") != "done" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	if value, _ := k.stored(t, "client-secret"); value != rotated {
		t.Error("the store has another value")
	}
	if w.previous(t) {
		t.Error("the journal stays")
	}

	// What fails is put back in the store.
	w.Secrets(idptest.Portal, rotated, "never to be used")
	w.logs(t, `Token request failed: 401 Unauthorized - {"error":"invalid_client"}`)
	env[2] = "NEW=never to be used"
	if got = w.execute(t, env, w.rotation(token...)...); got.code != 1 || became(got.result(t), "prove") != "failed" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	if value, _ := k.stored(t, "client-secret"); value != rotated {
		t.Error("the old value is not back in the store")
	}

	// Without a token the commands for it are told, for this key alone.
	got = w.execute(t, env, w.rotation()...)
	r = got.result(t)
	if got.code != 3 || r.Applied || !mentions(r.Next, "bao kv put -mount=secret backstage-client-secret value=-") && !mentions(r.Next, "bao kv patch -mount=secret backstage-client-secret value=-") || mentions(r.Next, "jenkins") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if !mentions(r.Next, "kubectl", "rollout restart") {
		t.Errorf("nothing says that the pods have to be started anew: %q", r.Next)
	}
	w.holds(t, rotated)
}

// running is a run of the program whose stderr is read while it goes on.
type running struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
	pipe   io.ReadCloser
	told   strings.Builder
}

func (s *site) begin(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	return start(t, s.command(t, env, args...))
}

func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd}
	cmd.Stdout = &r.stdout
	var err error
	if r.pipe, err = cmd.StderrPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // mostly it has ended
	return r
}

// until reads on until the run has said so.
func (r *running) until(t *testing.T, text string) {
	t.Helper()
	piece := make([]byte, 4096)
	for !strings.Contains(r.told.String(), text) {
		n, err := r.pipe.Read(piece)
		r.told.Write(piece[:n])
		if err != nil {
			t.Fatalf("it ended before it said %q: %v\n%s%s", text, err, r.told.String(), r.stdout.String())
		}
	}
}

// end lets the run go on to its end.
func (r *running) end(t *testing.T) output {
	t.Helper()
	rest, err := io.ReadAll(r.pipe)
	if err != nil {
		t.Fatal(err)
	}
	r.told.Write(rest)
	_ = r.cmd.Wait() // its exit code is looked at
	got := output{r.stdout.String(), r.told.String(), r.cmd.ProcessState.ExitCode()}
	leaks(t, "stdout", got.stdout, rotated)
	leaks(t, "stderr", got.stderr, rotated)
	leaks(t, "stdout", got.stdout, idptest.PortalSecret)
	leaks(t, "stderr", got.stderr, idptest.PortalSecret)
	return got
}
