package idp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// networkError says why there is no answer. net/http puts pieces of an answer
// that it cannot read into its errors, so only what is known is worded.
func (c *Client) networkError(r *report, at *url.URL, err error) {
	var expired x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var name *net.DNSError
	var op *net.OpError
	var unsent *unsentError
	var proxy *proxyError
	switch {
	case errors.Is(err, context.Canceled):
		r.add("canceled", "canceled before %s had answered", at.Host)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		r.add("network.timeout", "%s did not answer in time", at.Host)
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		r.add("network.proxy.refused", "the proxy wants a user name and password before it connects to %s (status %d)", at.Host, proxy.status)
	case errors.As(err, &proxy):
		r.add("network.proxy.refused", "the proxy did not connect to %s (status %d)", at.Host, proxy.status)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		r.add("network.proxy.refused", "the proxy did not connect to %s", at.Host)
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		c.validity(r, at, expired.Cert)
	case errors.As(err, &host):
		r.add("tls.host", "the certificate of %s is for %s", at.Host, names(host.Certificate))
	case errors.As(err, &authority):
		r.add("tls.authority", "the certificate of %s is issued by %s, which is not trusted here", at.Host, issuerOf(authority.Cert))
	case errors.As(err, &verify):
		r.add("tls.certificate", "the certificate of %s cannot be used", at.Host)
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		r.add("tls.plain", "%s speaks plain HTTP, not HTTPS", at.Host)
	case errors.As(err, &op) && op.Op == "remote error": // a TLS alert
		r.add("tls.handshake", "%s broke off the TLS handshake", at.Host)
	case errors.As(err, &name):
		r.add("network.name", "the name %s does not resolve here", at.Hostname())
	case errors.Is(err, syscall.ECONNREFUSED):
		r.add("network.refused", "nothing listens on %s", hostPort(at))
	case errors.As(err, &unsent) && errors.As(err, &op) && op.Op == "dial":
		r.add("network.unreachable", "%s cannot be reached from here", hostPort(at))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		r.add("network.closed", "%s closed the connection without an answer", at.Host)
	default:
		r.add("network.broken", "%s sent something that is no HTTP answer", at.Host)
	}
}

// proxyError is the proxy's refusal to connect. Its own words are left out.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return "the proxy answered " + strconv.Itoa(e.status) }

// connectRefused is http.Transport's OnProxyConnectResponse.
func connectRefused(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{resp.StatusCode}
}

// bodyError says why the body of an answer cannot be used.
func (c *Client) bodyError(r *report, at *url.URL, resp *http.Response, err error) {
	switch {
	case errors.Is(err, errLarge):
		r.add("answer.large", "the answer of %s has more than 1 MiB", at.Host)
	case errors.Is(err, errEncoding):
		r.add("answer.encoding", "%s compresses its answer (%s) although it was asked not to", at.Host, r.veil.Words(resp.Header.Get("Content-Encoding")))
	default:
		c.networkError(r, at, err)
	}
}

// validity tells a certificate that has expired from one of the future.
func (c *Client) validity(r *report, at *url.URL, certificate *x509.Certificate) {
	const day = "2006-01-02 15:04 MST"
	if c.now().Before(certificate.NotBefore) {
		r.add("tls.early", "the certificate of %s is valid from %s on", at.Host, certificate.NotBefore.UTC().Format(day))
		return
	}
	r.add("tls.expired", "the certificate of %s has expired on %s", at.Host, certificate.NotAfter.UTC().Format(day))
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// issuerOf names who issued a certificate, with the certificate's fingerprint.
func issuerOf(certificate *x509.Certificate) string {
	if certificate == nil {
		return "somebody unknown"
	}
	sum := sha256.Sum256(certificate.Raw)
	return verdict.Visible(`"` + certificate.Issuer.CommonName + `" (SHA-256 of the certificate ` + hex.EncodeToString(sum[:8]) + "…)")
}

// names lists what a certificate is for.
func names(certificate *x509.Certificate) string {
	if certificate == nil {
		return "something else"
	}
	all := certificate.DNSNames
	for _, ip := range certificate.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host name"
	}
	if len(all) > 4 {
		all = append(all[:4:4], "…")
	}
	return strings.Join(all, ", ")
}

// hostPort is u's host with the port that would be dialled.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return u.Host + ":80"
	}
	return u.Host + ":443"
}
