package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// ServerError is an error that a server or a pooler reports, by the fields of
// PostgreSQL's protocol (documentation, "Error and Notice Message Fields").
type ServerError struct {
	Code    string // SQLSTATE, such as "28P01"
	Message string // in the server's language
}

func serverError(m *pgproto3.ErrorResponse) *ServerError {
	return &ServerError{Code: m.Code, Message: m.Message}
}

// Classify judges an error that a server has reported to somebody else about a
// target, such as to psql in a Job.
func Classify(e ServerError, t Target) Verdict {
	t, _ = t.trimmed()
	j := newJudgement(t)
	s := session{target: t, at: loggingIn}
	j.fault(s.known(&e))
	return j.verdicts[0]
}

// meaning is what a SQLSTATE says, with words of the message (any of them) when
// the code alone does not tell.
type meaning struct {
	code  string // or its class, two letters
	words []string
	id    string
}

// meanings are looked through in order; the sources are PostgreSQL's
// src/backend/libpq/auth.c, utils/init/{postinit,miscinit}.c, commands/dbcommands.c
// and PgBouncer's src/{client,objects,server}.c.
var meanings = []meaning{
	{"28P01", nil, "login.password"},
	{"28000", []string{"no encryption", "SSL off"}, "login.hba.tls"},
	{"28000", []string{"no pg_hba.conf entry"}, "login.hba"},
	{"28000", []string{"pg_hba.conf rejects"}, "login.hba.rejects"},
	{"28000", []string{"not permitted to log in"}, "login.nologin"},
	{"28000", []string{"valid client certificate", "certificate authentication"}, "login.certificate"},
	{"28000", []string{"does not exist"}, "login.unknown"},
	{"28000", []string{"pg_hba.conf"}, "login.hba"},
	{"28", nil, "login.refused"},
	{"3D000", nil, "database.missing"},
	{"42501", []string{"to create database"}, "role.createdb"},
	{"42501", []string{"for schema"}, "plugin.schema"},
	{"42501", []string{"for database"}, "database.connect"},
	{"42501", nil, "server.denied"},
	{"53300", []string{"for role"}, "limit.role"},
	{"53300", []string{"for database"}, "limit.database"},
	{"53300", nil, "limit.server"},
	{"53", nil, "server.resources"},
	{"42P04", nil, "create.exists"},
	{"55006", nil, "template.busy"},
	{"55000", []string{"not currently accepting", "invalid database"}, "database.closed"},
	{"25001", nil, "create.transaction"},
	{"25006", nil, "server.readonly"},
	{"57P03", nil, "server.starting"},
	{"57P04", nil, "database.missing"},
	{"57P01", nil, "server.stopping"},
	{"57P02", nil, "server.stopping"},
	{"57P05", nil, "server.stopping"},
	{"57014", nil, "server.slow"},
	{"08P01", []string{"startup parameter"}, "pooler.parameter"},
	{"08P01", []string{"no such database", "database does not exist"}, "database.missing"},
	{"08P01", []string{"no more connections", "max_client_conn", "too many"}, "limit.server"},
	{"08P01", []string{"authentication failed", "no such user"}, "login.password"},
	{"08", nil, "pooler.refused"},
	{"XX000", []string{"collation version"}, "template.collation"},
	{"XX", nil, "server.internal"},
	{"58", nil, "server.internal"},
}

// fault finds the meaning of an error.
func (e *ServerError) fault() *fault {
	f := &fault{id: "server.error", said: text(e.Message), code: text(e.Code)}
	for _, m := range meanings {
		if !strings.HasPrefix(e.Code, m.code) {
			continue
		}
		fits := m.words == nil
		for _, word := range m.words {
			fits = fits || strings.Contains(e.Message, word)
		}
		if fits {
			f.id = m.id
			return f
		}
	}
	return f
}
