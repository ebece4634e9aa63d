package k8s

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// manifestRights are some of each kind, out of order and more than once.
func manifestRights() []Access {
	return slices.Concat(
		RestartRights("portal", "backstage"), PatchSecretRights("portal", "backstage-secrets"), CreateSecretRights("portal"),
		[]Access{
			{Verb: "get", Resource: "secrets", Name: "backstage-secrets", Namespace: "portal", Why: "read the portal's Secret"},
			{Verb: "list", Group: "apps", Resource: "deployments", Namespace: "thunder", Why: "see whether Thunder is installed"},
			{Verb: "create", Resource: "secrets", Name: "ignored", Namespace: "portal", Why: "keep\nthe old values"},
			{Verb: "list", Group: "storage.k8s.io", Resource: "storageclasses", Why: "offer the storage classes", Prevents: "none is offered"},
			{Verb: "get", Resource: "pods/log", Namespace: "portal", Why: "read logs"},
			{Verb: "get", Group: "apps", Resource: "deployments", Namespace: "portal", Why: "find the portal"},
			{Verb: "get", Group: "apps", Resource: "deployments", Name: "backstage", Namespace: "portal", Why: "follow the roll-out"},
		},
	)
}

const wantRoles = `# What backstage-setup needs, for user:jane. Apply it with: kubectl apply -f FILE
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: backstage-setup
  namespace: "portal"
rules:
# Read logs.
- apiGroups: [""]
  resources: ["pods/log"]
  verbs: ["get"]
# Create the portal's Secret.
# Keep the old values.
- apiGroups: [""]
  resources: ["secrets"]
  verbs: ["create"]
# Change keys of the portal's Secret.
# Read the portal's Secret.
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["backstage-secrets"]
  verbs: ["get", "patch"]
# Find the portal.
# Follow the roll-out.
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["get"]
# Restart the portal.
- apiGroups: ["apps"]
  resources: ["deployments"]
  resourceNames: ["backstage"]
  verbs: ["patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: backstage-setup
  namespace: "portal"
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: backstage-setup
subjects:
- kind: User
  name: "jane"
  apiGroup: rbac.authorization.k8s.io
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: backstage-setup
  namespace: "thunder"
rules:
# See whether Thunder is installed.
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: backstage-setup
  namespace: "thunder"
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: backstage-setup
subjects:
- kind: User
  name: "jane"
  apiGroup: rbac.authorization.k8s.io
`

const wantClusterRole = `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: backstage-setup
rules:
# Offer the storage classes.
- apiGroups: ["storage.k8s.io"]
  resources: ["storageclasses"]
  verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: backstage-setup
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: backstage-setup
subjects:
- kind: User
  name: "jane"
  apiGroup: rbac.authorization.k8s.io
`

func TestRBAC(t *testing.T) {
	jane := Subject{Kind: "User", Name: "jane"}
	rights := manifestRights()
	got, err := RBAC(rights, jane, "portal", RBACOptions{ClusterRole: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantRoles+wantClusterRole, string(got)); diff != "" {
		t.Error(diff)
	}
	head, rest, _ := strings.Cut(wantRoles, "\n")
	without := head + `
# Not in here, because it takes a ClusterRole:
# - list on storageclasses.storage.k8s.io: without it none is offered
` + rest
	got, err = RBAC(rights, jane, "portal", RBACOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(without, string(got)); diff != "" {
		t.Error(diff)
	}
	for range 20 {
		rand.Shuffle(len(rights), func(i, j int) { rights[i], rights[j] = rights[j], rights[i] })
		if again, err := RBAC(rights, jane, "portal", RBACOptions{}); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("in another order: %v %s", err, cmp.Diff(string(got), string(again)))
		}
	}
	if thunder, err := RBAC(rights, jane, "thunder", RBACOptions{}); err != nil || strings.Index(string(thunder), `"thunder"`) > strings.Index(string(thunder), `"portal"`) {
		t.Errorf("the asked namespace is not first: %v", err)
	}
	for _, wrong := range []struct {
		rights  []Access
		subject Subject
	}{{nil, jane}, {rights, Subject{}}, {rights, Subject{Kind: "User"}}} {
		if got, err := RBAC(wrong.rights, wrong.subject, "portal", RBACOptions{}); err == nil {
			t.Errorf("got %s", got)
		}
	}
}

// Whatever is in a name, the manifest says it and nothing else.
func TestRBACQuotes(t *testing.T) {
	for _, name := range []string{
		"jane", "oidc:jane@example.com", `CN="a, b"`, "a: b # c", "yes", "123", "null", "äöü", "line\n---\nkind: ClusterRole", `","`, "<&>", "{}", "- x", "\u2028",
	} {
		got, err := RBAC(manifestRights(), Subject{Kind: "Group", Name: name}, "portal", RBACOptions{ClusterRole: true})
		if err != nil {
			t.Fatal(err)
		}
		documents := strings.Split(string(got), "\n---\n")
		if len(documents) != 7 { // the comment is one of them
			t.Errorf("%q: %d documents", name, len(documents))
			continue
		}
		var binding rbacv1.RoleBinding
		if err := yaml.UnmarshalStrict([]byte(documents[2]), &binding); err != nil {
			t.Fatal(err)
		}
		want := []rbacv1.Subject{{Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: name}}
		if diff := cmp.Diff(want, binding.Subjects); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
		var role rbacv1.Role
		if err := yaml.UnmarshalStrict([]byte(documents[1]), &role); err != nil {
			t.Fatal(err)
		}
		if len(role.Rules) != 5 || role.Namespace != "portal" {
			t.Errorf("%q: %+v", name, role)
		}
	}
}

// A service account gets its rights, too.
func TestRBACOfServiceAccount(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	subject, err := ParseSubject("serviceaccount:" + ns + "/setup")
	if err != nil {
		t.Fatal(err)
	}
	rights := PatchSecretRights(ns, "s")
	manifest, err := RBAC(rights, subject, ns, RBACOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.ApplyManifest(t, manifest)
	c := openAs(t, cluster.KubeconfigFor(t, "system:serviceaccount:"+ns+":setup"), nil)
	eventually(t, "it has its rights", func() error {
		_, err := c.Secret(t.Context(), ns, "s")
		if unknown(err) != "" {
			return err
		}
		return nil
	})
}

func TestParseSubject(t *testing.T) {
	for text, want := range map[string]Subject{
		"user:jane":                       {Kind: "User", Name: "jane"},
		"user:oidc:jane@example.com":      {Kind: "User", Name: "oidc:jane@example.com"},
		"group:platform team":             {Kind: "Group", Name: "platform team"},
		"group:system:masters":            {Kind: "Group", Name: "system:masters"},
		"serviceaccount:ci/setup.v1":      {Kind: "ServiceAccount", Namespace: "ci", Name: "setup.v1"},
		"system:serviceaccount:ci:setup":  {Kind: "ServiceAccount", Namespace: "ci", Name: "setup"},
		"user:system:serviceaccount:ci:s": {Kind: "ServiceAccount", Namespace: "ci", Name: "s"},
	} {
		got, err := ParseSubject(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v %v", text, got, err)
		}
		if again, err := ParseSubject(got.String()); err != nil || again != got {
			t.Errorf("%s: written %s, read %+v %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "jane", "user:", "user: ", "group:", "User:jane", "serviceaccount:setup", "serviceaccount:/s", "serviceaccount:ci/", "serviceaccount:ci/a/b", "serviceaccount:CI/s", "robot:r", "user:a\nb", "user:\xff"} {
		if got, err := ParseSubject(text); err == nil || !strings.Contains(err.Error(), "must be user:NAME") {
			t.Errorf("%q: got %+v %v", text, got, err)
		}
	}
	for user, want := range map[string]Subject{
		"jane":                       {Kind: "User", Name: "jane"},
		"system:serviceaccount:ci:s": {Kind: "ServiceAccount", Namespace: "ci", Name: "s"},
		"system:serviceaccount:ci":   {Kind: "User", Name: "system:serviceaccount:ci"},
		"system:serviceaccount:C:s":  {Kind: "User", Name: "system:serviceaccount:C:s"},
	} {
		if got := UserSubject(user); got != want {
			t.Errorf("%s: got %+v", user, got)
		}
	}
}

// What is accepted is read as the same again, and the manifest names it.
func FuzzParseSubject(f *testing.F) {
	for _, text := range []string{"user:jane", "group:a b", "serviceaccount:ci/s", "system:serviceaccount:ci:s", "user: x: y", `user:"\`, "user:\u2028"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSubject(text)
		if err != nil {
			return
		}
		if again, err := ParseSubject(s.String()); err != nil || again != s {
			t.Errorf("%q: read %+v, written %q, read %+v %v", text, s, s, again, err)
		}
		manifest, err := RBAC(CreateSecretRights("ns"), s, "ns", RBACOptions{})
		if err != nil {
			t.Fatal(err)
		}
		documents := strings.Split(string(manifest), "\n---\n")
		var binding rbacv1.RoleBinding
		if err := yaml.UnmarshalStrict([]byte(documents[len(documents)-1]), &binding); err != nil {
			t.Fatal(err)
		}
		if len(documents) != 3 || binding.Subjects[0].Name != s.Name || binding.Subjects[0].Kind != s.Kind {
			t.Errorf("%+v: %s", s, manifest)
		}
	})
}
