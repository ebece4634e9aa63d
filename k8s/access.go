package k8s

import (
	"context"
	"slices"
	"strings"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Access is one right, and after Can whether we have it.
type Access struct {
	Verb      string
	Group     string // API group, "" for the core
	Resource  string // with its subresource: "secrets", "pods/log"
	Name      string // "" is any
	Namespace string // "" is cluster-scoped, or all namespaces
	Why       string // what it is needed for
	Allowed   bool
}

// Can asks the API server about each right, all at once, and returns them in
// the same order with Allowed set. On an error Allowed means nothing.
func (c *Client) Can(ctx context.Context, rights []Access) ([]Access, error) {
	out := slices.Clone(rights)
	errs := make([]error, len(out))
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() { out[i].Allowed, errs[i] = c.can(ctx, out[i]) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return out, err // the questions differ in nothing that could make one fail alone
		}
	}
	return out, nil
}

func (c *Client) can(ctx context.Context, right Access) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	name := right.Name
	if right.Verb == "create" {
		name = "" // RBAC cannot limit create to a name, so no rule with one would match
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: right.Verb, Group: right.Group, Resource: resource, Subresource: subresource,
			Namespace: right.Namespace, Name: name,
		},
	}}
	answer, err := c.authz.SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, c.explain(ask{"create", "authorization.k8s.io", "selfsubjectaccessreviews", "", ""}, err)
	}
	return answer.Status.Allowed, nil
}
