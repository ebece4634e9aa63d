package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
	"github.com/openchoreo/backstage-setup/k8s"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }

// canary is a secret that must be in no event and no error.
const canary = "canary-7c1e"

// stage is a directory and a namespace in which actions take place.
type stage struct {
	t       *testing.T
	cluster *testcluster.Cluster
	ns      string
	dir     string
	env     Env
	events  []string // "status id"
	texts   []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, cluster: testcluster.Shared(t), dir: t.TempDir()}
	s.ns = s.cluster.Namespace(t)
	s.env = Env{Cluster: s.open(s.cluster.Kubeconfig, nil), Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
	return s
}

func (s *stage) open(kubeconfig string, wrap func(http.RoundTripper) http.RoundTripper) *k8s.Client {
	s.t.Helper()
	c, err := k8s.Open(k8s.Options{Kubeconfig: kubeconfig, WrapTransport: wrap})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stage) core() corev1.CoreV1Interface {
	s.t.Helper()
	c, err := corev1.NewForConfig(s.cluster.Config())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// run carries out the actions and collects what is told.
func (s *stage) run(ctx context.Context, actions ...plan.Action) (Outcome, error) {
	s.t.Helper()
	s.events, s.texts = nil, nil
	outcome, err := Run(ctx, s.env, actions, func(e Event) {
		s.texts = append(s.texts, e.Text)
		if e.Status == Progress { // how many there are depends on how fast the pods are
			e.Status = "progress"
			if len(s.events) > 0 && s.events[len(s.events)-1] == "progress "+e.ID {
				return
			}
		}
		s.events = append(s.events, string(e.Status)+" "+e.ID)
	})
	if text := fmt.Sprintf("%v %+v %#v %v %v", err, err, outcome, s.events, s.texts); strings.Contains(text, canary) {
		s.t.Errorf("a secret shows: %s", text)
	}
	return outcome, err
}

// expect compares what was told and what became of the actions.
func (s *stage) expect(outcome Outcome, events, actions []string, rollout string) {
	s.t.Helper()
	if diff := cmp.Diff(events, s.events); diff != "" {
		s.t.Errorf("events: %s", diff)
	}
	var got []string
	for _, a := range outcome.Actions {
		got = append(got, string(a.Status)+" "+a.ID)
	}
	if diff := cmp.Diff(actions, got); diff != "" {
		s.t.Errorf("actions: %s", diff)
	}
	if outcome.Rollout != rollout {
		s.t.Errorf("rollout %q, want %q", outcome.Rollout, rollout)
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) put(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o640); err != nil {
		s.t.Fatal(err)
	}
}

// content returns what is in the file, "(none)" when there is no file.
func (s *stage) content(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "(none)"
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// write is the action that makes name hold after, as a plan would give it.
func (s *stage) write(name, after string) plan.WriteFile {
	s.t.Helper()
	snapshot, err := file.Read(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	action := "created"
	if snapshot.Exists {
		action = "edited"
	}
	id := strings.TrimSuffix(name, ".yaml")
	return plan.WriteFile{Name: id, Change: plan.FileChange{Path: s.path(name), File: snapshot, After: []byte(after), Mode: 0o600, Action: action}}
}

// seed creates the portal's Secret as somebody else would.
func (s *stage) seed(values map[string]string) *api.Secret {
	s.t.Helper()
	created, err := s.core().Secrets(s.ns).Create(s.t.Context(), &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: "portal"}, StringData: values}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return created
}

// patch is the action that sets keys of the Secret as it was read.
func (s *stage) patch(version string, values map[string]string) plan.WriteSecret {
	change := k8s.SecretChange{Namespace: s.ns, Name: "portal", ResourceVersion: version, Set: map[string]secret.Text{}}
	for name, value := range values {
		change.Set[name] = secret.New(value)
	}
	return plan.WriteSecret{Create: version == "", Change: change}
}

// values returns what is in the Secret, nil when there is none.
func (s *stage) values() map[string]string {
	s.t.Helper()
	got, err := s.env.Cluster.Secret(s.t.Context(), s.ns, "portal")
	if errors.Is(err, k8s.ErrNotFound) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for name, value := range got.Values {
		out[name] = value.Reveal()
	}
	return out
}

// failed checks that err is an *Error of that action.
func failed(t *testing.T, err error, action plan.Action, changed bool, left ...string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if e.Action != action.Title() || e.Changed != changed {
		t.Errorf("action %q, changed %t: %v", e.Action, e.Changed, err)
	}
	if len(e.Left) != len(left) {
		t.Errorf("left: %q", e.Left)
	}
	for _, words := range left {
		if !slices.ContainsFunc(e.Left, func(l string) bool { return strings.Contains(l, words) }) || !strings.Contains(err.Error(), "\nleft as it is: ") {
			t.Errorf("%q does not say that %s", err, words)
		}
	}
	return e
}

func TestOrder(t *testing.T) {
	s := newStage(t)
	s.put("old.yaml", "a: 1\n")
	outcome, err := s.run(t.Context(), s.write("new.yaml", "b: 2\n"), s.write("old.yaml", "a: 2\n"), s.patch("", map[string]string{"client-secret": canary, "k": "v"}))
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running file.new", "done file.new", "running file.old", "done file.old", "running secret", "done secret"},
		[]string{"done file.new", "done file.old", "done secret"}, "skipped")
	if s.content("new.yaml") != "b: 2\n" || s.content("old.yaml") != "a: 2\n" {
		t.Errorf("new %q, old %q", s.content("new.yaml"), s.content("old.yaml"))
	}
	if diff := cmp.Diff(map[string]string{"client-secret": canary, "k": "v"}, s.values()); diff != "" {
		t.Error(diff)
	}
	for _, e := range outcome.Actions {
		if e.Title == "" {
			t.Errorf("%s has no title", e.ID)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	outcome, err := Run(t.Context(), Env{}, nil, nil)
	if err != nil || len(outcome.Actions) > 0 || outcome.Rollout != "skipped" {
		t.Errorf("%+v, %v", outcome, err)
	}
}

// TestUnchanged: what is so already is told apart, and left alone by the undoing.
func TestUnchanged(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	before, err := os.Stat(s.path("values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	seeded := s.seed(map[string]string{"k": canary})
	same, none := s.patch(seeded.ResourceVersion, map[string]string{"k": canary}), plan.Restart{Namespace: s.ns, Deployment: "none"}
	outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 1\n"), same, none)
	failed(t, err, none, false)
	s.expect(outcome, []string{"running file.values", "unchanged file.values", "running secret", "unchanged secret", "running restart", "failed restart"},
		[]string{"unchanged file.values", "unchanged secret", "failed restart"}, "skipped")
	if after, err := os.Stat(s.path("values.yaml")); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file was written: %v", err)
	}
}

// TestSecretWriteFails: whatever the reason, the files are as they were.
func TestSecretWriteFails(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(s *stage) plan.WriteSecret
		want    error
		changed bool
	}{
		"written meanwhile": {func(s *stage) plan.WriteSecret {
			read := s.seed(map[string]string{"k": "old"})
			again := read.DeepCopy()
			again.Data["theirs"] = []byte("1")
			if _, err := s.core().Secrets(s.ns).Update(s.t.Context(), again, metav1.UpdateOptions{}); err != nil {
				s.t.Fatal(err)
			}
			return s.patch(read.ResourceVersion, map[string]string{"k": canary})
		}, k8s.ErrChanged, true},
		"deleted meanwhile": {func(s *stage) plan.WriteSecret {
			read := s.seed(map[string]string{"k": "old"})
			if err := s.core().Secrets(s.ns).Delete(s.t.Context(), "portal", metav1.DeleteOptions{}); err != nil {
				s.t.Fatal(err)
			}
			return s.patch(read.ResourceVersion, map[string]string{"k": canary})
		}, k8s.ErrChanged, true},
		"created meanwhile": {func(s *stage) plan.WriteSecret {
			s.seed(map[string]string{"k": "old"})
			return s.patch("", map[string]string{"k": canary})
		}, k8s.ErrChanged, true},
		"immutable by now": {func(s *stage) plan.WriteSecret {
			yes := true
			read, err := s.core().Secrets(s.ns).Create(s.t.Context(), &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: "portal"}, Immutable: &yes, StringData: map[string]string{"k": "old"}}, metav1.CreateOptions{})
			if err != nil {
				s.t.Fatal(err)
			}
			return s.patch(read.ResourceVersion, map[string]string{"k": canary})
		}, k8s.ErrImmutable, false},
		"forbidden": {func(s *stage) plan.WriteSecret {
			read := s.seed(map[string]string{"k": "old"})
			s.env.Cluster = s.open(s.cluster.KubeconfigFor(s.t, "nobody"), nil)
			return s.patch(read.ResourceVersion, map[string]string{"k": canary})
		}, k8s.ErrForbidden, false},
		"no namespace": {func(s *stage) plan.WriteSecret {
			a := s.patch("", map[string]string{"k": canary})
			a.Change.Namespace = "no-such-namespace"
			return a
		}, k8s.ErrNotFound, false},
		"namespace being deleted": {func(s *stage) plan.WriteSecret {
			ns := s.doomed()
			a := s.patch("", map[string]string{"k": canary})
			a.Change.Namespace = ns
			return a
		}, k8s.ErrForbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.put("values.yaml", "# by hand\na: 1\r\n")
			admin := s.env.Cluster
			secretAction := tt.prepare(s)
			before := func() map[string]string {
				c := s.env.Cluster
				s.env.Cluster = admin
				defer func() { s.env.Cluster = c }()
				return s.values()
			}
			was := before()
			outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 2\n"), s.write("new.yaml", "b: 1\n"), secretAction)
			if failed(t, err, secretAction, tt.changed); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			s.expect(outcome, []string{
				"running file.values", "done file.values", "running file.new", "done file.new", "running secret", "failed secret", "undone file.new", "undone file.values",
			}, []string{"undone file.values", "undone file.new", "failed secret"}, "skipped")
			if s.content("values.yaml") != "# by hand\na: 1\r\n" || s.content("new.yaml") != "(none)" {
				t.Errorf("values %q, new %q", s.content("values.yaml"), s.content("new.yaml"))
			}
			if info, err := os.Stat(s.path("values.yaml")); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if diff := cmp.Diff(was, before()); diff != "" {
				t.Errorf("the Secret changed: %s", diff)
			}
		})
	}
}

// doomed returns a namespace that is being deleted until the test ends: something
// in it does not go.
func (s *stage) doomed() string {
	s.t.Helper()
	core := s.core()
	ns, err := core.Namespaces().Create(s.t.Context(), &api.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "doomed-"}}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	held := &api.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}}}
	if _, err := core.ConfigMaps(ns.Name).Create(s.t.Context(), held, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		release := []byte(`{"metadata":{"finalizers":null}}`)
		if _, err := core.ConfigMaps(ns.Name).Patch(context.Background(), "held", types.MergePatchType, release, metav1.PatchOptions{}); err != nil {
			s.t.Error(err)
		}
	})
	if err := core.Namespaces().Delete(s.t.Context(), ns.Name, metav1.DeleteOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return ns.Name
}

// TestFileChangedUnderneath: the file keeps what somebody else wrote, what came
// before is undone, and the cluster is not asked for anything.
func TestFileChangedUnderneath(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, path string){
		"edited": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("theirs: 1\n"), 0o640); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			var sent sync.Map
			s.env.Cluster = s.open(s.cluster.Kubeconfig, func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					sent.Store(r.Method+" "+r.URL.Path, true)
					return next.RoundTrip(r)
				})
			})
			s.put("values.yaml", "a: 1\n")
			s.put("manifest.yaml", "b: 1\n")
			first, second := s.write("values.yaml", "a: 2\n"), s.write("manifest.yaml", "b: 2\n")
			meanwhile(t, s.path("manifest.yaml"))
			now := s.content("manifest.yaml")
			outcome, err := s.run(t.Context(), first, second, s.patch("", map[string]string{"k": canary}))
			if failed(t, err, second, true); !errors.Is(err, file.ErrChanged) {
				t.Errorf("got %v", err)
			}
			s.expect(outcome, []string{"running file.values", "done file.values", "running file.manifest", "failed file.manifest", "undone file.values"},
				[]string{"undone file.values", "failed file.manifest"}, "skipped")
			if s.content("values.yaml") != "a: 1\n" || s.content("manifest.yaml") != now {
				t.Errorf("values %q, manifest %q", s.content("values.yaml"), s.content("manifest.yaml"))
			}
			sent.Range(func(request, _ any) bool { t.Errorf("it sent %v", request); return true })
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// at calls what when the request of that method is under way, before it is sent.
func at(method string, what func()) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == method {
				what()
			}
			return next.RoundTrip(r)
		})
	}
}

// TestUndoNeverOverwrites: a file that somebody wrote after us stays theirs, and
// is told as left.
func TestUndoNeverOverwrites(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	s.put("other.yaml", "c: 1\n")
	s.env.Cluster = s.open(s.cluster.Kubeconfig, at(http.MethodPost, func() { s.put("values.yaml", "theirs: 1\n") }))
	create := s.patch("", map[string]string{"not a key": canary})
	outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 2\n"), s.write("other.yaml", "c: 2\n"), create)
	failed(t, err, create, false, s.path("values.yaml")+" holds the new content")
	s.expect(outcome, []string{
		"running file.values", "done file.values", "running file.other", "done file.other", "running secret", "failed secret", "undone file.other",
	}, []string{"done file.values", "undone file.other", "failed secret"}, "skipped")
	if s.content("values.yaml") != "theirs: 1\n" || s.content("other.yaml") != "c: 1\n" {
		t.Errorf("values %q, other %q", s.content("values.yaml"), s.content("other.yaml"))
	}
}

// TestCancelled: in the middle of a request, and before anything was begun.
func TestCancelled(t *testing.T) {
	t.Run("while the Secret is written", func(t *testing.T) {
		s := newStage(t)
		s.put("values.yaml", "a: 1\n")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.env.Cluster = s.open(s.cluster.Kubeconfig, at(http.MethodPost, cancel))
		create := s.patch("", map[string]string{"k": canary})
		outcome, err := s.run(ctx, s.write("values.yaml", "a: 2\n"), create, plan.Restart{Namespace: s.ns, Deployment: "portal"})
		if failed(t, err, create, false); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.expect(outcome, []string{"running file.values", "done file.values", "running secret", "failed secret", "undone file.values"},
			[]string{"undone file.values", "failed secret"}, "skipped")
		if s.content("values.yaml") != "a: 1\n" || s.values() != nil {
			t.Errorf("values %q, Secret %v", s.content("values.yaml"), s.values())
		}
	})
	t.Run("between two actions", func(t *testing.T) {
		s := newStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		create := s.patch("", map[string]string{"k": canary})
		outcome, err := Run(ctx, s.env, []plan.Action{s.write("values.yaml", "a: 2\n"), create}, func(e Event) {
			if e.ID == "file.values" && e.Status == Done {
				cancel()
			}
			s.events = append(s.events, string(e.Status)+" "+e.ID)
		})
		if failed(t, err, create, false); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.expect(outcome, []string{"running file.values", "done file.values", "undone file.values"}, []string{"undone file.values"}, "skipped")
		if s.content("values.yaml") != "(none)" || s.values() != nil {
			t.Errorf("values %q, Secret %v", s.content("values.yaml"), s.values())
		}
	})
	t.Run("before anything", func(t *testing.T) {
		s := newStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		write := s.write("values.yaml", "a: 2\n")
		outcome, err := s.run(ctx, write)
		if failed(t, err, write, false); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.expect(outcome, nil, nil, "skipped")
		if s.content("values.yaml") != "(none)" {
			t.Errorf("values %q", s.content("values.yaml"))
		}
	})
}

// deploy makes the portal's Deployment; kwok plays its pods.
func (s *stage) deploy() {
	s.t.Helper()
	s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: portal, namespace: %s}
spec:
  replicas: 1
  selector: {matchLabels: {app: portal}}
  template:
    metadata: {labels: {app: portal}}
    spec: {containers: [{name: backstage, image: x}]}
`, s.ns))
}

// roll are the actions of a changed Secret.
func (s *stage) roll(version string, timeout time.Duration) []plan.Action {
	return []plan.Action{
		s.patch(version, map[string]string{"k": canary}), plan.Restart{Namespace: s.ns, Deployment: "portal"},
		plan.AwaitRollout{Namespace: s.ns, Deployment: "portal", Timeout: timeout},
	}
}

func TestRestartAndRollout(t *testing.T) {
	s := newStage(t)
	s.deploy()
	outcome, err := s.run(t.Context(), s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, time.Minute)...)
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running restart", "done restart", "running rollout", "progress rollout", "done rollout"},
		[]string{"done secret", "done restart", "done rollout"}, "complete")
	if !slices.ContainsFunc(s.texts, func(text string) bool { return strings.Contains(text, "1 of 1 updated, 1 available") }) {
		t.Errorf("progress: %q", s.texts)
	}
	for i, text := range s.texts[1:] {
		if text != "" && text == s.texts[i] {
			t.Errorf("told twice: %q", text)
		}
	}
	apps, err := appsv1.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	d, err := apps.Deployments(s.ns).Get(t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"]; got != "2026-01-02T03:04:05Z" {
		t.Errorf("restarted at %q", got)
	}
}

// TestRolloutFails: the Secret is right and stays, the pods are the operator's to
// look at.
func TestRolloutFails(t *testing.T) {
	hold := func(s *stage) {
		s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: %s}\nspec: {hard: {pods: \"0\"}}\n", s.ns))
		s.deploy()
	}
	for name, tt := range map[string]struct {
		timeout time.Duration
		cancel  bool
		want    error
	}{
		"in time":   {time.Second, false, k8s.ErrNotRolledOut},
		"cancelled": {time.Minute, true, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			hold(s)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			actions := s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, tt.timeout)
			outcome, err := Run(ctx, s.env, actions, func(e Event) {
				if tt.cancel && e.Status == Progress {
					cancel()
				}
				if e.Status != Progress {
					s.events = append(s.events, string(e.Status)+" "+e.ID)
				}
			})
			if failed(t, err, actions[2], false); !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
			s.expect(outcome, []string{"running secret", "done secret", "running restart", "done restart", "running rollout", "failed rollout"},
				[]string{"done secret", "done restart", "failed rollout"}, "failed")
			if got := s.values()["k"]; got != canary {
				t.Error("the Secret has another value")
			}
		})
	}
}

// TestRestartFails: the Secret cannot be put back, and that is said.
func TestRestartFails(t *testing.T) {
	s := newStage(t)
	actions := s.roll(s.seed(map[string]string{"k": "old"}).ResourceVersion, time.Minute)
	outcome, err := s.run(t.Context(), actions...)
	if failed(t, err, actions[1], false, "Secret "+s.ns+"/portal holds the new values"); !errors.Is(err, k8s.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running restart", "failed restart"}, []string{"done secret", "failed restart"}, "skipped")
}

type strange struct{}

func (strange) ID() string    { return "strange" }
func (strange) Title() string { return "do something strange" }

func TestUnknownAction(t *testing.T) {
	s := newStage(t)
	outcome, err := s.run(t.Context(), s.write("values.yaml", "a: 2\n"), strange{})
	failed(t, err, strange{}, false)
	s.expect(outcome, []string{"running file.values", "done file.values", "running strange", "failed strange", "undone file.values"}, []string{"undone file.values", "failed strange"}, "skipped")
}

// TestBackup: the old bytes are kept beside the file, also after an undo.
func TestBackup(t *testing.T) {
	s := newStage(t)
	s.put("values.yaml", "a: 1\n")
	write := s.write("values.yaml", "a: 2\n")
	write.Backup = true
	if _, err := s.run(t.Context(), write, strange{}); err == nil {
		t.Fatal("no error")
	}
	kept, err := os.ReadFile(write.Change.File.BackupPath())
	if err != nil || string(kept) != "a: 1\n" || s.content("values.yaml") != "a: 1\n" {
		t.Errorf("backup %q, %v; file %q", kept, err, s.content("values.yaml"))
	}
}
