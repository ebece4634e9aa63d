package steps

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/k8s"
)

// Provider asks the identity provider, and remembers: every distinct question is
// sent once until Forget, however many ask it and at what time. It may be used
// concurrently.
type Provider struct {
	open func(dial Dial) (*idp.Client, error)
	now  func() time.Time

	flights // also guards what follows
	dial    Dial
	client  *idp.Client
}

// Dial connects as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// ProviderOptions are how an identity provider is reached.
type ProviderOptions struct {
	CA    []byte                                // more certificates, in PEM: of --ca-file
	Proxy func(*http.Request) (*url.URL, error) // http.Transport's; nil uses none
	Now   func() time.Time                      // nil is the system's clock

	Wrap func(http.RoundTripper) http.RoundTripper // sees every request; nil is none
}

// NewProvider makes a Provider that has asked nothing yet. The error is about the
// certificates.
func NewProvider(o ProviderOptions) (*Provider, error) {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	p := &Provider{now: now, open: func(dial Dial) (*idp.Client, error) {
		return idp.New(idp.Config{Dial: local(dial), CA: o.CA, Public: idp.PublicRoots(), Proxy: direct(o.Proxy), Now: now, Wrap: o.Wrap})
	}}
	p.forget()
	if len(o.CA) == 0 {
		return p, nil // the public certificates are read when they are needed
	}
	_, err := p.open(nil)
	return p, err
}

// direct keeps the proxy out of the way to Services of the cluster, which go
// through a port-forward.
func direct(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		if k8s.IsClusterAddress(r.URL.Hostname()) {
			return nil, nil
		}
		return proxy(r)
	}
}

// local finds names below .localhost on this machine where its resolver does not:
// RFC 6761 section 6.3 asks for that, browsers do it, and OpenChoreo's own set-up
// gives Thunder such a name. nil dials as net.Dialer does.
func local(dial Dial) Dial {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		var unknown *net.DNSError
		host, port, wrong := net.SplitHostPort(address)
		if !errors.As(err, &unknown) || wrong != nil || !idp.Loopback(host) {
			return conn, err
		}
		for _, here := range []string{"127.0.0.1", "::1"} {
			if conn, err = dial(ctx, network, net.JoinHostPort(here, port)); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}

// Reach has the provider asked through the cluster from now on, so that Services
// are reached by a port-forward; nil asks directly. What was answered on another
// way is forgotten.
func (p *Provider) Reach(cluster *k8s.Client) {
	p.Lock()
	defer p.Unlock()
	p.dial, p.client = nil, nil
	if cluster != nil {
		p.dial = cluster.Dial
	}
	p.forget()
}

// Forget has everything asked anew.
func (p *Provider) Forget() {
	p.Lock()
	defer p.Unlock()
	p.forget()
}

// Fresh returns a Provider that goes the same way and has asked nothing yet.
func (p *Provider) Fresh() *Provider {
	p.Lock()
	defer p.Unlock()
	fresh := &Provider{open: p.open, now: p.now, dial: p.dial}
	fresh.forget()
	return fresh
}

// Now is the clock that tokens are held against.
func (p *Provider) Now() time.Time { return p.now() }

// Discover is idp.Client's.
func (p *Provider) Discover(ctx context.Context, address string) (idp.Discovery, []idp.Verdict) {
	got := ask(ctx, p, "discover", []string{address}, func(ctx context.Context, c *idp.Client) answered[idp.Discovery] {
		d, verdicts := c.Discover(ctx, address)
		return answered[idp.Discovery]{d, verdicts}
	})
	return got.value, got.verdicts
}

// Keys is idp.Client's.
func (p *Provider) Keys(ctx context.Context, address string) (idp.KeySet, []idp.Verdict) {
	got := ask(ctx, p, "keys", []string{address}, func(ctx context.Context, c *idp.Client) answered[idp.KeySet] {
		k, verdicts := c.Keys(ctx, address)
		return answered[idp.KeySet]{k, verdicts}
	})
	return got.value, got.verdicts
}

// Token is idp.Client's ServiceToken.
func (p *Provider) Token(ctx context.Context, q idp.ServiceRequest) (idp.Token, []idp.Verdict) {
	parts := append([]string{q.TokenURL, q.ClientID, q.Secret.Reveal()}, q.Scopes...)
	got := ask(ctx, p, "token", parts, func(ctx context.Context, c *idp.Client) answered[idp.Token] {
		t, verdicts := c.ServiceToken(ctx, q)
		return answered[idp.Token]{t, verdicts}
	})
	return got.value, got.verdicts
}

// SignIn is idp.Client's SignInSecret.
func (p *Provider) SignIn(ctx context.Context, q idp.SignInRequest) []idp.Verdict {
	parts := []string{q.TokenURL, q.ClientID, q.Secret.Reveal(), q.Redirect, yesNo(q.Control)}
	return ask(ctx, p, "sign-in", parts, func(ctx context.Context, c *idp.Client) answered[struct{}] {
		return answered[struct{}]{verdicts: c.SignInSecret(ctx, q)}
	}).verdicts
}

// Redirect is idp.Client's.
func (p *Provider) Redirect(ctx context.Context, q idp.RedirectRequest) []idp.Verdict {
	parts := append([]string{q.AuthorizationURL, q.ClientID, q.Redirect, yesNo(q.Control), yesNo(q.NoResponseType)}, q.Scopes...)
	return ask(ctx, p, "redirect", parts, func(ctx context.Context, c *idp.Client) answered[struct{}] {
		return answered[struct{}]{verdicts: c.Redirect(ctx, q)}
	}).verdicts
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type answered[T any] struct {
	value    T
	verdicts []idp.Verdict
}

// questionTimeout bounds one question, which may take several requests. With a
// provider that says nothing, three of them follow each other.
const questionTimeout = 9 * time.Second

// ask sends a question unless that was done, and waits for its answer, until ctx
// ends.
func ask[T any](ctx context.Context, p *Provider, kind string, parts []string, send func(context.Context, *idp.Client) answered[T]) answered[T] {
	why := "no answer yet: the run was stopped"
	got, ok := await(ctx, &p.flights, sum(kind, parts), questionTimeout, func() func(context.Context) answered[T] {
		client, err := p.connected()
		if err != nil {
			why = err.Error()
			return nil
		}
		return func(ctx context.Context) answered[T] { return send(ctx, client) }
	})
	if !ok {
		return answered[T]{verdicts: []idp.Verdict{verdictOf("canceled", why)}}
	}
	return got
}

// connected is the client of the way that is used now.
func (p *Provider) connected() (*idp.Client, error) {
	if p.client == nil {
		client, err := p.open(p.dial)
		if err != nil {
			return nil, err
		}
		p.client = client
	}
	return p.client, nil
}

// verdictOf is a verdict of this package's own, by the id of one of idp's.
func verdictOf(id, found string) idp.Verdict {
	v := idp.Verdict{ID: id, Class: idp.Fail, Found: found}
	for _, k := range idp.Kinds() {
		if k.ID == id {
			v.Class, v.Cause, v.Fix = k.Class, k.Cause, k.Fix
		}
	}
	return v
}
