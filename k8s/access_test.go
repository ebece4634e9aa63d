package k8s

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestCan(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: setup, namespace: NS}
rules:
- {apiGroups: [""], resources: [secrets], resourceNames: [backstage-secrets], verbs: [get, patch]}
- {apiGroups: [""], resources: [secrets], verbs: [create]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [named], verbs: [create]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [apps], resources: [deployments], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: setup, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: setup}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: can-NS}]
`, "NS", ns)))
	count := &recorder{}
	c := openAs(t, cluster.KubeconfigFor(t, "can-"+ns), count.wrap)
	want := []Access{
		{Verb: "get", Resource: "secrets", Name: "backstage-secrets", Namespace: ns, Allowed: true},
		{Verb: "get", Resource: "secrets", Name: "another", Namespace: ns},
		{Verb: "list", Resource: "secrets", Namespace: ns},
		{Verb: "patch", Resource: "secrets", Name: "backstage-secrets", Namespace: ns, Why: "to rotate", Allowed: true},
		{Verb: "create", Resource: "secrets", Name: "backstage-secrets", Namespace: ns, Allowed: true},
		{Verb: "create", Resource: "secrets", Namespace: "default"},
		{Verb: "create", Resource: "configmaps", Name: "named", Namespace: ns}, // such a rule allows nothing
		{Verb: "get", Resource: "pods/log", Namespace: ns, Allowed: true},
		{Verb: "get", Resource: "pods", Namespace: ns},
		{Verb: "get", Group: "apps", Resource: "deployments", Name: "backstage", Namespace: ns, Allowed: true},
		{Verb: "get", Resource: "deployments", Name: "backstage", Namespace: ns},
		{Verb: "list", Group: "storage.k8s.io", Resource: "storageclasses"},
	}
	var asked []Access
	for _, right := range want {
		right.Allowed = !right.Allowed // what it was before does not count
		asked = append(asked, right)
	}
	eventually(t, "the rights are known", func() error {
		got, err := c.Can(t.Context(), asked)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if asked[0].Allowed {
		t.Error("Can changed what it was given")
	}
	if sent := len(count.requests()); sent%len(want) != 0 {
		t.Errorf("%d requests for %d rights", sent, len(want))
	}
}

func TestCanWithoutServer(t *testing.T) {
	c := openAs(t, serverConfig(t, "http://127.0.0.1:1"), nil)
	_, err := c.Can(t.Context(), []Access{{Verb: "get", Resource: "secrets"}})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if got, err := c.Can(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("nothing asked: %v %v", got, err)
	}
}

func TestRight(t *testing.T) {
	for want, e := range map[string]RequestError{
		`get on secrets "s" in namespace "ns"`:  {Verb: "get", Resource: "secrets", Namespace: "ns", Name: "s"},
		`create on secrets in namespace "ns"`:   {Verb: "create", Resource: "secrets", Namespace: "ns", Name: "s"},
		`list on storageclasses.storage.k8s.io`: {Verb: "list", Group: "storage.k8s.io", Resource: "storageclasses"},
	} {
		if got := e.Right(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := fmt.Sprint(&RequestError{Verb: "list", Resource: "nodes", Detail: "odd"}); got != "list nodes: odd" {
		t.Error(got)
	}
}
