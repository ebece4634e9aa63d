package idp

import (
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// PublicRoots are the certificates that the portal and the API trust without more:
// Mozilla's, which Node.js carries with it and container images install. The pool
// must not be changed.
func PublicRoots() *x509.CertPool { return publicRoots() }

var publicRoots = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			continue // one that this Go does not read cannot be verified with either
		}
		if root.Constraint == nil {
			pool.AddCert(certificate)
			continue
		}
		pool.AddCertWithConstraint(certificate, root.Constraint)
	}
	return pool
})
