package chart

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/templates"
)

func open(t *testing.T, path string) *Chart {
	t.Helper()
	c, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func profile(t *testing.T, version string) templates.Profile {
	t.Helper()
	p, _, err := templates.Lookup(version)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everyRelease calls f for the test chart as one release of each profile.
func everyRelease(t *testing.T, f func(t *testing.T, c *Chart, p templates.Profile)) {
	for _, p := range templates.Profiles() {
		version := p.Versions[len(p.Versions)-1]
		t.Run(version, func(t *testing.T) { f(t, open(t, charttest.Version(t, version)), p) })
	}
}

// usable are values that the chart does not refuse.
func usable() map[string]any {
	return map[string]any{
		"backstage": map[string]any{
			"secretName": "backstage-secrets", "baseUrl": "https://console.example.com/",
			"http": map[string]any{"hostnames": []string{"console.example.com"}},
		},
		"openchoreoApi": map[string]any{"http": map[string]any{"hostnames": []any{"api.example.com"}}},
		"security":      map[string]any{"oidc": map[string]any{"issuer": "https://idp.example.com"}},
		"gateway":       map[string]any{"tls": map[string]any{"hostname": "*.example.com"}},
	}
}

func effective(t *testing.T, c *Chart, files ...map[string]any) map[string]any {
	t.Helper()
	values, err := c.Effective(files...)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func get(tree map[string]any, path string) any {
	v, _ := lookup(any(tree), steps(path))
	return v
}

func TestTestChartFollowsTheProfiles(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		defaults := c.Defaults()
		for path, want := range p.Defaults {
			got, ok := lookup(any(defaults), steps(path))
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%s: %t, -profile +chart\n%s", path, ok, diff)
			}
			if _, ok := c.described(steps(path)); !ok {
				t.Errorf("the schema does not describe %s", path)
			}
		}
		newest, _ := templates.Newest()
		for path := range newest.Defaults {
			if _, ok := p.Defaults[path]; ok {
				continue
			}
			if known, ok := c.Has(path); !known || ok {
				t.Errorf("Has(%q) = %t, %t", path, known, ok)
			}
		}
		if problems := c.Validate(effective(t, c)); problems != nil {
			t.Errorf("the defaults have problems: %v", problems)
		}
		if got := c.ProfileVersion(); got != c.Version || !c.Complete || c.Prefix != "" || c.AppVersion != "v"+c.Version {
			t.Errorf("%+v, ProfileVersion %s", c, got)
		}
	})
}

func TestOpen(t *testing.T) {
	dir := charttest.Dir(t)
	archive := open(t, charttest.Archive(t, dir))
	if diff := cmp.Diff(open(t, dir).Defaults(), archive.Defaults()); diff != "" || archive.Version != "1.2.3" || !archive.Complete {
		t.Errorf("the archive differs: %s", diff)
	}
	temp := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(temp, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	for _, c := range []struct{ path, want string }{
		{filepath.Join(temp, "nothing"), "no such file"},
		{write("empty/readme", ""), "has no Chart.yaml"},
		{write("other/Chart.yaml", "apiVersion: v2\nname: backstage\nversion: 1.0.0\n"), `it is the chart "backstage", not openchoreo-control-plane`},
		{write("umbrella/Chart.yaml", "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n- {name: openchoreo-control-plane, version: 1.2.3, repository: 'oci://example.com'}\n"), "run helm dependency update"},
		{filepath.Join(write("file/chart.tgz", "no archive"), "chart.tgz"), "chart.tgz"},
	} {
		if _, err := Open(c.path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), filepath.Base(c.path)) {
			t.Errorf("Open(%q): %v", c.path, err)
		}
	}
}

func TestOpenUmbrella(t *testing.T) {
	for _, alias := range []string{"", "controlPlane"} {
		dir, prefix := umbrella(t, alias, ""), Name
		if alias != "" {
			prefix = alias
		}
		c := open(t, dir)
		if c.Prefix != prefix || c.Version != "1.2.3" {
			t.Errorf("Prefix %q, Version %q", c.Prefix, c.Version)
		}
		if d := c.Defaults(); get(d, "backstage.replicas") != 2 || get(d, "global.commonLabels.team") != "x" || get(d, "backstage.name") != "backstage" {
			t.Errorf("the umbrella's values are not in the defaults")
		}
		rendered, err := c.Render(Release{Name: "r", Namespace: "n"}, effective(t, c, usable()))
		if err != nil || rendered[Name+"/templates/deployment.yaml"] == "" {
			t.Errorf("rendered %d templates: %v", len(rendered), err)
		}
	}
}

func TestProfileVersionOfACheckout(t *testing.T) {
	for _, p := range templates.Profiles() {
		want := p.Versions[len(p.Versions)-1]
		dir := charttest.Version(t, want)
		path := filepath.Join(dir, "Chart.yaml")
		if err := os.WriteFile(path, []byte("apiVersion: v2\nname: openchoreo-control-plane\nversion: 0.0.0-latest-dev\nappVersion: latest-dev\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		c := open(t, dir)
		if got := c.ProfileVersion(); got != want || c.Version != "0.0.0-latest-dev" {
			t.Errorf("ProfileVersion() = %s, want %s", got, want)
		}
	}
	c := FromProfile(profile(t, "1.1.4"), "v1.1.9")
	if got := c.ProfileVersion(); got != "1.1.9" {
		t.Errorf("an unknown patch: ProfileVersion() = %s", got)
	}
}

func TestFromProfile(t *testing.T) {
	everyRelease(t, func(t *testing.T, real *Chart, p templates.Profile) {
		c := FromProfile(p, real.Version)
		if c.Complete || c.Version != real.Version || c.AppVersion != real.AppVersion {
			t.Errorf("%+v", c)
		}
		realDefaults := real.Defaults()
		for path := range p.Defaults {
			if diff := cmp.Diff(get(realDefaults, path), get(c.Defaults(), path)); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
			if known, ok := c.Has(path); known || !ok {
				t.Errorf("Has(%q) = %t, %t", path, known, ok)
			}
		}
		if known, ok := c.Has("backstage.nothing"); known || ok {
			t.Errorf("Has(backstage.nothing) = %t, %t", known, ok)
		}
		if problems := c.Validate(map[string]any{"nothing": 1}); problems != nil {
			t.Errorf("found %v without a schema", problems)
		}
		if _, err := c.Render(Release{}, c.Defaults()); err == nil || !strings.Contains(err.Error(), "--chart") {
			t.Errorf("Render: %v", err)
		}
	})
}

func TestDefaultsAreACopy(t *testing.T) {
	c := open(t, charttest.Dir(t))
	c.Defaults()["backstage"].(map[string]any)["replicas"] = 7
	effective(t, c)["backstage"].(map[string]any)["replicas"] = 7
	if got := get(c.Defaults(), "backstage.replicas"); got != 1 {
		t.Errorf("replicas is %v", got)
	}
}

func TestEffective(t *testing.T) {
	c := open(t, charttest.Dir(t))
	base := map[string]any{"backstage": map[string]any{
		"replicas": int64(2), "extraEnv": []any{map[string]any{"name": "A", "value": "1"}},
		"http": map[string]any{"annotations": map[string]any{"a": "1", "b": "2"}},
	}}
	overlay := map[string]any{"backstage": map[string]any{
		"replicas": 3.0, "extraEnv": []any{}, "http": map[string]any{"annotations": map[string]any{"b": "3"}},
		"catalogSync": nil,
	}}
	got := effective(t, c, base, overlay)
	for path, want := range map[string]any{
		"backstage.replicas":         3,
		"backstage.extraEnv":         []any{},
		"backstage.http.annotations": map[string]any{"a": "1", "b": "3"},
		"backstage.http.hostnames":   []any{"openchoreo.invalid"},
		"backstage.service.port":     7007,
	} {
		if diff := cmp.Diff(want, get(got, path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for _, path := range []string{"backstage.catalogSync", "backstage.service.nodePort"} {
		if v, ok := lookup(any(got), steps(path)); ok {
			t.Errorf("%s is still there: %v", path, v)
		}
	}
	if base["backstage"].(map[string]any)["replicas"] != int64(2) {
		t.Error("a file was changed")
	}
}

func TestHas(t *testing.T) {
	c := open(t, charttest.Dir(t))
	for path, want := range map[string]bool{
		"backstage.baseUrl":                                     true,
		"backstage":                                             true,
		"backstage.appConfig.backend.anything":                  true,
		`backstage.http.annotations.example\.com/size`:          true,
		"backstage.http.annotations.size.more":                  false,
		"gateway.tls.certificateRefs[0].name":                   true,
		"gateway.tls.certificateRefs[0].nme":                    false,
		"gateway.gatewayClassName":                              true,
		"gateway.gatewayClass":                                  false, // tolerated, and ignored
		"backstage.baseURL":                                     false,
		"backstage.baseUrl.more":                                false,
		"nothing":                                               false,
		"backstage.env[name=LOG_LEVEL].value":                   true,
		profile(t, "1.2.3").MappingsPath + "[name=x].kind":      true,
		profile(t, "1.2.3").MappingsPath + "[name=x].condition": false,
	} {
		if known, ok := c.Has(path); !known || ok != want {
			t.Errorf("Has(%q) = %t, %t", path, known, ok)
		}
	}
	if got := c.Describe("backstage.secretName"); !strings.HasPrefix(got, "Name of the Secret") {
		t.Errorf("Describe: %q", got)
	}
	if got := c.Describe("gateway.tls.certificateRefs[0].name"); got != "Secret with the certificate." {
		t.Errorf("Describe: %q", got)
	}
	if got := c.Describe("nothing"); got != "" {
		t.Errorf("Describe: %q", got)
	}
}

func TestChartIsSafeForConcurrentUse(t *testing.T) {
	c := open(t, charttest.Dir(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			values, err := c.Effective(usable())
			if err != nil {
				t.Error(err)
			}
			if problems := c.Validate(values); problems != nil {
				t.Error(problems)
			}
			if _, err := c.Render(Release{Name: "r", Namespace: "n"}, values); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
