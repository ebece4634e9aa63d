package idp_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// TestServiceTokenIsRequestedAsBackstageDoes holds the bytes of both requests.
func TestServiceTokenIsRequestedAsBackstageDoes(t *testing.T) {
	ca := newAuthority(t)
	refused := wire("HTTP/1.1 401 Unauthorized\nContent-Type: application/json\n\n{\"error\":\"invalid_client\"}")
	s := serve(t, ca.valid(t), refused, refused)
	_, verdicts := s.client(t, ca).ServiceToken(t.Context(), idp.ServiceRequest{
		TokenURL: "https://id.example.com/token?x=1", ClientID: "a b:c", Secret: secret.New(" " + clientSecret + "\n"), Scopes: []string{"openid", "api://x/.default"},
	})
	if got := outcome(verdicts); got != "warn service.blank, fail service.client" {
		t.Error(got)
	}
	asked := s.asked()
	if len(asked) != 2 {
		t.Fatalf("%d requests", len(asked))
	}
	for i, r := range asked {
		form, err := url.ParseQuery(r.body)
		if err != nil || r.Method != "POST" || r.URL.String() != "/token?x=1" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%d: %v %s %s %v", i, err, r.Method, r.URL, r.Header)
		}
		want := url.Values{"grant_type": {"client_credentials"}, "scope": {"openid api://x/.default"}}
		if i == 0 {
			want["client_id"], want["client_secret"] = []string{"a b:c"}, []string{clientSecret}
		}
		if form.Encode() != want.Encode() {
			t.Errorf("%d: %v", i, form)
		}
	}
	if asked[0].Header.Get("Authorization") != "" {
		t.Error("the first request has an Authorization header")
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("a+b%3Ac:"+url.QueryEscape(clientSecret)))
	if got := asked[1].Header.Get("Authorization"); got != basic {
		t.Error("the diagnostic request has no form-encoded Basic credentials")
	}
}

func TestServiceTokenAsksNothingWithoutCredentials(t *testing.T) {
	ca := newAuthority(t)
	s := serve(t, ca.valid(t))
	for want, q := range map[string]idp.ServiceRequest{
		"inconclusive service.incomplete":                     {TokenURL: "https://id.example.com/token", ClientID: "x"},
		"warn service.blank, inconclusive service.incomplete": {TokenURL: "https://id.example.com/token", ClientID: "x", Secret: secret.New("  ")},
		"fail service.address":                                {TokenURL: "id.example.com", ClientID: "x", Secret: secret.New("y")},
	} {
		if _, verdicts := s.client(t, ca).ServiceToken(t.Context(), q); outcome(verdicts) != want {
			t.Error(want, verdicts)
		}
	}
	if len(s.asked()) != 0 {
		t.Error("something was asked")
	}
}

func TestShortSecretsAreHiddenWithTheWholeSentence(t *testing.T) {
	ca := newAuthority(t)
	s := serve(t, ca.valid(t), wire("HTTP/1.1 400 Bad\n\n{\"error\":\"invalid_request\",\"error_description\":\"xyz7 is bad\"}"))
	_, verdicts := s.client(t, ca).ServiceToken(t.Context(), idp.ServiceRequest{TokenURL: "https://id.example.com", ClientID: "x", Secret: secret.New("xyz7")})
	for _, v := range verdicts {
		if strings.Contains(v.Found, "xyz7") {
			t.Error(v)
		}
	}
	if outcome(verdicts) != "warn answer.echo, fail service.request" {
		t.Error(verdicts)
	}
}

func TestRealProviderGivesServiceTokens(t *testing.T) {
	p := idptest.Start(t, idptest.Options{Redirect: callback})
	issuer := p.Issuer
	c := direct(t)
	d, _ := c.Discover(t.Context(), issuer)
	keys, _ := c.Keys(t.Context(), d.JWKSURI)
	ask := func(id, s string) (idp.Token, string) {
		token, verdicts := c.ServiceToken(t.Context(), idp.ServiceRequest{TokenURL: d.TokenEndpoint, ClientID: id, Secret: secret.New(s), Scopes: []string{"openid"}})
		return token, outcome(verdicts)
	}
	token, got := ask("service", serviceSecret)
	if got != "pass service.ok" {
		t.Fatal(got)
	}
	e := idp.Expectations{Issuer: issuer, Audiences: []string{"openchoreo"}, ClientID: "service", Ahead: token.Ahead, Dated: token.Dated}
	claims, verdicts := idp.Verify(token.Access, keys, e, realNow())
	if outcome(verdicts) != "pass token.ok" || claims.Subject != "service" || claims.Kind != idp.ServiceAccount || claims.Algorithm != "RS256" || claims.Expires.IsZero() {
		t.Errorf("%+v %v", claims, verdicts)
	}
	e.Issuer += "/"
	if _, verdicts = idp.Verify(token.Access, keys, e, realNow()); outcome(verdicts) != "fail token.issuer.slash" {
		t.Error(verdicts)
	}
	if _, got = ask("portal", clientSecret); got != "pass service.ok" {
		t.Error(got)
	}
	if _, got = ask("service", "wrong secret"); got != "fail service.client" {
		t.Error(got)
	}
	if token, got = ask("opaque", serviceSecret); got != "pass service.ok" {
		t.Error(got)
	}
	if _, verdicts = idp.Verify(token.Access, keys, e, realNow()); outcome(verdicts) != "fail token.encrypted" { // how this provider makes them opaque
		t.Error(verdicts)
	}
	p.BasicOnly(true)
	if _, got = ask("service", serviceSecret); got != "fail service.basic" {
		t.Error(got)
	}
	if _, got = ask("service", "wrong secret"); got != "fail service.client" {
		t.Error(got)
	}
}
