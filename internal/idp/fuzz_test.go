package idp_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// bodies adds the bodies of a check's vectors as seeds.
func bodies(f *testing.F, check string) {
	f.Helper()
	for _, v := range vectors(f, check) {
		for _, a := range v.answers {
			if _, body, ok := strings.Cut(testMaterial().render(a), "\n\n"); ok && len(body) < 4096 {
				f.Add([]byte(body))
			}
		}
	}
}

// FuzzDiscovery: what passes has what the portal reads, by a plain reading of the
// same bytes, and no verdict is unfit to be shown.
func FuzzDiscovery(f *testing.F) {
	bodies(f, "discovery")
	f.Fuzz(func(t *testing.T, body []byte) {
		d, verdicts := idp.ParseDiscovery(body, "https://id.example.com")
		for _, v := range verdicts {
			presentable(t, v)
		}
		if worst := idp.Worst(verdicts); worst == idp.Fail || worst == idp.Inconclusive {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\ufeff")), &plain); err != nil {
			t.Fatalf("passes, but is no JSON: %v", err)
		}
		for name, got := range map[string]string{"issuer": d.Issuer, "authorization_endpoint": d.AuthorizationEndpoint, "token_endpoint": d.TokenEndpoint, "jwks_uri": d.JWKSURI} {
			if plain[name] != got || !strings.HasPrefix(got, "http") {
				t.Errorf("%s is %q, the document has %v", name, got, plain[name])
			}
		}
	})
}

// FuzzKeys: a set that passes has a key that the API can verify with.
func FuzzKeys(f *testing.F) {
	bodies(f, "keys")
	f.Fuzz(func(t *testing.T, body []byte) {
		set, verdicts := idp.ParseKeys(body)
		for _, v := range verdicts {
			presentable(t, v)
		}
		fails := idp.Worst(verdicts) == idp.Fail
		if fails != (len(set.Usable()) == 0) {
			t.Errorf("%d keys are usable: %v", len(set.Usable()), verdicts)
		}
		for _, k := range set.Keys {
			if k.Why == "" && (k.ID == "" || k.Type != "RSA" || k.Bits < 1024) {
				t.Errorf("%+v is called usable", k)
			}
		}
	})
}

// FuzzToken: nothing passes that the library rejects when it is asked plainly,
// and no verdict holds the token.
func FuzzToken(f *testing.F) {
	m := testMaterial()
	token := m.sign("k1", `{}`, m.times(good["service"]))
	for _, seed := range []string{token, token + ".", "." + token, "a.b.c", "a.b.c.d.e", "", "Bearer " + token, strings.ToUpper(token), token[:len(token)-1] + "="} {
		f.Add(seed)
	}
	keys := testKeys(f)
	f.Fuzz(func(t *testing.T, raw string) {
		claims, verdicts := idp.Verify(secret.New(raw), keys, idp.Expectations{Issuer: "https://id.example.com"}, now)
		for _, v := range verdicts {
			if v.Found == "" || len(raw) > 20 && strings.Contains(v.Found, raw) {
				t.Errorf("%+v", v)
			}
		}
		if worst := idp.Worst(verdicts); worst == idp.Fail || worst == idp.Inconclusive {
			return
		}
		fields := strings.Fields(raw)
		parsed, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(func() time.Time { return now })).
			Parse(fields[len(fields)-1], func(*jwt.Token) (any, error) { return rsaPublic("k1"), nil })
		if err != nil || !parsed.Valid || claims.Issuer != "https://id.example.com" {
			t.Errorf("passes, but the library says %v", err)
		}
	})
}

// FuzzErrorBody: whatever a provider says about a request, what is shown holds
// neither the secret nor what a terminal would interpret.
func FuzzErrorBody(f *testing.F) {
	bodies(f, "service")
	f.Fuzz(func(t *testing.T, body []byte) {
		verdict := idp.Refusal(400, body, secret.New(clientSecret))
		if strings.Contains(verdict.Found, clientSecret) || verdict.Class == idp.Pass {
			t.Errorf("%+v", verdict)
		}
		presentable(t, verdict)
	})
}
