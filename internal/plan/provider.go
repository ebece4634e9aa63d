package plan

import "github.com/openchoreo/backstage-setup/internal/secret"

// Provider is what the identity provider said about itself when it was asked, as
// plain data. It is about one address and one client: when the answers have moved
// on to others, it counts no more.
type Provider struct {
	Ask   string // the address that the answers lead to by now; "" asks nobody
	Asked string // the issuer or well-known address; "" when nobody was asked

	// From its description, byte for byte; "" where that could not be had.
	WellKnown, Issuer, Authorization, Token, JWKS string
	Scopes                                        []string // that it announces

	// TokenDoubt and JWKSDoubt say why the pods may not reach these addresses; ""
	// when nothing speaks against it.
	TokenDoubt, JWKSDoubt string

	ClientID string // of the client that a token was requested for; "" when none was
	Subject  string // what bindings are compared with in that token; "" without one
	Refused  bool   // there is no token, or none that the API accepts

	// Why is the reason why something is not known, by "discovery", "keys" and
	// "token".
	Why map[string]string
}

// Described tells whether the provider's description could be had and used.
func (p Provider) Described() bool { return p.Issuer != "" }

// Pasted is what somebody gives in place of asking the provider. It is judged
// without the network.
type Pasted struct {
	Service secret.Text // an access token of the portal's service client
	User    secret.Text // an access token of a person
	Keys    []byte      // the key set, as the provider's jwks_uri answers
}
