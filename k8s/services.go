package k8s

import (
	"context"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// Services are those of the portal and of the API.
type Services struct {
	Portal, API Service
	Unknown     string
}

// Service is a Service of the cluster. Name is "" when there is none.
type Service struct {
	Name     string
	Ports    []int
	Targets  []string          // of each port: a number or the name of a container's port
	Selector map[string]string // labels of the pods that it sends to
}

// Selects tells whether a Service sends to pods with these labels; one without a
// selector has its endpoints from elsewhere, and is believed.
func (s Service) Selects(labels map[string]string) bool {
	for name, value := range s.Selector {
		if got, ok := labels[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// services finds the Services by their component label.
func (c *Client) services(ctx context.Context, namespace string) (out Services) {
	var list struct {
		Items []struct {
			Metadata struct {
				Name   string            `json:"name"`
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Ports []struct {
					Port   int                `json:"port"`
					Target intstr.IntOrString `json:"targetPort"`
				} `json:"ports"`
				Selector map[string]string `json:"selector"`
			} `json:"spec"`
		} `json:"items"`
	}
	selector := componentLabel + " in (" + portalComponent + "," + apiComponent + ")"
	if err := c.list(ctx, kind{"", "v1", "services"}, namespace, selector, 50, &list); err != nil {
		return Services{Unknown: unknown(err)}
	}
	for _, item := range list.Items {
		s := Service{Name: item.Metadata.Name, Selector: item.Spec.Selector}
		for _, p := range item.Spec.Ports {
			s.Ports = append(s.Ports, p.Port)
			s.Targets = append(s.Targets, p.Target.String())
		}
		switch item.Metadata.Labels[componentLabel] {
		case portalComponent:
			out.Portal = s
		case apiComponent:
			out.API = s
		}
	}
	return out
}
