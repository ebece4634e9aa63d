package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/values"
)

// The layouts of Backstage's data in PostgreSQL: answers of
// database.postgresql.layout.
const (
	LayoutPerPlugin = "per-plugin" // Backstage makes a database per plugin: its default
	LayoutExisting  = "existing"   // a database per plugin, made by somebody else
	LayoutSchema    = "schema"     // a schema per plugin in one database
)

// noVerify is PGSSLMODE's word for TLS that verifies nobody: node-postgres 8.
const (
	sslMode  = "PGSSLMODE"
	noVerify = "no-verify"
)

// databaseSetting is one of Backstage's settings below backend.database that the
// layout decides, with Backstage's own default.
type databaseSetting struct{ name, preset string }

// variable is the setting as a variable of the portal. Unlike backstage.appConfig
// every chart has a place for it, it counts above the files, and a change of it
// restarts the pods.
func (s databaseSetting) variable() string { return "APP_CONFIG_backend_database_" + s.name }

var layoutSettings = []databaseSetting{{"pluginDivisionMode", "database"}, {"ensureExists", "true"}, {"ensureSchemaExists", "false"}}

// layouts are what differs from the defaults in each layout.
var layouts = map[string]map[string]string{
	LayoutPerPlugin: {},
	LayoutExisting:  {"ensureExists": "false"},
	LayoutSchema:    {"pluginDivisionMode": "schema", "ensureExists": "false", "ensureSchemaExists": "true"},
}

// DatabaseSetting is what the values tell Backstage below backend.database: a
// variable comes before backstage.appConfig. "" is nothing.
func (in Input) DatabaseSetting(path ...string) string {
	if text := in.Variable("APP_CONFIG_backend_database_" + strings.Join(path, "_")); text != "" {
		return text
	}
	return in.appConfigDatabase(path...)
}

func (in Input) appConfigDatabase(path ...string) string {
	raw, _ := values.Lookup(in.inForce(), values.MustPath(strings.Join(append([]string{"backstage.appConfig.backend.database"}, path...), ".")))
	switch value := raw.(type) {
	case nil, map[string]any, []any:
		return ""
	default:
		return fmt.Sprint(value)
	}
}

// inForce is Effective, or nothing before the files are read.
func (in Input) inForce() map[string]any {
	if len(in.Current.Files) == 0 || in.Chart == nil {
		return nil
	}
	return in.Effective()
}

// Variable is the literal value of one of the portal's own variables.
func (in Input) Variable(name string) string {
	for _, v := range in.Draft.Environment.Extra {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// LayoutFound is the layout that the values describe, and whether they say
// anything about it.
func (in Input) LayoutFound() (layout string, said bool) {
	mode, ensure := in.DatabaseSetting("pluginDivisionMode"), in.DatabaseSetting("ensureExists")
	switch {
	case mode == "schema":
		return LayoutSchema, true
	case ensure == "false":
		return LayoutExisting, true
	}
	return LayoutPerPlugin, mode != "" || ensure != ""
}

// Unverified tells whether the portal would encrypt its connection to PostgreSQL
// without knowing with whom.
func (in Input) Unverified() bool {
	d := &in.Draft
	if d.Database.Type != "postgresql" {
		return false
	}
	if d.Database.PostgreSQL.SSL {
		return d.Has("database.postgresql.verify") && !d.Database.PostgreSQL.Verify
	}
	return in.Variable(sslMode) == noVerify && (!d.Given("database.postgresql.ssl") || d.Given("environment.extra"))
}

// NotVerified tells whether the values that are there encrypt without verifying:
// the chart's ssl is off, and PGSSLMODE says so.
func (in Input) NotVerified() bool {
	ssl, _ := values.Lookup(in.inForce(), values.MustPath("backstage.database.postgresql.ssl"))
	return ssl != true && in.Variable(sslMode) == noVerify
}

// chartSSL is what the chart's own ssl has to be: with true its PGSSLMODE comes
// after every other one and wins, so that it is off where nothing is verified.
func (in Input) chartSSL() bool { return in.Draft.Database.PostgreSQL.SSL && !in.Unverified() }

// settlesTLS tells whether somebody said how the connection is protected.
func (p *Plan) settlesTLS() bool {
	d := &p.in.Draft
	return d.Given("database.type") || d.Given("database.postgresql.ssl") || d.Given("database.postgresql.verify")
}

// databaseVariables writes what the answers about PostgreSQL say in variables,
// and takes away those of other answers: also on the way back to SQLite, whose
// driver refuses to start with schemas.
func (p *Plan) databaseVariables() {
	d := &p.in.Draft
	if !d.Portal.Enabled {
		return
	}
	onPostgres := d.Database.Type == "postgresql"
	if p.settlesTLS() {
		if p.in.Unverified() {
			p.placeVariable(answers.EnvVar{Name: sslMode, Value: noVerify})
		} else if p.setsTo(sslMode, noVerify) {
			p.dropVariable(sslMode)
		}
		// With a certificate node-postgres verifies, whatever PGSSLMODE says.
		if !onPostgres || !p.in.chartSSL() {
			p.dropVariable(postgresEnv)
		}
	}
	if onPostgres && p.in.WellKnownOnly() {
		p.dropVariable(postgresEnv)
	}
	if !d.Given("database.postgresql.layout") && !(d.Given("database.type") && !onPostgres) {
		return
	}
	wanted := layouts[LayoutPerPlugin]
	if onPostgres {
		wanted = layouts[d.Database.PostgreSQL.Layout]
	}
	for _, s := range layoutSettings {
		value := s.preset
		if other, ok := wanted[s.name]; ok {
			value = other
		}
		said := p.in.appConfigDatabase(s.name)
		if said == value || said == "" && value == s.preset {
			p.dropVariable(s.variable())
			continue
		}
		p.placeVariable(answers.EnvVar{Name: s.variable(), Value: value})
	}
}

// setsTo tells whether one of the lists sets a variable to value.
func (p *Plan) setsTo(name, value string) bool {
	base, extra, _ := p.environmentLists()
	return slices.ContainsFunc([]string{base, extra}, func(path string) bool {
		list, _ := p.listOf(path)
		item := byName(list, name)
		return item != nil && item["value"] == value
	})
}

// placeVariable sets a variable in the list that has it, else in the extra one.
func (p *Plan) placeVariable(v answers.EnvVar) {
	base, extra, ok := p.environmentLists()
	if !ok {
		return
	}
	if p.listHas(base, v.Name) && !p.listHas(extra, v.Name) {
		extra = base
	}
	p.setVariable(extra, v)
}

// dropVariable takes a variable out of the lists that have it. A list of a file
// below the edited one is written anew without it: Helm replaces lists as a whole.
func (p *Plan) dropVariable(name string) {
	base, extra, ok := p.environmentLists()
	if !ok {
		return
	}
	for _, path := range []string{base, extra} {
		list, inFile := p.listOf(path)
		if byName(list, name) == nil {
			continue
		}
		p.dropped = append(p.dropped, name)
		at := values.MustPath(path + "[name=" + name + "]")
		if inFile {
			p.edits = slices.DeleteFunc(p.edits, func(e values.Edit) bool { return strings.HasPrefix(e.Path.String(), at.String()) })
			p.edits = append(p.edits, values.Edit{Path: at, Delete: true})
			continue
		}
		p.dropBelow(path, name, list)
	}
}

func (p *Plan) dropBelow(path, name string, list []any) {
	gone := func(item any) bool {
		if m, ok := item.(map[string]any); ok {
			return m["name"] == name
		}
		return entry(item, "name") == name
	}
	for i, e := range p.edits {
		if written, ok := e.Value.([]any); ok && e.Path.String() == path {
			p.edits[i].Value = slices.DeleteFunc(slices.Clone(written), gone)
			return
		}
	}
	fresh := []any{}
	for _, item := range list {
		if m, _ := item.(map[string]any); !gone(item) {
			fresh = append(fresh, ordered(m, "name", "value", "valueFrom"))
		}
	}
	p.edits = append(p.edits, values.Edit{Path: values.MustPath(path), Value: fresh})
}

// chartTLS writes the chart's own ssl, which is about verified connections only,
// where somebody said how the connection is protected, or a preset does.
func (p *Plan) chartTLS(path string) {
	const key = answers.Key("database.postgresql.ssl")
	rank := p.in.Draft.From[key].Rank
	theirs := rank == answers.FromChart || rank == answers.FromValues || p.complete && !p.asked(key)
	if theirs && !p.in.Draft.Given("database.postgresql.verify") {
		return
	}
	p.write(key, path, p.in.chartSSL())
}
