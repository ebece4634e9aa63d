package idp_test

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
)

const callback = "https://console.example.com/api/auth/openchoreo-auth/handler/frame"

const serviceSecret = idptest.ServiceSecret

func direct(t *testing.T) *idp.Client {
	t.Helper()
	c, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRealProviderIsDiscovered(t *testing.T) {
	issuer := idptest.Start(t, idptest.Options{Redirect: callback}).Issuer
	c := direct(t)
	d, verdicts := c.Discover(t.Context(), issuer)
	if got := outcome(verdicts); got != "warn discovery.loopback, warn discovery.loopback, warn discovery.loopback, pass discovery.ok" {
		t.Error(got)
	}
	if d.Issuer != issuer || d.TokenEndpoint != issuer+"/oauth/token" || d.WellKnown != issuer+"/.well-known/openid-configuration" {
		t.Errorf("%+v", d)
	}
	again, _ := c.Discover(t.Context(), d.WellKnown)
	if again.Issuer != issuer {
		t.Errorf("%+v", again)
	}
	set, verdicts := c.Keys(t.Context(), d.JWKSURI)
	if outcome(verdicts) != "pass keys.ok" || len(set.Usable()) != 1 {
		t.Error(set, verdicts)
	}
}
