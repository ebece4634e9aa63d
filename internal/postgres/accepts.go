package postgres

import (
	"crypto/x509"
	"encoding/pem"
)

// Accepts says whether the portal would take what a server has shown, once it is
// given c's certificates: by the rules of Node.js, name and dates included. It asks
// nobody.
func (c *Client) Accepts(t Target, shown TLS) bool {
	t, _ = t.trimmed()
	var chain []*x509.Certificate
	for _, certificate := range shown.Chain {
		block, _ := pem.Decode(certificate.PEM)
		if block == nil {
			return false
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return false
		}
		chain = append(chain, parsed)
	}
	return len(chain) > 0 && c.verify(t, chain) == nil
}
