package estest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }

// server is the protocol of KV version 2, for reading.
type server struct {
	mu      sync.Mutex
	entries map[string]map[string]any
	token   string
}

func (s *server) put(entry string, properties map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[entry] = properties
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, ok := s.entries[strings.TrimPrefix(r.URL.Path, "/v1/")]
	switch {
	case r.Header.Get("X-Vault-Token") != s.token:
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":["permission denied"]}`))
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"errors":[]}`))
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": entry}})
	}
}

type scene struct {
	*Controller
	cluster *testcluster.Cluster
	server  *server
}

func newScene(t *testing.T) *scene {
	t.Helper()
	cluster := testcluster.Shared(t)
	dir := filepath.Join("..", "..", "..", "..", "shared", "crds")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the resource definitions of External Secrets are not here: %v", err)
	}
	cluster.ApplyCRDs(t, dir)
	kv := &server{entries: map[string]map[string]any{}, token: "t"}
	http := httptest.NewServer(kv)
	t.Cleanup(http.Close)
	s := &scene{cluster: cluster, server: kv}
	ns := cluster.Namespace(t)
	s.Controller = Start(t, cluster, ns, Store{URL: http.URL, Token: "t"})
	s.apply(t, `
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: bao, namespace: NS}
spec:
  provider: {vault: {server: "http://bao", path: secret, auth: {tokenSecretRef: {name: t, key: t}}}}
`)
	return s
}

func (s *scene) apply(t *testing.T, manifest string) {
	t.Helper()
	s.cluster.ApplyManifest(t, []byte(strings.ReplaceAll(manifest, "NS", s.namespace)))
}

// external makes an ExternalSecret of the Secret "target" with the keys a and
// b.
func (s *scene) external(t *testing.T, target, more string) {
	t.Helper()
	s.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: es, namespace: NS}
spec:
  secretStoreRef: {name: bao}
  target: {name: target, `+target+`}
  data:
  - {secretKey: a, remoteRef: {key: one, property: a}}
  - {secretKey: b, remoteRef: {key: two, property: b}}
  `+more+`
`)
}

// eventually asks until what it gets is wanted.
func eventually[T any](t *testing.T, want T, get func() (T, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := get()
		diff := cmp.Diff(want, got)
		if err == nil && diff == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v: %s", err, diff)
		case <-tick.C:
		}
	}
}

func (s *scene) data(t *testing.T) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		secret, err := s.core.Secrets(s.namespace).Get(t.Context(), "target", metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		data := map[string]string{}
		for key, value := range secret.Data {
			data[key] = string(value)
		}
		return data, nil
	}
}

// ready is the Ready condition: its status, reason and message.
func (s *scene) ready(t *testing.T) func() (string, error) {
	return func() (string, error) {
		es, err := s.get(t)
		if err != nil || len(es.Status.Conditions) != 1 {
			return "", err
		}
		c := es.Status.Conditions[0]
		return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message), nil
	}
}

func (s *scene) get(t *testing.T) (*externalSecret, error) {
	object, err := s.resource("externalsecrets").Get(t.Context(), "es", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return decode(object)
}

func (s *scene) patch(t *testing.T, body string) {
	t.Helper()
	if _, err := s.resource("externalsecrets").Patch(t.Context(), "es", types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

const synced = "True SecretSynced: secret synced"

func TestSync(t *testing.T) {
	s := newScene(t)
	s.server.put("secret/data/one", map[string]any{"a": "1"})
	s.external(t, "creationPolicy: Owner", "")
	eventually(t, "False SecretSyncedError: could not get secret data from provider", s.ready(t))
	eventually(t, []string{"UpdateFailed: error processing spec.data[1] (key: two), err: Secret does not exist"}, s.events(t))
	if _, err := s.data(t)(); !apierrors.IsNotFound(err) {
		t.Errorf("half of the Secret was made: %v", err)
	}
	s.server.put("secret/data/two", map[string]any{"other": 1})
	eventually(t, true, func() (bool, error) { // it tries again by itself
		events, err := s.events(t)()
		return strings.Contains(strings.Join(events, "\n"), `(key: two), err: cannot find secret data for key: "b"`), err
	})
	s.server.put("secret/data/two", map[string]any{"b": map[string]any{"c": 1}})
	eventually(t, synced, s.ready(t))
	eventually(t, map[string]string{"a": "1", "b": `{"c":1}`}, s.data(t))

	secret, err := s.core.Secrets(s.namespace).Get(t.Context(), "target", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	es, err := s.get(t)
	if err != nil {
		t.Fatal(err)
	}
	if !metav1.IsControlledBy(secret, es) || secret.Labels[labelManaged] != "true" || secret.Labels[labelOwner] == "" ||
		secret.Annotations[annotationHash] == "" || secret.ManagedFields[0].Manager != "externalsecrets.external-secrets.io/es" {
		t.Errorf("the marks: %+v", secret.ObjectMeta)
	}
	if es.Status.RefreshTime.IsZero() || !strings.HasPrefix(es.Status.SyncedResourceVersion, "1-") || (*es.Status.Binding)["name"] != "target" {
		t.Errorf("the status: %+v", es.Status)
	}

	t.Run("nothing without a reason, all with force-sync", func(t *testing.T) {
		s.server.put("secret/data/one", map[string]any{"a": "2"})
		s.Pause()
		s.Resume()
		s.patch(t, `{"metadata": {"annotations": {"force-sync": "1"}}}`)
		eventually(t, map[string]string{"a": "2", "b": `{"c":1}`}, s.data(t))
	})
	t.Run("a drift is undone, with keys of others", func(t *testing.T) {
		body := []byte(`{"data": {"a": "eA==", "foreign": "eA=="}}`)
		if _, err := s.core.Secrets(s.namespace).Patch(t.Context(), "target", types.MergePatchType, body, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, map[string]string{"a": "2", "b": `{"c":1}`}, s.data(t))
	})
	t.Run("a store without rights", func(t *testing.T) {
		s.server.mu.Lock()
		s.server.token = "another"
		s.server.mu.Unlock()
		s.patch(t, `{"metadata": {"annotations": {"force-sync": "2"}}}`)
		eventually(t, true, func() (bool, error) {
			events, err := s.events(t)()
			return strings.Contains(strings.Join(events, "\n"), "Code: 403. Errors:\n\n* permission denied"), err
		})
	})
}

// events are the texts of the Warnings, each once.
func (s *scene) events(t *testing.T) func() ([]string, error) {
	return func() (texts []string, err error) {
		list, err := s.core.Events(s.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.kind=ExternalSecret"})
		if err != nil {
			return nil, err
		}
		for _, e := range list.Items {
			texts = append(texts, e.Reason+": "+e.Message)
		}
		return texts, nil
	}
}

func TestPolicies(t *testing.T) {
	const foreign = "apiVersion: v1\nkind: Secret\nmetadata: {name: target, namespace: NS}\ndata: {foreign: eA==}\n"
	for name, tt := range map[string]struct {
		target, more, before string
		ready                string
		want                 map[string]string
	}{
		"Owner takes what is there": {"creationPolicy: Owner", "", foreign, synced, map[string]string{"a": "1", "b": "2"}},
		"Orphan too":                {"creationPolicy: Orphan", "", foreign, synced, map[string]string{"a": "1", "b": "2"}},
		"Merge keeps others":        {"creationPolicy: Merge", "", foreign, synced, map[string]string{"a": "1", "b": "2", "foreign": "x"}},
		"Merge makes none":          {"creationPolicy: Merge", "", "", "True SecretMissing: secret will not be created due to CreationPolicy=Merge", nil},
		"None":                      {"creationPolicy: None", "", "", synced, nil},
		"dataFrom below data":       {"creationPolicy: Owner", "dataFrom: [{extract: {key: all}}]", "", synced, map[string]string{"a": "1", "b": "2", "c": "3"}},
		"immutable":                 {"immutable: true", "", foreign + "immutable: true\n", "False SecretSyncedError: could not update secret, target is immutable", map[string]string{"foreign": "x"}},
		"of another ExternalSecret": {"creationPolicy: Merge", "", strings.Replace(foreign, "NS}", `NS, ownerReferences: [{apiVersion: external-secrets.io/v1, kind: ExternalSecret, name: other, uid: OTHER, controller: true}]}`, 1),
			"False SecretSyncedError: target is owned by another ExternalSecret", map[string]string{"foreign": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.server.put("secret/data/one", map[string]any{"a": "1"})
			s.server.put("secret/data/two", map[string]any{"b": "2"})
			s.server.put("secret/data/all", map[string]any{"a": "from all", "c": "3"})
			if strings.Contains(tt.before, "OTHER") { // or the garbage collector would take it
				s.apply(t, "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: other, namespace: NS}\nspec: {secretStoreRef: {name: none}}\n")
				other, err := s.resource("externalsecrets").Get(t.Context(), "other", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				tt.before = strings.Replace(tt.before, "OTHER", string(other.GetUID()), 1)
			}
			if tt.before != "" {
				s.apply(t, tt.before)
			}
			s.external(t, tt.target, tt.more)
			eventually(t, tt.ready, s.ready(t))
			if tt.want != nil {
				eventually(t, tt.want, s.data(t))
			} else if _, err := s.data(t)(); !apierrors.IsNotFound(err) {
				t.Errorf("there is a Secret: %v", err)
			}
		})
	}
}

func TestRefreshPolicies(t *testing.T) {
	for name, tt := range map[string]struct {
		spec string
		want string // of a, after the store changed and force-sync was set
	}{
		"Periodic":    {"refreshInterval: 1h", "2"},
		"OnChange":    {"refreshPolicy: OnChange", "2"},
		"CreatedOnce": {"refreshPolicy: CreatedOnce", "1"},
		"no interval": {`refreshInterval: "0"`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.server.put("secret/data/one", map[string]any{"a": "1"})
			s.server.put("secret/data/two", map[string]any{"b": "2"})
			s.external(t, "creationPolicy: Orphan", tt.spec) // nobody looks at what the Secret has
			eventually(t, synced, s.ready(t))
			s.server.put("secret/data/one", map[string]any{"a": "2"})
			s.patch(t, `{"metadata": {"annotations": {"force-sync": "1"}}}`)
			// Another one, made afterwards, shows that the controller was there.
			s.apply(t, "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: z-later, namespace: NS}\n"+
				"spec: {secretStoreRef: {name: bao}, data: [{secretKey: a, remoteRef: {key: one, property: a}}]}\n")
			eventually(t, "2", func() (string, error) {
				secret, err := s.core.Secrets(s.namespace).Get(t.Context(), "z-later", metav1.GetOptions{})
				if err != nil {
					return "", err
				}
				return string(secret.Data["a"]), nil
			})
			eventually(t, map[string]string{"a": tt.want, "b": "2"}, s.data(t))
		})
	}
	t.Run("by itself after its interval", func(t *testing.T) {
		s := newScene(t)
		s.server.put("secret/data/one", map[string]any{"a": "1"})
		s.server.put("secret/data/two", map[string]any{"b": "2"})
		s.external(t, "creationPolicy: Owner", "refreshInterval: 1s")
		eventually(t, synced, s.ready(t))
		s.server.put("secret/data/one", map[string]any{"a": "2"})
		eventually(t, map[string]string{"a": "2", "b": "2"}, s.data(t))
	})
}

func TestStoreThatIsNotReady(t *testing.T) {
	s := newScene(t)
	s.external(t, "creationPolicy: Owner", "secretStoreRef: {name: nowhere}")
	eventually(t, []string{`UpdateFailed: error processing spec.data[0] (key: one), err: could not get SecretStore "nowhere", secretstores.external-secrets.io "nowhere" not found`}, s.events(t))
	store, err := s.resource("secretstores").Patch(t.Context(), "bao", types.MergePatchType,
		[]byte(`{"status": {"conditions": [{"type": "Ready", "status": "False"}]}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(store, err)
	}
	s.patch(t, `{"spec": {"secretStoreRef": {"name": "bao"}}}`)
	eventually(t, true, func() (bool, error) {
		events, err := s.events(t)()
		return strings.Contains(strings.Join(events, "\n"), `err: SecretStore "bao" is not ready`), err
	})
}

func TestDeletion(t *testing.T) {
	s := newScene(t)
	s.server.put("secret/data/one", map[string]any{"a": "1"})
	s.server.put("secret/data/two", map[string]any{"b": "2"})
	s.external(t, "deletionPolicy: Delete", "")
	eventually(t, synced, s.ready(t))
	if err := s.resource("externalsecrets").Delete(t.Context(), "es", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, corev1.Secret{}, func() (corev1.Secret, error) {
		secret, err := s.core.Secrets(s.namespace).Get(t.Context(), "target", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return corev1.Secret{}, nil
		}
		return *secret, err
	})
	eventually(t, true, func() (bool, error) {
		_, err := s.get(t)
		return apierrors.IsNotFound(err), nil
	})
}

// A paused controller writes nothing; a stopped one has no goroutine left.
func TestPauseAndStop(t *testing.T) {
	// The cluster's own connections stay: it is shared.
	t.Run("a test before", func(t *testing.T) { newScene(t) })
	leaks := goleak.IgnoreCurrent()
	t.Run("a test", func(t *testing.T) {
		s := newScene(t)
		s.server.put("secret/data/one", map[string]any{"a": "1"})
		s.server.put("secret/data/two", map[string]any{"b": "2"})
		s.Pause()
		s.external(t, "creationPolicy: Owner", "")
		if es, err := s.get(t); err != nil || len(es.Finalizers) > 0 {
			t.Errorf("it was not paused: %+v, %v", es, err)
		}
		s.Resume()
		eventually(t, synced, s.ready(t))
		s.Stop()
	})
	if err := goleak.Find(leaks); err != nil {
		t.Error(err)
	}
}
