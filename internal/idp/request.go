package idp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// call is one request.
type call struct {
	address *url.URL
	form    url.Values   // nil is a GET
	basic   *credentials // sent in the Authorization header instead of the form
	page    bool         // a browser's request: HTML is welcome
}

type credentials struct {
	id     string
	secret secret.Text
}

// answer is what came back, with any status.
type answer struct {
	status int
	header http.Header
	body   []byte
	sent   time.Time // by the client's clock, just before
	got    time.Time // and once the header was there
}

// send carries q out. Without an answer, or with one that says to come later, it
// adds the verdict and returns false.
func (c *Client) send(ctx context.Context, r *report, q call) (answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, a, err := c.try(ctx, q)
	if dialFailed(err) && ctx.Err() == nil {
		resp, a, err = c.try(ctx, q) // nothing was sent: asking again is harmless
	}
	if err != nil {
		c.networkError(r, q.address, err)
		return answer{}, false
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusProxyAuthRequired && c.proxy != nil { // of the proxy, RFC 9110 section 15.5.8
		c.networkError(r, q.address, &proxyError{resp.StatusCode})
		return answer{}, false
	}
	c.trust(r, q.address, resp)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		r.busy(q.address, resp, c.now())
		return answer{}, false
	}
	if a.body, err = readBody(resp); err != nil {
		c.bodyError(r, q.address, resp, err)
		return answer{}, false
	}
	return a, true
}

// try sends q once.
func (c *Client) try(ctx context.Context, q call) (*http.Response, answer, error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	method := http.MethodGet
	if q.form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, q.address.String(), nil)
	if err != nil {
		return nil, answer{}, err
	}
	req.Header.Set("User-Agent", userAgentName)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("Accept", "application/json")
	if q.page {
		req.Header.Set("Accept", "text/html, application/xhtml+xml, */*;q=0.8")
	}
	if q.form != nil {
		body := []byte(q.form.Encode())
		// Without GetBody, net/http cannot send the body a second time.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.basic != nil {
		// Both parts are form-encoded before: RFC 6749 section 2.3.1.
		req.SetBasicAuth(url.QueryEscape(q.basic.id), url.QueryEscape(q.basic.secret.Reveal()))
	}
	a := answer{sent: c.now()}
	resp, err := c.http.Do(req)
	if err != nil {
		if !connected.Load() {
			err = &unsentError{err}
		}
		return nil, answer{}, err
	}
	a.status, a.header, a.got = resp.StatusCode, resp.Header, c.now()
	return resp, a, nil
}

// unsentError is an error before there was a connection.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// dialFailed says whether err is from before anything was sent, and might be
// another one the next time: not a handshake's, nor a name's that does not exist.
func dialFailed(err error) bool {
	var unsent *unsentError
	var op *net.OpError
	var name *net.DNSError
	return errors.As(err, &unsent) && errors.As(err, &op) && op.Op == "dial" && !errors.As(err, &name)
}

var (
	errLarge    = errors.New("larger than 1 MiB")
	errEncoding = errors.New("unknown content encoding")
)

// readBody reads at most 1 MiB. Compression was not asked for; what is in gzip
// all the same is unpacked, to at most 1 MiB.
func readBody(resp *http.Response) ([]byte, error) {
	body, err := readCapped(resp.Body)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		unzip, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, errEncoding
		}
		body, err := readCapped(unzip)
		if err != nil && !errors.Is(err, errLarge) {
			err = errEncoding
		}
		return body, err
	}
	return nil, errEncoding
}

func readCapped(from io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errLarge
	}
	return body, nil
}

// trust warns of what only this program can reach: through a proxy, or because
// of a CA file.
func (c *Client) trust(r *report, at *url.URL, resp *http.Response) {
	if c.proxy != nil {
		if proxy, err := c.proxy(resp.Request); err == nil && proxy != nil {
			r.add("network.proxy", "%s was reached through the proxy %s", at.Host, proxy.Host)
		}
	}
	if resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return
	}
	chain := resp.TLS.PeerCertificates
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.public, Intermediates: between, CurrentTime: c.now()})
	if err != nil {
		r.add("tls.private", "the certificate of %s is trusted only because of the CA file; its issuer is %s", at.Host, issuerOf(chain[0]))
	}
}

// busy words an answer that says to come later.
func (r *report) busy(at *url.URL, resp *http.Response, now time.Time) {
	why := "too many requests"
	if resp.StatusCode == http.StatusServiceUnavailable {
		why = "not available now"
	}
	if wait, ok := retryAfter(resp.Header.Get("Retry-After"), now); ok {
		r.add("answer.busy", "%s answered %d: %s; it can be asked again in %s", at.Host, resp.StatusCode, why, wait)
		return
	}
	r.add("answer.busy.silent", "%s answered %d: %s; it does not say when to come back", at.Host, resp.StatusCode, why)
}

// retryAfter reads the header of that name: seconds or a date, RFC 9110 section
// 10.2.3.
func retryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	if seconds, err := strconv.Atoi(strings.TrimSpace(header)); err == nil && seconds >= 0 && seconds < 1e8 {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, date.Sub(now).Round(time.Second)), true
	}
	return 0, false
}

// date returns what the server's clock said and by how much it is ahead of ours.
// The header has whole seconds: a difference within them, and within the time
// that the answer took, is none.
func (a answer) date() (at time.Time, ahead time.Duration, ok bool) {
	at, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}, 0, false
	}
	switch {
	case at.After(a.got):
		ahead = at.Sub(a.got)
	case at.Add(time.Second).Before(a.sent):
		ahead = at.Add(time.Second).Sub(a.sent)
	}
	return at, ahead, true
}
