package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// externalSecretsGroup is the API group of External Secrets.
const externalSecretsGroup = "external-secrets.io"

// The versions of External Secrets' API that this program speaks. Releases
// before 0.16 serve only v1beta1, since 0.17 only v1.
const (
	externalV1      = "v1"
	externalV1beta1 = "v1beta1"
)

// ExternalSecret is the resource of External Secrets that makes the portal's
// Secret. Name is "" when there is none.
type ExternalSecret struct {
	Name, Namespace string
	UID             string
	APIVersion      string // in which it is served: external-secrets.io/v1 or external-secrets.io/v1beta1
	Owner           Owner  // who keeps the ExternalSecret itself as it is, and would undo a change in the cluster

	Target          string // name of the Secret
	CreationPolicy  string // Owner, Orphan, Merge, CreateOrMerge or None
	DeletionPolicy  string // Retain, Delete or Merge: what happens to keys that the store has no more
	RefreshPolicy   string // Periodic, CreatedOnce or OnChange; "" is Periodic
	RefreshInterval time.Duration
	Data            []ExternalKey
	Whole           bool     // dataFrom: keys that Data does not list
	Extract         []string // remote keys of entries whose properties all become keys, as they are
	Templated       bool     // a template makes the keys: one more entry is not one more key
	Immutable       bool     // the Secret is written once
	Store           Store

	Ready           bool
	Reason, Message string  // of the Ready condition
	Failure         Failure // why it is not Ready; the Message alone does not name the entry
	RefreshTime     time.Time
	SyncedVersion   string // generation, and hash of labels and annotations, at the last sync: status.syncedResourceVersion
	Generation      int64  // changes with each change of the spec
	ResourceVersion string // changes with each sync too
	Deleting        bool
	Unknown         string
}

// Failure is the newest event in which External Secrets told why it did not
// sync. It is empty where there is none, or events may not be read.
type Failure struct {
	Text    string // one line
	Version string // changes when External Secrets says it again
}

// externalSecrets are those of one namespace.
type externalSecrets struct {
	items   []externalSecret
	served  bool // the cluster has External Secrets
	unknown string
}

type externalSecret struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		RefreshPolicy   string   `json:"refreshPolicy"`
		RefreshInterval string   `json:"refreshInterval"`
		SecretStoreRef  StoreRef `json:"secretStoreRef"`
		Target          struct {
			Name           string          `json:"name"`
			CreationPolicy string          `json:"creationPolicy"`
			DeletionPolicy string          `json:"deletionPolicy"`
			Immutable      bool            `json:"immutable"`
			Template       *secretTemplate `json:"template"`
			Manifest       *struct{}       `json:"manifest"` // another kind than a Secret
		} `json:"target"`
		Data     []map[string]any `json:"data"`
		DataFrom []externalFrom   `json:"dataFrom"`
	} `json:"spec"`
	Status struct {
		RefreshTime   time.Time   `json:"refreshTime"`
		SyncedVersion string      `json:"syncedResourceVersion"`
		Conditions    []condition `json:"conditions"`
	} `json:"status"`
	version string // in which it was read
}

// secretTemplate is spec.target.template as far as it makes keys.
type secretTemplate struct {
	MergePolicy  string            `json:"mergePolicy"`
	Data         map[string]string `json:"data"`
	TemplateFrom []struct {
		Target string `json:"target"`
	} `json:"templateFrom"`
}

// externalFrom is an entry of spec.dataFrom.
type externalFrom struct {
	Extract *struct {
		Key              string `json:"key"`
		Property         string `json:"property"`
		Version          string `json:"version"`
		DecodingStrategy string `json:"decodingStrategy"`
		MetadataPolicy   string `json:"metadataPolicy"`
	} `json:"extract"`
	Rewrite   []struct{} `json:"rewrite"`
	SourceRef *struct{}  `json:"sourceRef"`
}

// condition is a condition of any resource.
type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

var externalSecretKind = externalSecretsIn(externalV1)

// externalSecretsIn is the resource in a version of the API.
func externalSecretsIn(version string) kind {
	return kind{externalSecretsGroup, version, "externalsecrets"}
}

// ExternalSecret reads one. It returns ErrNotFound when there is none, or no
// External Secrets.
func (c *Client) ExternalSecret(ctx context.Context, namespace, name string) (ExternalSecret, error) {
	es, err := c.readExternalSecret(ctx, "", namespace, name)
	if err != nil {
		return ExternalSecret{}, err
	}
	return c.complete(ctx, es.plain()), nil
}

// complete reads what is beside the ExternalSecret itself.
func (c *Client) complete(ctx context.Context, es ExternalSecret) ExternalSecret {
	var (
		wait    sync.WaitGroup
		failure Failure
		store   Store
	)
	wait.Go(func() { failure = c.failure(ctx, es) })
	wait.Go(func() { store = c.store(ctx, es) })
	wait.Wait()
	es.Failure, es.Store = failure, store
	return es
}

// readExternalSecret reads one in the given version, "" is whatever is served.
func (c *Client) readExternalSecret(ctx context.Context, version, namespace, name string) (externalSecret, error) {
	es := externalSecret{version: cmp.Or(version, externalV1)}
	err := c.get(ctx, externalSecretsIn(es.version), namespace, name, &es)
	if version == "" && notServed(err) {
		es.version = externalV1beta1
		err = c.get(ctx, externalSecretsIn(es.version), namespace, name, &es)
	}
	return es, err
}

// externalSecrets lists those of the namespace. A cluster without External
// Secrets has none.
func (c *Client) externalSecrets(ctx context.Context, namespace string) externalSecrets {
	type list struct {
		Metadata struct {
			Continue string `json:"continue"`
		} `json:"metadata"`
		Items []externalSecret `json:"items"`
	}
	const limit = 500
	var read list
	version := externalV1
	err := c.list(ctx, externalSecretsIn(version), namespace, "", limit, &read)
	if errors.Is(err, ErrNotFound) {
		version = externalV1beta1
		err = c.list(ctx, externalSecretsIn(version), namespace, "", limit, &read)
	}
	if err != nil {
		return externalSecrets{unknown: unknown(err)}
	}
	for i := range read.Items {
		read.Items[i].version = version
	}
	all := externalSecrets{items: read.Items, served: true}
	if read.Metadata.Continue != "" {
		all.unknown = fmt.Sprintf("the namespace has more than %d ExternalSecrets: only the first were read", limit)
	}
	return all
}

// targeting returns the ExternalSecret that writes the named Secret: the one
// that the Secret's own marks name, or whose target it is.
func (all externalSecrets) targeting(secretName string, mark Owner) (ExternalSecret, bool) {
	for _, es := range all.items {
		named := mark.Kind == OwnerExternalSecrets && mark.Name == es.Metadata.Name
		// With creationPolicy None it writes nothing, with a manifest something else.
		writes := es.Spec.Target.CreationPolicy != "None" && es.Spec.Target.Manifest == nil
		if named || (es.target() == secretName && writes) {
			return es.plain(), true
		}
	}
	return ExternalSecret{}, false
}

func (es externalSecret) target() string { return cmp.Or(es.Spec.Target.Name, es.Metadata.Name) }

func (es externalSecret) plain() ExternalSecret {
	out := ExternalSecret{
		Name: es.Metadata.Name, Namespace: es.Metadata.Namespace, UID: string(es.Metadata.UID),
		APIVersion: externalSecretsGroup + "/" + es.version, Owner: es.keeper(),
		Target: es.target(), CreationPolicy: cmp.Or(es.Spec.Target.CreationPolicy, "Owner"),
		DeletionPolicy: cmp.Or(es.Spec.Target.DeletionPolicy, "Retain"), RefreshPolicy: es.Spec.RefreshPolicy,
		RefreshInterval: es.refreshInterval(),
		Whole:           len(es.Spec.DataFrom) > 0, Extract: es.extract(),
		Templated: es.Spec.Target.Template.makesKeys(), Immutable: es.Spec.Target.Immutable,
		Store:       Store{Kind: cmp.Or(es.Spec.SecretStoreRef.Kind, "SecretStore"), Name: es.Spec.SecretStoreRef.Name},
		RefreshTime: es.Status.RefreshTime, SyncedVersion: es.Status.SyncedVersion,
		Generation: es.Metadata.Generation, ResourceVersion: es.Metadata.ResourceVersion,
		Deleting: es.Metadata.DeletionTimestamp != nil,
	}
	for _, entry := range es.Spec.Data {
		out.Data = append(out.Data, plainKey(entry))
	}
	for _, cond := range es.Status.Conditions {
		if cond.Type == "Ready" {
			out.Ready, out.Reason, out.Message = cond.Status == "True", cond.Reason, cond.Message
		}
	}
	return out
}

func (es externalSecret) refreshInterval() time.Duration {
	interval, err := time.ParseDuration(es.Spec.RefreshInterval)
	if err != nil {
		return time.Hour // its default; the API server takes any text, External Secrets does not
	}
	return interval
}

// extract returns the entries whose properties become keys under their own
// names.
func (es externalSecret) extract() (keys []string) {
	for _, from := range es.Spec.DataFrom {
		e := from.Extract
		if e == nil || from.SourceRef != nil || len(from.Rewrite) > 0 || e.Property != "" || e.Version != "" {
			continue
		}
		if cmp.Or(e.DecodingStrategy, "None") == "None" && cmp.Or(e.MetadataPolicy, "None") == "None" {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// makesKeys tells whether the Secret has only the keys that the template names.
func (t *secretTemplate) makesKeys() bool {
	if t == nil || t.MergePolicy == "Merge" {
		return false
	}
	// Whatever templateFrom is aimed at, upstream leaves out the plain entries.
	return len(t.Data) > 0 || len(t.TemplateFrom) > 0
}

func (es ExternalSecret) owner() Owner {
	return Owner{OwnerExternalSecrets, es.Name, es.Namespace, fmt.Sprintf("ExternalSecret %q has it as its target", es.Name)}
}

// OwnerClusterExternalSecret makes ExternalSecrets: a change has to be made in
// the ClusterExternalSecret, and its annotation external-secrets.io/force-sync
// syncs all of them.
const OwnerClusterExternalSecret OwnerKind = "cluster-external-secret"

// keeper tells who keeps the ExternalSecret itself as it is.
func (es externalSecret) keeper() Owner {
	m := metaOf(&es.Metadata, false)
	if ref, ok := m.reference(externalSecretsGroup, "ClusterExternalSecret"); ok {
		return Owner{OwnerClusterExternalSecret, ref.Name, "", fmt.Sprintf("owner reference to %s %q", ref.Kind, ref.Name)}
	}
	if owner := OwnerOf(m); owner.Kind != "" {
		return owner
	}
	for _, entry := range es.Metadata.ManagedFields {
		byHand := entry.Manager == "kubectl" || entry.Manager == FieldManager
		if byHand || entry.Operation != metav1.ManagedFieldsOperationApply || entry.FieldsV1 == nil {
			continue
		}
		if strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:spec"`) {
			return Owner{OwnerUnknownManager, entry.Manager, "", fmt.Sprintf("spec applied by %q", entry.Manager)}
		}
	}
	return Owner{}
}

// Stuck says why External Secrets would not write the Secret again, whatever is
// asked of it; "" when it would.
func (es ExternalSecret) Stuck() string {
	switch {
	case es.Deleting:
		return "it is being deleted"
	case es.SyncedVersion == "" || es.RefreshTime.IsZero():
		return "" // the first sync happens in any case
	case es.RefreshPolicy == "CreatedOnce":
		return "its refreshPolicy is CreatedOnce: it never reads the store again"
	case es.RefreshPolicy != "OnChange" && es.RefreshInterval <= 0:
		return "its refreshInterval is 0: it never reads the store again"
	case es.Immutable:
		return "its target is immutable: the Secret keeps the values that it has"
	}
	return ""
}
