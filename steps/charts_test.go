package steps_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

// given is what an operator says, by key.
type given map[answers.Key]any

func (g given) with(more given) given {
	all := given{}
	for _, m := range []given{g, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

var (
	typed       = secret.Value{Text: secret.New("correct horse battery staple")}
	development = given{
		"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080",
		"identity.issuer": "http://thunder.openchoreo.localhost:8080", "client.id": "openchoreo-backstage-client", "client.secret": typed,
	}
	production = given{
		"preset": "production", "portal.baseUrl": "https://console.example.com",
		"identity.provider": "keycloak", "identity.issuer": "https://idp.example.com/realms/platform",
		"client.id": "portal", "client.secret": typed, "authorization.subject": "8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11",
		"gateway.tls.certificateSecret": "openchoreo-tls",
		"database.postgresql.host":      "postgres.example.com", "database.postgresql.user": "backstage",
		"database.postgresql.password": typed, "database.postgresql.database": "backstage",
	}
	apiOnly = given{
		"preset": "api-only", "api.publicUrl": "https://api.example.com", "identity.issuer": "https://thunder.example.com",
	}
	everything = production.with(given{
		"authorization.groups.admins": []string{"platform-admins", "break-glass"}, "authorization.groups.claim": "roles",
		"authorization.clients.mcpTryout": "nobody", "environment.logLevel": "debug",
		"environment.extra": []answers.EnvVar{{Name: "NODE_OPTIONS", Value: "--max-old-space-size=1536"}, {Name: "GITLAB_TOKEN", ValueFrom: map[string]any{"secretKeyRef": map[string]any{"name": "gitlab", "key": "token"}}}},
		"jenkins.enabled":   true, "jenkins.baseUrl": "https://ci.example.org", "jenkins.username": "backstage", "jenkins.apiKey": typed,
		"features.redirectFlow": false, "identity.audience": "openchoreo", "client.serviceScope": "openchoreo",
		"portal.service.type": "NodePort", "portal.service.nodePort": 30707, "portal.apiUrl": "https://api.internal:8443/api/v1",
		"scaling.autoscaling.memory": 85, "gateway.httpPort": 8080, "gateway.httpsPort": 8443,
	})
	newer = given{
		"serviceClient.id": "portal-service", "serviceClient.secret": typed, "features.assistant": true, "features.secretManagement": true,
		"features.catalogSyncSeconds": 600, "features.eventForwarder": false,
	}
	newest = given{"githubActions.enabled": true, "githubActions.token": typed, "githubActions.oauthClientId": "Iv1.0", "githubActions.oauthClientSecret": typed}
)

// input is a run on a machine with nothing but c and, if any, a values file.
func input(t testing.TB, c *chart.Chart, p templates.Profile, file []byte, g given) plan.Input {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "backstage-values.yaml")
	if file != nil {
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := &steps.Env{}
	files, err := env.Values([]string{path}, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := env.Manifest(filepath.Join(dir, "backstage-secrets.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	in := plan.Input{Profile: p, Chart: c, Current: plan.Current{NoConfig: true, Files: files, Manifest: manifest, Random: secret.New(strings.Repeat("r", 44)), Fingerprint: []byte("k"), ChartRef: plan.ChartReference}}
	for key, value := range g {
		if err := in.Draft.Set(key, value, answers.Source{Rank: answers.FromAnswers}); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	in.Draft.From["target.values"] = answers.Source{Rank: answers.FromFlag}
	in.Draft.Target.Values = []string{path}
	return steps.Install().Complete(in)
}

func planned(t testing.TB, in plan.Input) *plan.Plan {
	t.Helper()
	if wrong, missing := steps.Install().Problems(in); len(wrong)+len(missing) > 0 {
		t.Fatalf("wrong:\n%v\nmissing:\n%v", wrong, missing)
	}
	p, err := steps.Install().Plan(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Problems) > 0 {
		t.Fatalf("the plan cannot be carried out:\n%v", p.Problems)
	}
	return p
}

// realCharts are the released charts that lie beside the repository.
func realCharts(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("../../shared/charts/v*")
	if err != nil || len(dirs) == 0 {
		t.Skip("the real charts are not beside the repository: ../shared/charts")
	}
	return dirs
}

// TestRealChartsAcceptWhatIsWritten holds every preset's output, and one that
// answers everything the chart has, against the released charts' own schemas.
func TestRealChartsAcceptWhatIsWritten(t *testing.T) {
	for _, dir := range realCharts(t) {
		version := strings.TrimPrefix(filepath.Base(dir), "v")
		real, err := chart.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		profile, _, err := templates.Lookup(version)
		if err != nil {
			t.Fatal(err)
		}
		known := chart.FromProfile(profile, version)
		scenarios := map[string]given{
			"development": development, "production": production, "api-only": apiOnly, "everything": everything,
			"development without authentication": development.with(given{"security.authentication": false}),
			"api-only without authentication":    {"preset": "api-only", "api.publicUrl": "http://api.openchoreo.localhost:8080", "security.authentication": false},
		}
		if _, ok := profile.Paths["serviceClient.id"]; ok {
			scenarios["two clients"] = everything.with(newer)
		}
		if _, ok := profile.Paths["githubActions.enabled"]; ok {
			scenarios["github"] = everything.with(newer).with(newest)
		}
		for name, g := range scenarios {
			t.Run(version+"/"+name, func(t *testing.T) {
				p := planned(t, input(t, known, profile, nil, g))
				tree, err := values.Parse(p.Files[0].After)
				if err != nil {
					t.Fatal(err)
				}
				effective, err := real.Effective(tree)
				if err != nil {
					t.Fatal(err)
				}
				for _, problem := range append(real.Validate(effective), chart.Placeholders(profile, effective)...) {
					t.Errorf("%s: the value %s", problem.Path, problem.Message)
				}
				if bytes.Contains(p.Files[0].After, []byte("battery staple")) {
					t.Error("the values file holds a secret")
				}
				again := planned(t, input(t, real, profile, p.Files[0].After, g))
				if again.Files[0].Action != "unchanged" {
					t.Errorf("the second run changes the file again:\n%s", again.Files[0].Diff)
				}
				if t.Failed() {
					t.Logf("%s", p.Files[0].After)
				}
			})
		}
	}
}

// TestBindingsAreNeverCutShort: whatever list an operator has, the whole default
// list is there afterwards, with one entry changed.
func TestBindingsAreNeverCutShort(t *testing.T) {
	documented := []byte(`openchoreoApi:
  config:
    security:
      authorization:
        bootstrap:
          mappings:
            - name: backstage-catalog-reader-binding
              kind: ClusterAuthzRoleBinding
              system: true
              roleMappings:
                - roleRef:
                    name: backstage-catalog-reader
                    kind: ClusterAuthzRole
              entitlement:
                claim: sub
                value: "your-client-id" # from the documentation
              effect: allow
            - name: our-auditors
              kind: ClusterAuthzRoleBinding
              roleMappings: [{roleRef: {name: auditor, kind: ClusterAuthzRole}}]
              entitlement: {claim: groups, value: auditors}
              effect: allow
`)
	for _, profile := range templates.Profiles() {
		version := profile.Versions[len(profile.Versions)-1]
		c := chart.FromProfile(profile, version)
		for name, file := range map[string][]byte{"no file": nil, "the documented snippet": documented} {
			t.Run(version+"/"+name, func(t *testing.T) {
				p := planned(t, input(t, c, profile, file, production))
				tree, err := values.Parse(p.Files[0].After)
				if err != nil {
					t.Fatal(err)
				}
				raw, _ := values.Lookup(tree, values.MustPath(profile.MappingsPath))
				var names []string
				for _, item := range raw.([]any) {
					b := item.(map[string]any)
					names = append(names, b["name"].(string))
					if b["name"] == "backstage-catalog-reader-binding" {
						if got := b["entitlement"].(map[string]any)["value"]; got != production["authorization.subject"] {
							t.Errorf("subject is %v", got)
						}
					}
				}
				for _, b := range profile.Bindings {
					if !slices.Contains(names, b.Name) {
						t.Errorf("%s is gone", b.Name)
					}
				}
				if file != nil && (!slices.Contains(names, "our-auditors") || !bytes.Contains(p.Files[0].After, []byte("# from the documentation"))) {
					t.Error("the operator's own entry or comment is gone")
				}
				if file != nil && !strings.Contains(fmt.Sprint(p.Warnings), "admin-binding") {
					t.Errorf("nothing says that bindings were added back: %v", p.Warnings)
				}
			})
		}
	}
}

// TestThunderLeavesTheListAlone: a copy of the list goes stale, so none is written
// without need.
func TestThunderLeavesTheListAlone(t *testing.T) {
	profile, version := templates.Newest()
	p := planned(t, input(t, chart.FromProfile(profile, version), profile, nil, development))
	if bytes.Contains(p.Files[0].After, []byte("mappings")) {
		t.Errorf("a list of bindings was written:\n%s", p.Files[0].After)
	}
}

// TestOldChartsNeverGetNewKeys: from presets silently, from a person as a problem
// that the session tells (see package wizard).
func TestOldChartsNeverGetNewKeys(t *testing.T) {
	profile, _, err := templates.Lookup("1.0.5")
	if err != nil {
		t.Fatal(err)
	}
	p := planned(t, input(t, chart.FromProfile(profile, "1.0.5"), profile, nil, apiOnly))
	for _, word := range []string{"eventForwarder", "serviceClient", "catalogSync"} {
		if bytes.Contains(p.Files[0].After, []byte(word)) {
			t.Errorf("%s is written for chart 1.0.5", word)
		}
	}
}
