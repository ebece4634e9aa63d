// Package charttest gives tests a control-plane chart of our own: small, with
// the portal's value, variable and key names of the real one. It must not be
// imported by code that is no test.
package charttest

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/templates"
)

const name = "openchoreo-control-plane"

// Dir returns the directory of the chart, version 1.2.3. Tests must not write
// to it.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "internal", "chart", "testdata", name)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("charttest: the test does not run inside the repository")
		}
		dir = parent
	}
}

// Version writes the chart as another release into a temporary directory and
// returns that: the keys which the release lacks are taken out of values and
// schema, and the templates follow.
func Version(tb testing.TB, version string) string {
	tb.Helper()
	p, _, err := templates.Lookup(version)
	if err != nil {
		tb.Fatalf("charttest: %v", err)
	}
	dir := filepath.Join(tb.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(Dir(tb))); err != nil {
		tb.Fatal(err)
	}
	version = strings.TrimPrefix(version, "v")
	edit(tb, filepath.Join(dir, "Chart.yaml"), func(c map[string]any) {
		c["version"], c["appVersion"] = version, "v"+version
	})
	newest, _ := templates.Newest()
	values, schema := filepath.Join(dir, "values.yaml"), filepath.Join(dir, "values.schema.json")
	edit(tb, values, func(tree map[string]any) {
		for path := range newest.Defaults {
			if _, ok := p.Defaults[path]; !ok {
				remove(tree, strings.Split(path, "."))
			}
		}
		for path, value := range p.Defaults {
			if _, ok := newest.Defaults[path]; !ok {
				add(tree, strings.Split(path, "."), value)
			}
		}
		add(tree, strings.Split(p.MappingsPath, "."), p.Defaults[p.MappingsPath])
	})
	edit(tb, schema, func(tree map[string]any) {
		for path := range newest.Defaults {
			if _, ok := p.Defaults[path]; !ok {
				remove(tree, below(path))
			}
		}
		for path := range p.Defaults {
			if _, ok := newest.Defaults[path]; !ok {
				add(tree, below(path), map[string]any{})
			}
		}
		if !p.AffinityUsable {
			add(tree, append(below("backstage.affinity"), "additionalProperties"), false)
		}
	})
	return dir
}

// below returns where a schema describes a path.
func below(path string) []string {
	var at []string
	for _, key := range strings.Split(path, ".") {
		at = append(at, "properties", key)
	}
	return at
}

// Archive packs a chart directory as helm package does and returns the file.
func Archive(tb testing.TB, dir string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), filepath.Base(dir)+".tgz")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	zipped := gzip.NewWriter(file)
	archive := tar.NewWriter(zipped)
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		header := &tar.Header{Name: filepath.Base(dir) + "/" + name, Mode: 0o644, Size: int64(len(data))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(data)
		return err
	})
	for _, end := range []func() error{archive.Close, zipped.Close, file.Close} {
		if closing := end(); err == nil {
			err = closing
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// edit changes a YAML or JSON file.
func edit(tb testing.TB, path string, change func(map[string]any)) {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		tb.Fatal(err)
	}
	change(tree)
	if filepath.Ext(path) == ".json" {
		data, err = json.MarshalIndent(tree, "", "  ")
	} else {
		data, err = yaml.Marshal(tree)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

func add(tree map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		child, ok := tree[key].(map[string]any)
		if !ok {
			child = map[string]any{}
			tree[key] = child
		}
		tree = child
	}
	tree[path[len(path)-1]] = value
}

// remove takes out a path and the mappings that held nothing else. In a schema
// a mapping that describes no more keys holds nothing either.
func remove(tree map[string]any, path []string) {
	var above []map[string]any
	for _, key := range path[:len(path)-1] {
		above = append(above, tree)
		child, ok := tree[key].(map[string]any)
		if !ok {
			return
		}
		tree = child
	}
	delete(tree, path[len(path)-1])
	for i, parent := range slices.Backward(above) {
		key := path[i]
		child := parent[key].(map[string]any)
		properties, describes := child["properties"].(map[string]any)
		if len(child) > 0 && (!describes || len(properties) > 0) {
			return
		}
		delete(parent, key)
	}
}
