package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// as is the site seen by a user who has these rights and no others.
func (s *site) as(t *testing.T, user string, manifest []byte, rights []k8s.Access) *site {
	t.Helper()
	s.ApplyManifest(t, manifest)
	other := *s
	other.kubeconfig = s.KubeconfigFor(t, user)
	client, err := k8s.Open(k8s.Options{Kubeconfig: other.kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	s.await(t, "the rights to be known", func() bool {
		known, err := client.Can(t.Context(), rights)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range known {
			if !r.Allowed && r.Namespace == s.namespace {
				return false
			}
		}
		return true
	})
	return &other
}

func (s *site) rights() []k8s.Access {
	return steps.Rights(k8s.Query{Namespace: s.namespace, Release: s.namespace, SecretName: k8s.DefaultSecretName}, steps.Scope{Deployment: "backstage"})
}

// TestPrintedRoleIsEnough: a user with what rbac prints creates, changes, restarts,
// follows and undoes.
func TestPrintedRoleIsEnough(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	user := "operator-" + s.namespace
	printed := s.execute(t, []string{"KUBECONFIG="}, "rbac", "-n", s.namespace, "--release", s.namespace, "--subject", "user:"+user)
	if printed.code != 0 {
		t.Fatalf("exit %d\n%s", printed.code, printed.stderr)
	}
	theirs := s.as(t, user, []byte(printed.stdout), s.rights())
	step := func(what, secret string, args []string, want map[string]string) {
		t.Helper()
		got := theirs.execute(t, []string{"CLIENT_SECRET=" + secret}, append(args, "-o", "json")...)
		r := got.result(t)
		if got.code != 0 || !r.Applied {
			t.Fatalf("%s: exit %d\n%s%s", what, got.code, got.stdout, got.stderr)
		}
		for id, status := range want {
			if became(r, id) != status {
				t.Errorf("%s: %s is %q", what, id, became(r, id))
			}
		}
	}
	step("create", clientSecret, theirs.args(), map[string]string{"secret": "done"})
	s.helm(t, "upgrade", "--install", s.namespace, s.chart, "-n", s.namespace, "-f", "backstage-values.yaml")
	step("change", "a second one", theirs.args(), map[string]string{"previous.keep": "done", "secret": "done", "restart": "done", "rollout": "done", "previous.drop": "done"})
	step("change, to be restarted later", "a third one", theirs.args("--restart", "never", "--keep-previous"), map[string]string{"previous.keep": "done", "secret": "done", "previous.drop": ""})
	step("undo", "", theirs.undo(), map[string]string{"undo.secret": "done", "previous.drop": "done"})
	if string(s.secret(t).Data["client-secret"]) != "a second one" || s.previous(t) {
		t.Error("it was not undone")
	}
}

// TestOneRightLess: what is missing is named before anything is asked, and a plan
// that needs it writes nothing.
func TestOneRightLess(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	all := s.rights()
	for i, left := range all {
		wider := left
		wider.Name = ""
		if !left.Needed || left.Resource == "persistentvolumeclaims" || slices.ContainsFunc(all, wider.Same) {
			continue // this run changes no volume, and what is allowed for all names is for one
		}
		t.Run(left.String(), func(t *testing.T) {
			var fewer []k8s.Access
			for _, right := range all {
				if !right.Same(left) {
					fewer = append(fewer, right)
				}
			}
			user := fmt.Sprintf("lacking-%d-%s", i, s.namespace)
			manifest, err := k8s.RBAC(fewer, k8s.Subject{Kind: "User", Name: user}, s.namespace, k8s.RBACOptions{})
			if err != nil {
				t.Fatal(err)
			}
			theirs := s.as(t, user, manifest, fewer)
			got := theirs.execute(t, []string{"CLIENT_SECRET=another"}, theirs.args("-o", "json")...)
			r := got.result(t)
			told := checkOf(r, "cluster.rights")
			if told.Status != check.Warn || !strings.Contains(told.Found, left.String()+": "+left.Prevents) {
				t.Errorf("cluster.rights: %+v", told)
			}
			if left.Verb == "delete" { // only to take back what a first run has created
				return
			}
			access := checkOf(r, "cluster.access")
			unreadable := checkOf(r, "secret.readable").Status == check.Fail
			if got.code != 3 || !unreadable && (access.Status != check.Fail || !strings.Contains(access.Found, left.String())) {
				t.Errorf("exit %d, cluster.access: %+v, %v\n%s", got.code, access, failedChecks(r), got.stderr)
			}
			same(t, "without the right", before, s.state(t))
			if s.previous(t) {
				t.Error("old values were kept")
			}
		})
	}
}

// TestRBACSubjects: who gets the rights is asked of the cluster, or named.
func TestRBACSubjects(t *testing.T) {
	s := newSite(t)
	me := s.KubeconfigFor(t, "jane")
	for name, tt := range map[string]struct {
		kubeconfig string
		args       []string
		code       int
		want       string
	}{
		"who I am":         {me, nil, 0, "for user:jane"},
		"a group":          {"", []string{"--subject", "group:portal-team"}, 0, "kind: Group"},
		"service account":  {"", []string{"--subject", "serviceaccount:ci/runner"}, 0, `namespace: "ci"`},
		"nobody":           {"", nil, 2, "--subject user:NAME"},
		"no kind":          {"", []string{"--subject", "jane"}, 2, "--subject"},
		"no namespace":     {"", []string{"--subject", "serviceaccount:runner"}, 2, "--subject"},
		"an unknown kind":  {"", []string{"--subject", "robot:r2"}, 2, "--subject"},
		"no name":          {"", []string{"--subject", "user:"}, 2, "--subject"},
		"unknown argument": {"", []string{"jane"}, 2, ""},
	} {
		got := s.execute(t, []string{"KUBECONFIG=" + tt.kubeconfig}, append([]string{"rbac"}, tt.args...)...)
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) || tt.code != 0 && got.stdout != "" {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	if entries, err := os.ReadDir(s.dir); err != nil || len(entries) > 0 {
		t.Errorf("files were written: %v %v", entries, err)
	}
}
