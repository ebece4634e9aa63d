package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openchoreo/backstage-setup/k8s"
)

// visitTimeout bounds one request to portal or API.
const visitTimeout = 6 * time.Second

// Visitor asks portal and API over HTTP, Services of the cluster through a
// port-forward. It sends nothing but GET and follows no redirect. It may be used
// concurrently.
type Visitor struct {
	proxy func(*http.Request) (*url.URL, error)
	wrap  func(http.RoundTripper) http.RoundTripper
	roots *x509.CertPool // nil: those of this machine

	mu      sync.Mutex
	cluster *k8s.Client
}

// VisitorOptions are how portal and API are reached.
type VisitorOptions struct {
	CA    []byte                                // more certificates, in PEM
	Proxy func(*http.Request) (*url.URL, error) // http.Transport's; nil uses none

	Wrap func(http.RoundTripper) http.RoundTripper // sees every request; nil is none
}

// NewVisitor makes a Visitor that has asked nothing yet.
func NewVisitor(o VisitorOptions) *Visitor {
	v := &Visitor{proxy: direct(o.Proxy), wrap: o.Wrap}
	if len(o.CA) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(o.CA)
		v.roots = roots
	}
	return v
}

// Reach has Services of the cluster reached by a port-forward from now on.
func (v *Visitor) Reach(cluster *k8s.Client) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cluster = cluster
}

// Visit is what an address answered.
type Visit struct {
	Status   int
	Body     string // its beginning
	Location string // of a redirect
	Server   string
}

// visitBody is how much of an answer is read.
const visitBody = 4 << 10

// Get asks for address. The errors are those of net, x509 and k8s.
func (v *Visitor) Get(ctx context.Context, address string) (Visit, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	var resolving atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { resolving.Store(true) },
		DNSDone:  func(done httptrace.DNSDoneInfo) { resolving.Store(done.Err != nil) },
	})
	request, err := http.NewRequestWithContext(traced, http.MethodGet, address, nil)
	if err != nil {
		return Visit{}, err
	}
	request.Header.Set("User-Agent", "backstage-setup")
	v.mu.Lock()
	var dial Dial
	if v.cluster != nil {
		dial = v.cluster.Dial
	}
	v.mu.Unlock()
	transport := &http.Transport{
		Proxy: v.proxy, DialContext: local(dial), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: v.roots, MinVersion: tls.VersionTLS12},
	}
	client := &http.Client{Transport: wrapped(v.wrap, transport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err // the address is known
	}
	if errors.Is(err, context.DeadlineExceeded) && resolving.Load() {
		err = &net.DNSError{Err: "no answer from the DNS server", Name: request.URL.Hostname(), IsTimeout: true}
	}
	if err != nil {
		return Visit{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, visitBody))
	if len(body) > 0 {
		err = nil // a beginning will do
	}
	return Visit{Status: answer.StatusCode, Body: string(body), Location: answer.Header.Get("Location"), Server: answer.Header.Get("Server")}, err
}

// obstacle names why an address gave no answer: the code, and what it comes from.
func obstacle(err error) (code, why string) {
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "visit.dns", "the name does not resolve from here"
	case errors.As(err, &dns):
		return "visit.dns", "the name could not be looked up from here"
	case errors.As(err, &authority):
		return "visit.authority", "the certificate is of an authority that this machine does not know"
	case errors.As(err, &host):
		return "visit.certificate", "the certificate is for other names"
	case errors.As(err, &invalid):
		return "visit.certificate", "the certificate has expired, or may not be used for this"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "visit.scheme", "what answers there speaks plain HTTP"
	case errors.Is(err, context.DeadlineExceeded):
		return "visit.timeout", "nobody answers: a firewall, a NetworkPolicy or a wrong address"
	case errors.Is(err, k8s.ErrForbidden):
		return "visit.forbidden", "a port-forward is not allowed to you"
	case errors.Is(err, k8s.ErrNotFound):
		return "visit.backend", "no pod is ready behind the Service"
	}
	return "visit.refused", "nothing listens there, or the connection broke off"
}

// visitCodes are the codes that a visit can end with, for explain.
func visitCodes() []codeDoc {
	return []codeDoc{
		{"visit.dns", "The host name does not resolve on the machine where the check runs.", "Make the DNS record, or correct portal.baseUrl or api.publicUrl."},
		{"visit.authority", "The certificate is of an authority that this machine does not know: browsers warn too, unless they know it.", "Use a certificate of a public authority, or give --ca-file for the check."},
		{"visit.certificate", "The certificate has expired, is for other names or not for servers.", "Renew it, or name the Secret of the right one in gateway.tls.certificateSecret."},
		{"visit.scheme", "An https address is answered in plain HTTP.", "Switch gateway.tls on, or correct scheme and port of the address."},
		{"visit.timeout", "Nobody answers within six seconds.", "Look at load balancer, firewall and NetworkPolicy."},
		{"visit.forbidden", "The way through the cluster takes a right that you lack.", "Ask for create on pods/portforward; `backstage-setup rbac` prints it."},
		{"visit.backend", "The Service has no pod that is ready, or is not there.", "Look at the pods behind it."},
		{"visit.refused", "The connection is refused or breaks off.", "Look whether something listens there: the Gateway's address, its port, the Service's port."},
		{"visit.status", "Something answers, but not what was asked for.", "The status says who: 404 is a Gateway without a route for that host, 502 and 503 one without a backend."},
		{"visit.other", "Something else than portal or API answers there.", "Compare the address with the Gateway's, and its DNS record with the Gateway's address."},
	}
}
