package estest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

const (
	finalizer      = "externalsecrets.external-secrets.io/externalsecret-cleanup"
	labelManaged   = "reconcile.external-secrets.io/managed"
	labelOwner     = "reconcile.external-secrets.io/created-by"
	annotationHash = "reconcile.external-secrets.io/data-hash"
	managerPrefix  = "externalsecrets.external-secrets.io/"
)

// externalSecret is the resource, as far as it is understood.
type externalSecret struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		RefreshPolicy   string   `json:"refreshPolicy"`
		RefreshInterval string   `json:"refreshInterval"`
		SecretStoreRef  storeRef `json:"secretStoreRef"`
		Target          struct {
			Name           string `json:"name"`
			CreationPolicy string `json:"creationPolicy"`
			DeletionPolicy string `json:"deletionPolicy"`
			Immutable      bool   `json:"immutable"`
			Template       *struct {
				Data map[string]string `json:"data"`
			} `json:"template"`
		} `json:"target"`
		Data []struct {
			SecretKey string    `json:"secretKey"`
			RemoteRef remoteRef `json:"remoteRef"`
			SourceRef *struct {
				StoreRef storeRef `json:"storeRef"`
			} `json:"sourceRef"`
		} `json:"data"`
		DataFrom []struct {
			Extract *remoteRef `json:"extract"`
		} `json:"dataFrom"`
	} `json:"spec"`
	Status status `json:"status"`
}

type storeRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type remoteRef struct {
	Key      string `json:"key"`
	Property string `json:"property"`
}

type status struct {
	RefreshTime           *metav1.Time    `json:"refreshTime"`
	SyncedResourceVersion string          `json:"syncedResourceVersion,omitempty"`
	Conditions            []condition     `json:"conditions,omitempty"`
	Binding               *map[string]any `json:"binding,omitempty"`
}

type condition struct {
	Type               string      `json:"type"`
	Status             string      `json:"status"`
	Reason             string      `json:"reason,omitempty"`
	Message            string      `json:"message,omitempty"`
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
}

func decode(object *unstructured.Unstructured) (*externalSecret, error) {
	es := &externalSecret{}
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, es)
	return es, err
}

func (es *externalSecret) target() string { return cmp.Or(es.Spec.Target.Name, es.Name) }

func (es *externalSecret) creationPolicy() string {
	return cmp.Or(es.Spec.Target.CreationPolicy, "Owner")
}

func (es *externalSecret) deletionPolicy() string {
	return cmp.Or(es.Spec.Target.DeletionPolicy, "Retain")
}

func (es *externalSecret) interval() time.Duration {
	d, err := time.ParseDuration(es.Spec.RefreshInterval)
	if err != nil {
		return time.Hour
	}
	return d
}

// wanted is the version of the object that a sync is recorded with: the
// generation, and a hash of the labels and annotations.
func (es *externalSecret) wanted() string {
	return fmt.Sprintf("%d-%s", es.Generation, hash([]any{es.Annotations, es.Labels}))
}

// due tells whether the store has to be read, by upstream's rules for each
// refreshPolicy. With CreatedOnce, and with an interval of 0, no annotation
// helps.
func (es *externalSecret) due(now time.Time) bool {
	never := es.Status.SyncedResourceVersion == "" || es.Status.RefreshTime.IsZero()
	changed := es.Status.SyncedResourceVersion != es.wanted()
	switch es.Spec.RefreshPolicy {
	case "CreatedOnce":
		return never
	case "OnChange":
		return never || changed
	}
	if es.interval() <= 0 && es.Status.SyncedResourceVersion != "" {
		return false
	}
	return never || changed || !now.Before(es.Status.RefreshTime.Add(es.interval()))
}

// set records the Ready condition. Its time changes only with its status.
func (s *status) set(ready, reason, message string) {
	c := condition{Type: "Ready", Status: ready, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
	i := slices.IndexFunc(s.Conditions, func(c condition) bool { return c.Type == "Ready" })
	if i < 0 {
		s.Conditions = append(s.Conditions, c)
		return
	}
	if s.Conditions[i].Status == ready {
		c.LastTransitionTime = s.Conditions[i].LastTransitionTime
	}
	s.Conditions[i] = c
}

func hash(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and bytes
	}
	return fmt.Sprintf("%x", sha256.Sum224(text))
}

// saveStatus writes the status, under the version of the object that was read.
func (c *Controller) saveStatus(ctx context.Context, object *unstructured.Unstructured, s status) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	if object.Object["status"] != nil && hash(object.Object["status"]) == hash(plain) {
		return nil
	}
	object = object.DeepCopy()
	object.Object["status"] = plain
	_, err = c.resource("externalsecrets").UpdateStatus(ctx, object, metav1.UpdateOptions{FieldManager: "external-secrets"})
	return err
}

func (c *Controller) setFinalizers(ctx context.Context, es *externalSecret, finalizers []string) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": finalizers, "resourceVersion": es.ResourceVersion, // somebody else may add one meanwhile
	}})
	if err != nil {
		return nil, err
	}
	return c.resource("externalsecrets").Patch(ctx, es.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: "external-secrets"})
}

// dropFinalizers lets go of all ExternalSecrets.
func (c *Controller) dropFinalizers(ctx context.Context) error {
	list, err := c.resource("externalsecrets").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		es, err := decode(&list.Items[i])
		if err != nil {
			return err
		}
		if !slices.Contains(es.Finalizers, finalizer) {
			continue
		}
		_, err = c.setFinalizers(ctx, es, without(es.Finalizers))
		switch {
		case apierrors.IsConflict(err):
			return c.dropFinalizers(ctx)
		case err != nil && !apierrors.IsNotFound(err):
			return err
		}
	}
	return nil
}

func without(finalizers []string) []string {
	return slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool { return f == finalizer })
}
