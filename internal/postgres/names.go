package postgres

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"unicode"
)

// isFor says whether Node.js takes a certificate for a host of that name, by the
// rules of tls.checkServerIdentity: the DNS names, and the common name only when
// there are none, which Go no longer looks at.
func isFor(c *x509.Certificate, host string) bool {
	patterns := c.DNSNames
	if len(patterns) == 0 {
		for _, attribute := range c.Subject.Names {
			if name, ok := attribute.Value.(string); ok && attribute.Type.Equal(asn1.ObjectIdentifier{2, 5, 4, 3}) {
				patterns = append(patterns, name)
			}
		}
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool { return covers(pattern, host) })
}

// covers says whether a pattern is for a host: equal labels, but for one star in
// the first label of three or more, which may have letters around it.
func covers(pattern, host string) bool {
	labels, wanted := labelsOf(pattern), labelsOf(host)
	if len(labels) != len(wanted) || slices.Contains(labels, "") || strings.ContainsFunc(pattern, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII }) {
		return false
	}
	if !slices.Equal(labels[1:], wanted[1:]) {
		return false
	}
	before, after, star := strings.Cut(labels[0], "*")
	if !star || strings.Contains(labels[0], "xn--") {
		return labels[0] == wanted[0]
	}
	return len(labels) > 2 && !strings.Contains(after, "*") && len(before)+len(after) <= len(wanted[0]) &&
		strings.HasPrefix(wanted[0], before) && strings.HasSuffix(wanted[0], after)
}

func labelsOf(name string) []string {
	return strings.Split(strings.ToLower(strings.TrimSuffix(name, ".")), ".")
}
