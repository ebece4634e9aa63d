package postgres

import (
	"fmt"
	"strings"
)

// JobMark begins every line that a JobScript writes for ReadJob.
const JobMark = "backstage-setup-probe: "

// jobAsk is one query of a JobScript, by the name under which its answer is told.
type jobAsk struct{ name, sql string }

var (
	jobEntry = []jobAsk{
		{"version", askVersion}, {"role", askRole}, {"settings", askServer}, {"activity", askActivity}, {"template", askTemplate},
		{"collation", askCollation}, {"databases", askDatabases}, {"schemas", askSchemas},
	}
	jobInside = []jobAsk{{"schema", askSchema}, {"tables", askTables}}
)

// jobDatabases names the plugins' databases that may be logged in to. Only names
// that a shell takes for one word are told.
const jobDatabases = `select datname from pg_catalog.pg_database where datname ~ '^backstage_plugin_[A-Za-z0-9_-]+$'
and datallowconn and pg_catalog.has_database_privilege(oid, 'CONNECT') order by datname limit 12`

// JobScript is a script for sh and psql that asks what Probe asks, from wherever it
// runs, and writes it for ReadJob. It changes nothing. The server comes from libpq's
// own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE), the authority's
// certificates from PROBE_CA, the database to begin with from PROBE_DATABASE. It
// tells when it ran, and the Tag of the password that it had.
//
// psql is libpq: unlike node-postgres it falls back to no other authorities when
// PROBE_CA is given and takes the image's own when it is not.
func JobScript() string {
	var b strings.Builder
	b.WriteString(`export LC_ALL=C PGAPPNAME=backstage-setup PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=5 PGGSSENCMODE=disable
export PGREQUIREAUTH=scram-sha-256,md5,password
if [ -n "$PROBE_CA" ]; then
  export PGSSLROOTCERT="${PROBE_DIR:-/tmp}/ca.pem"
  printf '%s\n' "$PROBE_CA" > "$PGSSLROOTCERT"
elif [ "$PGSSLMODE" = verify-full ]; then
  export PGSSLROOTCERT=system
fi
say() { printf '` + JobMark + `%s\n' "$1"; }
ask() {
  say "ask $1 $2"
  if answer=$(PGDATABASE="$2" psql -X -q -w -v ON_ERROR_STOP=1 -v VERBOSITY=verbose 2>&1); then
    [ -z "$answer" ] || printf '%s\n' "$answer" | sed 's/^/` + JobMark + `row /'
    return 0
  fi
  printf '%s\n' "$answer" | sed 's/^/` + JobMark + `error /'
  return 1
}
say "target $PGHOST $PGPORT $PGSSLMODE $PROBE_DATABASE $PGUSER"
` + jobTag)
	for i, a := range jobEntry {
		after := ""
		if i == 0 {
			after = " || { say end; exit 0; }"
		}
		writeAsk(&b, a, `"$PROBE_DATABASE"`, after)
	}
	b.WriteString("for name in $(PGDATABASE=\"$PROBE_DATABASE\" psql -X -q -w -A -t <<'SQL'\n" + jobDatabases + ";\nSQL\n); do\n")
	for _, a := range jobInside {
		writeAsk(&b, a, `"$name"`, "")
	}
	b.WriteString("done\nsay end\n")
	return b.String()
}

func writeAsk(b *strings.Builder, a jobAsk, database, after string) {
	fmt.Fprintf(b, "ask %s %s <<'SQL'%s\nset statement_timeout = '5s';\nset client_min_messages = error;\ncopy (\n%s\n) to stdout;\nSQL\n", a.name, database, after, outdented(a.sql))
}

// outdented leaves out the tabs of the source, which YAML's block would show.
func outdented(sql string) string {
	lines := strings.Split(sql, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}

// PsqlMode is what PGSSLMODE has to be for psql to do what the portal does.
func (t Target) PsqlMode() string {
	switch {
	case !t.SSL:
		return "disable"
	case t.Mode == NoVerify:
		return "require"
	}
	return "verify-full"
}

// Entry is the database that the portal logs in to first.
func (t Target) Entry() string { return t.entry() }
