package plan

import (
	"slices"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// TestStoreIsBehind: a value that the Secret has goes to the store even so where
// the next sync would take it away again.
func TestStoreIsBehind(t *testing.T) {
	at := StoreAt{"secret", "backstage-client-secret"}
	reads := k8s.ExternalKey{SecretKey: "client-secret", RemoteKey: at.Entry, Property: "value"}
	for name, tt := range map[string]struct {
		stored string
		reads  []k8s.ExternalKey
		want   []string
	}{
		"the same":                         {"n3w", []k8s.ExternalKey{reads}, nil},
		"an old value":                     {"old", []k8s.ExternalKey{reads}, []string{"store." + at.String(), "sync"}},
		"nothing":                          {"", []k8s.ExternalKey{reads}, []string{"store." + at.String(), "sync"}},
		"the ExternalSecret lacks the key": {"n3w", []k8s.ExternalKey{{SecretKey: "backend-secret", RemoteKey: "backstage-backend-secret", Property: "value"}}, []string{"external.keys", "sync"}},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(map[string]string{"client-secret": "n3w", "backend-secret": "r", "jenkins-api-key": "placeholder-not-in-use"})
			found.Secret.Owner = k8s.Owner{Kind: k8s.OwnerExternalSecrets, Name: "portal"}
			found.External = k8s.ExternalSecret{Name: "portal", Namespace: "cp", Data: tt.reads,
				Store: k8s.Store{Kind: "SecretStore", Name: "default", Provider: "vault", Server: "https://bao.example.com", Path: "secret", Version: "v2"}}
			entry := StoreEntry{}
			if tt.stored != "" {
				entry = StoreEntry{Version: 1, Live: true, Values: map[string]secret.Text{"value": secret.New(tt.stored)}}
			}
			p := scene{found: found, said: given{"portal.enabled": true, "client.secret": typed("n3w"), "secret.store.token": typed("t")}, current: func(c *Current) {
				c.Store = StoreState{Read: true, Entries: map[StoreAt]StoreEntry{at: entry}}
			}}.plan(t)
			if p.Secret.NotDelivered != "" {
				t.Fatal(p.Secret.NotDelivered)
			}
			var ids []string
			for _, a := range p.delivery {
				ids = append(ids, a.ID())
			}
			if !slices.Equal(ids, tt.want) {
				t.Errorf("got %q, want %q", ids, tt.want)
			}
		})
	}
}
