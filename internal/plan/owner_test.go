package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/k8s"
)

// TestForeignOwners: no owner's Secret is written; each is told what to do, by
// the keys that change.
func TestForeignOwners(t *testing.T) {
	var out strings.Builder
	for _, kind := range []k8s.OwnerKind{
		k8s.OwnerExternalSecrets, k8s.OwnerSealedSecrets, k8s.OwnerArgoCD, k8s.OwnerFlux, k8s.OwnerHelm, k8s.OwnerVault, k8s.OwnerCSI,
		k8s.OwnerReplicator, k8s.OwnerImmutable, k8s.OwnerUnknownManager,
	} {
		found := inCluster(basic)
		found.Secret.Owner = k8s.Owner{Kind: kind, Name: "the-owner"}
		p := scene{found: found, said: given{"client.secret": typed("n3w"), "jenkins.enabled": true, "jenkins.apiKey": typed("k3y")}}.plan(t)
		if p.Secret.Action != "external" || p.Secret.Owner.Kind != kind {
			t.Errorf("%s: the Secret is %s of %+v", kind, p.Secret.Action, p.Secret.Owner)
		}
		for _, a := range p.Actions {
			if a.ID() != "file.values" {
				t.Errorf("%s: it would %s", kind, a.Title())
			}
		}
		fmt.Fprintf(&out, "== %s\n%s\n", kind, strings.Join(p.Secret.Guide, "\n"))
		if text := fmt.Sprint(p.Secret.Guide, p.Next); strings.Contains(text, "n3w") || strings.Contains(text, "k3y") {
			t.Errorf("%s: the guide holds a secret: %s", kind, text)
		}
		if p := (scene{found: found}).plan(t); p.Secret.Action != "unchanged" || len(p.Secret.Guide) > 0 {
			t.Errorf("%s: nothing changes, but the Secret is %s, %v", kind, p.Secret.Action, p.Secret.Guide)
		}
	}
	p := scene{said: given{
		"client.secret": typed("n3w"), "secret.delivery": DeliverStore, "secret.store.mount": "team's kv", "secret.store.path": "apps/portal",
	}}.plan(t)
	fmt.Fprintf(&out, "== delivery to a store, nothing there yet\n%s\n", strings.Join(p.Secret.Guide, "\n"))
	if p.Secret.Action != "external" {
		t.Errorf("delivery to a store: the Secret is %s", p.Secret.Action)
	}
	golden(t, "guides.txt", out.String())
}
