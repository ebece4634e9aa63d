package idp_test

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// TestRealProviderTellsASecretByABogusCode: both orders of checking are real.
func TestRealProviderTellsASecretByABogusCode(t *testing.T) {
	for _, test := range []struct {
		name, secret       string
		codeFirst, control bool
		basicOnly          bool
		want               string
	}{
		{"right", clientSecret, false, true, false, "pass signin.ok"},
		{"right without control", clientSecret, false, false, false, "inconclusive signin.unproven"},
		{"wrong", "wrong secret", false, true, false, "fail signin.client"},
		{"code first, right", clientSecret, true, true, false, "inconclusive signin.alike"},
		{"code first, wrong", "wrong secret", true, true, false, "inconclusive signin.alike"},
		{"Basic only", clientSecret, false, true, true, "fail signin.basic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			issuer := idptest.Start(t, idptest.Options{Redirect: callback, CodeFirst: test.codeFirst, BasicOnly: test.basicOnly}).Issuer
			got := direct(t).SignInSecret(t.Context(), idp.SignInRequest{
				TokenURL: issuer + "/oauth/token", ClientID: "portal", Secret: secret.New(test.secret), Redirect: callback, Control: test.control,
			})
			if outcome(got) != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
}

func TestRealProviderKnowsTheRedirectAddress(t *testing.T) {
	issuer := idptest.Start(t, idptest.Options{Redirect: callback}).Issuer
	for redirect, want := range map[string]string{
		callback:                         "pass redirect.ok",
		callback + "/":                   "fail redirect.unregistered",
		"https://other.example.com/":     "fail redirect.unregistered",
		"http" + callback[len("https"):]: "fail redirect.unregistered",
	} {
		got := direct(t).Redirect(t.Context(), idp.RedirectRequest{
			AuthorizationURL: issuer + "/authorize", ClientID: "portal", Redirect: redirect, Scopes: []string{"openid", "profile", "email"},
		})
		if outcome(got) != want {
			t.Errorf("%s: %v, want %s", redirect, got, want)
		}
	}
}

func TestNothingIsAskedWithoutAddressOrCredentials(t *testing.T) {
	c := direct(t)
	for want, got := range map[string][]idp.Verdict{
		"fail signin.address":            c.SignInSecret(t.Context(), idp.SignInRequest{TokenURL: "x"}),
		"inconclusive signin.incomplete": c.SignInSecret(t.Context(), idp.SignInRequest{TokenURL: "https://id.example.com"}),
		"fail redirect.address":          c.Redirect(t.Context(), idp.RedirectRequest{AuthorizationURL: "https://id.example.com", Redirect: "/x"}),
	} {
		if outcome(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
