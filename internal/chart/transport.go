package chart

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// pullLimit bounds what one pull may download; a chart that fills a release's
// Secret has 1 MiB.
const pullLimit = 32 << 20

// refusedError is why the transport does not go on.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// transport gives Helm's registry client what it lacks: a context, a limit, and
// a way to tell why it failed.
type transport struct {
	ctx    context.Context
	base   http.RoundTripper
	plain  bool         // http is spoken with loopback hosts
	left   atomic.Int64 // bytes that may still come
	failed atomic.Int32 // the status that was a failure, 0 for none
}

func newTransport(ctx context.Context, client *http.Client) *transport {
	t := &transport{ctx: ctx, base: http.DefaultTransport}
	if client != nil && client.Transport != nil {
		t.base = client.Transport
	}
	t.left.Store(pullLimit)
	return t
}

// RoundTrip refuses http beyond this machine and takes the login out of what was
// redirected to another host; ORAS forgets to at the second redirect there.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !(t.plain && loopback(req.URL.Host)) {
		return nil, &refusedError{fmt.Sprintf("the registry leads to %s://%s: only https is spoken beyond this machine", req.URL.Scheme, req.URL.Host)}
	}
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(t.ctx, cancel)
	end := func() { stop(); cancel() }
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	req = req.Clone(ctx)
	if first.URL.Host != req.URL.Host {
		req.Header.Del("Authorization")
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, left: &t.left, end: end}
	switch { // files are fetched at once: a challenge for one must not hide what became of another
	case resp.StatusCode == http.StatusUnauthorized:
		t.failed.CompareAndSwap(0, http.StatusUnauthorized)
	case resp.StatusCode >= http.StatusBadRequest:
		t.failed.Store(int32(resp.StatusCode))
	case resp.StatusCode < http.StatusMultipleChoices:
		t.failed.CompareAndSwap(http.StatusUnauthorized, 0)
	}
	if resp.ContentLength > t.left.Load() && req.Method != http.MethodHead {
		resp.Body.Close()
		return nil, errTooLarge
	}
	return resp, nil
}

var errTooLarge = &refusedError{fmt.Sprintf("is larger than %d MiB", pullLimit>>20)}

// body is an answer's, counted.
type body struct {
	io.ReadCloser
	left *atomic.Int64
	end  func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left.Add(int64(-n)) < 0 {
		return n, errTooLarge
	}
	return n, err
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// fewRedirects is Go's own limit, which ORAS takes away.
func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return &refusedError{"the registry leads in circles: 10 redirects"}
	}
	return nil
}

// loopback tells whether host, with or without a port, is this machine by name.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
