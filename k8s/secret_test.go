package k8s

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func texts(values map[string]string) map[string]secret.Text {
	out := map[string]secret.Text{}
	for key, value := range values {
		out[key] = secret.New(value)
	}
	return out
}

func revealed(s *Secret) map[string]string {
	out := map[string]string{}
	for key, value := range s.Values {
		out[key] = value.Reveal()
	}
	return out
}

func TestMergePatch(t *testing.T) {
	body, err := SecretChange{
		Namespace: "ns", Name: "s", ResourceVersion: "7",
		Set:         texts(map[string]string{"client-secret": "ü\n"}),
		Remove:      []string{"old"},
		Annotations: map[string]string{"set": "1", "gone": ""}, RemoveLastApplied: true,
	}.mergePatch()
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"metadata": map[string]any{"resourceVersion": "7", "annotations": map[string]any{"set": "1", "gone": nil, lastApplied: nil}},
		"data":     map[string]any{"client-secret": "w7wK", "old": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMergePatchOfOneKeyTwice(t *testing.T) {
	_, err := SecretChange{Set: texts(map[string]string{"a": "1"}), Remove: []string{"a"}}.mergePatch()
	if err == nil || err.Error() != `key "a" is to be set and removed` {
		t.Errorf("got %v", err)
	}
}

func TestCreateSecret(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	ns := cluster.Namespace(t)
	change := SecretChange{
		Namespace: ns, Name: "backstage-secrets",
		Set:         texts(map[string]string{"client-secret": "pa$$ \x00\xff\n", "backend-secret": "b"}),
		Annotations: map[string]string{"journal": "1"},
	}
	created, err := c.CreateSecret(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.Secret(t.Context(), ns, change.Name)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Secret{"as created": created, "as read": read} {
		if s.Type != "Opaque" || s.Immutable || s.LastApplied || s.ResourceVersion == "" || s.UID == "" || s.CreatedAt.IsZero() {
			t.Errorf("%s: %+v", name, s)
		}
		if diff := cmp.Diff([]string{"backend-secret", "client-secret"}, s.Keys); diff != "" {
			t.Error(name, diff)
		}
		if diff := cmp.Diff(map[string]string{"client-secret": "pa$$ \x00\xff\n", "backend-secret": "b"}, revealed(s)); diff != "" {
			t.Error(name, diff)
		}
		if diff := cmp.Diff(map[string]string{"journal": "1"}, s.Annotations); diff != "" {
			t.Error(name, diff)
		}
		if s.Owner.Kind != "" {
			t.Errorf("%s: our own Secret is owned by %+v", name, s.Owner)
		}
	}
	raw, err := core.Secrets(ns).Get(t.Context(), change.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(raw.ManagedFields) != 1 || raw.ManagedFields[0].Manager != FieldManager {
		t.Errorf("managed fields %+v", raw.ManagedFields)
	}
	if raw.Immutable != nil {
		t.Error("immutable is set")
	}

	_, err = c.CreateSecret(t.Context(), change)
	if !errors.Is(err, ErrChanged) {
		t.Errorf("create it again: %v", err)
	}
	if want := "create secrets " + ns + "/backstage-secrets: changed meanwhile: it exists by now"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestCreateSecretWithoutNamespace(t *testing.T) {
	c, _ := admin(t, testcluster.Shared(t))
	_, err := c.CreateSecret(t.Context(), SecretChange{Namespace: "no-such-namespace", Name: "s"})
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if want := `create secrets no-such-namespace/s: not found: there is no namespace "no-such-namespace"`; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSecretThatIsNotThere(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	ns := cluster.Namespace(t)
	_, err := c.Secret(t.Context(), ns, "s")
	if !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if want := "get secrets " + ns + "/s: not found"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// seed creates a Secret as somebody else would, optionally with kubectl's copy.
func seed(t *testing.T, cluster *testcluster.Cluster, ns string, s *api.Secret, applied bool) *api.Secret {
	t.Helper()
	_, core := admin(t, cluster)
	if applied {
		s.Annotations = map[string]string{lastApplied: `{"data":{"client-secret":"b2xk"}}`, "note": "kept"}
	}
	created, err := core.Secrets(ns).Create(t.Context(), s, metav1.CreateOptions{FieldManager: "kubectl-create"})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func portalSecretObject(values map[string]string) *api.Secret {
	return &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: "backstage-secrets"}, StringData: values}
}

func TestPatchSecret(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprintf("kubectl's copy %t", applied), func(t *testing.T) {
			ns := cluster.Namespace(t)
			seed(t, cluster, ns, portalSecretObject(map[string]string{"client-secret": "old", "theirs": "kept", "gone": "x"}), applied)
			before, err := c.Secret(t.Context(), ns, "backstage-secrets")
			if err != nil {
				t.Fatal(err)
			}
			if before.LastApplied != applied {
				t.Fatalf("LastApplied %t", before.LastApplied)
			}
			if text := before.Annotations[lastApplied]; text != "" {
				t.Error("the annotations give kubectl's copy of the values away")
			}
			after, err := c.PatchSecret(t.Context(), SecretChange{
				Namespace: ns, Name: before.Name, ResourceVersion: before.ResourceVersion,
				Set:    texts(map[string]string{"client-secret": "new", "added": "1"}),
				Remove: []string{"gone"}, RemoveLastApplied: applied,
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"client-secret": "new", "theirs": "kept", "added": "1"}
			if diff := cmp.Diff(want, revealed(after)); diff != "" {
				t.Error(diff)
			}
			raw, err := core.Secrets(ns).Get(t.Context(), before.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(raw.Data))); diff != "" {
				t.Error(diff)
			}
			if _, there := raw.Annotations[lastApplied]; there {
				t.Error("the Secret has kubectl's copy")
			}
			if applied && raw.Annotations["note"] != "kept" {
				t.Errorf("another annotation is gone: %v", raw.Annotations)
			}
			if string(raw.UID) != before.UID || after.ResourceVersion == before.ResourceVersion {
				t.Errorf("before %s %s, after %s %s", before.UID, before.ResourceVersion, raw.UID, after.ResourceVersion)
			}
		})
	}
}

func TestPatchSecretKeepsKubectlsCopyUnasked(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	ns := cluster.Namespace(t)
	s := seed(t, cluster, ns, portalSecretObject(map[string]string{"client-secret": "old"}), true)
	after, err := c.PatchSecret(t.Context(), SecretChange{
		Namespace: ns, Name: s.Name, ResourceVersion: s.ResourceVersion, Set: texts(map[string]string{"client-secret": "new"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !after.LastApplied {
		t.Error("it is gone without consent")
	}
}

func TestPatchSecretThatChanged(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, ns string, s *api.Secret)
		detail    string
	}{
		"written": {func(t *testing.T, ns string, s *api.Secret) {
			s = s.DeepCopy()
			s.Data["theirs"] = []byte("1")
			if _, err := core.Secrets(ns).Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "somebody else wrote it after it was read"},
		"deleted": {func(t *testing.T, ns string, s *api.Secret) {
			if err := core.Secrets(ns).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "it was deleted"},
		"made anew": {func(t *testing.T, ns string, s *api.Secret) {
			if err := core.Secrets(ns).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := core.Secrets(ns).Create(t.Context(), portalSecretObject(map[string]string{"client-secret": "old"}), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "somebody else wrote it after it was read"},
	} {
		t.Run(name, func(t *testing.T) {
			ns := cluster.Namespace(t)
			s := seed(t, cluster, ns, portalSecretObject(map[string]string{"client-secret": "old"}), false)
			tt.meanwhile(t, ns, s)
			_, err := c.PatchSecret(t.Context(), SecretChange{
				Namespace: ns, Name: s.Name, ResourceVersion: s.ResourceVersion, Set: texts(map[string]string{"client-secret": "new"}),
			})
			if !errors.Is(err, ErrChanged) {
				t.Fatalf("got %v", err)
			}
			if want := "patch secrets " + ns + "/backstage-secrets: changed meanwhile: " + tt.detail; err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if now, err := c.Secret(t.Context(), ns, s.Name); err == nil && now.Values["client-secret"].Reveal() != "old" {
				t.Error("it was written nevertheless")
			}
		})
	}
}

func TestPatchSecretNeedsToHaveReadIt(t *testing.T) {
	cluster := testcluster.Shared(t)
	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	_, err := c.PatchSecret(t.Context(), SecretChange{Namespace: "ns", Name: "s", Set: texts(map[string]string{"a": "1"})})
	if err == nil || !strings.HasPrefix(err.Error(), "patch secrets ns/s: it was not read before") {
		t.Errorf("got %v", err)
	}
	if sent := count.requests(); len(sent) != 0 {
		t.Errorf("it asked the API server: %v", sent)
	}
}

func TestPatchImmutableSecret(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	ns := cluster.Namespace(t)
	object, yes := portalSecretObject(map[string]string{"client-secret": "old"}), true
	object.Immutable = &yes
	seed(t, cluster, ns, object, false)
	s, err := c.Secret(t.Context(), ns, object.Name)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Immutable || s.Owner.Kind != OwnerImmutable {
		t.Errorf("got %+v", s)
	}
	_, err = c.PatchSecret(t.Context(), SecretChange{
		Namespace: ns, Name: s.Name, ResourceVersion: s.ResourceVersion, Set: texts(map[string]string{"client-secret": "new"}),
	})
	if !errors.Is(err, ErrImmutable) {
		t.Fatalf("got %v", err)
	}
	if want := "patch secrets " + ns + "/backstage-secrets: immutable: its values cannot be changed: use another name"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSecretForbidden(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c := openAs(t, cluster.KubeconfigFor(t, "jane"), nil)
	change := SecretChange{Namespace: ns, Name: "backstage-secrets", ResourceVersion: "1"}
	_, getErr := c.Secret(t.Context(), ns, change.Name)
	_, createErr := c.CreateSecret(t.Context(), change)
	_, patchErr := c.PatchSecret(t.Context(), change)
	for want, err := range map[string]error{
		"get secrets NS/backstage-secrets: not allowed: the right get on secrets \"backstage-secrets\" in namespace \"NS\" is missing":     getErr,
		"create secrets NS/backstage-secrets: not allowed: the right create on secrets in namespace \"NS\" is missing":                     createErr,
		"patch secrets NS/backstage-secrets: not allowed: the right patch on secrets \"backstage-secrets\" in namespace \"NS\" is missing": patchErr,
	} {
		if !errors.Is(err, ErrForbidden) {
			t.Errorf("got %v", err)
			continue
		}
		if want = strings.ReplaceAll(want, "NS", ns); err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// A value that the API server refuses must not come back in the error.
func TestErrorsHoldNoValue(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	ns := cluster.Namespace(t)
	const canary = "canary-5e1f0c2d"
	_, err := c.CreateSecret(t.Context(), SecretChange{Namespace: ns, Name: "s", Set: texts(map[string]string{"not a key": canary})})
	if err == nil {
		t.Fatal("a key with blanks was accepted")
	}
	all := fmt.Sprintf("%v %+v %#v", err, err, err)
	if strings.Contains(all, canary) || strings.Contains(all, "Y2FuYXJ5") {
		t.Error(all)
	}
}

func TestSecretLabels(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	ns := cluster.Namespace(t)
	created, err := c.CreateSecret(t.Context(), SecretChange{
		Namespace: ns, Name: "s", Set: texts(map[string]string{"a": "1"}),
		Labels:      map[string]string{"kept": "1", "gone": "1", "never": ""},
		Annotations: map[string]string{"note": "1", "never": ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"kept": "1", "gone": "1"}, created.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"note": "1"}, created.Annotations); diff != "" {
		t.Error(diff)
	}
	patched, err := c.PatchSecret(t.Context(), SecretChange{
		Namespace: ns, Name: "s", ResourceVersion: created.ResourceVersion,
		Labels: map[string]string{"gone": "", "added": "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"kept": "1", "added": "2"}, patched.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"note": "1"}, patched.Annotations); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteSecret(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, core := admin(t, cluster)
	const name = "backstage-secrets-previous"
	for title, tt := range map[string]struct {
		uid, version func(s *Secret) string
		meanwhile    bool // it is written
		want         error
	}{
		"as read":               {uid: func(s *Secret) string { return s.UID }, version: func(s *Secret) string { return s.ResourceVersion }},
		"whatever it is":        {meanwhile: true},
		"the same, changed":     {uid: func(s *Secret) string { return s.UID }, meanwhile: true},
		"written meanwhile":     {version: func(s *Secret) string { return s.ResourceVersion }, meanwhile: true, want: ErrChanged},
		"another of that name":  {uid: func(*Secret) string { return "00000000-0000-0000-0000-000000000000" }, want: ErrChanged},
		"read in another state": {uid: func(s *Secret) string { return s.UID }, version: func(*Secret) string { return "1" }, want: ErrChanged},
	} {
		t.Run(title, func(t *testing.T) {
			ns := cluster.Namespace(t)
			s, err := c.CreateSecret(t.Context(), SecretChange{Namespace: ns, Name: name, Set: texts(map[string]string{"a": "1"})})
			if err != nil {
				t.Fatal(err)
			}
			if tt.meanwhile {
				if _, err := c.PatchSecret(t.Context(), SecretChange{Namespace: ns, Name: name, ResourceVersion: s.ResourceVersion, Set: texts(map[string]string{"a": "2"})}); err != nil {
					t.Fatal(err)
				}
			}
			var uid, version string
			if tt.uid != nil {
				uid = tt.uid(s)
			}
			if tt.version != nil {
				version = tt.version(s)
			}
			err = c.DeleteSecret(t.Context(), ns, name, uid, version)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if _, err := core.Secrets(ns).Get(t.Context(), name, metav1.GetOptions{}); (err == nil) != (tt.want != nil) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	ns := cluster.Namespace(t)
	err := c.DeleteSecret(t.Context(), ns, name, "", "")
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	err = openAs(t, cluster.KubeconfigFor(t, "jane"), nil).DeleteSecret(t.Context(), ns, name, "", "")
	if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), `the right delete on secrets "`+name+`"`) {
		t.Errorf("without the right: %v", err)
	}
}
