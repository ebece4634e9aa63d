package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// Use is connections of one role to one database, as pg_stat_activity has them: all
// roles see who is connected; only a member of the role, or of pg_monitor, sees what
// it does (PostgreSQL's documentation, "The Cumulative Statistics System").
type Use struct {
	Role, Database string
	Own            bool // of the role that asks, the probe's own connection left out
	Portal         bool // to what is Backstage's, so that it is likely a portal
	Connections    int
	Idle           int // of them, as far as that may be seen
	Hidden         int // of them, whose state may not be seen
}

// askActivity counts the clients' connections, but for this one. Background processes
// have no database or no user, workers say what they are to those who may see it, and
// none of them takes a slot.
const askActivity = `select coalesce(a.usename::text, ''), coalesce(a.datname::text, ''), a.usename is not distinct from current_user,
		count(*), count(*) filter (where a.state like 'idle%'), count(*) filter (where a.state is null)
	from pg_catalog.pg_stat_activity a
	where a.datid is not null and a.usesysid is not null and a.pid <> pg_catalog.pg_backend_pid()
		and coalesce(to_jsonb(a)->>'backend_type', 'client backend') = 'client backend'
	group by 1, 2, 3 order by 4 desc, 1, 2 limit 1000`

// askActivity measures who uses the server's connections. That nobody may look is no
// fault: then nothing is counted, and the verdict says so.
func (s *session) askActivity(ctx context.Context, j *judgement, r *Report) *fault {
	rows, f := s.query(ctx, askActivity)
	if f != nil && f.code != deniedState {
		return f
	}
	if f != nil {
		j.add("limit.unmeasured", "%s", j.line(f))
		return nil
	}
	r.Limits.Counted = true
	for _, values := range rows {
		row := &reader{row: values}
		u := Use{Role: verdict.Visible(row.text()), Database: verdict.Visible(row.text()), Own: row.yes(), Connections: row.number(), Idle: row.number(), Hidden: row.number()}
		if f := row.sound(s); f != nil {
			return f
		}
		u.Portal = s.target.backstage(u)
		r.Uses = append(r.Uses, u)
		if u.Portal {
			r.Limits.Own += u.Connections
		} else {
			r.Limits.Others += u.Connections
			if u.Own {
				r.Limits.Elsewhere += u.Connections
			}
		}
	}
	return nil
}

// deniedState is insufficient_privilege (PostgreSQL's documentation, "Error Codes").
const deniedState = "42501"

// backstage tells whether connections are of a portal with this target.
func (t Target) backstage(u Use) bool {
	if t.Layout == Schema {
		return u.Own && u.Database == t.Database
	}
	return u.Own && strings.HasPrefix(u.Database, "backstage_plugin_")
}

// in counts the sessions in a database.
func in(uses []Use, database string) (n int) {
	for _, u := range uses {
		if u.Database == database {
			n += u.Connections
		}
	}
	return n
}

// mostUsers is how many of those who use connections are named.
const mostUsers = 3

// InUse says who uses how many of the server's connections: "of 100, 3 are reserved
// and 41 in use by others: metabase 30, keycloak 11; 29 are idle".
func (r Report) InUse() string {
	l := r.Limits
	text := fmt.Sprintf("of %d, %d are reserved", l.Max, l.Reserved)
	if !l.Counted {
		return text + "; how many others use is not counted"
	}
	text += fmt.Sprintf(" and %d in use by others", l.Others)
	var roles []Use
	idle, hidden := 0, 0
	for _, u := range r.Uses {
		if u.Portal {
			continue
		}
		at := slices.IndexFunc(roles, func(other Use) bool { return other.Role == u.Role })
		if at < 0 {
			roles, at = append(roles, Use{Role: u.Role}), len(roles)
		}
		roles[at].Connections += u.Connections
		idle, hidden = idle+u.Idle, hidden+u.Hidden
	}
	slices.SortStableFunc(roles, func(a, b Use) int { return b.Connections - a.Connections })
	var names []string
	for i, role := range roles {
		if i == mostUsers && len(roles) > mostUsers {
			names = append(names, fmt.Sprintf("and %d more", len(roles)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s %d", role.Role, role.Connections))
	}
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	switch {
	case hidden > 0:
		text += fmt.Sprintf("; whether they are idle is shown to members of pg_monitor only (%d of them)", hidden)
	case idle > 0:
		text += fmt.Sprintf("; %d are idle", idle)
	}
	if l.Own > 0 {
		text += fmt.Sprintf("; Backstage's databases have %d more of %s", l.Own, r.Role.Name)
	}
	return text
}
