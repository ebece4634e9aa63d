package k8s

import (
	"errors"
	"slices"
	"testing"
)

// The tables say what is really asked for, from making an ExternalSecret that
// fails at first to undoing it.
func TestExternalSecretRights(t *testing.T) {
	s := newScene(t)
	seen := &requests{t: t, of: map[Access]bool{}}
	c := openAs(t, s.cluster.Kubeconfig, seen.wrap)
	n := NewExternalSecret{
		Namespace: s.ns, Name: "portal", Target: "backstage-secrets", Store: StoreRef{Kind: "SecretStore", Name: "bao"},
		Keys: []ExternalKey{conventional("client-secret")},
	}
	es, err := c.CreateExternalSecret(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	var failed *SyncError
	if _, err := c.AwaitSync(t.Context(), SyncWait{External: es, Patience: -1}); !errors.As(err, &failed) {
		t.Fatal(err)
	}
	s.store.put("backstage-client-secret", "value", "c")
	after, added, err := c.AddExternalKeys(t.Context(), s.read(t), []ExternalKey{conventional("a")})
	if err != nil {
		t.Fatal(err)
	}
	if after, err = c.RemoveExternalKeys(t.Context(), after, added); err != nil {
		t.Fatal(err)
	}
	if after, err = c.ForceSync(t.Context(), after, at(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AwaitSync(t.Context(), SyncWait{External: after, Keys: []string{"client-secret"}}); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteExternalSecret(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	seen.compare(t, MergeRights(slices.Concat(
		PatchExternalSecretRights(s.ns, "portal"), CreateExternalSecretRights(s.ns),
		AwaitSyncRights(after), DeleteExternalSecretRights(s.ns, "portal"),
	)))
	inCluster := after
	inCluster.Store.Kind = "ClusterSecretStore"
	for _, right := range slices.Concat(AwaitSyncRights(inCluster), DeleteExternalSecretRights(s.ns, "portal")) {
		if right.Why == "" || right.Prevents == "" || (right.Resource == "clustersecretstores") != (right.Namespace == "") {
			t.Errorf("%+v", right)
		}
	}
}
