package k8s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Why something was not done, for errors.Is.
var (
	ErrNoConfig    = errors.New("there is no kubeconfig")
	ErrNotFound    = errors.New("not found")
	ErrForbidden   = errors.New("not allowed")
	ErrChanged     = errors.New("changed meanwhile")
	ErrImmutable   = errors.New("immutable")
	ErrUnreachable = errors.New("the API server cannot be reached")
	ErrLogin       = errors.New("not logged in") // the credentials are not accepted, or there are none
)

// RequestError is a request that was not carried out. errors.Is finds its
// Reason and what client-go said.
type RequestError struct {
	Verb      string // as in RBAC: get, list, create, patch, watch
	Group     string // API group, "" for the core
	Resource  string // as in RBAC: "secrets", "pods/log"
	Namespace string // "" for cluster-scoped objects
	Name      string // "" for lists
	Reason    error  // one of this package's Err values, nil for anything else
	Detail    string // what the server or the network said, or what it means
	cause     error
}

// Error tells verb, resource and object, why not, and for ErrForbidden which
// right is missing.
func (e *RequestError) Error() string {
	text := e.Verb + " " + e.Resource
	if object := strings.Trim(e.Namespace+"/"+e.Name, "/"); object != "" {
		text += " " + object
	}
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap gives errors.Is and errors.As the reason and the cause.
func (e *RequestError) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Reason, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Right returns the missing right in words, such as `get on secrets
// "backstage-secrets" in namespace "openchoreo-control-plane"`.
func (e *RequestError) Right() string {
	resource := e.Resource
	if e.Group != "" {
		resource += "." + e.Group
	}
	text := e.Verb + " on " + resource
	if e.Name != "" && e.Verb != "create" { // create cannot be limited to a name
		text += fmt.Sprintf(" %q", e.Name)
	}
	if e.Namespace != "" {
		text += fmt.Sprintf(" in namespace %q", e.Namespace)
	}
	return text
}

// ask says what a request is, for its error.
type ask struct{ verb, group, resource, namespace, name string }

// explain turns client-go's error into a RequestError; nil stays nil.
func (c *Client) explain(what ask, err error) error {
	if err == nil {
		return nil
	}
	e := &RequestError{
		Verb: what.verb, Group: what.group, Resource: what.resource,
		Namespace: what.namespace, Name: what.name, cause: err,
	}
	var status apierrors.APIStatus
	switch {
	case errors.Is(err, context.Canceled):
		e.Detail = "canceled"
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		e.Reason, e.Detail = ErrUnreachable, c.target.Server+" did not answer in time"
	case errors.As(err, &status):
		e.Detail, e.Reason = e.fromStatus(err, status.Status())
	default:
		e.Detail, e.Reason = fromNetwork(err)
	}
	return e
}

// fromStatus reads what the API server answered.
func (e *RequestError) fromStatus(err error, status metav1.Status) (detail string, reason error) {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return fmt.Sprintf("namespace %q is being deleted", e.Namespace), ErrForbidden
	case apierrors.IsForbidden(err):
		return fmt.Sprintf("the right %s is missing%s", e.Right(), denial(status.Message)), ErrForbidden
	case apierrors.IsUnauthorized(err):
		return "the API server does not accept the kubeconfig's credentials: log in again", ErrLogin
	case apierrors.IsNotFound(err) && e.Verb == "create" && e.Name != "" && !strings.Contains(e.Resource, "/"):
		return fmt.Sprintf("there is no namespace %q", e.Namespace), ErrNotFound
	case apierrors.IsNotFound(err) && e.Verb == "patch" && e.Resource == "secrets":
		return "it was deleted", ErrChanged
	case apierrors.IsNotFound(err):
		return "", ErrNotFound
	case apierrors.IsAlreadyExists(err):
		return "it exists by now", ErrChanged
	case apierrors.IsConflict(err):
		return "somebody else wrote it after it was read", ErrChanged
	case isImmutable(err, status):
		return "its values cannot be changed: use another name", ErrImmutable
	}
	return status.Message, nil
}

// denial returns the authorizer's own reason when it gives more than RBAC's
// "User … cannot …", such as a policy engine's.
func denial(message string) string {
	if strings.Contains(message, " cannot ") || message == "" {
		return ""
	}
	return " (" + message + ")"
}

func isImmutable(err error, status metav1.Status) bool {
	if !apierrors.IsInvalid(err) || status.Details == nil {
		return false
	}
	for _, cause := range status.Details.Causes {
		if strings.Contains(cause.Message, "field is immutable when `immutable` is set") {
			return true
		}
	}
	return false
}

// fromNetwork tells a server that cannot be reached from anything else.
func fromNetwork(err error) (detail string, reason error) {
	var dial *url.Error
	if errors.As(err, &dial) {
		// A credential plugin runs inside the transport, and client-go does not
		// give its errors a type.
		if text := dial.Err.Error(); strings.HasPrefix(text, "getting credentials: ") {
			return text, ErrLogin
		}
		return dial.Err.Error(), ErrUnreachable
	}
	var network net.Error
	if errors.As(err, &network) {
		return network.Error(), ErrUnreachable
	}
	return err.Error(), nil
}
