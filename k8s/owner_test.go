package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOwnerOf(t *testing.T) {
	const instance, by = "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"
	type m = map[string]string
	tests := []struct {
		name string
		meta Meta
		want Owner
	}{
		{"nobody", Meta{}, Owner{}},
		{"a person with kubectl", Meta{Managers: []Manager{{"kubectl-create", false, true}, {"kubectl-edit", false, true}}}, Owner{}},
		{"a person with kubectl apply --server-side", Meta{Managers: []Manager{{"kubectl", true, true}}}, Owner{}},
		{"this program", Meta{Managers: []Manager{{FieldManager, false, true}, {FieldManager, true, true}}}, Owner{}},
		{"labels of a chart without Helm's annotation", Meta{Labels: m{by: "Helm"}}, Owner{}},
		{"an instance label alone", Meta{Labels: m{instance: "portal"}}, Owner{}},
		{"a Secret that may be reflected", Meta{Annotations: m{"reflector.v1.k8s.emberstack.com/reflection-allowed": "true"}}, Owner{}},
		{"a Secret that is replicated to others", Meta{Annotations: m{"replicator.v1.mittwald.de/replicate-to": "a,b"}}, Owner{}},
		{"metadata applied by somebody", Meta{Managers: []Manager{{"labeller", true, false}}}, Owner{}},

		{"External Secrets by owner reference", Meta{Namespace: "ns", References: []Reference{{"external-secrets.io", "ExternalSecret", "es"}}},
			Owner{OwnerExternalSecrets, "es", "ns", `owner reference to ExternalSecret "es"`}},
		{"External Secrets by label", Meta{Namespace: "ns", Labels: m{"reconcile.external-secrets.io/managed": "true"}},
			Owner{OwnerExternalSecrets, "", "ns", "label reconcile.external-secrets.io/managed=true"}},
		{"External Secrets by its created-by", Meta{Labels: m{"reconcile.external-secrets.io/created-by": "0af1"}},
			Owner{OwnerExternalSecrets, "", "", "label reconcile.external-secrets.io/created-by=0af1"}},
		{"External Secrets by data hash", Meta{Annotations: m{"reconcile.external-secrets.io/data-hash": "0af1"}},
			Owner{OwnerExternalSecrets, "", "", "annotation reconcile.external-secrets.io/data-hash"}},
		{"External Secrets that merges", Meta{Namespace: "ns", Managers: []Manager{{"externalsecrets.external-secrets.io/es", true, true}}},
			Owner{OwnerExternalSecrets, "es", "ns", `fields managed by "externalsecrets.external-secrets.io/es"`}},
		{"External Secrets by label, named by its manager", Meta{Labels: m{"reconcile.external-secrets.io/managed": "true"}, Managers: []Manager{{"externalsecrets.external-secrets.io/es", true, true}}},
			Owner{OwnerExternalSecrets, "es", "", "label reconcile.external-secrets.io/managed=true"}},
		{"External Secrets that copied Argo CD's annotation", Meta{References: []Reference{{"external-secrets.io", "ExternalSecret", "es"}}, Annotations: m{"argocd.argoproj.io/tracking-id": "app:/Secret:ns/s"}},
			Owner{OwnerExternalSecrets, "es", "", `owner reference to ExternalSecret "es"`}},
		{"another group's ExternalSecret", Meta{References: []Reference{{"kubernetes-client.io", "ExternalSecret", "es"}}},
			Owner{OwnerUnknownManager, "es", "", `owner reference to ExternalSecret "es"`}},

		{"Sealed Secrets by owner reference", Meta{Namespace: "ns", References: []Reference{{"bitnami.com", "SealedSecret", "s"}}},
			Owner{OwnerSealedSecrets, "s", "ns", `owner reference to SealedSecret "s"`}},
		{"Sealed Secrets that took it over", Meta{Name: "s", Annotations: m{"sealedsecrets.bitnami.com/managed": "true"}},
			Owner{OwnerSealedSecrets, "s", "", "annotation sealedsecrets.bitnami.com/managed"}},
		{"Sealed Secrets that patches it", Meta{Name: "s", Annotations: m{"sealedsecrets.bitnami.com/patch": "true"}},
			Owner{OwnerSealedSecrets, "s", "", "annotation sealedsecrets.bitnami.com/patch"}},
		{"Sealed Secrets that was told not to", Meta{Annotations: m{"sealedsecrets.bitnami.com/managed": "false"}}, Owner{}},

		{"Argo CD by annotation", Meta{Annotations: m{"argocd.argoproj.io/tracking-id": "portal:/Secret:ns/s"}},
			Owner{OwnerArgoCD, "portal", "", "annotation argocd.argoproj.io/tracking-id"}},
		{"Argo CD by its own label", Meta{Labels: m{"argocd.argoproj.io/instance": "portal"}},
			Owner{OwnerArgoCD, "portal", "", "label argocd.argoproj.io/instance=portal"}},
		{"Argo CD by label tracking", Meta{Labels: m{instance: "portal"}, Managers: []Manager{{"argocd-controller", true, true}}},
			Owner{OwnerArgoCD, "portal", "", `fields managed by "argocd-controller"`}},
		{"Argo CD that renders a chart", Meta{Labels: m{by: "Helm", "argocd.argoproj.io/instance": "portal"}, Annotations: m{"meta.helm.sh/release-name": "r"}},
			Owner{OwnerArgoCD, "portal", "", "label argocd.argoproj.io/instance=portal"}},

		{"Flux with Kustomize", Meta{Labels: m{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}},
			Owner{OwnerFlux, "apps", "flux-system", "label kustomize.toolkit.fluxcd.io/name=apps"}},
		{"Flux with Helm", Meta{Labels: m{by: "Helm", "helm.toolkit.fluxcd.io/name": "cp", "helm.toolkit.fluxcd.io/namespace": "ns"}, Annotations: m{"meta.helm.sh/release-name": "cp"}},
			Owner{OwnerFlux, "cp", "ns", "label helm.toolkit.fluxcd.io/name=cp"}},
		{"Flux without labels", Meta{Managers: []Manager{{"kustomize-controller", true, true}}},
			Owner{OwnerFlux, "", "", `fields managed by "kustomize-controller"`}},

		{"Helm", Meta{Labels: m{by: "Helm"}, Annotations: m{"meta.helm.sh/release-name": "cp", "meta.helm.sh/release-namespace": "ns"}},
			Owner{OwnerHelm, "cp", "ns", "label app.kubernetes.io/managed-by=Helm"}},
		{"Helm that applies from the server side", Meta{Labels: m{by: "Helm"}, Annotations: m{"meta.helm.sh/release-name": "cp"}, Managers: []Manager{{"helm", true, true}}},
			Owner{OwnerHelm, "cp", "", "label app.kubernetes.io/managed-by=Helm"}},

		{"Vault Secrets Operator by owner reference", Meta{References: []Reference{{"secrets.hashicorp.com", "VaultStaticSecret", "v"}}},
			Owner{OwnerVault, "v", "", `owner reference to VaultStaticSecret "v"`}},
		{"Vault Secrets Operator by label", Meta{Labels: m{"secrets.hashicorp.com/vso-ownerRefUID": "1"}},
			Owner{OwnerVault, "", "", "label secrets.hashicorp.com/vso-ownerRefUID=1"}},
		{"the Secrets Store driver", Meta{Labels: m{"secrets-store.csi.k8s.io/managed": "true"}, References: []Reference{{"apps", "ReplicaSet", "rs"}}},
			Owner{OwnerCSI, "", "", "label secrets-store.csi.k8s.io/managed=true"}},
		{"a copy by Replicator", Meta{Annotations: m{"replicator.v1.mittwald.de/replicate-from": "other/s"}},
			Owner{OwnerReplicator, "s", "other", "annotation replicator.v1.mittwald.de/replicate-from"}},
		{"a copy by Replicator, pushed", Meta{Annotations: m{"replicator.v1.mittwald.de/replicated-from-version": "12"}},
			Owner{OwnerReplicator, "", "", "annotation replicator.v1.mittwald.de/replicated-from-version"}},
		{"a copy by Reflector", Meta{Annotations: m{"reflector.v1.k8s.emberstack.com/reflects": "other/s"}},
			Owner{OwnerReplicator, "s", "other", "annotation reflector.v1.k8s.emberstack.com/reflects"}},

		{"another controller", Meta{References: []Reference{{"onepassword.com", "OnePasswordItem", "i"}}},
			Owner{OwnerUnknownManager, "i", "", `owner reference to OnePasswordItem "i"`}},
		{"another tool by label", Meta{Labels: m{by: "pulumi"}},
			Owner{OwnerUnknownManager, "pulumi", "", "label app.kubernetes.io/managed-by=pulumi"}},
		{"another tool that applies keys", Meta{Managers: []Manager{{"kubectl", true, true}, {"deploy-bot", true, true}}},
			Owner{OwnerUnknownManager, "deploy-bot", "", `keys applied by "deploy-bot"`}},
		{"immutable", Meta{Name: "s", Immutable: true}, Owner{OwnerImmutable, "s", "", `"immutable" is true`}},
		{"immutable and owned: the owner counts", Meta{Immutable: true, References: []Reference{{"external-secrets.io", "ExternalSecret", "es"}}},
			Owner{OwnerExternalSecrets, "es", "", `owner reference to ExternalSecret "es"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, OwnerOf(tt.meta)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
