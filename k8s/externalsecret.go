package k8s

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

var externalSecretKind = kind{"external-secrets.io", "v1", "externalsecrets"}

// ExternalSecret is the resource of External Secrets that makes the portal's
// Secret. Name is "" when there is none.
type ExternalSecret struct {
	Name, Namespace string
	Target          string // name of the Secret
	CreationPolicy  string // Owner, Orphan, Merge or None
	RefreshPolicy   string // Periodic, CreatedOnce or OnChange
	Data            []ExternalKey
	Whole           bool // dataFrom: keys that Data does not list
	Store           Store
	Ready           bool
	Message         string // of the Ready condition
	RefreshTime     time.Time
	ResourceVersion string
	Unknown         string
}

// ExternalKey maps a property of an entry in the store to a key of the Secret.
type ExternalKey struct{ SecretKey, RemoteKey, Property string }

// Store is where External Secrets reads. The fields after Name are of OpenBao
// and Vault, and known only where the store may be read.
type Store struct {
	Kind, Name string // ClusterSecretStore or SecretStore
	Provider   string // such as "vault" or "aws"
	Server     string // URL
	Path       string // mount of the key-value engine
	Version    string // v1 or v2
	Unknown    string
}

// externalSecrets are those of one namespace.
type externalSecrets struct {
	items   []externalSecret
	unknown string
}

type externalSecret struct {
	Metadata struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Spec struct {
		RefreshPolicy  string `json:"refreshPolicy"`
		SecretStoreRef struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"secretStoreRef"`
		Target struct {
			Name           string `json:"name"`
			CreationPolicy string `json:"creationPolicy"`
		} `json:"target"`
		Data []struct {
			SecretKey string `json:"secretKey"`
			RemoteRef struct {
				Key      string `json:"key"`
				Property string `json:"property"`
			} `json:"remoteRef"`
		} `json:"data"`
		DataFrom []struct{} `json:"dataFrom"`
	} `json:"spec"`
	Status struct {
		RefreshTime time.Time   `json:"refreshTime"`
		Conditions  []condition `json:"conditions"`
	} `json:"status"`
}

// condition is a condition of any resource.
type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// externalSecrets lists those of the namespace. A cluster without External
// Secrets has none.
func (c *Client) externalSecrets(ctx context.Context, namespace string) externalSecrets {
	var list struct {
		Metadata struct {
			Continue string `json:"continue"`
		} `json:"metadata"`
		Items []externalSecret `json:"items"`
	}
	const limit = 500
	if err := c.list(ctx, externalSecretKind, namespace, "", limit, &list); err != nil {
		return externalSecrets{unknown: unknown(err)}
	}
	all := externalSecrets{items: list.Items}
	if list.Metadata.Continue != "" {
		all.unknown = fmt.Sprintf("the namespace has more than %d ExternalSecrets: only the first were read", limit)
	}
	return all
}

// targeting returns the ExternalSecret that writes the named Secret: the one
// that the Secret's own marks name, or whose target it is.
func (all externalSecrets) targeting(secretName string, mark Owner) (ExternalSecret, bool) {
	for _, es := range all.items {
		target := cmp.Or(es.Spec.Target.Name, es.Metadata.Name)
		named := mark.Kind == OwnerExternalSecrets && mark.Name == es.Metadata.Name
		// With creationPolicy None it writes nothing.
		if named || (target == secretName && es.Spec.Target.CreationPolicy != "None") {
			return es.plain(target), true
		}
	}
	return ExternalSecret{}, false
}

func (es externalSecret) plain(target string) ExternalSecret {
	out := ExternalSecret{
		Name: es.Metadata.Name, Namespace: es.Metadata.Namespace, ResourceVersion: es.Metadata.ResourceVersion,
		Target: target, CreationPolicy: cmp.Or(es.Spec.Target.CreationPolicy, "Owner"), RefreshPolicy: es.Spec.RefreshPolicy,
		Whole: len(es.Spec.DataFrom) > 0, RefreshTime: es.Status.RefreshTime,
		Store: Store{Kind: cmp.Or(es.Spec.SecretStoreRef.Kind, "SecretStore"), Name: es.Spec.SecretStoreRef.Name},
	}
	for _, d := range es.Spec.Data {
		out.Data = append(out.Data, ExternalKey{d.SecretKey, d.RemoteRef.Key, d.RemoteRef.Property})
	}
	for _, cond := range es.Status.Conditions {
		if cond.Type == "Ready" {
			out.Ready, out.Message = cond.Status == "True", cond.Message
		}
	}
	return out
}

func (es ExternalSecret) owner() Owner {
	return Owner{OwnerExternalSecrets, es.Name, es.Namespace, fmt.Sprintf("ExternalSecret %q has it as its target", es.Name)}
}

// store reads what es is fed from. Only OpenBao and Vault are looked into.
func (c *Client) store(ctx context.Context, es ExternalSecret) Store {
	s := es.Store
	if s.Name == "" {
		return s
	}
	k, namespace := kind{"external-secrets.io", "v1", "secretstores"}, es.Namespace
	if s.Kind == "ClusterSecretStore" {
		k.resource, namespace = "clustersecretstores", ""
	}
	var store struct {
		Spec struct {
			Provider map[string]json.RawMessage `json:"provider"`
		} `json:"spec"`
	}
	if err := c.get(ctx, k, namespace, s.Name, &store); err != nil {
		s.Unknown = err.Error()
		return s
	}
	for provider, settings := range store.Spec.Provider { // there is one
		s.Provider = provider
		if provider == "vault" {
			s.readVault(settings)
		}
	}
	return s
}

// readVault reads the settings of OpenBao and Vault; other providers give the
// same names to other things.
func (s *Store) readVault(settings []byte) {
	var vault struct {
		Server  string `json:"server"`
		Path    string `json:"path"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(settings, &vault); err != nil {
		s.Unknown = "provider vault: " + err.Error()
		return
	}
	s.Server, s.Path, s.Version = vault.Server, vault.Path, cmp.Or(vault.Version, "v2") // its default
}
