package k8s

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func externalObject(name, target, policy string) externalSecret {
	var es externalSecret
	es.Metadata.Name, es.Spec.Target.Name, es.Spec.Target.CreationPolicy = name, target, policy
	return es
}

func TestTargeting(t *testing.T) {
	all := externalSecrets{items: []externalSecret{
		externalObject("same-name", "", ""),
		externalObject("renamed", "backstage-secrets", "Merge"),
		externalObject("reads-only", "other", "None"),
	}}
	for name, tt := range map[string]struct{ secret, byMark, want string }{
		"by target":                    {"backstage-secrets", "", "renamed"},
		"by its own name":              {"same-name", "", "same-name"},
		"by name, but another target":  {"renamed", "", ""},
		"it writes nothing":            {"other", "", ""},
		"the Secret's mark names it":   {"elsewhere", "renamed", "renamed"},
		"the mark names one that went": {"elsewhere", "gone", ""},
		"none":                         {"elsewhere", "", ""},
	} {
		got, ok := all.targeting(tt.secret, Owner{Kind: OwnerExternalSecrets, Name: tt.byMark})
		if got.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q %t", name, got.Name, ok)
		}
	}
}

func TestSecretOwner(t *testing.T) {
	cluster := testcluster.Shared(t)
	applyCRDs(t, cluster)
	ns := cluster.Namespace(t)
	c, core := admin(t, cluster)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: es, namespace: NS}
spec:
  secretStoreRef: {name: store}
  target: {name: merged, creationPolicy: Merge}
  dataFrom: [{extract: {key: all}}]
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: store, namespace: NS}
spec:
  provider:
    kubernetes:
      server: {url: "https://kubernetes.default"}
      auth: {serviceAccount: {name: default}}
`, "NS", ns)))
	create := func(meta metav1.ObjectMeta) *Secret {
		t.Helper()
		if _, err := core.Secrets(ns).Create(t.Context(), &api.Secret{ObjectMeta: meta}, metav1.CreateOptions{FieldManager: "m"}); err != nil {
			t.Fatal(err)
		}
		s, err := c.Secret(t.Context(), ns, meta.Name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	merged := create(metav1.ObjectMeta{Name: "merged"})
	free := create(metav1.ObjectMeta{Name: "free"})
	owned := create(metav1.ObjectMeta{Name: "owned", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "gone", UID: types.UID("1")},
	}})
	labelled := create(metav1.ObjectMeta{Name: "labelled", Labels: map[string]string{"reconcile.external-secrets.io/managed": "true"}})
	byTarget := Owner{OwnerExternalSecrets, "es", ns, `ExternalSecret "es" has it as its target`}
	for _, tt := range []struct {
		secret *Secret
		want   Owner
	}{
		{merged, byTarget},
		{free, Owner{}},
		{owned, Owner{OwnerExternalSecrets, "gone", ns, `owner reference to ExternalSecret "gone"`}},
		{labelled, Owner{OwnerExternalSecrets, "", ns, "label reconcile.external-secrets.io/managed=true"}},
	} {
		if diff := cmp.Diff(tt.want, c.SecretOwner(t.Context(), tt.secret)); diff != "" {
			t.Errorf("%s: %s", tt.secret.Name, diff)
		}
	}
	nobody := openAs(t, cluster.KubeconfigFor(t, "nobody"), nil)
	if got := nobody.SecretOwner(t.Context(), merged); got.Kind != "" {
		t.Errorf("without the right to list ExternalSecrets: %+v", got)
	}
	t.Run("while the Secret is still missing, in another provider's store", func(t *testing.T) {
		if err := core.Secrets(ns).Delete(t.Context(), "merged", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp", SecretName: "merged"})
		if diff := cmp.Diff(SecretState{Name: "merged", Owner: byTarget}, got.Secret); diff != "" {
			t.Error(diff)
		}
		if want := (Store{Kind: "SecretStore", Name: "store", Provider: "kubernetes"}); got.External.Store != want || !got.External.Whole {
			t.Errorf("got %+v", got.External)
		}
	})
}

// Server-side apply by a tool leaves its name on the keys.
func TestOwnerOfAppliedSecret(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	for name, values := range map[string]string{"by-data": "data: {a: Yg==}", "by-string-data": "stringData: {a: b}"} {
		cluster.ApplyManifest(t, fmt.Appendf(nil, "apiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: %s}\n%s\n", name, ns, values))
		s, err := c.Secret(t.Context(), ns, name)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Owner{Kind: OwnerUnknownManager, Name: "testcluster", Reason: `keys applied by "testcluster"`}); s.Owner != want {
			t.Errorf("%s: got %+v", name, s.Owner)
		}
	}
}
