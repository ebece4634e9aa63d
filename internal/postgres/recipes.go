package postgres

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Recipe is one way out when the portal lacks a right or a connection: what an
// administrator of the server runs, and what the portal is told then.
type Recipe struct {
	ID, Title string
	For       []string // IDs of the verdicts that it mends
	SQL       []string // statements in their order, each by itself: not in a transaction
	Settings  []Setting
	SSL       *bool // what database.postgresql.ssl has to be; nil is as it is
	Minds     []string
}

// Setting is one setting of Backstage, below backend.database unless it is a
// variable of its own.
type Setting struct {
	Path     string // "ensureExists"; "" is a variable
	Variable string // its name among the portal's variables
	Value    string // "false"
	Key      string // the Secret's key that has the value instead; "" is Value
}

// Variables are the recipe's settings as variables of the portal: backstage.extraEnv
// of every chart. Backstage reads each value as JSON if it is that.
func (r Recipe) Variables() []Setting { return slices.Clone(r.Settings) }

// AppConfig are the recipe's settings as YAML, for backstage.appConfig, which
// charts have from 1.1 on; "" when the recipe has none or a variable cannot be
// said there.
func (r Recipe) AppConfig() string {
	var b strings.Builder
	var open []string
	for _, s := range r.Settings {
		if s.Path == "" || s.Key != "" {
			return ""
		}
		path := append([]string{"backend", "database"}, strings.Split(s.Path, ".")...)
		same := 0
		for same < min(len(open), len(path)-1) && open[same] == path[same] {
			same++
		}
		for depth := same; depth < len(path)-1; depth++ {
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), path[depth])
		}
		open = path[:len(path)-1]
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", len(open)), path[len(open)], s.Value)
	}
	return b.String()
}

// at is a setting below backend.database. The variable's name is the path joined
// by "_", as Backstage's EnvConfigSource takes it apart.
func at(path, value string) Setting {
	return Setting{Path: path, Variable: "APP_CONFIG_backend_database_" + strings.ReplaceAll(path, ".", "_"), Value: value}
}

// Recipes returns the ways out for a target, the simplest first. free is how many
// connections Report.Limits leaves; 0 when that is not known. there are the
// databases of plugins that the server has: those are not created, only given to
// the role where they are another one's.
func Recipes(t Target, b Budget, free int, there ...Database) []Recipe {
	t, _ = t.trimmed()
	role, off, on := quoteName(t.User), false, true
	var created []string
	for _, plugin := range plugins {
		name := databaseOf(plugin)
		at := slices.IndexFunc(there, func(d Database) bool { return d.Name == name })
		switch {
		case at < 0:
			created = append(created, fmt.Sprintf("CREATE DATABASE %s OWNER %s ENCODING 'UTF8' TEMPLATE template0;", quoteName(name), role))
		case !there[at].Owned:
			created = append(created, fmt.Sprintf("ALTER DATABASE %s OWNER TO %s;", quoteName(name), role))
		}
	}
	database := quoteName(t.Database)
	pool := b.Fit(free)
	if free < 1 || pool < 1 {
		pool = 4
	}
	return []Recipe{
		{
			ID: "createdb", Title: "let the role create databases", For: []string{"role.createdb"},
			SQL:   []string{fmt.Sprintf("ALTER ROLE %s CREATEDB;", role)},
			Minds: []string{"CREATEDB is the role's own: being a member of a role that has it is not enough"},
		},
		{
			ID: "precreated", Title: "create the databases for it", For: []string{"role.createdb", "plugin.missing", "database.connect", "encoding.other", "template.busy", "template.collation"},
			SQL:      created,
			Settings: []Setting{at("ensureExists", "false")},
			Minds: []string{
				"the role has to own them: from PostgreSQL 15 on nobody else may create tables in them",
				"a plugin that is added later needs its database first: the portal does not start without it",
			},
		},
		{
			ID: "schema", Title: "use one database with a schema per plugin", For: []string{"role.createdb", "database.connect", "schema.create"},
			SQL: []string{
				fmt.Sprintf("CREATE DATABASE %s OWNER %s ENCODING 'UTF8' TEMPLATE template0;", database, role),
				fmt.Sprintf("ALTER DATABASE %s OWNER TO %s;", database, role),
			},
			Settings: []Setting{at("pluginDivisionMode", "schema"), at("ensureExists", "false"), at("ensureSchemaExists", "true")},
			Minds: []string{
				"leave out CREATE DATABASE if the database is there already",
				"a pooler in transaction mode does not work with it: every connection sets its search_path",
				"what other layouts have stored is not taken along",
			},
		},
		{
			ID: "pool", Title: "let each plugin open fewer connections", For: []string{"limit.budget", "limit.role.budget", "plugin.limit"},
			Settings: []Setting{at("knexConfig.pool.max", strconv.Itoa(pool))},
			Minds:    []string{"below 2 plugins may wait for themselves"},
		},
		{
			ID: "limit", Title: "allow the role more connections", For: []string{"limit.role", "limit.role.tight", "limit.role.budget"},
			SQL: []string{fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d;", role, b.Needed()+b.complete().Plugins)},
		},
		{
			ID: "ca", Title: "give the portal the authority's certificate", For: []string{"tls.authority", "tls.selfsigned", "tls.incomplete", "tls.partial"},
			Settings: []Setting{{Variable: "APP_CONFIG_backend_database_connection_ssl_ca", Key: "postgres-ca"}},
			SSL:      &on,
			Minds:    []string{"the portal then trusts this authority alone for the database: Node.js's own list is replaced"},
		},
		{
			ID: "no-verify", Title: "encrypt without verifying the server", For: []string{"tls.authority", "tls.selfsigned", "tls.incomplete", "tls.partial", "tls.host", "tls.expired", "target.ip"},
			Settings: []Setting{{Variable: "PGSSLMODE", Value: "no-verify"}},
			SSL:      &off,
			Minds: []string{
				"whoever is on the way can pose as the server and read everything",
				"ssl has to be false: with true the chart sets PGSSLMODE after this and wins",
			},
		},
	}
}

// Mending returns those of the recipes that mend one of the verdicts.
func Mending(recipes []Recipe, verdicts []Verdict) []Recipe {
	return slices.DeleteFunc(slices.Clone(recipes), func(r Recipe) bool {
		return !slices.ContainsFunc(verdicts, func(v Verdict) bool { return slices.Contains(r.For, v.ID) })
	})
}
