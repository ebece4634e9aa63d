package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/k8s"
)

// ConfirmDatabase looks whether the portal runs with the database that was asked
// for: by the variables of its Deployment, what its new pods have logged, and the
// databases that it has made. It changes nothing. What cannot be told is told; that
// it runs with another one is a failure.
type ConfirmDatabase struct {
	Namespace, Deployment string
	Client                string   // DATABASE_CLIENT: "pg" or "better-sqlite3"
	SSLMode               string   // PGSSLMODE; "" is none
	Secret                string   // that the variables FromSecret are taken from
	FromSecret            []string // POSTGRES_HOST and the like
	Databases             bool     // Backstage makes databases that can be counted
	Timeout               time.Duration
	Before                *JournalDatabase // what an earlier run, which this one goes on with, saw of the server; nil is to be seen now
}

// JournalDatabase is that a run gives the portal another database, or another way
// to it, and what was at the server before: a run that goes on with it confirms it.
type JournalDatabase struct {
	Known bool     `json:"known,omitempty"`  // the server could be asked
	Names []string `json:"before,omitempty"` // of Backstage's databases that were there

	Look bool `json:"-"` // this run asks, before its first change
}

// ID returns "database.confirm".
func (a ConfirmDatabase) ID() string { return "database.confirm" }

// Title returns "see whether the portal runs with PostgreSQL".
func (a ConfirmDatabase) Title() string {
	if a.Client == "pg" {
		return "see whether the portal runs with PostgreSQL"
	}
	return "see whether the portal runs with SQLite"
}

// Rights are those of AwaitRollout and to read the pods' logs, without which less
// can be told.
func (a ConfirmDatabase) Rights() []k8s.Access { return nil }

// databaseWait bounds the wait for Backstage's databases: it makes them as it
// starts, before its pods are ready.
const databaseWait = 30 * time.Second

// confirmDatabase follows a roll-out that gives the portal another database, or
// another way to it, by this run or by an earlier one that nothing has confirmed;
// nil where nothing of that changes.
func (p *Plan) confirmDatabase() []Action {
	d := &p.in.Draft
	earlier := p.in.Current.unconfirmed()
	if earlier == nil && !p.otherDatabase() {
		return nil
	}
	a := ConfirmDatabase{Namespace: d.Target.Namespace, Deployment: p.deployment(), Client: "better-sqlite3", Timeout: databaseWait}
	if d.Database.Type != "postgresql" {
		return []Action{a}
	}
	a.Databases = p.countsDatabases()
	if earlier != nil && !p.otherServer() {
		a.Before = earlier
	}
	a.Client, a.Secret = "pg", d.Secret.Name
	switch {
	case p.in.Unverified():
		a.SSLMode = noVerify
	case p.in.chartSSL():
		a.SSLMode = "require"
	}
	for _, v := range p.in.Profile.Env {
		if strings.HasPrefix(v.Secret, "postgres-") {
			a.FromSecret = append(a.FromSecret, v.Name)
		}
	}
	return []Action{a}
}

// otherDatabase tells whether this run gives the portal another database, or
// another way to it. A rotation has a proof of its own.
func (p *Plan) otherDatabase() bool {
	was := p.in.Current.Cluster.Deployment.Database
	switch {
	case p.rotation != nil:
		return false
	case p.in.Draft.Database.Type != "postgresql":
		return was == "pg"
	}
	return was != "pg" || p.databaseChanges()
}

// countsDatabases tells whether Backstage makes databases that can be counted.
func (p *Plan) countsDatabases() bool {
	pg := &p.in.Draft.Database
	return pg.Type == "postgresql" && pg.PostgreSQL.Layout != LayoutSchema
}

// journalDatabase is what the journal of this run holds of the database; nil where
// it is about none, or goes on with an earlier run that was about the same server.
func (p *Plan) journalDatabase() *JournalDatabase {
	if !p.in.Draft.Portal.Enabled || !p.otherDatabase() || p.in.Current.unconfirmed() != nil && !p.otherServer() {
		return nil
	}
	return &JournalDatabase{Look: p.countsDatabases()}
}

// unconfirmed is what an earlier run left that gave the portal another database;
// nil where there is none.
func (c Current) unconfirmed() *JournalDatabase {
	if c.Journal == nil {
		return nil
	}
	return c.Journal.Database
}

// otherServer tells whether this run writes where the server is.
func (p *Plan) otherServer() bool {
	return slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool {
		return k.changes && (k.Name == "postgres-host" || k.Name == "postgres-port")
	})
}

func (p *Plan) databaseChanges() bool {
	return p.dropsCA() || slices.ContainsFunc(p.Values, func(v ValueChange) bool { return strings.HasPrefix(string(v.Key), "database.") }) ||
		slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.changes && strings.HasPrefix(k.Name, "postgres-") })
}

// ConfirmsDatabase tells whether the run looks which database the portal has, or
// notes which there are for the run that does.
func (p *Plan) ConfirmsDatabase() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool {
		keep, keeps := a.(KeepPrevious)
		_, confirms := a.(ConfirmDatabase)
		return confirms || keeps && keep.Journal.Database != nil && keep.Journal.Database.Look
	})
}
