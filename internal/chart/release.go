package chart

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	helmchart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// releaseLimit bounds what a release may unpack to; Helm's own Secrets end at
// 1 MiB compressed.
const releaseLimit = 64 << 20

// FromRelease returns the chart of an installed release. b is what Helm stored
// in the release's Secret under "release": base64, gzip, JSON of a release/v1.
//
// Helm stores no subcharts. Of an umbrella chart it keeps the values, with those
// of its subcharts merged in: such a chart has defaults and a Prefix but is not
// Complete, and its Version is what the umbrella depends on.
func FromRelease(b []byte) (*Chart, error) {
	text, err := unpackRelease(b)
	if err != nil {
		return nil, fmt.Errorf("chart of the release: %w", err)
	}
	var release struct {
		Name    string           `json:"name"`
		Version int              `json:"version"`
		Chart   *helmchart.Chart `json:"chart"`
	}
	if err := json.Unmarshal(text, &release); err != nil {
		return nil, fmt.Errorf("chart of the release: the release is no JSON of Helm's: %w", err)
	}
	source := fmt.Sprintf("release %s revision %d", release.Name, release.Version)
	if release.Chart == nil || release.Chart.Metadata == nil {
		return nil, fmt.Errorf("chart of %s: the release holds no chart", source)
	}
	root, err := restore(release.Chart)
	if err != nil {
		return nil, fmt.Errorf("chart of %s: %w", source, err)
	}
	if root.Name() == Name {
		return newChart(root, source)
	}
	c, err := insideRelease(root)
	if err != nil {
		return nil, fmt.Errorf("chart of %s: %w", source, err)
	}
	c.Source = source
	return c, nil
}

func unpackRelease(b []byte) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		return nil, fmt.Errorf("the release is no base64: %w", err)
	}
	if !bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) { // Helm 2's were not compressed, and Helm still reads them
		return packed, nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the release is no gzip: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(unzip, releaseLimit+1))
	if err != nil {
		return nil, fmt.Errorf("the release is no gzip: %w", err)
	}
	if len(text) > releaseLimit {
		return nil, fmt.Errorf("the release is larger than %d MiB", releaseLimit>>20)
	}
	return text, nil
}

// restore writes the files of a stored chart, which has lost them, and loads
// them: it comes out checked like any other chart, and with the files that an
// archive of it needs. The values need no file: Archive writes it.
func restore(stored *helmchart.Chart) (*helmchart.Chart, error) {
	metadata, err := asYAML(stored.Metadata)
	if err != nil {
		return nil, err
	}
	files := []*archive.BufferedFile{{Name: "Chart.yaml", Data: metadata, ModTime: stored.ModTime}}
	if stored.Lock != nil {
		lock, err := asYAML(stored.Lock)
		if err != nil {
			return nil, err
		}
		files = append(files, &archive.BufferedFile{Name: "Chart.lock", Data: lock, ModTime: stored.Lock.Generated})
	}
	if len(stored.Schema) > 0 {
		files = append(files, &archive.BufferedFile{Name: "values.schema.json", Data: stored.Schema, ModTime: stored.SchemaModTime})
	}
	taken := map[string]bool{valuesFile: true}
	for _, f := range files {
		taken[f.Name] = true
	}
	for _, stored := range [][]*common.File{stored.Templates, stored.Files} {
		for _, f := range stored {
			if f == nil || !fs.ValidPath(f.Name) || taken[f.Name] {
				return nil, errors.New("its files have names that no chart has")
			}
			taken[f.Name] = true
			files = append(files, &archive.BufferedFile{Name: f.Name, Data: f.Data, ModTime: f.ModTime})
		}
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	loaded.Values = stored.Values
	return loaded, nil
}

// insideRelease takes what a release keeps of the control-plane chart in an
// umbrella chart. Helm has overwritten an aliased dependency's name by its alias
// before it stored the release: such a one is known by its values.
func insideRelease(umbrella *helmchart.Chart) (*Chart, error) {
	for _, d := range umbrella.Metadata.Dependencies {
		prefix := cmp.Or(d.Alias, d.Name)
		values, _ := umbrella.Values[prefix].(map[string]any)
		_, portal := values["backstage"].(map[string]any)
		_, api := values["openchoreoApi"].(map[string]any)
		stored := portal && api
		if d.Name != Name && (d.Alias == "" || !stored) {
			continue
		}
		if !stored {
			return nil, fmt.Errorf("it is the chart %q, and the release does not hold its values for %s: give --chart its directory, its archive or an oci:// reference", umbrella.Name(), Name)
		}
		version := d.Version
		if umbrella.Lock != nil {
			for _, locked := range umbrella.Lock.Dependencies {
				if locked != nil && locked.Name == Name {
					version = locked.Version
				}
			}
		}
		return newChartInside(umbrella, &helmchart.Chart{
			Metadata: &helmchart.Metadata{APIVersion: helmchart.APIVersionV2, Name: Name, Version: version},
			Values:   values,
		}, prefix)
	}
	return nil, fmt.Errorf("it is the chart %q, not %s", umbrella.Name(), Name)
}
