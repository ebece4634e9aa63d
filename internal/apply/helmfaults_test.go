//go:build unix

package apply

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedappsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// faultyHelm is the real helm, of which the next change of a release goes wrong
// as the file "fault" beside it says.
const faultyHelm = `#!/bin/sh
here=$(dirname "$0")
case "$1" in upgrade|rollback) ;; *) exec REAL "$@" ;; esac
fault=$(cat "$here/fault" 2>/dev/null)
rm -f "$here/fault"
case "$fault" in
"fails before") echo "Error: UPGRADE FAILED: made by a test" >&2; exit 1 ;;
"is killed before") kill -9 $$ ;;
esac
REAL "$@" || exit
case "$fault" in
"fails after") echo "Error: UPGRADE FAILED: made by a test" >&2; exit 1 ;;
"loses the answer") echo "Error: UPGRADE FAILED: http2: client connection lost" >&2; exit 1 ;;
"is killed after") kill -9 $$ ;;
esac
`

// oldRelease is what the release has before: the portal alone, without pods to
// wait for.
const oldRelease = `backstage: {baseUrl: "https://console.example.com", replicas: 1, secretName: portal, http: {enabled: false}, auth: {clientId: a}}
openchoreoApi: {enabled: false}
gateway: {enabled: false}
security: {authz: {enabled: false}, oidc: {issuer: "https://id.example.com"}}
`

// release is a stage with a release of the small chart.
type release struct {
	*stage
	bin  string // where helm and its fault are
	helm *chart.Helm
}

func newRelease(t *testing.T) *release {
	t.Helper()
	r := &release{stage: newStage(t), bin: t.TempDir()}
	script := strings.ReplaceAll(faultyHelm, "REAL", filepath.Join(r.cluster.Bin, "helm"))
	if err := os.WriteFile(filepath.Join(r.bin, "helm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.helm, err = chart.FindHelm(t.Context(), []string{"PATH=" + r.bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + r.bin}); err != nil {
		t.Fatal(err)
	}
	r.env.Helm = func(context.Context) (*chart.Helm, error) { return r.helm, nil }
	r.put("values.yaml", oldRelease)
	r.seed(map[string]string{"client-secret": oldClient, "theirs": "1"})
	if err := r.helm.Upgrade(t.Context(), r.upgrade(), nil); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *release) upgrade() chart.Upgrade {
	r.t.Helper()
	return chart.Upgrade{Release: "openchoreo", Namespace: r.ns, ChartRef: charttest.Dir(r.t), Files: []string{r.path("values.yaml")},
		Kubeconfig: r.cluster.Kubeconfig, Context: testcluster.Context, Timeout: time.Minute, Grace: time.Minute}
}

// actions are those of a run that changes file, Secret and release, as they are
// now.
func (r *release) actions(after, client string) []plan.Action {
	r.t.Helper()
	now, err := r.core().Secrets(r.ns).Get(r.t.Context(), "portal", metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	revision, err := r.env.Cluster.ReleaseRevision(r.t.Context(), r.ns, "openchoreo")
	if err != nil {
		r.t.Fatal(err)
	}
	return journaled(r.write("values.yaml", after), r.patch(now.ResourceVersion, map[string]string{"client-secret": client}),
		plan.Upgrade{Helm: r.upgrade(), Revision: revision, Line: "helm upgrade openchoreo"})
}

// fault makes the next change of the release go wrong.
func (r *release) fault(what string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.bin, "fault"), []byte(what), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// is tells what is in force: "old", "new", or what else.
func (r *release) is(before, after string) string {
	r.t.Helper()
	apps, err := typedappsv1.NewForConfig(r.cluster.Config())
	if err != nil {
		r.t.Fatal(err)
	}
	d, err := apps.Deployments(r.ns).Get(r.t.Context(), "backstage", metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	keys := r.values()
	if keys["theirs"] != "1" || len(keys) != 2 {
		r.t.Error("a key of the Secret is lost")
	}
	var said []string
	for what, state := range map[string][3]bool{
		"file":    {r.content("values.yaml") == before, r.content("values.yaml") == after},
		"secret":  {keys["client-secret"] == oldClient, keys["client-secret"] == newClient},
		"release": {*d.Spec.Replicas == 1, *d.Spec.Replicas == 2},
	} {
		switch {
		case state[0]:
			said = append(said, "old")
		case state[1]:
			said = append(said, "new")
		default:
			r.t.Errorf("%s is neither old nor new", what)
		}
	}
	if said[0] == said[1] && said[1] == said[2] {
		return said[0]
	}
	return "mixed"
}

// TestHelmGoesWrong: whatever helm does in an upgrade, file, Secret and release
// are back as they were; a rollback that goes wrong is told and leaves a journal,
// which a second undo follows to the end.
func TestHelmGoesWrong(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	after := strings.Replace(oldRelease, "replicas: 1", "replicas: 2", 1)
	for _, what := range []string{"fails before", "fails after", "is killed before", "is killed after", "loses the answer", "is stopped"} {
		t.Run("upgrade "+what, func(t *testing.T) {
			r.t = t
			actions := r.actions(after, newClient)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if what == "is stopped" {
				r.fault(what)
				actions = append(actions[:len(actions)-1], plan.Restart{Namespace: r.ns, Deployment: "backstage"}, actions[len(actions)-1])
				go func() { // once helm is at work
					r.until(func() bool { _, err := os.Stat(filepath.Join(r.bin, "fault")); return errors.Is(err, fs.ErrNotExist) })
					cancel()
				}()
			}
			r.fault(what)
			_, err := r.run(ctx, actions...)
			var failure *Error
			if !errors.As(err, &failure) || failure.Journal || len(failure.Left) > 0 {
				t.Fatalf("got %v", err)
			}
			if is := r.is(oldRelease, after); is != "old" || r.found() != nil {
				t.Errorf("it is %s, the journal %v", is, r.found())
			}
		})
	}
	for _, what := range []string{"fails before", "is killed after"} {
		t.Run("rollback "+what, func(t *testing.T) {
			r.t = t
			actions := r.actions(after, newClient)
			r.interrupted(actions, len(actions)-1)
			if is := r.is(oldRelease, after); is != "new" {
				t.Fatalf("it is %s", is)
			}
			back := func() error {
				in := plan.Input{Current: plan.Current{Journal: r.found(), Wait: time.Minute}}
				in.Current.Target.Kubeconfig, in.Current.Target.Context = r.cluster.Kubeconfig, testcluster.Context
				_, err := r.run(t.Context(), plan.Back(in).Actions...)
				return err
			}
			r.fault(what)
			var failure *Error
			if err := back(); !errors.As(err, &failure) || !failure.Journal || r.found() == nil {
				t.Fatalf("got %v, and the journal is %v", err, r.found())
			}
			if err := back(); err != nil {
				t.Fatal(err)
			}
			if is := r.is(oldRelease, after); is != "old" || r.found() != nil {
				t.Errorf("it is %s, the journal %v", is, r.found())
			}
		})
	}
}
