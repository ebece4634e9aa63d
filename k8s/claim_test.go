package k8s

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// TestClaim: a claim is read and annotated, unless somebody has written it since.
func TestClaim(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c := openAs(t, cluster.Kubeconfig, nil)
	if _, err := c.Claim(t.Context(), ns, "backstage-db"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: backstage-db
  namespace: %s
  labels: {app.kubernetes.io/instance: cp}
  annotations: {meta.helm.sh/release-name: cp, theirs: stays}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 1Gi}}
`, ns))
	got := c.Discover(t.Context(), Query{Namespace: ns, Release: "cp"}).Claim
	want := Claim{Namespace: ns, Name: "backstage-db", Exists: true, Size: "1Gi", StorageClass: "fast", AccessModes: []string{"ReadWriteOnce"}, Phase: "Pending", Releases: []string{"cp"},
		Annotations: map[string]string{"meta.helm.sh/release-name": "cp", "theirs": "stays"}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Claim{}, "UID", "ResourceVersion")); diff != "" {
		t.Error(diff)
	}
	if !got.Of("cp") || got.Of("another") {
		t.Errorf("it is of %q", got.Releases)
	}
	kept, err := c.AnnotateClaim(t.Context(), ns, "backstage-db", got.ResourceVersion, map[string]string{ResourcePolicy: PolicyKeep})
	if err != nil || kept.Annotations[ResourcePolicy] != PolicyKeep || kept.Annotations["theirs"] != "stays" || kept.UID != got.UID {
		t.Errorf("%v %+v", err, kept)
	}
	if _, err := c.AnnotateClaim(t.Context(), ns, "backstage-db", got.ResourceVersion, map[string]string{ResourcePolicy: ""}); !errors.Is(err, ErrChanged) {
		t.Errorf("it was written meanwhile: %v", err)
	}
	free, err := c.AnnotateClaim(t.Context(), ns, "backstage-db", kept.ResourceVersion, map[string]string{ResourcePolicy: ""})
	if diff := cmp.Diff(want.Annotations, free.Annotations); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := c.AnnotateClaim(t.Context(), ns, "another-db", "1", nil); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
