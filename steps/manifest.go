package steps

import (
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/k8s"
)

// object is what of a rendered manifest is compared with what runs.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Data map[string]string `json:"data"`
	Spec struct {
		Template struct {
			Spec struct {
				Containers []container `json:"containers"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`

	Command []string `json:"command"`
	Args    []string `json:"args"`

	Env []struct {
		Name      string `json:"name"`
		Value     string `json:"value"`
		ValueFrom struct {
			SecretKeyRef    reference `json:"secretKeyRef"`
			ConfigMapKeyRef reference `json:"configMapKeyRef"`
		} `json:"valueFrom"`
	} `json:"env"`
}

type reference struct {
	Name     string `json:"name"`
	Key      string `json:"key"`
	Optional bool   `json:"optional"`
}

// objects are those of a manifest as Helm keeps it; documents that are none of
// interest, and cannot be read, are left out.
func objects(manifest string) []object {
	var list []object
	for _, document := range strings.Split("\n"+manifest, "\n---") {
		if !slices.ContainsFunc([]string{"Deployment", "ConfigMap", "ServiceAccount", "NetworkPolicy"}, func(kind string) bool { return strings.Contains(document, "kind: "+kind) }) {
			continue
		}
		var o object
		if yaml.Unmarshal([]byte(document), &o) == nil && o.Kind != "" {
			list = append(list, o)
		}
	}
	return list
}

// variables are those of a container, as k8s tells them of one that runs.
func (c container) variables() []k8s.EnvVar {
	list := make([]k8s.EnvVar, len(c.Env))
	for i, e := range c.Env {
		s, m := e.ValueFrom.SecretKeyRef, e.ValueFrom.ConfigMapKeyRef
		list[i] = k8s.EnvVar{
			Name: e.Name, Value: e.Value, SecretName: s.Name, SecretKey: s.Key, ConfigMapName: m.Name, ConfigKey: m.Key, Optional: s.Optional || m.Optional,
		}
	}
	return list
}
