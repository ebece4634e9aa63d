package idp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// refusal is an error answer of a token endpoint: RFC 6749 section 5.2. A code of
// "" is an answer in another form.
type refusal struct {
	status            int
	code, description string
	page, json        bool
}

func refusalOf(a answer) refusal {
	f := refusal{status: a.status, page: isHTML(a.body)}
	o, _, err := parseObject(a.body)
	if err != nil {
		return f
	}
	f.json = true
	f.code, _ = o.text("error") // some providers put an object there
	f.description, _ = o.text("error_description")
	return f
}

// says words the refusal with the server's own words, veiled.
func (f refusal) says(v *verdict.Veil) string {
	switch {
	case f.code == "":
		return "status " + http.StatusText(f.status)
	case f.description == "":
		return v.Words(f.code)
	}
	return v.Words(f.code) + ": " + v.Words(f.description)
}

// mentions says whether the description has one of the words.
func (f refusal) mentions(words ...string) bool {
	text := strings.ToLower(f.description)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// The kinds of refusals; with the check's name before, each is a verdict.
const (
	refusedClient   = "client"
	refusedExpired  = "expired"
	refusedGrant    = "grant"
	refusedScope    = "scope"
	refusedAudience = "audience"
	refusedPolicy   = "denied"
	refusedDPoP     = "dpop"
	refusedRequest  = "request"
	refusedCode     = "code"
	refusedServer   = "server"
	refusedAbsent   = "absent"
	refusedPage     = "html"
	refusedOther    = "status"
)

// aadsts are the codes by which Entra ID tells apart what it calls alike:
// learn.microsoft.com/entra/identity-platform/reference-error-codes.
var aadsts = []struct{ code, kind string }{
	{"aadsts7000222", refusedExpired},
	{"aadsts7000215", refusedClient}, {"aadsts700016", refusedClient},
	{"aadsts70011:", refusedScope}, {"aadsts1002012", refusedScope}, {"aadsts500011", refusedScope}, {"aadsts900144", refusedScope},
	{"aadsts90002", refusedAbsent},
}

// kind classifies a refusal.
func (f refusal) kind() string {
	for _, known := range aadsts {
		if f.mentions(known.code) {
			return known.kind
		}
	}
	switch f.code {
	case "":
		return f.byStatus()
	case "invalid_client":
		return refusedClient
	case "unauthorized_client":
		// Keycloak says so of a wrong secret too, with 401.
		if f.status == http.StatusUnauthorized || f.mentions("credential", "secret") {
			return refusedClient
		}
		return refusedGrant
	case "unsupported_grant_type":
		return refusedGrant
	case "invalid_scope":
		return refusedScope
	case "invalid_target", "invalid_resource":
		return refusedAudience
	case "invalid_dpop_proof", "use_dpop_nonce":
		return refusedDPoP
	case "invalid_grant":
		return refusedCode
	case "server_error", "temporarily_unavailable":
		return refusedServer
	case "slow_down":
		return refusedServer
	}
	return f.byWords()
}

// byWords classifies codes that providers use for several things.
func (f refusal) byWords() string {
	switch {
	case f.mentions("dpop"):
		return refusedDPoP
	case f.mentions("grant type", "grant_type"):
		return refusedGrant
	case f.mentions("audience"):
		return refusedAudience
	case f.mentions("scope"):
		return refusedScope
	case f.code == "access_denied":
		return refusedPolicy
	case f.status >= 500:
		return refusedServer
	}
	return refusedRequest
}

// byStatus classifies an answer that is no OAuth error.
func (f refusal) byStatus() string {
	switch {
	case f.status >= 500:
		return refusedServer
	case f.status == http.StatusNotFound || f.status == http.StatusGone || f.status == http.StatusMethodNotAllowed:
		return refusedAbsent
	case f.page:
		return refusedPage
	case f.status == http.StatusUnauthorized:
		return refusedClient
	case f.status == http.StatusForbidden:
		return refusedPolicy
	}
	return refusedOther
}
