package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

// TestRotateWhatIsOwned: the Secret is left to its owner, who gets the commands for
// this one key, and the pods are started anew after that.
func TestRotateWhatIsOwned(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	for name, tt := range map[string]struct {
		mark func(*corev1.Secret)
		told string
	}{
		"Sealed Secrets": {func(s *corev1.Secret) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "bitnami.com/v1alpha1", Kind: "SealedSecret", Name: "portal", UID: "6c0c8f5a-0000-0000-0000-000000000000"}}
		}, "kubeseal --format yaml --merge-into FILE"},
		"Argo CD": {func(s *corev1.Secret) {
			s.Annotations = map[string]string{"argocd.argoproj.io/tracking-id": "platform:/Secret:cp/backstage-secrets"}
		}, "argocd app sync platform"},
		"Flux": {func(s *corev1.Secret) {
			s.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "platform", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
		}, "flux reconcile kustomization platform -n flux --with-source"},
		"Vault operator": {func(s *corev1.Secret) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "secrets.hashicorp.com/v1beta1", Kind: "VaultStaticSecret", Name: "portal", UID: "6c0c8f5a-0000-0000-0000-000000000000"}}
		}, "Set client-secret in Vault"},
		"Helm": {func(s *corev1.Secret) {
			s.Annotations = map[string]string{"meta.helm.sh/release-name": "secrets", "meta.helm.sh/release-namespace": "apps"}
			s.Labels = map[string]string{"app.kubernetes.io/managed-by": "Helm"}
		}, `IFS= read -rs VALUE && printf %s "$VALUE" | helm upgrade secrets CHART -n apps --reuse-values --set-file VALUE.PATH=/dev/stdin`},
		"SOPS, by Flux": {func(s *corev1.Secret) {
			s.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "platform", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
		}, `sops set --value-stdin FILE '["stringData"]["client-secret"]'`},
	} {
		s := w.secret(t)
		s.OwnerReferences, s.Annotations, s.Labels = nil, nil, nil
		tt.mark(s)
		if _, err := w.secrets(t).Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		got := w.rotate(t, rotated)
		r := got.result(t)
		if c := checkOf(r, "rotate.owner"); got.code != 3 || c.Status != "fail" || r.Error == nil || !strings.Contains(r.Error.Message, "nothing was rotated") || strings.Contains(got.stderr, "--accept") || r.Applied || len(r.Actions) != 0 || r.Secret.Action != "external" {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
		if !mentions(r.Next, tt.told) || !mentions(r.Next, "rollout restart") || mentions(r.Next, "jenkins-api-key") || mentions(r.Next, "backend-secret") {
			t.Errorf("%s: next %q", name, r.Next)
		}
		w.holds(t, idptest.PortalSecret)
	}
}

// TestRotateRefusedInWords: a person reads first what is wrong, and is not shown a
// plan for a key that is not there or told that all is done.
func TestRotateRefusedInWords(t *testing.T) {
	w := newWorkshop(t)
	run := func(more ...string) output {
		return w.silent(t, w.execute(t, []string{"NEW=" + rotated}, append([]string{"rotate", "--from", "env:NEW", "--yes", "-n", w.namespace}, more...)...))
	}
	got := run("no-such-key")
	if got.code != 3 || !strings.Contains(got.stderr, "\nerror: check rotate.key failed: Secret backstage-secrets has no key no-such-key; it has ") || strings.Contains(got.stdout, "another value") || strings.Contains(got.stdout, "rollout") {
		t.Errorf("no such key: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got = run(); got.code != 3 || !strings.Contains(got.stderr, "error: check identity.service-token failed: ") || strings.Contains(got.stderr, "--accept") || !strings.Contains(got.stderr, "--await 10m") {
		t.Errorf("refused: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	s := w.secret(t)
	s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "bitnami.com/v1alpha1", Kind: "SealedSecret", Name: "portal", UID: "6c0c8f5a-0000-0000-0000-000000000000"}}
	if _, err := w.secrets(t).Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got = run(); got.code != 3 || !strings.Contains(got.stderr, "nothing was rotated") || !strings.Contains(got.stdout, `--from-file=client-secret=/dev/stdin --dry-run=client -o yaml | kubeseal `) || strings.Contains(got.stdout, "Nothing to change") {
		t.Errorf("owned: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if got = run("--accept", "rotate.owner"); got.code != 0 || !strings.Contains(got.stdout, "! not written: client-secret") || !strings.Contains(got.stdout, "Nothing else to change.") {
		t.Errorf("accepted: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, idptest.PortalSecret)
}

// TestRotateWithReloader: who restarts the pods is waited for; the run does not
// restart them a second time.
func TestRotateWithReloader(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	patch := func(body string) {
		t.Helper()
		if _, err := w.deployments(t).Patch(t.Context(), "backstage", types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	patch(`{"metadata": {"annotations": {"reloader.stakater.com/auto": "true"}}}`)
	before := w.rolls(t)
	run := w.begin(t, []string{"NEW=" + rotated}, w.rotation()...)
	run.until(t, "► wait for Deployment")
	w.holds(t, rotated)
	patch(fmt.Sprintf(`{"spec": {"template": {"metadata": {"annotations": {"reloader.stakater.com/last-reloaded-from": %q}}}}}`, time.Now()))
	got := run.end(t)
	r := got.result(t)
	if got.code != 0 || became(r, "restart") != "" || became(r, "rollout") != "done" || became(r, "prove") != "done" || w.rolls(t) != before+1 || w.previous(t) {
		t.Errorf("exit %d, made anew %d times\n%s%s", got.code, w.rolls(t)-before, got.stdout, got.stderr)
	}
}

// TestRotateRightAfterARestart: the mark of a restart has seconds, and one that is
// there already would restart nothing.
func TestRotateRightAfterARestart(t *testing.T) {
	w := newWorkshop(t)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	const mark = "kubectl.kubernetes.io/restartedAt"
	ahead := time.Now().Add(time.Hour).Truncate(time.Second) // by a clock that is ahead
	patch := fmt.Sprintf(`{"spec": {"template": {"metadata": {"annotations": {%q: %q}}}}}`, mark, ahead.Format(time.RFC3339))
	if _, err := w.deployments(t).Patch(t.Context(), "backstage", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	before := w.rolls(t)
	if got := w.rotate(t, rotated); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	at, err := time.Parse(time.RFC3339, w.portal(t).Spec.Template.Annotations[mark])
	if err != nil || !at.After(ahead) || w.rolls(t) <= before {
		t.Errorf("marked with %v after %v: %v", at, ahead, err)
	}
}

// TestRotateOfARelease: of a release that Helm knows, what runs counts, and not
// the values file that lies about; no file and no revision is made.
func TestRotateOfARelease(t *testing.T) {
	w := &workshop{newSite(t), idptest.Start(t, idptest.Options{Redirect: portalCallback})}
	w.provided = true
	w.ApplyManifest(t, []byte(standIns))
	if got := w.execute(t, w.environment(idptest.PortalSecret), "install", "--yes", "--upgrade", "-n", w.namespace, "--release", w.namespace, "--chart", w.chart,
		"--set", "preset=development", "--set", "portal.baseUrl=https://console.example.com", "--set", "gateway.tls.enabled=true", "--set", "gateway.tls.certificateSecret=tls",
		"--set", "identity.provider=other", "--set", "identity.issuer="+w.Issuer, "--set", "client.id="+idptest.Portal, "--set", "client.secret=env:CLIENT_SECRET"); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	text := "security: {oidc: {tokenUrl: http://127.0.0.1:1/token}}\nbackstage: {auth: {clientId: another}}\n"
	if err := os.WriteFile(w.file("backstage-values.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	history := w.helm(t, "history", w.namespace, "-n", w.namespace)
	w.Secrets(idptest.Portal, idptest.PortalSecret, rotated)
	got := w.rotate(t, rotated, "--release", w.namespace)
	r := got.result(t)
	if got.code != 0 || became(r, "prove") != "done" || len(r.Files) != 0 || mentions(r.Next, "helm") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.holds(t, rotated)
	if now, err := os.ReadFile(w.file("backstage-values.yaml")); err != nil || string(now) != text {
		t.Errorf("the file was touched: %v", err)
	}
	if w.helm(t, "history", w.namespace, "-n", w.namespace) != history {
		t.Error("a revision was made")
	}

	// Who names a file wants it to count.
	got = w.rotate(t, "another one of the client", "--release", w.namespace, "-f", "backstage-values.yaml")
	if c := checkOf(got.result(t), "identity.service-token"); got.code != 3 || c.Status != "fail" || c.Code != "network.refused" {
		t.Errorf("exit %d: %+v", got.code, c)
	}
}
