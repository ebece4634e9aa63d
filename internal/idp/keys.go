package idp

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// KeySet is a provider's published keys, as the API reads them.
type KeySet struct {
	Keys []Key // in the order of the document
}

// Key is one key. Why is "" for a key that can verify a token.
type Key struct {
	ID, Type, Use, Algorithm string // kid, kty, use, alg; "" when not there
	Bits                     int    // of an RSA modulus
	Why                      string // why the API cannot use it: "is EC, not RSA"

	public *rsa.PublicKey // what the API makes of it; nil when it skips the key
}

// Usable returns the IDs of the keys that can verify tokens.
func (s KeySet) Usable() []string {
	var ids []string
	for _, k := range s.Keys {
		if k.Why == "" {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// find returns the key that the API takes for kid: of several, the last.
func (s KeySet) find(kid string) (Key, bool) {
	for _, k := range slices.Backward(s.Keys) {
		if k.public != nil && k.ID == kid {
			return k, true
		}
	}
	return Key{}, false
}

// jwk is a key as the API decodes it: openchoreo internal/server/middleware/auth/
// jwt/jwks.go. A field of another type makes it refuse the whole set.
type jwk struct {
	Kid string   `json:"kid"`
	Kty string   `json:"kty"`
	Use string   `json:"use"`
	N   string   `json:"n"`
	E   string   `json:"e"`
	Alg string   `json:"alg"`
	X5c []string `json:"x5c,omitempty"`
}

const (
	leastBits = 1024 // below, crypto/rsa verifies nothing
	safeBits  = 2048 // NIST SP 800-131A
)

// Keys gets the key set from the jwks_uri and judges it by the API's rules: RSA
// keys with a kid.
func (c *Client) Keys(ctx context.Context, jwksURL string) (KeySet, []Verdict) {
	r := &report{}
	u, err := parseAddress(jwksURL)
	if err != nil {
		r.add("keys.address", "the address of the key set %s", err)
		return KeySet{}, r.verdicts
	}
	a, ok := c.send(ctx, r, call{address: u})
	if !ok || !r.status("keys", a, u) {
		return KeySet{}, r.verdicts
	}
	set := r.keys(a.body)
	return set, r.verdicts
}

// ParseKeys judges a key set that was got some other way, such as pasted.
func ParseKeys(data []byte) (KeySet, []Verdict) {
	r := &report{}
	set := r.keys(data)
	return set, r.verdicts
}

func (r *report) keys(data []byte) KeySet {
	if isHTML(data) {
		r.add("keys.html", "the answer is a web page")
		return KeySet{}
	}
	var document struct {
		Keys []jwk `json:"keys"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&document); err != nil {
		r.add("keys.unreadable", "the key set is no JSON of the right form")
		return KeySet{}
	}
	if _, err := d.Token(); err != io.EOF {
		r.add("keys.trailing", "something follows the key set")
	}
	var set KeySet
	for _, k := range document.Keys {
		set.Keys = append(set.Keys, k.key())
	}
	r.usable(set)
	return set
}

// usable says whether the API will find a key, and what is odd about the rest.
func (r *report) usable(set KeySet) {
	ids := set.Usable()
	if len(set.Keys) == 0 {
		r.add("keys.empty", "there is no key in the set")
		return
	}
	if len(ids) == 0 {
		r.useless(set)
		return
	}
	for i, k := range set.Keys {
		twin := func(other Key) bool { return other.public != nil && other.ID == k.ID }
		if k.public != nil && k.ID != "" && slices.ContainsFunc(set.Keys[:i], twin) {
			r.add("keys.duplicate", "two keys have the kid %s", r.veil.Words(k.ID))
		}
		switch {
		case k.Why == "" && k.Bits < safeBits:
			r.add("keys.weak", "the key %s has %d bits", r.veil.Words(k.ID), k.Bits)
		case k.public != nil && k.ID == "":
			r.add("keys.nameless", "a key of %d has no kid", len(set.Keys))
		case k.Why != "" && k.Type == "RSA" && k.Use != "enc":
			r.add("keys.ignored", "the key %s %s", r.veil.Words(k.ID), k.Why)
		}
	}
	if !r.blocked() {
		r.add("keys.ok", "%d of %d keys can verify tokens: %s", len(ids), len(set.Keys), r.listed(ids))
	}
}

// useless says why no key of the set can verify a token: by what most is wrong.
func (r *report) useless(set KeySet) {
	if !slices.ContainsFunc(set.Keys, func(k Key) bool { return k.Type == "RSA" }) {
		var types []string
		for _, k := range set.Keys {
			types = append(types, orNothing(k.Type))
		}
		slices.Sort(types)
		r.add("keys.type", "the keys are %s", r.listed(slices.Compact(types)))
		return
	}
	for _, k := range set.Keys {
		if k.Type == "RSA" {
			r.add(useless[k.Why], "the key %s %s", orNothing(r.veil.Words(k.ID)), k.Why)
		}
	}
}

// Why a key is of no use; each with its verdict when no other key helps.
const (
	whyNotRSA     = "is not RSA"
	whyNoKid      = "has no kid"
	whyEncryption = "is for encryption (use enc)"
	whyAlgorithm  = "is for another algorithm than RS or PS"
	whySmall      = "has fewer than 1024 bits"
	whyX5c        = "has only a certificate (x5c), no n and e"
	whyBroken     = "has an n or e that cannot be read"
)

var useless = map[string]string{
	whyNoKid: "keys.kid", whyEncryption: "keys.encryption", whyAlgorithm: "keys.algorithm",
	whySmall: "keys.small", whyX5c: "keys.x5c", whyBroken: "keys.broken",
}

// key judges k.
func (k jwk) key() Key {
	key := Key{ID: k.Kid, Type: k.Kty, Use: k.Use, Algorithm: k.Alg}
	if k.Kty != "RSA" {
		key.Why = whyNotRSA
		return key
	}
	key.public, _ = k.rsaKey()
	switch {
	case k.N == "" && k.E == "" && len(k.X5c) > 0:
		key.Why = whyX5c
	case key.public == nil:
		key.Why = whyBroken
	default:
		key.Bits = key.public.N.BitLen()
		key.Why = k.why(key.public)
	}
	return key
}

// why says what keeps an RSA key from verifying any token.
func (k jwk) why(public *rsa.PublicKey) string {
	switch {
	case public.N.Sign() == 0 || public.N.Bit(0) == 0 || public.E < 3 || public.E%2 == 0 || public.E > 1<<31-1:
		return whyBroken
	case public.N.BitLen() < leastBits:
		return whySmall
	case k.Use == "enc":
		return whyEncryption
	case k.Alg != "" && !rsaSignature(k.Alg):
		return whyAlgorithm
	case k.Kid == "":
		return whyNoKid
	}
	return ""
}

// rsaKey reads the key as the API does.
func (k jwk) rsaKey() (*rsa.PublicKey, error) {
	n, err := jwt.NewParser().DecodeSegment(k.N)
	if err != nil {
		return nil, fmt.Errorf("n: %w", err)
	}
	e, err := jwt.NewParser().DecodeSegment(k.E)
	if err != nil {
		return nil, fmt.Errorf("e: %w", err)
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	for _, b := range e {
		public.E = public.E*256 + int(b)
	}
	return public, nil
}

// rsaSignature says whether alg is a signature with an RSA key.
func rsaSignature(alg string) bool {
	return slices.Contains([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, alg)
}
