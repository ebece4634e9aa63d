package k8s

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
	"github.com/openchoreo/backstage-setup/internal/testcluster/estest"
)

// store is an OpenBao whose entries are told to it one property at a time.
type store struct {
	*baotest.Server

	mu      sync.Mutex
	entries map[string]map[string]string
}

func newStore(t testing.TB) *store {
	return &store{Server: baotest.Start(t), entries: map[string]map[string]string{}}
}

func (s *store) put(entry, property, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[entry] == nil {
		s.entries[entry] = map[string]string{}
	}
	s.entries[entry][property] = value
	object, _ := json.Marshal(s.entries[entry]) // texts alone
	s.Put("secret", entry, string(object))
}

// reader is a token that may read every entry.
func (s *store) reader() string {
	return s.Token(map[string][]string{"secret/data/*": {"read"}})
}

// scene is a namespace with a SecretStore, and the controller of External
// Secrets.
type scene struct {
	cluster    *testcluster.Cluster
	ns         string
	c          *Client
	core       corev1.CoreV1Interface
	store      *store
	controller *estest.Controller
}

func newScene(t testing.TB) *scene {
	t.Helper()
	cluster := testcluster.Shared(t)
	applyCRDs(t, cluster)
	return sceneIn(t, cluster, "v1")
}

func sceneIn(t testing.TB, cluster *testcluster.Cluster, version string) *scene {
	t.Helper()
	s := &scene{cluster: cluster, ns: cluster.Namespace(t), store: newStore(t)}
	s.c, s.core = admin(t, cluster)
	s.apply(t, `
apiVersion: external-secrets.io/`+version+`
kind: SecretStore
metadata: {name: bao, namespace: NS}
spec:
  provider:
    vault: {server: "http://openbao.openbao.svc:8200", path: secret, version: v2, auth: {tokenSecretRef: {name: token, key: token}}}
`)
	s.controller = estest.Start(t, cluster, s.ns, estest.Store{URL: s.store.URL, Token: s.store.reader()})
	return s
}

func (s *scene) apply(t testing.TB, manifest string) {
	t.Helper()
	s.cluster.ApplyManifest(t, []byte(strings.ReplaceAll(manifest, "NS", s.ns)))
}

// portal makes the ExternalSecret of the product's guides with the given keys,
// whose values are in the store, and waits until it is synced.
func (s *scene) portal(t testing.TB, keys ...string) ExternalSecret {
	t.Helper()
	n := NewExternalSecret{Namespace: s.ns, Name: "portal", Target: "backstage-secrets", Store: StoreRef{Kind: "SecretStore", Name: "bao"}}
	for _, key := range keys {
		s.store.put("backstage-"+key, "value", "value of "+key)
		n.Keys = append(n.Keys, conventional(key))
	}
	es, err := s.c.CreateExternalSecret(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.c.AwaitSync(t.Context(), SyncWait{External: es, Keys: keys}); err != nil {
		t.Fatal(err)
	}
	return s.read(t)
}

func (s *scene) read(t testing.TB) ExternalSecret {
	t.Helper()
	es, err := s.c.ExternalSecret(t.Context(), s.ns, "portal")
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// values are those of the portal's Secret.
func (s *scene) values(t testing.TB) map[string]string {
	t.Helper()
	secret, err := s.c.Secret(t.Context(), s.ns, "backstage-secrets")
	if err != nil {
		t.Fatal(err)
	}
	return revealed(secret)
}

func conventional(key string) ExternalKey {
	return ExternalKey{SecretKey: key, RemoteKey: "backstage-" + key, Property: "value"}
}

// at is a time that no other test gives to ForceSync.
func at(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }

// limited is a client that has these rights in the namespace, and no others.
func (s *scene) limited(t testing.TB, rules string) *Client {
	t.Helper()
	user := "limited-" + hashOf(rules) + "-" + s.ns
	s.apply(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: `+user+`, namespace: NS}
rules:`+rules+`
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: `+user+`, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: `+user+`}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: `+user+`}]
`)
	c := openAs(t, s.cluster.KubeconfigFor(t, user), nil)
	group, resource, verb := firstRule(t, rules)
	eventually(t, "the rights are known", func() error {
		got, err := c.Can(t.Context(), []Access{{Verb: verb, Group: group, Resource: resource, Namespace: s.ns}})
		if err == nil && !got[0].Allowed {
			err = errors.New("not yet")
		}
		return err
	})
	return c
}

func firstRule(t testing.TB, rules string) (group, resource, verb string) {
	t.Helper()
	var parsed []struct {
		APIGroups []string `json:"apiGroups"`
		Resources []string `json:"resources"`
		Verbs     []string `json:"verbs"`
	}
	if err := yaml.Unmarshal([]byte(rules), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed[0].APIGroups[0], parsed[0].Resources[0], parsed[0].Verbs[0]
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// patchSpec is what somebody else does.
func (s *scene) patchSpec(t testing.TB, spec string) {
	t.Helper()
	s.patch(t, `{"spec": `+spec+`}`)
}

func (s *scene) dropFinalizers(t testing.TB) {
	t.Helper()
	s.patch(t, `{"metadata": {"finalizers": null}}`)
}

func (s *scene) patch(t testing.TB, body string) {
	t.Helper()
	es := s.read(t)
	k := externalSecretsIn(es.version())
	err := s.c.raw.Patch(types.MergePatchType).AbsPath(k.path()).Resource(k.resource).Namespace(s.ns).Name("portal").
		Param("fieldManager", "somebody-else").Body([]byte(body)).Do(t.Context()).Error()
	if err != nil {
		t.Fatal(err)
	}
}

func unmarshalYAML(text string, out any) error { return yaml.Unmarshal([]byte(text), out) }
