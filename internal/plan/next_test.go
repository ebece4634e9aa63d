package plan

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/k8s"
)

// TestNext is what an operator is told to type, in several situations.
func TestNext(t *testing.T) {
	running := inCluster(basic)
	running.Deployment.Name = "portal"
	sealed := running
	sealed.Secret.Owner = k8s.Owner{Kind: k8s.OwnerSealedSecrets, Name: "portal-seal"}
	same := []string{"backstage: {secretName: backstage-secrets}\n"}
	owned := func(o k8s.Owner) k8s.Found {
		found := running
		found.Release = k8s.Release{Name: "openchoreo", Installed: true, Unknown: "no right to list Secrets", Owner: o}
		return found
	}
	flux := owned(k8s.Owner{Kind: k8s.OwnerFlux, Name: "portal", Namespace: "apps", Reason: "label helm.toolkit.fluxcd.io/name=portal"})
	kustomized := owned(k8s.Owner{Kind: k8s.OwnerFlux, Name: "platform", Namespace: "flux-system", Reason: "label kustomize.toolkit.fluxcd.io/name=platform"})
	argo := owned(k8s.Owner{Kind: k8s.OwnerArgoCD, Name: "control-plane", Reason: "annotation argocd.argoproj.io/tracking-id"})
	nameless := owned(k8s.Owner{Kind: k8s.OwnerArgoCD, Reason: `fields managed by "argocd-controller"`})
	both := argo
	both.Secret.Owner = k8s.Owner{Kind: k8s.OwnerArgoCD, Name: "control-plane"}
	secretOnly, values := given{"client.secret": typed("n3w")}, given{"scaling.replicas": 3}
	restart := func(c *Current) { c.Restart, c.Upgrade = true, true }
	var out strings.Builder
	for _, tt := range []struct {
		title string
		scene scene
	}{
		{"first install", scene{}},
		{"first install with a manifest, for one context", scene{said: given{"secret.delivery": DeliverManifest, "target.context": "prod eu"}}},
		{"a change, with a kubeconfig and a context of its own", scene{files: same, found: running, said: secretOnly.with(values).with(given{"target.context": "eu"}), current: func(c *Current) { c.Kubeconfig = "my configs/eu" }}},
		{"Flux's release, with a kubeconfig of its own", scene{files: same, found: flux, said: values, current: func(c *Current) { c.Kubeconfig = "eu" }}},
		{"a changed Secret, nothing restarts", scene{files: same, found: running, said: given{"client.secret": typed("n3w")}}},
		{"nothing to do", scene{files: same, found: running}},
		{"somebody else's Secret", scene{files: same, found: sealed, said: given{"client.secret": typed("n3w")}}},
		{"PostgreSQL, two files, a chart directory", scene{files: []string{same[0], ""}, found: running, said: postgresql, current: func(c *Current) { c.ChartRef = "charts/my chart" }}},
		{"Flux's release, a new Secret", scene{files: same, found: flux, said: secretOnly, current: restart}},
		{"Flux's release, new values", scene{files: same, found: flux, said: values, current: restart}},
		{"Flux's release by a Kustomization, both", scene{files: same, found: kustomized, said: secretOnly.with(values), current: restart}},
		{"Argo CD's release, a new Secret", scene{files: same, found: argo, said: secretOnly, current: restart}},
		{"Argo CD's release, new values", scene{files: same, found: argo, said: values, current: restart}},
		{"Argo CD's release, its application not known, both", scene{files: same, found: nameless, said: secretOnly.with(values), current: restart}},
		{"Argo CD's release and Secret", scene{files: same, found: both, said: secretOnly, current: restart}},
		{"no portal", scene{said: given{"portal.enabled": false}}},
	} {
		p := tt.scene.plan(t)
		fmt.Fprintf(&out, "== %s\n", tt.title)
		for _, c := range p.Next {
			if c.Comment != "" {
				fmt.Fprintf(&out, "# %s\n", c.Comment)
			}
			fmt.Fprintln(&out, c.Line)
		}
		if engine := p.engine(); engine != "" && (strings.Contains(fmt.Sprint(p.Next), "helm upgrade") || strings.Contains(fmt.Sprint(p.Next), "rollout restart") || p.Upgrading() || p.Offers() || p.runs(p.Actions)) {
			t.Errorf("%s: it upgrades or restarts what is %s's: %v %v", tt.title, engine, p.Actions, p.Next)
		}
		if strings.Contains(out.String(), "n3w") || strings.Contains(out.String(), "p4ss") {
			t.Errorf("%s: a command holds a secret", tt.title)
		}
	}
	golden(t, "next.txt", out.String())
}

// TestQuote: a real shell takes each word for what it is.
func TestQuote(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	for _, word := range []string{
		"plain.yaml", "a b", "it's", "'", "''", `"double"`, `back\slash`, "$HOME", "`id`", "$(id)", "*", "~", "a;b", "a&b", "a|b", "<in>", "tab\there", "new\nline", "#x", "!x", "-f", "{a,b}", "[a]", "?", "ünï", "",
	} {
		got, err := exec.Command(shell, "-c", "printf '<%s>' "+Quote(word)).Output()
		if err != nil || string(got) != "<"+word+">" {
			t.Errorf("%q as %s: %q, %v", word, Quote(word), got, err)
		}
	}
	for _, word := range []string{"values.yaml", "./dir/values-1.yaml", "oci://ghcr.io/a/b", "user@host:1", "a=b,c%d+e"} {
		if Quote(word) != word {
			t.Errorf("%s is quoted without need", Quote(word))
		}
	}
}

// TestCommandsKeepTheirWords: a shell that runs the commands hands over every name
// whole, whatever is in it.
func TestCommandsKeepTheirWords(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	const odd = `it's a "kubectl apply" $(id).yaml`
	in := scene{files: []string{"{}\n"}, said: given{"secret.delivery": DeliverManifest, "secret.manifest": "my secrets.yaml", "target.context": "prod's"}}.input(t)
	in.Current.Files[0].Path = odd
	p := finished(t, in)
	dir := t.TempDir()
	const record = "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done > \"$(dirname \"$0\")/$(basename \"$0\").words\"\ncat > /dev/null < /dev/null\n"
	for _, name := range []string{"helm", "kubectl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(record), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(part, name string) []string {
		t.Helper()
		i := slices.IndexFunc(p.Next, func(c Command) bool { return strings.Contains(c.Line, part) })
		if i < 0 {
			t.Fatalf("no command has %q: %v", part, p.Next)
		}
		cmd := exec.Command(shell, "-c", p.Next[i].Line)
		cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", p.Next[i].Line, err, text)
		}
		words, err := os.ReadFile(filepath.Join(dir, name+".words"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(words)), "\n")
	}
	helm := run("helm upgrade", "helm")
	files := slices.Index(helm, "-f")
	if record, err := csv.NewReader(strings.NewReader(helm[files+1])).Read(); err != nil || len(record) != 1 || record[0] != odd {
		t.Errorf("-f of helm, which reads it as CSV, is %q: %v", helm[files+1], err)
	}
	for flag, want := range map[string]string{"--kube-context": "prod's", "-n": "cp"} {
		if i := slices.Index(helm, flag); i < 0 || helm[i+1] != want {
			t.Errorf("%s of helm is not %s: %q", flag, want, helm)
		}
	}
	apply := run("-f 'my secrets.yaml'", "kubectl")
	if want := []string{"--context", "prod's", "apply", "--server-side", "--field-manager=backstage-setup", "-f", "my secrets.yaml"}; !slices.Equal(apply, want) {
		t.Errorf("kubectl got %q, want %q", apply, want)
	}
}

// TestGuideHasTheContext: its commands go to the cluster that was asked for, too.
func TestGuideHasTheContext(t *testing.T) {
	found := inCluster(basic)
	found.Secret.Owner = k8s.Owner{Kind: k8s.OwnerExternalSecrets, Name: "portal"}
	p := scene{found: found, said: given{"client.secret": typed("n3w"), "target.context": "prod"}}.plan(t)
	for _, c := range p.Next {
		if strings.HasPrefix(c.Line, "kubectl ") && !strings.HasPrefix(c.Line, "kubectl --context prod ") {
			t.Errorf("%s", c.Line)
		}
	}
}
