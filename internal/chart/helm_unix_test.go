//go:build unix

package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pretender builds the helm of testdata once.
var pretender = sync.OnceValues(func() (string, error) {
	path := filepath.Join(pretenders, "helm")
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/helm").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// seen and pretended are those of testdata/helm.
type seen struct {
	Args, Environ []string
	Input         string // what its standard input held
	Terminal      string // why it cannot open the terminal
	Group         int    // its process group
	Process       int
}

type pretended struct {
	Version string // of helm version, which ends with Refuses
	Refuses int
	Output  string
	Errors  string
	Exit    int
	// Until names a FIFO: helm ends when that is closed, or, on SIGTERM, as
	// helm does. Deaf ignores the signal.
	Until string
	Deaf  bool
}

// pretendHelm makes a helm that does p, and returns it with what it was run with.
func pretendHelm(t *testing.T, p pretended, environ ...string) (*Helm, func() seen) {
	t.Helper()
	dir := helmDir(t, p)
	h, err := FindHelm(t.Context(), append([]string{"PATH=" + dir}, environ...), "CLIENT_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	return h, func() seen {
		t.Helper()
		var s seen
		text, err := os.ReadFile(filepath.Join(dir, "seen"))
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// helmDir is a directory with such a helm in it.
func helmDir(t *testing.T, p pretended) string {
	t.Helper()
	if p.Version == "" {
		p.Version = "v4.3.1+g1234567"
	}
	dir := t.TempDir()
	self, err := pretender()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "helm")); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "pretended"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func helmError(t *testing.T, err error) *HelmError {
	t.Helper()
	var e *HelmError
	if !errors.As(err, &e) {
		t.Fatalf("want a *HelmError, got %v", err)
	}
	return e
}

var place = Upgrade{Release: "r", Namespace: "n", ChartRef: "oci://example.com/c", Version: "1.2.3", Deployed: 4}

func TestFindHelm(t *testing.T) {
	for name, test := range map[string]struct {
		version string
		exit    int
		want    HelmVersion
		refused string
	}{
		"Helm 4":                  {version: "v4.3.1+gabc1234", want: HelmVersion{4, 3, 1}},
		"Helm 3":                  {version: "v3.14.0+gabc1234", want: HelmVersion{3, 14, 0}},
		"built from source":       {version: "v3.18", want: HelmVersion{3, 18, 0}},
		"the oldest":              {version: "v3.12.0", want: HelmVersion{3, 12, 0}},
		"before a release":        {version: "v4.0.0-rc.1+gabc1234", want: HelmVersion{4, 0, 0}},
		"Windows":                 {version: "v4.3.1+gabc1234\r", want: HelmVersion{4, 3, 1}},
		"a version manager talks": {version: "installing helm v3.9.9 ...\nv3.20.2+gabc1234", want: HelmVersion{3, 20, 2}},
		"too old":                 {version: "v3.11.3+gabc1234", refused: "it is helm v3.11.3, and OpenChoreo needs v3.12.0 or newer"},
		"Helm 2":                  {version: "Client: v2.16.1+gbbdfe5e", refused: "it is helm v2.16.1"},
		"too new":                 {version: "v5.0.0", refused: "was not made for"},
		"no version":              {version: "hello", refused: "does not say which version"},
		"a failure":               {version: "no version is set; run asdf", exit: 126, refused: "no version is set; run asdf"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := helmDir(t, pretended{Version: test.version, Refuses: test.exit})
			h, err := FindHelm(t.Context(), []string{"PATH=/nonexistent:" + dir})
			if test.refused != "" {
				e := helmError(t, err)
				if !strings.Contains(e.Error(), test.refused) || e.Hint() == "" {
					t.Errorf("%v, hint %q", e, e.Hint())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Version != test.want || h.Path != filepath.Join(dir, "helm") {
				t.Errorf("found %s %s", h.Path, h.Version)
			}
		})
	}
}

func TestFindHelmWhere(t *testing.T) {
	dir := helmDir(t, pretended{})
	t.Setenv("PATH", dir) // this process's own: must not count
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "helm"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, environ := range [][]string{nil, {"PATH="}, {"PATH=.:" + empty + "::" + filepath.Dir(dir)}} {
		_, err := FindHelm(t.Context(), environ)
		if e := helmError(t, err); !errors.Is(err, errNoHelm) || !strings.Contains(e.Hint(), "install Helm 3.12 or newer") {
			t.Errorf("%q: %v, hint %q", environ, err, e.Hint())
		}
	}
	for driver, refused := range map[string]bool{"": false, "secret": false, "Secrets": false, "configmap": true, "sql": true} {
		_, err := FindHelm(t.Context(), []string{"PATH=" + dir, "HELM_DRIVER=" + driver})
		if refused != (err != nil) || refused && !strings.Contains(err.Error(), "HELM_DRIVER") {
			t.Errorf("HELM_DRIVER=%s: %v", driver, err)
		}
	}
}

// A helm that hangs is not waited for.
func TestFindHelmEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "helm"), []byte("#!/bin/sh\ntrap '' TERM\nread forever <>"+fifo(t)+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := FindHelm(ctx, []string{"PATH=" + dir})
	if e := helmError(t, err); !errors.Is(err, context.DeadlineExceeded) || e.Cause != context.DeadlineExceeded.Error() {
		t.Error(err)
	}
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "until")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHelmSurroundings: what helm is run with, and what it never gets.
func TestHelmSurroundings(t *testing.T) {
	given := []string{
		"HOME=/home/x", "KUBECONFIG=/a:/b", "HELM_REGISTRY_CONFIG=/r", "HELM_DRIVER=secret", "XDG_CACHE_HOME=/c", "LC_ALL=C",
		"https_proxy=http://p", "NO_PROXY=.svc", "SSL_CERT_FILE=/ca", "AWS_SECRET_ACCESS_KEY=x", "AZURE_CLIENT_ID=x",
		"GOOGLE_APPLICATION_CREDENTIALS=/g", "CLOUDSDK_CONFIG=/g", "KUBERNETES_SERVICE_HOST=10.0.0.1",
	}
	withheld := []string{
		"CLIENT_SECRET=s3cret", "POSTGRES_PASSWORD=x", "NPM_TOKEN=x", "LD_PRELOAD=/x", "HELM_KUBECONTEXT=other", "HELM_KUBETOKEN=x", "HELM_KUBEAPISERVER=x",
		"HELM_NAMESPACE=other", "HELM_DEBUG=1", "NO_COLOR=", "BASH_FUNC_x%%=() {", "pathology=1", "AWS_PROFILEX", "",
	}
	h, ran := pretendHelm(t, pretended{Output: "hello\n"}, append(append([]string{}, given...), withheld...)...)
	if err := h.Upgrade(t.Context(), place, nil); err != nil {
		t.Fatal(err)
	}
	s := ran()
	want := append([]string{"NO_COLOR=1", "PATH=" + filepath.Dir(h.Path)}, given...)
	if diff := cmp.Diff(want, s.Environ); diff != "" {
		t.Errorf("environment: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(place.Args(), s.Args); diff != "" {
		t.Errorf("arguments: -want +got\n%s", diff)
	}
	if s.Input != "" || s.Group != s.Process || s.Group == syscall.Getpgrp() || s.Terminal == "" {
		t.Errorf("input %q, process %d in group %d, terminal %q", s.Input, s.Process, s.Group, s.Terminal)
	}
	// A secret under a name that would pass is withheld too.
	dir := helmDir(t, pretended{})
	h, err := FindHelm(t.Context(), []string{"PATH=" + dir, "AWS_BACKSTAGE=s3cret", "AWS_PROFILE=p"}, "AWS_BACKSTAGE")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"NO_COLOR=1", "PATH=" + dir, "AWS_PROFILE=p"}, h.environ); diff != "" {
		t.Error(diff)
	}
}

// TestHelmOutput: lines come one by one, scrubbed and harmless, and memory is
// bounded.
func TestHelmOutput(t *testing.T) {
	long := strings.Repeat("a", 300) + "hunter22" + strings.Repeat("b", 100_000) + "field is immutable"
	h, _ := pretendHelm(t, pretended{
		Output: strings.Repeat("line\n", 500) + "\x1b[31mred\x1b[0m\ttab\r\n\nhunter22 \u202ebackINVALID\n" + long + "\nno end",
		Errors: "level=WARN msg=x\nError: UPGRADE FAILED: first\n\tsecond hunter22\n", Exit: 3,
	})
	h.Scrub = func(line string) string { return strings.ReplaceAll(line, "hunter22", "[redacted]") }
	var told []string
	err := h.Upgrade(t.Context(), place, func(line string) { told = append(told, line) })
	e := helmError(t, err)
	if len(e.Output) != outputLines || len(told) < 504 {
		t.Errorf("%d lines kept, %d told", len(e.Output), len(told))
	}
	all := strings.Join(told, "\n")
	for _, want := range []string{"[31mred[0m tab\n", "[redacted] back\ufffd\n", "field is immutable\n", "no end"} {
		if !strings.Contains(all+"\n", want) {
			t.Errorf("%q is not told", want)
		}
	}
	for _, line := range append(told, e.Error()) {
		if strings.Contains(line, "hunter") || strings.ContainsAny(line, "\x1b\r\u202e") || len(line) > lineHead+lineTail+10 {
			t.Errorf("told: %q", line)
		}
	}
	if e.Cause != "first; second [redacted]" || e.Status != "" {
		t.Errorf("%+v", e)
	}
}

// TestHelmMayFinish: when the run is stopped helm goes on for its grace, and what
// it then did counts.
func TestHelmMayFinish(t *testing.T) {
	until := fifo(t)
	h, _ := pretendHelm(t, pretended{Output: "begun\n", Until: until})
	ctx, cancel := context.WithCancel(t.Context())
	u := place
	u.Grace = time.Hour
	err := h.Upgrade(ctx, u, func(string) {
		cancel()
		go func() { _ = os.WriteFile(until, nil, 0o600) }()
	})
	if err != nil || ctx.Err() == nil {
		t.Error(err)
	}
}

// TestHelmIsStopped: after its grace helm is told to end, and killed when it does
// not listen. The error says what is to be expected of the release.
func TestHelmIsStopped(t *testing.T) {
	for name, test := range map[string]struct {
		p        pretended
		rollback bool
		status   string
		hint     string
	}{
		"an upgrade":           {p: pretended{}, status: "failed", hint: "helm rollback r 4 -n n"},
		"a first installation": {p: pretended{Output: "Release \"r\" does not exist. Installing it now.\n"}, status: "failed", hint: "run the upgrade again, or take away what is there: helm uninstall r -n n"},
		"a deaf upgrade":       {p: pretended{Deaf: true}, status: "pending-upgrade", hint: "helm history r -n n; if it is pending and no other helm is at work: helm rollback r 4 -n n"},
		"a deaf installation":  {p: pretended{Deaf: true, Output: "Release \"r\" does not exist. Installing it now.\n"}, status: "pending-install", hint: "helm history r -n n; if it is pending and no other helm is at work: helm uninstall r -n n"},
		"a deaf rollback":      {p: pretended{Deaf: true}, rollback: true, status: "pending-rollback", hint: "helm history r -n n; if it is pending and no other helm is at work: helm rollback r 4 -n n"},
	} {
		t.Run(name, func(t *testing.T) {
			test.p.Until, test.p.Output = fifo(t), test.p.Output+"begun\n"
			h, ran := pretendHelm(t, test.p)
			h.patience = time.Hour
			if test.p.Deaf {
				h.patience = time.Millisecond
			}
			stopped := errors.New("stopped by you")
			ctx, cancel := context.WithCancelCause(t.Context())
			progress := func(line string) {
				if line == "begun" {
					cancel(stopped)
				}
			}
			var err error
			if test.rollback {
				err = h.Rollback(ctx, place, 4, progress)
			} else {
				err = h.Upgrade(ctx, place, progress)
			}
			e := helmError(t, err)
			if !errors.Is(err, stopped) || e.Cause != "it was stopped: stopped by you" || e.Status != test.status || e.Hint() != test.hint {
				t.Errorf("%v, status %q, hint %q", err, e.Status, e.Hint())
			}
			if err := syscall.Kill(ran().Process, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("helm is still there: %v", err)
			}
		})
	}
	late := place
	late.Grace, late.Limit = time.Hour, time.Millisecond
	h, _ := pretendHelm(t, pretended{Until: fifo(t)})
	if e := helmError(t, h.Upgrade(t.Context(), late, nil)); e.Cause != "it was stopped: it did not end within 1ms" && !strings.HasPrefix(e.Cause, "it was cut off") || !errors.Is(e, e.Err) {
		t.Errorf("its time is up: %v", e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h, _ = pretendHelm(t, pretended{})
	if err := h.Upgrade(ctx, place, nil); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not begun") {
		t.Error(err)
	}
}

// TestHelmLeavesSomethingRunning: a credential plugin that stays in the background
// with helm's output does not hold up the run.
func TestHelmLeavesSomethingRunning(t *testing.T) {
	h, _ := pretendHelm(t, pretended{})
	h.Path = filepath.Join(t.TempDir(), "helm")
	forever := fifo(t)
	if err := os.WriteFile(h.Path, []byte("#!/bin/sh\n(read forever <>"+forever+") &\necho done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	h.environ = append(h.environ, "PATH="+os.Getenv("PATH"))
	run := h.start([]string{"upgrade"}, nil)
	run.cmd.WaitDelay = time.Millisecond
	if err := run.wait(t.Context(), 0); err != nil {
		t.Error(err)
	}
	kill(run.cmd)
}

func TestHelmIsGone(t *testing.T) {
	h, _ := pretendHelm(t, pretended{})
	if err := os.Remove(h.Path); err != nil {
		t.Fatal(err)
	}
	if e := helmError(t, h.Upgrade(t.Context(), place, nil)); !errors.Is(e, os.ErrNotExist) || !strings.Contains(e.Cause, "it cannot be run") {
		t.Error(e)
	}
	if e := helmError(t, h.Rollback(t.Context(), place, 0, nil)); !strings.Contains(e.Hint(), "helm history r -n n") {
		t.Error(e)
	}
}
