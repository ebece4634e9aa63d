package idp

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	wellKnown      = "/.well-known/openid-configuration"
	wellKnownOAuth = "/.well-known/oauth-authorization-server" // RFC 8414: before the issuer's path
)

// Discovery is a provider's own description: OpenID Connect Discovery 1.0
// section 3, RFC 8414 section 2. Addresses and lists are byte for byte as the
// document has them; a nil list is not in it.
type Discovery struct {
	WellKnown string // the address that answered: backstage's wellKnownEndpoint
	Issuer    string // what "iss" of the tokens has to be

	AuthorizationEndpoint, TokenEndpoint, JWKSURI, UserinfoEndpoint string

	Scopes        []string // scopes_supported
	Grants        []string // grant_types_supported
	AuthMethods   []string // token_endpoint_auth_methods_supported
	ResponseTypes []string // response_types_supported
	Algorithms    []string // id_token_signing_alg_values_supported
	PKCE          []string // code_challenge_methods_supported
	RequirePAR    bool     // require_pushed_authorization_requests
}

// Discover finds the provider's description from its issuer or from a pasted
// well-known address, and judges whether Backstage and the API can use it. The
// Discovery holds what could be read, also when verdicts fail; it is zero when
// there is no document.
func (c *Client) Discover(ctx context.Context, issuerOrWellKnown string) (Discovery, []Verdict) {
	r := &report{}
	u, err := parseAddress(issuerOrWellKnown)
	if err != nil {
		r.add("discovery.address", "the issuer %s", err)
		return Discovery{}, r.verdicts
	}
	asked, places := documents(issuerOrWellKnown, u)
	a, at, ok := c.fetchFirst(ctx, r, places)
	if !ok {
		return Discovery{}, r.verdicts
	}
	d, ok := r.document(a.body, at, a.header)
	if !ok {
		return Discovery{}, r.verdicts
	}
	d.WellKnown = at.String()
	r.issuer(d, asked, at)
	r.endpoints(d)
	r.abilities(d)
	if !r.blocked() {
		r.add("discovery.ok", "the issuer is %s", d.Issuer)
	}
	return d, r.verdicts
}

// documents returns where the description may be, best first, and the issuer
// that was asked for: "" when a well-known address was given, whose document may
// name any.
func documents(given string, u *url.URL) (asked string, places []*url.URL) {
	if strings.HasSuffix(u.Path, wellKnown) || strings.HasPrefix(u.Path, wellKnownOAuth) {
		return "", []*url.URL{u}
	}
	openID, oauth := *u, *u
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	setPath(&openID, path+wellKnown)
	setPath(&oauth, wellKnownOAuth+path)
	return given, []*url.URL{&openID, &oauth}
}

// setPath sets an escaped path.
func setPath(u *url.URL, escaped string) {
	u.RawPath = escaped
	u.Path, _ = url.PathUnescape(escaped) // it comes from a URL
}

// fetchFirst gets the first document that is there. "Not found" alone makes it
// look at the next place.
func (c *Client) fetchFirst(ctx context.Context, r *report, places []*url.URL) (answer, *url.URL, bool) {
	var a answer
	for _, at := range places {
		var ok bool
		if a, ok = c.send(ctx, r, call{address: at}); !ok {
			return answer{}, nil, false
		}
		if a.status != http.StatusNotFound && a.status != http.StatusGone {
			return a, at, r.status("discovery", a, at)
		}
	}
	return answer{}, nil, r.status("discovery", a, places[0])
}

// status judges a GET's status; check is "discovery" or "keys". Only 200 is right.
func (r *report) status(check string, a answer, at *url.URL) bool {
	switch {
	case a.status == http.StatusOK:
		return true
	case a.status >= 300 && a.status < 400:
		r.add(check+".redirect", "%s points to %s", where(at), r.target(a, at))
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		r.add(check+".absent", "there is nothing at %s (status %d)", where(at), a.status)
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusProxyAuthRequired:
		r.add(check+".denied", "%s asks for a login (status %d)", where(at), a.status)
	default:
		r.add(check+".status", "%s answers with status %d", where(at), a.status)
	}
	return false
}

// target says where a redirect points to, without its query.
func (r *report) target(a answer, at *url.URL) string {
	to, err := at.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		return "another address and does not say which"
	}
	if to.Hostname() == "" {
		return "something that is no web address"
	}
	return r.veil.Words(where(to))
}

// document reads the description.
func (r *report) document(body []byte, at *url.URL, header http.Header) (Discovery, bool) {
	if isHTML(body) {
		r.add("discovery.html", "%s answers with a web page", where(at))
		return Discovery{}, false
	}
	d, repeated, err := parseDiscovery(body)
	if err != nil {
		r.add("discovery.unreadable", "the answer of %s %s", where(at), err)
		return Discovery{}, false
	}
	if repeated != "" {
		r.add("discovery.repeated", "%s is in the document twice", r.veil.Words(repeated))
	}
	if kind, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || kind != "application/json" {
		r.add("discovery.type", "%s calls its document %s", at.Host, orNothing(r.veil.Words(kind)))
	}
	return d, true
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// parseDiscovery reads a document. The error completes "the answer …"; repeated
// is a name that is there twice.
func parseDiscovery(body []byte) (d Discovery, repeated string, err error) {
	o, repeated, err := parseObject(body)
	if err != nil {
		return Discovery{}, "", err
	}
	for name, to := range map[string]*string{
		"issuer": &d.Issuer, "authorization_endpoint": &d.AuthorizationEndpoint, "token_endpoint": &d.TokenEndpoint,
		"jwks_uri": &d.JWKSURI, "userinfo_endpoint": &d.UserinfoEndpoint,
	} {
		if *to, err = o.text(name); err != nil {
			return Discovery{}, "", &fieldError{err}
		}
	}
	for name, to := range map[string]*[]string{
		"scopes_supported": &d.Scopes, "grant_types_supported": &d.Grants, "token_endpoint_auth_methods_supported": &d.AuthMethods,
		"response_types_supported": &d.ResponseTypes, "id_token_signing_alg_values_supported": &d.Algorithms,
		"code_challenge_methods_supported": &d.PKCE,
	} {
		if *to, err = o.list(name); err != nil {
			return Discovery{}, "", &fieldError{err}
		}
	}
	if d.RequirePAR, err = o.truth("require_pushed_authorization_requests"); err != nil {
		return Discovery{}, "", &fieldError{err}
	}
	return d, repeated, nil
}

// fieldError is about one field of a document that is JSON.
type fieldError struct{ error }

func (e *fieldError) Error() string { return "is not of the right form: " + e.error.Error() }

// isHTML says whether body is a page, such as a login or a captive portal's.
func isHTML(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// issuer compares what the document says with what was asked for.
func (r *report) issuer(d Discovery, asked string, at *url.URL) {
	switch {
	case d.Issuer == "":
		r.add("discovery.missing", "the document has no issuer")
	case strings.Contains(d.Issuer, "{"):
		r.add("discovery.tenant", "the issuer in the document is a pattern: %s", d.Issuer)
	case !usable(d.Issuer):
		r.add("discovery.endpoint", "the issuer in the document is no web address: %s", r.veil.Words(d.Issuer))
	case asked == "" && strings.TrimSuffix(d.Issuer, "/") != strings.TrimSuffix(issuerFor(at), "/"):
		r.add("discovery.other", "the document is at %s, its issuer is %s", where(at), r.veil.Words(d.Issuer))
	case asked == "" || d.Issuer == asked:
	case strings.TrimSuffix(d.Issuer, "/") == strings.TrimSuffix(asked, "/"):
		r.add("discovery.slash", "the issuer is %s, not %s", d.Issuer, asked)
	default:
		r.add("discovery.issuer", "asked for %s, the document says %s", asked, r.veil.Words(d.Issuer))
	}
}

func usable(address string) bool {
	_, err := parseAddress(address)
	return err == nil
}

// issuerFor returns the issuer that belongs to a well-known address; it may have
// a slash at its end besides.
func issuerFor(at *url.URL) string {
	u := *at
	u.RawQuery = ""
	path := u.EscapedPath()
	if inner, ok := strings.CutPrefix(path, wellKnownOAuth); ok {
		setPath(&u, inner)
	} else {
		setPath(&u, strings.TrimSuffix(path, wellKnown))
	}
	return u.String()
}

// endpoints judges the addresses in the document.
func (r *report) endpoints(d Discovery) {
	issuer, _ := parseAddress(d.Issuer)
	for _, e := range []struct{ name, address string }{
		{"authorization_endpoint", d.AuthorizationEndpoint}, {"token_endpoint", d.TokenEndpoint}, {"jwks_uri", d.JWKSURI},
	} {
		if e.address == "" {
			r.add("discovery.missing", "the document has no %s", e.name)
			continue
		}
		u, err := parseAddress(e.address)
		if err != nil {
			r.add("discovery.endpoint", "%s %s", e.name, err)
			continue
		}
		if issuer == nil {
			continue
		}
		switch {
		case u.Scheme == "http" && issuer.Scheme == "https":
			r.add("discovery.http", "%s is %s, although the issuer is https", e.name, where(u))
		case u.Scheme == "http" && !loopback(u.Hostname()) && !private(u.Hostname()):
			r.add("discovery.plain", "%s is %s", e.name, where(u))
		}
		if !strings.EqualFold(u.Hostname(), issuer.Hostname()) {
			r.add("discovery.host", "%s is on %s, the issuer on %s", e.name, u.Host, issuer.Host)
		}
		switch {
		case loopback(u.Hostname()):
			r.add("discovery.loopback", "%s is on %s", e.name, u.Host)
		case private(u.Hostname()):
			r.add("discovery.private", "%s is on %s", e.name, u.Host)
		}
	}
}

// abilities judges what the document says that the provider can do. A list that
// is not there has the default of its specification.
func (r *report) abilities(d Discovery) {
	if d.AuthMethods == nil {
		r.add("discovery.post", "the document names no way in which clients authenticate, which means client_secret_basic")
	} else if !slices.Contains(d.AuthMethods, "client_secret_post") {
		r.add("discovery.post", "clients authenticate with %s", r.listed(d.AuthMethods))
	}
	if d.Grants != nil && !slices.Contains(d.Grants, "client_credentials") {
		r.add("discovery.grant", "the grants are %s", r.listed(d.Grants))
	}
	if d.Grants != nil && !slices.Contains(d.Grants, "authorization_code") {
		r.add("discovery.code", "the grants are %s", r.listed(d.Grants))
	}
	if d.ResponseTypes != nil && !slices.Contains(d.ResponseTypes, "code") {
		r.add("discovery.response", "the response types are %s", r.listed(d.ResponseTypes))
	}
	if d.Algorithms != nil && !slices.Contains(d.Algorithms, "RS256") {
		r.add("discovery.algorithms", "ID tokens are signed with %s", r.listed(d.Algorithms))
	}
	if d.RequirePAR {
		r.add("discovery.par", "the document says require_pushed_authorization_requests")
	}
	if d.Scopes != nil {
		for _, scope := range portalScopes {
			if !slices.Contains(d.Scopes, scope) {
				r.add("discovery.scopes", "%s is not among the scopes", scope)
			}
		}
	}
}

// listed is a server's list as a line.
func (r *report) listed(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return r.veil.Words(strings.Join(list, ", "))
}

// portalScopes are those that the portal always asks for.
var portalScopes = [...]string{"openid", "profile", "email"}

// CheckScopes says which of the scopes that are to be requested the provider does
// not announce. It need not announce all, so this is a warning at most; for the
// three that the portal always asks for it is the warning that Discover gives.
func (d Discovery) CheckScopes(wanted []string) []Verdict {
	r := &report{}
	if d.Scopes == nil {
		r.add("scopes.silent", "the provider does not say which scopes it knows")
		return r.verdicts
	}
	var found []string
	for i, scope := range wanted {
		switch {
		case slices.Contains(wanted[:i], scope):
		case slices.Contains(d.Scopes, scope):
			found = append(found, scope)
		case slices.Contains(portalScopes[:], scope):
			r.add("discovery.scopes", "%s is not among the scopes that the provider announces", scope)
		default:
			r.add("scopes.unannounced", "%s is not among the scopes that the provider announces", scope)
		}
	}
	switch {
	case len(r.verdicts) > 0:
	case len(found) == 0:
		r.add("scopes.ok", "no scope is requested")
	default:
		r.add("scopes.ok", "the provider announces %s", strings.Join(found, " "))
	}
	return r.verdicts
}
