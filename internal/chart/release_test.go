package chart

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"helm.sh/helm/v4/pkg/chart/common/util"
	helmchart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	helmrelease "helm.sh/helm/v4/pkg/release/v1"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/templates"
)

// pack stores text as Helm does.
func pack(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))
}

// installed is the release of a chart as helm install stores it, with Helm's own
// types. What helm does to a chart with dependencies before that (chartutil's
// ProcessDependencies) is repeated: it merges the subcharts' values into the
// chart's and overwrites names by aliases.
func installed(tb testing.TB, loaded *helmchart.Chart, values map[string]any) []byte {
	tb.Helper()
	if loaded.Metadata.Dependencies != nil {
		for _, d := range loaded.Metadata.Dependencies {
			d.Enabled = true
		}
		for _, sub := range loaded.Dependencies() {
			for _, d := range loaded.Metadata.Dependencies {
				if d.Name == sub.Name() && d.Alias != "" {
					d.Name, sub.Metadata.Name = d.Alias, d.Alias
				}
			}
		}
		merged, err := util.MergeValues(loaded, nil)
		if err != nil {
			tb.Fatal(err)
		}
		loaded.Values = merged
	}
	text, err := json.Marshal(&helmrelease.Release{Name: "openchoreo", Namespace: "n", Version: 4, Chart: loaded, Config: values, Info: &helmrelease.Info{}})
	if err != nil {
		tb.Fatal(err)
	}
	return pack(tb, text)
}

func load(tb testing.TB, path string) *helmchart.Chart {
	tb.Helper()
	loaded, err := loader.Load(path)
	if err != nil {
		tb.Fatal(err)
	}
	return loaded
}

func fromRelease(t *testing.T, b []byte) *Chart {
	t.Helper()
	c, err := FromRelease(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFromRelease(t *testing.T) {
	everyRelease(t, func(t *testing.T, opened *Chart, _ templates.Profile) {
		stored := installed(t, load(t, opened.Source), usable())
		c := fromRelease(t, stored)
		if c.Version != opened.Version || c.AppVersion != opened.AppVersion || !c.Complete || c.Prefix != "" || c.Source != "release openchoreo revision 4" {
			t.Errorf("%+v", c)
		}
		same(t, opened, c)
		unpacked, err := unpackRelease(stored)
		if err != nil {
			t.Fatal(err)
		}
		same(t, opened, fromRelease(t, []byte(base64.StdEncoding.EncodeToString(unpacked)))) // as Helm 2 stored it
	})
}

// same: two charts have equal defaults, refuse alike and render alike.
func same(t *testing.T, want, got *Chart) {
	t.Helper()
	if diff := cmp.Diff(want.Defaults(), got.Defaults()); diff != "" {
		t.Errorf("defaults: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(want.schema, got.schema); diff != "" || want.schema == nil {
		t.Errorf("schema: -want +got\n%s", diff)
	}
	values := effective(t, want, usable())
	release := Release{Name: "openchoreo", Namespace: "n"}
	wanted, err := want.Render(release, values)
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := got.Render(release, effective(t, got, usable()))
	if diff := cmp.Diff(wanted, rendered); diff != "" || err != nil {
		t.Errorf("rendered: %v, -want +got\n%s", err, diff)
	}
	broken := effective(t, got, usable(), map[string]any{"backstage": map[string]any{"replicas": "two"}})
	if diff := cmp.Diff(want.Validate(broken), got.Validate(broken)); diff != "" || len(got.Validate(broken)) != 1 {
		t.Errorf("validated: -want +got\n%s", diff)
	}
}

// umbrella writes a chart around the test chart and returns its directory.
func umbrella(t *testing.T, alias, lock string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "platform")
	if err := os.CopyFS(filepath.Join(dir, "charts", Name), os.DirFS(charttest.Dir(t))); err != nil {
		t.Fatal(err)
	}
	prefix, dependency := Name, "{name: openchoreo-control-plane, version: ^1.2.0, repository: 'oci://example.com'"
	if alias != "" {
		prefix = alias
		dependency += ", alias: " + alias
	}
	files := map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n- " + dependency + "}\n",
		"values.yaml": prefix + ":\n  backstage: {replicas: 2}\nglobal: {commonLabels: {team: x}}\n",
	}
	if lock != "" {
		files["Chart.lock"] = "dependencies:\n- {name: openchoreo-control-plane, version: " + lock + ", repository: 'oci://example.com'}\ndigest: sha256:0\ngenerated: 2026-01-02T03:04:05Z\n"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFromReleaseOfAnUmbrella(t *testing.T) {
	for _, test := range []struct{ alias, lock, prefix, version string }{
		{prefix: Name, version: "^1.2.0"},
		{lock: "1.2.3", prefix: Name, version: "1.2.3"},
		{alias: "controlPlane", lock: "1.2.3", prefix: "controlPlane", version: "1.2.3"},
	} {
		dir := umbrella(t, test.alias, test.lock)
		c := fromRelease(t, installed(t, load(t, dir), map[string]any{}))
		if c.Prefix != test.prefix || c.Version != test.version || c.Complete || c.ProfileVersion() != "1.2.3" {
			t.Errorf("%+v, ProfileVersion %s", c, c.ProfileVersion())
		}
		if diff := cmp.Diff(open(t, dir).Defaults(), c.Defaults()); diff != "" {
			t.Errorf("defaults: -opened +release\n%s", diff)
		}
		if got := get(effective(t, c, usable()), "backstage.secretName"); got != "backstage-secrets" {
			t.Errorf("secretName is %v", got)
		}
		if _, err := c.Archive(); err == nil || !strings.Contains(err.Error(), "is not at hand: give --chart") {
			t.Errorf("Archive: %v", err)
		}
	}
}

func TestFromReleaseRefuses(t *testing.T) {
	chart := func(text string) []byte { return pack(t, []byte(`{"name": "r", "version": 2, "chart": `+text+`}`)) }
	const metadata = `"metadata": {"apiVersion": "v2", "name": "openchoreo-control-plane", "version": "1.2.3"}`
	whole := chart(`{` + metadata + `}`)
	for name, test := range map[string]struct {
		stored []byte
		want   string
	}{
		"nothing":            {nil, "no JSON"},
		"no base64":          {[]byte("%"), "no base64"},
		"no gzip":            {[]byte(base64.StdEncoding.EncodeToString([]byte("\x1f\x8bx"))), "no gzip"},
		"cut off":            {[]byte(base64.StdEncoding.EncodeToString([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"))), "no gzip"},
		"a bomb":             {pack(t, make([]byte, releaseLimit+1)), "larger than 64 MiB"},
		"no JSON":            {pack(t, []byte("hello")), "no JSON"},
		"another kind":       {pack(t, []byte(`{"chart": []}`)), "no JSON of Helm's"},
		"no chart":           {pack(t, []byte(`{"name": "r", "version": 2}`)), "chart of release r revision 2: the release holds no chart"},
		"no metadata":        {chart(`{}`), "holds no chart"},
		"no version":         {chart(`{"metadata": {"apiVersion": "v2", "name": "openchoreo-control-plane"}}`), "version is required"},
		"another chart":      {chart(`{"metadata": {"apiVersion": "v2", "name": "nginx", "version": "1.0.0"}}`), `chart of release r revision 2: it is the chart "nginx", not openchoreo-control-plane`},
		"no file":            {chart(`{` + metadata + `, "templates": [null]}`), "names that no chart has"},
		"outside":            {chart(`{` + metadata + `, "files": [{"name": "../x", "data": ""}]}`), "names that no chart has"},
		"absolute":           {chart(`{` + metadata + `, "files": [{"name": "/x", "data": ""}]}`), "names that no chart has"},
		"one file twice":     {chart(`{` + metadata + `, "templates": [{"name": "templates/x"}, {"name": "templates/x"}]}`), "names that no chart has"},
		"another Chart.yaml": {chart(`{` + metadata + `, "files": [{"name": "Chart.yaml", "data": ""}]}`), "names that no chart has"},
		"a broken schema":    {chart(`{` + metadata + `, "schema": "e30x"}`), "values.schema.json"},
		"no dependency":      {chart(`{"metadata": {"apiVersion": "v2", "name": "x", "version": "1.0.0", "dependencies": [null]}}`), "dependencies"},
		"no values in it":    {chart(`{"metadata": {"apiVersion": "v2", "name": "x", "version": "1.0.0", "dependencies": [{"name": "openchoreo-control-plane", "version": "1.2.3"}]}, "values": {"a": 1}}`), "does not hold its values"},
	} {
		if _, err := FromRelease(test.stored); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range len(whole) {
		if _, err := FromRelease(whole[:i]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", i, len(whole))
		}
	}
	if c := fromRelease(t, whole); c.Complete || len(c.Defaults()) != 0 {
		t.Errorf("a chart of nothing: %+v", c)
	}
}

// Whatever a release holds, either it is refused or its chart can be asked, and
// what can be archived is the same chart.
func FuzzFromRelease(f *testing.F) {
	f.Add(`{"metadata": {"apiVersion": "v2", "name": "openchoreo-control-plane", "version": "1.2.3"}, "values": {"a": {"b": [1, 2.5, "0o17", "yes", null, true, "---\nx", "\u0085", 1e300]}, "<<": {"c": ""}}, "templates": [{"name": "templates/a.yaml", "data": "e30="}]}`)
	f.Add(`{"metadata": {"apiVersion": "v1", "name": "x", "version": "1.0.0", "dependencies": [{"name": "openchoreo-control-plane", "alias": "y"}]}, "values": {"y": {"backstage": {}, "openchoreoApi": {}}}, "lock": {"dependencies": [null]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := FromRelease([]byte(base64.StdEncoding.EncodeToString([]byte(`{"name": "r", "chart": ` + text + `}`))))
		if err != nil {
			return
		}
		c.Has("a.b")
		c.ProfileVersion()
		packed, err := c.Archive()
		if err != nil {
			return
		}
		loaded, err := loader.LoadArchive(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.root.Values, loaded.Values); diff != "" {
			t.Errorf("-release +archive\n%s", diff)
		}
	})
}

// Every tree of values that a release can hold is the defaults of its chart, and
// an archive of it either has the same or is refused.
func FuzzReleaseValues(f *testing.F) {
	f.Add(`{"a": {"b": [1, -2.5, "0o17", "yes", "~", null, true, "---\nx", 1e300, 9007199254740993]}, "": {}, "=": "="}`)
	f.Add(`{"a: b": "x #y", "- c": ["", " ", "\t", "\u2028", "\ufeff", "\u0000"], "1": "2026-01-02", "1e3": "1_000"}`)
	f.Add(`{"a": "\u0085"}`)
	f.Add(`{"<<": {"c": ""}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var values map[string]any
		if json.Unmarshal([]byte(text), &values) != nil {
			return
		}
		c, err := FromRelease([]byte(base64.StdEncoding.EncodeToString([]byte(`{"name": "r", "chart": {"metadata": {"apiVersion": "v2", "name": "openchoreo-control-plane", "version": "1.2.3"}, "values": ` + text + `}}`))))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain(values), any(c.Defaults())); diff != "" {
			t.Error(diff)
		}
		packed, err := c.Archive()
		if err != nil {
			return // control characters, U+0085, "<<": what YAML cannot say
		}
		loaded, err := loader.LoadArchive(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, loaded.Values, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}
