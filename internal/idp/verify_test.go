package idp_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

func realNow() time.Time { return time.Now() }

func testKeys(t testing.TB) idp.KeySet {
	t.Helper()
	keys, verdicts := idp.ParseKeys([]byte(testMaterial().render("<<keys (jwk `k1` ``)>>")))
	if outcome(verdicts) != "pass keys.ok" {
		t.Fatal(verdicts)
	}
	return keys
}

func TestVerifyReadsTheClaims(t *testing.T) {
	m := testMaterial()
	token := m.sign("k1", `{}`, merge(m.times(good["service"]), `{"azp":"a","appid":"b","cid":"c","scp":["x","y"],"nbf":1772600000}`))
	got, verdicts := idp.Verify(secret.New("  Bearer "+token+"\n"), testKeys(t), idp.Expectations{Issuer: "https://id.example.com"}, now)
	if outcome(verdicts) != "pass token.ok" {
		t.Error(verdicts)
	}
	if want := []idp.ClientID{{"client_id", "portal-service"}, {"azp", "a"}, {"appid", "b"}, {"cid", "c"}}; !slices.Equal(got.ClientIDs, want) {
		t.Error(got.ClientIDs)
	}
	if !slices.Equal(got.Scopes, []string{"x", "y"}) || !slices.Equal(got.Audience, []string{"openchoreo"}) || got.KeyID != "k1" ||
		got.Issuer != "https://id.example.com" || !got.NotBefore.Equal(time.Unix(1772600000, 0)) || got.Expires.Sub(now) != time.Hour ||
		!slices.Equal(got.Values, []string{"portal-service"}) || !slices.Contains(got.Names, "appid") {
		t.Errorf("%+v", got)
	}
}

// TestVerdictsNeverHoldTheToken: not even its parts, which are the claims of a
// person.
func TestVerdictsNeverHoldTheToken(t *testing.T) {
	m := testMaterial()
	token := m.sign("k2", `{"kid":"k9"}`, merge(m.times(good["user"]), `{"iss":"other","groups":null}`))
	for _, raw := range []string{token, token[:len(token)-4], token + "x", strings.ReplaceAll(token, ".", ":")} {
		_, verdicts := idp.Verify(secret.New(raw), testKeys(t), idp.Expectations{Issuer: raw, User: true}, now)
		for _, v := range verdicts {
			for part := range strings.SplitSeq(raw, ".") {
				if strings.Contains(v.Found, part) {
					t.Errorf("%s shows %q", v.ID, part)
				}
			}
		}
		if idp.Worst(verdicts) == idp.Pass || idp.Worst(verdicts) == idp.Warn {
			t.Error(verdicts)
		}
	}
}
