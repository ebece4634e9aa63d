package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// TestFound: what is there answers questions, the edited file before the one
// below, files before the release, the release before the chart; placeholders and
// values of a wrong type settle nothing.
func TestFound(t *testing.T) {
	installed := k8s.Found{Release: k8s.Release{Installed: true, Config: map[string]any{
		"backstage": map[string]any{"replicas": float64(4), "baseUrl": "https://release.example.com", "service": map[string]any{"type": "NodePort"}},
	}}}
	for name, tt := range map[string]struct {
		files []string
		found k8s.Found
		key   answers.Key
		want  any // nil is not answered
		from  string
	}{
		"file":                       {[]string{"backstage: {replicas: 2}\n"}, installed, "scaling.replicas", 2, "values file one.yaml"},
		"the last of two":            {[]string{"backstage: {replicas: 2}\n", "backstage: {replicas: 3}\n"}, installed, "scaling.replicas", 3, "values file two.yaml"},
		"the file below":             {[]string{"backstage: {replicas: 2}\n", "{}\n"}, installed, "scaling.replicas", 2, "values file one.yaml (another -f)"},
		"release":                    {[]string{"{}\n"}, installed, "scaling.replicas", 4, "release openchoreo"},
		"release, another key":       {[]string{"backstage: {replicas: 2}\n"}, installed, "portal.service.type", "NodePort", "release openchoreo"},
		"chart":                      {[]string{"{}\n"}, k8s.Found{}, "scaling.replicas", 1, "chart default"},
		"false":                      {[]string{"backstage: {http: {enabled: false}}\n"}, k8s.Found{}, "portal.routing", false, "values file one.yaml"},
		"a placeholder of the chart": {[]string{"{}\n"}, k8s.Found{}, "portal.baseUrl", nil, ""},
		"a placeholder of the file":  {[]string{"backstage: {baseUrl: http://x.openchoreo.invalid}\n"}, k8s.Found{}, "portal.baseUrl", nil, ""},
		"an empty text":              {[]string{"backstage: {baseUrl: \"\"}\n"}, k8s.Found{}, "portal.baseUrl", nil, ""},
		"a wrong type":               {[]string{"backstage: {baseUrl: [a]}\n"}, k8s.Found{}, "portal.baseUrl", nil, ""},
		"null":                       {[]string{"backstage: {baseUrl: null}\n"}, k8s.Found{}, "portal.baseUrl", nil, ""},
		"a fraction":                 {[]string{"backstage: {replicas: 1.5}\n"}, k8s.Found{}, "scaling.replicas", 1, "chart default"},
		"one host as text":           {[]string{"backstage: {http: {hostnames: a.example.com}}\n"}, k8s.Found{}, "portal.hostnames", []string{"a.example.com"}, "values file one.yaml"},
		"a binding":                  {[]string{ownList}, k8s.Found{}, "authorization.groups.admins", []string{"our-admins"}, "values file one.yaml"},
		"a binding of the chart":     {[]string{"{}\n"}, k8s.Found{}, "authorization.groups.sres", []string{"sres"}, "chart default"},
		"an item":                    {[]string{"backstage: {env: [{name: A, value: b}, {name: LOG_LEVEL, value: warn}]}\n"}, k8s.Found{}, "environment.logLevel", "warn", "values file one.yaml"},
		"the first item":             {[]string{"gateway: {tls: {certificateRefs: [{name: tls}, {name: two}]}}\n"}, k8s.Found{}, "gateway.tls.certificateSecret", "tls", "values file one.yaml"},
		"variables": {
			[]string{"backstage: {extraEnv: [{name: A, value: b}, {name: B, valueFrom: {fieldRef: {fieldPath: x}}}]}\n"}, k8s.Found{}, "environment.extra",
			[]answers.EnvVar{{Name: "A", Value: "b"}, {Name: "B", ValueFrom: map[string]any{"fieldRef": map[string]any{"fieldPath": "x"}}}}, "values file one.yaml",
		},
		"the Secret":           {[]string{"{}\n"}, inCluster(map[string]string{"postgres-host": "db", "postgres-port": "5433"}), "database.postgresql.port", 5433, "Secret backstage-secrets"},
		"a wrong port there":   {[]string{"{}\n"}, inCluster(map[string]string{"postgres-port": "many"}), "database.postgresql.port", nil, ""},
		"no secret from there": {[]string{"{}\n"}, inCluster(map[string]string{"client-secret": "x"}), "client.secret", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := scene{files: tt.files, found: tt.found}.input(t)
			if tt.want == nil {
				if in.Draft.Has(tt.key) {
					t.Errorf("answered with %v, %s", in.Draft.Get(tt.key), in.Draft.From[tt.key])
				}
				return
			}
			if diff := cmp.Diff(tt.want, in.Draft.Get(tt.key)); diff != "" || in.Draft.From[tt.key].String() != tt.from {
				t.Errorf("%s from %q", diff, in.Draft.From[tt.key])
			}
		})
	}
}

// TestFoundInTheDeployment: without the release's values, the container's own
// variables say what the template was given; what it falls back to says nothing.
func TestFoundInTheDeployment(t *testing.T) {
	running := k8s.Deployment{Name: "portal", Env: []k8s.EnvVar{
		{Name: "DATABASE_CLIENT", Value: "pg"}, {Name: "PGSSLMODE", Value: "require"}, {Name: "OPENCHOREO_API_URL", Value: "http://openchoreo-api.cp.svc.cluster.local:8080/api/v1"},
		{Name: "OPENCHOREO_AUTH_CLIENT_ID", Value: "portal"}, {Name: "OPENCHOREO_SERVICE_CLIENT_ID", Value: "portal"}, {Name: "UNKNOWN", Value: "x"},
		{Name: "BACKSTAGE_BASE_URL", Value: "https://console.example.com"},
	}}
	for name, tt := range map[string]struct {
		release k8s.Release
		known   bool
	}{
		"the release may not be read": {k8s.Release{Installed: true, Unknown: "not allowed"}, true},
		"no release":                  {k8s.Release{}, true},
		"the release says it itself":  {k8s.Release{Installed: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := scene{found: k8s.Found{Release: tt.release, Deployment: running}}.input(t)
			got := map[answers.Key]any{}
			for key, source := range in.Draft.From {
				if source.Detail == "Deployment portal" {
					got[key] = in.Draft.Get(key)
				}
			}
			want := map[answers.Key]any{}
			if tt.known {
				want = map[answers.Key]any{"client.id": "portal", "database.type": "postgresql", "portal.baseUrl": "https://console.example.com", "database.postgresql.ssl": true}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestChartDefaultsFit: every default that is proposed has the type of its key,
// on every chart.
func TestChartDefaultsFit(t *testing.T) {
	for _, profile := range templates.Profiles() {
		in := scene{version: profile.Versions[0]}.input(t)
		seen := 0
		for _, p := range in.ChartDefaults() {
			var d answers.Draft
			if !d.Propose(p) || p.Source.Rank != answers.FromChart { // a wrong type panics
				t.Errorf("%s: %+v", profile.Name, p)
			}
			seen++
		}
		if seen < 40 {
			t.Errorf("%s: only %d defaults", profile.Name, seen)
		}
	}
}
