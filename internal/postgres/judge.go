package postgres

import (
	"context"
	"slices"
	"strings"
	"time"
)

// maxInside is how many databases are logged in to, one after the other.
const maxInside = 12

// askTables counts relations that Backstage could not alter: those of others.
const askTables = `select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
	where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'S') and not pg_catalog.pg_has_role(c.relowner, 'USAGE')`

// askSchemas looks at the schemas of plugins that are there already, and at what
// of others is in them.
var askSchemas = `select count(*) filter (where not pg_catalog.has_schema_privilege(n.oid, 'CREATE')),
	coalesce(sum((select count(*) from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'S') and not pg_catalog.pg_has_role(c.relowner, 'USAGE'))), 0)
	from pg_catalog.pg_namespace n where n.nspname in ('` + strings.Join(plugins, "', '") + `')`

// server judges what holds for everybody there.
func (j *judgement) server(r *Report) {
	switch {
	case r.Standby:
		j.add("server.standby", "the server is a standby: it can be read and not written")
	case r.ReadOnly:
		j.add("server.readonly", "default_transaction_read_only is on for %s", j.target.User)
	}
}

// role judges the role's attributes.
func (j *judgement) role(r *Report, now time.Time) {
	if r.Role.Superuser {
		j.add("role.superuser", "%s is a superuser", r.Role.Name)
	}
	if until := r.Role.ValidUntil; !until.IsZero() && until.Sub(now) < soon {
		j.add("role.expires", "the password of %s is valid until %s", r.Role.Name, until.Format(time.DateOnly))
	}
}

// layout judges whether the databases are there or can be made.
func (j *judgement) layout(r *Report, entry Database) {
	var missing []string
	for _, plugin := range plugins {
		if !slices.ContainsFunc(r.Databases, func(d Database) bool { return d.Name == databaseOf(plugin) }) {
			missing = append(missing, databaseOf(plugin))
		}
	}
	list := strings.Join(missing, ", ")
	may := r.Role.CreateDB || r.Role.Superuser
	switch {
	case j.target.Layout == Schema:
		if !entry.Create {
			j.add("schema.create", "%s may not create schemas in the database %s", j.target.User, entry.Name)
		}
	case j.target.Layout == Precreated && len(missing) > 0:
		j.add("plugin.missing", "there is no %s", list)
	case j.target.Layout == Precreated:
	case may && r.Pooler && len(missing) > 0:
		j.add("pooler.databases", "whether the pooler takes databases that are made later is not known")
	case may:
	case len(missing) == 0:
		j.add("role.precreated", "%s may not create databases, but those of all plugins are there", j.target.User)
	default:
		j.add("role.createdb", "%s may not create databases, and there is no %s", j.target.User, list)
	}
}

// encoding judges the encoding of a database.
func (j *judgement) encoding(name, encoding string) {
	switch encoding {
	case "UTF8":
	case "SQL_ASCII":
		j.about("encoding.ascii", name, "the encoding of %s is SQL_ASCII", name)
	default:
		j.about("encoding.other", name, "the encoding of %s is %s", name, encoding)
	}
}

// schemas judges what is in the one database of schema mode.
func (s *session) schemas(ctx context.Context, j *judgement) *fault {
	row, f := s.one(ctx, askSchemas)
	if f != nil {
		return f
	}
	if n := row.number(); n > 0 {
		j.add("schema.owner", "%s may not create tables in %d schemas of plugins that are there", j.target.User, n)
	}
	if n := row.number(); n > 0 {
		j.add("plugin.tables", "%d tables in schemas of plugins belong to another role", n)
	}
	return row.sound(s)
}

// insideAll judges the plugins' databases that there are.
func (c *Client) insideAll(ctx context.Context, j *judgement, r *Report, b Budget) {
	for i, d := range r.Databases {
		switch {
		case i >= maxInside:
			return
		case !d.Open:
			j.about("database.closed", d.Name, "the database %s takes no connections", d.Name)
		case !d.Connect:
			j.about("plugin.connect", d.Name, "%s may not connect to the database %s of %s", j.target.User, d.Name, d.Owner)
		default:
			if d.Limit >= 0 && d.Limit < b.perPlugin() {
				j.about("plugin.limit", d.Name, "the database %s takes %d connections, a plugin opens up to %d", d.Name, d.Limit, b.perPlugin())
			}
			if d.Name != j.database { // whose encoding has been judged
				j.encoding(d.Name, d.Encoding)
			}
			if f := c.inside(ctx, j, d); f != nil {
				j.about(f.id, d.Name, "%s: %s", d.Name, j.line(f))
				if f.found != "" { // the connection, not this database
					return
				}
			}
		}
	}
}

// inside logs in to one database, and looks whether the role may make tables and
// alter those that are there.
func (c *Client) inside(ctx context.Context, j *judgement, d Database) *fault {
	s, f := c.open(ctx, j.target, d.Name)
	if f != nil {
		return f
	}
	defer s.close()
	may, f := s.one(ctx, askSchema)
	if f != nil {
		return f
	}
	if !may.yes() {
		j.about("plugin.schema", d.Name, "%s may not create tables in the database %s, which belongs to %s", j.target.User, d.Name, d.Owner)
		return nil
	}
	others, f := s.one(ctx, askTables)
	if f != nil {
		return f
	}
	if n := others.number(); n > 0 {
		j.about("plugin.tables", d.Name, "%d tables of the database %s belong to another role", n, d.Name)
	}
	return others.sound(s)
}
