package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/terminaltest"
)

// program builds the real binary once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "backstage-setup-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "backstage-setup")
	out, err := exec.Command("go", "build", "-o", path, "../..").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// command is the real binary in the site's directory, with an environment of its
// own: the operator's kubeconfig and home are out of reach.
func (s *site) command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if len(args) > 0 && args[0] == "install" && !s.provided {
		args = append(slices.Clone(args), "--skip", "identity.discovery=these tests have no identity provider")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"HOME=" + s.dir, "PATH=/nonexistent", "KUBECONFIG=" + s.kubeconfig}, env...)
	return cmd
}

type output struct {
	stdout, stderr string
	code           int
}

func (s *site) execute(t testing.TB, env []string, args ...string) output {
	t.Helper()
	cmd := s.command(t, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// terminal runs the real binary on a terminal of that size.
func (s *site) terminal(t *testing.T, cols, rows int, args ...string) *terminaltest.Terminal {
	t.Helper()
	return terminaltest.Start(t, s.command(t, nil, args...), cols, rows)
}

// forms are the ways in which a secret could show.
func forms(secret string) map[string]string {
	return map[string]string{
		"raw": secret, "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64url": base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"url":       url.QueryEscape(secret), "hex": hex.EncodeToString([]byte(secret)),
	}
}

// leaks looks for secret in text, in every form.
func leaks(t testing.TB, where, text, secret string) {
	t.Helper()
	for form, value := range forms(secret) {
		if strings.Contains(text, value) {
			t.Errorf("%s shows the secret (%s)", where, form)
		}
	}
}

// leaksInFiles looks into every file below dir but those named.
func leaksInFiles(t *testing.T, dir, secret string, except ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, name := range except {
			if d.Name() == name {
				return nil
			}
		}
		data, err := os.ReadFile(path)
		leaks(t, path, string(data), secret)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// headlessArgs are the answers of development() on the command line.
func (s *site) headlessArgs(more ...string) []string {
	return append([]string{
		"install", "--yes", "-n", s.namespace, "--chart", s.chart,
		"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080",
		"--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
		"--set", "client.id=openchoreo-backstage-client", "--set", "client.secret=env:CLIENT_SECRET",
	}, more...)
}

// TestSecretsStayInTheirPlace runs everything that knows a secret and looks for
// it in every output and file.
func TestSecretsStayInTheirPlace(t *testing.T) {
	const canary = "c4n4ry+Wx/7?=&%#Zq 19"
	env := []string{"CLIENT_SECRET=" + canary}
	s := newSite(t)
	runs := map[string]struct {
		args []string
		code int
	}{
		"dry run":         {s.headlessArgs("--dry-run"), 0},
		"json":            {s.headlessArgs("--dry-run", "-o", "json"), 0},
		"wrong answer":    {s.headlessArgs("--set", "scaling.replicas=2"), 2},
		"wrong json":      {s.headlessArgs("--set", "scaling.replicas=2", "-o", "json"), 2},
		"literal":         {append([]string{"install", "--yes", "--set"}, "client.secret="+canary), 2},
		"failed check":    {s.headlessArgs("-n", s.namespace+"-none"), 3},
		"manifest":        {s.headlessArgs("--delivery", "manifest"), 0},
		"apply":           {s.headlessArgs("--save-answers", "saved.yaml"), 0},
		"apply again":     {s.headlessArgs("-o", "json"), 0},
		"change in place": {s.headlessArgs("--set", "backendSecret=generate"), 0},
	}
	for _, name := range []string{"dry run", "json", "wrong answer", "wrong json", "literal", "failed check", "manifest", "apply", "apply again", "change in place"} {
		r := runs[name]
		got := s.execute(t, env, r.args...)
		if got.code != r.code {
			t.Errorf("%s: exit %d, want %d\n%s", name, got.code, r.code, got.stderr)
		}
		leaks(t, name+": stdout", got.stdout, canary)
		leaks(t, name+": stderr", got.stderr, canary)
		leaks(t, name+": backend secret on stdout", got.stdout, string(backendSecret(t, s)))
		leaksInFiles(t, s.dir, canary, "backstage-secrets.yaml")
	}
	if got := string(s.secret(t).Data["client-secret"]); got != canary {
		t.Errorf("the Secret has %q", got)
	}
}

// backendSecret is what the cluster has, or something that nothing contains.
func backendSecret(t *testing.T, s *site) []byte {
	t.Helper()
	for _, item := range s.list(t) {
		if item.Name == "backstage-secrets" {
			return item.Data["backend-secret"]
		}
	}
	return []byte("no such secret anywhere")
}

// TestExitCodes: scripts rely on them.
func TestExitCodes(t *testing.T) {
	s := newSite(t)
	env := []string{"CLIENT_SECRET=" + clientSecret}
	for name, want := range map[string]struct {
		args []string
		code int
	}{
		"dry run":               {s.headlessArgs("--dry-run"), 0},
		"unknown flag":          {[]string{"install", "--nope"}, 2},
		"unknown command":       {[]string{"instal"}, 2},
		"missing answers":       {[]string{"install", "--yes", "--offline"}, 2},
		"unset reference":       {append(s.headlessArgs(), "--set", "client.secret=env:NOT_SET"), 2},
		"failed check":          {s.headlessArgs("-n", s.namespace+"-none"), 3},
		"accepted check":        {s.headlessArgs("-n", s.namespace+"-none", "--accept", "cluster.namespace", "--dry-run"), 0},
		"offline and kubectl":   {s.headlessArgs("--offline", "--delivery", "kubernetes"), 2},
		"unknown chart version": {s.headlessArgs("--chart", "9.9.9"), 2},
	} {
		if got := s.execute(t, env, want.args...); got.code != want.code {
			t.Errorf("%s: exit %d, want %d\n%s", name, got.code, want.code, got.stderr)
		}
	}
}

// TestDeadCluster: a configured cluster that does not answer is a failed check,
// never a silent manifest.
func TestDeadCluster(t *testing.T) {
	s := newSite(t)
	config, err := os.ReadFile(s.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	s.kubeconfig = s.file("dead")
	if err := os.WriteFile(s.kubeconfig, bytes.ReplaceAll(config, []byte(s.URL()), []byte("https://127.0.0.1:1")), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.execute(t, []string{"CLIENT_SECRET=" + clientSecret}, s.headlessArgs()...)
	if got.code != 3 || !strings.Contains(got.stdout+got.stderr, "cluster.reachable") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("files were written: %v %v", entries, err)
	}
}
