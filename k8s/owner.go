package k8s

import (
	"context"
	"fmt"
	"strings"
)

// OwnerKind is what keeps an object as it is. "" is nobody.
type OwnerKind string

// The owners that are told apart.
const (
	OwnerExternalSecrets OwnerKind = "external-secrets"
	OwnerSealedSecrets   OwnerKind = "sealed-secrets"
	OwnerArgoCD          OwnerKind = "argocd"
	OwnerFlux            OwnerKind = "flux"
	OwnerHelm            OwnerKind = "helm"
	OwnerVault           OwnerKind = "vault"
	OwnerCSI             OwnerKind = "csi"
	OwnerReplicator      OwnerKind = "replicator"
	OwnerImmutable       OwnerKind = "immutable"
	OwnerUnknownManager  OwnerKind = "unknown-manager"
)

// Owner is what would undo, or refuse, a change from outside.
type Owner struct {
	Kind            OwnerKind
	Name, Namespace string // of the owning object, "" where the marks do not name one
	Reason          string // the mark by which it was recognised
}

// OwnerOf tells who owns an object by the marks on it. The order matters:
// External Secrets copies labels and annotations, such as Argo CD's, from the
// ExternalSecret, and Flux and Argo CD run Helm.
func OwnerOf(m Meta) Owner {
	for _, mark := range []func(Meta) Owner{
		externalSecretsMark, sealedSecretsMark, vaultMark, csiMark, replicatorMark,
		argoMark, fluxMark, helmMark, referenceMark, managedByMark, immutableMark, managerMark,
	} {
		if owner := mark(m); owner.Kind != "" {
			return owner
		}
	}
	return Owner{}
}

func externalSecretsMark(m Meta) Owner {
	if ref, ok := m.reference("external-secrets.io", "ExternalSecret"); ok {
		return m.ownedBy(OwnerExternalSecrets, ref)
	}
	const group = "reconcile.external-secrets.io/"
	reason := ""
	switch {
	case m.Labels[group+"managed"] == "true":
		reason = label(group+"managed", "true")
	case m.Labels[group+"created-by"] != "":
		reason = label(group+"created-by", m.Labels[group+"created-by"])
	case m.Annotations[group+"data-hash"] != "":
		reason = annotation(group + "data-hash")
	}
	const manager = "externalsecrets.external-secrets.io/" // with creationPolicy Merge, the only mark
	for _, holder := range m.Managers {
		name, ok := strings.CutPrefix(holder.Name, manager)
		if !ok {
			continue
		}
		if reason == "" {
			reason = fmt.Sprintf("fields managed by %q", holder.Name)
		}
		return Owner{OwnerExternalSecrets, name, m.Namespace, reason}
	}
	if reason == "" {
		return Owner{}
	}
	return Owner{OwnerExternalSecrets, "", m.Namespace, reason}
}

func sealedSecretsMark(m Meta) Owner {
	if ref, ok := m.reference("bitnami.com", "SealedSecret"); ok {
		return m.ownedBy(OwnerSealedSecrets, ref)
	}
	for _, name := range []string{"managed", "patch", "skip-set-owner-references"} {
		name = "sealedsecrets.bitnami.com/" + name
		if m.Annotations[name] == "true" {
			return Owner{OwnerSealedSecrets, m.Name, m.Namespace, annotation(name)}
		}
	}
	return Owner{}
}

func vaultMark(m Meta) Owner {
	for _, ref := range m.References {
		if ref.Group == "secrets.hashicorp.com" || ref.Group == "vault.hashicorp.com" {
			return m.ownedBy(OwnerVault, ref)
		}
	}
	for name, value := range m.Labels {
		if strings.HasPrefix(name, "secrets.hashicorp.com/") || strings.HasPrefix(name, "vault.hashicorp.com/") {
			return Owner{OwnerVault, "", m.Namespace, label(name, value)}
		}
	}
	return Owner{}
}

func csiMark(m Meta) Owner {
	const name = "secrets-store.csi.k8s.io/managed"
	if m.Labels[name] == "true" {
		return Owner{OwnerCSI, "", m.Namespace, label(name, "true")}
	}
	return Owner{}
}

// replicatorMark knows copies. What is copied from, and only allows it, belongs
// to whoever made it.
func replicatorMark(m Meta) Owner {
	for _, name := range []string{
		"replicator.v1.mittwald.de/replicate-from",
		"replicator.v1.mittwald.de/replicated-from-version",
		"reflector.v1.k8s.emberstack.com/reflects",
	} {
		if source := m.Annotations[name]; source != "" {
			owner := Owner{Kind: OwnerReplicator, Reason: annotation(name)}
			if namespace, object, ok := strings.Cut(source, "/"); ok {
				owner.Namespace, owner.Name = namespace, object
			}
			return owner
		}
	}
	return Owner{}
}

func argoMark(m Meta) Owner {
	const name = "argocd.argoproj.io/tracking-id"
	if id := m.Annotations[name]; id != "" {
		app, _, _ := strings.Cut(id, ":") // <app>:<group>/<kind>:<namespace>/<name>
		return Owner{OwnerArgoCD, app, "", annotation(name)}
	}
	const instance = "argocd.argoproj.io/instance"
	if app := m.Labels[instance]; app != "" {
		return Owner{OwnerArgoCD, app, "", label(instance, app)}
	}
	if holder, ok := m.manager("argocd-controller", "argocd-application-controller"); ok {
		// Label tracking: the instance label is Argo CD's only if Argo CD wrote here.
		return Owner{OwnerArgoCD, m.Labels["app.kubernetes.io/instance"], "", fmt.Sprintf("fields managed by %q", holder)}
	}
	return Owner{}
}

func fluxMark(m Meta) Owner {
	for _, group := range []string{"kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"} {
		if name := m.Labels[group+"/name"]; name != "" {
			return Owner{OwnerFlux, name, m.Labels[group+"/namespace"], label(group+"/name", name)}
		}
	}
	if holder, ok := m.manager("kustomize-controller", "helm-controller"); ok {
		return Owner{OwnerFlux, "", "", fmt.Sprintf("fields managed by %q", holder)}
	}
	return Owner{}
}

func helmMark(m Meta) Owner {
	const name, by = "meta.helm.sh/release-name", "app.kubernetes.io/managed-by"
	if release := m.Annotations[name]; release != "" && m.Labels[by] == "Helm" {
		return Owner{OwnerHelm, release, m.Annotations["meta.helm.sh/release-namespace"], label(by, "Helm")}
	}
	return Owner{}
}

// referenceMark is any other controller that made the object.
func referenceMark(m Meta) Owner {
	if len(m.References) == 0 {
		return Owner{}
	}
	return m.ownedBy(OwnerUnknownManager, m.References[0])
}

// managedByMark is any other tool that says so, such as Pulumi or Kyverno.
func managedByMark(m Meta) Owner {
	const by = "app.kubernetes.io/managed-by"
	switch value := m.Labels[by]; value {
	case "", "Helm", "kubectl", FieldManager:
		return Owner{}
	default:
		return Owner{OwnerUnknownManager, value, "", label(by, value)}
	}
}

func immutableMark(m Meta) Owner {
	if m.Immutable {
		return Owner{OwnerImmutable, m.Name, m.Namespace, `"immutable" is true`}
	}
	return Owner{}
}

// managerMark is whoever applies keys of the data from the server side; a person
// with kubectl, and this program, are no owners.
func managerMark(m Meta) Owner {
	for _, holder := range m.Managers {
		byHand := holder.Name == "kubectl" || holder.Name == FieldManager
		if holder.Apply && holder.Data && !byHand {
			return Owner{OwnerUnknownManager, holder.Name, "", fmt.Sprintf("keys applied by %q", holder.Name)}
		}
	}
	return Owner{}
}

func (m Meta) ownedBy(kind OwnerKind, ref Reference) Owner {
	return Owner{kind, ref.Name, m.Namespace, fmt.Sprintf("owner reference to %s %q", ref.Kind, ref.Name)}
}

func label(name, value string) string { return fmt.Sprintf("label %s=%s", name, value) }

func annotation(name string) string { return "annotation " + name }

// SecretOwner tells who owns s: by the marks on it, or an ExternalSecret whose
// target it is. A missing right to list ExternalSecrets is no error: the marks
// alone decide then.
func (c *Client) SecretOwner(ctx context.Context, s *Secret) Owner {
	if s.Owner.certain() {
		return s.Owner
	}
	if es, ok := c.externalSecrets(ctx, s.Namespace).targeting(s.Name, s.Owner); ok {
		return es.owner()
	}
	return s.Owner
}

// certain tells whether an ExternalSecret could not tell more than the marks.
func (o Owner) certain() bool {
	switch o.Kind {
	case "", OwnerUnknownManager, OwnerImmutable:
		return false
	case OwnerExternalSecrets:
		return o.Name != ""
	}
	return true
}
