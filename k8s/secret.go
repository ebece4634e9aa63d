package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// lastApplied is where kubectl apply keeps the whole object it was given, the
// values of a Secret in base64 included.
const lastApplied = corev1.LastAppliedConfigAnnotation

// Secret is a Secret as it was read.
type Secret struct {
	Namespace, Name, Type string
	ResourceVersion, UID  string
	Immutable             bool
	Keys                  []string // sorted
	Values                map[string]secret.Text
	Owner                 Owner // by the marks on the Secret itself; see SecretOwner
	LastApplied           bool  // the annotation of kubectl apply holds a copy of the values
	Labels                map[string]string
	Annotations           map[string]string // without kubectl's copy
	CreatedAt             time.Time
	DataWritten           time.Time         // when somebody last wrote to the data, to the second, by managedFields; zero when they do not say
	Holders               map[string]string // key of the data to the manager that last set it, such as FieldManager or "kubectl-edit"; without the keys that nobody holds
}

// SecretChange is what a write does to one Secret: nothing but these keys.
type SecretChange struct {
	Namespace, Name   string
	ResourceVersion   string // as read; a patch without one is refused
	Set               map[string]secret.Text
	Remove            []string
	RemoveLastApplied bool
	Labels            map[string]string // set; "" takes one away
	Annotations       map[string]string // set; "" takes one away
}

// Secret reads one Secret. It returns ErrNotFound when there is none.
func (c *Client) Secret(ctx context.Context, namespace, name string) (*Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s, err := c.core.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, c.explain(ask{"get", "", "secrets", namespace, name}, err)
	}
	return plainSecret(s), nil
}

// CreateSecret creates the Secret with the keys of change.Set. It returns
// ErrChanged when it exists by now, ErrNotFound when the namespace does not.
func (c *Client) CreateSecret(ctx context.Context, change SecretChange) (*Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: change.Namespace, Name: change.Name,
			Labels: present(change.Labels), Annotations: present(change.Annotations),
		},
		Type: corev1.SecretTypeOpaque,
		Data: make(map[string][]byte, len(change.Set)),
	}
	for key, value := range change.Set {
		s.Data[key] = []byte(value.Reveal())
	}
	created, err := c.core.Secrets(change.Namespace).Create(ctx, s, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return nil, c.explain(ask{"create", "", "secrets", change.Namespace, change.Name}, err)
	}
	return plainSecret(created), nil
}

// PatchSecret changes the keys of an existing Secret and leaves all others as
// they are. It returns ErrChanged when the Secret was written, deleted or made
// anew since change.ResourceVersion, and ErrImmutable when it is immutable.
func (c *Client) PatchSecret(ctx context.Context, change SecretChange) (*Secret, error) {
	what := ask{"patch", "", "secrets", change.Namespace, change.Name}
	if change.ResourceVersion == "" {
		return nil, c.explain(what, fmt.Errorf("it was not read before, and could overwrite what somebody else wrote"))
	}
	body, err := change.mergePatch()
	if err != nil {
		return nil, c.explain(what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	patched, err := c.core.Secrets(change.Namespace).Patch(ctx, change.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil {
		return nil, c.explain(what, err)
	}
	return plainSecret(patched), nil
}

// mergePatch returns the JSON merge patch (RFC 7396): null takes away. With a
// resourceVersion in it the API server answers 409 to a Secret that was changed
// or made anew; a uid would be answered with 422.
func (change SecretChange) mergePatch() ([]byte, error) {
	data := make(map[string]any, len(change.Set)+len(change.Remove))
	for key, value := range change.Set {
		data[key] = []byte(value.Reveal()) // encoding/json writes base64
	}
	for _, key := range change.Remove {
		if _, both := data[key]; both {
			return nil, fmt.Errorf("key %q is to be set and removed", key)
		}
		data[key] = nil
	}
	annotations := marks(change.Annotations)
	if change.RemoveLastApplied {
		annotations[lastApplied] = nil
	}
	meta := map[string]any{"resourceVersion": change.ResourceVersion}
	if len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	if labels := marks(change.Labels); len(labels) > 0 {
		meta["labels"] = labels
	}
	patch := map[string]any{"metadata": meta}
	if len(data) > 0 {
		patch["data"] = data
	}
	return json.Marshal(patch)
}

// marks returns labels or annotations for a merge patch: null takes one away.
func marks(values map[string]string) map[string]any {
	out := make(map[string]any, len(values)+1)
	for name, value := range values {
		out[name] = value
		if value == "" {
			out[name] = nil
		}
	}
	return out
}

// present returns the labels or annotations of a new object: those that are not
// to be taken away.
func present(values map[string]string) map[string]string {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	return out
}

// DeleteSecret deletes a Secret that is still the one of uid and still as it
// was at resourceVersion; "" is any. It returns ErrChanged when it is another or
// was written since, and ErrNotFound when there is none.
func (c *Client) DeleteSecret(ctx context.Context, namespace, name, uid, resourceVersion string) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	only := &metav1.Preconditions{}
	if uid != "" {
		only.UID = (*types.UID)(&uid)
	}
	if resourceVersion != "" {
		only.ResourceVersion = &resourceVersion
	}
	err := c.core.Secrets(namespace).Delete(ctx, name, metav1.DeleteOptions{Preconditions: only})
	return c.explain(ask{"delete", "", "secrets", namespace, name}, err)
}

func plainSecret(s *corev1.Secret) *Secret {
	out := &Secret{
		Namespace: s.Namespace, Name: s.Name, Type: string(s.Type),
		ResourceVersion: s.ResourceVersion, UID: string(s.UID),
		Immutable: s.Immutable != nil && *s.Immutable,
		Keys:      slices.Sorted(maps.Keys(s.Data)),
		Values:    make(map[string]secret.Text, len(s.Data)),
		CreatedAt: s.CreationTimestamp.Time,
	}
	for key, value := range s.Data {
		out.Values[key] = secret.New(string(value))
	}
	out.Owner = OwnerOf(metaOf(&s.ObjectMeta, out.Immutable))
	out.Holders, out.DataWritten = dataHistory(s.ManagedFields)
	_, out.LastApplied = s.Annotations[lastApplied]
	out.Labels = maps.Clone(s.Labels)
	out.Annotations = maps.Clone(s.Annotations)
	delete(out.Annotations, lastApplied)
	return out
}
