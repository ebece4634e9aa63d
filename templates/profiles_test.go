package templates

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// realCharts calls f for every chart of the shared data, with the profile that
// the program finds for it.
func realCharts(t *testing.T, f func(t *testing.T, dir string, p Profile)) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(shared(t), "charts", "v*"))
	if err != nil || len(dirs) == 0 {
		t.Skipf("no charts in the shared test data: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, match, err := Lookup(filepath.Base(dir))
			if err != nil || !match.Exact {
				t.Fatalf("Lookup(%q) = %+v, %v", filepath.Base(dir), match, err)
			}
			f(t, dir, p)
		})
	}
}

// load reads a YAML or JSON file as a chart's loader would, numbers as int.
func load(t *testing.T, into any, elem ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func plain(v any) any {
	switch v := v.(type) {
	case float64:
		return int(v)
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

func at(values any, path string) (any, bool) {
	for _, key := range strings.Split(path, ".") {
		m, ok := values.(map[string]any)
		if !ok {
			return nil, false
		}
		if values, ok = m[key]; !ok {
			return nil, false
		}
	}
	return values, true
}

func TestDefaultsAreTheCharts(t *testing.T) {
	realCharts(t, func(t *testing.T, dir string, p Profile) {
		var values map[string]any
		load(t, &values, dir, "values.yaml")
		plain(values)
		for path, want := range p.Defaults {
			got, ok := at(values, path)
			if !ok {
				t.Errorf("%s is not in the chart", path)
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -profile +chart\n%s", path, diff)
			}
		}
		// Everything of the portal's own is known, leaf by leaf.
		var unknown func(path string, v any)
		unknown = func(path string, v any) {
			if _, ok := p.Defaults[path]; ok {
				return
			}
			m, ok := v.(map[string]any)
			if !ok || len(m) == 0 {
				t.Errorf("%s is not in the profile", path)
				return
			}
			for key := range m {
				unknown(path+"."+key, m[key])
			}
		}
		for _, root := range []string{"backstage", "security", "gateway", "features"} {
			if v, ok := values[root]; ok {
				unknown(root, v)
			}
		}
	})
}

func TestBindingsAreTheCharts(t *testing.T) {
	realCharts(t, func(t *testing.T, dir string, p Profile) {
		var want []any
		load(t, &want, dir, "default-mappings.yaml")
		if diff := cmp.Diff(want, bindingValues(p.Bindings)); diff != "" {
			t.Errorf("-chart +profile\n%s", diff)
		}
	})
}

func TestHelmKeysHaveTheSchemasTypes(t *testing.T) {
	realCharts(t, func(t *testing.T, dir string, p Profile) {
		var schema map[string]any
		load(t, &schema, dir, "values.schema.json")
		version := strings.TrimPrefix(filepath.Base(dir), "v")
		for _, key := range HelmKeys() {
			got, ok := at(schema, "properties."+strings.ReplaceAll(key.Path, ".", ".properties."))
			if !key.in(p.Versions[0]) {
				if ok {
					t.Errorf("%s: in the schema of %s, although Since is %q and Until %q", key.Path, version, key.Since, key.Until)
				}
				continue
			}
			if !ok {
				t.Errorf("%s is not in the schema of %s", key.Path, version)
				continue
			}
			property := got.(map[string]any)
			if _, isEnum := property["enum"]; isEnum && property["type"] == nil {
				property["type"] = "string"
			}
			if text, _ := json.Marshal(property["type"]); !strings.Contains(string(text), `"`+key.Type+`"`) {
				t.Errorf("%s: type %s in the schema, %s here", key.Path, text, key.Type)
			}
		}
	})
}

func TestProfilesAreSound(t *testing.T) {
	bindings := []string{"backstage-catalog-reader-binding", "admin-binding"}
	var versions []string
	for _, p := range Profiles() {
		versions = append(versions, p.Versions...)
		for key, n := range answersKeys(p) {
			if n != 1 {
				t.Errorf("%s: %s has %d places", p.Name, key, n)
			}
		}
		lists := map[string]string{}
		for key, item := range p.Items {
			lists[key] = item.List
		}
		for _, places := range []map[string]string{p.Paths, lists} {
			for key, path := range places {
				if _, ok := p.Defaults[path]; !ok {
					t.Errorf("%s: %s goes to %s, which has no default", p.Name, key, path)
				}
			}
		}
		for old, path := range p.Moved {
			if _, ok := p.Defaults[path]; !ok {
				t.Errorf("%s: %s moved to %s, which has no default", p.Name, old, path)
			}
			if _, ok := p.Defaults[old]; ok {
				t.Errorf("%s: %s moved although the chart has it", p.Name, old)
			}
		}
		for _, name := range bindings {
			if !slices.ContainsFunc(p.Bindings, func(b Binding) bool { return b.Name == name }) {
				t.Errorf("%s has no %s", p.Name, name)
			}
		}
		if len(p.BindingKeys) != len(p.Bindings) {
			t.Errorf("%s: %d bindings, %d keys for them", p.Name, len(p.Bindings), len(p.BindingKeys))
		}
		secrets := map[string]bool{}
		for _, s := range p.SecretKeys {
			secrets[s.Name] = true
			for _, w := range []When{s.Required, s.Used} {
				if w.Key != "" && !p.Has(w.Key) {
					t.Errorf("%s: %s depends on %s, which the chart lacks", p.Name, s.Name, w.Key)
				}
			}
			if got, ok := p.SecretKey(s.Key); !ok || got != s {
				t.Errorf("%s: SecretKey(%q) = %+v, %t", p.Name, s.Key, got, ok)
			}
		}
		for _, v := range p.Env {
			if _, ok := p.Defaults[v.Path]; v.Path != "" && !ok {
				t.Errorf("%s: %s comes from %s, which the chart lacks", p.Name, v.Name, v.Path)
			}
			if v.Secret != "" && !secrets[v.Secret] {
				t.Errorf("%s: %s comes from the key %s, which the Secret lacks", p.Name, v.Name, v.Secret)
			}
			if (v.Path == "") == (v.Secret == "") {
				t.Errorf("%s: %s needs exactly one source", p.Name, v.Name)
			}
			if got, ok := p.EnvVar(v.Name); !ok || got != v {
				t.Errorf("%s: EnvVar(%q) = %+v, %t", p.Name, v.Name, got, ok)
			}
		}
		if _, m, err := Lookup(p.Recommended); err != nil || !m.Exact {
			t.Errorf("%s recommends %q: %v", p.Name, p.Recommended, err)
		}
		for _, version := range p.Versions {
			if got := p.Advisories[version] != ""; got != before(version, p.Recommended) {
				t.Errorf("%s: an advisory is %t, recommended is %s", version, got, p.Recommended)
			}
		}
	}
	if !slices.IsSortedFunc(versions, func(a, b string) int {
		if before(a, b) {
			return -1
		}
		return 1
	}) {
		t.Errorf("the releases are not ascending: %v", versions)
	}
}

func TestProfilesAreFresh(t *testing.T) {
	first := Profiles()
	first[0].Paths["portal.baseUrl"] = "changed"
	first[0].Bindings[0].RoleMappings[0].Name = "changed"
	first[0].Defaults["backstage.http.hostnames"].([]any)[0] = "changed"
	again := Profiles()
	if again[0].Paths["portal.baseUrl"] == "changed" || again[0].Bindings[0].RoleMappings[0].Name == "changed" ||
		again[0].Defaults["backstage.http.hostnames"].([]any)[0] == "changed" {
		t.Error("a caller's change shows in the next copy")
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		version, name string
		exact         bool
		note          string
	}{
		{"1.0.0", "1.0.x", true, ""},
		{"v1.0.5", "1.0.x", true, ""},
		{"1.1.2", "1.1.0-1.1.2", true, ""},
		{"1.1.3", "1.1.3-1.1.6", true, ""},
		{"v1.2.3", "1.2.x", true, ""},
		{"1.1.9", "1.1.3-1.1.6", false, "treated like 1.1.6"},
		{"1.2.0-rc.1", "1.2.x", false, "1.2.0-rc.1 is not one this program knows"},
		{"1.2.4+build", "1.2.x", false, "treated like 1.2.3"},
	} {
		p, match, err := Lookup(c.version)
		if err != nil || p.Name != c.name || match.Exact != c.exact || !strings.Contains(match.Note, c.note) || (match.Note == "") != c.exact {
			t.Errorf("Lookup(%q) = %q, %+v, %v", c.version, p.Name, match, err)
		}
	}
	for _, c := range []struct{ version, part string }{
		{"1.3.0", "the known ones are 1.0.x, 1.1.0-1.1.2, 1.1.3-1.1.6, 1.2.x"},
		{"0.0.0-latest-dev", "not a release such as 1.2.3"},
		{"1.2", "not a release"},
		{"", "not a release"},
		{"one.two.three", "not a release"},
		{"2.0.0", "directory, its archive or an oci://"},
	} {
		if _, _, err := Lookup(c.version); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("Lookup(%q): %v", c.version, err)
		}
	}
	p, version := Newest()
	if got, m, err := Lookup(version); err != nil || !m.Exact || got.Name != p.Name {
		t.Errorf("Newest() = %q, %q, which Lookup does not find", p.Name, version)
	}
}

func TestWhen(t *testing.T) {
	answers := map[string]string{"a": "true", "b": ""}
	answer := func(key string) string { return answers[key] }
	for _, c := range []struct {
		when When
		want bool
	}{
		{When{}, true}, {When{Key: "a"}, true}, {When{Key: "a", Value: "true"}, true},
		{When{Key: "a", Value: "false"}, false}, {When{Key: "b"}, false}, {When{Key: "c"}, false},
	} {
		if got := c.when.Holds(answer); got != c.want {
			t.Errorf("%+v holds: %t", c.when, got)
		}
	}
}

func TestGroupsHoldEveryPath(t *testing.T) {
	written := map[string]bool{"": true}
	for _, g := range Groups() {
		if written[g.Path] {
			t.Errorf("%s occurs twice", g.Path)
		}
		parent := ""
		if i := strings.LastIndexByte(g.Path, '.'); i >= 0 {
			parent = g.Path[:i]
		}
		if !written[parent] {
			t.Errorf("%s comes before %s", g.Path, parent)
		}
		if strings.ContainsAny(g.Comment, "\n#") {
			t.Errorf("%s: the comment is not one line", g.Path)
		}
		written[g.Path] = true
	}
	for _, p := range Profiles() {
		paths := slices.Collect(func(yield func(string) bool) {
			for _, path := range p.Paths {
				if !yield(path) {
					return
				}
			}
			for _, item := range p.Items {
				if !yield(item.List) {
					return
				}
			}
			yield(p.MappingsPath)
		})
		for _, path := range paths {
			// The subjects are written as a whole, below their group.
			path = strings.Replace(path, "subjects.user.mechanisms.jwt.entitlement.claim", "subjects.user", 1)
			path = strings.Replace(path, "subjects.service_account.mechanisms.jwt.entitlement.claim", "subjects.service_account", 1)
			if parent := path[:max(0, strings.LastIndexByte(path, '.'))]; !written[parent] {
				t.Errorf("%s: no group %s", path, parent)
			}
		}
	}
}
