package postgres

import (
	"context"
	"slices"
)

// Chain asks a server for TLS and returns the certificates that it shows, trusted
// or not, and what Node.js would make of them. It does not log in: the target
// needs a host and a port. The chain comes over an unverified connection: whether
// it is the server's own, its fingerprint tells somebody who knows the server.
func (c *Client) Chain(ctx context.Context, t Target) (TLS, []Verdict) {
	t, _ = t.trimmed()
	t.SSL, t.Mode = true, Verify
	j := newJudgement(t)
	// An address cannot be verified, but may be looked at.
	t.checkServer(j, c.own)
	if slices.ContainsFunc(j.verdicts, func(v Verdict) bool { return v.ID != "target.ip" }) {
		return TLS{}, j.verdicts
	}
	s := &session{target: t}
	raw, err := c.dial(ctx, s)
	if err != nil {
		j.fault(broken(ctx, dialing, t.address(), err))
		return TLS{}, j.verdicts
	}
	s.raw, s.conn, s.at = raw, raw, waiting
	defer s.drop()
	if f := s.within(ctx, loginTimeout, func() error { return c.secure(s) }); f != nil {
		j.fault(f)
	}
	if s.tls == nil {
		return TLS{}, j.verdicts
	}
	c.encryption(j, s)
	if !j.blocked() {
		j.add("tls.ok", "the certificate of %s is one that Node.js accepts", t.address())
	}
	return *s.tls, j.verdicts
}
