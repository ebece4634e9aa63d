package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"path"
)

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
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	var failed []error
	for _, f := range c.root.Raw {
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
