package k8s

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestDataHistory(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }
	entry := func(manager string, second int, fields string) metav1.ManagedFieldsEntry {
		e := metav1.ManagedFieldsEntry{Manager: manager, Time: &metav1.Time{Time: at(second)}, FieldsV1: &metav1.FieldsV1{}}
		e.FieldsV1.SetRawBytes([]byte(fields))
		return e
	}
	withoutTime := entry("a", 1, `{"f:data":{"f:k":{}}}`)
	withoutTime.Time = nil
	for name, tt := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		holders map[string]string
		written time.Time
	}{
		"none": {holders: map[string]string{}},
		"one each": {
			[]metav1.ManagedFieldsEntry{entry("a", 1, `{"f:data":{".":{},"f:one":{}},"f:type":{}}`), entry("b", 2, `{"f:data":{"f:two":{}}}`)},
			map[string]string{"one": "a", "two": "b"}, at(2),
		},
		"metadata later than data": {
			[]metav1.ManagedFieldsEntry{entry("a", 1, `{"f:data":{"f:k":{}}}`), entry("b", 9, `{"f:metadata":{"f:labels":{"f:data":{}}}}`)},
			map[string]string{"k": "a"}, at(1),
		},
		"two of one key, the newer first": {
			[]metav1.ManagedFieldsEntry{entry("new", 5, `{"f:data":{"f:k":{}}}`), entry("old", 4, `{"f:data":{"f:k":{}}}`)},
			map[string]string{"k": "new"}, at(5),
		},
		"two of one key, the newer last": {
			[]metav1.ManagedFieldsEntry{entry("old", 4, `{"f:data":{"f:k":{}}}`), entry("new", 5, `{"f:data":{"f:k":{}}}`)},
			map[string]string{"k": "new"}, at(5),
		},
		"applied as text": {
			[]metav1.ManagedFieldsEntry{entry("a", 1, `{"f:stringData":{"f:k":{}}}`)},
			map[string]string{"k": "a"}, at(1),
		},
		"a key with dots":  {[]metav1.ManagedFieldsEntry{entry("a", 1, `{"f:data":{"f:f:x.y":{}}}`)}, map[string]string{"f:x.y": "a"}, at(1)},
		"no time":          {[]metav1.ManagedFieldsEntry{withoutTime}, map[string]string{"k": "a"}, time.Time{}},
		"cannot be read":   {[]metav1.ManagedFieldsEntry{entry("a", 1, `{"f:data":7}`), entry("b", 1, `"f:data"`)}, map[string]string{}, time.Time{}},
		"no fields at all": {[]metav1.ManagedFieldsEntry{{Manager: "a"}}, map[string]string{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			holders, written := dataHistory(tt.entries)
			if diff := cmp.Diff(tt.holders, holders); diff != "" {
				t.Error(diff)
			}
			if !written.Equal(tt.written) {
				t.Errorf("written %v, want %v", written, tt.written)
			}
		})
	}
}

// Who holds a key follows what others really do to it.
func TestHoldersOnTheAPIServer(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	ns := cluster.Namespace(t)
	seed(t, cluster, ns, portalSecretObject(map[string]string{"theirs": "1", "client-secret": "old"}), false)
	s, err := c.Secret(t.Context(), ns, "backstage-secrets")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"theirs": "kubectl-create", "client-secret": "kubectl-create"}, s.Holders); diff != "" {
		t.Error(diff)
	}
	if s.DataWritten.IsZero() || s.DataWritten.Sub(s.CreatedAt) > time.Minute {
		t.Errorf("written at %v, created at %v", s.DataWritten, s.CreatedAt)
	}
	s, err = c.PatchSecret(t.Context(), SecretChange{
		Namespace: ns, Name: s.Name, ResourceVersion: s.ResourceVersion,
		Set: texts(map[string]string{"client-secret": "new", "service-client-secret": "new"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"theirs": "kubectl-create", "client-secret": FieldManager, "service-client-secret": FieldManager}, s.Holders); diff != "" {
		t.Error(diff)
	}
	for _, step := range []struct {
		manager string
		kind    types.PatchType
		patch   string
		want    map[string]string
	}{
		{
			"kubectl-edit", types.MergePatchType, `{"data":{"client-secret":"ZWRpdGVk"}}`,
			map[string]string{"theirs": "kubectl-create", "client-secret": "kubectl-edit", "service-client-secret": FieldManager},
		},
		{ // the same value changes no hands
			"kubectl-patch", types.MergePatchType, `{"data":{"service-client-secret":"bmV3"}}`,
			map[string]string{"theirs": "kubectl-create", "client-secret": "kubectl-edit", "service-client-secret": FieldManager},
		},
		{
			"kubectl-label", types.MergePatchType, `{"metadata":{"labels":{"team":"a"}}}`,
			map[string]string{"theirs": "kubectl-create", "client-secret": "kubectl-edit", "service-client-secret": FieldManager},
		},
		{
			"deploy-bot", types.ApplyYAMLPatchType, `{"apiVersion":"v1","kind":"Secret","data":{"service-client-secret":"Ym90"}}`,
			map[string]string{"theirs": "kubectl-create", "client-secret": "kubectl-edit", "service-client-secret": "deploy-bot"},
		},
	} {
		options := metav1.PatchOptions{FieldManager: step.manager}
		if step.kind == types.ApplyYAMLPatchType {
			yes := true
			options.Force = &yes
		}
		var raw *api.Secret
		if raw, err = core.Secrets(ns).Patch(t.Context(), s.Name, step.kind, []byte(step.patch), options); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, plainSecret(raw).Holders); diff != "" {
			t.Errorf("after %s: %s", step.manager, diff)
		}
	}
}
