package openbao

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Why something was not done, for errors.Is.
var (
	ErrUnreachable = errors.New("the store cannot be reached")
	ErrRedirect    = errors.New("the store is elsewhere")
	ErrSealed      = errors.New("the store is sealed")
	ErrUnavailable = errors.New("the store does not serve now") // overloaded, starting, no active node
	ErrForbidden   = errors.New("not allowed")
	ErrWrongMount  = errors.New("no key-value engine of version 2") // none at all, another engine, or version 1
	ErrNotFound    = errors.New("not found")
	ErrDeleted     = errors.New("deleted") // the version asked for is deleted or destroyed
	ErrChanged     = errors.New("changed meanwhile")
	// ErrUnknown is a write that may or may not have happened: the connection
	// broke, or a gateway gave up, after it was sent. Read again and compare.
	ErrUnknown = errors.New("it is not known whether it was written")
)

// Error is a request that was not carried out or, with ErrUnknown, may have
// been. It holds nothing of what the server answered, which may repeat what it
// was sent.
type Error struct {
	Verb   string // read, write, delete, check
	Path   string // of the API, below /v1/, such as "secret/data/backstage-client-secret"
	Status int    // of HTTP, 0 when there was no answer
	Reason error  // one of this package's Err values, nil for anything else
	Detail string // what it means
	Target string // scheme and host that an ErrRedirect points to; not sent anything
	cause  error  // what the network or the context said
}

// Error tells what was asked, why not, and what that means.
func (e *Error) Error() string {
	text := e.Verb + " " + e.Path
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap gives errors.Is and errors.As the reason and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Reason, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

func (c call) error(status int, reason error, detail string) *Error {
	return &Error{Verb: c.verb, Path: c.path, Status: status, Reason: reason, Detail: detail}
}

// refusal says what an answer without success means. Of the server's own words
// only those are looked for that the sources of OpenBao and Vault have; none is
// repeated.
func (c call) refusal(a answer) *Error {
	says := func(text string) bool { return strings.Contains(a.errors, text) }
	status := strings.TrimSpace(fmt.Sprintf("the server answered %d %s", a.status, http.StatusText(a.status)))
	switch {
	case a.status == http.StatusServiceUnavailable && says("is sealed"):
		return c.error(a.status, ErrSealed, "unseal it first")
	case a.status == http.StatusBadRequest && says("check-and-set parameter did not match"):
		return c.error(a.status, ErrChanged, "somebody else wrote it after it was read")
	case a.status == http.StatusBadRequest && says("Upgrading from non-versioned"),
		a.status == http.StatusBadRequest && says("to upgrade from non-versioned"):
		return c.error(a.status, ErrUnavailable, "the engine is being upgraded from version 1: try again in a minute")
	case a.status == http.StatusNotFound && says("no handler for route"):
		return c.error(a.status, ErrWrongMount, "nothing is mounted there")
	case a.status == http.StatusNotFound && says("namespace not found"):
		return c.error(a.status, ErrWrongMount, "there is no such namespace")
	case a.status == http.StatusForbidden, a.status == http.StatusUnauthorized, a.status == http.StatusBadRequest && says("missing client token"):
		return c.error(a.status, ErrForbidden, c.denial(a))
	case c.write && (a.status >= 500 || a.status == http.StatusRequestTimeout):
		return c.error(a.status, ErrUnknown, status+": read it again and compare")
	case a.status == http.StatusTooManyRequests, a.status >= 500:
		return c.error(a.status, ErrUnavailable, status)
	case a.status == http.StatusNotFound && a.said && a.errors == "": // so says the engine, and nobody else
		return c.error(a.status, ErrNotFound, "")
	}
	return c.error(a.status, nil, status)
}

// denial tells a token that does not count from a right that is missing, as far
// as the server tells them apart.
func (c call) denial(a answer) string {
	switch {
	case c.anonymous:
		return "no token is given"
	case strings.Contains(a.errors, "invalid token"), strings.Contains(a.errors, "bad token"):
		return "the server does not know the token: it is another server's, was revoked or has expired"
	}
	return fmt.Sprintf("the token has no right to %s path %q, or has expired", c.right, c.path)
}
