package k8s

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// spec is what the API server has.
func (s *scene) spec(t testing.TB) map[string]any {
	t.Helper()
	client, err := dynamic.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	resource := schema.GroupVersionResource{Group: externalSecretsGroup, Version: s.read(t).version(), Resource: "externalsecrets"}
	es, err := client.Resource(resource).Namespace(s.ns).Get(t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec, _, err := unstructured.NestedMap(es.Object, "spec")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestAddAndRemoveExternalKeys(t *testing.T) {
	s := newScene(t)
	s.controller.Stop()
	s.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal, namespace: NS}
spec:
  refreshInterval: 15m
  secretStoreRef: {name: bao}
  target: {name: backstage-secrets, deletionPolicy: Merge}
  data:
  - {secretKey: z-first, remoteRef: {key: other/z, property: value, decodingStrategy: Base64, version: "3"}}
  - {secretKey: a-second, remoteRef: {key: a, property: value}, sourceRef: {storeRef: {name: elsewhere, kind: ClusterSecretStore}}}
  dataFrom:
  - extract: {key: shared}
`)
	before := s.spec(t)
	es := s.read(t)
	keys := []ExternalKey{conventional("postgres-user"), conventional("postgres-host")}
	after, added, err := s.c.AddExternalKeys(t.Context(), es, keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys, added); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{}
	for name, value := range before {
		want[name] = value
	}
	entry := func(key string) map[string]any { // as the API server completes it
		return map[string]any{"secretKey": key, "remoteRef": map[string]any{
			"key": "backstage-" + key, "property": "value",
			"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None",
		}}
	}
	want["data"] = append(slices.Clone(before["data"].([]any)), entry("postgres-user"), entry("postgres-host"))
	if diff := cmp.Diff(want, s.spec(t)); diff != "" {
		t.Errorf("the spec: %s", diff)
	}
	if diff := cmp.Diff(s.read(t), after); diff != "" {
		t.Errorf("returned: %s", diff)
	}

	t.Run("again, even from what was read before", func(t *testing.T) {
		for _, read := range []ExternalSecret{after, es} {
			again, added, err := s.c.AddExternalKeys(t.Context(), read, keys)
			if err != nil || len(added) > 0 || again.ResourceVersion != after.ResourceVersion {
				t.Errorf("added %v: %v", added, err)
			}
		}
	})
	t.Run("one of them again, and the same twice", func(t *testing.T) {
		more := []ExternalKey{keys[1], conventional("postgres-db"), conventional("postgres-db")}
		dry, added, err := s.c.AddExternalKeys(t.Context(), after, more, DryRun)
		if err != nil || !slices.Equal(added, more[1:2]) || len(dry.Data) != 5 {
			t.Errorf("would add %v: %v", added, err)
		}
		if diff := cmp.Diff(want, s.spec(t)); diff != "" {
			t.Errorf("the dry run wrote: %s", diff)
		}
	})
	t.Run("a dry run of what the schema does not allow", func(t *testing.T) {
		_, _, err := s.c.AddExternalKeys(t.Context(), after, []ExternalKey{conventional("no spaces allowed")}, DryRun)
		if err == nil || !strings.Contains(err.Error(), "spec.data[4].secretKey") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an entry that is another", func(t *testing.T) {
		_, _, err := s.c.AddExternalKeys(t.Context(), after, []ExternalKey{{SecretKey: "z-first", RemoteKey: "mine", Property: "value"}})
		if err == nil || !strings.Contains(err.Error(), `reads z-first from "other/z" already`) || errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("remove", func(t *testing.T) {
		changed := conventional("postgres-host")
		changed.Property = "another"
		if _, err := s.c.RemoveExternalKeys(t.Context(), after, []ExternalKey{changed}); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, s.spec(t)); diff != "" {
			t.Errorf("it took away what is not exactly that: %s", diff)
		}
		s.patchSpec(t, `{"refreshInterval": "20m"}`) // somebody else's change does not stop an undo
		before["refreshInterval"] = "20m"
		removed, err := s.c.RemoveExternalKeys(t.Context(), ExternalSecret{Namespace: s.ns, Name: "portal"}, added)
		if err != nil || len(removed.Data) != 2 {
			t.Errorf("%+v: %v", removed.Data, err)
		}
		if diff := cmp.Diff(before, s.spec(t)); diff != "" {
			t.Errorf("the spec: %s", diff)
		}
	})
}

// What had only dataFrom gets its first entry.
func TestAddFirstExternalKey(t *testing.T) {
	s := newScene(t)
	s.controller.Stop()
	s.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal, namespace: NS}
spec:
  secretStoreRef: {name: bao}
  dataFrom:
  - extract: {key: shared}
`)
	es := s.read(t)
	after, _, err := s.c.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("a")})
	if err != nil || !slices.Equal(after.Data, []ExternalKey{conventional("a")}) || !slices.Equal(after.Extract, []string{"shared"}) {
		t.Errorf("%+v: %v", after, err)
	}
}

func TestAddExternalKeysToWhatChanged(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, s *scene, es *ExternalSecret)
		want   string // "" is no error
	}{
		"the status, by a sync": {func(t *testing.T, s *scene, es *ExternalSecret) {
			forced, err := s.c.ForceSync(t.Context(), *es, at(1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.c.AwaitSync(t.Context(), SyncWait{External: forced}); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"the spec": {func(t *testing.T, s *scene, _ *ExternalSecret) {
			s.patchSpec(t, `{"refreshInterval": "20m"}`)
		}, "changed meanwhile: somebody else changed its spec after it was read"},
		"an owner": {func(t *testing.T, s *scene, _ *ExternalSecret) {
			s.patch(t, `{"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "portal:external-secrets.io/ExternalSecret:x/portal"}}}`)
		}, "changed meanwhile: it got an owner after it was read: annotation argocd.argoproj.io/tracking-id"},
		"it went": {func(t *testing.T, s *scene, es *ExternalSecret) {
			s.controller.Stop()
			s.dropFinalizers(t)
			if err := s.c.DeleteExternalSecret(t.Context(), *es); err != nil {
				t.Fatal(err)
			}
		}, "changed meanwhile: it was deleted"},
		"it is going": {func(t *testing.T, s *scene, es *ExternalSecret) {
			s.controller.Stop()
			if err := s.c.DeleteExternalSecret(t.Context(), *es); err != nil {
				t.Fatal(err)
			}
		}, "changed meanwhile: it is being deleted"},
		"it was made anew": {func(_ *testing.T, _ *scene, es *ExternalSecret) { es.UID = "another" }, "changed meanwhile: it was deleted and made anew"},
		"it was not read":  {func(_ *testing.T, _ *scene, es *ExternalSecret) { es.Generation = 0 }, "it was not read before, and this could undo what somebody else wrote"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			es := s.portal(t, "client-secret")
			tt.change(t, s, &es)
			_, added, err := s.c.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("a")})
			switch {
			case tt.want == "" && (err != nil || len(added) != 1):
				t.Errorf("added %v: %v", added, err)
			case tt.want != "" && (!errors.Is(err, ErrChanged) || !strings.HasSuffix(err.Error(), tt.want) || added != nil):
				t.Errorf("added %v: %v", added, err)
			}
		})
	}
}

// Somebody writes between the read and the patch: the API server answers 409,
// and it is looked at again.
func TestAddExternalKeysInARace(t *testing.T) {
	for name, tt := range map[string]struct {
		patch   string
		changed bool
	}{
		"a status or an annotation": {`{"metadata": {"labels": {"somebody": "was-here"}}}`, false},
		"the spec":                  {`{"spec": {"refreshInterval": "20m"}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			es := s.portal(t, "client-secret")
			s.controller.Stop()
			var first, conflicts atomic.Int32
			racing := openAs(t, s.cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
				return roundTrip(func(req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodPatch && first.Add(1) == 1 {
						s.patch(t, tt.patch)
					}
					resp, err := next.RoundTrip(req)
					if err == nil && resp.StatusCode == http.StatusConflict {
						conflicts.Add(1)
					}
					return resp, err
				})
			})
			_, _, err := racing.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("a")})
			if errors.Is(err, ErrChanged) != tt.changed || !tt.changed && err != nil || conflicts.Load() != 1 {
				t.Errorf("%d conflicts: %v", conflicts.Load(), err)
			}
			if now := s.read(t); (len(now.Data) == 2) == tt.changed {
				t.Errorf("entries %v", now.Data)
			}
		})
	}
}

func TestExternalSecretWithoutRights(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	c := s.limited(t, `
- {apiGroups: [external-secrets.io], resources: [externalsecrets], verbs: [get]}`)
	for name, tt := range map[string]struct {
		do   func() error
		verb string
	}{
		"add": {func() error {
			_, _, err := c.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("a")})
			return err
		}, "patch"},
		"remove": {func() error {
			_, err := c.RemoveExternalKeys(t.Context(), es, es.Data)
			return err
		}, "patch"},
		"force": {func() error {
			_, err := c.ForceSync(t.Context(), es, at(1))
			return err
		}, "patch"},
		"create": {func() error {
			_, err := c.CreateExternalSecret(t.Context(), NewExternalSecret{Namespace: s.ns, Name: "portal"})
			return err
		}, "create"},
		"delete": {func() error { return c.DeleteExternalSecret(t.Context(), es) }, "delete"},
	} {
		var missing *RequestError
		if err := tt.do(); !errors.As(err, &missing) || !errors.Is(err, ErrForbidden) || !strings.HasPrefix(missing.Right(), tt.verb+" on externalsecrets.external-secrets.io") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCreateAndDeleteExternalSecret(t *testing.T) {
	s := newScene(t)
	n := NewExternalSecret{
		Namespace: s.ns, Name: "portal", Target: "backstage-secrets", Store: StoreRef{Kind: "SecretStore", Name: "bao"},
		Keys: []ExternalKey{conventional("client-secret"), conventional("backend-secret")},
	}
	s.store.put("backstage-client-secret", "value", "c")
	s.store.put("backstage-backend-secret", "value", "b")
	if _, err := s.c.CreateExternalSecret(t.Context(), n, DryRun); err != nil {
		t.Fatal(err)
	}
	if _, err := s.c.ExternalSecret(t.Context(), s.ns, "portal"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a dry run made it: %v", err)
	}
	es, err := s.c.CreateExternalSecret(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if es.APIVersion != "external-secrets.io/v1" || es.Owner.Kind != "" || es.CreationPolicy != "Owner" || es.Target != "backstage-secrets" {
		t.Errorf("made %+v", es)
	}
	if _, err := s.c.CreateExternalSecret(t.Context(), n); !errors.Is(err, ErrChanged) {
		t.Errorf("a second time: %v", err)
	}
	elsewhere := n
	elsewhere.Namespace = "nowhere-" + s.ns
	if _, err := s.c.CreateExternalSecret(t.Context(), elsewhere); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "there is no namespace") {
		t.Errorf("in no namespace: %v", err)
	}
	if _, err := s.c.AwaitSync(t.Context(), SyncWait{External: es, Keys: []string{"client-secret", "backend-secret"}}); err != nil {
		t.Fatal(err)
	}
	t.Run("not when somebody changed it", func(t *testing.T) {
		s.patchSpec(t, `{"refreshInterval": "20m"}`)
		if err := s.c.DeleteExternalSecret(t.Context(), es); !errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
		other := es
		other.UID = "another"
		if err := s.c.DeleteExternalSecret(t.Context(), other); !errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
	})
	es = s.read(t)
	if err := s.c.DeleteExternalSecret(t.Context(), es, DryRun); err != nil || s.read(t).Deleting {
		t.Errorf("a dry run: %v", err)
	}
	if err := s.c.DeleteExternalSecret(t.Context(), es); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Secret goes with it", func() error {
		if _, err := s.c.Secret(t.Context(), s.ns, "backstage-secrets"); !errors.Is(err, ErrNotFound) {
			return errors.New("it is still there")
		}
		return nil
	})
	if err := s.c.DeleteExternalSecret(t.Context(), es); err != nil {
		t.Errorf("when it is gone: %v", err)
	}
}

func TestDeleteExternalSecretKeepsTheSecret(t *testing.T) {
	s := newScene(t)
	es := s.portal(t, "client-secret")
	if err := s.c.DeleteExternalSecret(t.Context(), es, KeepSecret); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the ExternalSecret is gone", func() error {
		if _, err := s.c.ExternalSecret(t.Context(), s.ns, "portal"); !errors.Is(err, ErrNotFound) {
			return errors.New("it is still there")
		}
		return nil
	})
	secret, err := s.core.Secrets(s.ns).Get(t.Context(), "backstage-secrets", metav1.GetOptions{})
	if err != nil || len(secret.OwnerReferences) > 0 || string(secret.Data["client-secret"]) != "value of client-secret" {
		t.Errorf("%+v: %v", secret, err)
	}
}

func TestExternalSecretIsKeptBySomebody(t *testing.T) {
	for name, tt := range map[string]struct {
		metadata string
		want     Owner
	}{
		"nobody": {`labels: {a: b}`, Owner{}},
		"Argo CD": {`annotations: {argocd.argoproj.io/tracking-id: "portal:external-secrets.io/ExternalSecret:ns/portal"}`,
			Owner{OwnerArgoCD, "portal", "", "annotation argocd.argoproj.io/tracking-id"}},
		"Flux": {`labels: {kustomize.toolkit.fluxcd.io/name: portal, kustomize.toolkit.fluxcd.io/namespace: flux-system}`,
			Owner{OwnerFlux, "portal", "flux-system", "label kustomize.toolkit.fluxcd.io/name=portal"}},
		"a person": {`managedFields: [{manager: kubectl, operation: Apply, fieldsV1: {"f:spec": {}}}, {manager: x, operation: Update, fieldsV1: {"f:spec": {}}}, {manager: y, operation: Apply, fieldsV1: {"f:metadata": {}}}]`,
			Owner{}},
		"another tool": {`managedFields: [{manager: fleet, operation: Apply, fieldsV1: {"f:spec": {"f:data": {}}}}]`,
			Owner{OwnerUnknownManager, "fleet", "", `spec applied by "fleet"`}},
		"a ClusterExternalSecret": {`ownerReferences: [{apiVersion: external-secrets.io/v1, kind: ClusterExternalSecret, name: all, uid: "1", controller: true}]`,
			Owner{OwnerClusterExternalSecret, "all", "", `owner reference to ClusterExternalSecret "all"`}},
	} {
		t.Run(name, func(t *testing.T) {
			var es externalSecret
			object := "{metadata: {name: portal, namespace: ns, " + tt.metadata + "}}"
			if err := unmarshalYAML(object, &es); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, es.plain().Owner); diff != "" {
				t.Error(diff)
			}
		})
	}
}
