package idp

import (
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var errAlgorithm, errKeyID, errKey, errKeyAlgorithm, errIssuer, errAudience = errors.New("alg"), errors.New("kid"),
	errors.New("unknown key"), errors.New("algorithm of the key"), errors.New("iss"), errors.New("aud")

// accept does with a token what the API does, and nothing else: openchoreo
// internal/server/middleware/auth/jwt/middleware.go, the same in v1.0.0 to v1.2.3.
// clock_skew of the API's configuration is not used there, so there is no leeway.
func accept(token string, keys KeySet, e Expectations, now time.Time) (jwt.MapClaims, error) {
	parsed, err := jwt.Parse(token, func(t *jwt.Token) (any, error) {
		alg, ok := t.Header["alg"].(string)
		if !ok {
			return nil, errAlgorithm
		}
		kid, ok := t.Header["kid"].(string)
		if !ok {
			return nil, errKeyID
		}
		key, ok := keys.find(kid)
		if !ok {
			return nil, errKey
		}
		if key.Algorithm != "" && key.Algorithm != alg {
			return nil, errKeyAlgorithm
		}
		return key.public, nil
	}, jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return nil, err
	}
	claims, _ := parsed.Claims.(jwt.MapClaims)
	if iss, ok := claims["iss"].(string); e.Issuer != "" && (!ok || iss != e.Issuer) {
		return nil, errIssuer
	}
	if len(e.Audiences) > 0 && !slices.ContainsFunc(audience(claims), func(a string) bool { return slices.Contains(e.Audiences, a) }) {
		return nil, errAudience
	}
	return claims, nil
}

// audience is the aud claim, a string or a list.
func audience(claims jwt.MapClaims) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		return texts(aud)
	}
	return nil
}

// texts returns the strings of a list.
func texts(list []any) []string {
	var all []string
	for _, each := range list {
		if s, ok := each.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// What the API takes a caller for: resolver.go.
const (
	User           = "user"
	ServiceAccount = "service_account"
)

// resolve says what the API takes a caller for, and the values that bindings are
// compared with. The first claim that says something wins; an empty string says
// that it is a user without any group. kind is "" when neither does: 401.
func resolve(claims jwt.MapClaims, e Expectations) (kind string, values []string) {
	for _, subject := range []struct{ kind, claim string }{{User, e.userClaim()}, {ServiceAccount, e.serviceClaim()}} {
		value, ok := claims[subject.claim]
		if !ok {
			continue
		}
		if values := entitlements(value); len(values) > 0 {
			return subject.kind, values
		}
		if value == "" {
			return subject.kind, nil
		}
	}
	return "", nil
}

// entitlements are the values of a claim: a string or a list, without empty ones.
func entitlements(value any) []string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		return slices.DeleteFunc(texts(v), func(s string) bool { return s == "" })
	}
	return nil
}
