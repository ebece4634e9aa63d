package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

const valuesFile = "values.yaml"

// Archive packs the chart as helm package does, for a helm upgrade with it; an
// umbrella chart as a whole. The values.yaml of a release's chart is written
// anew: its comments are lost, its values are not. It is an error when files are
// missing: those of a chart known by heart, and subcharts, which Helm does not
// store in a release.
func (c *Chart) Archive() ([]byte, error) {
	if c.root == nil || len(c.root.Raw) == 0 {
		return nil, fmt.Errorf("the files of chart %s are not at hand: give --chart its directory, its archive or an oci:// reference", c.Version)
	}
	has := map[string]bool{}
	for _, sub := range c.root.Dependencies() {
		has[sub.Name()] = true
	}
	for _, d := range c.root.Metadata.Dependencies {
		if !has[d.Name] {
			return nil, fmt.Errorf("chart %q: its subchart %s is not at hand: give --chart its directory, its archive or an oci:// reference", c.Source, d.Name)
		}
	}
	files := c.root.Raw
	if c.root.Values != nil && !slices.ContainsFunc(files, func(f *common.File) bool { return f.Name == valuesFile }) {
		values, err := writeValues(c.root.Values)
		if err != nil {
			return nil, fmt.Errorf("chart %q: %w: give --chart its directory, its archive or an oci:// reference", c.Source, err)
		}
		files = append(slices.Clip(files), &common.File{Name: valuesFile, Data: values, ModTime: c.root.ModTime})
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	var failed []error
	for _, f := range files {
		header := &tar.Header{Name: path.Join(c.root.Name(), f.Name), Mode: 0o644, Size: int64(len(f.Data)), ModTime: f.ModTime}
		failed = append(failed, packed.WriteHeader(header))
		_, err := packed.Write(f.Data)
		failed = append(failed, err)
	}
	if err := errors.Join(append(failed, packed.Close(), zipped.Close())...); err != nil {
		return nil, fmt.Errorf("archive of chart %s: %w", c.Version, err)
	}
	return out.Bytes(), nil
}

// writeValues writes the values.yaml of a chart. Helm's YAML loses some texts,
// such as U+0085 and a key "<<": that is an error.
func writeValues(values map[string]any) ([]byte, error) {
	text, err := asYAML(values)
	if err != nil {
		return nil, fmt.Errorf("its values cannot be written as YAML: %w", err)
	}
	again, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("its values cannot be written as YAML: %w", err)
	}
	if !reflect.DeepEqual(plain(again), plain(values)) {
		return nil, errors.New("its values cannot be written as YAML")
	}
	return text, nil
}

// asYAML writes v as Helm writes YAML, by the names of its JSON.
func asYAML(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree common.Values
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tree.Encode(&out)
	return out.Bytes(), err
}
