package steps_test

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

const backendDatabase = "APP_CONFIG_backend_database_"

// databaseEnv are the variables by which the portal is told of its database.
func databaseEnv(c inCluster) map[string]string {
	got := map[string]string{}
	for name, value := range c.env {
		if strings.HasPrefix(name, backendDatabase) || name == "PGSSLMODE" || name == "DATABASE_CLIENT" {
			got[strings.TrimPrefix(name, backendDatabase)] = value
		}
	}
	return got
}

func sameEnv(t *testing.T, got, want map[string]string, file []byte) {
	t.Helper()
	same := len(got) == len(want)
	for name, value := range want {
		same = same && got[name] == value
	}
	if !same {
		t.Errorf("got  %v\nwant %v\n%s", got, want, file)
	}
}

// TestDatabaseReachesThePortal: every way to protect the connection and to divide
// the data arrives in the container of every chart, and is taken away again.
func TestDatabaseReachesThePortal(t *testing.T) {
	plain := map[string]string{"DATABASE_CLIENT": "pg"}
	verified := map[string]string{"DATABASE_CLIENT": "pg", "PGSSLMODE": "require"}
	with := func(base map[string]string, pairs ...string) map[string]string {
		all := map[string]string{}
		for name, value := range base {
			all[name] = value
		}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	const host, user = "database.postgresql.host", "database.postgresql.user"
	sqlite := given{"database.type": "sqlite", "scaling.replicas": 1, "scaling.autoscaling.enabled": false}
	type step struct {
		said given
		want map[string]string
	}
	for name, steps := range map[string][]step{
		"public authority, then no TLS": {{nil, verified}, {given{"database.postgresql.ssl": false}, plain}},
		"CA, kept and left": {
			{given{"database.postgresql.caFile": "ca.pem"}, with(verified, "connection_ssl_ca", "key postgres-ca")},
			{given{"environment.logLevel": "debug"}, with(verified, "connection_ssl_ca", "key postgres-ca")},
			{given{"database.postgresql.ssl": false}, plain},
		},
		"a CA, then well-known ones": {
			{given{"database.postgresql.caFile": "ca.pem"}, with(verified, "connection_ssl_ca", "key postgres-ca")},
			{given{"database.postgresql.trustCA": "none"}, verified},
			{given{"environment.logLevel": "debug"}, verified},
		},
		"not verified, then verified": {
			{given{"database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify")},
			{given{"environment.logLevel": "debug"}, with(plain, "PGSSLMODE", "no-verify")},
			{given{"database.postgresql.verify": true}, verified},
		},
		"not verified, then ssl":           {{given{"database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify")}, {given{"database.postgresql.ssl": true}, verified}},
		"not verified, then a CA":          {{given{"database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify")}, {given{"database.postgresql.verify": true, "database.postgresql.caFile": "ca.pem"}, with(verified, "connection_ssl_ca", "key postgres-ca")}},
		"not verified, then plain":         {{given{"database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify")}, {given{"database.postgresql.ssl": false}, plain}},
		"a CA, then not verified":          {{given{"database.postgresql.caFile": "ca.pem"}, with(verified, "connection_ssl_ca", "key postgres-ca")}, {given{"database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify")}},
		"databases that are there already": {{given{"database.postgresql.layout": "existing"}, with(verified, "ensureExists", "false")}, {given{"database.postgresql.layout": "per-plugin"}, verified}},
		"schemas, existing, SQLite": {
			{given{"database.postgresql.layout": "schema"}, with(verified, "pluginDivisionMode", "schema", "ensureExists", "false", "ensureSchemaExists", "true")},
			{given{"environment.logLevel": "debug"}, with(verified, "pluginDivisionMode", "schema", "ensureExists", "false", "ensureSchemaExists", "true")},
			{given{"database.postgresql.layout": "existing"}, with(verified, "ensureExists", "false")},
			{sqlite, map[string]string{"DATABASE_CLIENT": "better-sqlite3"}},
		},
		"schemas by variable, then per plugin": {
			{given{"environment.extra": []answers.EnvVar{{Name: backendDatabase + "pluginDivisionMode", Value: "schema"}, {Name: "A", Value: "b"}}}, with(verified, "pluginDivisionMode", "schema")},
			{given{"database.postgresql.layout": "per-plugin"}, verified},
		},
		"everything, then SQLite": {
			{given{"database.postgresql.layout": "schema", "database.postgresql.verify": false}, with(plain, "PGSSLMODE", "no-verify", "pluginDivisionMode", "schema", "ensureExists", "false", "ensureSchemaExists", "true")},
			{sqlite, map[string]string{"DATABASE_CLIENT": "better-sqlite3"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at, dir := range chartsWithTemplates(t) {
				t.Run(at, func(t *testing.T) {
					base := production.with(endpoints)
					var file []byte
					for i, s := range steps {
						said := base.with(s.said)
						if i > 0 { // what the file says is not said again
							said = s.said.with(given{"client.secret": typed, "authorization.subject": "x", host: "postgres.example.com", user: "backstage", "database.postgresql.password": typed, "database.postgresql.database": "backstage"})
						}
						var got inCluster
						got, file = renderedOn(t, at, dir, file, said)
						sameEnv(t, databaseEnv(got), s.want, file)
					}
				})
			}
		})
	}
}

// TestLayoutOverAppConfig: what backstage.appConfig says is answered by a variable,
// which counts above it.
func TestLayoutOverAppConfig(t *testing.T) {
	file := []byte("backstage:\n  appConfig:\n    backend:\n      database:\n        pluginDivisionMode: schema\n        ensureExists: false\n")
	for at, dir := range chartsWithTemplates(t) {
		if strings.Contains(at, " 1.0.") {
			continue // which has no appConfig
		}
		t.Run(at, func(t *testing.T) {
			got, after := renderedOn(t, at, dir, file, production.with(endpoints).with(given{"database.postgresql.layout": "per-plugin"}))
			sameEnv(t, databaseEnv(got), map[string]string{"DATABASE_CLIENT": "pg", "PGSSLMODE": "require", "pluginDivisionMode": "database", "ensureExists": "true"}, after)
			got, after = renderedOn(t, at, dir, after, production.with(endpoints).with(given{"database.postgresql.layout": "schema"}))
			sameEnv(t, databaseEnv(got), map[string]string{"DATABASE_CLIENT": "pg", "PGSSLMODE": "require", "ensureSchemaExists": "true"}, after)
		})
	}
}
