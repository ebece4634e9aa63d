package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	helm "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/engine"

	yaml "go.yaml.in/yaml/v3"
)

// Release is the release that a chart is rendered for.
type Release struct {
	Name, Namespace string
	// Upgrade is false for a first installation.
	Upgrade bool
	// KubeVersion is the cluster's, such as "v1.34.2"; empty means one that Helm
	// was built for.
	KubeVersion string
}

// FailError is a chart's refusal to render, from fail or required in a template.
type FailError struct {
	// Template is the template's file and the place in it.
	Template string
	// Text is the chart's own.
	Text string
}

func (e *FailError) Error() string { return e.Text }

// Render returns what the chart's templates make of values, as Effective
// returns them: template file to YAML, without notes and without templates that
// come out blank. The error is a *FailError where the chart itself refuses, and
// names the template where it is at fault or comes out as broken YAML.
func (c *Chart) Render(release Release, values map[string]any) (map[string]string, error) {
	if !c.Complete {
		return nil, fmt.Errorf("the templates of chart %s are not at hand: give --chart its directory, its archive or an oci:// reference", c.Version)
	}
	capabilities := common.DefaultCapabilities.Copy()
	if release.KubeVersion != "" {
		version, err := common.ParseKubeVersion(release.KubeVersion)
		if err != nil {
			return nil, fmt.Errorf("kubernetes version %q: %w", release.KubeVersion, err)
		}
		capabilities.KubeVersion = *version
	}
	accessor, err := helm.NewAccessor(c.helm)
	if err != nil {
		return nil, err
	}
	// The engine is given no cluster, so nothing in it waits for anything.
	// Not util.ToRenderValues: it would coalesce again and bring back what a file
	// took away with a null.
	rendered, err := new(engine.Engine).RenderWithContext(context.Background(), c.helm, common.Values{
		"Chart":        accessor.MetadataAsMap(),
		"Capabilities": capabilities,
		"Release": map[string]any{
			"Name": release.Name, "Namespace": release.Namespace, "Service": "Helm", "Revision": 1,
			"IsUpgrade": release.Upgrade, "IsInstall": !release.Upgrade,
		},
		"Values": asHelm(plain(values)),
	})
	if err != nil {
		return nil, refusal(err)
	}
	for file, text := range rendered {
		if strings.TrimSpace(text) == "" || path.Base(file) == "NOTES.txt" {
			delete(rendered, file)
			continue
		}
		if err := readable(text); err != nil {
			return nil, fmt.Errorf("template %s comes out as broken YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
		}
	}
	return rendered, nil
}

// refusal makes sense of the engine's error, which is a text only.
func refusal(err error) error {
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "execution error at ("); ok {
		if place, message, ok := strings.Cut(rest, "): "); ok {
			return &FailError{Template: place, Text: strings.TrimSpace(message)}
		}
	}
	return fmt.Errorf("template %s", strings.Join(strings.Fields(text), " "))
}

// readable reads a stream of YAML documents to its end.
func readable(text string) error {
	documents := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var node yaml.Node
		if err := documents.Decode(&node); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
