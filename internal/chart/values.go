package chart

import (
	"bytes"
	"fmt"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
)

// ReadValues reads a values file as helm reads it for -f: by YAML 1.1, the last
// of equal keys counts, and all documents of the file are merged, later ones
// over earlier ones. That is Helm 4 (since 4.0). Helm 3, to its last minor,
// reads the first document only and is silent about the others: where somebody
// may run it, a file with several documents wants a warning. An empty file is an
// empty mapping.
func ReadValues(data []byte) (map[string]any, error) {
	values, err := loader.LoadValues(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return plain(values).(map[string]any), nil
}
