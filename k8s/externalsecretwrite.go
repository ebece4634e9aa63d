package k8s

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// forceSync is the annotation of the product's and upstream's guides. Any
// change of labels or annotations makes External Secrets sync.
const forceSync = "force-sync"

// WriteOption changes how an ExternalSecret is written.
type WriteOption int

const (
	// DryRun has the API server check the write, its admission webhooks and
	// every field of the schema included, and change nothing.
	DryRun WriteOption = iota
	// KeepSecret leaves the Secret where it is when its ExternalSecret is
	// deleted.
	KeepSecret
)

// What somebody else did to an ExternalSecret.
var (
	errDeleted  = errors.New("it was deleted")
	errAnew     = errors.New("it was deleted and made anew")
	errDeleting = errors.New("it is being deleted")
)

// attempts is how often a write is tried again because External Secrets wrote
// the status meanwhile.
const attempts = 5

// AddExternalKeys adds those of keys that spec.data lacks behind what is there,
// in their order, and returns the ExternalSecret as it is then and what was
// added: RemoveExternalKeys takes that. Everything else stays as it is. When
// there is nothing to add, it writes nothing.
//
// It returns ErrChanged when somebody changed the spec or deleted the
// ExternalSecret after es was read. That External Secrets wrote the status or a
// finalizer meanwhile is no change.
//
// It does not set the force-sync annotation: a changed spec is a reason to sync
// by itself, for every refreshPolicy for which the annotation is one. ForceSync
// is for when only the store has changed. AwaitSync waits for either, from what
// this returns.
func (c *Client) AddExternalKeys(ctx context.Context, es ExternalSecret, keys []ExternalKey, options ...WriteOption) (after ExternalSecret, added []ExternalKey, err error) {
	after, err = c.editData(ctx, es, options, func(now externalSecret, current ExternalSecret) ([]jsonPatch, error) {
		var other *ExternalKey
		if added, other = missing(current.Data, keys); other != nil {
			return nil, differs(es, *other)
		}
		if len(added) == 0 {
			return nil, nil
		}
		if err := es.sameSpec(current); err != nil {
			return nil, c.changedMeanwhile("patch", es, err)
		}
		var ops []jsonPatch
		if now.Spec.Data == nil {
			ops = append(ops, jsonPatch{Op: "add", Path: "/spec/data", Value: []any{}})
		}
		for _, k := range added {
			ops = append(ops, jsonPatch{Op: "add", Path: "/spec/data/-", Value: k.object()})
		}
		return ops, nil
	})
	if err != nil {
		return ExternalSecret{}, nil, err
	}
	return after, added, nil
}

// RemoveExternalKeys takes entries out of spec.data again, those alone that are
// still exactly what keys say, and returns the ExternalSecret as it is then.
// What somebody else did to other entries does not matter. An es without UID is
// whichever has that name. It returns ErrChanged when the ExternalSecret was
// deleted or made anew.
func (c *Client) RemoveExternalKeys(ctx context.Context, es ExternalSecret, keys []ExternalKey, options ...WriteOption) (ExternalSecret, error) {
	return c.editData(ctx, es, options, func(now externalSecret, current ExternalSecret) (ops []jsonPatch, err error) {
		for i, k := range slices.Backward(current.Data) { // an earlier one keeps its place
			if slices.Contains(keys, k) {
				ops = append(ops, jsonPatch{Op: "remove", Path: "/spec/data/" + strconv.Itoa(i)})
			}
		}
		return ops, nil
	})
}

// jsonPatch is an operation of RFC 6902.
type jsonPatch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// editData reads es, and sends what edit makes of it under the precondition
// that nobody wrote between the two. A merge patch could not do it: it has only
// whole lists.
func (c *Client) editData(ctx context.Context, es ExternalSecret, options []WriteOption, edit func(externalSecret, ExternalSecret) ([]jsonPatch, error)) (ExternalSecret, error) {
	for try := 1; ; try++ {
		now, err := c.reread(ctx, es)
		if err != nil {
			return ExternalSecret{}, err
		}
		current := now.plain()
		ops, err := edit(now, current)
		if err != nil {
			return ExternalSecret{}, err
		}
		current.Store = es.Store
		if len(ops) == 0 {
			return current, nil
		}
		if !current.Ready {
			current.Failure = c.failure(ctx, current)
		}
		version := jsonPatch{Op: "replace", Path: "/metadata/resourceVersion", Value: current.ResourceVersion}
		body, err := json.Marshal(slices.Concat([]jsonPatch{version}, ops))
		if err != nil {
			return ExternalSecret{}, err
		}
		after, err := c.patchExternalSecret(ctx, current, types.JSONPatchType, body, options)
		if !errors.Is(err, ErrChanged) && !errors.Is(err, ErrNotFound) || try == attempts {
			return after, err
		}
	}
}

// reread gets es as it is now. That it is gone, or another of the same name, is
// ErrChanged.
func (c *Client) reread(ctx context.Context, es ExternalSecret) (externalSecret, error) {
	now, err := c.readExternalSecret(ctx, es.version(), es.Namespace, es.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		return now, c.changedMeanwhile("patch", es, errDeleted)
	case err != nil:
		return now, err
	case es.UID != "" && es.UID != string(now.Metadata.UID):
		return now, c.changedMeanwhile("patch", es, errAnew)
	case now.Metadata.DeletionTimestamp != nil:
		return now, c.changedMeanwhile("patch", es, errDeleting)
	}
	return now, nil
}

// version is the API's version without its group, "" when es was not read.
func (es ExternalSecret) version() string {
	_, version, _ := strings.Cut(es.APIVersion, "/")
	return version
}

// sameSpec says what somebody else changed since es was read; nil is nothing.
func (es ExternalSecret) sameSpec(now ExternalSecret) error {
	switch {
	case es.UID == "" || es.Generation == 0:
		return errors.New("it was not read before, and this could undo what somebody else wrote")
	case es.Generation != now.Generation:
		return errors.New("somebody else changed its spec after it was read")
	case es.Owner != now.Owner && now.Owner.Kind != "":
		return fmt.Errorf("it got an owner after it was read: %s", now.Owner.Reason)
	}
	return nil
}

func (c *Client) changedMeanwhile(verb string, es ExternalSecret, detail error) error {
	return &RequestError{
		Verb: verb, Group: externalSecretsGroup, Resource: "externalsecrets", Namespace: es.Namespace, Name: es.Name,
		Reason: ErrChanged, Detail: detail.Error(),
	}
}

// ForceSync sets the annotation force-sync to the given time, which must be
// another than before: External Secrets then reads the store and writes the
// Secret at once, unless es.Stuck() says why not. It returns the ExternalSecret
// as it is then, for AwaitSync. It returns ErrNotFound when it is gone,
// ErrChanged when it was made anew.
//
// What a ClusterExternalSecret makes syncs too, and loses the annotation when
// the ClusterExternalSecret is reconciled.
func (c *Client) ForceSync(ctx context.Context, es ExternalSecret, at time.Time) (ExternalSecret, error) {
	before := es
	if !es.Ready {
		before.Failure = c.failure(ctx, es) // now: it may have said it again since es was read
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{forceSync: at.UTC().Format(time.RFC3339Nano)},
	}})
	if err != nil {
		return ExternalSecret{}, err
	}
	after, err := c.patchExternalSecret(ctx, before, types.MergePatchType, body, nil)
	switch {
	case err != nil:
		return ExternalSecret{}, err
	case es.UID != "" && es.UID != after.UID:
		return ExternalSecret{}, c.changedMeanwhile("patch", es, errAnew)
	}
	return after, nil
}

// patchExternalSecret sends body and keeps what the answer does not tell.
func (c *Client) patchExternalSecret(ctx context.Context, es ExternalSecret, form types.PatchType, body []byte, options []WriteOption) (ExternalSecret, error) {
	after := externalSecret{version: cmp.Or(es.version(), externalV1)}
	k := externalSecretsIn(after.version)
	req := c.raw.Patch(form).AbsPath(k.path()).Resource(k.resource).Namespace(es.Namespace).Name(es.Name).
		Param("fieldManager", FieldManager).Body(body)
	if err := c.do(ctx, ask{"patch", k.group, k.resource, es.Namespace, es.Name}, dry(req, options), &after); err != nil {
		return ExternalSecret{}, err
	}
	out := after.plain()
	out.Store, out.Failure = es.Store, es.Failure
	return out, nil
}

// dry adds to a write that it is only to be tried.
func dry(req *rest.Request, options []WriteOption) *rest.Request {
	if slices.Contains(options, DryRun) {
		req.Param("dryRun", metav1.DryRunAll).Param("fieldValidation", metav1.FieldValidationStrict)
	}
	return req
}

// CreateExternalSecret makes n, in the API's version v1 where it is served,
// else v1beta1. It returns ErrChanged when one of that name exists by now, and
// ErrNotFound when the cluster has no External Secrets or no such namespace.
//
// External Secrets then becomes the owner of the Secret: one that is there
// already loses all keys that n does not have.
func (c *Client) CreateExternalSecret(ctx context.Context, n NewExternalSecret, options ...WriteOption) (ExternalSecret, error) {
	_, version, _ := strings.Cut(n.APIVersion, "/")
	created, err := c.createExternalSecret(ctx, cmp.Or(version, externalV1), n, options)
	if version == "" && notServed(err) {
		created, err = c.createExternalSecret(ctx, externalV1beta1, n, options)
	}
	if notServed(err) {
		return ExternalSecret{}, &RequestError{
			Verb: "create", Group: externalSecretsGroup, Resource: "externalsecrets", Namespace: n.Namespace, Name: n.Name,
			Reason: ErrNotFound, Detail: "the cluster has no External Secrets", cause: err,
		}
	}
	return created, err
}

func (c *Client) createExternalSecret(ctx context.Context, version string, n NewExternalSecret, options []WriteOption) (ExternalSecret, error) {
	body, err := json.Marshal(n.object(externalSecretsGroup + "/" + version))
	if err != nil {
		return ExternalSecret{}, err
	}
	created := externalSecret{version: version}
	k := externalSecretsIn(version)
	req := c.raw.Post().AbsPath(k.path()).Resource(k.resource).Namespace(n.Namespace).
		Param("fieldManager", FieldManager).SetHeader("Content-Type", "application/json").Body(body)
	if err := c.do(ctx, ask{"create", k.group, k.resource, n.Namespace, n.Name}, dry(req, options), &created); err != nil {
		return ExternalSecret{}, err
	}
	return created.plain(), nil
}

// DeleteExternalSecret deletes es, which CreateExternalSecret returned, and
// returns ErrChanged when it was made anew or its spec was changed since. One
// that is gone is no error. External Secrets finishes the deletion: without its
// controller the ExternalSecret stays, marked as being deleted.
//
// With the creationPolicy Owner the Secret goes too, also one that was there
// before the ExternalSecret: KeepSecret leaves it, unless the deletionPolicy is
// Delete.
func (c *Client) DeleteExternalSecret(ctx context.Context, es ExternalSecret, options ...WriteOption) error {
	policy := metav1.DeletePropagationBackground
	if slices.Contains(options, KeepSecret) {
		policy = metav1.DeletePropagationOrphan
	}
	for try := 1; ; try++ {
		now, err := c.readExternalSecret(ctx, es.version(), es.Namespace, es.Name)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil
		case err != nil:
			return err
		case es.UID != string(now.Metadata.UID):
			return c.changedMeanwhile("delete", es, errAnew)
		case now.Metadata.DeletionTimestamp != nil:
			return nil
		}
		current := now.plain()
		if err := es.sameSpec(current); err != nil {
			return c.changedMeanwhile("delete", es, err)
		}
		err = c.deleteExternalSecret(ctx, current, now.version, policy, options)
		switch {
		case err == nil, errors.Is(err, ErrNotFound):
			return nil
		case !errors.Is(err, ErrChanged) || try == attempts:
			return err
		}
	}
}

func (c *Client) deleteExternalSecret(ctx context.Context, es ExternalSecret, version string, policy metav1.DeletionPropagation, options []WriteOption) error {
	uid := types.UID(es.UID)
	how := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		Preconditions:     &metav1.Preconditions{UID: &uid, ResourceVersion: &es.ResourceVersion},
		PropagationPolicy: &policy,
	}
	if slices.Contains(options, DryRun) {
		how.DryRun = []string{metav1.DryRunAll}
	}
	body, err := json.Marshal(how)
	if err != nil {
		return err
	}
	k := externalSecretsIn(version)
	req := c.raw.Delete().AbsPath(k.path()).Resource(k.resource).Namespace(es.Namespace).Name(es.Name).
		SetHeader("Content-Type", "application/json").Body(body)
	return c.do(ctx, ask{"delete", k.group, k.resource, es.Namespace, es.Name}, req, &struct{}{})
}

// notServed tells that the API server knows no such resource at all, from that
// it has no such object.
func notServed(err error) bool {
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Code != http.StatusNotFound {
		return false
	}
	return apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
