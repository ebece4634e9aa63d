package idp

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// SignInRequest is what the portal exchanges a person's code with.
type SignInRequest struct {
	TokenURL string
	ClientID string
	Secret   secret.Text
	Redirect string // the portal's, see Callback
	// Control allows one more request, with a wrong secret. Only it shows whether
	// the provider looks at the secret before the code; without it there is no
	// pass. It leaves a failed attempt in the provider's log.
	Control bool
}

// SignInSecret finds out without a browser whether the sign-in client's secret is
// right: a code that does not exist is exchanged as the portal does. A provider
// that checks the client first answers invalid_grant to the right secret and
// invalid_client to a wrong one: RFC 6749 section 5.2.
func (c *Client) SignInSecret(ctx context.Context, q SignInRequest) []Verdict {
	r := &report{veil: verdict.NewVeil(q.Secret)}
	u, err := parseAddress(q.TokenURL)
	if err != nil {
		r.add("signin.address", "the address of the token endpoint %s", err)
		return r.verdicts
	}
	q.Secret = r.trim("service.blank", q.Secret)
	if q.Secret.IsZero() || q.ClientID == "" {
		r.add("signin.incomplete", "there is no client ID or no secret to ask with")
		return r.verdicts
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {rand.Text()}, "redirect_uri": {q.Redirect}}
	as := credentials{q.ClientID, q.Secret}
	a, ok := c.post(ctx, r, u, form, as, false)
	if !ok || !r.tokenStatus("signin", a, u) {
		return r.verdicts
	}
	f := refusalOf(a)
	switch kind := f.kind(); {
	case !refused(a):
		r.add("signin.anything", "%s answers a code that does not exist with status %d", u.Host, a.status)
	case kind == refusedCode:
		c.control(ctx, r, u, form, q)
	case kind == refusedClient && c.basicWorks(ctx, u, form, as, codeRefused):
		r.add("signin.basic", "%s takes the secret of %s in the Authorization header, but not in the body", u.Host, q.ClientID)
	case slices.Contains([]string{refusedClient, refusedExpired, refusedGrant, refusedAbsent, refusedPage, refusedServer}, kind):
		r.add("signin."+kind, "the provider refuses: %s", f.says(r.veil))
	case f.mentions("code_verifier", "pkce", "code challenge", "code_challenge"):
		r.add("signin.pkce", "the provider refuses: %s", f.says(r.veil))
	default:
		r.add("signin.unclear", "the provider answers: %s", f.says(r.veil))
	}
	return r.verdicts
}

// codeRefused says whether an answer is about the code, not the client.
func codeRefused(a answer) bool { return refused(a) && refusalOf(a).kind() == refusedCode }

// control asks once more with a secret that is wrong for certain.
func (c *Client) control(ctx context.Context, r *report, u *url.URL, form url.Values, q SignInRequest) {
	if !q.Control {
		r.add("signin.unproven", "the provider refuses the code, as it has to; whether it looked at the secret is open")
		return
	}
	a, ok := c.post(ctx, r, u, form, credentials{q.ClientID, secret.New(rand.Text())}, false)
	if !ok {
		return
	}
	switch f := refusalOf(a); {
	case refused(a) && a.status < 500 && f.kind() == refusedClient:
		r.add("signin.ok", "the provider takes the secret, and rejects a wrong one")
	default:
		r.add("signin.alike", "the provider answers a wrong secret with %s, as it does the right one or unclearly", f.says(r.veil))
	}
}
