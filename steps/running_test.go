package steps

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// served is an installation as its routes, gateway and API tell it.
func served() k8s.Found {
	return k8s.Found{
		Portal: k8s.Route{Name: "backstage", Hostnames: []string{"console.example.com"}},
		API:    k8s.Route{Name: "openchoreo-api", Hostnames: []string{"api.example.com"}},
		Gateway: k8s.Gateway{Name: "gateway-default", Listeners: []k8s.Listener{
			{Name: "http", Protocol: "HTTP", Port: 80},
			{Name: "https", Protocol: "HTTPS", Port: 8443, Hostname: "*.example.com", TLS: "Terminate", Certificates: []string{"openchoreo-tls"}},
		}},
		APIConfig: k8s.APIConfig{Config: map[string]any{
			"server":   map[string]any{"public_url": "https://api.example.com:8443"},
			"security": map[string]any{"authentication": map[string]any{"jwt": map[string]any{"audiences": []any{"openchoreo"}}}},
			"identity": map[string]any{"oidc": map[string]any{"issuer": "https://id.example.com", "jwks_url": "http://thunder.openchoreo.invalid/jwks"}},
		}},
	}
}

// Where the release may not be read, what runs tells as much as it can, with its
// place; where it may, the release does.
func TestRunning(t *testing.T) {
	in := plan.Input{Current: plan.Current{Cluster: served()}}
	got := map[answers.Key]any{}
	for _, p := range running(in) {
		got[p.Key] = p.Value
		if p.Source.Rank != answers.FromCluster || p.Source.Detail == "" {
			t.Errorf("%s comes from %s", p.Key, p.Source)
		}
	}
	want := map[answers.Key]any{
		"portal.hostnames": []string{"console.example.com"}, "api.hostnames": []string{"api.example.com"},
		"gateway.tls.enabled": true, "gateway.tls.hostname": "*.example.com", "gateway.tls.certificateSecret": "openchoreo-tls",
		"gateway.httpPort": 80, "gateway.httpsPort": 8443,
		"api.publicUrl": "https://api.example.com:8443", "identity.issuer": "https://id.example.com", "identity.audience": "openchoreo",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	in.Current.Cluster.Release = k8s.Release{Name: "openchoreo-control-plane", Installed: true}
	if list := running(in); len(list) > 0 {
		t.Errorf("beside the release: %v", list)
	}
	if list := running(plan.Input{}); len(list) > 0 {
		t.Errorf("of nothing: %v", list)
	}
}

func TestAddressOf(t *testing.T) {
	http, https := k8s.Listener{Protocol: "HTTP", Port: 80}, k8s.Listener{Protocol: "HTTPS", Port: 443, Hostname: "*.example.com"}
	for name, tt := range map[string]struct {
		listeners []k8s.Listener
		want      string
	}{
		"both":              {[]k8s.Listener{http, https}, "https://console.example.com"},
		"other order":       {[]k8s.Listener{https, http}, "https://console.example.com"},
		"http alone":        {[]k8s.Listener{http}, "http://console.example.com"},
		"another port":      {[]k8s.Listener{{Protocol: "HTTP", Port: 8080}}, "http://console.example.com:8080"},
		"https of others":   {[]k8s.Listener{http, {Protocol: "HTTPS", Port: 443, Hostname: "*.example.org"}}, "http://console.example.com"},
		"no listener fits":  {[]k8s.Listener{{Protocol: "TLS", Port: 443}}, "https://console.example.com"},
		"without listeners": {nil, "https://console.example.com"},
	} {
		if got := addressOf("console.example.com", k8s.Gateway{Name: "gateway-default", Listeners: tt.listeners}); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := addressOf("console.example.com", k8s.Gateway{}); got != "https://console.example.com" {
		t.Errorf("without a gateway: %s", got)
	}
}

func TestStorageClasses(t *testing.T) {
	in := plan.Input{Current: plan.Current{Cluster: k8s.Found{StorageClasses: k8s.StorageClasses{Names: []string{"fast", "standard"}, Default: "standard"}}}}
	want := []Option{{Value: "fast", Title: "fast"}, {Value: "standard", Title: "standard", Note: "the cluster's default"}}
	if diff := cmp.Diff(want, storageClasses(in)); diff != "" {
		t.Error(diff)
	}
}
