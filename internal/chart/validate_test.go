package chart

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	helmchart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
)

func TestValidate(t *testing.T) {
	c := open(t, charttest.Dir(t))
	for _, test := range []struct {
		path    string
		value   any
		want    string // path of the problem, when it is another
		message string
	}{
		{path: "backstage.baseUrl", value: 7, message: "must be text: put it in quotes"},
		{path: "backstage.resources.limits.cpu", value: 2, message: "must be text: put it in quotes"},
		{path: "backstage.auth.scope", value: true, message: "must be text: put it in quotes"},
		{path: "backstage.replicas", value: "2", message: "must be a whole number, without quotes"},
		{path: "backstage.replicas", value: 1.5, message: "must be a whole number"},
		{path: "backstage.replicas", value: 0, message: "must be 1 or more"},
		{path: "backstage.autoscaling.targetCPUUtilizationPercentage", value: 101, message: "must be 100 or less"},
		{path: "backstage.http.enabled", value: "yes", message: "must be true or false, without quotes"},
		{path: "backstage.http.hostnames", value: "a", message: "must be a list"},
		{path: "backstage.http.hostnames", value: []any{"a", 5}, want: "backstage.http.hostnames[1]", message: "must be text: put it in quotes"},
		{path: "backstage.database", value: "sqlite", message: "must be a mapping of keys"},
		{path: "backstage.database.type", value: "mysql", message: "must be sqlite or postgresql"},
		{path: "backstage.service.nodePort", value: "x", message: "must be a whole number or null, without quotes"},
		{path: "backstage.redirectUrl", value: 1, message: "is not a key of this chart"},
		{path: `backstage.http.annotations.example\.com/size`, value: 1, message: "must be text: put it in quotes"},
		{path: "eventForwarder.config.webhooks.endpoints", value: []any{map[string]any{"url": "no address"}}, want: "eventForwarder.config.webhooks.endpoints[0].url", message: "must be a full address, such as https://console.example.com"},
		{path: "openchoreoApi.config.security.subjects", value: map[string]any{"user": map[string]any{}}, want: "openchoreoApi.config.security.subjects.service_account", message: "is missing"},
	} {
		values := effective(t, c, usable())
		at := steps(test.path)
		keys := make([]string, len(at))
		for i, s := range at {
			keys[i] = s.key
		}
		set(values, keys, test.value)
		want := test.path
		if test.want != "" {
			want = test.want
		}
		got := c.Validate(values)
		if diff := cmp.Diff([]Problem{{Path: want, Message: test.message}}, got, cmpopts.IgnoreFields(Problem{}, "Description")); diff != "" {
			t.Errorf("%s = %v: -want +got\n%s", test.path, test.value, diff)
			continue
		}
		if declared := c.Describe(test.path); declared != "" && got[0].Description == "" {
			t.Errorf("%s: the problem has no description", test.path)
		}
	}
}

func TestValidateReportsEverythingInOrder(t *testing.T) {
	c := open(t, charttest.Dir(t))
	got := c.Validate(effective(t, c, map[string]any{
		"portal":    map[string]any{},
		"backstage": map[string]any{"replicas": "x", "baseUrl": 1, "hostname": "a"},
	}))
	var paths []string
	for _, p := range got {
		paths = append(paths, p.Path)
	}
	if diff := cmp.Diff([]string{"backstage.baseUrl", "backstage.hostname", "backstage.replicas", "portal"}, paths); diff != "" {
		t.Error(diff)
	}
}

// Helm's own compiler would ask the network for such a reference.
func TestSchemaReferencesAreNotFetched(t *testing.T) {
	for _, ref := range []string{"http://127.0.0.1:1/schema.json", "https://example.invalid/x", "file:///etc/hostname", "other.json"} {
		c, err := newChart(&helmchart.Chart{
			Metadata: &helmchart.Metadata{Name: Name, Version: "1.2.3"},
			Schema:   []byte(`{"properties": {"a": {"$ref": "` + ref + `"}}}`),
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
		got := c.Validate(map[string]any{"a": 1})
		if len(got) != 1 || got[0].Path != "" || !strings.HasPrefix(got[0].Message, "cannot be checked: ") {
			t.Errorf("%s: %v", ref, got)
		}
	}
}

func TestSchemaReferencesInside(t *testing.T) {
	c, err := newChart(&helmchart.Chart{
		Metadata: &helmchart.Metadata{Name: Name, Version: "1.2.3"},
		Schema: []byte(`{"properties": {"a": {"$ref": "#/definitions/x~1y"}, "b": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
			"definitions": {"x/y": {"description": "It.", "type": "object", "additionalProperties": false, "properties": {"z": {"type": "string"}}}}}`),
	}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if known, ok := c.Has("a.z"); !known || !ok {
		t.Errorf("Has(a.z) = %t, %t", known, ok)
	}
	want := []Problem{
		{Path: "a.q", Message: "is not a key of this chart"},
		{Path: "b", Message: "must be a whole number"},
		{Path: "b", Message: "must be text: put it in quotes"},
	}
	if diff := cmp.Diff(want, c.Validate(map[string]any{"a": map[string]any{"q": 1}, "b": true}), cmpopts.IgnoreFields(Problem{}, "Description")); diff != "" {
		t.Error(diff)
	}
}

func TestComplaints(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type": "string"}`:                      "must be text, not empty",
		`{"type": ["null", "boolean", "string"]}`: "",
		`{"const": "a"}`:                          "must be a",
		`{"enum": ["", "a", 1, null]}`:            "",
		`{"enum": ["", "a", 1]}`:                  "must be empty text, a or 1",
		`false`:                                   "is not allowed here",
	} {
		checkOne(t, schema, nil, want)
	}
	for schema, want := range map[string]string{
		`{"minLength": 1}`:            "must not be empty",
		`{"minLength": 2}`:            "must have 2 or more characters",
		`{"pattern": "^a"}`:           "must match the pattern ^a",
		`{"format": "email"}`:         "must have the form of an email",
		`{"format": "regex"}`:         "",
		`{"not": {"type": "string"}}`: "does not fit the chart's schema: 'not' failed",
		`{"type": ["array", "null"]}`: "must be a list or null",
		`{"type": "number"}`:          "must be a number, without quotes",
	} {
		checkOne(t, schema, "", want)
	}
	for schema, want := range map[string]string{
		`{"maxLength": 1}`: "must have 1 or fewer characters",
	} {
		checkOne(t, schema, "secret-looking", want)
	}
	for schema, want := range map[string]string{
		`{"exclusiveMinimum": 5}`: "must be more than 5",
		`{"exclusiveMaximum": 2}`: "must be less than 2",
		`{"maximum": 2.5}`:        "must be 2.5 or less",
	} {
		checkOne(t, schema, 5, want)
	}
	for schema, want := range map[string]string{
		`{"minItems": 2}`:                "must have 2 or more entries",
		`{"maxItems": 0}`:                "must have 0 or fewer entries",
		`{"items": {"type": "boolean"}}`: "must be true or false",
	} {
		checkOne(t, schema, []any{1}, want)
	}
}

func checkOne(t *testing.T, schema string, value any, want string) {
	t.Helper()
	c, err := newChart(&helmchart.Chart{
		Metadata: &helmchart.Metadata{Name: Name},
		Schema:   []byte(`{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": ` + schema + `}}`),
	}, "test")
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, problem := range c.Validate(map[string]any{"a": value}) {
		got += problem.Message
	}
	if got != want {
		t.Errorf("%s for %v: %q, want %q", schema, value, got, want)
	}
}

func TestBrokenSchema(t *testing.T) {
	for _, schema := range []string{"{", "[]", "1"} {
		if _, err := newChart(&helmchart.Chart{Metadata: &helmchart.Metadata{Name: Name}, Schema: []byte(schema)}, "test"); err == nil || !strings.Contains(err.Error(), "values.schema.json") {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

// The real charts' values and schemas, with a Chart.yaml where they have one.
func TestRealCharts(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "charts", "v*"))
	if err != nil || len(dirs) == 0 {
		t.Skip("the real charts are not in the shared test data")
	}
	for _, dir := range dirs {
		version := strings.TrimPrefix(filepath.Base(dir), "v")
		t.Run(version, func(t *testing.T) {
			c := open(t, dir)
			p := profile(t, version)
			if c.Complete || c.Version != "0.0.0-latest-dev" {
				t.Errorf("Version %q, Complete %t", c.Version, c.Complete)
			}
			if got := profile(t, c.ProfileVersion()).Name; got != p.Name {
				t.Errorf("ProfileVersion() = %s", c.ProfileVersion())
			}
			for path := range p.Defaults {
				if known, ok := c.Has(path); !known || !ok {
					t.Errorf("Has(%q) = %t, %t", path, known, ok)
				}
			}
			for key, path := range p.Paths {
				subject := strings.Contains(path, ".subjects.") // the charts say nothing about these
				if c.Describe(path) == "" && !subject {
					t.Errorf("%s: the schema does not describe %s", key, path)
				}
			}
			if problems := c.Validate(effective(t, c, usable())); problems != nil {
				t.Errorf("usable values have problems: %v", problems)
			}
			// What newer charts have, this one refuses by name.
			newest := profile(t, "1.2.3").Defaults
			for path := range newest {
				if _, ok := p.Defaults[path]; ok {
					continue
				}
				values := effective(t, c)
				set(values, strings.Split(path, "."), newest[path])
				got := c.Validate(values)
				if path == "gateway.gatewayClassName" {
					if got != nil {
						t.Errorf("%s is not tolerated: %v", path, got)
					}
					continue
				}
				if len(got) != 1 || got[0].Message != "is not a key of this chart" || !strings.HasPrefix(path, got[0].Path) {
					t.Errorf("%s: %v", path, got)
				}
			}
			values := effective(t, c)
			set(values, strings.Split("backstage.replicas", "."), "2")
			got := c.Validate(values)
			if len(got) != 1 || got[0].Path != "backstage.replicas" || got[0].Description != c.Describe("backstage.replicas") || got[0].Description == "" {
				t.Errorf("replicas as text: %v", got)
			}
			set(values, strings.Split("backstage.affinity.x", "."), "y")
			if refused := len(c.Validate(values)) == 2; refused == p.AffinityUsable {
				t.Errorf("affinity with content is refused: %t", refused)
			}
		})
	}
}

func FuzzSteps(f *testing.F) {
	for _, path := range []string{"a.b[0].c", `a\.b.c`, "[", "a[name=x].y", `\`, "a..b", "[0][1]", `a[x\]y].b`} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		at := steps(path)
		for _, s := range at {
			if s.item && s.index < 0 {
				return // a selector by field is not written back
			}
		}
		if diff := cmp.Diff(at, steps(join(at)), cmp.AllowUnexported(step{})); diff != "" {
			t.Errorf("%q: %s", path, diff)
		}
	})
}
