package idp

import (
	"context"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// ServiceRequest is what the portal's service client asks with.
type ServiceRequest struct {
	TokenURL string
	ClientID string
	Secret   secret.Text
	Scopes   []string // backstage.auth.scope; none sends no scope, as the portal does
}

// Token is an access token with what came with it.
type Token struct {
	Access    secret.Text
	ExpiresIn time.Duration // 0: the answer does not say
	// Ahead is by how much the provider's clock is ahead of ours, by the Date of
	// its answer; known only if Dated. Differences below a second do not show.
	Ahead time.Duration
	Dated bool
}

// ServiceToken requests a token exactly as Backstage does: a POST with
// grant_type, client_id, client_secret and, if there are any, the scopes in the
// body (ClientCredentialsProvider.ts). When the provider rejects the client, one
// more request with HTTP Basic tells a wrong secret from a client that is not
// allowed to send it in the body; its token is thrown away. The Token is zero
// unless there is one. What it is worth, Verify says.
func (c *Client) ServiceToken(ctx context.Context, q ServiceRequest) (Token, []Verdict) {
	r := &report{veil: verdict.NewVeil(q.Secret)}
	u, err := parseAddress(q.TokenURL)
	if err != nil {
		r.add("service.address", "the address of the token endpoint %s", err)
		return Token{}, r.verdicts
	}
	q.Secret = r.trim("service.blank", q.Secret)
	if q.Secret.IsZero() || q.ClientID == "" {
		r.add("service.incomplete", "there is no client ID or no secret to ask with")
		return Token{}, r.verdicts
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(q.Scopes) > 0 {
		form.Set("scope", strings.Join(q.Scopes, " "))
	}
	a, ok := c.post(ctx, r, u, form, credentials{q.ClientID, q.Secret}, false)
	if !ok || !r.tokenStatus("service", a, u) {
		return Token{}, r.verdicts
	}
	if token, ok := r.token(a); ok {
		return token, r.verdicts
	}
	if r.verdicts == nil || !refused(a) {
		return Token{}, r.verdicts
	}
	f := refusalOf(a)
	if f.kind() == refusedClient && c.basicWorks(ctx, u, form, credentials{q.ClientID, q.Secret}, isToken) {
		r.verdicts = r.verdicts[:len(r.verdicts)-1]
		r.add("service.basic", "%s takes the secret of %s in the Authorization header, but not in the body", u.Host, q.ClientID)
	}
	return Token{}, r.verdicts
}

// trim takes blanks off a secret as Backstage's configuration loader does.
func (r *report) trim(id string, s secret.Text) secret.Text {
	trimmed := secret.New(strings.TrimSpace(s.Reveal()))
	if !trimmed.Equal(s) {
		r.add(id, "the secret begins or ends with a blank")
	}
	return trimmed
}

// post sends form with the client's credentials: in the body as the portal does,
// or in the header.
func (c *Client) post(ctx context.Context, r *report, u *url.URL, form url.Values, as credentials, basic bool) (answer, bool) {
	body := url.Values{}
	for name, values := range form {
		body[name] = values
	}
	q := call{address: u, form: body}
	if basic {
		q.basic = &as
	} else {
		body.Set("client_id", as.id)
		body.Set("client_secret", as.secret.Reveal())
	}
	a, ok := c.send(ctx, r, q)
	if f := refusalOf(a); ok && slices.ContainsFunc([]string{string(a.body), f.code, f.description}, r.veil.Repeats) {
		r.add("answer.echo", "the answer of %s repeats the client secret", u.Host)
	}
	return a, ok
}

// tokenStatus refuses what is no answer of a token endpoint at all.
func (r *report) tokenStatus(check string, a answer, u *url.URL) bool {
	if a.status >= 300 && a.status < 400 {
		r.add(check+".redirect", "%s points to %s; nothing was sent there", where(u), r.target(a, u))
		return false
	}
	return true
}

// refused says whether a is not a success, by its status or by what it says.
func refused(a answer) bool {
	return a.status < 200 || a.status > 299 || refusalOf(a).code != ""
}

// isToken says whether an answer brings a token.
func isToken(a answer) bool {
	if a.status < 200 || a.status > 299 {
		return false
	}
	o, _, err := parseObject(a.body)
	if err != nil {
		return false
	}
	token, err := o.text("access_token")
	return err == nil && token != ""
}

// basicWorks makes the one diagnostic request with HTTP Basic.
func (c *Client) basicWorks(ctx context.Context, u *url.URL, form url.Values, as credentials, works func(answer) bool) bool {
	a, ok := c.post(ctx, &report{veil: verdict.NewVeil(as.secret)}, u, form, as, true)
	return ok && works(a)
}

// token reads the answer; without a token it says why there is none.
func (r *report) token(a answer) (Token, bool) {
	f := refusalOf(a)
	if !isToken(a) {
		switch {
		case refused(a):
			r.add("service."+serviceKind(f), "the provider refuses: %s", f.says(r.veil))
		case f.page:
			r.add("service.html", "the token endpoint answers with a web page")
		case !f.json:
			r.add("service.unreadable", "the answer of the token endpoint is no JSON object")
		default:
			r.add("service.missing", "the answer of the token endpoint has no access_token")
		}
		return Token{}, false
	}
	o, _, _ := parseObject(a.body)
	access, _ := o.text("access_token")
	if strings.ContainsFunc(access, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.add("service.token", "the access token has characters that fit in no header")
		return Token{}, false
	}
	t := Token{Access: secret.New(access), ExpiresIn: o.seconds("expires_in")}
	_, t.Ahead, t.Dated = a.date()
	if kind, _ := o.text("token_type"); kind != "" && !strings.EqualFold(kind, "Bearer") {
		r.add("service.type", "the provider calls it a %s token", r.veil.Words(kind))
	}
	if t.ExpiresIn > 0 && t.ExpiresIn <= time.Minute {
		r.add("service.short", "the token lasts %s", t.ExpiresIn)
	}
	r.add("service.ok", "the provider gave a token")
	return t, true
}

// serviceKind is f's kind for the client_credentials grant, which has no code.
func serviceKind(f refusal) string {
	if kind := f.kind(); kind != refusedCode {
		return kind
	}
	return refusedRequest
}

// seconds reads a number of seconds, also from a string as Entra ID's first
// version writes it; 0 without it.
func (o object) seconds(name string) time.Duration {
	var number float64
	if json.Unmarshal(o[name], &number) != nil {
		text, err := o.text(name)
		if err != nil {
			return 0
		}
		if number, err = strconv.ParseFloat(text, 64); err != nil {
			return 0
		}
	}
	if math.IsNaN(number) || number < 0 || number > 1e9 {
		return 0
	}
	return time.Duration(number) * time.Second
}
