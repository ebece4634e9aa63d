package k8s

import (
	"context"
	"sync"
	"time"
)

// Planes are the workflow or the observability planes that are registered with
// the control plane, cluster-scoped and namespaced.
type Planes struct {
	Items   []Plane
	Unknown string
}

// Plane is one registered plane.
type Plane struct {
	Kind            string // resource, such as "clusterworkflowplanes"
	Namespace, Name string
	Connected       bool // its agent is connected now
	ObserverURL     string
	LastHeartbeat   time.Time
}

// Registered returns how many planes there are.
func (p Planes) Registered() int { return len(p.Items) }

// Connected tells whether the agent of at least one plane is connected.
func (p Planes) Connected() bool {
	for _, plane := range p.Items {
		if plane.Connected {
			return true
		}
	}
	return false
}

// planes lists the planes of the two resources, the second in all namespaces.
func (c *Client) planes(ctx context.Context, clusterScoped, namespaced string) Planes {
	var (
		shared, own       []Plane
		sharedErr, ownErr error
		wait              sync.WaitGroup
	)
	wait.Go(func() { shared, sharedErr = c.listPlanes(ctx, clusterScoped) })
	wait.Go(func() { own, ownErr = c.listPlanes(ctx, namespaced) })
	wait.Wait()
	all := Planes{Items: append(shared, own...), Unknown: unknown(sharedErr)}
	if all.Unknown == "" {
		all.Unknown = unknown(ownErr)
	}
	return all
}

func (c *Client) listPlanes(ctx context.Context, resource string) ([]Plane, error) {
	var list struct {
		Items []struct {
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
			Spec struct {
				ObserverURL string `json:"observerURL"`
			} `json:"spec"`
			Status struct {
				AgentConnection struct {
					Connected         bool      `json:"connected"`
					LastHeartbeatTime time.Time `json:"lastHeartbeatTime"`
				} `json:"agentConnection"`
			} `json:"status"`
		} `json:"items"`
	}
	if err := c.list(ctx, kind{planeGroup, "v1alpha1", resource}, "", "", 100, &list); err != nil {
		return nil, err
	}
	var out []Plane
	for _, item := range list.Items {
		out = append(out, Plane{
			Kind: resource, Namespace: item.Metadata.Namespace, Name: item.Metadata.Name,
			Connected:     item.Status.AgentConnection.Connected,
			LastHeartbeat: item.Status.AgentConnection.LastHeartbeatTime,
			ObserverURL:   item.Spec.ObserverURL,
		})
	}
	return out, nil
}
