package e2e_test

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// TestOwnedSecret: a Secret that somebody else keeps is not touched by any run,
// and each owner has its own way that is told.
func TestOwnedSecret(t *testing.T) {
	immutable := true
	owner := func(group, kind string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: group, Kind: kind, Name: "their-object", UID: "6c0c8f5a-0000-0000-0000-000000000000"}}
	}
	for name, tt := range map[string]struct {
		mark  func(s *corev1.Secret)
		owner string   // as the check names it
		told  []string // among the next commands
	}{
		"External Secrets": {func(s *corev1.Secret) { s.Labels = map[string]string{"reconcile.external-secrets.io/managed": "true"} }, "ExternalSecret", []string{"force-sync="}},
		"Sealed Secrets":   {func(s *corev1.Secret) { s.OwnerReferences = owner("bitnami.com/v1alpha1", "SealedSecret") }, "SealedSecret their-object", []string{"kubeseal --format yaml --merge-into FILE"}},
		"Argo CD": {func(s *corev1.Secret) {
			s.Annotations = map[string]string{"argocd.argoproj.io/tracking-id": "platform:/Secret:cp/backstage-secrets"}
		}, "Argo CD application platform", []string{"from Git", "argocd app sync platform"}},
		"Flux": {func(s *corev1.Secret) {
			s.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "platform", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
		}, "Flux platform", []string{"from Git", "flux reconcile kustomization platform -n flux --with-source"}},
		"Helm": {func(s *corev1.Secret) {
			s.Labels = map[string]string{"app.kubernetes.io/managed-by": "Helm"}
			s.Annotations = map[string]string{"meta.helm.sh/release-name": "secrets", "meta.helm.sh/release-namespace": "cp"}
		}, "Helm release secrets", []string{"Helm release secrets makes this Secret"}},
		"Vault operator": {func(s *corev1.Secret) {
			s.OwnerReferences = owner("secrets.hashicorp.com/v1beta1", "VaultStaticSecret")
		}, "the Vault operator their-object", []string{"in Vault"}},
		"CSI": {func(s *corev1.Secret) {
			s.Labels = map[string]string{"secrets-store.csi.k8s.io/managed": "true"}
		}, "the Secrets Store CSI driver", []string{"secretproviderclass"}},
		"replicator": {func(s *corev1.Secret) {
			s.Annotations = map[string]string{"replicator.v1.mittwald.de/replicated-from-version": "12", "replicator.v1.mittwald.de/replicate-from": "vault/shared"}
		}, "a replicator shared", []string{"kubectl describe secret shared -n vault"}},
		"immutable": {func(s *corev1.Secret) { s.Immutable = &immutable }, "is immutable", []string{"--secret-name backstage-secrets-v2"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			owned := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "backstage-secrets"}, Data: map[string][]byte{"client-secret": []byte("theirs")}}
			tt.mark(owned)
			created, err := s.secrets(t).Create(t.Context(), owned, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := s.execute(t, s.environment("ours"), s.args("-o", "json")...)
			r := got.result(t)
			if got.code != 0 || r.Secret.Action != "external" {
				t.Errorf("exit %d, the Secret is %s\n%s", got.code, r.Secret.Action, got.stderr)
			}
			if c := checkOf(r, "secret.owner"); c.Status != check.Warn || !strings.Contains(c.Found, tt.owner) {
				t.Errorf("secret.owner: %+v", c)
			}
			for _, want := range tt.told {
				if !mentions(r.Next, want) {
					t.Errorf("nothing says %q:\n%s", want, strings.Join(r.Next, "\n"))
				}
			}
			if now := s.secret(t); now.ResourceVersion != created.ResourceVersion || s.previous(t) {
				t.Error("it was touched")
			}
		})
	}
}

// TestOwnedRelease: what Flux or Argo CD installs is neither upgraded nor
// restarted, whatever was asked for.
func TestOwnedRelease(t *testing.T) {
	for name, tt := range map[string]struct {
		marks           string // on the Deployment
		warning         string
		commit, restart []string
	}{
		"Flux": {
			`{"metadata":{"labels":{"helm.toolkit.fluxcd.io/name":"portal","helm.toolkit.fluxcd.io/namespace":"apps"}}}`, "Flux owns the release",
			[]string{"git add backstage-values.yaml && git commit", "flux reconcile helmrelease portal -n apps --with-source"}, []string{"kubectl delete pods -n "},
		},
		"Argo CD": {
			`{"metadata":{"annotations":{"argocd.argoproj.io/tracking-id":"platform:apps/Deployment:cp/backstage"}}}`, "Argo CD owns the release",
			[]string{"git add backstage-values.yaml && git commit", "argocd app sync platform"}, []string{"argocd app actions run platform restart --kind Deployment --resource-name backstage"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := installed(t)
			if _, err := s.deployments(t).Patch(t.Context(), "backstage", types.MergePatchType, []byte(tt.marks), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			revision, rolls := s.helm(t, "history", s.namespace, "-n", s.namespace), s.rolls(t)
			run := func(secret string, more ...string) []string {
				t.Helper()
				got := s.execute(t, s.environment(secret), s.args(append(more, "--upgrade", "-o", "json")...)...)
				r := got.result(t)
				if got.code != 0 || became(r, "upgrade") != "" || became(r, "restart") != "" || r.Rollout.Status != "skipped" {
					t.Errorf("exit %d: %v, roll-out %s\n%s", got.code, r.Actions, r.Rollout.Status, got.stderr)
				}
				if len(more) > 0 && !mentions(r.Warnings, "helm upgrade is not run: "+tt.warning) {
					t.Errorf("it does not say why: %q", r.Warnings)
				}
				if mentions(r.Next, "helm upgrade") || mentions(r.Next, "rollout restart") {
					t.Errorf("it tells to go behind the owner's back:\n%s", strings.Join(r.Next, "\n"))
				}
				return r.Next
			}
			secretOnly := run("a new one")
			for _, want := range tt.restart {
				if !mentions(secretOnly, want) || mentions(secretOnly, "git add") {
					t.Errorf("a new Secret: %q in\n%s", want, strings.Join(secretOnly, "\n"))
				}
			}
			values := run("a new one", "--set", "environment.logLevel=debug")
			for _, want := range tt.commit {
				if !mentions(values, want) {
					t.Errorf("new values: %q in\n%s", want, strings.Join(values, "\n"))
				}
			}
			if now := s.helm(t, "history", s.namespace, "-n", s.namespace); now != revision || s.rolls(t) != rolls {
				t.Errorf("the release was touched:\n%s", now)
			}
			if string(s.secret(t).Data["client-secret"]) != "a new one" || !s.previous(t) {
				t.Error("the Secret is not as it was asked for, or the old values are not kept until the owner has rolled the pods")
			}
			if text, err := os.ReadFile(s.file("backstage-values.yaml")); err != nil || !strings.Contains(string(text), "debug") {
				t.Errorf("the file was not written: %v", err)
			}
		})
	}
}
