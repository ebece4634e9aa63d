package estest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// secret reads the target; one without a UID is not there. An existing one gets
// upstream's label first, so that its watch sees it.
func (c *Controller) secret(ctx context.Context, es *externalSecret) (*corev1.Secret, error) {
	secret, err := c.core.Secrets(c.namespace).Get(ctx, es.target(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return &corev1.Secret{}, nil
	}
	if err != nil || secret.Labels[labelManaged] == "true" || es.DeletionTimestamp != nil {
		return secret, err
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{labelManaged: "true"}}})
	if err != nil {
		return nil, err
	}
	return c.core.Secrets(c.namespace).Patch(ctx, secret.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: manager(es)})
}

func manager(es *externalSecret) string { return managerPrefix + es.Name }

// valid tells whether the Secret is as it was written; with Orphan nobody cares
// before the next refresh.
func (es *externalSecret) valid(secret *corev1.Secret) bool {
	return es.creationPolicy() == "Orphan" ||
		es.creationPolicy() == "None" ||
		secret.UID != "" && secret.Labels[labelManaged] == "true" && secret.Annotations[annotationHash] == hash(secret.Data)
}

// write creates or updates the Secret under the version that was read.
func (c *Controller) write(ctx context.Context, es *externalSecret, existing *corev1.Secret, data map[string][]byte) error {
	want := existing.DeepCopy()
	want.Name, want.Namespace = es.target(), c.namespace
	if err := c.own(es, want); err != nil {
		return err
	}
	// Only Merge and CreateOrMerge keep keys of others; their own ones that are
	// in the ExternalSecret no more go too.
	kept := map[string][]byte{}
	if p := es.creationPolicy(); p == "Merge" || p == "CreateOrMerge" {
		kept = maps.Clone(want.Data)
		if kept == nil {
			kept = map[string][]byte{}
		}
		for _, key := range managed(existing, es) {
			delete(kept, key)
		}
	}
	maps.Copy(kept, data)
	fixed := existing.Immutable != nil && *existing.Immutable
	if fixed && !sameData(existing.Data, kept) {
		err := fmt.Errorf("unable to update secret %s: secret is immutable", want.Name)
		return &failure{message: messageFixed, err: err, final: true}
	}
	want.Data = kept
	if es.Spec.Target.Immutable {
		want.Immutable = new(true)
	}
	if es.Spec.Target.Template == nil {
		maps.Copy(want.Labels, es.Labels)
		maps.Copy(want.Annotations, es.Annotations)
	}
	want.Labels[labelManaged] = "true"
	want.Annotations[annotationHash] = hash(want.Data)
	var err error
	if existing.UID == "" {
		_, err = c.core.Secrets(c.namespace).Create(ctx, want, metav1.CreateOptions{FieldManager: manager(es)})
	} else {
		_, err = c.core.Secrets(c.namespace).Update(ctx, want, metav1.UpdateOptions{FieldManager: manager(es)})
	}
	if err == nil || apierrors.IsConflict(err) {
		return err
	}
	return &failure{message: messageUpdate, err: fmt.Errorf("unable to update secret %s: %w", want.Name, err)}
}

// own sets the marks of the creationPolicy.
func (c *Controller) own(es *externalSecret, secret *corev1.Secret) error {
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	owner := metav1.GetControllerOf(secret)
	ours := owner != nil && owner.Kind == "ExternalSecret" && owner.Name == es.Name
	if owner != nil && owner.Kind == "ExternalSecret" && !ours {
		err := fmt.Errorf("secret is owned by another ExternalSecret: %s", owner.Name)
		return &failure{message: messageOwned, err: err, final: true}
	}
	if es.creationPolicy() != "Owner" {
		delete(secret.Labels, labelOwner)
		if ours {
			secret.OwnerReferences = nil
		}
		return nil
	}
	if owner != nil && !ours {
		return &failure{message: messageOwner, err: errors.New("could not set controller reference on secret"), final: true}
	}
	secret.Labels[labelOwner] = hash(es.Namespace + "/" + es.Name)
	secret.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: group + "/" + c.version, Kind: "ExternalSecret", Name: es.Name, UID: es.UID,
		Controller: new(true), BlockOwnerDeletion: new(true),
	}}
	return nil
}

// managed returns the keys that this ExternalSecret wrote.
func managed(secret *corev1.Secret, es *externalSecret) (keys []string) {
	for _, entry := range secret.ManagedFields {
		if entry.Manager != manager(es) || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Data map[string]json.RawMessage `json:"f:data"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		for key := range fields.Data {
			if name, ok := strings.CutPrefix(key, "f:"); ok {
				keys = append(keys, name)
			}
		}
	}
	return keys
}

func sameData(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }
