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

// confirmDatabase follows a roll-out of this run that gives the portal another
// database, or another way to it; nil where nothing of that changes.
func (p *Plan) confirmDatabase() []Action {
	d, was := &p.in.Draft, p.in.Current.Cluster.Deployment.Database
	a := ConfirmDatabase{Namespace: d.Target.Namespace, Deployment: p.deployment(), Client: "better-sqlite3", Timeout: databaseWait}
	if p.rotation != nil {
		return nil // which has a proof of its own
	}
	if d.Database.Type != "postgresql" {
		if was != "pg" {
			return nil
		}
		return []Action{a}
	}
	if was == "pg" && !p.databaseChanges() {
		return nil
	}
	a.Client, a.Secret = "pg", d.Secret.Name
	a.Databases = d.Database.PostgreSQL.Layout != LayoutSchema
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

func (p *Plan) databaseChanges() bool {
	return slices.ContainsFunc(p.Values, func(v ValueChange) bool { return strings.HasPrefix(string(v.Key), "database.") }) ||
		slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.changes && strings.HasPrefix(k.Name, "postgres-") })
}

// ConfirmsDatabase tells whether the run looks which database the portal has.
func (p *Plan) ConfirmsDatabase() bool {
	return slices.ContainsFunc(p.Actions, func(a Action) bool { _, ok := a.(ConfirmDatabase); return ok })
}
