package idp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	timeout       = 10 * time.Second // of one request, as the API gives its key set
	dialTimeout   = 5 * time.Second
	maxHeader     = 64 << 10 // bytes
	maxBody       = 1 << 20  // bytes, compressed and not
	userAgentName = "backstage-setup"
)

// Config is how a Client reaches the provider. The zero Config dials directly
// and trusts what the system trusts.
type Config struct {
	// Dial replaces the net.Dialer, for instance by a port-forward.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// CA holds certificates in PEM that are trusted besides the system's, of
	// --ca-file. A server that needs them gets the warning tls.private: the portal
	// and the API do not know this file.
	CA []byte
	// Public are the certificates that the portal and the API trust; nil takes the
	// system's. What does not verify with them gets the warning tls.private.
	Public *x509.CertPool
	// Proxy is http.Transport's. nil uses none: neither do the portal and the API.
	Proxy func(*http.Request) (*url.URL, error)
	// Now is the clock; nil takes the system's.
	Now func() time.Time
	// Wrap sees every request; nil is none.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client asks one provider. It follows no redirect, keeps no connection and no
// cookie, reads at most 1 MiB of an answer, sends a request with a secret only
// once (twice when the first could not even be dialled), and gives each request
// 10 seconds. It may be used concurrently.
type Client struct {
	http   *http.Client
	proxy  func(*http.Request) (*url.URL, error)
	public *x509.CertPool
	now    func() time.Time
}

// New makes a Client. The error is about Config.CA: no certificate in it.
func New(c Config) (*Client, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	public := c.Public
	if public == nil {
		public = roots.Clone()
	}
	if len(c.CA) > 0 && !roots.AppendCertsFromPEM(c.CA) {
		return nil, errors.New("the CA file holds no certificate in PEM\nit has to contain a line -----BEGIN CERTIFICATE-----")
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	var transport http.RoundTripper = &http.Transport{
		Proxy:                  c.Proxy,
		OnProxyConnectResponse: connectRefused,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: now},
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeader,
		// The size after decompression has to be bounded, so it is done here.
		DisableCompression: true,
		// A request on a connection that the server has just closed would be
		// repeated by net/http.
		DisableKeepAlives: true,
	}
	if c.Wrap != nil {
		transport = c.Wrap(transport)
	}
	return &Client{
		http: &http.Client{
			Transport: transport,
			// A 307 would send the secret in the body to whatever it names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		proxy:  c.Proxy,
		public: public,
		now:    now,
	}, nil
}
