package pgtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// Authority issues certificates.
type Authority struct {
	Certificate *x509.Certificate
	PEM         []byte
	above       []byte // PEM of what is between it and the root
	key         *ecdsa.PrivateKey
}

// Certificate is what one is to be like. Without times it is valid now.
type Certificate struct {
	Subject       string // common name
	Names         []string
	IPs           []net.IP
	Before, After time.Time
	Usage         []x509.ExtKeyUsage // serverAuth if there is none
	IssuerURL     string
	SelfSigned    bool
	Alone         bool // shown without what is between it and the root
	WithRoot      bool // shown with the root
}

// Pair is a certificate with those above it, and its key, in PEM.
type Pair struct{ Chain, Key []byte }

// TLS is the pair for a server of Go's.
func (p Pair) TLS() tls.Certificate {
	pair, err := tls.X509KeyPair(p.Chain, p.Key)
	must(err)
	return pair
}

// NewAuthority makes one with a root of its own.
func NewAuthority(name string) *Authority {
	return newAuthority(name, nil)
}

// Intermediate makes an authority below a.
func (a *Authority) Intermediate(name string) *Authority { return newAuthority(name, a) }

// Pool has the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

func newAuthority(name string, above *Authority) *Authority {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(1000 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a := &Authority{key: key}
	parent, signer := template, key
	if above != nil {
		parent, signer = above.Certificate, above.key
	}
	a.Certificate = create(template, parent, key, signer)
	a.PEM = encode("CERTIFICATE", a.Certificate.Raw)
	if above != nil {
		a.above = append(bytes.Clone(a.PEM), above.above...)
	}
	return a
}

// Issue makes a certificate for a server.
func (a *Authority) Issue(c Certificate) Pair {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: c.Subject}, DNSNames: c.Names, IPAddresses: c.IPs,
		NotBefore: c.Before, NotAfter: c.After, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: c.Usage, BasicConstraintsValid: true,
	}
	if c.Usage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if c.Before.IsZero() {
		template.NotBefore = time.Now().Add(-24 * time.Hour)
	}
	if c.After.IsZero() {
		template.NotAfter = time.Now().Add(90 * 24 * time.Hour)
	}
	if c.IssuerURL != "" {
		template.IssuingCertificateURL = []string{c.IssuerURL}
	}
	parent, signer := a.Certificate, a.key
	if c.SelfSigned {
		parent, signer = template, key
	}
	chain := encode("CERTIFICATE", create(template, parent, key, signer).Raw)
	if !c.Alone && !c.SelfSigned {
		chain = append(chain, a.above...)
	}
	if c.WithRoot {
		chain = append(chain, a.PEM...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	return Pair{Chain: chain, Key: encode("PRIVATE KEY", der)}
}

func create(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	return certificate
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return key
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	must(err)
	return n.Add(n, big.NewInt(1))
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// must ends a test whose material cannot be made.
func must(err error) {
	if err != nil {
		panic("pgtest: " + err.Error())
	}
}
