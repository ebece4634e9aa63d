package plan

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"strconv"
	"strings"
	"time"
)

// ShownChain is what a PostgreSQL server shows of itself before anybody logs in:
// nobody has vouched for it.
type ShownChain struct {
	Address      string // host:port of the server; "" is nobody's
	Certificates []ShownCertificate
	Why          string // there are none; completes "it shows none: "
}

// ShownCertificate is one of a server's chain.
type ShownCertificate struct {
	Subject, Issuer     string
	Fingerprint         string // "sha256:" and 64 hexadecimal digits
	NotBefore, NotAfter time.Time
	Authority           bool // signed by itself, so that Node.js can take it for an authority
	PEM                 []byte
}

// Authorities are those that Node.js could be told to trust.
func (c ShownChain) Authorities() []ShownCertificate {
	var all []ShownCertificate
	for _, certificate := range c.Certificates {
		if certificate.Authority {
			all = append(all, certificate)
		}
	}
	return all
}

// PostgresAddress is host:port of the answers.
func (in Input) PostgresAddress() string {
	pg := in.Draft.Database.PostgreSQL
	return net.JoinHostPort(strings.TrimSpace(pg.Host), strconv.Itoa(pg.Port))
}

// Shown is what the server of the answers shows; zero until it was asked.
func (in Input) Shown() ShownChain {
	if c := in.Current.PostgresShown; c.Address == in.PostgresAddress() {
		return c
	}
	return ShownChain{}
}

// TrustedShown is the authority of the server's chain that database.postgresql.trustCA
// names.
func (in Input) TrustedShown() (ShownCertificate, bool) {
	wanted, ok := Fingerprint(in.Draft.Database.PostgreSQL.TrustCA)
	if !ok || !in.Draft.Has("database.postgresql.trustCA") {
		return ShownCertificate{}, false
	}
	for _, certificate := range in.Shown().Authorities() {
		if certificate.Fingerprint == wanted {
			return certificate, true
		}
	}
	return ShownCertificate{}, false
}

// TrustsAlready tells whether the portal's Secret has the certificate that
// database.postgresql.trustCA names.
func (in Input) TrustsAlready() bool {
	wanted, ok := Fingerprint(in.Draft.Database.PostgreSQL.TrustCA)
	kept, _, there := in.existing(postgresCA)
	if !ok || !there {
		return false
	}
	rest := []byte(kept.Reveal())
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			if sum := sha256.Sum256(certificate.Raw); "sha256:"+hex.EncodeToString(sum[:]) == wanted {
				return true
			}
		}
	}
}

// Fingerprint reads a certificate's SHA-256 fingerprint as this program, openssl
// and browsers write it, and returns it as "sha256:" with 64 hexadecimal digits.
func Fingerprint(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if _, digits, ok := strings.Cut(text, "fingerprint="); ok { // openssl x509 -fingerprint
		text = digits
	}
	text = strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(text, "sha256:"))
	raw, err := hex.DecodeString(text)
	return "sha256:" + text, err == nil && len(raw) == sha256.Size
}
