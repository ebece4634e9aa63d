package postgres

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	scram = "SCRAM-SHA-256"
	// PostgreSQL's default is 4096; what is far above it is there to keep us busy.
	maxIterations = 1_000_000
)

// authenticate answers a request for the password in the ways that node-postgres
// knows.
func (s *session) authenticate(message pgproto3.BackendMessage) error {
	password := s.target.Password.Reveal()
	switch m := message.(type) {
	case *pgproto3.AuthenticationCleartextPassword:
		s.auth = "password"
		if s.tls == nil {
			return faultf("login.cleartext", "%s asks for the password in plain text, without TLS; it was not sent", s.target.address())
		}
		return s.send(&pgproto3.PasswordMessage{Password: password})
	case *pgproto3.AuthenticationMD5Password:
		s.auth = "md5"
		return s.send(&pgproto3.PasswordMessage{Password: "md5" + hexMD5(hexMD5(password+s.target.User)+string(m.Salt[:]))})
	case *pgproto3.AuthenticationSASL:
		s.auth = strings.ToLower(scram)
		if !slices.Contains(m.AuthMechanisms, scram) {
			return faultf("login.method", "the server offers only %s", text(strings.Join(m.AuthMechanisms, ", ")))
		}
		return s.scram(password)
	case *pgproto3.AuthenticationGSS:
		return faultf("login.method", "the server asks for Kerberos (GSSAPI)")
	}
	return strange(s.target.address(), nil)
}

func (s *session) send(message pgproto3.FrontendMessage) error {
	s.front.Send(message)
	return s.front.Flush()
}

// hexMD5 is PostgreSQL's own use of MD5, where the server still asks for it.
func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// scram is RFC 5802 and 7677 without channel binding. The password is taken byte
// for byte: node-postgres does not prepare it (RFC 4013) as libpq does.
func (s *session) scram(password string) error {
	random := make([]byte, 18)
	_, _ = rand.Read(random) // never fails
	nonce := base64.StdEncoding.EncodeToString(random)
	bare := "n=*,r=" + nonce
	if err := s.send(&pgproto3.SASLInitialResponse{AuthMechanism: scram, Data: []byte("n,," + bare)}); err != nil {
		return err
	}
	message, err := s.receive()
	if err != nil {
		return err
	}
	if e, ok := message.(*pgproto3.ErrorResponse); ok {
		return s.known(serverError(e))
	}
	challenge, ok := message.(*pgproto3.AuthenticationSASLContinue)
	if !ok {
		return faultf("login.scram", "the server leaves the order of SCRAM")
	}
	first := string(challenge.Data)
	attributes := attributesOf(first)
	salt, err := base64.StdEncoding.DecodeString(attributes["s"])
	iterations, number := strconv.Atoi(attributes["i"])
	if err != nil || number != nil || iterations < 1 || iterations > maxIterations || !strings.HasPrefix(attributes["r"], nonce) || attributes["r"] == nonce {
		return faultf("login.scram", "the server's part of SCRAM cannot be used")
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil { // in FIPS mode, for a short salt or password
		return faultf("login.scram", "this machine's FIPS mode refuses SCRAM with this salt or password")
	}
	final := "c=" + base64.StdEncoding.EncodeToString([]byte("n,,")) + ",r=" + attributes["r"]
	exchange := bare + "," + first + "," + final
	clientKey := mac(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	proof := mac(stored[:], exchange)
	subtle.XORBytes(proof, proof, clientKey)
	if err := s.send(&pgproto3.SASLResponse{Data: []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof))}); err != nil {
		return err
	}
	message, err = s.receive()
	if err != nil {
		return err
	}
	switch m := message.(type) {
	case *pgproto3.ErrorResponse:
		return s.known(serverError(m))
	case *pgproto3.AuthenticationSASLFinal:
		signature, err := base64.StdEncoding.DecodeString(attributesOf(string(m.Data))["v"])
		if err != nil || !hmac.Equal(signature, mac(mac(salted, "Server Key"), exchange)) {
			return faultf("login.signature", "%s does not know the role's password", s.target.address())
		}
		return nil
	}
	return faultf("login.scram", "the server leaves the order of SCRAM")
}

func mac(key []byte, s string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// attributesOf reads "r=…,s=…,i=…".
func attributesOf(s string) map[string]string {
	all := map[string]string{}
	for pair := range strings.SplitSeq(s, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			all[name] = value
		}
	}
	return all
}

// known is the fault of a server's error, with what only this side knows.
func (s *session) known(e *ServerError) *fault {
	f := e.fault()
	switch {
	case s.at > loggingIn:
	// Messages may be translated: what is sure is whether there was TLS.
	case f.id == "login.hba" && !s.target.SSL && strings.Contains(strings.ToLower(e.Message), "ssl"):
		f.id = "login.hba.tls"
	case f.id == "login.hba.tls" && s.target.SSL:
		f.id = "login.hba"
	case f.id == "server.denied":
		f.id = "database.connect"
	case f.id == "login.password" && s.auth == strings.ToLower(scram) && strings.ContainsFunc(s.target.Password.Reveal(), func(r rune) bool { return r > unicode.MaxASCII }):
		f.id = "login.unicode"
	}
	return f
}
