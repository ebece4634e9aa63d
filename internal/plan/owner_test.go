package plan

import (
	"fmt"
	"os/exec"
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
		for _, line := range p.Secret.Guide {
			command, ok := strings.CutPrefix(line, "  ")
			if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", command).CombinedOutput(); ok && err != nil {
				t.Errorf("%s: no shell takes %q: %s", kind, command, out)
			}
		}
		if text := fmt.Sprint(p.Secret.Guide, p.Next); strings.Contains(text, "n3w") || strings.Contains(text, "k3y") {
			t.Errorf("%s: the guide holds a secret: %s", kind, text)
		}
		if p := (scene{found: found}).plan(t); p.Secret.Action != "unchanged" || len(p.Secret.Guide) > 0 {
			t.Errorf("%s: nothing changes, but the Secret is %s, %v", kind, p.Secret.Action, p.Secret.Guide)
		}
	}
	for title, o := range map[string]k8s.Owner{
		"flux, a HelmRelease":           {Kind: k8s.OwnerFlux, Name: "portal", Namespace: "apps", Reason: "label helm.toolkit.fluxcd.io/name=portal"},
		"flux, by its manager only":     {Kind: k8s.OwnerFlux, Reason: `fields managed by "kustomize-controller"`},
		"argocd, by its manager only":   {Kind: k8s.OwnerArgoCD, Reason: `fields managed by "argocd-controller"`},
		"a replicator with its source":  {Kind: k8s.OwnerReplicator, Name: "shared", Namespace: "vault", Reason: "annotation replicator.v1.mittwald.de/replicate-from"},
		"a replicator without a source": {Kind: k8s.OwnerReplicator, Reason: "annotation reflector.v1.k8s.emberstack.com/reflects"},
	} {
		found := inCluster(basic)
		found.Secret.Owner = o
		guide := strings.Join(scene{found: found, said: given{"client.secret": typed("n3w")}}.plan(t).Secret.Guide, "\n")
		for _, want := range map[string][]string{
			"flux, a HelmRelease":           {"Flux helmrelease portal makes", "flux reconcile helmrelease portal -n apps --with-source"},
			"flux, by its manager only":     {"Flux makes", "flux get all -A"},
			"argocd, by its manager only":   {"Argo CD makes", "argocd app list"},
			"a replicator with its source":  {"kubectl describe secret shared -n vault"},
			"a replicator without a source": {"by annotation reflector.v1.k8s.emberstack.com/reflects", "in the original"},
		}[title] {
			if !strings.Contains(guide, want) || !strings.Contains(guide, "client-secret") {
				t.Errorf("%s: %q is not in\n%s", title, want, guide)
			}
		}
	}
	clustered := inCluster(basic)
	clustered.Secret.Owner = k8s.Owner{Kind: k8s.OwnerExternalSecrets, Name: "portal"}
	clustered.External = k8s.ExternalSecret{Name: "portal", Namespace: "cp", Owner: k8s.Owner{Kind: k8s.OwnerClusterExternalSecret, Name: "everywhere"}}
	if guide := fmt.Sprint((scene{found: clustered, said: given{"client.secret": typed("n3w"), "jenkins.enabled": true, "jenkins.apiKey": typed("k3y")}}).plan(t).Secret.Guide); strings.Contains(guide, "spec.data of ExternalSecret") {
		t.Errorf("the ExternalSecret is its ClusterExternalSecret's: %s", guide)
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
