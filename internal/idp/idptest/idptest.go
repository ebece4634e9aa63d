// Package idptest is a real OpenID provider for tests: zitadel/oidc in process,
// with the clients of a portal. It knows nothing of the program.
package idptest

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The clients that every provider has, and their secrets. Portal may sign people
// in and get tokens for itself, Service only the latter; Opaque gets tokens that
// are no JSON Web Tokens; Renamed is a client whose sub is RenamedSubject.
const (
	Portal         = "portal"
	PortalSecret   = "p0rtal/s3cret+of=clients"
	Service        = "service"
	ServiceSecret  = "another secret: 100%"
	Opaque         = "opaque"
	OpaqueSecret   = ServiceSecret
	Renamed        = "renamed"
	RenamedSecret  = ServiceSecret
	RenamedSubject = "8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11"
)

// Options of a Provider. The zero Options are a faultless one.
type Options struct {
	Redirect  string // that is registered for all clients
	CodeFirst bool   // it looks at a code before the client that brings it
	BasicOnly bool   // it refuses client_secret_post
	TLS       bool   // it is at https, with a certificate of its own authority: CA
	Slash     bool   // its issuer ends with a slash
	Host      string // of its issuer, with its own port; "" is the address of this machine
	Issuer    string // by another address than that at which it listens; "" is that one
	// Before, if any, answers requests in place of the provider when it returns true.
	Before func(w http.ResponseWriter, r *http.Request) bool
}

// Provider is a running provider.
type Provider struct {
	Issuer string // as its document has it
	URL    string // where it listens, without a slash at the end
	CA     []byte // in PEM, with Options.TLS

	*storage.Storage
	clients map[string]client

	mu        sync.Mutex
	asked     []string
	basicOnly bool
	secrets   map[string][]string // by client; without an entry the client has its first one
	refused   int
}

// Start runs a provider until the test ends.
func Start(t testing.TB, o Options) *Provider {
	t.Helper()
	p := &Provider{basicOnly: o.BasicOnly}
	var handler http.Handler
	ready := make(chan struct{}) // the address is known first, then the provider is made
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-ready
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		basicOnly := p.basicOnly
		p.mu.Unlock()
		if o.Before != nil && o.Before(w, r) {
			return
		}
		if _, _, basic := r.BasicAuth(); r.URL.Path == "/oauth/token" && basicOnly != basic {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"method not allowed"}`)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if o.TLS {
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		server.StartTLS()
		p.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	p.URL, p.Issuer = server.URL, cmp.Or(o.Issuer, server.URL)
	if o.Host != "" {
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		p.Issuer = "http://" + net.JoinHostPort(o.Host, port)
	}
	if o.Slash {
		p.Issuer += "/"
	}
	p.Storage = storage.NewStorage(storage.NewUserStore(p.Issuer))
	both := []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
	machine := []oidc.GrantType{oidc.GrantTypeClientCredentials}
	p.clients = map[string]client{
		Portal:  {id: Portal, secret: PortalSecret, redirect: o.Redirect, grants: both},
		Service: {id: Service, secret: ServiceSecret, redirect: o.Redirect, grants: machine},
		Opaque:  {id: Opaque, secret: OpaqueSecret, redirect: o.Redirect, grants: both, opaque: true},
		Renamed: {id: Renamed, secret: RenamedSecret, redirect: o.Redirect, grants: both, subject: RenamedSubject},
	}
	provider, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, AuthMethodPost: true, SupportedScopes: []string{"openid", "profile", "email"}},
		p, op.StaticIssuer(p.Issuer), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	handler = provider
	if !o.CodeFirst {
		handler = op.RegisterLegacyServer(op.NewLegacyServer(provider, *op.DefaultEndpoints), op.AuthorizeCallbackHandler(provider), op.WithFallbackLogger(slog.New(slog.DiscardHandler)))
	}
	close(ready)
	return p
}

// Asked returns the requests so far: "POST /oauth/token".
func (p *Provider) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// BasicOnly has the provider refuse client_secret_post from now on, or not.
func (p *Provider) BasicOnly(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.basicOnly = yes
}

// Secrets has the provider take these secrets of a client from now on, and no
// others.
func (p *Provider) Secrets(id string, secrets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.secrets == nil {
		p.secrets = map[string][]string{}
	}
	p.secrets[id] = secrets
}

// Refused is how many requests came with a wrong secret so far.
func (p *Provider) Refused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// takes tells whether a client has the secret now.
func (p *Provider) takes(id, secret string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, known := p.clients[id]
	valid, changed := p.secrets[id]
	if !changed {
		valid = []string{c.secret}
	}
	if !known || !slices.Contains(valid, secret) {
		p.refused++
		return false
	}
	return true
}

var errUnknown = errors.New("unknown client or wrong secret")

// GetClientByClientID is of op.Storage.
func (p *Provider) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if c, ok := p.clients[id]; ok {
		return c, nil
	}
	return nil, errUnknown
}

// AuthorizeClientIDSecret is of op.Storage.
func (p *Provider) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if !p.takes(id, secret) {
		return errUnknown
	}
	return nil
}

// ClientCredentials is of op.ClientCredentialsStorage.
func (p *Provider) ClientCredentials(_ context.Context, id, secret string) (op.Client, error) {
	if !p.takes(id, secret) {
		return nil, oidc.ErrInvalidClient().WithParent(errUnknown)
	}
	return p.clients[id], nil
}

// ClientCredentialsTokenRequest is of op.ClientCredentialsStorage.
func (p *Provider) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	subject := id
	if c := p.clients[id]; c.subject != "" {
		subject = c.subject
	}
	return &oidc.JWTTokenRequest{Subject: subject, Audience: []string{"openchoreo"}, Scopes: scopes}, nil
}

// client is one client of the provider: op.Client.
type client struct {
	id, secret, redirect, subject string
	grants                        []oidc.GrantType
	opaque                        bool
}

func (c client) GetID() string                       { return c.id }
func (c client) RedirectURIs() []string              { return []string{c.redirect} }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodPost }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType         { return c.grants }
func (c client) LoginURL(id string) string            { return "/login?id=" + id }
func (c client) IDTokenLifetime() time.Duration       { return time.Hour }
func (c client) DevMode() bool                        { return true } // http redirect addresses are taken
func (c client) IsScopeAllowed(string) bool           { return false }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c client) ClockSkew() time.Duration             { return 0 }

//lint:ignore ST1003 the interface has this name
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (c client) AccessTokenType() op.AccessTokenType {
	if c.opaque {
		return op.AccessTokenTypeBearer
	}
	return op.AccessTokenTypeJWT
}
