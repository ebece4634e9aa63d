package plan

import (
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/k8s"
)

// ownerGuides tells, for each kind of owner, what to change there. The Secret
// itself is never touched: its owner would put the old values back.
var ownerGuides = map[k8s.OwnerKind]func(p *Plan, owner k8s.Owner, keys string) []string{
	k8s.OwnerExternalSecrets: guideExternalSecrets,
	k8s.OwnerSealedSecrets:   guideSealedSecrets,
	k8s.OwnerArgoCD:          guideArgoCD,
	k8s.OwnerFlux:            guideFlux,
	k8s.OwnerHelm:            guideHelm,
	k8s.OwnerVault: func(p *Plan, o k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("The Vault operator%s makes this Secret. Set %s in Vault: it syncs by itself, and this shows when it did:", called("", o.Name), keys),
			fmt.Sprintf("  kubectl describe secret %s -n %s", Quote(p.Secret.Name), Quote(p.Secret.Namespace)),
		}
	},
	k8s.OwnerCSI: func(p *Plan, o k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("The Secrets Store CSI driver%s makes this Secret. Set %s in its store. It follows when pods that mount it start anew, or by itself where rotation is on; its SecretProviderClass must list every key under secretObjects:", called("", o.Name), keys),
			fmt.Sprintf("  kubectl get secretproviderclass -n %s -o yaml", Quote(p.Secret.Namespace)),
		}
	},
	k8s.OwnerReplicator: func(_ *Plan, o k8s.Owner, keys string) []string {
		if o.Name == "" {
			return []string{fmt.Sprintf("This Secret is a copy of another one, by %s, and would be made like that again. Set %s in the original.", o.Reason, keys)}
		}
		from := Quote(o.Name)
		if o.Namespace != "" {
			from += " -n " + Quote(o.Namespace)
		}
		return []string{
			fmt.Sprintf("This Secret is a copy of another one, and would be made like that again. Set %s in the original, which may have an owner of its own:", keys),
			"  kubectl describe secret " + from,
		}
	},
	k8s.OwnerUnknownManager: guideUnknown,
	k8s.OwnerImmutable: func(p *Plan, _ k8s.Owner, keys string) []string {
		return []string{
			fmt.Sprintf("Secret %s is immutable: Kubernetes refuses every change to it. For %s make a copy under another name, so that its other keys stay:", p.Secret.Name, keys),
			fmt.Sprintf("  kubectl get secret %s -n %s -o yaml | sed -e 's/^  name: .*/  name: %s-v2/' -e '/^immutable:/d' -e '/^  \\(uid\\|resourceVersion\\|creationTimestamp\\):/d' | kubectl %screate -f -", p.Secret.Name, Quote(p.Secret.Namespace), p.Secret.Name, p.context()),
			"and have the portal use that one:",
			fmt.Sprintf("  backstage-setup install %s-n %s -f %s --secret-name %s-v2", p.context(), Quote(p.Secret.Namespace), Quote(p.in.editedPath()), p.Secret.Name),
		}
	},
}

// guideUnknown is for a manager that is known by its mark alone, such as an operator
// of SOPS.
func guideUnknown(p *Plan, o k8s.Owner, keys string) []string {
	lines := []string{
		fmt.Sprintf("Something else%s makes this Secret, and may put the old values back. Set %s there; the Secret's marks tell more:", called("", o.Name), keys),
		fmt.Sprintf("  kubectl get secret %s -n %s -o yaml --show-managed-fields", Quote(p.Secret.Name), Quote(p.Secret.Namespace)),
	}
	if o.Reason != "" {
		lines[0] = strings.Replace(lines[0], "makes", "("+o.Reason+") makes", 1)
	}
	return lines
}

// OwnerGuide tells how keys of the portal's Secret get other values where somebody
// else writes it: sentences, and commands that begin with two blanks. It is nil
// where nobody else does.
func (in Input) OwnerGuide(keys ...string) []string {
	state := in.Current.Cluster.Secret
	if state.Owner.Kind == "" || len(keys) == 0 {
		return nil
	}
	p := &Plan{in: in, Secret: SecretPlan{Namespace: in.Draft.Target.Namespace, Name: state.Name, Owner: state.Owner}}
	for _, key := range keys {
		p.Secret.Keys = append(p.Secret.Keys, KeyPlan{Name: key, changes: true})
	}
	var lines []string
	for _, line := range p.guide() {
		if rest, ok := strings.CutPrefix(line, "  kubectl "); ok {
			line = "  kubectl " + in.Reach() + rest
		}
		lines = append(lines, line)
	}
	return lines
}

// StoreTakes tells whether a run can bring values to the portal's Secret through
// the store that its ExternalSecret reads, once it has a token for that.
func (in Input) StoreTakes() bool {
	es := in.Current.Cluster.External
	return in.InStore() && es.Name != "" && es.Store.Provider == "vault" && es.Store.Version != "v1" && es.Stuck() == ""
}

// called is what is named, "" when its name is not known.
func called(what, name string) string {
	if name == "" {
		return ""
	}
	return what + " " + name
}

func indented(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = "  " + line
	}
	return out
}
