// Package chart answers questions about one OpenChoreo control-plane chart: its
// defaults, what its schema allows and what its templates make of values. The
// chart is one at hand, or what the program knows of it by heart. It must not
// know clusters, questions or screens.
package chart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	helmchart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/openchoreo/backstage-setup/templates"
)

// Name is the name of the chart that installs the portal.
const Name = "openchoreo-control-plane"

// Chart is one control-plane chart. Its methods may be called concurrently.
//
// Values are plain trees: string, bool, int, float64 for what is no whole
// number, nil, []any and map[string]any. What the methods are given may use any
// other integer type and []string too.
type Chart struct {
	// Version is the chart's own, without a "v"; "0.0.0-latest-dev" in a checkout
	// of its sources. AppVersion is the tag of its images.
	Version, AppVersion string
	// Source says where it comes from, for messages.
	Source string
	// Prefix is the key under which an umbrella chart passes values on to this
	// one; empty for a chart that is not inside another. Values given to the
	// methods and returned by them are those below the prefix.
	Prefix string
	// Complete: schema and templates are at hand. Without them Validate finds
	// nothing and Render is an error.
	Complete bool

	helm   *helmchart.Chart
	root   *helmchart.Chart // as it came: the umbrella chart around helm, else helm itself
	schema map[string]any
	verify func() (*jsonschema.Schema, error)
}

// FromProfile returns the chart that the program knows by heart: the defaults of
// the keys that matter, without schema and templates.
func FromProfile(p templates.Profile, version string) *Chart {
	version = strings.TrimPrefix(version, "v")
	values := map[string]any{}
	for path, value := range p.Defaults {
		set(values, strings.Split(path, "."), plain(value))
	}
	c := &Chart{Version: version, AppVersion: "v" + version, Source: "built-in knowledge of " + p.Name}
	c.helm = &helmchart.Chart{
		Metadata: &helmchart.Metadata{APIVersion: helmchart.APIVersionV2, Name: Name, Version: c.Version, AppVersion: c.AppVersion},
		Values:   values,
	}
	return c
}

// Open reads a chart directory or archive. An umbrella chart is accepted when it
// contains the control-plane chart: see Prefix. Errors name the path and say
// what was found there instead.
func Open(path string) (*Chart, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	if info.IsDir() {
		// The loader reads every file before it misses this one.
		if _, err := os.Stat(filepath.Join(path, "Chart.yaml")); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("chart %q: the directory has no Chart.yaml", path)
		}
	}
	loaded, err := loader.Load(path)
	if err != nil {
		return nil, fmt.Errorf("chart %q: %w", path, err)
	}
	return newChart(loaded, path)
}

// newChart wraps a chart that Helm has loaded.
func newChart(loaded *helmchart.Chart, source string) (*Chart, error) {
	c, err := wrap(loaded)
	if err != nil {
		return nil, fmt.Errorf("chart %q: %w", source, err)
	}
	c.Source = source
	return c, nil
}

func wrap(loaded *helmchart.Chart) (*Chart, error) {
	if loaded.Name() == Name {
		return newChartInside(loaded, loaded, "")
	}
	inner, prefix, err := inside(loaded)
	if err != nil {
		return nil, err
	}
	return newChartInside(loaded, inner, prefix)
}

// newChartInside wraps the control-plane chart inner, which root passes its
// values on to under prefix.
func newChartInside(root, inner *helmchart.Chart, prefix string) (*Chart, error) {
	c := &Chart{Prefix: prefix, helm: inner, root: root}
	c.Version = strings.TrimPrefix(c.helm.Metadata.Version, "v")
	c.AppVersion = c.helm.Metadata.AppVersion
	c.Complete = len(c.helm.Templates) > 0
	if len(c.helm.Schema) == 0 {
		return c, nil
	}
	schema, err := decodeSchema(c.helm.Schema)
	if err != nil {
		return nil, fmt.Errorf("values.schema.json: %w", err)
	}
	c.schema = schema
	c.verify = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile(schema) })
	return c, nil
}

// inside takes the control-plane chart out of an umbrella chart, with the
// umbrella's values for it as its defaults.
func inside(umbrella *helmchart.Chart) (*helmchart.Chart, string, error) {
	prefix, declared := "", false
	for _, d := range umbrella.Metadata.Dependencies {
		if d.Name == Name {
			prefix, declared = Name, true
			if d.Alias != "" {
				prefix = d.Alias
			}
			break
		}
	}
	for _, sub := range umbrella.Dependencies() {
		if sub.Name() != Name {
			continue
		}
		if prefix == "" {
			prefix = Name
		}
		// Loaded again, it is a chart without a parent.
		files := make([]*archive.BufferedFile, len(sub.Raw))
		for i, f := range sub.Raw {
			files[i] = &archive.BufferedFile{Name: f.Name, ModTime: f.ModTime, Data: f.Data}
		}
		alone, err := loader.LoadFiles(files)
		if err != nil {
			return nil, "", err
		}
		passed, _ := umbrella.Values[prefix].(map[string]any)
		if global, ok := umbrella.Values["global"].(map[string]any); ok {
			passed = loader.MergeMaps(passed, map[string]any{"global": global})
		}
		alone.Values, err = util.MergeValues(alone, passed)
		return alone, prefix, err
	}
	if declared {
		return nil, "", fmt.Errorf("it depends on %s but does not contain it: run helm dependency update in it first", Name)
	}
	return nil, "", fmt.Errorf("it is the chart %q, not %s", umbrella.Name(), Name)
}

// ProfileVersion returns the release whose profile fits the chart: its own
// version where the program knows the minor, else the newest release of the
// profile whose keys the chart has most of.
func (c *Chart) ProfileVersion() string {
	if _, _, err := templates.Lookup(c.Version); err == nil {
		return c.Version
	}
	best, fewest := "", -1
	for _, p := range templates.Profiles() {
		missing := 0
		for path := range p.Defaults {
			if _, ok := c.Has(path); !ok {
				missing++
			}
		}
		if fewest < 0 || missing <= fewest {
			best, fewest = p.Versions[len(p.Versions)-1], missing
		}
	}
	return best
}

// Defaults returns a copy of the chart's own values.
func (c *Chart) Defaults() map[string]any {
	return plain(c.helm.Values).(map[string]any)
}

// Effective returns what the templates see: the chart's defaults, then the
// files in order, as Helm coalesces them. A null in a file takes the key away.
func (c *Chart) Effective(files ...map[string]any) (map[string]any, error) {
	merged := map[string]any{}
	for _, file := range files {
		merged = loader.MergeMaps(merged, file)
	}
	values, err := util.CoalesceValues(c.helm, merged)
	if err != nil {
		return nil, fmt.Errorf("values of chart %s: %w", c.Version, err)
	}
	return plain(map[string]any(values)).(map[string]any), nil
}
