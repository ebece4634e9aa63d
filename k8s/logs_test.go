package k8s

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestLogs(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	deploy(t, cluster, ns, 1)
	c, _ := admin(t, cluster)
	if err := c.WatchRollout(t.Context(), ns, "backstage", (&seen{}).add); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 5_000)
	file := filepath.Join(t.TempDir(), "portal.log")
	var text strings.Builder
	for _, line := range []string{"first", "Failed to fetch client credentials token", long} {
		fmt.Fprintf(&text, "2026-01-02T03:04:05.000000000Z stdout F %s\n", line)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: logs-%[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{containers: [backstage], logsFile: %[2]s}]
`, ns, file))
	const selector = "app.kubernetes.io/component=backstage"
	want := []string{"Failed to fetch client credentials token", long}
	eventually(t, "the log is there", func() error {
		got, err := c.Logs(t.Context(), ns, selector, 2)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	pods, err := c.podsOf(t.Context(), ns, selector)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Logs(t.Context(), ns, pods[0].Name, 2)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("of the named pod: %v %s", err, diff)
	}
}

func TestLogsOfNothing(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	nobody := openAs(t, cluster.KubeconfigFor(t, "nobody"), nil)
	for name, tt := range map[string]struct {
		client *Client
		pods   string
		reason error
		want   string
	}{
		"no such pod":     {c, "web", ErrNotFound, "get pods NS/web: not found"},
		"no pod matches":  {c, "app=web", ErrNotFound, "list pods NS: not found: no pod matches app=web"},
		"no right to get": {nobody, "web", ErrForbidden, `get pods NS/web: not allowed: the right get on pods "web" in namespace "NS" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.client.Logs(t.Context(), ns, tt.pods, 10)
			if !errors.Is(err, tt.reason) {
				t.Fatalf("got %v", err)
			}
			if want := strings.ReplaceAll(tt.want, "NS", ns); err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// The server's refusal is no line of the log.
func TestLogsWithoutTheRight(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	deploy(t, cluster, ns, 1)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lister, namespace: NS}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lister, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lister}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: lister-NS}]
`, "NS", ns)))
	c := openAs(t, cluster.KubeconfigFor(t, "lister-"+ns), nil)
	var lines []string
	var err error
	eventually(t, "the right to list is known, and a pod is there", func() error {
		lines, err = c.Logs(t.Context(), ns, "app.kubernetes.io/component=backstage", 10)
		if err == nil || strings.Contains(err.Error(), "list pods") {
			return fmt.Errorf("%q %v", lines, err)
		}
		return nil
	})
	if !errors.Is(err, ErrForbidden) || lines != nil || !strings.Contains(err.Error(), "get on pods/log") {
		t.Errorf("got %q %v", lines, err)
	}
}
