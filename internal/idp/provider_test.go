package idp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/openchoreo/backstage-setup/internal/idp"
)

const callback = "https://console.example.com/api/auth/openchoreo-auth/handler/frame"

// provider is a real OpenID provider: zitadel/oidc with the clients of a portal,
// which get JSON Web Tokens.
type provider struct {
	*storage.Storage
	clients   map[string]client
	basicOnly bool // refuses client_secret_post
}

type client struct {
	id, secret string
	grants     []oidc.GrantType
	opaque     bool
}

func (c client) GetID() string                       { return c.id }
func (c client) RedirectURIs() []string              { return []string{callback} }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodPost }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType         { return c.grants }
func (c client) LoginURL(id string) string            { return "/login?id=" + id }
func (c client) IDTokenLifetime() time.Duration       { return time.Hour }
func (c client) DevMode() bool                        { return false }
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

var errUnknown = errors.New("unknown client or wrong secret")

func (p *provider) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if c, ok := p.clients[id]; ok {
		return c, nil
	}
	return nil, errUnknown
}

func (p *provider) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if c, ok := p.clients[id]; !ok || c.secret != secret {
		return errUnknown
	}
	return nil
}

func (p *provider) ClientCredentials(_ context.Context, id, secret string) (op.Client, error) {
	c, ok := p.clients[id]
	if !ok || c.secret != secret {
		return nil, oidc.ErrInvalidClient().WithParent(errUnknown)
	}
	return c, nil
}

func (p *provider) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: id, Audience: []string{"openchoreo"}, Scopes: scopes}, nil
}

// start runs the provider and returns its issuer. codeFirst has it look at the
// code before the client.
func (p *provider) start(t *testing.T, codeFirst bool) string {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, basic := r.BasicAuth(); r.URL.Path == "/oauth/token" && p.basicOnly != basic {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"method not allowed"}`)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.Storage = storage.NewStorage(storage.NewUserStore(server.URL))
	p.clients = map[string]client{
		"portal":  {id: "portal", secret: clientSecret, grants: []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}},
		"service": {id: "service", secret: serviceSecret, grants: []oidc.GrantType{oidc.GrantTypeClientCredentials}},
		"opaque":  {id: "opaque", secret: serviceSecret, grants: []oidc.GrantType{oidc.GrantTypeClientCredentials}, opaque: true},
	}
	o, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, AuthMethodPost: true, SupportedScopes: []string{"openid", "profile", "email"}},
		p, op.StaticIssuer(server.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	handler = o
	if !codeFirst {
		handler = op.RegisterLegacyServer(op.NewLegacyServer(o, *op.DefaultEndpoints), op.AuthorizeCallbackHandler(o), op.WithFallbackLogger(slog.New(slog.DiscardHandler)))
	}
	return server.URL
}

const serviceSecret = "another secret: 100%"

func direct(t *testing.T) *idp.Client {
	t.Helper()
	c, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRealProviderIsDiscovered(t *testing.T) {
	issuer := (&provider{}).start(t, false)
	c := direct(t)
	d, verdicts := c.Discover(t.Context(), issuer)
	if got := outcome(verdicts); got != "warn discovery.loopback, warn discovery.loopback, warn discovery.loopback, pass discovery.ok" {
		t.Error(got)
	}
	if d.Issuer != issuer || d.TokenEndpoint != issuer+"/oauth/token" || d.WellKnown != issuer+"/.well-known/openid-configuration" {
		t.Errorf("%+v", d)
	}
	again, _ := c.Discover(t.Context(), d.WellKnown)
	if again.Issuer != issuer {
		t.Errorf("%+v", again)
	}
	set, verdicts := c.Keys(t.Context(), d.JWKSURI)
	if outcome(verdicts) != "pass keys.ok" || len(set.Usable()) != 1 {
		t.Error(set, verdicts)
	}
}
