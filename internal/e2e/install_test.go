package e2e_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	core "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

const clientSecret = "c4n4ry-Client-Secret-9f2e"

// site is one namespace of the test cluster and a directory for files.
type site struct {
	*testcluster.Cluster
	namespace  string
	kubeconfig string
	dir        string
	chart      string
	provided   bool // the issuer of its answers is a provider that answers
}

func newSite(t testing.TB) *site {
	t.Helper()
	cluster := testcluster.Shared(t)
	return &site{Cluster: cluster, namespace: cluster.Namespace(t), kubeconfig: cluster.Kubeconfig, dir: t.TempDir(), chart: charttest.Dir(t)}
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

func (s *site) secrets(t *testing.T) core.SecretInterface {
	t.Helper()
	client, err := core.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client.Secrets(s.namespace)
}

func (s *site) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	got, err := s.secrets(t).Get(t.Context(), "backstage-secrets", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// development answers what a first installation with Thunder needs.
func development() map[answers.Key]any {
	return map[answers.Key]any{
		"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080",
		"identity.issuer": "http://thunder.openchoreo.localhost:8080",
		"client.id":       "openchoreo-backstage-client", "client.secret": secret.Typed(secret.New(clientSecret)),
	}
}

// session is a run with g; the random source is fixed.
func (s *site) session(t *testing.T, settings wizard.Settings, g map[answers.Key]any) *wizard.Session {
	t.Helper()
	client, err := k8s.Open(k8s.Options{Kubeconfig: s.kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	settings.Restart, settings.Wait = true, time.Minute
	env := &steps.Env{Cluster: client, Secrets: secret.Source{Rand: strings.NewReader(strings.Repeat("fixed random bytes ", 20))}}
	run, err := wizard.NewSession(steps.Install(), env, settings, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[answers.Key]any{
		"target.namespace": s.namespace, "target.values": []string{s.file("backstage-values.yaml")},
		"secret.manifest": s.file("backstage-secrets.yaml"), "chart": s.chart,
	}
	for key, value := range g {
		all[key] = value
	}
	for key, value := range all {
		if _, err := run.Give(key, value, answers.FromAnswers, ""); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if err := run.Load(); err != nil {
		t.Fatal(err)
	}
	return run
}

func (s *site) run(t *testing.T, settings wizard.Settings, g map[answers.Key]any) wizard.End {
	t.Helper()
	end, err := wizard.Headless(t.Context(), s.session(t, settings, g), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(end.Review.Problems) > 0 {
		t.Fatal(end.Review.Problems)
	}
	return end
}

// roll renders the chart with the file that was written, applies it and waits
// until the portal's Deployment has rolled out.
func (s *site) roll(t testing.TB) {
	t.Helper()
	c, err := chart.Open(s.chart)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := values.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := c.Effective(tree)
	if err != nil {
		t.Fatal(err)
	}
	if problems := c.Validate(effective); len(problems) > 0 {
		t.Fatalf("the chart's schema refuses the file: %v", problems)
	}
	rendered, err := c.Render(chart.Release{Name: "openchoreo-control-plane", Namespace: s.namespace}, effective)
	if err != nil {
		t.Fatal(err)
	}
	s.ApplyManifest(t, native(rendered))
	client, err := k8s.Open(k8s.Options{Kubeconfig: s.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.WatchRollout(ctx, s.namespace, "backstage", func(k8s.Rollout) {}); err != nil {
		t.Fatal(err)
	}
}

// native keeps what a plain Kubernetes serves; the Gateway's and OpenChoreo's own
// kinds are the business of other tests.
func native(rendered map[string]string) []byte {
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		for document := range strings.SplitSeq(rendered[name], "\n---") {
			for _, kind := range []string{"ServiceAccount", "ConfigMap", "Service", "PersistentVolumeClaim", "Deployment"} {
				if strings.Contains(document, "\nkind: "+kind+"\n") {
					kept = append(kept, document)
				}
			}
		}
	}
	return []byte(strings.Join(kept, "\n---\n"))
}

// TestFirstInstall goes from nothing to a rolled-out portal, and a second run
// finds nothing to do.
func TestFirstInstall(t *testing.T) {
	s := newSite(t)
	end := s.run(t, wizard.Settings{}, development())
	if end.Err != nil || !end.Applied {
		t.Fatalf("not applied: %v %v", end.Err, end.Review.Checks)
	}
	got := s.secret(t)
	if string(got.Data["client-secret"]) != clientSecret || len(got.Data["backend-secret"]) != 44 || len(got.Data["jenkins-api-key"]) == 0 {
		t.Errorf("the Secret's keys are wrong: %d keys, backend-secret of %d bytes", len(got.Data), len(got.Data["backend-secret"]))
	}
	if len(got.Annotations) != 0 {
		t.Errorf("the Secret has annotations: %v", got.Annotations)
	}
	s.roll(t)
	again := s.run(t, wizard.Settings{}, development())
	if again.Err != nil || len(again.Outcome.Actions) != 0 {
		t.Errorf("the second run did something: %v %v", again.Err, again.Outcome.Actions)
	}
}

// TestNewSecretRestartsThePortal: pods read the Secret only when they start.
func TestNewSecretRestartsThePortal(t *testing.T) {
	s := newSite(t)
	s.run(t, wizard.Settings{}, development())
	s.roll(t)
	before := s.secret(t)
	before.Data["postgres-password"] = []byte("somebody else's key")
	if _, err := s.secrets(t).Update(t.Context(), before, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	g := development()
	g["client.secret"] = secret.Typed(secret.New("an entirely new one"))
	end := s.run(t, wizard.Settings{}, g)
	if end.Err != nil {
		t.Fatal(end.Err)
	}
	var ids []string
	for _, a := range end.Outcome.Actions {
		ids = append(ids, a.ID)
	}
	if got := strings.Join(ids, " "); got != "secret restart rollout" || end.Outcome.Rollout != "complete" {
		t.Errorf("actions are %q, roll-out %s", got, end.Outcome.Rollout)
	}
	after := s.secret(t)
	if string(after.Data["client-secret"]) != "an entirely new one" || string(after.Data["postgres-password"]) != "somebody else's key" || string(after.Data["backend-secret"]) != string(before.Data["backend-secret"]) {
		t.Error("other keys did not survive, or the asked one did not change")
	}
}

// TestConcurrentChange: somebody edits the Secret between review and yes.
func TestConcurrentChange(t *testing.T) {
	s := newSite(t)
	s.run(t, wizard.Settings{}, development())
	g := development()
	g["client.secret"] = secret.Typed(secret.New("mine, but too late"))
	g["environment.logLevel"] = "debug"
	run := s.session(t, wizard.Settings{}, g)
	if _, err := run.Use(run.Look(t.Context(), run.Query())); err != nil {
		t.Fatal(err)
	}
	review, err := run.Plan()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	patch := []byte(`{"stringData":{"client-secret":"theirs"}}`)
	if _, err := s.secrets(t).Patch(t.Context(), "backstage-secrets", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = run.Apply(t.Context(), review, nil, nil)
	var failed *apply.Error
	if !errors.As(err, &failed) || !failed.Changed {
		t.Fatalf("want a conflict, got %v", err)
	}
	if got := string(s.secret(t).Data["client-secret"]); got != "theirs" {
		t.Errorf("their change was overwritten with %q", got)
	}
	after, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the values file was not put back: %v", err)
	}
}

// TestForeignOwner: a Secret that External Secrets keeps is never touched.
func TestForeignOwner(t *testing.T) {
	s := newSite(t)
	owned := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "backstage-secrets", Labels: map[string]string{"reconcile.external-secrets.io/managed": "true"}},
		Data:       map[string][]byte{"client-secret": []byte("from the store")},
	}
	created, err := s.secrets(t).Create(t.Context(), owned, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	end := s.run(t, wizard.Settings{}, development())
	if end.Err != nil || end.Review.Plan.Secret.Action != "external" {
		t.Fatalf("action is %s: %v", end.Review.Plan.Secret.Action, end.Err)
	}
	if got := s.secret(t); got.ResourceVersion != created.ResourceVersion {
		t.Error("the Secret was touched")
	}
	var told []string
	for _, c := range end.Review.Plan.Next {
		told = append(told, c.Line)
	}
	for _, want := range []string{"bao kv put -mount=secret backstage-client-secret value=-", "force-sync="} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("nothing tells %q:\n%s", want, strings.Join(told, "\n"))
		}
	}
}

// TestLastApplied: kubectl's copy of old secrets goes only with consent, in the
// same patch.
func TestLastApplied(t *testing.T) {
	s := newSite(t)
	const annotation = "kubectl.kubernetes.io/last-applied-configuration"
	old := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "backstage-secrets", Annotations: map[string]string{annotation: `{"data":{}}`, "kept": "yes"}},
		Data:       map[string][]byte{"client-secret": []byte("an older one"), "backend-secret": []byte(strings.Repeat("b", 44)), "jenkins-api-key": []byte("not-used")},
	}
	if _, err := s.secrets(t).Create(t.Context(), old, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.run(t, wizard.Settings{}, development())
	if _, ok := s.secret(t).Annotations[annotation]; !ok {
		t.Error("the annotation went without consent")
	}
	s.run(t, wizard.Settings{Accept: []string{"secret.last-applied"}}, development())
	if got := s.secret(t).Annotations; got[annotation] != "" || got["kept"] != "yes" {
		t.Errorf("annotations are %v", got)
	}
}

// TestNoRights: who may not read the Secret is told so before anything changes.
func TestNoRights(t *testing.T) {
	s := newSite(t)
	s.kubeconfig = s.KubeconfigFor(t, "visitor")
	end := s.run(t, wizard.Settings{}, development())
	if end.Review.Failed() != "secret.readable" || end.Applied {
		t.Errorf("failed check is %q, applied %v", end.Review.Failed(), end.Applied)
	}
	if _, err := os.Stat(s.file("backstage-values.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was written: %v", err)
	}
}

// TestMissingNamespace fails before anything changes and says what to type.
func TestMissingNamespace(t *testing.T) {
	s := newSite(t)
	s.namespace += "-not-there"
	end := s.run(t, wizard.Settings{}, development())
	if end.Review.Failed() != "cluster.namespace" {
		t.Fatalf("failed check is %q", end.Review.Failed())
	}
	for _, c := range end.Review.Checks {
		if c.ID == "cluster.namespace" && c.Hint != "kubectl create namespace "+s.namespace {
			t.Errorf("hint is %q", c.Hint)
		}
	}
}

func (s *site) list(t *testing.T) []corev1.Secret {
	t.Helper()
	list, err := s.secrets(t).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}
