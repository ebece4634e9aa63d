package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	dialTimeout  = 5 * time.Second
	loginTimeout = 5 * time.Second // TLS and login, each
	queryTimeout = 5 * time.Second // of one query, here and at the server
	probeTimeout = 30 * time.Second
)

// Config is how a Client reaches the server. The zero Config resolves and dials
// directly, and trusts what Node.js trusts.
type Config struct {
	// Dial replaces the net.Dialer, for instance by a port-forward. It gets the
	// target's host and port, and has to heed ctx.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolve replaces net.DefaultResolver's LookupHost. It is not asked when there
	// is a Dial, which sees to names itself.
	Resolve func(ctx context.Context, host string) ([]string, error)
	// CA holds certificates in PEM, of --ca-file. Once the portal is given them, it
	// trusts no others: Node.js's option ca replaces its own list.
	CA []byte
	// Public are the certificates that Node.js trusts by itself; nil takes Mozilla's
	// list, which is Node.js's. This machine's own list never counts.
	Public *x509.CertPool
	// Own are names of this machine, which no pod knows.
	Own []string
	// Now is the clock; nil takes the system's.
	Now func() time.Time
}

// Client looks at one server. It sends the password only as an answer to the
// server's request, never in plain text over a connection without TLS, reads at
// most 1 MiB per message, and gives every wait a time-out: it may be cancelled at
// any time. It may be used concurrently.
type Client struct {
	dialer  func(ctx context.Context, network, address string) (net.Conn, error)
	resolve func(ctx context.Context, host string) ([]string, error) // nil: dialer sees to names
	roots   *x509.CertPool                                           // what the portal would trust
	public  *x509.CertPool
	private bool // roots are of Config.CA
	own     []string
	now     func() time.Time

	recorded func(database string) *session // what a Job has been answered; nil asks
}

// New makes a Client. The error is about Config.CA: no certificate in it.
func New(c Config) (*Client, error) {
	made := &Client{dialer: c.Dial, resolve: c.Resolve, public: c.Public, own: slices.Clone(c.Own), now: c.Now}
	if made.dialer == nil {
		made.dialer = (&net.Dialer{Timeout: dialTimeout}).DialContext
		if made.resolve == nil {
			made.resolve = net.DefaultResolver.LookupHost
		}
	} else {
		made.resolve = nil
	}
	if made.public == nil {
		made.public = mozilla()
	}
	made.roots = made.public
	if len(c.CA) > 0 {
		made.roots, made.private = x509.NewCertPool(), true
		if !made.roots.AppendCertsFromPEM(c.CA) {
			return nil, errors.New("the CA file holds no certificate in PEM\nit has to contain a line -----BEGIN CERTIFICATE-----")
		}
	}
	if made.now == nil {
		made.now = time.Now
	}
	return made, nil
}

// mozilla returns Mozilla's list of authorities, which Node.js is built with.
func mozilla() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil { // one that Go does not read cannot be verified with either
			continue
		}
		// Node.js does not know Mozilla's constraints: it takes the bare list.
		pool.AddCert(certificate)
	}
	return pool
}
