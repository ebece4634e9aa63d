package steps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

func database() Step {
	return Step{
		ID: "database", Title: "Database",
		Intro: "Where Backstage keeps its data. The catalog is rebuilt from the cluster; user settings and scaffolder history are not.",
		When:  portal,
		Suggest: func(in plan.Input) []answers.Proposal {
			if in.Draft.Database.Type != "postgresql" {
				return nil
			}
			return slices.Concat(ofCandidate(in), protection(in), []answers.Proposal{settled("database.postgresql.port", 5432, "PostgreSQL's own")})
		},
		Notes:  databaseNotes,
		Checks: databaseChecks,
		Plan:   planDatabase,
		Questions: []Question{
			{Key: "database.type", Title: "Database", Ask: Confirm, When: portal, Value: textValue,
				Options: []Option{{"sqlite", "SQLite", "one replica only; lost at every restart unless it has a volume"}, {"postgresql", "PostgreSQL", "for production and more than one replica"}},
				Why:     "Leaving SQLite deletes its volume; no data is moved between the two."},
			{Key: "database.sqlite.keepVolume", Title: "Keep the volume of SQLite", When: leavesVolume, Value: boolValue, Suggest: func(plan.Input) any { return true }, Default: "yes",
				Seen: volumeSeen,
				Why:  "Without SQLite the release has no volume, and helm deletes this one with all its data, unless it is kept. Only what is kept can be gone back to; it can be deleted any time."},
			{Key: "database.sqlite.persistence", Title: "Keep SQLite on a volume", Ask: More, When: onSQLite, Value: boolValue,
				Why: "Without it the data is gone whenever the pod restarts. With it every roll-out starts the new pod beside the old one: it can hang, or both write the same file, so scale the Deployment to 0 before an upgrade."},
			{Key: "database.sqlite.size", Title: "Volume size", Example: "1Gi", Ask: More, When: persistent, Value: quantity, Why: "Size of the PersistentVolumeClaim."},
			{Key: "database.sqlite.storageClass", Title: "Storage class", Example: "standard", Ask: More, When: persistent, Value: nameValue.orEmpty(), Default: "the cluster's default class",
				Choices: storageClasses,
				Why:     "Which kind of volume."},
			{Key: "database.sqlite.accessMode", Title: "Access mode", Ask: More, When: persistent, Value: textValue,
				Options: []Option{{"ReadWriteOnce", "ReadWriteOnce", "one node at a time: on another node the new pod of a roll-out waits for the old one and can hang"}, {"ReadWriteMany", "ReadWriteMany", "several nodes: in a roll-out two pods write one file, which can damage it"}},
				Why:     "How the volume may be mounted."},
			{Key: "database.sqlite.mountPath", Title: "Mount path", Example: "/app/.config/backstage", Ask: More, When: onSQLite, Value: textValue.with(absolutePathRule),
				Why: "Directory of the database files in the container."},
			{Key: "database.postgresql.host", Title: "PostgreSQL host", Example: "postgres.example.com", When: onPostgres, Required: onPostgres, Value: textValue.with(wordRule, hostRule), Rule: reachableRule,
				Choices: databaseHosts, Lacks: noHost,
				Why: "As the portal's pods reach it. With TLS it must be the name in the certificate."},
			{Key: "database.postgresql.port", Title: "PostgreSQL port", Example: "5432", Ask: More, When: onPostgres, Required: onPostgres, Value: portValue, Default: "5432",
				Why: "Port of the server, or of its pooler."},
			{Key: "database.postgresql.user", Title: "PostgreSQL user", Example: "backstage", When: onPostgres, Required: onPostgres, Value: textValue.with(notEmptyRule),
				Choices: databaseUsers,
				Why:     "A role that may connect to the database postgres and create databases: Backstage makes one per plugin."},
			{Key: "database.postgresql.password", Title: "PostgreSQL password", Example: "file:/run/secrets/pg", When: onPostgres, Required: onPostgres, Value: hiddenValue, Rule: secretAnswer("database.postgresql.password", nil),
				Offer: offeredPassword, Lacks: noPassword,
				Why: "Goes into the Secret under postgres-password and nowhere else."},
			{Key: "database.postgresql.database", Title: "PostgreSQL database", Example: "backstage", When: onPostgres, Required: onPostgres, Value: textValue.with(notEmptyRule),
				Suggest: func(plan.Input) any { return "backstage" },
				Why:     "The chart requires it. By default Backstage makes backstage_plugin_… databases instead and never opens this one."},
			{Key: "database.postgresql.ssl", Title: "TLS to PostgreSQL", Ask: Confirm, When: onPostgres, Value: boolValue, Doubt: plainByDefault,
				Why: "Yes verifies certificate and host name against well-known authorities: a server in the cluster, Amazon RDS or Cloud SQL needs database.postgresql.caFile too. No is plain text, which managed services refuse."},
			{Key: "database.postgresql.caFile", Title: "CA of PostgreSQL", Example: "global-bundle.pem", Ask: More, Value: textValue.with(caValueRule), Default: "none: well-known authorities only",
				When: verified, Rule: caFileRule,
				Why: "For certificates of a private authority, such as Amazon RDS or Cloud SQL: kept in the Secret and handed to the portal. A file, or secret:NAMESPACE/NAME/KEY of the cluster, where an operator such as CloudNativePG keeps it."},
			{Key: "database.postgresql.trustCA", Title: "CA by its fingerprint", Example: "sha256:5f2c8e0d3b7a49164e0c5d2a8b9f7e61d4c3b2a190f8e7d6c5b4a39281706f5e", Ask: More, When: verified, Value: textValue.with(fingerprintRule), Rule: trustRule, Default: "none",
				Choices: shownAuthorities,
				Why:     "In place of the file: the authority that the server itself shows, once you have compared the SHA-256 fingerprint with the one of the server's own certificate file (openssl x509 -noout -fingerprint -sha256 -in FILE). It is kept in the Secret and handed to the portal. none takes one away that the portal was given: it trusts well-known authorities again."},
			{Key: "database.postgresql.verify", Title: "Verify the server", Ask: More, When: encrypted, Value: boolValue, Default: "yes",
				Why: "No encrypts and accepts any certificate: whoever is on the way can pose as the server, take the password and read everything. Only with --accept " + postgresUnverified + ", or a word in the review."},
			{Key: "database.postgresql.layout", Title: "Databases", Ask: More, When: onPostgres, Value: textValue, Default: "what the values say, else " + plan.LayoutPerPlugin,
				Options: []Option{
					{plan.LayoutPerPlugin, "Backstage makes one per plugin", "the role needs CREATEDB"},
					{plan.LayoutExisting, "One per plugin, made by somebody else", "for a role that may not create databases; a plugin that is added needs its database first"},
					{plan.LayoutSchema, "One database, with a schema per plugin", "database.postgresql.database has to be there, and to be the role's own"},
				},
				Why: "How Backstage divides its data. What it has stored in another layout is not taken along."},
		},
	}
}

// leavesVolume is the switch away from a volume that nothing keeps yet.
var leavesVolume = Condition{"when SQLite is left that has a volume", func(in plan.Input) bool {
	_, leaves := in.LeavesVolume()
	return leaves && !in.KeepsVolume()
}}

// plainByDefault is the doubt about a connection that nobody has said to leave in
// plain text, where PostgreSQL is newly chosen: only the chart's default says so.
func plainByDefault(in plan.Input) string {
	if in.Current.Cluster.Deployment.Database == "pg" || in.Draft.Database.PostgreSQL.SSL || in.Draft.From["database.postgresql.ssl"].Rank > answers.FromChart {
		return ""
	}
	return "plain text is only the chart's default"
}

// volumeSeen is what the volume is.
func volumeSeen(in plan.Input) string {
	claim := in.Current.Cluster.Claim
	text := "claim " + claim.Name + ", " + claim.Size
	if claim.StorageClass != "" {
		text += " of class " + claim.StorageClass
	}
	return text
}

var persistent = onSQLite.and(Condition{"database.sqlite.persistence", func(in plan.Input) bool { return in.Draft.Database.SQLite.Persistence }})

var (
	encrypted = onPostgres.and(Condition{"database.postgresql.ssl", func(in plan.Input) bool { return in.Draft.Database.PostgreSQL.SSL }})
	verified  = encrypted.and(Condition{"database.postgresql.verify", func(in plan.Input) bool { return !in.Unverified() }})
)

// storageClasses are those of the cluster.
func storageClasses(in plan.Input) []Option {
	classes := in.Current.Cluster.StorageClasses
	options := plainOptions(classes.Names)
	for i := range options {
		if options[i].Value == classes.Default {
			options[i].Note = "the cluster's default"
		}
	}
	return options
}

// installedCheck: the flow of the database changes a portal that is there.
func installedCheck(in plan.Input) check.Check {
	return judged("portal.installed", "there is a portal", nil, func() check.Result {
		if IsInstalled(in) {
			return pass(cmp.Or(in.Current.Cluster.Deployment.Name, in.Draft.Target.Release))
		}
		return fail(fmt.Sprintf("neither release %s in namespace %s nor the values files have a portal", in.Draft.Target.Release, in.Draft.Target.Namespace),
			"set one up with `backstage-setup install`, which asks for the database too; or name the right --context, --namespace, --release or -f")
	})
}

// databaseNotes are what is known of the service that the host belongs to, and what
// a change of database costs.
func databaseNotes(in plan.Input) []string {
	var notes []string
	if was := in.Current.Cluster.Deployment.Database; was == "better-sqlite3" && onPostgres.holds(in) {
		notes = append(notes, "Changing to PostgreSQL moves no data: the catalog is rebuilt, user settings, scaffolder history and signing keys start fresh, and everybody signs in again.")
	}
	if !onPostgres.holds(in) {
		return notes
	}
	notes = append(notes, candidateNotes(in)...)
	pg := in.Draft.Database.PostgreSQL
	service, ok := postgres.Managed(pg.Host)
	if !ok {
		return notes
	}
	notes = append(notes, service.Name+": "+service.TLS+".", "Role: "+service.Role+".", "Pooler: "+service.Pooler+".")
	for _, warning := range service.Warnings {
		notes = append(notes, strings.ToUpper(warning[:1])+warning[1:]+".")
	}
	if service.Private && service.Bundle != "" && verified.holds(in) && in.PostgresCA() == nil {
		notes = append(notes, "Its CA file for database.postgresql.caFile: "+service.Bundle)
	}
	return notes
}

// planDatabase says what a change of database costs.
func planDatabase(in plan.Input, p *plan.Plan) {
	d := &in.Draft
	if d.Database.Type == "sqlite" && !d.Database.SQLite.Persistence {
		p.Warn("database", "SQLite without a volume: user settings and scaffolder history are gone at every restart")
	}
	if d.Database.Type == "sqlite" && d.Database.SQLite.Persistence && d.Database.SQLite.AccessMode != "ReadWriteMany" {
		p.Warn("database", "SQLite on a ReadWriteOnce volume: an upgrade starts the new pod first and can hang; scale the Deployment to 0 before, or use PostgreSQL")
	}
	if d.Database.Type == "sqlite" && d.Database.SQLite.Persistence && d.Database.SQLite.AccessMode == "ReadWriteMany" {
		p.Warn("database", "SQLite on a ReadWriteMany volume: in an upgrade two pods write the same file, which can damage it; scale the Deployment to 0 before, or use PostgreSQL")
	}
	if pg := d.Database.PostgreSQL; d.Database.Type == "postgresql" && pg.SSL && !in.Unverified() && in.PostgresCA() == nil && privateAuthority(pg.Host) {
		p.Warn("database", "the certificate of %s is likely of a private authority, which the portal does not trust: set database.postgresql.caFile, or the pods fail at start", pg.Host)
	}
	if note := unreadCANote(in); d.Database.Type == "postgresql" && note != "" {
		p.Warn("database", "%s", note)
	}
	planVolume(in, p)
	was := in.Current.Cluster.Deployment.Database
	switch {
	case was == "better-sqlite3" && d.Database.Type == "postgresql":
		p.Warn("database", "no data moves from SQLite to PostgreSQL: the catalog is rebuilt, user settings, scaffolder history and signing keys start fresh, and everybody signs in again")
	case was == "pg" && d.Database.Type == "sqlite":
		p.Warn("database", "no data moves from PostgreSQL to SQLite: user settings, scaffolder history and signing keys are those that SQLite was left with, or start fresh, and everybody signs in again; the databases of PostgreSQL stay as they are")
	}
}
