package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apps "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/wizard"
)

// environment has the real helm and kubectl on the PATH, and the secret that
// args refers to.
func (s *site) environment(secret string) []string {
	return []string{"PATH=" + s.Bin, "CLIENT_SECRET=" + secret}
}

// args installs into a release of the site's own.
func (s *site) args(more ...string) []string {
	return s.headlessArgs(append([]string{"--release", s.namespace}, more...)...)
}

// undo is what takes a run of args back.
func (s *site) undo(more ...string) []string {
	return append([]string{"undo", "--yes", "-n", s.namespace, "--release", s.namespace}, more...)
}

// installed is a site with a release that runs, made with --upgrade.
func installed(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	if got := s.execute(t, s.environment(clientSecret), s.args("--upgrade")...); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	return s
}

// result reads what -o json wrote.
func (o output) result(t *testing.T) wizard.Result {
	t.Helper()
	var r wizard.Result
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatalf("exit %d, no JSON: %v\n%s%s", o.code, err, o.stdout, o.stderr)
	}
	return r
}

// checkOf is the outcome of one check.
func checkOf(r wizard.Result, id string) check.Result {
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	return check.Result{}
}

// failedChecks lists the ids of what failed.
func failedChecks(r wizard.Result) (ids []string) {
	for _, c := range r.Checks {
		if c.Status == check.Fail {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// became says what became of an action, "" when it was not begun.
func became(r wizard.Result, id string) string {
	for _, a := range r.Actions {
		if a.ID == id {
			return a.Status
		}
	}
	return ""
}

// state is everything of a site that a run may change and has to put back.
type state struct {
	Secret   map[string]string
	Values   string   // the file
	Files    []string // in the directory
	Release  string   // helm get values
	Template string   // of the pods, without the mark of a restart
	Claim    string   // SQLite's: which one it is and what it is annotated with; "" when there is none
}

func (s *site) state(t *testing.T) state {
	t.Helper()
	now := state{Secret: map[string]string{}, Release: s.helm(t, "get", "values", s.namespace, "-n", s.namespace)}
	for key, value := range s.secret(t).Data {
		now.Secret[key] = string(value)
	}
	text, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	now.Values = string(text)
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if half := strings.Contains(e.Name(), ".backstage-setup-"); !e.IsDir() && !half { // of a run that was killed while it wrote
			now.Files = append(now.Files, e.Name())
		}
	}
	template := s.portal(t).Spec.Template
	delete(template.Annotations, "kubectl.kubernetes.io/restartedAt")
	if len(template.Annotations) == 0 {
		template.Annotations = nil
	}
	portal := template.Spec.Containers[0]
	now.Claim = s.claim(t).String()
	now.Template = fmt.Sprint(template.Annotations, portal.Image, portal.Env, portal.Resources.Limits.Cpu())
	return now
}

// same compares two states, without showing a secret.
func same(t *testing.T, what string, before, after state) {
	t.Helper()
	for key, value := range before.Secret {
		if after.Secret[key] != value {
			t.Errorf("%s: key %s of the Secret is another", what, key)
		}
	}
	if len(before.Secret) != len(after.Secret) {
		t.Errorf("%s: the Secret has %d keys instead of %d", what, len(after.Secret), len(before.Secret))
	}
	before.Secret, after.Secret = nil, nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func (s *site) deployments(t *testing.T) apps.DeploymentInterface {
	t.Helper()
	client, err := apps.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client.Deployments(s.namespace)
}

func (s *site) portal(t *testing.T) *appsv1.Deployment {
	t.Helper()
	d, err := s.deployments(t).Get(t.Context(), "backstage", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rolls is how often the portal's pods were made anew.
func (s *site) rolls(t *testing.T) int {
	t.Helper()
	client, err := apps.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ReplicaSets(s.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=backstage"})
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

// previous tells whether the Secret with the old values is there.
func (s *site) previous(t *testing.T) bool {
	t.Helper()
	for _, item := range s.list(t) {
		if item.Name == "backstage-secrets-previous" {
			return true
		}
	}
	return false
}

// crash lets every new pod of the portal crash whose log level is error.
func (s *site) crash(t *testing.T) { s.crashWith(t, "LOG_LEVEL", "error") }

// crashWith lets every new pod of the portal crash that has this variable.
func (s *site) crashWith(t *testing.T, variable, value string) {
	t.Helper()
	s.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: crash-%[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.namespace, operator: In, values: [%[1]s]}
    - {key: '.spec.containers[].env[]? | select(.name == "%[2]s") | .value', operator: In, values: [%[3]s]}
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
  weight: 1
  next:
    statusTemplate: |
      phase: Running
      podIP: 10.1.99.99
      containerStatuses:
      - name: backstage
        image: x
        imageID: ""
        ready: false
        restartCount: 3
        state: {waiting: {reason: CrashLoopBackOff, message: back-off 10s restarting}}
        lastState: {terminated: {exitCode: 7}}
`, s.namespace, variable, value))
}

// shell runs a command that was printed, word for word.
func (s *site) shell(t *testing.T, line string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.Bin + ":" + os.Getenv("PATH"), "KUBECONFIG=" + s.kubeconfig, "HOME=" + s.dir}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// slow copies the chart with a hook before an upgrade that never ends: helm waits
// for it.
func (s *site) slow(t *testing.T) string {
	t.Helper()
	dir := s.file("slow")
	if err := os.CopyFS(dir, os.DirFS(s.chart)); err != nil {
		t.Fatal(err)
	}
	job := `apiVersion: batch/v1
kind: Job
metadata:
  name: slow
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {there-is: no-such-node}
      containers: [{name: slow, image: x}]
`
	if err := os.WriteFile(dir+"/templates/slow.yaml", []byte(job), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mentions tells whether one of the lines has all words.
func mentions(lines []string, words ...string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
	})
}
