package k8s

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// NewExternalSecret is an ExternalSecret to be made.
type NewExternalSecret struct {
	Namespace, Name string
	APIVersion      string        // "" is external-secrets.io/v1
	Target          string        // name of the Secret, "" is Name
	Store           StoreRef      // Kind "" is ClusterSecretStore, Name "" is "default", as in the product's guides
	RefreshInterval time.Duration // 0 is 1h
	Keys            []ExternalKey // in any order
}

// object returns the resource, its entries sorted by the key of the Secret. The
// creationPolicy is its default, Owner.
func (n NewExternalSecret) object(apiVersion string) map[string]any {
	keys := slices.Clone(n.Keys)
	slices.SortStableFunc(keys, func(a, b ExternalKey) int { return cmp.Compare(a.SecretKey, b.SecretKey) })
	return map[string]any{
		"apiVersion": apiVersion,
		"kind":       "ExternalSecret",
		"metadata":   map[string]any{"name": n.Name, "namespace": n.Namespace},
		"spec": map[string]any{
			"refreshInterval": shortDuration(cmp.Or(n.RefreshInterval, time.Hour)),
			"secretStoreRef": map[string]any{
				"kind": cmp.Or(n.Store.Kind, "ClusterSecretStore"),
				"name": cmp.Or(n.Store.Name, "default"),
			},
			"target": map[string]any{"name": cmp.Or(n.Target, n.Name)},
			"data":   objects(keys),
		},
	}
}

// Manifest returns the resource as YAML, the same for the same n, with a
// comment that says what it is and what has to be there before.
func (n NewExternalSecret) Manifest() ([]byte, error) {
	return document(n.object(cmp.Or(n.APIVersion, externalSecretsGroup+"/"+externalV1)),
		fmt.Sprintf("Written by backstage-setup: makes the Secret %s in namespace %s.", cmp.Or(n.Target, n.Name), n.Namespace),
		"It holds names of entries in the store, no values.",
		"Every entry has to be in the store first: one that is missing stops the whole sync.",
	)
}

// ManifestWith returns, as YAML, the whole spec.data of es with the missing ones
// of keys behind what is there: to be put into the source that es is made from,
// or used as a merge patch. The comment says so.
func ManifestWith(es ExternalSecret, keys []ExternalKey) ([]byte, error) {
	absent, other := missing(es.Data, keys)
	if other != nil {
		return nil, differs(es, *other)
	}
	comment := []string{
		fmt.Sprintf("Written by backstage-setup: spec.data of ExternalSecret %s/%s, complete.", es.Namespace, es.Name),
		"It holds names of entries in the store, no values.",
	}
	for _, k := range absent {
		comment = append(comment, "New: "+k.SecretKey)
	}
	if es.Owner.Kind != "" {
		comment = append(comment, fmt.Sprintf("A change in the cluster would be undone (%s): make it in the source instead.", es.Owner.Reason))
	}
	if es.Owner.Kind == OwnerClusterExternalSecret {
		comment = append(comment, fmt.Sprintf("Replace spec.externalSecretSpec.data of ClusterExternalSecret %s with the list below.", es.Owner.Name))
	} else {
		comment = append(comment, "Replace spec.data there with the list below, or use this file as a patch in a Kustomization.")
	}
	comment = append(comment, "Every entry has to be in the store first: one that is missing stops the whole sync.")
	return document(map[string]any{
		"apiVersion": cmp.Or(es.APIVersion, externalSecretsGroup+"/"+externalV1),
		"kind":       "ExternalSecret",
		"metadata":   map[string]any{"name": es.Name, "namespace": es.Namespace},
		"spec":       map[string]any{"data": objects(slices.Concat(es.Data, absent))},
	}, comment...)
}

func differs(es ExternalSecret, there ExternalKey) error {
	return fmt.Errorf("ExternalSecret %s/%s reads %s from %q already, property %q: change that entry by hand, or use it",
		es.Namespace, es.Name, there.SecretKey, there.RemoteKey, there.Property)
}

func objects(keys []ExternalKey) []any {
	list := make([]any, 0, len(keys))
	for _, k := range keys {
		list = append(list, k.object())
	}
	return list
}

// document returns object as YAML below the comment's lines.
func document(object map[string]any, comment ...string) ([]byte, error) {
	body, err := yaml.Marshal(object)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, text := range comment {
		// Names in it are other people's: none may end the comment.
		b.WriteString("# " + strings.Join(strings.Fields(text), " ") + "\n")
	}
	b.Write(body)
	return []byte(b.String()), nil
}

// shortDuration writes whole hours and minutes as people do: 1h, not 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}
