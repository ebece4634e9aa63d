package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Report is what a Probe has seen, as far as it came.
type Report struct {
	Version   string // of the server: "15.20 (Debian 15.20-0+deb12u1)"
	Major     int
	TLS       *TLS   // nil: none
	Auth      string // "scram-sha-256", "md5", "password"; "" is none at all
	Role      Role
	Limits    Limits
	Standby   bool // a replica: reads only
	ReadOnly  bool // default_transaction_read_only
	Pooler    bool // something stands between here and the server
	Shared    bool // and gives one of its connections to several sessions: transaction mode
	Encoding  string
	Databases []Database // of plugins, by name
	Uses      []Use      // of connections now, the most first; nil unless Limits.Counted
	Asked     time.Time  // when a Job saw this, by the clock of its node; zero: it was asked just now
}

// Role is what the server says of the role that was logged in.
type Role struct {
	Name       string
	CreateDB   bool
	Superuser  bool
	Limit      int       // of connections; -1 is none
	ValidUntil time.Time // of the password; zero is for ever
}

// Limits are the server's connections.
type Limits struct {
	Max       int // max_connections
	Reserved  int // of them for superusers and others
	Counted   bool
	Others    int // in use now by others than a portal with this role; 0 unless Counted
	Elsewhere int // of Others, by this role: they count for its own limit
	Own       int // in use by this role for what is Backstage's
}

// Free is how many a portal may have in all.
func (l Limits) Free() int { return l.Max - l.Reserved - l.Others }

// left is how many of the role's own limit a portal may have.
func (r Report) left() int { return r.Role.Limit - r.Limits.Elsewhere }

// Database is one that Backstage has made or would use.
type Database struct {
	Name, Owner string
	Encoding    string
	Connect     bool // the role may connect to it
	Create      bool // the role may make schemas in it
	Owned       bool // the role is the owner, or a member of it
	Open        bool // it takes connections at all
	Limit       int  // of connections; -1 is none
}

// Queries, none of which writes. What a server of another version does not have
// must not be an error: current_setting's second argument, to_jsonb.
const (
	askVersion = `select version(), current_setting('server_version'), current_setting('server_version_num')`
	askRole    = `select rolname, rolcreatedb, rolsuper, rolconnlimit,
		case when isfinite(rolvaliduntil) then to_char(rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') end
		from pg_catalog.pg_roles where rolname = current_user`
	askServer = `select current_setting('max_connections'),
		current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int,
		pg_catalog.pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on', pg_catalog.pg_backend_pid()`
	askTemplate = `select pg_catalog.pg_encoding_to_char(encoding), to_jsonb(d)->>'datcollversion'
		from pg_catalog.pg_database d where datname = 'template1'`
	askCollation = `select pg_catalog.pg_database_collation_actual_version(oid) from pg_catalog.pg_database where datname = 'template1'`
	askDatabases = `select datname, pg_catalog.pg_get_userbyid(datdba), pg_catalog.pg_encoding_to_char(encoding),
		pg_catalog.has_database_privilege(oid, 'CONNECT'), pg_catalog.has_database_privilege(oid, 'CREATE'),
		pg_catalog.pg_has_role(datdba, 'USAGE'), datallowconn, datconnlimit
		from pg_catalog.pg_database where datname like 'backstage\_plugin\_%' or datname = current_database() order by datname <> current_database(), datname limit 200`
	askSchema = `select pg_catalog.has_schema_privilege('public', 'CREATE')`
)

// reader takes typed values out of a row, and remembers that something was odd.
type reader struct {
	row []*string
	at  int
	odd bool
}

func (r *reader) text() string {
	if r.at >= len(r.row) {
		r.odd = true
		return ""
	}
	value := r.row[r.at]
	r.at++
	if value == nil {
		return ""
	}
	return *value
}

func (r *reader) number() int {
	n, err := strconv.Atoi(r.text())
	r.odd = r.odd || err != nil
	return n
}

func (r *reader) yes() bool { return r.text() == "t" }

// one asks for a single row.
func (s *session) one(ctx context.Context, sql string) (*reader, *fault) {
	rows, f := s.query(ctx, sql)
	if f != nil {
		return nil, f
	}
	if len(rows) != 1 {
		return nil, faultf("server.odd", "%s gives %d rows where PostgreSQL gives one", s.target.address(), len(rows))
	}
	return &reader{row: rows[0]}, nil
}

// sound is a fault when a row could not be read.
func (r *reader) sound(s *session) *fault {
	if r.odd {
		return faultf("server.odd", "%s describes itself in a way that PostgreSQL does not", s.target.address())
	}
	return nil
}

func (s *session) askRole(ctx context.Context) (Role, *fault) {
	r, f := s.one(ctx, askRole)
	if f != nil {
		return Role{}, f
	}
	role := Role{Name: r.text(), CreateDB: r.yes(), Superuser: r.yes(), Limit: r.number()}
	if until := r.text(); until != "" {
		at, err := time.Parse(time.DateTime, until)
		r.odd = r.odd || err != nil
		role.ValidUntil = at
	}
	return role, r.sound(s)
}

func (s *session) askDatabases(ctx context.Context) ([]Database, *fault) {
	rows, f := s.query(ctx, askDatabases)
	if f != nil {
		return nil, f
	}
	var all []Database
	for _, row := range rows {
		r := &reader{row: row}
		d := Database{Name: r.text(), Owner: r.text(), Encoding: r.text(), Connect: r.yes(), Create: r.yes(), Owned: r.yes(), Open: r.yes(), Limit: r.number()}
		if f := r.sound(s); f != nil {
			return nil, f
		}
		all = append(all, d)
	}
	return all, nil
}

// describe is the server in one line, for the verdict that all is well.
func (r Report) describe(address string) string {
	encryption := "without TLS"
	if r.TLS != nil {
		encryption = "with " + r.TLS.Version + ", not verified"
		if r.TLS.Verified {
			encryption = "with " + r.TLS.Version + ", verified"
		}
	}
	version, _, _ := strings.Cut(r.Version, " ")
	return fmt.Sprintf("PostgreSQL %s at %s, %s, as %s", version, address, encryption, r.Role.Name)
}
