package k8s

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Certificate is what a listener of the Gateway ends TLS with.
type Certificate struct {
	Secret   string
	Listener string
	Missing  bool     // there is no such Secret
	Names    []string // DNS names that it is for
	NotAfter time.Time
	Problem  string // why it is no certificate
	Unknown  string
}

// certificates reads the Secrets that the Gateway's listeners name, once each.
func (c *Client) certificates(ctx context.Context, namespace string, g Gateway) []Certificate {
	var out []Certificate
	for _, l := range g.Listeners {
		for _, name := range l.Certificates {
			if l.TLS == "Terminate" && !slices.ContainsFunc(out, func(known Certificate) bool { return known.Secret == name }) {
				out = append(out, Certificate{Secret: name, Listener: l.Name})
			}
		}
	}
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() { c.certificate(ctx, namespace, &out[i]) })
	}
	wait.Wait()
	return out
}

func (c *Client) certificate(ctx context.Context, namespace string, out *Certificate) {
	s, err := c.Secret(ctx, namespace, out.Secret)
	switch {
	case errors.Is(err, ErrNotFound):
		out.Missing = true
		return
	case err != nil:
		out.Unknown = err.Error()
		return
	}
	block, _ := pem.Decode([]byte(s.Values[corev1.TLSCertKey].Reveal()))
	if block == nil {
		out.Problem = "its key " + corev1.TLSCertKey + " holds no certificate"
		return
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		out.Problem = err.Error()
		return
	}
	if key := s.Values[corev1.TLSPrivateKeyKey]; key.IsZero() {
		out.Problem = "it has no " + corev1.TLSPrivateKeyKey
	}
	out.Names, out.NotAfter = leaf.DNSNames, leaf.NotAfter
}
