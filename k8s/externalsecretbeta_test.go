package k8s

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// Releases before 0.16 serve only v1beta1: the same definitions, with the other
// version switched on.
func TestOldExternalSecrets(t *testing.T) {
	cluster := testcluster.Start(t)
	t.Run("none at all", func(t *testing.T) {
		ns := cluster.Namespace(t)
		c, _ := admin(t, cluster)
		if got := c.externalSecrets(t.Context(), ns); len(got.items) > 0 || got.unknown != "" {
			t.Errorf("got %+v", got)
		}
		_, err := c.CreateExternalSecret(t.Context(), NewExternalSecret{Namespace: ns, Name: "portal"})
		if err == nil || err.Error() != "create externalsecrets "+ns+"/portal: not found: the cluster has no External Secrets" {
			t.Errorf("got %v", err)
		}
	})
	for _, name := range []string{"externalsecrets", "secretstores", "clustersecretstores"} {
		crd, err := os.ReadFile(filepath.Join(sharedFiles, "crds", name+".external-secrets.io.yaml"))
		if err != nil {
			t.Skipf("the resource definitions of External Secrets are not here: %v", err)
		}
		crd = swap(crd, "    served: true\n", "    served: false\n")
		cluster.ApplyManifest(t, swap(crd, "    storage: true\n", "    storage: false\n"))
	}
	s := sceneIn(t, cluster, "v1beta1")
	es := s.portal(t, "client-secret")
	if es.APIVersion != "external-secrets.io/v1beta1" || es.Store.Server == "" {
		t.Errorf("got %+v", es)
	}
	s.store.put("backstage-jenkins-api-key", "value", "j")
	after, _, err := s.c.AddExternalKeys(t.Context(), es, []ExternalKey{conventional("jenkins-api-key")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.c.AwaitSync(t.Context(), SyncWait{External: after, Keys: []string{"jenkins-api-key"}}); err != nil {
		t.Fatal(err)
	}
	found := s.c.Discover(t.Context(), Query{Namespace: s.ns, Release: "cp"}).External
	if diff := cmp.Diff(s.read(t), found); diff != "" {
		t.Error(diff)
	}
	if err := s.c.DeleteExternalSecret(t.Context(), found); err != nil {
		t.Error(err)
	}
}

// swap exchanges two texts.
func swap(text []byte, a, b string) []byte {
	text = bytes.ReplaceAll(text, []byte(a), []byte("\x00"))
	text = bytes.ReplaceAll(text, []byte(b), []byte(a))
	return bytes.ReplaceAll(text, []byte("\x00"), []byte(b))
}
