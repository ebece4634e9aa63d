package idp

import (
	"context"
	"crypto/rand"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// RedirectRequest is what the portal sends a browser to the provider with.
type RedirectRequest struct {
	AuthorizationURL string
	ClientID         string
	Redirect         string // the portal's, see Callback
	Scopes           []string
	// Control allows one request with an address that is not registered, below
	// the portal's own: only where the answers to the right one say nothing, and
	// after them, since some providers keep the first address that they see. It
	// leaves a failed attempt in the provider's log.
	Control bool
	// NoResponseType is Provider's field of that name.
	NoResponseType bool
}

// Redirect finds out without a browser whether the portal's redirect address is
// registered: with prompt=none and no session the provider has to send an error
// to it, OpenID Connect Core section 3.1.2.6.
func (c *Client) Redirect(ctx context.Context, q RedirectRequest) []Verdict {
	r := &report{}
	u, err := parseAddress(q.AuthorizationURL)
	if err == nil {
		_, err = parseAddress(q.Redirect)
	}
	if err != nil {
		r.add("redirect.address", "the authorization endpoint or the redirect address %s", err)
		return r.verdicts
	}
	first, ok := c.authorize(ctx, r, u, q, q.Redirect, "none")
	if !ok || r.decided(first, q) {
		return r.verdicts
	}
	second, ok := c.authorize(ctx, r, u, q, q.Redirect, "")
	if !ok || r.decided(second, q) {
		return r.verdicts
	}
	if !q.Control {
		r.add("redirect.login", "the provider shows a page (%s), which it may do for any address", second.looks())
		return r.verdicts
	}
	control, ok := c.authorize(ctx, r, u, q, strings.TrimSuffix(q.Redirect, "/")+"/"+rand.Text(), "")
	switch {
	case !ok:
	case control.refusal() == "unregistered", control.refusal() == "page" && control.status == http.StatusBadRequest:
		// The answers to the portal's own address were no refusals, or this request
		// would not have been made.
		r.add("redirect.ok", "the provider takes the portal's address, and refuses another one")
	default:
		r.add("redirect.alike", "the provider answers another address as it does the portal's, or unclearly (%s)", control.looks())
	}
	return r.verdicts
}

// visit is the answer to a browser's request.
type visit struct {
	answer
	state string
	to    *url.URL // of a redirect; nil without
	raw   string   // its Location
}

// authorize asks as a browser would that has no session. prompt "" is left out.
func (c *Client) authorize(ctx context.Context, r *report, u *url.URL, q RedirectRequest, redirect, prompt string) (visit, bool) {
	v := visit{state: rand.Text()}
	query := u.Query()
	query.Set("client_id", q.ClientID)
	query.Set("redirect_uri", redirect)
	query.Set("scope", strings.Join(q.Scopes, " "))
	query.Set("state", v.state)
	query.Set("nonce", rand.Text())
	if !q.NoResponseType {
		query.Set("response_type", "code")
	}
	if prompt != "" && !q.NoResponseType {
		query.Set("prompt", prompt)
	}
	at := *u
	at.RawQuery = query.Encode()
	var ok bool
	if v.answer, ok = c.send(ctx, r, call{address: &at, page: true}); !ok {
		return visit{}, false
	}
	switch v.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		v.raw = v.header.Get("Location")
		v.to, _ = at.Parse(v.raw)
	}
	return v, true
}

// returned gives what the provider sent to the portal's address: in a redirect,
// or in a form that posts itself there.
func (v visit) returned(redirect string) (url.Values, bool) {
	for _, mark := range []string{"?", "#"} {
		if rest, ok := strings.CutPrefix(v.raw, redirect+mark); ok && v.to != nil {
			query, _, _ := strings.Cut(rest, "#")
			values, err := url.ParseQuery(query)
			return values, err == nil
		}
	}
	if v.status != http.StatusOK {
		return nil, false
	}
	action := formAction.FindSubmatch(v.body)
	if action == nil || html.UnescapeString(string(action[1])) != redirect {
		return nil, false
	}
	values := url.Values{}
	for _, input := range formInput.FindAllSubmatch(v.body, 20) {
		values.Add(string(input[1]), html.UnescapeString(string(input[2])))
	}
	return values, true
}

var (
	formAction = regexp.MustCompile(`(?is)<form[^>]*\saction=["']([^"']*)["']`)
	formInput  = regexp.MustCompile(`(?is)<input[^>]*\sname=["']([a-z_]+)["'][^>]*\svalue=["']([^"']*)["']`)
)

// decided adds a verdict if the visit settles the question.
func (r *report) decided(v visit, q RedirectRequest) bool {
	if values, ok := v.returned(q.Redirect); ok {
		r.sent(values, v.state, q)
		return true
	}
	if kind := v.refusal(); kind != "" {
		r.add("redirect."+kind, "the provider refuses with a page of its own (%s)", v.looks())
		return true
	}
	return false
}

// sent judges what came to the portal's address.
func (r *report) sent(values url.Values, state string, q RedirectRequest) {
	code, words := values.Get("error"), r.veil.Words(values.Get("error"))
	if text := values.Get("error_description"); text != "" {
		words += ": " + r.veil.Words(text)
	}
	f := refusal{code: code, description: values.Get("error_description")}
	quiet := []string{"login_required", "interaction_required", "consent_required", "account_selection_required"}
	switch {
	case values.Get("state") != state:
		r.add("redirect.state", "the provider answers to %s, but not with the state that it was given", q.Redirect)
	case slices.Contains(quiet, code), q.NoResponseType && code == "invalid_request", code == "" && values.Get("code") != "":
		r.add("redirect.ok", "the provider answers to %s", q.Redirect)
	case f.mentions("code_challenge", "code challenge", "pkce"):
		r.add("redirect.pkce", "the provider answers %s", words)
	case f.mentions("pushed", "request_uri"):
		r.add("redirect.par", "the provider answers %s", words)
	case code == "unauthorized_client" || code == "unsupported_response_type":
		r.add("redirect.grant", "the provider answers %s", words)
	case code == "invalid_scope" || f.mentions("scope"):
		r.add("redirect.scope", "the provider answers %s", words)
	case code == "server_error" || code == "temporarily_unavailable" || code == "access_denied":
		r.add("redirect.server", "the provider answers %s", words)
	case code == "":
		r.add("redirect.silent", "the provider answers to %s with neither a code nor an error", q.Redirect)
	default:
		r.add("redirect.error", "the provider answers %s", words)
	}
}

// What providers write on their error pages, in lower case. An address that is
// not registered, and a client that does not exist; identity.md 1 and 2.6.
var (
	unregistered = []string{
		"invalid_redirect_uri", "redirect_uri_mismatch", "unregistered redirect_uri", "invalid parameter: redirect_uri", "aadsts50011",
		"callback url mismatch", "'redirect_uri' parameter must be a login redirect uri", "redirect_uri is missing in the client configuration",
		"invalid redirect uri", "invalid_callback", "redirect_uri' parameter does not match", "redirect_mismatch",
	}
	unknownClient = []string{"aadsts700016", "invalid_client", "client not found", "unknown client", "client_not_found", "invalid client_id", "invalid client id"}
)

// refusal tells an error page: "unregistered", "client", "server", "page" for
// one that does not say which, "" for what may be a login.
func (v visit) refusal() string {
	text := strings.ToLower(html.UnescapeString(string(v.body)))
	if v.to != nil {
		// An error page of the provider's own has the error in its address. A login
		// page may have our redirect address there: so only the words count.
		text = strings.ToLower(strings.ReplaceAll(v.to.RawQuery, "+", " "))
		if decoded, err := url.QueryUnescape(text); err == nil {
			text = decoded
		}
	}
	has := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	failed := v.status >= 400 || v.to != nil && errorAddress(v.to)
	switch {
	case v.status >= 500:
		return "server"
	// A login page may carry the texts of all errors; Entra ID's code comes with
	// status 200, but only where it is meant.
	case has([]string{"aadsts50011:"}), failed && has(unregistered):
		return "unregistered"
	case has([]string{"aadsts700016:"}), failed && has(unknownClient), v.status == http.StatusNotFound:
		return "client"
	case failed && strings.Contains(text, "redirect"):
		return "unregistered"
	case failed:
		return "page"
	}
	return ""
}

// errorAddress says whether a redirect goes to a page about an error.
func errorAddress(to *url.URL) bool {
	query := to.Query()
	return slices.ContainsFunc([]string{"error", "errorCode", "oauthErrorCode", "error_code"}, query.Has)
}

// looks says what came, without any of its words.
func (v visit) looks() string {
	if v.to != nil {
		return "a redirect to " + v.to.Host
	}
	return "status " + http.StatusText(v.status)
}
