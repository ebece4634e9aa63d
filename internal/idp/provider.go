package idp

import (
	"regexp"
	"slices"
	"strings"
)

// Provider is what is known about one identity provider: help for whoever sets it
// up, never a gate. What counts is what the provider answers.
type Provider struct {
	ID, Name string
	Note     string // a few words that tell it from the others in a list

	Issuer  string         // its shape: "https://<host>/realms/<realm>"
	Pattern *regexp.Regexp // of issuers; nil when they cannot be told from others

	Create   []string // what to create there, step by step
	Copy     []Field  // what to enter there; see Fields
	ForUser  []Field  // what to enter for the service where that is no client
	SignIn   []string // scopes for people: backstage.auth.oidcScope
	Service  []string // scopes for the service; none sends no scope
	Groups   string   // the claim with a person's groups: the API's subject of users
	Subject  string   // what sub is in a service token, and why
	Token    []string // settings of access tokens
	Rotation Rotation
	Warnings []string

	// TwoClients says why one client cannot serve both people and the service; ""
	// when it can.
	TwoClients string
	// GroupNames says what groups are called in tokens where that is not what
	// people call them, so that the chart's bindings, such as admins, may not match.
	GroupNames string
	GroupIDs   bool // they surely do not match, as groups are IDs
	// NoResponseType says that the provider knows no prompt=none, but reports a
	// missing response_type to a redirect address that is registered.
	NoResponseType bool
	// Refused says why the provider cannot be used directly; "" when it can.
	Refused string

	Fixes   map[string]string // by ID of a verdict: what to set in this provider
	Sources []string
}

// Field is something to enter at the provider, by the name that it has there.
// {callback}, {grants} and, for a switch, {people} and {service} in a row's
// values are filled in by Fields.
type Field struct{ Label, Value string }

// Use is what a client is for.
type Use int

// The uses.
const (
	Shared  Use = iota // one client for both
	People             // signing people in
	Service            // the portal's own calls
)

var grants = map[Use]string{
	Shared:  "authorization_code, refresh_token, client_credentials",
	People:  "authorization_code, refresh_token",
	Service: "client_credentials",
}

// Rotation is how a client secret is changed.
type Rotation struct {
	Two bool   // old and new one can be valid at the same time
	How string // where, and what to mind
}

// callbackPath is where Backstage takes the answer to a sign-in: openchoreo-auth
// is the provider's ID in backstage-plugins.
const callbackPath = "/api/auth/openchoreo-auth/handler/frame"

// Callback is the redirect address of a portal: all of baseUrl, its port
// included, without a slash at the end.
func Callback(baseURL string) string { return strings.TrimSuffix(baseURL, "/") + callbackPath }

// Fields returns what to enter at the provider for a client of a portal at
// baseURL. A client for the service alone has no redirect address and no PKCE.
func (p Provider) Fields(baseURL string, use Use) []Field {
	if use == Service && len(p.ForUser) > 0 {
		return slices.Clone(p.ForUser)
	}
	fields := make([]Field, 0, len(p.Copy))
	fill := strings.NewReplacer("{callback}", Callback(baseURL), "{grants}", grants[use], "{people}", onOff(use != Service), "{service}", onOff(use != People))
	for _, f := range p.Copy {
		if use == Service && (strings.Contains(f.Value, "{callback}") || strings.Contains(f.Label, "PKCE") || strings.HasPrefix(f.Label, "Proof Key")) {
			continue
		}
		fields = append(fields, Field{f.Label, fill.Replace(f.Value)})
	}
	return fields
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// Providers returns all rows; the default comes first, "other" last.
func Providers() []Provider { return slices.Clone(providers) }

// ProviderByID returns the row with that ID.
func ProviderByID(id string) (Provider, bool) {
	at := slices.IndexFunc(providers, func(p Provider) bool { return p.ID == id })
	if at < 0 {
		return Provider{}, false
	}
	return providers[at], true
}

// Recognise returns the provider to which an issuer or a well-known address
// belongs, by its shape; false when it could be any.
func Recognise(issuer string) (Provider, bool) {
	issuer = strings.TrimSuffix(issuer, wellKnown)
	at := slices.IndexFunc(providers, func(p Provider) bool { return p.Pattern != nil && p.Pattern.MatchString(issuer) })
	if at < 0 {
		return Provider{}, false
	}
	return providers[at], true
}

// Worded returns v with the fix in the provider's own words, where its row has one.
func (p Provider) Worded(v Verdict) Verdict {
	fix, ok := p.Fixes[v.ID]
	if !ok && v.ID == "token.encrypted" { // how some make the tokens that they call opaque
		fix, ok = p.Fixes["token.opaque"]
	}
	if ok && v.Class != Pass {
		v.Fix = fix
	}
	return v
}
