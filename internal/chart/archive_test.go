package chart

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/templates"
)

// reopened is what a chart's archive is opened as.
func reopened(t *testing.T, c *Chart) *Chart {
	t.Helper()
	packed, err := c.Archive()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "chart.tgz")
	if err := os.WriteFile(path, packed, 0o644); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func names(files []*common.File) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	return all
}

func TestArchive(t *testing.T) {
	everyRelease(t, func(t *testing.T, opened *Chart, _ templates.Profile) {
		c := fromRelease(t, installed(t, load(t, opened.Source), usable()))
		for _, original := range []*Chart{c, opened} {
			archived := reopened(t, original)
			same(t, opened, archived)
			if diff := cmp.Diff(names(original.helm.Templates), names(archived.helm.Templates)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(opened.helm.Metadata, archived.helm.Metadata); diff != "" {
				t.Error(diff)
			}
			if !bytes.Equal(original.helm.Schema, archived.helm.Schema) {
				t.Error("the schema's text differs")
			}
		}
	})
}

func TestArchiveOfAnUmbrella(t *testing.T) {
	for _, alias := range []string{"", "controlPlane"} {
		opened := open(t, umbrella(t, alias, "1.2.3"))
		archived := reopened(t, opened)
		if archived.root.Name() != "platform" || archived.Prefix != opened.Prefix {
			t.Errorf("the archive is that of %s, Prefix %q", archived.root.Name(), archived.Prefix)
		}
		same(t, opened, archived)
	}
}

func TestArchiveLacksFiles(t *testing.T) {
	known := FromProfile(profile(t, "1.2.3"), "1.2.3")
	if _, err := known.Archive(); err == nil || !strings.Contains(err.Error(), "the files of chart 1.2.3 are not at hand") {
		t.Errorf("known by heart: %v", err)
	}
	for _, value := range []string{`"\u0085"`, `{"<<": {"b": 1}}`} {
		odd := fromRelease(t, pack(t, []byte(`{"chart": {"metadata": {"apiVersion": "v2", "name": "openchoreo-control-plane", "version": "1.2.3"}, "values": {"a": `+value+`}}}`)))
		if _, err := odd.Archive(); err == nil || !strings.Contains(err.Error(), "cannot be written as YAML") {
			t.Errorf("%s: %v", value, err)
		}
	}
	// A later control-plane chart may have subcharts, which no release holds.
	dir := filepath.Join(t.TempDir(), Name)
	if err := os.CopyFS(dir, os.DirFS(charttest.Dir(t))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: openchoreo-control-plane\nversion: 1.9.0\ndependencies:\n- {name: cache, version: 1.0.0, repository: 'oci://example.com'}\n",
		"charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 1.0.0\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(open(t, dir).Defaults(), reopened(t, open(t, dir)).Defaults()); diff != "" {
		t.Errorf("-directory +archive\n%s", diff)
	}
	stored := fromRelease(t, installed(t, load(t, dir), map[string]any{}))
	if _, err := stored.Archive(); err == nil || !strings.Contains(err.Error(), "its subchart cache is not at hand") {
		t.Errorf("a release with a subchart: %v", err)
	}
}
