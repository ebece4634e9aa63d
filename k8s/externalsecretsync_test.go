package k8s

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestForceSyncBringsWhatTheStoreHas(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.store.put("backstage-client-secret", "value", "rotated")
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	var told []SyncState
	got, err := s.c.AwaitSync(t.Context(), SyncWait{External: forced, Keys: []string{"client-secret"}, Progress: func(state SyncState) {
		told = append(told, state)
	}})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := s.c.Secret(t.Context(), s.ns, "backstage-secrets")
	if err != nil {
		t.Fatal(err)
	}
	if value := secret.Values["client-secret"].Reveal(); value != "rotated" {
		t.Errorf("the Secret has %q", value)
	}
	want := SyncState{
		Reacted: true, Synced: true, Ready: true, Reason: "SecretSynced", Message: "secret synced", RefreshTime: got.RefreshTime,
		SecretUID: secret.UID, SecretVersion: secret.ResourceVersion,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(told) == 0 || told[len(told)-1].SecretVersion != got.SecretVersion {
		t.Errorf("told %+v", told)
	}
	if after := s.read(t); after.Generation != es.Generation || after.SyncedVersion == es.SyncedVersion {
		t.Errorf("generation %d, then %d; synced %q, then %q", es.Generation, after.Generation, es.SyncedVersion, after.SyncedVersion)
	}
	t.Run("one that was made anew", func(t *testing.T) {
		other := es
		other.UID = "another"
		if _, err := s.c.ForceSync(t.Context(), other, at(2)); !errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
	})
}

// One entry that the store lacks stops the whole sync: also the value that is
// there does not arrive.
func TestMissingEntryStopsTheWholeSync(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.store.put("backstage-client-secret", "value", "rotated")
	s.store.put("backstage-postgres-host", "value", "db.example.com")
	after, _, err := s.c.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("postgres-host"), conventional("postgres-user")})
	if err != nil {
		t.Fatal(err)
	}
	var told []SyncState
	wait := SyncWait{
		External: after, Keys: []string{"client-secret", "postgres-host", "postgres-user"}, Patience: -1,
		Progress: func(state SyncState) { told = append(told, state) },
	}
	_, err = s.c.AwaitSync(t.Context(), wait)
	var failed *SyncError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	want := SyncError{
		Namespace: s.ns, Name: "portal", Target: "backstage-secrets", Store: s.read(t).Store, Cause: SyncFailed,
		Last: SyncState{
			Reacted: true, Reason: "SecretSyncedError", Message: "could not get secret data from provider",
			Failure:     "error processing spec.data[2] (key: backstage-postgres-user), err: Secret does not exist",
			RefreshTime: es.RefreshTime,
		},
	}
	if diff := cmp.Diff(want, *failed, cmp.AllowUnexported(SyncError{})); diff != "" {
		t.Error(diff)
	}
	if text := err.Error(); !strings.Contains(text, "(SecretSyncedError): could not get secret data from provider: error processing spec.data[2]") {
		t.Error(text)
	}
	if !slices.ContainsFunc(told, func(state SyncState) bool { return state.Failure == failed.Last.Failure }) {
		t.Errorf("told %+v", told)
	}
	if diff := cmp.Diff(map[string]string{"client-secret": "value of client-secret"}, s.values(t)); diff != "" {
		t.Errorf("the Secret changed: %s", diff)
	}
	t.Run("a discovery names the entry", func(t *testing.T) {
		if got := s.read(t).Failure.Text; got != failed.Last.Failure {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the same failure again is a reaction", func(t *testing.T) {
		forced, err := s.c.ForceSync(t.Context(), s.read(t), at(1))
		if err != nil {
			t.Fatal(err)
		}
		wait.External = forced
		_, err = s.c.AwaitSync(t.Context(), wait)
		if !errors.As(err, &failed) || failed.Cause != SyncFailed || !failed.Last.Reacted || failed.cause != nil {
			t.Errorf("got %+v", err)
		}
	})
	t.Run("and it goes on when the entry comes within patience", func(t *testing.T) {
		seen := false
		wait.External, wait.Patience = s.read(t), time.Hour
		wait.Progress = func(state SyncState) {
			if !state.Ready && !seen {
				seen = true
				s.store.put("backstage-postgres-user", "value", "backstage")
			}
		}
		if _, err := s.c.AwaitSync(t.Context(), wait); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"client-secret": "rotated", "postgres-host": "db.example.com", "postgres-user": "backstage"}
		if diff := cmp.Diff(want, s.values(t)); diff != "" || !seen {
			t.Errorf("failure told: %t, %s", seen, diff)
		}
	})
}

func TestAwaitSyncWithoutController(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.controller.Stop()
	for i, tt := range []struct {
		name   string
		change func()
		want   string
	}{
		{"nobody reacts", func() {}, "External Secrets did not react: is its controller running?"},
		{"it would never react", func() { s.patchSpec(t, `{"refreshPolicy": "CreatedOnce"}`) }, "its refreshPolicy is CreatedOnce: it never reads the store again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change()
			forced, err := s.c.ForceSync(t.Context(), es, at(i))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			passed := expiring{ctx, make(chan struct{})}
			_, err = s.c.AwaitSync(passed, SyncWait{External: forced, Keys: []string{"client-secret"}, Progress: func(state SyncState) {
				if state.Reacted {
					t.Errorf("told %+v", state)
				}
				close(passed.passed)
			}})
			var failed *SyncError
			if !errors.As(err, &failed) || failed.Cause != SyncNoReaction || !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAwaitSyncOfAStoreThatIsNotReady(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.controller.Pause()
	setStatus(t, s.cluster, kind{"external-secrets.io", "v1", "secretstores"}, s.ns, "bao",
		`{"conditions": [{"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "unable to log in"}]}`)
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	s.controller.Resume()
	_, err = s.c.AwaitSync(t.Context(), SyncWait{External: forced, Patience: -1})
	var failed *SyncError
	if !errors.As(err, &failed) || failed.Cause != SyncStoreNotReady || !strings.HasSuffix(err.Error(), `SecretStore "bao" is not ready: unable to log in`) {
		t.Errorf("got %v", err)
	}
	t.Run("and may not be read", func(t *testing.T) {
		limited := s.limited(t, `
- {apiGroups: [external-secrets.io], resources: [externalsecrets], verbs: [get, patch]}
- {apiGroups: [""], resources: [events], verbs: [list]}`)
		_, err := limited.AwaitSync(t.Context(), SyncWait{External: forced, Patience: -1})
		if !errors.As(err, &failed) || failed.Cause != SyncStoreNotReady || !strings.Contains(err.Error(), `SecretStore "bao" is not ready`) {
			t.Errorf("got %v", err)
		}
	})
}

// A store that is sealed for a moment is waited for; the server's words have
// several lines.
func TestAwaitSyncOfASealedStore(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.store.Seal()
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	var failures []string
	_, err = s.c.AwaitSync(t.Context(), SyncWait{External: forced, Patience: time.Hour, Progress: func(state SyncState) {
		if state.Failure != "" {
			failures = append(failures, state.Failure)
			s.store.Unseal()
		}
	}})
	if err != nil || len(failures) == 0 || !strings.HasSuffix(failures[0], "Code: 503. Errors: * Vault is sealed") {
		t.Errorf("got %v, told %q", err, failures)
	}
}

func TestAwaitSyncOfASecretThatLacksKeys(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.c.AwaitSync(t.Context(), SyncWait{External: forced, Keys: []string{"client-secret", "nowhere"}, Patience: -1})
	var failed *SyncError
	if !errors.As(err, &failed) || failed.Cause != SyncKeysMissing || !slices.Equal(failed.Last.Missing, []string{"nowhere"}) {
		t.Errorf("got %v", err)
	}
	t.Run("there is none, with Merge", func(t *testing.T) {
		s.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: merged, namespace: NS}
spec:
  secretStoreRef: {name: bao}
  target: {name: nobody-made-it, creationPolicy: Merge}
  data: [{secretKey: a, remoteRef: {key: backstage-client-secret, property: value}}]
`)
		start := ExternalSecret{Namespace: s.ns, Name: "merged", Target: "nobody-made-it"}
		_, err := s.c.AwaitSync(t.Context(), SyncWait{External: start, Patience: -1})
		if !errors.As(err, &failed) || failed.Cause != SyncKeysMissing || !strings.HasSuffix(err.Error(), "secret will not be created due to CreationPolicy=Merge") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAwaitSyncOfOneThatIsDeleted(t *testing.T) {
	for name, held := range map[string]bool{"at once": false, "held by a finalizer": true} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.portal(t, "client-secret")
			s.controller.Stop()
			if !held {
				s.dropFinalizers(t)
			}
			es := s.read(t)
			_, err := s.c.AwaitSync(t.Context(), SyncWait{External: es, Progress: func(SyncState) {
				if err := s.c.DeleteExternalSecret(t.Context(), es); err != nil {
					t.Error(err)
				}
			}})
			var failed *SyncError
			if !errors.As(err, &failed) || failed.Cause != SyncGone || !errors.Is(err, ErrChanged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAwaitSyncIsCanceled(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	s.controller.Stop()
	for name, c := range map[string]*Client{
		"watching": s.c,
		"reading every now and then": s.limited(t, `
- {apiGroups: [external-secrets.io], resources: [externalsecrets], verbs: [get]}`),
	} {
		t.Run(name, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := c.AwaitSync(ctx, SyncWait{External: es, Progress: func(SyncState) { cancel() }})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if err := goleak.Find(leaks); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAwaitSyncWithFewRights(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		rules string
		right string // that is missing, "" is none
	}{
		"no watch, no events, no store": {`
- {apiGroups: [external-secrets.io], resources: [externalsecrets], verbs: [get]}
- {apiGroups: [""], resources: [secrets], verbs: [get]}`, ""},
		"no Secret": {`
- {apiGroups: [external-secrets.io], resources: [externalsecrets], verbs: [get, watch]}`, `get on secrets "backstage-secrets"`},
		"nothing": {`
- {apiGroups: [""], resources: [secrets], verbs: [get]}`, `get on externalsecrets.external-secrets.io "portal"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.limited(t, tt.rules).AwaitSync(t.Context(), SyncWait{External: forced, Keys: []string{"client-secret"}})
			var missing *RequestError
			switch {
			case tt.right == "" && err != nil:
				t.Error(err)
			case tt.right != "" && (!errors.As(err, &missing) || !errors.Is(err, ErrForbidden) || !strings.HasPrefix(missing.Right(), tt.right)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestStuck(t *testing.T) {
	synced := ExternalSecret{SyncedVersion: "1-a", RefreshTime: at(1), RefreshInterval: time.Hour}
	for name, tt := range map[string]struct {
		change func(*ExternalSecret)
		want   string
	}{
		"no":                           {func(*ExternalSecret) {}, ""},
		"made once":                    {func(es *ExternalSecret) { es.RefreshPolicy = "CreatedOnce" }, "its refreshPolicy is CreatedOnce: it never reads the store again"},
		"to be made once":              {func(es *ExternalSecret) { es.RefreshPolicy, es.SyncedVersion = "CreatedOnce", "" }, ""},
		"no interval":                  {func(es *ExternalSecret) { es.RefreshInterval = 0 }, "its refreshInterval is 0: it never reads the store again"},
		"no interval, but on a change": {func(es *ExternalSecret) { es.RefreshInterval, es.RefreshPolicy = 0, "OnChange" }, ""},
		"immutable":                    {func(es *ExternalSecret) { es.Immutable = true }, "its target is immutable: the Secret keeps the values that it has"},
		"going":                        {func(es *ExternalSecret) { es.Deleting = true }, "it is being deleted"},
	} {
		es := synced
		tt.change(&es)
		if got := es.Stuck(); got != tt.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
