package wizard

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

// providedBench is a screen on the identity step, with all else answered.
func providedBench(t *testing.T, clientSecret string) (*bench, *idptest.Provider) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"client.id": idptest.Portal, "database.type": "sqlite"})
	typeSecret(t, s, "client.secret", clientSecret)
	b := benchOf(t, s, 100, 40).settle()
	b.do(b.m.jump("identity"))
	return b.settle().wait(), provider
}

func TestScreenAsksTheProvider(t *testing.T) {
	b, provider := providedBench(t, idptest.PortalSecret)
	b.hides("Token endpoint").types(provider.Issuer).press("enter").shows("Asking the identity provider").on("identity")
	b.settle()
	if b.m.here() == "identity" {
		t.Error("the step stays, with nothing left to ask")
	}
	d := b.m.s.Input().Draft
	if d.Identity.TokenURL != provider.URL+"/oauth/token" || d.From["identity.tokenUrl"].Rank != answers.FromProvider {
		t.Fatalf("token endpoint %q from %v", d.Identity.TokenURL, d.From["identity.tokenUrl"])
	}
	if d.Authorization.Subject != idptest.Portal {
		t.Errorf("the binding names %q", d.Authorization.Subject)
	}
	b.press("ctrl+g").settle().wait().shows("Apply these").hides("failed")
}

// TestScreenGoesOnWithoutTheAnswer: the step waits for the provider, unless it is
// left once more: then what it would say is asked. It does not run away from
// somebody who types.
func TestScreenGoesOnWithoutTheAnswer(t *testing.T) {
	b, provider := providedBench(t, idptest.PortalSecret)
	b.types(provider.Issuer).press("enter", "enter").on("identity").shows("Token endpoint")
	b.settle().on("identity").shows(provider.URL + "/oauth/token")

	b, provider = providedBench(t, idptest.PortalSecret)
	b.types(provider.Issuer).press("enter", "end").on("identity")
	b.settle().on("identity").hides("Asking")
	if b.m.s.Input().Draft.Identity.TokenURL == "" {
		t.Error("the answer was not taken in")
	}
}

// TestScreenDropsTheAnswerOfAnother: what an earlier issuer said does not fill in
// answers of the one that is asked by now.
func TestScreenDropsTheAnswerOfAnother(t *testing.T) {
	b, provider := providedBench(t, idptest.PortalSecret)
	give(t, b.m.s, map[string]string{"identity.issuer": provider.Issuer})
	first := b.m.startAsk()
	give(t, b.m.s, map[string]string{"identity.issuer": "http://127.0.0.1:1"})
	b.do(b.m.startAsk())
	b.do(first)
	b.settle()
	if d := b.m.s.Input().Draft; d.Identity.AuthorizationURL != "" {
		t.Errorf("authorization endpoint %q of the issuer before", d.Identity.AuthorizationURL)
	}
}

func TestScreenMakesAWayRoundAFailedCheck(t *testing.T) {
	b, provider := providedBench(t, "not the secret of it")
	give(t, b.m.s, map[string]string{"identity.issuer": provider.Issuer, "authorization.subject": "portal"})
	b.do(b.m.relook())
	b.settle().press("ctrl+g").settle().wait()
	b.shows("Check identity.service-token failed", "invalid_client", "leave it out, with a reason", "Go to OAuth client")
	b.press("s").wait().shows("Why is check identity.service-token left out?")
	b.press("enter").shows("must be a reason")
	b.types("the client comes tomorrow").press("enter").settle().wait()
	status := map[string]check.Status{}
	found := map[string]string{}
	for _, r := range b.m.checks.results {
		status[r.ID], found[r.ID] = r.Status, r.Found
	}
	if status["identity.service-token"] != check.Skip || !strings.Contains(found["identity.service-token"], "the client comes tomorrow") {
		t.Errorf("%v %v", status, found)
	}
	b.press("esc").settle()
	if b.m.menu != nil {
		t.Error("a menu stays open")
	}
}

// TestScreenTakesAToken: it is judged, and never on the screen.
func TestScreenTakesAToken(t *testing.T) {
	b, provider := providedBench(t, idptest.PortalSecret)
	give(t, b.m.s, map[string]string{"identity.issuer": provider.Issuer})
	b.do(b.m.relook())
	b.settle().press("ctrl+g").settle().wait().shows("could not tell")
	b.press("t").wait().shows("Judge an access token").press("enter").wait()
	b.m.paste("not.a." + typedSecret)
	b.press("ctrl+z", "x").shows("Paste a person's access token")
	b.press("enter").settle().wait()
	for _, r := range b.m.checks.results {
		if r.ID == "identity.claims" && r.Status != check.Fail {
			t.Errorf("a text that is no token: %+v", r)
		}
	}
	b.shows("identity.claims")
}
