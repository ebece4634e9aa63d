package plan

import (
	"cmp"
	"strings"

	"github.com/openchoreo/backstage-setup/k8s"
)

// engineNames are those who run helm themselves, from Git.
var engineNames = map[k8s.OwnerKind]string{k8s.OwnerFlux: "Flux", k8s.OwnerArgoCD: "Argo CD"}

// engineSync has Flux or Argo CD take what is in Git now. An owner whose name its
// marks do not tell has to be looked up.
func engineSync(o k8s.Owner) []string {
	switch {
	case o.Kind == k8s.OwnerArgoCD && o.Name == "":
		return []string{"argocd app list"}
	case o.Kind == k8s.OwnerArgoCD:
		return []string{"argocd app sync " + Quote(o.Name)}
	case o.Name == "":
		return []string{"flux get all -A"}
	}
	return []string{"flux reconcile " + fluxKind(o) + " " + Quote(o.Name) + " -n " + Quote(cmp.Or(o.Namespace, "flux-system")) + " --with-source"}
}

// fluxKind is what Flux makes the object from, as its command names it.
func fluxKind(o k8s.Owner) string {
	if strings.Contains(o.Reason, "helm.toolkit.fluxcd.io") {
		return "helmrelease"
	}
	return "kustomization"
}

// restart says how the pods start anew without a change of the Deployment that
// somebody else keeps as it is in Git.
func (p *Plan) restart() {
	ns, name := Quote(p.in.Draft.Target.Namespace), p.deployment()
	const why = "pods read the Secret only when they start"
	owner := p.in.Current.Cluster.Release.Owner
	switch p.engine() {
	case k8s.OwnerArgoCD:
		if owner.Name != "" {
			p.command(why, "argocd app actions run %s restart --kind Deployment --resource-name %s", Quote(owner.Name), Quote(name))
			return
		}
		p.command(why+"; APP is the Argo CD application", "argocd app actions run APP restart --kind Deployment --resource-name %s", Quote(name))
	case k8s.OwnerFlux:
		p.command(why+"; Flux keeps the Deployment as it is in Git and may take a restart of it back, so delete the pods: they are made anew", "kubectl delete pods -n %s -l app.kubernetes.io/component=backstage", ns)
	default:
		p.command(why, "kubectl rollout restart deployment/%s -n %s", name, ns)
	}
}
