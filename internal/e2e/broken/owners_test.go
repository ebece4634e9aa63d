package broken_test

import (
	"strings"
	"testing"
	"time"
)

// TestOwners: what is wrong in a Secret that somebody else writes is mended there,
// and leads to no run that could not write it.
func TestOwners(t *testing.T) {
	in := install(t)
	marked := func(field, name, value string) func(t *testing.T) {
		return func(t *testing.T) {
			in.edit(t, portalSecret, func(o map[string]any) { o["metadata"].(map[string]any)[field] = map[string]any{name: value} })
		}
	}
	external := func(provider string) func(t *testing.T) {
		return func(t *testing.T) {
			in.external(t, "True", "SecretSynced", "secret synced", time.Now())
			if provider == "vault" {
				return
			}
			in.edit(t, thing{"external-secrets.io", "v1", "secretstores", "vault", true}, func(o map[string]any) {
				o["spec"] = map[string]any{"provider": map[string]any{"aws": map[string]any{"service": "SecretsManager", "region": "eu-central-1"}}}
			})
		}
	}
	for _, o := range []struct {
		name string
		make func(t *testing.T)
		says string // what the guide has among its commands
		run  string // the flow that mends it; "" is none
	}{
		{"nobody", func(*testing.T) {}, "", "rotate"},
		{"External Secrets and OpenBao", external("vault"), "bao kv ", "rotate"},
		{"External Secrets and another store", external("aws"), "{ aws secretsmanager ", ""},
		{"Sealed Secrets", marked("annotations", "sealedsecrets.bitnami.com/managed", "true"), `IFS= read -rs VALUE && printf %s "$VALUE" | kubectl create secret generic backstage-secrets `, ""},
		{"Argo CD", marked("annotations", "argocd.argoproj.io/tracking-id", "platform:/Secret:x/backstage-secrets"), "argocd app sync platform", ""},
		{"Flux", marked("labels", "kustomize.toolkit.fluxcd.io/name", "apps"), "flux reconcile kustomization apps ", ""},
		{"an operator of SOPS", marked("labels", "app.kubernetes.io/managed-by", "sops-secrets-operator"), "kubectl get secret backstage-secrets ", ""},
	} {
		t.Run(o.name, func(t *testing.T) {
			o.make(t)
			in.keys(t, map[string]string{"client-secret": "rotated-at-one-place-only"})
			got := in.check(t)
			r := got.result("identity.service-token")
			if got.First == nil || got.First.ID != r.ID || r.Status != "fail" || r.Cure.Flow != o.run {
				t.Fatalf("%+v\n%s", r, got.findings())
			}
			in.guided(t, r, o.says, "client-secret")
			in.keys(t, map[string]string{"client-secret": "", "jenkins-api-key": ""})
			if r = in.check(t).result("secret.keys"); o.run == "" && r.Cure.Flow != "" || r.Status != "fail" {
				t.Errorf("%+v", r)
			}
			in.guided(t, r, o.says, "client-secret, jenkins-api-key")
		})
	}
}

// guided holds a finding against the commands that its Secret's owner needs for
// keys; says is "" where nobody owns it.
func (in *installation) guided(t *testing.T, r result, says, keys string) {
	t.Helper()
	if says == "" {
		if len(r.Guide) > 0 || !strings.HasPrefix(r.Fix, "backstage-setup ") {
			t.Errorf("%s: %q, %q", r.ID, r.Fix, r.Guide)
		}
		return
	}
	guide := strings.Join(r.Guide, "\n")
	if !strings.Contains(guide, "\n  "+says) || !strings.Contains(guide, keys) || !strings.Contains(guide, "  "+r.Fix) {
		t.Errorf("%s: %q\n%s", r.ID, r.Fix, guide)
	}
	if text := in.run(t, "", "check", "-n", in.namespace); !strings.Contains(text.stdout, "\n    $ "+says) || strings.Contains(text.stdout, "$ backstage-setup rotate") {
		t.Errorf("%s: %q is not in\n%s", r.ID, says, text.stdout)
	}
}
