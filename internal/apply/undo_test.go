package apply

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

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
		restart := plan.Restart{Namespace: s.ns, Deployment: "portal"}
		outcome, err := s.run(ctx, s.write("values.yaml", "a: 2\n"), create, restart)
		if failed(t, err, restart, false); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.expect(outcome, []string{"running file.values", "done file.values", "running secret", "done secret", "undone secret", "undone file.values"},
			[]string{"undone file.values", "undone secret"}, "skipped")
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
