package k8s

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Meta is what OwnerOf looks at.
type Meta struct {
	Namespace, Name     string
	Labels, Annotations map[string]string
	References          []Reference
	Managers            []Manager
	Immutable           bool
}

// Reference is one of an object's ownerReferences.
type Reference struct{ Group, Kind, Name string }

// Manager is an entry of an object's managedFields.
type Manager struct {
	Name  string
	Apply bool // server-side apply; else an update
	Data  bool // it holds keys of the Secret's data
}

func (m Meta) reference(group, kind string) (Reference, bool) {
	i := slices.IndexFunc(m.References, func(r Reference) bool { return r.Group == group && r.Kind == kind })
	if i < 0 {
		return Reference{}, false
	}
	return m.References[i], true
}

func (m Meta) manager(names ...string) (string, bool) {
	for _, holder := range m.Managers {
		if slices.Contains(names, holder.Name) {
			return holder.Name, true
		}
	}
	return "", false
}

func metaOf(o *metav1.ObjectMeta, immutable bool) Meta {
	m := Meta{
		Namespace: o.Namespace, Name: o.Name,
		Labels: o.Labels, Annotations: o.Annotations, Immutable: immutable,
	}
	for _, ref := range o.OwnerReferences {
		group, _, _ := strings.Cut(ref.APIVersion, "/")
		m.References = append(m.References, Reference{Group: group, Kind: ref.Kind, Name: ref.Name})
	}
	for _, entry := range o.ManagedFields {
		_, data := dataKeys(entry.FieldsV1)
		m.Managers = append(m.Managers, Manager{
			Name:  entry.Manager,
			Apply: entry.Operation == metav1.ManagedFieldsOperationApply,
			Data:  data,
		})
	}
	return m
}
