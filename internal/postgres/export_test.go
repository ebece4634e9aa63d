package postgres

import (
	"crypto/x509"
	"strings"

	"context"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// Ask runs a query as Probe runs its own.
func (c *Client) Ask(ctx context.Context, t Target, database, sql string) ([][]*string, []Verdict) {
	j := newJudgement(t)
	s, f := c.open(ctx, t, database)
	defer s.close()
	var rows [][]*string
	if f == nil {
		rows, f = s.query(ctx, sql)
	}
	if f != nil {
		j.fault(f)
	}
	return rows, j.verdicts
}

// Hold opens a connection and keeps it until release.
func (c *Client) Hold(ctx context.Context, t Target, database string) (release func(), verdicts []Verdict) {
	j := newJudgement(t)
	s, f := c.open(ctx, t, database)
	if f != nil {
		j.fault(f)
	}
	return s.close, j.verdicts
}

// Covers is covers.
func Covers(pattern, host string) bool { return covers(pattern, host) }

// Words shows a server's words.
func Words(text string, known secret.Text) string { return verdict.NewVeil(known).Line(text) }

// PublicSubjects are the names of the authorities that Node.js trusts.
func PublicSubjects() string {
	var all []string
	for root := range bundle.Roots() {
		if c, err := x509.ParseCertificate(root.Certificate); err == nil {
			all = append(all, c.Subject.String())
		}
	}
	return strings.Join(all, "\n")
}
