package k8s

import "context"

// Deployment reads a Deployment of the portal as it is now.
func (c *Client) Deployment(ctx context.Context, namespace, name string) (Deployment, error) {
	d, err := c.readDeployment(ctx, namespace, name)
	if err != nil {
		return Deployment{}, err
	}
	return plainDeployment(d), nil
}
