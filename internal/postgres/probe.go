package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// Versions of PostgreSQL: Backstage supports the five newest (versioning policy).
const (
	oldest    = 12 // below it, what Backstage's migrations use is missing
	supported = 14
	newest    = 18
)

// plugins are the plugins of the portal's image that keep data.
var plugins = []string{"app", "auth", "catalog", "events", "scaffolder", "search", "user-settings"}

// databaseOf is the name of a plugin's database: backend-defaults' prefix.
func databaseOf(plugin string) string { return "backstage_plugin_" + plugin }

// Probe connects and logs in as the portal will, and judges the server for it. It
// changes nothing there. The report goes as far as the connection came; every
// wait ends with ctx, and all of it within 30 seconds.
func (c *Client) Probe(ctx context.Context, t Target, b Budget) (Report, []Verdict) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	t, blank := t.trimmed()
	j, report := newJudgement(t), Report{}
	if len(blank) > 0 {
		j.add("target.blank", "there are blanks or line ends around the %s", strings.Join(blank, ", "))
	}
	if !t.check(j, c.own) {
		return report, j.verdicts
	}
	s, f := c.open(ctx, t, t.entry())
	defer s.close()
	report.TLS, report.Auth = s.tls, s.auth
	c.encryption(j, s)
	if s.loopback {
		j.add("target.loopback", "the name %s means this machine here", t.Host)
	}
	if f == nil {
		f = c.inspect(ctx, s, j, &report, b.complete())
	}
	if f != nil {
		j.fault(f)
	}
	if !j.blocked() {
		j.add("database.ok", "%s", report.describe(t.address()))
	}
	return report, j.verdicts
}

// encryption judges how the connection is protected.
func (c *Client) encryption(j *judgement, s *session) {
	switch {
	case s.raw == nil: // not connected
	case !s.target.SSL:
		j.add("tls.off", "the connection to %s is not encrypted", s.target.address())
	case s.tls != nil && s.target.Mode == NoVerify:
		j.add("tls.unverified", "the connection to %s is encrypted, but nobody knows with whom", s.target.address())
	}
	if s.tls == nil {
		return
	}
	for _, certificate := range s.tls.Chain {
		if left := certificate.NotAfter.Sub(c.now()); s.tls.Verified && left < soon {
			j.add("tls.expiring", "the certificate %q expires on %s", certificate.Subject, certificate.NotAfter.Format(time.DateOnly))
		}
	}
}

// inspect asks the server about itself.
func (c *Client) inspect(ctx context.Context, s *session, j *judgement, r *Report, b Budget) *fault {
	if s.auth == "" {
		j.add("login.unchecked", "%s lets %s in from here without asking for the password", s.target.address(), s.target.User)
	}
	// Not as a startup parameter: poolers refuse those.
	if _, f := s.query(ctx, `set statement_timeout = '5s'`); f != nil {
		return f
	}
	if done, f := s.askVersion(ctx, j, r); done || f != nil {
		return f
	}
	var f *fault
	if r.Role, f = s.askRole(ctx); f != nil {
		return f
	}
	if f := s.askServer(ctx, r); f != nil {
		return f
	}
	if f := s.askActivity(ctx, j, r); f != nil {
		return f
	}
	if r.Databases, f = s.askDatabases(ctx); f != nil {
		return f
	}
	entry := Database{}
	r.Databases = slices.DeleteFunc(r.Databases, func(d Database) bool {
		if d.Name == s.database {
			entry = d
		}
		return d.Name == s.database && s.target.Layout != Precreated
	})
	if f := s.askEncoding(ctx, j, r, entry, in(r.Uses, "template1")); f != nil {
		return f
	}
	if r.Pooler {
		if f := c.pooler(ctx, s, j, r); f != nil {
			return f
		}
	}
	j.server(r)
	j.role(r, c.now())
	j.layout(r, entry)
	j.budget(r, b)
	if s.target.Layout == Schema {
		return s.schemas(ctx, j)
	}
	c.insideAll(ctx, j, r, b)
	return nil
}

// askVersion returns true when it is no PostgreSQL that can be asked more.
func (s *session) askVersion(ctx context.Context, j *judgement, r *Report) (done bool, f *fault) {
	row, f := s.one(ctx, askVersion)
	if f != nil {
		return true, f
	}
	product := row.text()
	r.Version = verdict.Visible(row.text())
	r.Major = row.number() / 10000
	if !strings.HasPrefix(product, "PostgreSQL ") {
		j.add("server.product", "the server calls itself %q", text(product))
		return true, nil
	}
	if f := row.sound(s); f != nil {
		return true, f
	}
	switch {
	case r.Major < oldest:
		j.add("server.old", "the server is PostgreSQL %s", r.Version)
	case r.Major < supported:
		j.add("server.version", "the server is PostgreSQL %s", r.Version)
	case r.Major > newest:
		j.add("server.newer", "the server is PostgreSQL %s", r.Version)
	}
	return r.Major < 10, nil // which lacks what is asked next
}

// askServer fills in limits and state.
func (s *session) askServer(ctx context.Context, r *Report) *fault {
	row, f := s.one(ctx, askServer)
	if f != nil {
		return f
	}
	r.Limits = Limits{Max: row.number(), Reserved: row.number()}
	r.Standby, r.ReadOnly = row.yes(), row.yes()
	process := row.number()
	// A pooler makes up the process that it tells its clients.
	r.Pooler = s.process != 0 && uint32(process) != s.process
	return row.sound(s)
}

// pooler tells what kind of pooler it is: while this session is open, another one
// gets the same process of the server only if the two share it.
func (c *Client) pooler(ctx context.Context, s *session, j *judgement, r *Report) *fault {
	const ask = `select pg_catalog.pg_backend_pid()`
	other, f := c.open(ctx, s.target, s.database)
	defer other.close()
	if f != nil && f.found != "" {
		return f
	}
	if f == nil { // else it takes no second session
		mine, f := s.one(ctx, ask)
		if f != nil {
			return f
		}
		theirs, f := other.one(ctx, ask)
		if f != nil {
			return f
		}
		r.Shared = mine.text() == theirs.text()
	}
	switch {
	case !r.Shared:
		j.add("pooler", "a pooler or proxy stands between here and the server")
	case s.target.Layout == Schema:
		j.add("pooler.schema", "a pooler in transaction mode stands between here and the server")
	default:
		j.add("pooler.transaction", "a pooler in transaction mode stands between here and the server")
	}
	return nil
}

// askEncoding judges what a new database is made from, or the one that is used.
func (s *session) askEncoding(ctx context.Context, j *judgement, r *Report, entry Database, busy int) *fault {
	row, f := s.one(ctx, askTemplate)
	if f != nil {
		return f
	}
	r.Encoding = row.text()
	recorded := row.text()
	name := "template1"
	if s.target.Layout != PerPlugin {
		r.Encoding, name = entry.Encoding, entry.Name
	}
	j.encoding(name, r.Encoding)
	if s.target.Layout != PerPlugin {
		return nil
	}
	if busy > 0 {
		j.add("template.busy", "%d sessions use the database template1", busy)
	}
	if recorded == "" { // a locale without versions, or a server before 15
		return nil
	}
	actual, f := s.one(ctx, askCollation)
	if f != nil {
		return f
	}
	if have := actual.text(); have != recorded {
		j.add("template.collation", "template1 was made with version %s of its collation, the server has %q", recorded, have)
	}
	return nil
}
