package k8s

import "context"

// Services are those of the portal and of the API.
type Services struct {
	Portal, API Service
	Unknown     string
}

// Service is a Service of the cluster. Name is "" when there is none.
type Service struct {
	Name  string
	Ports []int
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
					Port int `json:"port"`
				} `json:"ports"`
			} `json:"spec"`
		} `json:"items"`
	}
	selector := componentLabel + " in (" + portalComponent + "," + apiComponent + ")"
	if err := c.list(ctx, kind{"", "v1", "services"}, namespace, selector, 50, &list); err != nil {
		return Services{Unknown: unknown(err)}
	}
	for _, item := range list.Items {
		s := Service{Name: item.Metadata.Name}
		for _, p := range item.Spec.Ports {
			s.Ports = append(s.Ports, p.Port)
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
