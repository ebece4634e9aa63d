package k8s

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The annotations that keep an object which its release, or its application in
// Argo CD, has no more. Both are read from the live object: see
// https://helm.sh/docs/howto/charts_tips_and_tricks/ and
// https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/.
const (
	ResourcePolicy = "helm.sh/resource-policy"
	PolicyKeep     = "keep" // value of ResourcePolicy
	SyncOptions    = "argocd.argoproj.io/sync-options"
	NoPrune        = "Prune=false" // one of the options in SyncOptions, which are separated by commas
)

// releaseAnnotation is on every object that Helm has installed, with the name of
// its release.
const releaseAnnotation = "meta.helm.sh/release-name"

// Claim is the PersistentVolumeClaim that SQLite's files are on. Name is the one
// that was looked for.
type Claim struct {
	Namespace, Name string
	Exists          bool
	UID             string
	ResourceVersion string
	Size            string // requested, such as "1Gi"
	StorageClass    string // "" is none, or the default before it was filled in
	AccessModes     []string
	Phase           string // "Bound", "Pending" or "Lost"
	Deleting        bool   // it goes as soon as no pod uses it
	Releases        []string
	Annotations     map[string]string
	Unknown         string
}

// Of tells whether the claim carries the marks of the named Helm release.
func (c Claim) Of(release string) bool { return slices.Contains(c.Releases, release) }

// ClaimName is what the chart calls the claim of a portal whose Deployment has
// that name: <name>-db. "" is the chart's default name.
func ClaimName(deployment string) string { return cmp.Or(deployment, portalName) + "-db" }

// dataClaim reads the claim that the portal has, or would have.
func (c *Client) dataClaim(ctx context.Context, namespace string, d Deployment, unknownDeployment error) Claim {
	name := cmp.Or(d.DataClaim, ClaimName(d.Name))
	if errors.Is(unknownDeployment, ErrUnreachable) {
		return Claim{Namespace: namespace, Name: name, Unknown: unknownDeployment.Error()}
	}
	claim, err := c.Claim(ctx, namespace, name)
	if err != nil {
		return Claim{Namespace: namespace, Name: name, Unknown: unknown(err)}
	}
	return claim
}

// Claim reads one PersistentVolumeClaim. It returns ErrNotFound when there is
// none.
func (c *Client) Claim(ctx context.Context, namespace, name string) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	pvc, err := c.core.PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Claim{}, c.explain(ask{"get", "", "persistentvolumeclaims", namespace, name}, err)
	}
	return plainClaim(pvc), nil
}

// AnnotateClaim sets annotations of a claim that still is as it was at
// resourceVersion; "" takes one away. It returns ErrChanged when the claim was
// written or made anew since, and ErrNotFound when there is none.
func (c *Client) AnnotateClaim(ctx context.Context, namespace, name, resourceVersion string, annotations map[string]string) (Claim, error) {
	what := ask{"patch", "", "persistentvolumeclaims", namespace, name}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": resourceVersion, "annotations": marks(annotations)}})
	if err != nil {
		return Claim{}, c.explain(what, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	pvc, err := c.core.PersistentVolumeClaims(namespace).Patch(ctx, name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil {
		return Claim{}, c.explain(what, err)
	}
	return plainClaim(pvc), nil
}

func plainClaim(pvc *corev1.PersistentVolumeClaim) Claim {
	out := Claim{
		Namespace: pvc.Namespace, Name: pvc.Name, Exists: true,
		UID: string(pvc.UID), ResourceVersion: pvc.ResourceVersion,
		Size: pvc.Spec.Resources.Requests.Storage().String(), Phase: string(pvc.Status.Phase),
		Deleting: pvc.DeletionTimestamp != nil, Annotations: maps.Clone(pvc.Annotations),
	}
	if pvc.Spec.StorageClassName != nil {
		out.StorageClass = *pvc.Spec.StorageClassName
	}
	for _, mode := range pvc.Spec.AccessModes {
		out.AccessModes = append(out.AccessModes, string(mode))
	}
	for _, release := range []string{pvc.Annotations[releaseAnnotation], pvc.Labels[instanceLabel]} {
		if release != "" && !slices.Contains(out.Releases, release) {
			out.Releases = append(out.Releases, release)
		}
	}
	return out
}

// KeepClaimRights returns what Claim and AnnotateClaim need.
func KeepClaimRights(namespace, name string) []Access {
	return []Access{
		{Verb: "get", Resource: "persistentvolumeclaims", Name: name, Namespace: namespace, Needed: true,
			Why: "see whether SQLite's data is on a volume", Prevents: "the volume with SQLite's data cannot be kept"},
		{Verb: "patch", Resource: "persistentvolumeclaims", Name: name, Namespace: namespace, Needed: true,
			Why: "keep SQLite's volume when the release has it no more", Prevents: "leaving SQLite deletes its volume: kubectl -n " + namespace + " annotate pvc " + name + " " + ResourcePolicy + "=" + PolicyKeep},
	}
}
