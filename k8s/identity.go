package k8s

import "context"

// WhoAmI returns who the API server takes us for: the user name, such as
// "jane" or "system:serviceaccount:ns:name", and the groups. A server before
// Kubernetes 1.28, which does not know the question, is ErrNotFound.
func (c *Client) WhoAmI(ctx context.Context) (user string, groups []string, err error) {
	const (
		group    = "authentication.k8s.io"
		resource = "selfsubjectreviews"
		question = `{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}`
	)
	var review struct {
		Status struct {
			UserInfo struct {
				Username string   `json:"username"`
				Groups   []string `json:"groups"`
			} `json:"userInfo"`
		} `json:"status"`
	}
	req := c.raw.Post().AbsPath("/apis", group, "v1", resource).
		SetHeader("Content-Type", "application/json").Body([]byte(question))
	err = c.do(ctx, ask{verb: "create", group: group, resource: resource}, req, &review)
	return review.Status.UserInfo.Username, review.Status.UserInfo.Groups, err
}
