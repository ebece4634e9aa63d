package plan

import (
	"fmt"

	"github.com/openchoreo/backstage-setup/k8s"
)

// ownerGuides tells, for each kind of owner, what to change there. The Secret
// itself is never touched: its owner would put the old values back.
var ownerGuides = map[k8s.OwnerKind]func(p *Plan, owner k8s.Owner, keys string) []string{
	k8s.OwnerExternalSecrets: guideExternalSecrets,
	k8s.OwnerSealedSecrets: func(p *Plan, o k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("SealedSecret %s makes this Secret. Seal %s anew, each value on stdin:", o.Name, keys),
			fmt.Sprintf("  kubeseal --raw --namespace %s --name %s --from-file=/dev/stdin", p.Secret.Namespace, p.Secret.Name),
			"Put each result under spec.encryptedData in Git and let it sync.",
		}
	},
	k8s.OwnerArgoCD: func(_ *Plan, o k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("Argo CD application %s makes this Secret. Set %s in its Git source, then:", o.Name, keys),
			fmt.Sprintf("  argocd app sync %s", o.Name),
		}
	},
	k8s.OwnerFlux: func(_ *Plan, o k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("Flux (%s) makes this Secret. Set %s in its Git source, then:", o.Name, keys),
			fmt.Sprintf("  flux reconcile kustomization %s --with-source", o.Name),
		}
	},
	k8s.OwnerHelm: func(_ *Plan, o k8s.Owner, keys string) []string {
		return []string{fmt.Sprintf("Helm release %s makes this Secret, and its next upgrade would put the old values back. Set %s in that release's values.", o.Name, keys)}
	},
	k8s.OwnerVault: func(_ *Plan, o k8s.Owner, keys string) []string {
		return []string{fmt.Sprintf("The Vault operator (%s) makes this Secret. Set %s in Vault; it syncs by itself.", o.Name, keys)}
	},
	k8s.OwnerCSI: func(_ *Plan, o k8s.Owner, keys string) []string {
		return []string{fmt.Sprintf("The Secrets Store CSI driver (%s) makes this Secret. Set %s in its store.", o.Name, keys)}
	},
	k8s.OwnerImmutable: func(p *Plan, _ k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("Secret %s is immutable: Kubernetes refuses every change to it. For %s make a Secret of another name:", p.Secret.Name, keys),
			fmt.Sprintf("  backstage-setup install -n %s -f %s --secret-name %s-v2", Quote(p.Secret.Namespace), Quote(p.in.edited().Path), p.Secret.Name),
		}
	},
}
