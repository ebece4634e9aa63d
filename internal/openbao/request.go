package openbao

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// maxAnswer bounds what is read of an answer, in bytes. An entry that fits into
// a Kubernetes Secret has at most 1 MiB.
const maxAnswer = 4 << 20

// call is one request.
type call struct {
	verb      string // for its error
	right     string // the capabilities that it needs, for its error
	method    string
	path      string // of the API, below /v1/
	query     url.Values
	body      []byte // nil for none
	write     bool   // changes something: its outcome may be unknown
	root      bool   // of the server, not of a namespace
	anonymous bool   // was sent without a token
}

// answer is what came back. errors are the server's own words, joined: to be
// looked into, never to be shown. said is false for an error that does not have
// the form of OpenBao's and Vault's, such as a proxy's.
type answer struct {
	status int
	body   []byte
	errors string
	said   bool
}

// send carries c out once. The answer may have any status but a redirect; an
// error means that there is none.
func (s *Store) send(ctx context.Context, c *call) (answer, error) {
	var asked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, c.method, s.url(c.path, c.query).String(), nil)
	if err != nil {
		return answer{}, c.error(0, nil, "the address cannot be used")
	}
	if c.body != nil {
		// Without GetBody, net/http cannot send the body a second time.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
		req.Header.Set("Content-Type", "application/json")
	}
	// An agent in between may insist on it: it keeps a browser or a confused
	// server from sending requests.
	req.Header.Set("X-Vault-Request", "true")
	c.anonymous = s.token.IsZero() || c.root
	if !c.anonymous {
		req.Header.Set("X-Vault-Token", s.token.Reveal())
	}
	if s.namespace != "" && !c.root {
		req.Header.Set("X-Vault-Namespace", s.namespace)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		// A transport that does not report its connections may have sent it.
		return answer{}, s.lost(*c, err, asked.Load() && !connected.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return answer{}, s.redirect(*c, resp)
	}
	a := answer{status: resp.StatusCode}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case a.status >= 400:
		// What it refuses is clear without the words.
		a.errors, a.said = serverErrors(a.body)
		return a, nil
	case err != nil:
		return answer{}, s.lost(*c, err, false)
	case len(a.body) > maxAnswer:
		return answer{}, c.unreadable(a.status, fmt.Sprintf("the answer has more than %d MiB", maxAnswer>>20))
	}
	return a, nil
}

// lost says what no answer, or half of one, means. Only before there was a
// connection is it certain that nothing happened.
func (s *Store) lost(c call, err error, unsent bool) *Error {
	detail, cause := s.network(err, unsent)
	reason := ErrUnreachable
	switch {
	case c.write && !unsent:
		reason, detail = ErrUnknown, detail+": read it again and compare"
	case errors.Is(err, context.Canceled):
		reason = nil
	}
	e := c.error(0, reason, detail)
	e.cause = cause
	return e
}

// network words an error of the network. net/http puts pieces of an answer that
// it cannot read into its errors, so after a connection only what is known not
// to hold any is shown or passed on.
func (s *Store) network(err error, unsent bool) (detail string, cause error) {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled", context.Canceled
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return s.Address() + " did not answer in time", context.DeadlineExceeded
	case errors.Is(err, http.ErrSchemeMismatch):
		return s.Address() + " speaks plain HTTP, not HTTPS", err
	case unsent:
		return fmt.Sprintf("%s: %v", s.Address(), err), err
	case errors.As(err, &op):
		return fmt.Sprintf("%s: %v", s.Address(), op), op
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.Address() + " closed the connection without an answer", err
	}
	return "the connection to " + s.Address() + " broke", nil
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// redirect reports where an answer points to. Nothing is sent there.
func (s *Store) redirect(c call, resp *http.Response) *Error {
	e := c.error(resp.StatusCode, ErrRedirect, s.Address()+" points to another address and does not say which")
	to, err := resp.Location()
	if err != nil {
		return e
	}
	e.Target = (&url.URL{Scheme: to.Scheme, Host: to.Host}).String()
	switch here := (&url.URL{Scheme: s.address.Scheme, Host: s.address.Host}).String(); {
	case e.Target == here:
		e.Detail = here + " points to another of its own pages, such as a login"
	default:
		e.Detail = fmt.Sprintf("%s points to %s. Nothing was sent there; if that is the store, give it as the address", s.Address(), e.Target)
	}
	return e
}

// unreadable is a success whose answer cannot be used: for a write, the outcome
// is open.
func (c call) unreadable(status int, detail string) *Error {
	if c.write {
		return c.error(status, ErrUnknown, detail+": read it again and compare")
	}
	return c.error(status, nil, detail)
}

// decode reads the "data" of a success into v. Its error holds nothing of the
// answer.
func (c call) decode(a answer, v any) error {
	envelope := struct {
		Data any `json:"data"`
	}{v}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &envelope) != nil {
		return c.unreadable(a.status, "the answer is not of OpenBao or Vault: something else may listen there")
	}
	return nil
}

// serverErrors returns the words of {"errors": [...]}, false for anything else.
func serverErrors(body []byte) (words string, ok bool) {
	var said struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil || said.Errors == nil {
		return "", false
	}
	return strings.Join(said.Errors, "\n"), true
}
