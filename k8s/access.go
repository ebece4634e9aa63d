package k8s

import (
	"context"
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
	Why       string // what it is for, such as "read the portal's Secret"
	Prevents  string // what its lack means, a clause such as "the old values cannot be kept"
	Needed    bool   // without it the run cannot go on
	Allowed   bool
}

// String returns the right in words, such as `get on secrets
// "backstage-secrets" in namespace "openchoreo-control-plane"`.
func (a Access) String() string {
	e := RequestError{Verb: a.Verb, Group: a.Group, Resource: a.Resource, Namespace: a.Namespace, Name: a.Name}
	return e.Right()
}

// question is what of a right the API server is asked. RBAC cannot limit create
// to a name, so no rule with one would match.
func (a Access) question() Access {
	q := Access{Verb: a.Verb, Group: a.Group, Resource: a.Resource, Namespace: a.Namespace, Name: a.Name}
	if q.Verb == "create" {
		q.Name = ""
	}
	return q
}

// Same tells whether a and b are the same right, whatever is said about it.
func (a Access) Same(b Access) bool { return a.question() == b.question() }

// maxQuestions is how many questions are asked at once.
const maxQuestions = 40

// Can asks the API server about each right, equal ones once and all at once, and
// returns them in the same order with Allowed set. On an error Allowed means
// nothing.
func (c *Client) Can(ctx context.Context, rights []Access) ([]Access, error) {
	type answer struct {
		allowed bool
		err     error
	}
	var (
		answers = map[Access]*answer{}
		slots   = make(chan struct{}, maxQuestions)
		wait    sync.WaitGroup
	)
	for _, right := range rights {
		q := right.question()
		if answers[q] != nil {
			continue
		}
		a := &answer{}
		answers[q] = a
		wait.Go(func() {
			slots <- struct{}{}
			a.allowed, a.err = c.can(ctx, q)
			<-slots
		})
	}
	wait.Wait()
	out := make([]Access, len(rights))
	var err error
	for i, right := range rights {
		a := answers[right.question()]
		out[i] = right
		out[i].Allowed = a.allowed
		if err == nil {
			err = a.err // the questions differ in nothing that could make one fail alone
		}
	}
	return out, err
}

func (c *Client) can(ctx context.Context, right Access) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: right.Verb, Group: right.Group, Resource: resource, Subresource: subresource,
			Namespace: right.Namespace, Name: right.Name,
		},
	}}
	answer, err := c.authz.SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, c.explain(ask{"create", "authorization.k8s.io", "selfsubjectaccessreviews", "", ""}, err)
	}
	return answer.Status.Allowed, nil
}
