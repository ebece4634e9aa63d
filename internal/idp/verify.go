package idp

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// Expectations are the settings that a token has to fit.
type Expectations struct {
	Issuer    string   // security.oidc.issuer, letter by letter
	Audiences []string // security.jwt.audience; none is not checked
	User      bool     // a person's token; otherwise the portal's service client's

	// UserClaim and ServiceClaim are the claims of the API's subject types; ""
	// are the chart's own, groups and sub.
	UserClaim, ServiceClaim string

	ClientID string   // of the service client, to be compared with sub
	Binding  string   // the value that the service's binding has or gets; "" undecided
	Groups   []string // that bindings map, for a person; none is not compared

	// Ahead is by how much the provider's clock is ahead of now's, if Dated.
	Ahead time.Duration
	Dated bool
}

func (e Expectations) userClaim() string {
	if e.UserClaim == "" {
		return "groups"
	}
	return e.UserClaim
}

func (e Expectations) serviceClaim() string {
	if e.ServiceClaim == "" {
		return "sub"
	}
	return e.ServiceClaim
}

// Claims are what a token says. They are the provider's words as they are, to be
// compared and written; what is shown of them is in the verdicts.
type Claims struct {
	Kind   string   // User or ServiceAccount, as the API takes it; "" for neither
	Values []string // what bindings are compared with: groups, or sub

	Subject, Issuer string
	Audience        []string
	Groups          []string // of the user claim
	ClientIDs       []ClientID
	Algorithm       string
	KeyID           string
	Scopes          []string
	Names           []string // all claims, sorted

	Expires, NotBefore, IssuedAt time.Time // zero when not there
}

// ClientID is a claim that names the client: client_id (RFC 9068), azp (OpenID
// Connect, Entra ID), appid (Entra ID v1), cid (Okta).
type ClientID struct{ Claim, Value string }

const (
	largeToken = 6 << 10 // bytes; Node takes 16 KiB of headers in all
	nearClock  = time.Second
	farClock   = time.Minute
)

// Verify says what the API will make of an access token, and the portal of a
// person's. It asks nobody. A "Bearer " before a pasted token is ignored. Claims
// are filled in as far as the token can be read, also when it is rejected.
func Verify(token secret.Text, keys KeySet, e Expectations, now time.Time) (Claims, []Verdict) {
	raw := strings.TrimSpace(token.Reveal())
	if kind, rest, ok := strings.Cut(raw, " "); ok && strings.EqualFold(kind, "bearer") {
		raw = strings.TrimSpace(rest)
	}
	r := &report{veil: verdict.NewVeil(secret.New(raw))}
	header, claims, ok := r.split(raw)
	if !ok {
		return Claims{}, r.verdicts
	}
	c := read(header, claims, e)
	r.readable(c)
	r.signature(raw, header, keys)
	r.times(claims, e, now)
	r.issued(c, claims, e)
	if e.User {
		r.person(c, claims, e)
	} else {
		r.service(c, claims, e)
	}
	if len(raw) > largeToken {
		r.add("token.large", "the token has %d bytes", len(raw))
	}
	_, err := accept(raw, keys, e, now)
	switch {
	case err != nil && !r.blocked():
		r.add("token.rejected", "the API rejects the token")
	case !r.blocked() && e.User:
		r.add("user.ok", "the API sees a user with %s %s", e.userClaim(), strings.Join(c.Values, ", "))
	case !r.blocked():
		r.add("token.ok", "the API sees a service account with %s %s", e.serviceClaim(), strings.Join(c.Values, ", "))
	}
	return c, r.verdicts
}

// split takes a token apart: three parts are signed, five encrypted, all else is
// opaque.
func (r *report) split(raw string) (header map[string]any, claims jwt.MapClaims, ok bool) {
	parts := strings.Split(raw, ".")
	if len(parts) == 5 && segment(parts[0], &header) {
		r.add("token.encrypted", "the token is encrypted")
		return nil, nil, false
	}
	if len(parts) != 3 || !segment(parts[0], &header) {
		r.add("token.opaque", "the token is no JSON Web Token, only its issuer can read it")
		return nil, nil, false
	}
	if !segment(parts[1], &claims) {
		r.add("token.malformed", "the claims of the token cannot be read")
		return nil, nil, false
	}
	return header, claims, true
}

// segment decodes a part of a token: base64url without padding, a JSON object.
func segment[T ~map[string]any](part string, to *T) bool {
	data, err := jwt.NewParser().DecodeSegment(part)
	return err == nil && json.Unmarshal(data, to) == nil && *to != nil
}

// read takes what is of interest out of the claims.
func read(header map[string]any, claims jwt.MapClaims, e Expectations) Claims {
	text := func(name string) string { s, _ := claims[name].(string); return s }
	c := Claims{
		Subject: text("sub"), Issuer: text("iss"), Audience: audience(claims), Groups: entitlements(claims[e.userClaim()]),
		Names: slices.Sorted(maps.Keys(claims)),
	}
	c.Algorithm, _ = header["alg"].(string)
	c.KeyID, _ = header["kid"].(string)
	c.Kind, c.Values = resolve(claims, e)
	for _, name := range []string{"client_id", "azp", "appid", "cid"} {
		if id := text(name); id != "" {
			c.ClientIDs = append(c.ClientIDs, ClientID{name, id})
		}
	}
	c.Scopes = strings.Fields(text("scope"))
	if len(c.Scopes) == 0 {
		c.Scopes = entitlements(claims["scp"]) // Okta's list, Entra ID's string
	}
	date := func(d *jwt.NumericDate, err error) time.Time {
		if err != nil || d == nil {
			return time.Time{}
		}
		return d.Time
	}
	c.Expires, c.NotBefore, c.IssuedAt = date(claims.GetExpirationTime()), date(claims.GetNotBefore()), date(claims.GetIssuedAt())
	return c
}

// readable refuses values that cannot be written down and compared by people.
func (r *report) readable(c Claims) {
	values := slices.Concat([]string{c.Subject, c.Issuer}, c.Audience, c.Values)
	if slices.ContainsFunc(values, func(s string) bool { return strings.ContainsFunc(s, verdict.Hidden) }) {
		r.add("token.text", "a claim of the token has characters that cannot be seen")
	}
}

// signature says why the API would not trust who signed the token.
func (r *report) signature(raw string, header map[string]any, keys KeySet) {
	alg, isText := header["alg"].(string)
	kid, hasKid := header["kid"].(string)
	_, nonce := header["nonce"]
	key, known := keys.find(kid)
	switch {
	case nonce:
		r.add("token.graph", "the token is for Microsoft Graph")
	case !isText || strings.EqualFold(alg, "none"):
		r.add("token.none", "the token is not signed")
	case strings.HasPrefix(alg, "HS"):
		r.add("token.hmac", "the token is signed with a shared secret (%s)", r.veil.Words(alg))
	case !rsaSignature(alg):
		r.add("token.algorithm", "the token is signed with %s", r.veil.Words(alg))
	case !hasKid:
		r.add("token.kid", "the token does not say which key has signed it")
	case len(keys.Keys) == 0:
		r.add("token.keys", "there are no keys to check the signature with")
	case !known:
		r.add("token.unknown", "the token is signed with the key %s, the key set has %s", r.veil.Words(kid), r.listed(keys.Usable()))
	case key.Algorithm != "" && key.Algorithm != alg:
		r.add("token.keyalgorithm", "the token is signed with %s, the key %s is for %s", alg, r.veil.Words(kid), r.veil.Words(key.Algorithm))
	default:
		parser := jwt.NewParser(jwt.WithoutClaimsValidation())
		if _, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return key.public, nil }); err != nil {
			r.add("token.signature", "the signature is not that of the key %s", r.veil.Words(kid))
		}
	}
}

// times compares the token's times with now, and the clocks with each other.
func (r *report) times(claims jwt.MapClaims, e Expectations, now time.Time) {
	err := jwt.NewValidator(jwt.WithTimeFunc(func() time.Time { return now })).Validate(claims)
	exp, expErr := claims.GetExpirationTime()
	nbf, nbfErr := claims.GetNotBefore()
	switch {
	case expErr != nil || nbfErr != nil:
		r.add("token.time", "exp or nbf of the token is no number")
	case errors.Is(err, jwt.ErrTokenExpired):
		r.add("token.expired", "the token has expired %s ago", now.Sub(exp.Time).Round(time.Second))
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		r.add("token.early", "the token is valid in %s only", nbf.Sub(now).Round(time.Second))
	case exp == nil:
		r.add("token.endless", "the token has no exp")
	case !e.User && exp.Sub(now) <= time.Minute:
		r.add("token.short", "the token expires in %s", exp.Sub(now).Round(time.Second))
	}
	if !e.Dated {
		return
	}
	switch off := e.Ahead.Abs(); {
	case off > farClock:
		r.add("token.clock.far", "the provider's clock is %s", apart(e.Ahead))
	case off > nearClock && nbf != nil:
		r.add("token.clock", "the provider's clock is %s, and its tokens have an nbf", apart(e.Ahead))
	}
}

func apart(ahead time.Duration) string {
	if ahead < 0 {
		return ahead.Abs().Round(time.Second).String() + " behind"
	}
	return ahead.Round(time.Second).String() + " ahead"
}

// issued compares issuer and audience.
func (r *report) issued(c Claims, claims jwt.MapClaims, e Expectations) {
	switch {
	case e.Issuer == "":
		r.add("token.issuer.unset", "there is no issuer to compare with that of the token, %s", orNothing(r.veil.Words(c.Issuer)))
	case c.Issuer == "":
		r.add("token.issuer.missing", "the token names no issuer")
	case c.Issuer == e.Issuer:
	case strings.TrimSuffix(c.Issuer, "/") == strings.TrimSuffix(e.Issuer, "/"):
		r.add("token.issuer.slash", "the token says %s, the settings say %s: the slash at the end differs", r.veil.Words(c.Issuer), e.Issuer)
	default:
		r.add("token.issuer", "the token says %s, the settings say %s", r.veil.Words(c.Issuer), e.Issuer)
	}
	if len(e.Audiences) == 0 || slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(e.Audiences, a) }) {
		return
	}
	if _, ok := claims["aud"]; !ok {
		r.add("token.audience.missing", "the token has no audience, the settings want %s", strings.Join(e.Audiences, ", "))
		return
	}
	r.add("token.audience", "the token is for %s, the settings want %s", r.listed(c.Audience), strings.Join(e.Audiences, ", "))
}

// service judges whom the API sees in a token of the service client.
func (r *report) service(c Claims, claims jwt.MapClaims, e Expectations) {
	switch {
	case c.Kind == User:
		r.add("token.groups", "the service's token has the claim %s: %s", e.userClaim(), r.listed(c.Values))
	case c.Kind == "" || len(c.Values) == 0:
		r.add("token.subject", "%s", lacks(claims, e.serviceClaim()))
	case e.Binding != "" && !slices.Contains(c.Values, e.Binding):
		r.add("token.binding", "the token's %s is %s, the binding is for %s", e.serviceClaim(), r.listed(c.Values), e.Binding)
	case e.Binding == "" && e.ClientID != "" && !slices.Contains(c.Values, e.ClientID):
		r.add("token.differs", "the client ID is %s, the token's %s is %s", e.ClientID, e.serviceClaim(), r.listed(c.Values))
	}
}

// person judges what a user's token does for signing in.
func (r *report) person(c Claims, claims jwt.MapClaims, e Expectations) {
	if _, hash := claims["at_hash"]; hash || claims["typ"] == "ID" {
		r.add("user.idtoken", "this looks like an ID token")
		return
	}
	_, list := claims["groups"].([]any)
	switch {
	case overage(claims, e.userClaim()):
		r.add("user.overage", "the token names a place where the groups are, in place of the groups")
	case c.Kind == "":
		r.add("token.subject", "%s; %s", lacks(claims, e.userClaim()), lacks(claims, e.serviceClaim()))
	case c.Kind != User || len(c.Values) == 0:
		r.add("user.groups", "%s", lacks(claims, e.userClaim()))
	case len(e.Groups) > 0 && !slices.ContainsFunc(c.Values, func(g string) bool { return slices.Contains(e.Groups, g) }):
		r.add("user.binding", "the token's %s are %s, bindings are for %s", e.userClaim(), r.listed(c.Values), strings.Join(e.Groups, ", "))
	}
	if c.Kind == User && len(c.Values) > 0 && !list {
		r.add("user.ownership", "the token's groups are no list")
	}
	if !slices.ContainsFunc([]string{"email", "preferred_username", "username", "unique_name"}, func(name string) bool {
		s, ok := claims[name].(string)
		return ok && s != ""
	}) {
		r.add("user.name", "the token has none of email, preferred_username, username and unique_name")
	}
}

// lacks says what is wrong with a claim that has no value which the API could use.
func lacks(claims jwt.MapClaims, name string) string {
	switch value := claims[name].(type) {
	case nil:
		return "the token has no " + name
	case string:
		return "the token's " + name + " is empty"
	case []any:
		if len(texts(value)) == len(value) {
			return "the token's " + name + " is empty"
		}
	}
	return "the token's " + name + " is not text"
}

// overage says whether Entra ID left out more than 200 groups:
// learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
func overage(claims jwt.MapClaims, claim string) bool {
	if _, there := claims[claim]; there {
		return false
	}
	names, _ := claims["_claim_names"].(map[string]any)
	_, elsewhere := names[claim]
	return elsewhere || claims["hasgroups"] == true
}
