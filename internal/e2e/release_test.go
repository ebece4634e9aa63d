package e2e_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/wizard"
)

// helm runs the real helm against the test cluster.
func (s *site) helm(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.Bin+"/helm", args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.Bin, "HOME=" + s.dir, "KUBECONFIG=" + s.Kubeconfig}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestReleaseIsTheStart: somebody installed with --set and has no file. The new
// file has everything the release was given, and an upgrade with it changes what
// was asked and nothing else.
func TestReleaseIsTheStart(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	first := s.run(t, wizard.Settings{}, development())
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	release := s.namespace
	s.helm(t, "upgrade", "--install", release, s.chart, "-n", s.namespace, "-f", "backstage-values.yaml",
		"--set", "backstage.extraEnv[0].name=FROM_SET", "--set", "backstage.extraEnv[0].value=kept", "--set-string", "backstage.resources.limits.cpu=750m")
	if err := os.Remove(s.file("backstage-values.yaml")); err != nil {
		t.Fatal(err)
	}
	asked := map[answers.Key]any{"target.release": release, "environment.logLevel": "debug"}
	end := s.run(t, wizard.Settings{}, asked)
	if end.Err != nil || !end.Applied {
		t.Fatalf("not applied: %v %v", end.Err, end.Review.Checks)
	}
	src, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(src), "# Written by backstage-setup") || !strings.Contains(string(src), "# Sign-in and permissions") {
		t.Errorf("the new file is not the template's:\n%s", src)
	}
	s.helm(t, "upgrade", release, s.chart, "-n", s.namespace, "-f", "backstage-values.yaml")
	tree, err := values.Parse([]byte(s.helm(t, "get", "values", release, "-n", s.namespace, "-o", "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"backstage.extraEnv[name=FROM_SET].value": "kept", "backstage.resources.limits.cpu": "750m",
		"backstage.baseUrl": "http://openchoreo.localhost:8080", "backstage.env[name=LOG_LEVEL].value": "debug",
	} {
		if got, _ := values.Lookup(tree, values.MustPath(path)); got != want {
			t.Errorf("%s is %v, want %s\n%s", path, got, want, src)
		}
	}
}

// TestNothingLeft: once the release was upgraded, the same run leaves nothing to
// do; before that, it still tells how.
func TestNothingLeft(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	g := development()
	g["target.release"] = s.namespace
	upgrade := func() {
		s.helm(t, "upgrade", "--install", s.namespace, s.chart, "-n", s.namespace, "-f", "backstage-values.yaml")
	}
	for _, step := range []struct {
		title   string
		prepare func()
		changes bool
		left    string // in the first command; "" for no command
	}{
		{"first", func() {}, true, "helm upgrade"},
		{"not yet installed", func() {}, false, "helm upgrade"},
		{"installed", upgrade, false, ""},
		{"one more change", func() { g["features.workflows"] = false }, true, "helm upgrade"},
		{"not yet upgraded", func() {}, false, "helm upgrade"},
		{"upgraded", upgrade, false, ""},
	} {
		step.prepare()
		end := s.run(t, wizard.Settings{}, g)
		if end.Err != nil || !end.Applied || len(end.Review.Problems) > 0 {
			t.Fatal(step.title, end.Err, end.Review.Problems, end.Review.Checks)
		}
		left := ""
		for _, c := range end.Review.Plan.Next {
			left += c.Line + "\n"
		}
		if end.Review.Changes() != step.changes || (left == "") != (step.left == "") || !strings.HasPrefix(left, step.left) {
			t.Errorf("%s: changes %v, left:\n%s", step.title, end.Review.Plan.Actions, left)
		}
		said := 0
		for _, line := range end.Summary() {
			if strings.HasPrefix(line.Text, "Nothing to change") {
				said++
			}
		}
		if (said == 1) == step.changes {
			t.Errorf("%s: it says %d times that there is nothing to change", step.title, said)
		}
	}
}

// TestDropsAreRefused: a file that lacks what the release was given fails the
// check, names it and writes nothing, unless accepted by name.
func TestDropsAreRefused(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	if first := s.run(t, wizard.Settings{}, development()); first.Err != nil {
		t.Fatal(first.Err)
	}
	release := s.namespace
	s.helm(t, "upgrade", "--install", release, s.chart, "-n", s.namespace, "-f", "backstage-values.yaml", "--set", "backstage.catalogSync.frequency=77")
	before, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g := development()
	g["target.release"] = release
	g["environment.logLevel"] = "debug"
	g["features.catalogSyncSeconds"] = 300 // the chart's default: not in the file
	g["client.secret"] = secret.Typed(secret.New(clientSecret))
	end := s.run(t, wizard.Settings{}, g)
	if end.Review.Failed() != "values.drops" || end.Applied {
		t.Fatalf("failed check is %q, applied %v: %v", end.Review.Failed(), end.Applied, end.Review.Checks)
	}
	for _, c := range end.Review.Checks {
		if c.ID == "values.drops" && !strings.Contains(c.Found, "backstage.catalogSync.frequency") {
			t.Errorf("it does not say what: %s", c.Found)
		}
	}
	if after, err := os.ReadFile(s.file("backstage-values.yaml")); err != nil || string(after) != string(before) {
		t.Errorf("the file was written: %v", err)
	}
	if end := s.run(t, wizard.Settings{Accept: []string{"values.drops"}}, g); !end.Applied {
		t.Errorf("not applied although accepted: %v", end.Review.Checks)
	}
}

// TestReleaseOfAnUmbrella: the installed chart is somebody's platform chart with
// ours inside. Its file is edited below our name, and nothing tells to install our
// chart over it.
func TestReleaseOfAnUmbrella(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	write := func(name, content string) {
		if err := os.WriteFile(s.file(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(s.file("platform/charts/openchoreo-control-plane"), os.DirFS(s.chart)); err != nil {
		t.Fatal(err)
	}
	write("platform/Chart.yaml", "apiVersion: v2\nname: platform\nversion: 0.1.0\ndependencies:\n- {name: openchoreo-control-plane, version: 1.2.3, repository: \"\"}\n")
	write("platform.yaml", `# the platform
openchoreo-control-plane:
  backstage: {baseUrl: "http://portal.localhost:8080", secretName: backstage-secrets, http: {hostnames: [portal.localhost]}}
  openchoreoApi: {http: {hostnames: [api.portal.localhost]}, config: {server: {publicUrl: "http://api.portal.localhost:8080"}}}
  security: {oidc: {issuer: "http://thunder.portal.localhost:8080", authorizationUrl: "http://thunder.portal.localhost:8080/oauth2/authorize", tokenUrl: "http://thunder.portal.localhost:8080/oauth2/token", jwksUrl: "http://thunder.portal.localhost:8080/oauth2/jwks"}}
  gateway: {tls: {enabled: false}}
`)
	release := s.namespace
	s.helm(t, "upgrade", "--install", release, "platform", "-n", s.namespace, "-f", "platform.yaml")
	args := []string{"install", "--yes", "-n", s.namespace, "--release", release, "--set", "client.secret=env:CLIENT_SECRET", "--set", "features.workflows=false"}
	env := []string{"CLIENT_SECRET=" + clientSecret}
	if got := s.execute(t, env, args...); got.code != 2 || !strings.Contains(got.stderr, "openchoreo-control-plane: give it with -f") {
		t.Errorf("without its file: exit %d\n%s", got.code, got.stderr)
	}
	got := s.execute(t, env, append(args, "-f", "platform.yaml")...)
	if got.code != 0 || strings.Contains(got.stdout, "oci://") {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.helm(t, "upgrade", release, "platform", "-n", s.namespace, "-f", "platform.yaml")
	tree, err := values.Parse([]byte(s.helm(t, "get", "values", release, "-n", s.namespace, "-o", "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	if on, _ := values.Lookup(tree, values.MustPath("openchoreo-control-plane.backstage.features.workflows.enabled")); on != false {
		t.Errorf("workflows is %v", on)
	}
}
