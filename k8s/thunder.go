package k8s

import (
	"context"
	"sync"
)

// Thunder is OpenChoreo's default identity provider in its own namespace.
type Thunder struct {
	Installed bool
	Ready     bool
	Image     string
	Hostnames []string // of its HTTPRoute
	Unknown   string
}

func (c *Client) thunder(ctx context.Context) Thunder {
	var (
		out      Thunder
		routes   []routeObject
		routeErr error
		wait     sync.WaitGroup
	)
	wait.Go(func() { routes, routeErr = c.listRoutes(ctx, thunderNamespace, "") })
	deployments, err := c.listDeployments(ctx, thunderNamespace, "app.kubernetes.io/name=thunder", 10)
	wait.Wait()
	if out.Unknown = unknown(err); out.Unknown == "" {
		out.Unknown = unknown(routeErr)
	}
	for i := range deployments {
		d := &deployments[i]
		out.Installed = true
		out.Ready = out.Ready || (d.Status.ReadyReplicas > 0 && d.Status.ReadyReplicas >= int32(replicas(d)))
		if c := portalContainer(d.Spec.Template.Spec.Containers); c != nil {
			out.Image = c.Image
		}
	}
	for _, r := range routes {
		out.Hostnames = append(out.Hostnames, r.Spec.Hostnames...)
	}
	return out
}
