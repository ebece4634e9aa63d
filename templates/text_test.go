package templates

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestValuesHeader(t *testing.T) {
	got := ValuesHeader("1.2.3", "backstage-secrets\nbackstage: {}")
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "# ") || !strings.HasSuffix(line, "\n") {
			t.Errorf("%q is not a comment", line)
		}
	}
	if !strings.HasPrefix(got, "# Written by backstage-setup for the chart openchoreo-control-plane 1.2.3.\n") || strings.Contains(got, "${") {
		t.Errorf("got\n%s", got)
	}
}

const wantManifest = `# Written by backstage-setup: the Secret with the portal's credentials.
# Its values are readable by anyone who can read this file, so never commit it.
# Apply it, then delete it:
#   kubectl apply --server-side --field-manager=backstage-setup -f 'my secrets.yaml'
# A change of the Secret reaches the portal when its pods restart.
apiVersion: v1
kind: Secret
metadata:
  name: "backstage-secrets"
  namespace: "openchoreo-control-plane"
type: Opaque
data:
  # Secret of the client.
  client-secret: "czNjcmV0"
  "true": "AAE="
`

func TestSecretManifest(t *testing.T) {
	got := SecretManifest(Manifest{
		Name: "backstage-secrets", Namespace: "openchoreo-control-plane", File: "my secrets.yaml",
		Keys: []ManifestKey{{"client-secret", "Secret of\nthe client.", []byte("s3cret")}, {"true", "", []byte{0, 1}}},
	})
	if diff := cmp.Diff(wantManifest, string(got)); diff != "" {
		t.Error(diff)
	}
}

// FuzzSecretManifest: whatever the parts are, the manifest is one YAML document
// that has exactly them.
func FuzzSecretManifest(f *testing.F) {
	f.Add("backstage-secrets", "out.yaml", "client-secret", "a comment", []byte("s3cret"))
	f.Add("a", "a\nkind: Pod", "no", "x\u2028y: z\u0085", []byte{})
	f.Add("a", "it's", "-", "#", []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, name, file, key, comment string, value []byte) {
		if strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != "" || key == "" {
			t.Skip("Kubernetes refuses the key")
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			t.Skip("Kubernetes refuses the name")
		}
		text := SecretManifest(Manifest{Name: name, Namespace: "default", File: file, Keys: []ManifestKey{{key, comment, value}}})
		var got struct {
			APIVersion, Kind, Type string
			Metadata               struct{ Name, Namespace string }
			Data                   map[string][]byte
		}
		if err := yaml.UnmarshalStrict(text, &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got.Kind != "Secret" || got.Metadata.Name != name || len(got.Data) != 1 || !bytes.Equal(got.Data[key], value) {
			t.Errorf("read back %+v from\n%s", got, text)
		}
	})
}

func TestSecretManifestWithoutKeys(t *testing.T) {
	var got map[string]any
	if err := yaml.UnmarshalStrict(SecretManifest(Manifest{Name: "a", Namespace: "b", File: "c"}), &got); err != nil {
		t.Fatal(err)
	}
	if data, ok := got["data"].(map[string]any); !ok || len(data) != 0 {
		t.Errorf("data is %v", got["data"])
	}
}
