package estest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// errNoSecret is what the store does not have, in upstream's words.
var errNoSecret = errors.New("Secret does not exist") //lint:ignore ST1005 upstream's words

// vault is the provider of a store.
type vault struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// read returns the data of the Secret, or the first thing that is missing.
func (c *Controller) read(ctx context.Context, es *externalSecret) (map[string][]byte, error) {
	data := map[string][]byte{}
	retain := es.deletionPolicy() == "Retain"
	for i, from := range es.Spec.DataFrom {
		if from.Extract == nil {
			return nil, fmt.Errorf("error processing spec.dataFrom[%d], err: estest only extracts", i)
		}
		values, err := c.extract(ctx, es.Spec.SecretStoreRef, *from.Extract)
		if errors.Is(err, errNoSecret) && !retain {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("error processing spec.dataFrom[%d].extract, err: %w", i, err)
		}
		maps.Copy(data, values)
	}
	for i, entry := range es.Spec.Data {
		from := es.Spec.SecretStoreRef
		if entry.SourceRef != nil {
			from = entry.SourceRef.StoreRef
		}
		value, err := c.value(ctx, from, entry.RemoteRef)
		if errors.Is(err, errNoSecret) && !retain {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("error processing spec.data[%d] (key: %s), err: %w", i, entry.RemoteRef.Key, err)
		}
		data[entry.SecretKey] = value
	}
	return data, nil
}

func (c *Controller) extract(ctx context.Context, from storeRef, ref remoteRef) (map[string][]byte, error) {
	text, err := c.value(ctx, from, ref)
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, err
	}
	data := make(map[string][]byte, len(values))
	for key, value := range values {
		data[key] = plain(value)
	}
	return data, nil
}

// value reads an entry, or one property of it.
func (c *Controller) value(ctx context.Context, from storeRef, ref remoteRef) ([]byte, error) {
	v, err := c.provider(ctx, from)
	if err != nil {
		return nil, err
	}
	text, err := c.get(ctx, v.apiPath(ref.Key))
	if err != nil {
		return nil, err
	}
	if ref.Property == "" {
		return text, nil
	}
	var entry map[string]json.RawMessage
	if err := json.Unmarshal(text, &entry); err != nil {
		return nil, errors.New("failed to unmarshall JSON")
	}
	value, ok := entry[ref.Property]
	if !ok {
		return nil, fmt.Errorf("cannot find secret data for key: %q", ref.Property)
	}
	return plain(value), nil
}

// plain is a text itself, and anything else as JSON.
func plain(value json.RawMessage) []byte {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return []byte(text)
	}
	return value
}

// provider reads the store's settings. One that nobody has looked at yet is
// marked as ready, which upstream's controller of stores does.
func (c *Controller) provider(ctx context.Context, ref storeRef) (vault, error) {
	kind := cmp.Or(ref.Kind, "SecretStore")
	stores := c.resource(strings.ToLower(kind) + "s")
	object, err := stores.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return vault{}, fmt.Errorf("could not get %s %q, %w", kind, ref.Name, err)
	}
	var store struct {
		Spec struct {
			Provider struct {
				Vault *vault `json:"vault"`
			} `json:"provider"`
		} `json:"spec"`
		Status status `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &store); err != nil {
		return vault{}, err
	}
	if store.Spec.Provider.Vault == nil {
		return vault{}, fmt.Errorf("%s %q: estest knows only the provider vault", kind, ref.Name)
	}
	for _, cond := range store.Status.Conditions {
		if cond.Type != "Ready" {
			continue
		}
		if cond.Status != "True" {
			return vault{}, fmt.Errorf("%s %q is not ready", kind, ref.Name)
		}
		return *store.Spec.Provider.Vault, nil
	}
	object.Object["status"] = map[string]any{
		"capabilities": "ReadWrite",
		"conditions": []any{map[string]any{
			"type": "Ready", "status": "True", "reason": "Valid", "message": "store validated",
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		}},
	}
	_, err = stores.UpdateStatus(ctx, object, metav1.UpdateOptions{FieldManager: "external-secrets"})
	return *store.Spec.Provider.Vault, err
}

// apiPath is where the API has an entry, by the rules of upstream's provider:
// the mount, and "data" of version 2, are put in unless the key has them.
func (v vault) apiPath(key string) string {
	two := v.Version != "v1"
	if v.Path == "" {
		mount, rest, _ := strings.Cut(key, "/")
		if !two || strings.Contains(key, "/data/") {
			return key
		}
		return strings.TrimSuffix(mount+"/data/"+rest, "/")
	}
	if below, ok := strings.CutPrefix(key, v.Path+"/"); ok {
		key = below
		if two {
			key = strings.TrimPrefix(key, "data/")
		}
	}
	if two {
		return v.Path + "/data/" + key
	}
	return v.Path + "/" + key
}

// get reads the entry at a path of the API of KV version 2, as JSON.
func (c *Controller) get(ctx context.Context, path string) (json.RawMessage, error) {
	url := strings.TrimSuffix(c.store.URL, "/") + "/v1/" + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if c.store.Token != "" {
		req.Header.Set("X-Vault-Token", c.store.Token)
	}
	req.Header.Set("X-Vault-Request", "true")
	resp, err := c.store.Transport.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret data from Vault: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret data from Vault: %w", err)
	}
	var answer struct {
		Errors []string `json:"errors"`
		Data   struct {
			Data json.RawMessage `json:"data"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil && resp.StatusCode == http.StatusOK {
		return nil, fmt.Errorf("cannot read secret data from Vault: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, errNoSecret
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("cannot read secret data from Vault: Error making API request.\n\nURL: GET %s\nCode: %d. Errors:\n\n* %s",
			url, resp.StatusCode, strings.Join(answer.Errors, "\n* "))
	case len(answer.Data.Data) == 0 || string(answer.Data.Data) == "null":
		return nil, errNoSecret
	}
	return answer.Data.Data, nil
}
