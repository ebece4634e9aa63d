package k8s

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// grant gives a user these rights, and takes all others in the namespaces that
// they are of.
func grant(t testing.TB, cluster *testcluster.Cluster, ns, user string, rights []Access) {
	t.Helper()
	manifest, err := RBAC(rights, Subject{Kind: "User", Name: user}, ns, RBACOptions{ClusterRole: true})
	if err != nil {
		t.Fatal(err)
	}
	cluster.ApplyManifest(t, manifest)
}

// asked returns the right that a request takes, as the API server derives it.
func asked(t *testing.T, method string, at *url.URL) (Access, bool) {
	t.Helper()
	parts := strings.Split(strings.Trim(at.Path, "/"), "/")
	var a Access
	switch parts[0] {
	case "api":
		parts = parts[2:]
	case "apis":
		a.Group, parts = parts[1], parts[3:]
	default:
		return a, false // no resource
	}
	if parts[0] == "namespaces" {
		a.Namespace = parts[1]
		if len(parts) > 2 {
			parts = parts[2:]
		}
	}
	a.Resource = parts[0]
	if len(parts) > 1 {
		a.Name = parts[1]
	}
	if len(parts) > 2 {
		a.Resource += "/" + parts[2]
	}
	query := at.Query()
	a.Verb = map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPatch: "patch", http.MethodDelete: "delete"}[method]
	if a.Name == "" && a.Verb == "get" {
		a.Verb = "list"
		if query.Has("watch") {
			a.Verb = "watch"
		}
		a.Name, _ = strings.CutPrefix(query.Get("fieldSelector"), "metadata.name=")
		if strings.Contains(a.Name, "=") {
			a.Name = ""
		}
	}
	if a.Verb == "" {
		t.Fatalf("%s %s", method, at)
	}
	return a, a.Resource != "selfsubjectaccessreviews" // everybody may ask that
}

// requests notes the right that each request takes.
type requests struct {
	t  *testing.T
	mu sync.Mutex
	of map[Access]bool
}

func (r *requests) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		if a, ok := asked(r.t, req.Method, req.URL); ok {
			r.mu.Lock()
			r.of[a] = true
			r.mu.Unlock()
		}
		return next.RoundTrip(req)
	})
}

// compare expects each request to be covered by a right, and each right to be
// needed by a request.
func (r *requests) compare(t *testing.T, rights []Access) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	used := map[Access]bool{}
	for request := range r.of {
		i := slices.IndexFunc(rights, func(right Access) bool { return right.question() == request.question() })
		if i < 0 {
			i = slices.IndexFunc(rights, func(right Access) bool { return covers(right, request) })
		}
		if i < 0 {
			t.Errorf("no right in the table for %s", request)
			continue
		}
		used[rights[i].question()] = true
	}
	for _, right := range rights {
		if !used[right.question()] {
			t.Errorf("no request needs %s", right)
		}
	}
}

// namespacedStore makes the ExternalSecret of install read from a SecretStore.
const namespacedStore = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal-es, namespace: NS}
spec:
  secretStoreRef: {kind: SecretStore, name: store}
  target: {name: portal-secrets, creationPolicy: Merge}
  data:
  - {secretKey: client-secret, remoteRef: {key: backstage-client-secret, property: value}}
`

// TestRights holds the tables against the requests that are really sent, and
// the manifest against an API server that minds RBAC.
func TestRights(t *testing.T) {
	cluster := testcluster.Start(t)
	applyCRDs(t, cluster)
	ns := install(t, cluster, true)
	deploy(t, cluster, ns, 1)
	seen := &requests{t: t, of: map[Access]bool{}}
	admin := openAs(t, cluster.Kubeconfig, seen.wrap)
	q := Query{Namespace: ns, Release: "cp", SecretName: "portal-secrets"}
	discovery := slices.Concat(DiscoveryRights(q), ReleaseRights(ns))

	t.Run("discovery", func(t *testing.T) {
		admin.Discover(t.Context(), q)
		cluster.ApplyManifest(t, []byte(strings.ReplaceAll(namespacedStore, "NS", ns)))
		admin.Discover(t.Context(), q)
		seen.compare(t, discovery)
	})

	const previous = "portal-secrets-previous"
	writing := slices.Concat(
		CreateSecretRights(ns), PatchSecretRights(ns, "portal-secrets"), KeepPreviousRights(ns, previous), DeleteSecretRights(ns, "portal-secrets"),
		RestartRights(ns, "backstage"), RolloutRights(ns, "backstage"),
	)
	t.Run("writing", func(t *testing.T) {
		seen := &requests{t: t, of: map[Access]bool{}}
		if err := write(t.Context(), openAs(t, cluster.Kubeconfig, seen.wrap), ns, previous); err != nil {
			t.Fatal(err)
		}
		seen.compare(t, writing)
	})

	rest := slices.Concat(PatchExternalSecretRights(ns, "portal-es"), CreateExternalSecretRights(ns), PortForwardRights(ns, "portal"))
	all := slices.Concat(discovery, writing, rest)
	kubeconfig := cluster.KubeconfigFor(t, "setup")
	missing := func(t *testing.T, user *Client, rights []Access) (names []string) {
		t.Helper()
		got, err := user.Can(t.Context(), rights)
		if err != nil {
			t.Fatal(err)
		}
		for _, right := range got {
			if !right.Allowed && !slices.Contains(names, right.String()) {
				names = append(names, right.String())
			}
		}
		return names
	}

	t.Run("the manifest is enough", func(t *testing.T) {
		user := openAs(t, kubeconfig, nil)
		grant(t, cluster, ns, "setup", all)
		eventually(t, "all is allowed", func() error {
			if names := missing(t, user, all); len(names) > 0 {
				return fmt.Errorf("missing: %s", strings.Join(names, "; "))
			}
			return nil
		})
		found := user.Discover(t.Context(), q)
		for part, unknown := range map[string]string{
			"namespace": found.Namespace.Unknown, "release": found.Release.Unknown, "deployment": found.Deployment.Unknown,
			"pods": found.Pods.Unknown, "secret": found.Secret.Unknown, "external": found.External.Unknown + found.External.Store.Unknown,
			"portal": found.Portal.Unknown, "API": found.API.Unknown, "API config": found.APIConfig.Unknown, "gateway": found.Gateway.Unknown,
			"storage": found.StorageClasses.Unknown, "workflow": found.WorkflowPlanes.Unknown,
			"observability": found.ObservabilityPlanes.Unknown, "Thunder": found.Thunder.Unknown,
		} {
			if unknown != "" && !strings.Contains(unknown, "secretstores") { // the store itself is not there
				t.Errorf("%s: %s", part, unknown)
			}
		}
		if err := write(t.Context(), user, ns, previous); err != nil {
			t.Error(err)
		}
	})

	t.Run("each rule counts", func(t *testing.T) {
		merged := MergeRights(all)
		for _, left := range merged {
			t.Run(left.String(), func(t *testing.T) {
				user := openAs(t, kubeconfig, nil) // each has its own limit of requests a second
				var fewer []Access
				for _, right := range merged {
					if !covers(left, right) && !covers(right, left) {
						fewer = append(fewer, right)
					}
				}
				grant(t, cluster, ns, "setup", fewer)
				eventually(t, "the rights are known", func() error {
					names := missing(t, user, append([]Access{left}, fewer...))
					if len(names) != 1 || names[0] != left.String() {
						return fmt.Errorf("missing: %v, want %s", names, left)
					}
					return nil
				})
			})
		}
	})
}

// covers tells whether who has a also has b.
func covers(a, b Access) bool {
	q := b.question()
	if a.Name == "" {
		q.Name = ""
	}
	return a.question() == q
}

// write does what changes the cluster, and leaves it as it was: keeps the
// portal's Secret, makes it anew, changes it, restarts the portal and watches it
// come up.
func write(ctx context.Context, c *Client, ns, previous string) error {
	s, err := c.Secret(ctx, ns, "portal-secrets")
	if err != nil {
		return err
	}
	if _, err := c.CreateSecret(ctx, SecretChange{Namespace: ns, Name: previous, Set: s.Values}); err != nil {
		return err
	}
	kept, err := c.Secret(ctx, ns, previous)
	if err != nil {
		return err
	}
	kept, err = c.PatchSecret(ctx, SecretChange{Namespace: ns, Name: previous, ResourceVersion: kept.ResourceVersion, Annotations: map[string]string{"journal": "1"}})
	if err != nil {
		return err
	}
	if err := c.DeleteSecret(ctx, ns, s.Name, s.UID, s.ResourceVersion); err != nil {
		return err
	}
	s, err = c.CreateSecret(ctx, SecretChange{Namespace: ns, Name: s.Name, Set: kept.Values})
	if err != nil {
		return err
	}
	if _, err := c.PatchSecret(ctx, SecretChange{Namespace: ns, Name: s.Name, ResourceVersion: s.ResourceVersion, Annotations: map[string]string{"journal": "1"}}); err != nil {
		return err
	}
	if err := c.RestartDeployment(ctx, ns, "backstage", time.Now()); err != nil {
		return err
	}
	if err := c.WatchRollout(ctx, ns, "backstage", func(Rollout) {}); err != nil {
		return err
	}
	if _, err := c.warnings(ctx, ns, "Pod", "stuck"); err != nil { // a roll-out that is stuck asks for them
		return err
	}
	if _, err := c.Logs(ctx, ns, componentLabel+"="+portalComponent, 1); errors.Is(err, ErrForbidden) { // kwok has no log of them
		return err
	}
	return c.DeleteSecret(ctx, ns, previous, kept.UID, "")
}

// Each right says what it is for and what its lack means, for people.
func TestRightsAreExplained(t *testing.T) {
	all := slices.Concat(
		DiscoveryRights(Query{Namespace: "ns"}), ReleaseRights("ns"), CreateSecretRights("ns"), PatchSecretRights("ns", "s"),
		KeepPreviousRights("ns", "p"), DeleteSecretRights("ns", "s"), RestartRights("ns", "d"), RolloutRights("ns", "d"),
		PatchExternalSecretRights("ns", "es"), CreateExternalSecretRights("ns"), PortForwardRights("ns", "svc"), DatabaseRights(), LoginRights("ns"),
	)
	for _, right := range all {
		if right.Why == "" || right.Prevents == "" || strings.HasSuffix(right.Why, ".") || strings.HasSuffix(right.Prevents, ".") {
			t.Errorf("%s: for %q; prevents %q", right, right.Why, right.Prevents)
		}
		if right.Verb == "create" && right.Name != "" {
			t.Errorf("%s: create cannot be limited to a name", right)
		}
	}
	for _, q := range []struct{ given, want string }{{"", DefaultSecretName}, {"another", "another"}} {
		if !slices.ContainsFunc(DiscoveryRights(Query{SecretName: q.given}), func(a Access) bool { return a.Resource == "secrets" && a.Name == q.want }) {
			t.Errorf("the Secret %q is not read", q.want)
		}
	}
}

func TestMergeRights(t *testing.T) {
	get := Access{Verb: "get", Resource: "secrets", Name: "s", Namespace: "ns"}
	with := func(a Access, why string, needed bool) Access {
		a.Why, a.Needed = why, needed
		return a
	}
	create := Access{Verb: "create", Resource: "secrets", Namespace: "ns"}
	named := create
	named.Name = "s"
	got := MergeRights([]Access{with(get, "look", false), create, with(get, "write", true), with(get, "last", true), named})
	want := []Access{with(get, "write", true), create}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestCanAsksOnce(t *testing.T) {
	cluster := testcluster.Shared(t)
	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	var rights []Access
	for i := range 100 {
		rights = append(rights, Access{Verb: "create", Resource: "secrets", Namespace: "ns", Name: fmt.Sprint(i), Why: fmt.Sprint(i)})
	}
	rights = append(rights, Access{Verb: "get", Resource: "secrets", Namespace: "ns", Name: "s", Needed: true})
	got, err := c.Can(t.Context(), rights)
	if err != nil {
		t.Fatal(err)
	}
	for i, right := range got {
		if want := rights[i]; !right.Allowed || right.Why != want.Why || right.Name != want.Name || right.Needed != want.Needed {
			t.Errorf("got %+v, asked %+v", right, want)
		}
	}
	if sent := len(count.requests()); sent != 2 {
		t.Errorf("%d requests", sent)
	}
}

// Not more than maxQuestions wait for an answer.
func TestCanIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const yes = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","status":{"allowed":true}}`
		var waiting, most atomic.Int32
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				most.Store(max(most.Load(), waiting.Add(1)))
				time.Sleep(time.Second) // of the bubble's clock: until all that may wait do
				waiting.Add(-1)
				return response(req, http.StatusCreated, "application/json", []byte(yes)), nil
			})
		})
		var rights []Access
		for i := range 2*maxQuestions + 1 {
			rights = append(rights, Access{Verb: "get", Resource: "secrets", Name: fmt.Sprint(i)})
		}
		if _, err := c.Can(t.Context(), rights); err != nil {
			t.Fatal(err)
		}
		if got := most.Load(); got > maxQuestions || got < maxQuestions/2 {
			t.Errorf("%d at once", got)
		}
	})
}
