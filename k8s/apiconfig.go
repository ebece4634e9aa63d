package k8s

import (
	"context"

	"sigs.k8s.io/yaml"
)

// APIConfig is the configuration of the OpenChoreo API that runs, from its
// ConfigMap.
type APIConfig struct {
	Config  map[string]any // config.yaml, nil when there is none
	Unknown string
}

func (c *Client) apiConfig(ctx context.Context, namespace string) APIConfig {
	var configMap struct {
		Data map[string]string `json:"data"`
	}
	if err := c.get(ctx, kind{"", "v1", "configmaps"}, namespace, apiConfigName, &configMap); err != nil {
		return APIConfig{Unknown: unknown(err)}
	}
	var out APIConfig
	if err := yaml.Unmarshal([]byte(configMap.Data["config.yaml"]), &out.Config); err != nil {
		out.Unknown = "ConfigMap " + apiConfigName + ": config.yaml: " + err.Error()
	}
	return out
}
