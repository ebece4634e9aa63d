package postgres

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// soon is how long before its end a certificate is warned of.
const soon = 21 * 24 * time.Hour

// TLS is what is known of a connection's encryption.
type TLS struct {
	Version  string        // "TLS 1.3"
	Cipher   string        // by its IANA name
	Verified bool          // as Node.js would
	Chain    []Certificate // as the server shows it, its own first
}

// Certificate is one of a chain.
type Certificate struct {
	Subject, Issuer     string // distinguished names
	SHA256              string // fingerprint: 64 hexadecimal digits
	Names               []string
	NotBefore, NotAfter time.Time
	SelfSigned          bool
	PEM                 []byte
}

func certificateOf(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return Certificate{
		Subject: verdict.Visible(c.Subject.String()), Issuer: verdict.Visible(c.Issuer.String()), SHA256: hex.EncodeToString(sum[:]), Names: names,
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SelfSigned: selfIssued(c),
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}),
	}
}

// Authority returns the certificate to trust, in PEM, if the chain has it: the
// one that ends it and is signed by itself. Whether it is the right one is for
// somebody who knows the server to say, by its fingerprint.
func (t TLS) Authority() ([]byte, bool) {
	at := slices.IndexFunc(t.Chain, func(c Certificate) bool { return c.SelfSigned })
	if at < 0 {
		return nil, false
	}
	return t.Chain[at].PEM, true
}

// handshake encrypts the connection and verifies the server as Node.js does.
func (c *Client) handshake(s *session) error {
	name := s.target.Host
	if _, is := s.target.ip(); is {
		name = "" // node-postgres sends no server name then
	}
	conn := tls.Client(s.conn, &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS12, Time: c.now,
		// Go's rules for names and chains are not Node.js's: verify has those.
		InsecureSkipVerify: true,
	})
	if err := conn.Handshake(); err != nil {
		return handshakeFault(s, err)
	}
	state := conn.ConnectionState()
	s.conn = conn
	s.tls = &TLS{Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite)}
	for _, certificate := range state.PeerCertificates {
		s.tls.Chain = append(s.tls.Chain, certificateOf(certificate))
	}
	if s.target.Mode == NoVerify {
		return nil
	}
	if f := c.verify(s.target, state.PeerCertificates); f != nil {
		return f
	}
	s.tls.Verified = true
	return nil
}

// handshakeFault words what goes wrong before there is a certificate to look at;
// what is no fault of TLS is left to broken.
func handshakeFault(s *session, err error) error {
	address := s.target.address()
	var record tls.RecordHeaderError
	switch {
	case timedOut(err):
		return err
	case strings.Contains(err.Error(), "protocol version"): // of an alert, or of the server's choice
		return faultf("tls.version", "%s has no TLS 1.2 or newer", address)
	case errors.As(err, &record):
		return faultf("tls.handshake", "%s agrees to TLS and then does not speak it", address)
	case strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "x509: "):
		return faultf("tls.handshake", "the TLS handshake with %s fails", address)
	}
	return err
}

// verify judges a chain by the rules of Node.js: only its own list of authorities
// (or only the given one), a chain that ends in a certificate signed by itself,
// the name by RFC 6125 with the common name as a fallback.
func (c *Client) verify(t Target, chain []*x509.Certificate) *fault {
	address, leaf := t.address(), chain[0]
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: c.roots, Intermediates: intermediates, CurrentTime: c.now()}
	chains, err := leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case err == nil:
		// OpenSSL, unlike Go, wants the root itself (X509_V_FLAG_PARTIAL_CHAIN is off).
		if !slices.ContainsFunc(chains, func(found []*x509.Certificate) bool { return selfIssued(found[len(found)-1]) }) {
			return faultf("tls.partial", "the CA file has a certificate of the chain of %s, but not the root %q (Node.js: UNABLE_TO_GET_ISSUER_CERT)", address, chains[0][len(chains[0])-1].Issuer)
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return c.validity(t, invalid.Cert)
	case errors.As(err, &authority):
		return c.untrusted(t, chain, options)
	default:
		return faultf("tls.certificate", "the certificate of %s cannot be used for a server", address)
	}
	name := strings.TrimSuffix(t.Host, ".")
	if _, is := t.ip(); is {
		name = "localhost" // what node-postgres leaves Node.js to compare with
	}
	if !isFor(leaf, name) {
		return faultf("tls.host", "the certificate of %s is for %s (Node.js: ERR_TLS_CERT_ALTNAME_INVALID)", address, namesOf(leaf))
	}
	return nil
}

// validity tells a certificate that has expired from one of the future.
func (c *Client) validity(t Target, certificate *x509.Certificate) *fault {
	const minute = "2006-01-02 15:04 MST"
	if c.now().Before(certificate.NotBefore) {
		return faultf("tls.early", "the certificate %q of %s is valid from %s on (Node.js: CERT_NOT_YET_VALID)", certificate.Subject, t.address(), certificate.NotBefore.UTC().Format(minute))
	}
	return faultf("tls.expired", "the certificate %q of %s has expired on %s (Node.js: CERT_HAS_EXPIRED)", certificate.Subject, t.address(), certificate.NotAfter.UTC().Format(minute))
}

// untrusted tells why a chain ends nowhere.
func (c *Client) untrusted(t Target, chain []*x509.Certificate, options x509.VerifyOptions) *fault {
	address, leaf := t.address(), chain[0]
	last := chain[len(chain)-1]
	options.Roots = c.public
	if _, err := leaf.Verify(options); c.private && err == nil {
		return faultf("tls.public", "the certificate of %s is issued by %q, a public authority, and the CA file does not have it", address, leaf.Issuer)
	}
	switch {
	case selfIssued(leaf):
		return faultf("tls.selfsigned", "the certificate of %s is signed by itself, SHA-256 %s (Node.js: DEPTH_ZERO_SELF_SIGNED_CERT)", address, certificateOf(leaf).SHA256)
	case slices.ContainsFunc(chain[1:], selfIssued):
		return faultf("tls.authority", "the certificate of %s comes from %q, which is not trusted (Node.js: SELF_SIGNED_CERT_IN_CHAIN)", address, last.Subject)
	// A public authority says where its certificate is, a private one rarely.
	case len(chain) == 1 && (c.private || len(leaf.IssuingCertificateURL) > 0):
		where := "which is not trusted by itself"
		if c.private {
			where = "which is not in the CA file"
		}
		return faultf("tls.incomplete", "%s shows its own certificate alone, issued by %q, %s (Node.js: UNABLE_TO_VERIFY_LEAF_SIGNATURE)", address, leaf.Issuer, where)
	case len(chain) == 1:
		return faultf("tls.authority", "the certificate of %s is issued by %q, which is not trusted (Node.js: UNABLE_TO_VERIFY_LEAF_SIGNATURE)", address, leaf.Issuer)
	}
	return faultf("tls.authority", "the certificate of %s comes from %q, which is not trusted (Node.js: UNABLE_TO_GET_ISSUER_CERT_LOCALLY)", address, last.Issuer)
}

// selfIssued says whether a certificate ends a chain.
func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// namesOf lists what a certificate is for.
func namesOf(c *x509.Certificate) string {
	all := certificateOf(c).Names
	if len(c.DNSNames) == 0 && c.Subject.CommonName != "" {
		all = append(all, c.Subject.CommonName)
	}
	if len(all) == 0 {
		return "no host name"
	}
	if len(all) > 4 {
		all = append(all[:4:4], "…")
	}
	return strings.Join(all, ", ")
}
