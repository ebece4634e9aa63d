//go:build unix

package chart

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// helmSite is a namespace of the test cluster, and a real helm.
type helmSite struct {
	*Helm
	cluster   *testcluster.Cluster
	namespace string
	dir       string
}

// onHelms runs a test with the real helm of the test cluster, and with those that
// $TEST_HELM names as PATH does, for instance older ones.
func onHelms(t *testing.T, test func(t *testing.T, s *helmSite)) {
	cluster := testcluster.Shared(t)
	for _, path := range append([]string{filepath.Join(cluster.Bin, "helm")}, filepath.SplitList(os.Getenv("TEST_HELM"))...) {
		dir := t.TempDir()
		if err := os.Symlink(path, filepath.Join(dir, "helm")); err != nil {
			t.Fatal(err)
		}
		h, err := FindHelm(t.Context(), []string{"PATH=" + dir, "HOME=" + dir, "KUBECONFIG=" + cluster.Kubeconfig})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(h.Version.String(), func(t *testing.T) {
			test(t, &helmSite{Helm: h, cluster: cluster, namespace: cluster.Namespace(t), dir: t.TempDir()})
		})
	}
}

// file writes a file into the site's directory and returns its path.
func (s *helmSite) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// small writes a chart whose only object, and more, is in the value "objects". With
// the value "hook" it has a Job that never ends, at that point of a release.
func (s *helmSite) small(t *testing.T) string {
	t.Helper()
	s.file(t, "small/Chart.yaml", "apiVersion: v2\nname: small\nversion: 0.1.0\n")
	s.file(t, "small/values.yaml", "objects: ''\nhook: ''\nvalue: first\n")
	s.file(t, "small/templates/all.yaml", `apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {value: {{ .Values.value | quote }}}
---
{{ .Values.objects }}
{{- with .Values.hook }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: forever, annotations: {helm.sh/hook: {{ . }}, helm.sh/hook-delete-policy: before-hook-creation}}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}
{{- end }}
`)
	return filepath.Join(s.dir, "small")
}

// upgrade is the release "r" of a chart with values.
func (s *helmSite) upgrade(t *testing.T, chart, values string) Upgrade {
	t.Helper()
	return Upgrade{
		Release: "r", Namespace: s.namespace, ChartRef: chart, Kubeconfig: s.cluster.Kubeconfig, Context: testcluster.Context,
		Timeout: time.Minute, Files: []string{s.file(t, "values.yaml", values)},
	}
}

// revisions are the Secrets of the release "r", oldest first.
func (s *helmSite) revisions(t *testing.T) []corev1.Secret {
	t.Helper()
	client, err := core.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Secrets(s.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=r"})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Secret) int { return cmp.Compare(revision(t, a), revision(t, b)) })
	return list.Items
}

func revision(t *testing.T, s corev1.Secret) int {
	t.Helper()
	n, err := strconv.Atoi(s.Labels["version"])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// statuses are those of all revisions.
func (s *helmSite) statuses(t *testing.T) string {
	t.Helper()
	var all []string
	for _, r := range s.revisions(t) {
		all = append(all, r.Labels["status"])
	}
	return strings.Join(all, " ")
}

func (s *helmSite) wantStatuses(t *testing.T, want string) {
	t.Helper()
	if got := s.statuses(t); got != want {
		t.Fatalf("the revisions are %s, want %s", got, want)
	}
}

// value is what the small chart's ConfigMap has.
func (s *helmSite) value(t *testing.T) string {
	t.Helper()
	client, err := core.NewForConfig(s.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	object, err := client.ConfigMaps(s.namespace).Get(t.Context(), "r", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object.Data["value"]
}

// shell types a line, as somebody who was told to.
func (s *helmSite) shell(t *testing.T, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", line)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + filepath.Dir(s.Path) + ":" + s.cluster.Bin, "HOME=" + s.dir, "KUBECONFIG=" + s.cluster.Kubeconfig}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// awaitJob waits until helm waits for the Job that never ends.
func (s *helmSite) awaitJob(t *testing.T) {
	t.Helper()
	s.shell(t, "kubectl wait --for=create job/forever --timeout=60s -n "+s.namespace)
}

// TestHelmUpgradesAndRollsBack goes through the life of a release.
func TestHelmUpgradesAndRollsBack(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		var told []string
		progress := func(line string) { told = append(told, line) }
		for i, value := range []string{"first", "second"} {
			if err := s.Upgrade(t.Context(), s.upgrade(t, small, "value: "+value), progress); err != nil {
				t.Fatal(err, err.(*HelmError).Output)
			}
			if got := s.value(t); got != value {
				t.Errorf("revision %d has %q", i+1, got)
			}
		}
		s.wantStatuses(t, "superseded deployed")
		all := strings.Join(told, "\n")
		for _, want := range []string{`Release "r" does not exist. Installing it now.`, `Release "r" has been upgraded`} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is not told:\n%s", want, all)
			}
		}
		// Files that say nothing mean the chart's defaults, not the last values.
		if err := s.Upgrade(t.Context(), s.upgrade(t, small, "# nothing\n"), nil); err != nil {
			t.Fatal(err)
		}
		if got := s.value(t); got != "first" {
			t.Errorf("with an empty file the value is %q", got)
		}
		if err := s.Rollback(t.Context(), s.upgrade(t, small, ""), 2, progress); err != nil {
			t.Fatal(err)
		}
		if got := s.value(t); got != "second" {
			t.Errorf("after the rollback the value is %q", got)
		}
		s.wantStatuses(t, "superseded superseded superseded deployed")
		err := s.Rollback(t.Context(), s.upgrade(t, small, ""), 77, nil)
		if e := helmError(t, err); !strings.Contains(e.Cause, "release r") || !strings.Contains(e.Cause, "revision") || !strings.HasPrefix(e.Hint(), "helm history r") {
			t.Error(e)
		}
	})
}

// TestArchiveOfARealRelease: the chart that a release holds installs the same.
func TestArchiveOfARealRelease(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		for _, version := range []string{"1.2.3", "1.0.5"} {
			s.namespace = s.cluster.Namespace(t)
			s.cluster.ApplyManifest(t, []byte(standIns))
			// In 1.0 the bindings are the release's own, and the whole cluster's.
			u := s.upgrade(t, charttest.Version(t, version), `
fullnameOverride: `+s.namespace+`
backstage: {secretName: backstage-secrets, baseUrl: "https://console.example.com", http: {hostnames: [console.example.com]}, replicas: 2}
openchoreoApi: {http: {hostnames: [api.example.com]}}
security: {oidc: {issuer: "https://idp.example.com"}, authz: {enabled: `+fmt.Sprint(version == "1.2.3")+`}}
gateway: {tls: {hostname: "*.example.com"}}
`)
			if err := s.Upgrade(t.Context(), u, nil); err != nil {
				t.Fatal(err, err.(*HelmError).Output)
			}
			stored := s.revisions(t)[0].Data["release"]
			c, err := FromRelease(stored)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := c.Archive()
			if err != nil {
				t.Fatal(err)
			}
			u.ChartRef = s.file(t, "chart.tgz", string(packed))
			if err := s.Upgrade(t.Context(), u, nil); err != nil {
				t.Fatal(err, err.(*HelmError).Output)
			}
			before, after := manifest(t, stored), manifest(t, s.revisions(t)[1].Data["release"])
			if diff := gocmp.Diff(before, after); diff != "" || !strings.Contains(before, "kind: Deployment") {
				t.Errorf("%s: -release +archive\n%s", version, diff)
			}
			again, err := FromRelease(s.revisions(t)[1].Data["release"])
			if err != nil {
				t.Fatal(err)
			}
			same(t, c, again)
		}
	})
}

// manifest is what a release has applied, with its hooks.
func manifest(t *testing.T, stored []byte) string {
	t.Helper()
	text, err := unpackRelease(stored)
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Manifest string
		Hooks    []struct{ Manifest string }
	}
	if err := json.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(release.Manifest, release.Hooks)
}

// TestStoppedHelm: told to end, helm marks the release as failed, and the next
// upgrade goes over it, even over a first installation.
func TestStoppedHelm(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		stop := func(hook string, deployed int) *HelmError {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				defer cancel()
				s.awaitJob(t)
			}()
			u := s.upgrade(t, small, "hook: "+hook)
			u.Deployed = deployed
			err := s.Upgrade(ctx, u, nil)
			e := helmError(t, err)
			if !errors.Is(err, context.Canceled) || e.Status != "failed" {
				t.Errorf("%v, status %q: %q", err, e.Status, e.Output)
			}
			return e
		}
		if e := stop("post-install", 0); !strings.Contains(e.Hint(), "run the upgrade again") {
			t.Errorf("hint %q", e.Hint())
		}
		s.wantStatuses(t, "failed")
		s.mustUpgrade(t, s.upgrade(t, small, "value: second"))
		s.wantStatuses(t, "superseded deployed")
		s.shell(t, "kubectl delete job forever -n "+s.namespace)
		e := stop("post-upgrade", 2)
		s.wantStatuses(t, "superseded deployed failed")
		s.shell(t, e.Hint())
		s.wantStatuses(t, "superseded superseded failed deployed")
		if got := s.value(t); got != "second" {
			t.Errorf("after the hint the value is %q", got)
		}
	})
}

// TestLateHelm: a helm whose time is up ends at once and marks the release as
// failed, and a rollback goes back: without its grace, and although each hook has
// its time still.
func TestLateHelm(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		s.mustUpgrade(t, s.upgrade(t, small, "value: first"))
		u := s.upgrade(t, small, "{hook: post-upgrade, value: second}")
		u.Timeout, u.Grace, u.Limit = time.Hour, time.Hour, 10*time.Second
		e := helmError(t, s.Upgrade(t.Context(), u, nil))
		if e.Status != "failed" || e.Cause != "it was stopped: it did not end within 10s" {
			t.Errorf("%v, status %q: %q", e, e.Status, e.Output)
		}
		s.wantStatuses(t, "deployed failed")
		if err := s.Rollback(t.Context(), u, 1, nil); err != nil {
			t.Fatal(err)
		}
		s.wantStatuses(t, "superseded failed deployed")
		if got := s.value(t); got != "first" {
			t.Errorf("the value is %q", got)
		}
	})
}

func (s *helmSite) mustUpgrade(t *testing.T, u Upgrade) {
	t.Helper()
	if err := s.Upgrade(t.Context(), u, nil); err != nil {
		t.Fatal(err, err.(*HelmError).Output)
	}
}

// cutOff kills helm while it waits for the Job.
func (s *helmSite) cutOff(t *testing.T, verb string, u Upgrade, args []string) *HelmError {
	t.Helper()
	run := s.start(args, nil)
	s.awaitJob(t)
	kill(run.cmd)
	return helmError(t, u.failure(verb, run, nil, run.wait(t.Context(), 0)))
}

// TestCutOffHelm: killed, helm leaves a release that nothing works on, and what is
// said clears it. Run by hand with Helm 3.12 and 3.22 too: see onHelms.
func TestCutOffHelm(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		blocked := func(u Upgrade, status string) string {
			t.Helper()
			all := s.revisions(t)
			if got := all[len(all)-1].Labels["status"]; got != status {
				t.Fatalf("the status is %s, want %s", got, status)
			}
			is, why, command := u.StatusBlocks(status)
			if !is || why == "" {
				t.Errorf("%s does not block: %q", status, why)
			}
			e := helmError(t, s.Upgrade(t.Context(), u, nil))
			if status == "uninstalling" {
				if e.Cause != noRevision || errors.Is(e, ErrBusy) {
					t.Error(e)
				}
			} else if e.Cause != "another helm is at work on release r, or was cut off" || !errors.Is(e, ErrBusy) {
				t.Error(e)
			}
			s.shell(t, "kubectl delete job forever -n "+s.namespace)
			return command
		}

		u := s.upgrade(t, small, "hook: post-install")
		if e := s.cutOff(t, "upgrade", u, u.Args()); e.Status != "pending-install" {
			t.Error(e)
		}
		s.shell(t, blocked(u, "pending-install"))
		s.wantStatuses(t, "")

		s.mustUpgrade(t, s.upgrade(t, small, "value: good"))
		u = s.upgrade(t, small, "{hook: post-upgrade, value: half}")
		u.Deployed = 1
		if e := s.cutOff(t, "upgrade", u, u.Args()); e.Status != "pending-upgrade" || !strings.Contains(e.Error(), "\nthe release is left pending-upgrade") {
			t.Error(e)
		}
		s.shell(t, blocked(u, "pending-upgrade"))
		s.wantStatuses(t, "superseded pending-upgrade deployed")
		if got := s.value(t); got != "good" {
			t.Errorf("the value is %q", got)
		}

		s.mustUpgrade(t, s.upgrade(t, small, "hook: post-rollback"))
		s.mustUpgrade(t, s.upgrade(t, small, "value: later"))
		u = s.upgrade(t, small, "value: later")
		u.Deployed = 5
		if e := s.cutOff(t, "rollback", u, u.RollbackArgs(4)); e.Status != "pending-rollback" {
			t.Error(e)
		}
		s.shell(t, blocked(u, "pending-rollback"))
		if got := s.value(t); got != "later" {
			t.Errorf("the value is %q", got)
		}

		s.mustUpgrade(t, s.upgrade(t, small, "hook: pre-delete"))
		run := s.start([]string{"uninstall", "r", "-n", s.namespace}, nil)
		s.awaitJob(t)
		kill(run.cmd)
		_ = run.wait(t.Context(), 0) // killed
		u = s.upgrade(t, small, "value: new")
		command := blocked(u, "uninstalling")
		s.shell(t, command+" --no-hooks") // our Job would go on for ever
		s.wantStatuses(t, "")
		s.mustUpgrade(t, u)
	})
}

// TestTwoHelmsAtOnce: the other one has written the revision after this one looked.
func TestTwoHelmsAtOnce(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		s.mustUpgrade(t, s.upgrade(t, small, "value: good"))
		// Without Helm's labels it is in the way of the next record, and in no list.
		s.shell(t, "kubectl create secret generic sh.helm.release.v1.r.v2 -n "+s.namespace)
		e := helmError(t, s.Upgrade(t.Context(), s.upgrade(t, small, "value: second"), nil))
		if e.Cause != "another helm is at work on release r, or was cut off" || !errors.Is(e, ErrBusy) || !strings.HasPrefix(e.Hint(), "helm history r") {
			t.Errorf("%v\n%s", e, strings.Join(e.Output, "\n"))
		}
		if got := s.value(t); got != "good" {
			t.Errorf("the value is %q", got)
		}
	})
}

const noRevision = "release r has no revision that could be upgraded: it was uninstalled, or that was cut off"

// TestStatusBlocksNot: over these an upgrade goes.
func TestStatusBlocksNot(t *testing.T) {
	for _, status := range []string{"", "deployed", "superseded", "failed", "uninstalled"} {
		if is, why, command := place.StatusBlocks(status); is || why != "" || command != "" {
			t.Errorf("%s: %v %q %q", status, is, why, command)
		}
	}
	onHelms(t, func(t *testing.T, s *helmSite) {
		u := s.upgrade(t, s.small(t), "value: first")
		s.mustUpgrade(t, u)
		s.shell(t, "helm uninstall r --keep-history -n "+s.namespace)
		s.wantStatuses(t, "uninstalled")
		if s.Version.compare(HelmVersion{Major: 3, Minor: 14}) < 0 {
			e := helmError(t, s.Upgrade(t.Context(), u, nil))
			_, command, _ := strings.Cut(e.Hint(), ": ")
			if e.Cause != noRevision {
				t.Error(e)
			}
			s.shell(t, command)
		}
		s.mustUpgrade(t, u)
	})
	unknown := place
	unknown.Deployed = 0
	if _, _, command := unknown.StatusBlocks("pending-upgrade"); command != "helm history r -n n, then helm rollback r -n n REVISION" {
		t.Errorf("%q", command)
	}
}

const standIns = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in for tests"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: HTTPRoute, plural: httproutes}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gateways.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in for tests"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: Gateway, plural: gateways}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clusterauthzrolebindings.openchoreo.dev
spec:
  group: openchoreo.dev
  scope: Cluster
  names: {kind: ClusterAuthzRoleBinding, plural: clusterauthzrolebindings}
  versions:
    - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`
