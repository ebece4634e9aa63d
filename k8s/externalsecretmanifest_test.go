package k8s

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestManifestOfNewExternalSecret(t *testing.T) {
	for name, tt := range map[string]struct {
		n    NewExternalSecret
		want string
	}{
		"as in the product's guides": {
			NewExternalSecret{
				Namespace: "openchoreo-control-plane", Name: "backstage-secrets",
				Keys: []ExternalKey{conventional("client-secret"), conventional("backend-secret")},
			}, `# Written by backstage-setup: makes the Secret backstage-secrets in namespace openchoreo-control-plane.
# It holds names of entries in the store, no values.
# Every entry has to be in the store first: one that is missing stops the whole sync.
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: backstage-secrets
  namespace: openchoreo-control-plane
spec:
  data:
  - remoteRef:
      key: backstage-backend-secret
      property: value
    secretKey: backend-secret
  - remoteRef:
      key: backstage-client-secret
      property: value
    secretKey: client-secret
  refreshInterval: 1h
  secretStoreRef:
    kind: ClusterSecretStore
    name: default
  target:
    name: backstage-secrets
`},
		"all said": {
			NewExternalSecret{
				Namespace: "ns", Name: "portal", APIVersion: "external-secrets.io/v1beta1", Target: "secrets",
				Store: StoreRef{"SecretStore", "bao"}, RefreshInterval: 90 * time.Second,
			}, `# Written by backstage-setup: makes the Secret secrets in namespace ns.
# It holds names of entries in the store, no values.
# Every entry has to be in the store first: one that is missing stops the whole sync.
apiVersion: external-secrets.io/v1beta1
kind: ExternalSecret
metadata:
  name: portal
  namespace: ns
spec:
  data: []
  refreshInterval: 1m30s
  secretStoreRef:
    kind: SecretStore
    name: bao
  target:
    name: secrets
`},
	} {
		got, err := tt.n.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 10 * time.Hour: "10h", 10 * time.Minute: "10m", 90 * time.Minute: "1h30m", 30 * time.Second: "30s",
		100 * time.Second: "1m40s", time.Hour + 10*time.Second: "1h0m10s",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

func TestManifestWith(t *testing.T) {
	es := ExternalSecret{
		Name: "portal", Namespace: "ns", APIVersion: "external-secrets.io/v1",
		Owner: Owner{OwnerArgoCD, "portal", "", "annotation argocd.argoproj.io/tracking-id"},
		Data:  []ExternalKey{{SecretKey: "z", RemoteKey: "k", Property: "p", More: `{"remoteRef":{"decodingStrategy":"Base64"},"sourceRef":{"storeRef":{"name":"s"}}}`}},
	}
	const entries = `apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: portal
  namespace: ns
spec:
  data:
  - remoteRef:
      decodingStrategy: Base64
      key: k
      property: p
    secretKey: z
    sourceRef:
      storeRef:
        name: s
  - remoteRef:
      key: backstage-a
      property: value
    secretKey: a
`
	for name, tt := range map[string]struct {
		owner   Owner
		comment string
	}{
		"Argo CD": {es.Owner, `# A change in the cluster would be undone (annotation argocd.argoproj.io/tracking-id): make it in the source instead.
# Replace spec.data there with the list below, or use this file as a patch in a Kustomization.
`},
		"a ClusterExternalSecret": {Owner{OwnerClusterExternalSecret, "all", "", `owner reference to ClusterExternalSecret "all"`},
			`# A change in the cluster would be undone (owner reference to ClusterExternalSecret "all"): make it in the source instead.
# Replace spec.externalSecretSpec.data of ClusterExternalSecret all with the list below.
`},
		"nobody": {Owner{}, `# Replace spec.data there with the list below, or use this file as a patch in a Kustomization.
`},
		"one that writes into the comment": {Owner{OwnerUnknownManager, "x", "", "first\nkind: Pod"},
			`# A change in the cluster would be undone (first kind: Pod): make it in the source instead.
# Replace spec.data there with the list below, or use this file as a patch in a Kustomization.
`},
	} {
		es.Owner = tt.owner
		got, err := ManifestWith(es, []ExternalKey{conventional("a"), es.Data[0]})
		if err != nil {
			t.Fatal(err)
		}
		want := `# Written by backstage-setup: spec.data of ExternalSecret ns/portal, complete.
# It holds names of entries in the store, no values.
# New: a
` + tt.comment + `# Every entry has to be in the store first: one that is missing stops the whole sync.
` + entries
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := ManifestWith(es, []ExternalKey{{SecretKey: "z", RemoteKey: "other"}}); err == nil {
		t.Error("an entry that is another was taken")
	}
}

// What is written to files, the API server takes; a merge patch of it does what
// AddExternalKeys does.
func TestManifestsAreTaken(t *testing.T) {
	s := newScene(t)
	s.controller.Stop()
	n := NewExternalSecret{Namespace: s.ns, Name: "portal", Store: StoreRef{"SecretStore", "bao"}, Keys: []ExternalKey{conventional("client-secret")}}
	manifest, err := n.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	s.cluster.ApplyManifest(t, manifest)
	es := s.read(t)
	keys := []ExternalKey{conventional("a"), conventional("b")}
	manifest, err = ManifestWith(es, keys)
	if err != nil {
		t.Fatal(err)
	}
	s.cluster.ApplyManifest(t, manifest)
	applied := s.read(t)
	s.patchSpec(t, `{"data": [{"secretKey": "client-secret", "remoteRef": {"key": "backstage-client-secret", "property": "value"}}]}`)
	added, _, err := s.c.AddExternalKeys(t.Context(), s.read(t), keys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(added.Data, applied.Data); diff != "" {
		t.Error(diff)
	}
}

// An entry survives being read and written, whatever it says.
func FuzzExternalKey(f *testing.F) {
	f.Add(`{secretKey: a, remoteRef: {key: k, property: p}}`)
	f.Add(`{secretKey: a, remoteRef: {key: k, decodingStrategy: None, version: "3"}, sourceRef: {storeRef: {name: s}}}`)
	f.Add(`{secretKey: a, future: [1, {b: null}], remoteRef: {key: k, other: true}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var entry map[string]any
		if unmarshalYAML(text, &entry) != nil {
			return
		}
		once := plainKey(entry)
		if twice := plainKey(once.object()); twice != once {
			t.Errorf("%+v became %+v", once, twice)
		}
	})
}
