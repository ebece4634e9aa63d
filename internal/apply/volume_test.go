package apply

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// claim is SQLite's, made where it is not there yet.
func (s *stage) claim() k8s.Claim {
	s.t.Helper()
	c := s.open(s.kubeconfig(), nil)
	claim, err := c.Claim(s.t.Context(), s.ns, "backstage-db")
	if errors.Is(err, k8s.ErrNotFound) {
		s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: backstage-db, namespace: %s, labels: {app.kubernetes.io/instance: openchoreo}, annotations: {theirs: stays}}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Gi}}}
`, s.ns))
		claim, err = c.Claim(s.t.Context(), s.ns, "backstage-db")
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return claim
}

// resetClaim takes away what an earlier run on the same place has left.
func (s *stage) resetClaim() {
	s.t.Helper()
	s.annotate(map[string]string{k8s.ResourcePolicy: "", k8s.SyncOptions: ""})
}

func (s *stage) annotate(annotations map[string]string) {
	s.t.Helper()
	claim := s.claim()
	if _, err := s.open(s.kubeconfig(), nil).AnnotateClaim(s.t.Context(), s.ns, claim.Name, claim.ResourceVersion, annotations); err != nil {
		s.t.Fatal(err)
	}
}

// TestVolume: a claim is annotated once, what was there comes back, and what
// somebody else has changed, or made anew, stays theirs.
func TestVolume(t *testing.T) {
	at := newPlace(t)
	s := &stage{t: t, cluster: at.cluster, ns: at.ns, dir: t.TempDir(), env: Env{Now: time.Now}}
	s.env.Cluster = s.open(s.cluster.Kubeconfig, nil)
	s.annotate(map[string]string{k8s.SyncOptions: "Replace=true"})
	before := s.claim()
	keep := plan.KeepVolume{Namespace: s.ns, Claim: plan.JournalClaim{Name: before.Name, UID: before.UID,
		Set:    map[string]string{k8s.ResourcePolicy: k8s.PolicyKeep, k8s.SyncOptions: "Replace=true," + k8s.NoPrune},
		Before: map[string]string{k8s.SyncOptions: "Replace=true"}}}
	free := plan.FreeVolume{Namespace: s.ns, Claim: keep.Claim}
	does := func(a plan.Action, want Status) {
		t.Helper()
		out, err := s.run(t.Context(), a)
		if err != nil || out.Actions[0].Status != want {
			t.Errorf("%s: %v %v, want %s", a.Title(), out.Actions, err, want)
		}
	}
	does(keep, Done)
	if got := s.claim().Annotations; got[k8s.ResourcePolicy] != "keep" || got[k8s.SyncOptions] != "Replace=true,Prune=false" || got["theirs"] != "stays" {
		t.Errorf("annotations are %v", got)
	}
	does(keep, Unchanged)
	does(free, Done)
	if diff := cmp.Diff(before.Annotations, s.claim().Annotations); diff != "" {
		t.Error(diff)
	}
	does(free, Unchanged)
	s.annotate(map[string]string{k8s.ResourcePolicy: "theirs"})
	does(free, Unchanged)
	if got := s.claim().Annotations[k8s.ResourcePolicy]; got != "theirs" {
		t.Errorf("their value became %q", got)
	}
	another := keep
	another.Claim.UID = "another"
	if _, err := s.run(t.Context(), another); !errors.Is(err, k8s.ErrChanged) {
		t.Errorf("the claim was made anew: %v", err)
	}
	does(plan.FreeVolume{Namespace: s.ns, Claim: another.Claim}, Unchanged)
	another.Claim.Name = "no-such-db"
	if _, err := s.run(t.Context(), another); !errors.Is(err, k8s.ErrChanged) {
		t.Errorf("the claim is gone: %v", err)
	}
}
