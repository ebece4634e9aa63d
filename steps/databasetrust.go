package steps

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// postgresUnverified is the check that somebody has to agree to by its name.
const postgresUnverified = "database.postgresql.unverified"

// protection is what the values say of the layout and of a connection that is
// encrypted but not verified: there the chart's own ssl is off, which is not what
// the answer means.
func protection(in plan.Input) []answers.Proposal {
	const ssl, verify = answers.Key("database.postgresql.ssl"), answers.Key("database.postgresql.verify")
	var list []answers.Proposal
	if layout, said := in.LayoutFound(); said {
		list = append(list, settled("database.postgresql.layout", layout, "from the portal's variables"))
	}
	if in.Draft.Given(ssl) {
		return list
	}
	encrypts := answers.Proposal{Key: ssl, Value: true, Source: answers.Source{Rank: answers.FromChange, Detail: "from " + string(verify)}}
	switch {
	case in.Draft.Given(verify) && (!in.Draft.Database.PostgreSQL.Verify || in.NotVerified()):
		list = append(list, encrypts)
	case !in.Draft.Given(verify) && in.NotVerified():
		encrypts.Source.Detail = "PGSSLMODE=no-verify"
		list = append(list, encrypts, settled(verify, false, "PGSSLMODE=no-verify"))
	}
	return list
}

func fingerprintRule(value any) error {
	if text, _ := value.(string); text != "" && !strings.EqualFold(strings.TrimSpace(text), plan.TrustNone) {
		if _, ok := plan.Fingerprint(text); !ok {
			return errorf("must be a SHA-256 fingerprint: sha256: and 64 hexadecimal digits, with or without colons; or %s, for well-known authorities only", plan.TrustNone)
		}
	}
	return nil
}

// trustRule: a fingerprint names a certificate that the server shows, or that the
// portal has already. It is the authority's own: OpenSSL takes no other for one.
func trustRule(in plan.Input) error {
	if in.WellKnownOnly() && in.Draft.Given("database.postgresql.caFile") {
		return errorf("must not be %s beside database.postgresql.caFile: one of the two says what is trusted", plan.TrustNone)
	}
	wanted, ok := plan.Fingerprint(in.Draft.Database.PostgreSQL.TrustCA)
	if _, shown := in.TrustedShown(); !ok || shown || in.TrustsAlready() {
		return nil
	}
	if in.Draft.Given("database.postgresql.caFile") {
		return errorf("must not be given beside database.postgresql.caFile: one of the two says what is trusted")
	}
	chain := in.Shown()
	if in.Current.Offline {
		return errorf("takes a connection, and --offline opens none: give the certificate with database.postgresql.caFile")
	}
	if len(chain.Certificates) == 0 {
		return errorf("must be of a certificate that %s shows: %s; give it with database.postgresql.caFile", in.PostgresAddress(), cmp.Or(chain.Why, "the server was not asked yet"))
	}
	if first := chain.Certificates[0]; len(chain.Authorities()) == 0 {
		what := "its own certificate alone"
		if len(chain.Certificates) > 1 {
			what = "its own certificate and those between, but no authority's"
		}
		// What is not shown may well be the right one: nothing speaks against the server.
		for _, c := range chain.Certificates {
			if c.Fingerprint == wanted {
				return errorf("must be of the authority itself: this one is of %s, issued by %s, which the server does not show; give its certificate with database.postgresql.caFile", c.Subject, c.Issuer)
			}
		}
		return errorf("must be of a certificate that %s shows, and it shows %s (%s, issued by %s), so an authority cannot be known from it: give the authority's certificate with database.postgresql.caFile", in.PostgresAddress(), what, first.Subject, first.Issuer)
	}
	var shows []string
	for _, c := range chain.Certificates {
		if c.Fingerprint == wanted {
			return errorf("must be of the authority itself: this one is of %s, issued by %s, which the server does not show; give its certificate with database.postgresql.caFile", c.Subject, c.Issuer)
		}
		shows = append(shows, c.Fingerprint+" ("+c.Subject+")")
	}
	return errorf("must be of a certificate that %s shows, which are %s: if none of them is yours, somebody may be posing as the server", in.PostgresAddress(), strings.Join(shows, ", "))
}

// caValueRule: who empties the answer means to take away what is there, which is
// another key's to say.
func caValueRule(value any) error {
	if text, _ := value.(string); strings.TrimSpace(text) == "" {
		return errorf("must not be empty; for well-known authorities only, answer database.postgresql.trustCA=%s", plan.TrustNone)
	}
	return nil
}

// shownAuthorities are what the server shows that the portal could be told to
// trust, and, where it trusts one already, to do without.
func shownAuthorities(in plan.Input) []Option {
	var options []Option
	for _, c := range in.Shown().Authorities() {
		options = append(options, Option{c.Fingerprint, c.Subject, fmt.Sprintf("%s, %s; compare the fingerprint with the server's own first", c.Fingerprint, validity(c.NotBefore, c.NotAfter))})
	}
	if in.KeepsCA() {
		options = append(options, Option{plan.TrustNone, "Well-known authorities only", "what Node.js trusts by itself; the authority in the Secret is not read any more"})
	}
	return options
}

func validity(from, to time.Time) string {
	return "valid " + from.Format(time.DateOnly) + " to " + to.Format(time.DateOnly)
}

// unverifiedCheck asks for a word before the portal's data and password go to a
// server that nobody has verified.
func unverifiedCheck(in plan.Input) check.Check {
	return judged(postgresUnverified, "the portal knows whom it talks to", nil, func() check.Result {
		found := "the connection to " + in.PostgresAddress() + " is to be encrypted without verifying the server: whoever is on the way can pose as it, take the password and read everything"
		hint := "verify it with database.postgresql.verify yes, and give the authority's certificate with database.postgresql.caFile or its fingerprint with database.postgresql.trustCA; or confirm with --accept " + postgresUnverified
		switch {
		case !in.Unverified():
			return pass("it is verified, or not encrypted at all")
		case !changesDatabase(in):
			return check.Result{Status: check.Warn, Code: "tls.unverified", Found: found, Hint: hint}
		}
		return check.Result{Status: check.Fail, Code: "tls.unverified", Found: found, Hint: hint, Cure: &check.Cure{Flow: databaseFlow(in), Step: "database", Key: "database.postgresql.verify"}}
	})
}
