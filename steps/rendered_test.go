package steps_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// chartsWithTemplates are directories of charts that can be rendered: our own
// small one as each class of releases, and the released ones where
// OPENCHOREO_CHARTS names a directory with v<version>/openchoreo-control-plane.
func chartsWithTemplates(t *testing.T) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	for _, p := range templates.Profiles() {
		version := p.Versions[len(p.Versions)-1]
		dirs["ours "+version] = charttest.Version(t, version)
	}
	real, err := filepath.Glob(filepath.Join(os.Getenv("OPENCHOREO_CHARTS"), "v*", "openchoreo-control-plane"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range real {
		dirs["released "+strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "v")] = dir
	}
	return dirs
}

// TestReleasedChartsAreRendered says so when they are not.
func TestReleasedChartsAreRendered(t *testing.T) {
	if os.Getenv("OPENCHOREO_CHARTS") == "" {
		t.Skip("OPENCHOREO_CHARTS names no directory with v<version>/openchoreo-control-plane, so that only our own chart is rendered")
	}
	if len(chartsWithTemplates(t)) == len(templates.Profiles()) {
		t.Errorf("no chart below %s", os.Getenv("OPENCHOREO_CHARTS"))
	}
}

// inCluster is what the templates make of a run's values: the API's
// configuration, the bindings by name, the portal's variables.
type inCluster struct {
	api      map[string]any
	bindings map[string]string // "claim=value"
	env      map[string]string // "value", or "key NAME of the Secret"
}

// rendered sets up a portal with g on the chart in dir and renders it. The
// chart's version is what its directory says: those in git have none.
func rendered(t *testing.T, name, dir string, g given) inCluster {
	t.Helper()
	out, _ := renderedOn(t, name, dir, nil, g)
	return out
}

// renderedOn is rendered with a values file that is there, and returns it as it is
// afterwards.
func renderedOn(t *testing.T, name, dir string, file []byte, g given) (inCluster, []byte) {
	t.Helper()
	_, version, _ := strings.Cut(name, " ")
	c, err := chart.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	profile, _, err := templates.Lookup(version)
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, c, profile, file, g)
	if in.Draft.Has("database.postgresql.caFile") {
		in.Current.PostgresCA = []byte("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n")
	}
	p := planned(t, in)
	tree, err := values.Parse(p.Files[0].After)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := c.Effective(tree)
	if err != nil {
		t.Fatal(err)
	}
	if problems := c.Validate(effective); len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, p.Files[0].After)
	}
	files, err := c.Render(chart.Release{Name: "openchoreo-control-plane", Namespace: "openchoreo-control-plane"}, effective)
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Files[0].After)
	}
	out := inCluster{bindings: map[string]string{}, env: map[string]string{}}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		out.read(t, files[file])
	}
	return out, p.Files[0].After
}

// read takes in the objects of a text; a ConfigMap of bootstrap objects holds
// more of them.
func (c *inCluster) read(t *testing.T, text string) {
	t.Helper()
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
			Data     map[string]string
			Spec     struct {
				Entitlement struct{ Claim, Value string }
				Template    struct {
					Spec struct {
						Containers []struct {
							Env []struct {
								Name, Value string
								ValueFrom   struct{ SecretKeyRef struct{ Key string } }
							}
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			if strings.Contains(document, "kind: ClusterAuthzRoleBinding") || strings.Contains(document, "kind: ConfigMap") {
				t.Fatalf("%v\n%s", err, document)
			}
			continue // an object of another shape
		}
		switch {
		case object.Kind == "ClusterAuthzRoleBinding":
			c.bindings[object.Metadata.Name] = object.Spec.Entitlement.Claim + "=" + object.Spec.Entitlement.Value
		case object.Kind == "ConfigMap" && object.Metadata.Name == "openchoreo-api-config":
			if err := yaml.Unmarshal([]byte(object.Data["config.yaml"]), &c.api); err != nil {
				t.Fatal(err)
			}
		case object.Kind == "ConfigMap" && strings.Contains(object.Metadata.Name, "authz-bootstrap"):
			for _, inner := range object.Data {
				c.read(t, inner)
			}
		case object.Kind == "Deployment" && object.Metadata.Name == "backstage":
			for _, v := range object.Spec.Template.Spec.Containers[0].Env {
				if _, twice := c.env[v.Name]; twice {
					t.Errorf("%s is there twice, which server-side apply refuses", v.Name)
				}
				if c.env[v.Name] = v.Value; v.ValueFrom.SecretKeyRef.Key != "" {
					c.env[v.Name] = "key " + v.ValueFrom.SecretKeyRef.Key
				}
			}
		}
	}
}

func (c inCluster) setting(path string) string {
	value, _ := values.Lookup(c.api, values.MustPath(path))
	return fmt.Sprint(value)
}

// endpoints are what offline nobody can find out.
var endpoints = given{
	"identity.authorizationUrl": "https://idp.example.com/authorize", "identity.tokenUrl": "https://idp.example.com/token", "identity.jwksUrl": "https://idp.example.com/jwks",
}

// TestClaimsReachTheAPI: what the API tells people and programs apart by, and
// the bindings that are compared with it, are what was answered.
func TestClaimsReachTheAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		said            given
		groups, subject string
	}{
		"keycloak":           {nil, "groups", "sub"},
		"cognito":            {given{"identity.provider": "cognito", "client.serviceScope": "openchoreo/catalog"}, "cognito:groups", "sub"},
		"auth0":              {given{"identity.provider": "auth0"}, "https://openchoreo.dev/groups", "sub"},
		"another claim":      {given{"identity.provider": "auth0", "authorization.groups.claim": "https://acme.example/g"}, "https://acme.example/g", "sub"},
		"pingone, client_id": {given{"identity.provider": "pingone", "client.serviceScope": "x", "authorization.subjectClaim": "client_id"}, "groups", "client_id"},
	} {
		t.Run(name, func(t *testing.T) {
			for at, dir := range chartsWithTemplates(t) {
				t.Run(at, func(t *testing.T) {
					got := rendered(t, at, dir, production.with(endpoints).with(tt.said).with(given{"authorization.groups.admins": []string{"/ops", "0d1c9a52-1f7e-4c35-9a53-0f8f2f9a1d11"}}))
					for path, want := range map[string]string{
						"security.subjects.user.display_name":                                       "User",
						"security.subjects.user.priority":                                           "1",
						"security.subjects.user.mechanisms.jwt.entitlement.claim":                   tt.groups,
						"security.subjects.user.mechanisms.jwt.entitlement.display_name":            "User Group",
						"security.subjects.service_account.display_name":                            "Service Account",
						"security.subjects.service_account.priority":                                "2",
						"security.subjects.service_account.mechanisms.jwt.entitlement.claim":        tt.subject,
						"security.subjects.service_account.mechanisms.jwt.entitlement.display_name": "Client ID",
						"security.enabled": "true", "security.authorization.enabled": "true",
					} {
						if value := got.setting(path); value != want {
							t.Errorf("%s is %s, want %s", path, value, want)
						}
					}
					for binding, want := range map[string]string{
						"admin-binding":                    tt.groups + "=/ops",
						"admin-binding-2":                  tt.groups + "=0d1c9a52-1f7e-4c35-9a53-0f8f2f9a1d11",
						"developer-binding":                tt.groups + "=developers",
						"backstage-catalog-reader-binding": tt.subject + "=8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11",
						"rca-agent-binding":                tt.subject + "=openchoreo-rca-agent",
					} {
						if got.bindings[binding] != want {
							t.Errorf("%s is %q, want %q", binding, got.bindings[binding], want)
						}
					}
				})
			}
		})
	}
}

// TestClientsReachThePortal: one client for both, or each its own; charts before
// 1.1 have one.
func TestClientsReachThePortal(t *testing.T) {
	two := given{"serviceClient.id": "portal-service", "serviceClient.secret": typed}
	for at, dir := range chartsWithTemplates(t) {
		t.Run(at, func(t *testing.T) {
			old := strings.Contains(at, " 1.0.")
			one := rendered(t, at, dir, production.with(given{"serviceClient.id": ""}))
			if old {
				if _, ok := one.env["OPENCHOREO_SERVICE_CLIENT_ID"]; ok {
					t.Error("a chart of 1.0 has a service client")
				}
				return
			}
			if one.env["OPENCHOREO_SERVICE_CLIENT_ID"] != "portal" || one.env["OPENCHOREO_SERVICE_CLIENT_SECRET"] != "key client-secret" {
				t.Errorf("one client: %v", one.env)
			}
			both := rendered(t, at, dir, production.with(two))
			for variable, want := range map[string]string{
				"OPENCHOREO_AUTH_CLIENT_ID": "portal", "OPENCHOREO_AUTH_CLIENT_SECRET": "key client-secret",
				"OPENCHOREO_SERVICE_CLIENT_ID": "portal-service", "OPENCHOREO_SERVICE_CLIENT_SECRET": "key service-client-secret",
			} {
				if both.env[variable] != want {
					t.Errorf("%s is %q, want %q", variable, both.env[variable], want)
				}
			}
		})
	}
}

// TestSecurityOffRenders: every chart takes what is written then, also those
// whose check for placeholders looks at what nobody uses.
func TestSecurityOffRenders(t *testing.T) {
	for at, dir := range chartsWithTemplates(t) {
		for name, g := range map[string]given{
			"authentication":         development.with(given{"security.authentication": false}),
			"authentication, API":    {"preset": "api-only", "api.publicUrl": "http://api.openchoreo.localhost:8080", "security.authentication": false},
			"nothing said of issuer": {"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080", "security.authentication": false},
			"authorization":          development.with(given{"security.authorization": false}),
			"both":                   production.with(given{"security.authentication": false, "security.authorization": false}),
		} {
			t.Run(at+"/"+name, func(t *testing.T) {
				got := rendered(t, at, dir, g)
				authn, authz := g["security.authentication"] == nil, g["security.authorization"] == nil
				if got.setting("security.enabled") != fmt.Sprint(authn) || got.setting("security.authorization.enabled") != fmt.Sprint(authz) {
					t.Errorf("the API gets %v", got.api["security"])
				}
				if !authz && len(got.bindings) > 0 {
					t.Errorf("bindings: %v", got.bindings)
				}
				if name == "authentication, API" {
					return
				}
				if got.env["OPENCHOREO_FEATURES_AUTH_ENABLED"] != fmt.Sprint(authn) || got.env["OPENCHOREO_FEATURES_AUTHZ_ENABLED"] != fmt.Sprint(authz) {
					t.Errorf("the portal gets %v", got.env)
				}
			})
		}
	}
}

// TestVolumesDoNotRender holds what Trust says against the released charts: once
// one of them takes a volume, the text has to change.
func TestVolumesDoNotRender(t *testing.T) {
	for at, dir := range chartsWithTemplates(t) {
		if strings.HasPrefix(at, "ours") || strings.Contains(at, " 1.0.") {
			continue
		}
		t.Run(at, func(t *testing.T) {
			c, err := chart.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			profile, _, err := templates.Lookup(strings.TrimPrefix(at, "released "))
			if err != nil {
				t.Fatal(err)
			}
			p := planned(t, input(t, c, profile, nil, production))
			tree, err := values.Parse(p.Files[0].After)
			if err != nil {
				t.Fatal(err)
			}
			tree["backstage"].(map[string]any)["extraVolumes"] = []any{map[string]any{"name": "ca", "configMap": map[string]any{"name": "ca"}}}
			effective, err := c.Effective(tree)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Render(chart.Release{Name: "r", Namespace: "n"}, effective); err == nil {
				t.Error("backstage.extraVolumes renders: steps.Trust says that it does not")
			}
		})
	}
}
