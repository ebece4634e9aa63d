package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The vault provider of External Secrets 2.9 and its documentation say where
// each key is.
func TestStoreEntry(t *testing.T) {
	for _, tt := range []struct {
		path, version, key string
		mount, entry       string
	}{
		{"secret", "v2", "backstage-client-secret", "secret", "backstage-client-secret"},
		{"secret", "v2", "team/backstage", "secret", "team/backstage"},
		{"secret", "v2", "secret/backstage", "secret", "backstage"},
		{"secret", "v2", "secret/data/backstage", "secret", "backstage"},
		{"secret", "v2", "data/backstage", "secret", "data/backstage"}, // only behind the mount
		{"secret", "v2", "secretive/backstage", "secret", "secretive/backstage"},
		{"secret", "v2", "secret/secret/backstage", "secret", "secret/backstage"},
		{"team/kv", "v2", "foo", "team/kv", "foo"},
		{"team/kv", "v2", "team/kv/foo", "team/kv", "foo"},
		{"team/kv", "v2", "team/kv/data/foo", "team/kv", "foo"},
		{"secret/", "v2", "foo", "secret", "foo"},
		{"", "v2", "secret/path/foo", "secret", "path/foo"},
		{"", "v2", "secret/data/path/foo", "secret", "path/foo"},
		{"", "v2", "team/kv/data/foo", "team/kv", "foo"},
		{"", "v2", "foo", "foo", ""},
		{"secret", "v1", "secret/data/foo", "secret", "data/foo"},
		{"", "v1", "secret/data/foo", "secret", "data/foo"},
	} {
		if mount, entry := (Store{Path: tt.path, Version: tt.version}).Entry(tt.key); mount != tt.mount || entry != tt.entry {
			t.Errorf("path %q, %s: %q is %q in %q", tt.path, tt.version, tt.key, entry, mount)
		}
	}
}

func TestStoreRemoteKey(t *testing.T) {
	for _, tt := range []struct{ path, mount, entry, want string }{
		{"secret", "", "team/backstage", "team/backstage"},
		{"secret", "secret", "/team/backstage/", "team/backstage"},
		{"secret", "other", "team/backstage", "team/backstage"},
		{"", "secret", "team/backstage", "secret/team/backstage"},
		{"", "/secret/", "secret/team/backstage", "secret/team/backstage"},
		{"", "", "secret/team/backstage", "secret/team/backstage"},
	} {
		if got := (Store{Path: tt.path}).RemoteKey(tt.mount, tt.entry); got != tt.want {
			t.Errorf("path %q, mount %q: %q is %q", tt.path, tt.mount, tt.entry, got)
		}
	}
}

func TestStoreKeys(t *testing.T) {
	bao := Store{Kind: "ClusterSecretStore", Name: "default", Provider: "vault", Path: "secret", Version: "v2"}
	entries := func(three ...string) (keys []ExternalKey) {
		for i := 0; i < len(three); i += 3 {
			keys = append(keys, ExternalKey{SecretKey: three[i], RemoteKey: three[i+1], Property: three[i+2]})
		}
		return keys
	}
	fresh := func(key, remote, entry, property string) StoreKey {
		return StoreKey{SecretKey: key, Mount: "secret", Entry: entry, Property: property, New: ExternalKey{SecretKey: key, RemoteKey: remote, Property: property}}
	}
	for name, tt := range map[string]struct {
		es    ExternalSecret
		place StorePlace
		key   string
		want  StoreKey
	}{
		"there already, in its own way": {
			ExternalSecret{Data: entries("client-secret", "secret/data/odd", "v"), Store: bao}, StorePlace{Path: "elsewhere"}, "client-secret",
			StoreKey{SecretKey: "client-secret", Mount: "secret", Entry: "odd", Property: "v"},
		},
		"nothing to learn from": {
			ExternalSecret{Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "backstage-postgres-user", "backstage-postgres-user", "value"),
		},
		"as in the product's guides": {
			ExternalSecret{Data: entries("client-secret", "backstage-client-secret", "value", "backend-secret", "backstage-backend-secret", "value"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "backstage-postgres-user", "backstage-postgres-user", "value"),
		},
		"an entry for each, below a path with the mount": {
			ExternalSecret{Data: entries("client-secret", "secret/data/team/client-secret", "password"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "secret/data/team/postgres-user", "team/postgres-user", "password"),
		},
		"one entry for all": {
			ExternalSecret{Data: entries("client-secret", "team/backstage", "client-secret", "backend-secret", "team/backstage", "backend-secret"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "team/backstage", "team/backstage", "postgres-user"),
		},
		"one entry for all, whose properties are named otherwise": {
			ExternalSecret{Data: entries("client-secret", "team/backstage", "clientSecret", "backend-secret", "team/backstage", "backendSecret"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "team/backstage", "team/backstage", "postgres-user"),
		},
		"the key in both": {
			ExternalSecret{Data: entries("client-secret", "portal/client-secret", "client-secret"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "portal/postgres-user", "portal/postgres-user", "postgres-user"),
		},
		"as most of them": {
			ExternalSecret{Data: entries("a-key", "odd/a-key", "v", "client-secret", "portal-client-secret", "value", "backend-secret", "portal-backend-secret", "value"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "portal-postgres-user", "portal-postgres-user", "value"),
		},
		"no rule, and not one entry": {
			ExternalSecret{Data: entries("client-secret", "one", "v", "backend-secret", "two", "v"), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "backstage-postgres-user", "backstage-postgres-user", "value"),
		},
		"whole entries teach nothing": {
			ExternalSecret{Data: entries("client-secret", "portal/client-secret", ""), Store: bao}, StorePlace{}, "postgres-user",
			fresh("postgres-user", "backstage-postgres-user", "backstage-postgres-user", "value"),
		},
		"the operator's own path": {
			ExternalSecret{Data: entries("client-secret", "backstage-client-secret", "value"), Store: bao}, StorePlace{Path: "team/portal"}, "postgres-user",
			fresh("postgres-user", "team/portal", "team/portal", "postgres-user"),
		},
		"all of an entry": {
			ExternalSecret{Whole: true, Extract: []string{"team/backstage"}, Store: bao}, StorePlace{}, "postgres-user",
			StoreKey{SecretKey: "postgres-user", Mount: "secret", Entry: "team/backstage", Property: "postgres-user"},
		},
		"all of an entry, but the operator's own path": {
			ExternalSecret{Whole: true, Extract: []string{"team/backstage"}, Store: bao}, StorePlace{Path: "team/portal"}, "postgres-user",
			fresh("postgres-user", "team/portal", "team/portal", "postgres-user"),
		},
		"a store without a mount": {
			ExternalSecret{Store: Store{Provider: "vault", Version: "v2"}}, StorePlace{Mount: "secret"}, "postgres-user",
			fresh("postgres-user", "secret/backstage-postgres-user", "backstage-postgres-user", "value"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := StoreKeys(tt.es, tt.place, "another", tt.key)
			if diff := cmp.Diff(tt.want, got[1]); diff != "" {
				t.Error(diff)
			}
			if got[0].SecretKey != "another" {
				t.Errorf("the order is not kept: %+v", got)
			}
		})
	}
}

func TestStoreKeysThatCannotBeWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		entry, spec string
		store       Store
		key, want   string
	}{
		"the whole entry": {entry: "{secretKey: a, remoteRef: {key: k}}", key: "a", want: `the whole entry "k", as JSON, is the value`},
		"base64":          {entry: "{secretKey: a, remoteRef: {key: k, property: p, decodingStrategy: Base64}}", key: "a", want: "has decodingStrategy Base64"},
		"a version":       {entry: `{secretKey: a, remoteRef: {key: k, property: p, version: "3"}}`, key: "a", want: "has version 3"},
		"metadata":        {entry: "{secretKey: a, remoteRef: {key: k, property: p, metadataPolicy: Fetch}}", key: "a", want: "has metadataPolicy Fetch"},
		"another store":   {entry: "{secretKey: a, remoteRef: {key: k, property: p}, sourceRef: {storeRef: {name: s}}}", key: "a", want: "a store of its own (sourceRef)"},
		"a template":      {spec: "target: {template: {data: {b: x}}}", key: "a", want: "a template (spec.target.template) makes the keys"},
		"templates from":  {spec: "target: {template: {templateFrom: [{configMap: {name: c}}]}}", key: "a", want: "a template (spec.target.template) makes the keys"},
		"another provider": {store: Store{Kind: "SecretStore", Name: "s", Provider: "aws"}, key: "a",
			want: `SecretStore "s" is of the provider "aws": only OpenBao and Vault`},
		"version 1": {store: Store{Kind: "SecretStore", Name: "s", Provider: "vault", Path: "p", Version: "v1"}, key: "a", want: "key-value engine of version 1"},
		"no mount":  {store: Store{Kind: "SecretStore", Name: "s", Provider: "vault", Version: "v2"}, key: "a", want: "set secret.store.mount"},

		"what the API server fills in": {entry: "{secretKey: a, remoteRef: {key: k, property: p, decodingStrategy: None, conversionStrategy: Default, metadataPolicy: None}}", key: "a"},
		"a conversion of names":        {entry: "{secretKey: a, remoteRef: {key: k, property: p, conversionStrategy: Unicode}}", key: "a"},
		"an entry behind a template":   {entry: "{secretKey: a, remoteRef: {key: k, property: p}}", spec: "target: {template: {data: {b: x}}}", key: "a"},
		"a template for labels":        {spec: "target: {template: {metadata: {labels: {b: c}}}}", key: "a"},
		"a template beside the keys":   {spec: "target: {template: {mergePolicy: Merge, data: {b: x}}}", key: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			var es externalSecret
			text := "spec:\n"
			if tt.spec != "" {
				text += "  " + tt.spec + "\n"
			}
			if tt.entry != "" {
				text += "  data:\n  - " + tt.entry + "\n"
			}
			if err := unmarshalYAML(text, &es); err != nil {
				t.Fatal(err)
			}
			plain := es.plain()
			plain.Store = tt.store
			if tt.store.Name == "" {
				plain.Store = Store{Provider: "vault", Path: "secret", Version: "v2"}
			}
			got := StoreKeys(plain, StorePlace{}, tt.key)[0].Unsupported
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// What StoreKeys says is where External Secrets reads.
func TestStoreKeysAreWhereExternalSecretsReads(t *testing.T) {
	s := newScene(t)
	s.store.put("all", "from-all", "x")
	s.apply(t, `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal, namespace: NS}
spec:
  secretStoreRef: {name: bao}
  target: {name: backstage-secrets}
  data:
  - {secretKey: with-data, remoteRef: {key: secret/data/a/with-data, property: value}}
  - {secretKey: with-mount, remoteRef: {key: secret/a/with-mount, property: value}}
  - {secretKey: plain, remoteRef: {key: a/plain, property: value}}
  - {secretKey: data-alone, remoteRef: {key: data/data-alone, property: dotted.name}}
  dataFrom:
  - extract: {key: all}
`)
	es := s.read(t)
	names := []string{"with-data", "with-mount", "plain", "data-alone", "from-all", "unheard-of"}
	for _, place := range []StorePlace{{}, {Path: "one/entry"}} {
		for _, k := range StoreKeys(es, place, names...) {
			if k.Unsupported != "" || k.Mount != "secret" {
				t.Errorf("got %+v", k)
			}
			s.store.put(k.Entry, k.Property, "value of "+k.SecretKey)
			if k.New.SecretKey == "" {
				continue
			}
			if k.SecretKey != "unheard-of" && k.SecretKey != "from-all" {
				t.Errorf("new: %+v", k)
			}
			var err error
			if es, _, err = s.c.AddExternalKeys(t.Context(), es, []ExternalKey{k.New}); err != nil {
				t.Fatal(err)
			}
		}
	}
	forced, err := s.c.ForceSync(t.Context(), es, at(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.c.AwaitSync(t.Context(), SyncWait{External: forced, Keys: names}); err != nil {
		t.Fatal(err)
	}
	values := s.values(t)
	for _, name := range names {
		if values[name] != "value of "+name {
			t.Errorf("%s is %q", name, values[name])
		}
	}
}
