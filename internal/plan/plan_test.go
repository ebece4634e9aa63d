package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// settled are answers without placeholders and with the secrets in the cluster,
// so that a plan's changes are those of the answer at hand.
func settled(more given) scene {
	return scene{found: inCluster(basic), said: more, files: []string{"backstage: {secretName: backstage-secrets}\n"}}
}

// TestWritesWhatDiffers: a key is written where it differs from what is below,
// or where the file has it.
func TestWritesWhatDiffers(t *testing.T) {
	const name = "backstage: {secretName: backstage-secrets}\n"
	for title, tt := range map[string]struct {
		files []string
		said  given
		want  []string // paths that change
	}{
		"the chart's default":              {[]string{name}, given{"portal.service.port": 7007}, nil},
		"another value":                    {[]string{name}, given{"portal.service.port": 7008}, []string{"backstage.service.port"}},
		"false over true":                  {[]string{name}, given{"portal.routing": false}, []string{"backstage.http.enabled"}},
		"back to the default, in the file": {[]string{name, "backstage: {service: {port: 7008}}\n"}, given{"portal.service.port": 7007}, []string{"backstage.service.port"}},
		"the same, in the file":            {[]string{name, "backstage: {service: {port: 7007}}\n"}, given{"portal.service.port": 7007}, nil},
		"what the file below says":         {[]string{name + "gateway: {httpPort: 8080}\n", "{}\n"}, given{"gateway.httpPort": 8080}, nil},
		"over the file below":              {[]string{name + "gateway: {httpPort: 8080}\n", "{}\n"}, given{"gateway.httpPort": 80}, []string{"gateway.httpPort"}},
		"a number as text":                 {[]string{"backstage: {secretName: backstage-secrets, service: {port: \"7008\"}}\n"}, given{"portal.service.port": 7008}, []string{"backstage.service.port"}},
		"a list":                           {[]string{name}, given{"portal.hostnames": []string{"a.example.com", "b.example.com"}}, []string{"backstage.http.hostnames"}},
		"the same list":                    {[]string{name + "openchoreoApi: {http: {hostnames: [a]}}\n"}, given{"api.hostnames": []string{"a"}}, nil},
		"no Helm path":                     {[]string{name}, given{"preset": "production", "target.context": "kind"}, nil},
	} {
		t.Run(title, func(t *testing.T) {
			p := scene{found: inCluster(basic), files: tt.files, said: tt.said}.plan(t)
			var got []string
			for _, v := range p.Values {
				got = append(got, v.Path)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.want, p.Files[0].Keys); diff != "" {
				t.Error(diff)
			}
			for key, value := range tt.said {
				if path, ok := p.in.Profile.Paths[string(key)]; ok && !same(at(t, p, path), value) {
					t.Errorf("%s is %v", path, at(t, p, path))
				}
			}
			if len(p.Problems) > 0 {
				t.Errorf("problems %v", p.Problems)
			}
		})
	}
}

// TestOldChartsHaveNoPath: an answer that a chart lacks is not written.
func TestOldChartsHaveNoPath(t *testing.T) {
	p := scene{version: "1.0.0", found: inCluster(basic), said: given{"features.assistant": true, "githubActions.enabled": true, "features.eventForwarder": false}}.plan(t)
	for _, v := range p.Values {
		if v.Path != "backstage.secretName" {
			t.Errorf("%s is written", v.Path)
		}
	}
}

// TestChartDefaultsAreNotWritten: what only the chart says is the chart's.
func TestChartDefaultsAreNotWritten(t *testing.T) {
	in := settled(nil).input(t)
	for key, source := range in.Draft.From {
		if source.Rank == answers.FromChart && in.Profile.Paths[string(key)] == "" && in.Profile.BindingKeys[string(key)] == "" && in.Profile.Items[string(key)].List == "" {
			t.Errorf("%s is the chart's, but it has no place there", key)
		}
	}
	if p := finished(t, in); p.Files[0].Action != "unchanged" {
		t.Errorf("changed:\n%s", p.Files[0].Diff)
	}
	// A value that is no answer is not the chart's default either.
	if p := (scene{found: inCluster(basic), files: []string{"backstage: {secretName: backstage-secrets, replicas: 1.5}\n"}}).plan(t); p.Files[0].Action != "unchanged" {
		t.Errorf("changed:\n%s", p.Files[0].Diff)
	}
}

// TestSeveralFiles: the last one or the one that --edit names is edited, and what
// a later file shadows is a problem that names it.
func TestSeveralFiles(t *testing.T) {
	const base, site = "backstage: {secretName: backstage-secrets, replicas: 2}\n", "backstage: {replicas: 3}\n"
	for name, tt := range map[string]struct {
		files   []string
		edit    int
		said    given
		edited  string
		problem string
	}{
		"the last":               {[]string{base, site}, 0, given{"scaling.replicas": 5}, "two.yaml", ""},
		"the first":              {[]string{base, "{}\n"}, 1, given{"scaling.replicas": 5}, "one.yaml", ""},
		"in the middle":          {[]string{base, "{}\n", "{}\n"}, 2, given{"scaling.replicas": 5}, "two.yaml", ""},
		"a new last one":         {[]string{base, ""}, 0, given{"scaling.replicas": 5}, "two.yaml", ""},
		"shadowed":               {[]string{base, site}, 1, given{"scaling.replicas": 5}, "one.yaml", "scaling.replicas: would not take effect: two.yaml sets backstage.replicas after one.yaml"},
		"shadowed by the same":   {[]string{base, site}, 1, given{"scaling.replicas": 3}, "one.yaml", ""},
		"shadowed, and in force": {[]string{base, site}, 0, given{"scaling.replicas": 3}, "two.yaml", ""},
		"taken away above":       {[]string{base, "backstage: {service: null}\n"}, 1, given{"portal.service.port": 7008}, "one.yaml", "portal.service.port: would not take effect: another values file sets backstage.service.port after one.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			p := scene{files: tt.files, edit: tt.edit, said: tt.said, found: inCluster(basic)}.plan(t)
			if p.Files[0].Path != tt.edited {
				t.Errorf("edited %s", p.Files[0].Path)
			}
			if got := p.Problems.Error(); got != tt.problem {
				t.Errorf("problems %q, want %q", got, tt.problem)
			}
			if tt.problem != "" {
				return
			}
			for key, value := range tt.said {
				if got := at(t, p, p.in.Profile.Paths[string(key)]); !same(got, value) {
					t.Errorf("%s is %v", key, got)
				}
			}
		})
	}
}

// TestMoved: settings of older charts move to their new place, unless something
// is there already.
func TestMoved(t *testing.T) {
	for name, tt := range map[string]struct{ file, value string }{
		"alone":              {"backstage:\n  existingSecret: portal-secret # theirs\n", "portal-secret"},
		"the new one wins":   {"backstage:\n  existingSecret: old\n  secretName: portal-secret\n", "portal-secret"},
		"beside other keys":  {"backstage:\n  existingSecret: portal-secret\n  features: {assistant: {perchAgentUrl: http://agent}}\n", "portal-secret"},
		"an answer is there": {"backstage: {existingSecret: old}\n", "answered"},
	} {
		t.Run(name, func(t *testing.T) {
			said := given{"secret.name": tt.value}
			p := scene{files: []string{tt.file}, said: said, found: inCluster(basic)}.plan(t)
			if got := at(t, p, "backstage.secretName"); got != tt.value {
				t.Errorf("secretName is %v", got)
			}
			tree, err := values.Parse(p.Files[0].After)
			if err != nil {
				t.Fatal(err)
			}
			if _, left := values.Lookup(tree, values.MustPath("backstage.existingSecret")); left {
				t.Errorf("the old key is there:\n%s", p.Files[0].After)
			}
			if !warned(p, "target", "backstage.existingSecret has no effect on this chart", "backstage.secretName") {
				t.Errorf("warnings %v", p.Warnings)
			}
			if name == "beside other keys" && at(t, p, "backstage.features.assistant.portalAssistantUrl") != "http://agent" {
				t.Errorf("the assistant's address is gone:\n%s", p.Files[0].After)
			}
		})
	}
	p := scene{version: "1.0.0", files: []string{"backstage: {secretName: s, features: {assistant: {perchAgentUrl: http://agent}}}\n"}}.plan(t)
	if !strings.Contains(string(p.Files[0].After), "perchAgentUrl") {
		t.Errorf("a chart without the new place lost the old one:\n%s", p.Files[0].After)
	}
}

// TestBlank: a placeholder that nothing uses is emptied, anything else is left.
func TestBlank(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		key  answers.Key
		want any
	}{
		"a placeholder of the chart": {"{}\n", "portal.baseUrl", ""},
		"a list of placeholders":     {"{}\n", "portal.hostnames", []any{}},
		"a placeholder of the file":  {"backstage: {baseUrl: http://x.invalid}\n", "portal.baseUrl", ""},
		"a real one":                 {"backstage: {baseUrl: https://x.example.com}\n", "portal.baseUrl", "https://x.example.com"},
		"real hosts":                 {"backstage: {http: {hostnames: [x.example.com]}}\n", "portal.hostnames", []any{"x.example.com"}},
		"one placeholder of two":     {"backstage: {http: {hostnames: [x.example.com, y.invalid]}}\n", "portal.hostnames", []any{}},
		"no text":                    {"{}\n", "portal.service.port", float64(7007)},
	} {
		t.Run(name, func(t *testing.T) {
			in := scene{files: []string{tt.file}}.input(t)
			path := in.Profile.Paths[string(tt.key)]
			in.Draft.Unset(tt.key)
			p := New(in)
			p.Blank(tt.key)
			p.Blank("preset") // has no path
			if err := p.Finish(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, at(t, p, path)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCallback(t *testing.T) {
	const url = "https://console.example.com/api/auth/openchoreo-auth/handler/frame"
	for file, want := range map[string]any{
		"{}\n": nil,
		"backstage: {auth: {redirectUrls: []}}\n":         []any{},
		"backstage: {auth: {redirectUrls: [old, two]}}\n": []any{url},
		"backstage: {auth: {redirectUrls: old}}\n":        "old",
	} {
		in := scene{files: []string{file}}.input(t)
		p := New(in)
		p.Callback(url)
		if err := p.Finish(); err != nil {
			t.Fatal(err)
		}
		tree, err := values.Parse(p.Files[0].After)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := values.Lookup(tree, values.MustPath("backstage.auth.redirectUrls"))
		if diff := cmp.Diff(want, plain(got)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestFirstCertificate: the gateway's first certificate changes, its fields and
// the others stay.
func TestFirstCertificate(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		want  []any
	}{
		"none":            {[]string{"{}\n"}, []any{map[string]any{"name": "tls"}}},
		"more fields":     {[]string{"gateway: {tls: {certificateRefs: [{kind: Secret, name: old, namespace: certs}]}}\n"}, []any{map[string]any{"name": "tls", "kind": "Secret", "namespace": "certs"}}},
		"others":          {[]string{"gateway: {tls: {certificateRefs: [{name: old}, {name: two}]}}\n"}, []any{map[string]any{"name": "tls"}, map[string]any{"name": "two"}}},
		"in a file below": {[]string{"gateway: {tls: {certificateRefs: [{name: old, kind: Secret}, {name: two}]}}\n", "{}\n"}, []any{map[string]any{"name": "tls", "kind": "Secret"}, map[string]any{"name": "two"}}},
		"without a name":  {[]string{"gateway: {tls: {certificateRefs: [{kind: Secret}]}}\n"}, []any{map[string]any{"name": "tls", "kind": "Secret"}}},
		"there already":   {[]string{"gateway: {tls: {certificateRefs: [{name: tls}]}}\n"}, []any{map[string]any{"name": "tls"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := scene{files: tt.files, said: given{"gateway.tls.certificateSecret": "tls"}, found: inCluster(basic)}.plan(t)
			if diff := cmp.Diff(tt.want, at(t, p, "gateway.tls.certificateRefs")); diff != "" {
				t.Errorf("%s\n%s", diff, p.Files[0].After)
			}
			if len(p.Problems) > 0 {
				t.Errorf("problems %v", p.Problems)
			}
		})
	}
}

// TestNewFile is a whole new file, as an operator gets it.
func TestNewFile(t *testing.T) {
	p := scene{said: given{
		"portal.baseUrl": "https://console.example.com", "portal.hostnames": []string{"console.example.com"}, "scaling.replicas": 2, "scaling.limits.memory": "2Gi",
		"identity.issuer": "https://idp.example.com", "client.id": "portal", "client.secret": fromEnv, "gateway.httpsPort": 8443, "database.sqlite.persistence": true,
		"environment.logLevel": "debug", "environment.extra": []answers.EnvVar{{Name: "NODE_OPTIONS", Value: "--max-old-space-size=1536"}},
	}}.plan(t)
	f := p.Files[0]
	if f.Action != "created" || f.Private || f.Mode != 0o644 || !strings.Contains(f.Diff, "+++ one.yaml") {
		t.Errorf("%s, private %t, mode %o\n%s", f.Action, f.Private, f.Mode, f.Diff)
	}
	if strings.Contains(string(f.After), "s3cret") || strings.Contains(f.Diff, "s3cret") {
		t.Error("the file holds the secret")
	}
	golden(t, "new-values.yaml", string(f.After))
}

// TestFileThatCannotBeEdited: the error has the file and the place.
func TestFileThatCannotBeEdited(t *testing.T) {
	in := scene{files: []string{"backstage: &b {replicas: 1}\nother: *b\n"}, said: given{"scaling.replicas": 3}, found: inCluster(basic)}.input(t)
	p := New(in)
	p.Set("scaling.replicas")
	if err := p.Finish(); err == nil || !strings.HasPrefix(err.Error(), "one.yaml: line 1, column 12: ") || len(p.Actions) > 0 {
		t.Errorf("got %v, actions %v", err, p.Actions)
	}
	in.Current.Files[0].File.Bytes = []byte("backstage: [\n")
	p = New(in)
	p.Set("scaling.replicas")
	if err := p.Finish(); err == nil || !strings.HasPrefix(err.Error(), "one.yaml: line ") {
		t.Errorf("got %v", err)
	}
}

// TestEveryProfilePlansTheSame: the answers that all charts have end up in force
// on each of them.
func TestEveryProfilePlansTheSame(t *testing.T) {
	said := given{
		"portal.baseUrl": "https://console.example.com", "scaling.replicas": 3, "identity.issuer": "https://idp.example.com", "client.id": "portal",
		"portal.service.type": "NodePort", "portal.service.nodePort": 30707, "features.workflows": false, "gateway.tls.hostname": "*.example.com",
	}
	for _, profile := range templates.Profiles() {
		for _, version := range profile.Versions {
			p := scene{version: version, said: said, found: inCluster(basic)}.plan(t)
			for key, want := range said {
				if got := at(t, p, profile.Paths[string(key)]); !same(got, want) {
					t.Errorf("%s: %s is %v", version, key, got)
				}
			}
			again := scene{version: version, said: said, found: inCluster(basic), files: []string{string(p.Files[0].After)}}.plan(t)
			if again.Files[0].Action != "unchanged" || len(again.Actions) > 0 {
				t.Errorf("%s: the second run would %v\n%s", version, again.Actions, again.Files[0].Diff)
			}
		}
	}
}

// TestPlanIsPure: the same input gives the same plan, and stays as it is.
func TestPlanIsPure(t *testing.T) {
	in := scene{files: []string{ownList, "backstage: {existingSecret: s, extraEnv: [{name: A, value: b}]}\n"}, found: inCluster(basic), said: given{
		"authorization.groups.admins": []string{"a", "b"}, "gateway.tls.certificateSecret": "tls", "environment.logLevel": "debug",
		"environment.extra": []answers.EnvVar{{Name: "A", Value: "c"}, {Name: "B", Value: "d"}},
	}}.input(t)
	before := fmt.Sprint(in.Current.Files, in.Draft, in.Profile)
	first := finished(t, in)
	for range 5 {
		if again := finished(t, in); string(again.Files[0].After) != string(first.Files[0].After) || fmt.Sprint(again.Values, again.Warnings, again.Next) != fmt.Sprint(first.Values, first.Warnings, first.Next) {
			t.Fatalf("another plan:\n%s\n%s", first.Files[0].After, again.Files[0].After)
		}
	}
	if after := fmt.Sprint(in.Current.Files, in.Draft, in.Profile); after != before {
		t.Errorf("the input changed:\n%s\n%s", before, after)
	}
	if !slices.ContainsFunc(first.Values, func(v ValueChange) bool { return v.Key == "authorization.subject" }) {
		t.Error("the bindings are not in the plan")
	}
}
