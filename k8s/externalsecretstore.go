package k8s

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
)

// StoreRef names a store.
type StoreRef struct {
	Kind string `json:"kind,omitempty"` // ClusterSecretStore or SecretStore; "" is SecretStore
	Name string `json:"name,omitempty"`
}

// Store is where External Secrets reads. The fields after Name are known only
// where the store may be read, and those after Provider only of OpenBao and
// Vault.
type Store struct {
	Kind, Name  string // ClusterSecretStore or SecretStore
	Provider    string // such as "vault" or "aws"
	Server      string // URL
	Path        string // mount of the key-value engine; "" when each entry's key begins with it
	Version     string // v1 or v2
	KVNamespace string // of OpenBao or Vault itself, "" is the root one
	CABundle    string // certificates in PEM that the server is trusted by, "" is the system's, or they are elsewhere
	NotReady    string // why the store's own Ready condition is not True, "" when it is or says nothing
	Unknown     string
}

// store reads what es is fed from. Only OpenBao and Vault are looked into.
func (c *Client) store(ctx context.Context, es ExternalSecret) Store {
	s := es.Store
	if s.Name == "" {
		return s
	}
	k, namespace := kind{externalSecretsGroup, cmp.Or(es.version(), externalV1), "secretstores"}, es.Namespace
	if s.Kind == "ClusterSecretStore" {
		k.resource, namespace = "clustersecretstores", ""
	}
	var store struct {
		Spec struct {
			Provider map[string]json.RawMessage `json:"provider"`
		} `json:"spec"`
		Status struct {
			Conditions []condition `json:"conditions"`
		} `json:"status"`
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
	for _, cond := range store.Status.Conditions {
		if cond.Type == "Ready" && cond.Status != "True" {
			s.NotReady = cmp.Or(cond.Message, cond.Reason, "its Ready condition is "+cond.Status)
		}
	}
	return s
}

// readVault reads the settings of OpenBao and Vault; other providers give the
// same names to other things.
func (s *Store) readVault(settings []byte) {
	var vault struct {
		Server    string `json:"server"`
		Path      string `json:"path"`
		Version   string `json:"version"`
		Namespace string `json:"namespace"`
		CABundle  []byte `json:"caBundle"` // base64 in JSON
	}
	if err := json.Unmarshal(settings, &vault); err != nil {
		s.Unknown = "provider vault: " + err.Error()
		return
	}
	s.Server, s.Path, s.Version = vault.Server, vault.Path, cmp.Or(vault.Version, "v2") // its default
	s.KVNamespace, s.CABundle = vault.Namespace, string(vault.CABundle)
}

// Entry returns where the entry that a remote key names is, for the API of a
// KV version 2 engine: below /v1/<mount>/data/<entry>. External Secrets' vault
// provider takes a key with the mount in front, with the mount and "data/", or
// without both. Where the store names no mount, it is what is before "/data/",
// else the key's first segment.
func (s Store) Entry(remoteKey string) (mount, entry string) {
	two := s.Version != "v1" // which has no "data/"
	if s.Path == "" {
		if mount, entry, ok := strings.Cut(remoteKey, "/data/"); ok && two {
			return mount, entry
		}
		mount, entry, _ = strings.Cut(remoteKey, "/")
		return mount, entry
	}
	entry = remoteKey
	if below, ok := strings.CutPrefix(remoteKey, s.Path+"/"); ok {
		entry = below
		if two {
			entry = strings.TrimPrefix(below, "data/")
		}
	}
	return strings.Trim(s.Path, "/"), entry
}

// RemoteKey returns the remote key of an entry of the given mount, such that
// Entry returns both. The mount counts only where the store names none.
func (s Store) RemoteKey(mount, entry string) string {
	entry = strings.Trim(entry, "/")
	mount = strings.Trim(mount, "/")
	if s.Path != "" || mount == "" || strings.HasPrefix(entry, mount+"/") {
		return entry
	}
	return mount + "/" + entry
}
