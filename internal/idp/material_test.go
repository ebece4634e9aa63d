package idp_test

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// material is what texts of servers are made of: keys and functions for templates
// between << and >>.
type material struct {
	keys map[string]crypto.Signer
}

var testMaterial = sync.OnceValue(func() material {
	m := material{keys: map[string]crypto.Signer{}}
	for id, bits := range map[string]int{"k1": 2048, "k2": 2048, "weak": 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		m.keys[id] = key
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	m.keys["ec"], m.keys["ed"] = ec, ed
	return m
})

// good are the parts of a faultless provider at https://id.example.com.
var good = map[string]string{
	"document": `{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/authorize","token_endpoint":"https://id.example.com/token","jwks_uri":"https://id.example.com/keys","userinfo_endpoint":"https://id.example.com/me","scopes_supported":["openid","profile","email","groups"],"grant_types_supported":["authorization_code","client_credentials","refresh_token"],"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],"response_types_supported":["code"],"id_token_signing_alg_values_supported":["RS256"]}`,
	"service":  `{"iss":"https://id.example.com","sub":"portal-service","client_id":"portal-service","aud":"openchoreo"}`,
	"user":     `{"iss":"https://id.example.com","sub":"u-1","client_id":"portal","aud":"openchoreo","email":"dev@example.com","name":"Dev","groups":["developers"]}`,
}

// render fills in a text. edit is JSON that is merged over the good part: null
// takes a field out.
func (m material) render(text string) string {
	var b strings.Builder
	t := template.Must(template.New("").Delims("<<", ">>").Funcs(template.FuncMap{
		"document":  func(edit string) string { return merge(good["document"], edit) },
		"service":   func(edit string) string { return merge(m.times(good["service"]), edit) },
		"user":      func(edit string) string { return merge(m.times(good["user"]), edit) },
		"jwk":       m.jwk,
		"keys":      func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` },
		"sign":      m.sign,
		"repeat":    strings.Repeat,
		"gzip":      pack,
		"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"after":     func(seconds int) int64 { return now.Add(time.Duration(seconds) * time.Second).Unix() },
		"date": func(seconds int) string {
			return now.Add(time.Duration(seconds) * time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")
		},
		"cut":   func(n int, s string) string { return s[:len(s)-n] },
		"spoil": func(s string) string { return s[:len(s)-20] + "AAAAAAAAAA" + s[len(s)-10:] },
	}).Parse(text))
	if err := t.Execute(&b, nil); err != nil {
		panic(err)
	}
	return b.String()
}

func (material) times(claims string) string {
	return merge(claims, fmt.Sprintf(`{"iat":%d,"exp":%d}`, now.Add(-time.Second).Unix(), now.Add(time.Hour).Unix()))
}

// sign makes a token: the header is merged over that of key k1. key "" leaves
// the signature out, "hmac" is a shared secret.
func (m material) sign(key, header, claims string) string {
	head := map[string]any{}
	must(json.Unmarshal([]byte(merge(`{"alg":"RS256","typ":"at+jwt","kid":"k1"}`, header)), &head))
	text := encode(head) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	alg, _ := head["alg"].(string)
	method := jwt.GetSigningMethod(alg)
	var with any
	switch key {
	case "":
		return text + "."
	case "hmac":
		method, with = jwt.SigningMethodHS256, []byte("shared")
	default:
		with = m.keys[key]
		if method == nil {
			method = jwt.SigningMethodRS256
		}
	}
	if _, ok := with.(*rsa.PrivateKey); ok && !strings.HasPrefix(method.Alg(), "RS") && !strings.HasPrefix(method.Alg(), "PS") {
		method = jwt.SigningMethodRS256 // the header lies
	}
	signature, err := method.Sign(text, with)
	must(err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(head map[string]any) string {
	raw, err := json.Marshal(head)
	must(err)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// jwk is the public half of a key, with an edit merged over it.
func (m material) jwk(id, edit string) string {
	raw := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	k := map[string]any{"kid": id, "use": "sig"}
	switch public := m.keys[id].Public().(type) {
	case *rsa.PublicKey:
		k["kty"], k["alg"], k["n"], k["e"] = "RSA", "RS256", raw(public.N.Bytes()), raw(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		must(err)
		k["kty"], k["alg"], k["crv"], k["x"], k["y"] = "EC", "ES256", "P-256", raw(point[1:33]), raw(point[33:])
	case ed25519.PublicKey:
		k["kty"], k["alg"], k["crv"], k["x"] = "OKP", "EdDSA", "Ed25519", raw(public)
	}
	text, err := json.Marshal(k)
	must(err)
	return merge(string(text), edit)
}

// merge puts the fields of edit over those of base; null takes one out.
func merge(base, edit string) string {
	fields, over := map[string]any{}, map[string]any{}
	decode := func(s string, to any) {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		must(d.Decode(to))
	}
	decode(base, &fields)
	if edit != "" {
		decode(edit, &over)
	}
	for name, value := range over {
		fields[name] = value
		if value == nil {
			delete(fields, name)
		}
	}
	text, err := json.Marshal(fields)
	must(err)
	return string(text)
}

func pack(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	must(err)
	must(w.Close())
	return b.String()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func rsaPublic(id string) *rsa.PublicKey {
	return testMaterial().keys[id].Public().(*rsa.PublicKey)
}
