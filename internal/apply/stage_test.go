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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	kitchen *kitchen // where the Secret comes from a store
	issuer  string   // address of the provider of a rotation
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
	s.silent(fmt.Sprintf("%v %+v %#v %v %v", err, err, outcome, s.events, s.texts))
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
	action := plan.WriteSecret{Create: version == "", Change: change, Previous: map[string]secret.Text{}}
	if version == "" {
		return action
	}
	now, err := s.core().Secrets(s.ns).Get(s.t.Context(), "portal", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return action
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range now.Data {
		if _, asked := values[name]; asked {
			action.Previous[name] = secret.New(string(value))
		}
	}
	return action
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

// deploy makes the portal's Deployment; kwok plays its pods.
func (s *stage) deploy() { s.deployOn("") }

// deployOn lets the portal run on the nodes with that host name only.
func (s *stage) deployOn(node string) {
	s.t.Helper()
	selector := "{}"
	if node != "" {
		selector = "{kubernetes.io/hostname: " + node + "}"
	}
	s.cluster.ApplyManifest(s.t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: portal, namespace: %s}
spec:
  replicas: 1
  selector: {matchLabels: {app: portal}}
  template:
    metadata: {labels: {app: portal}}
    spec: {nodeSelector: %s, containers: [{name: backstage, image: x}]}
`, s.ns, selector))
}

// roll are the actions of a changed Secret.
func (s *stage) roll(version string, timeout time.Duration) []plan.Action {
	return []plan.Action{
		s.patch(version, map[string]string{"k": canary}), plan.Restart{Namespace: s.ns, Deployment: "portal"},
		plan.AwaitRollout{Namespace: s.ns, Deployment: "portal", Timeout: timeout},
	}
}

type strange struct{}

func (strange) ID() string { return "strange" }

func (strange) Title() string { return "do something strange" }

func (strange) Rights() []k8s.Access { return nil }
