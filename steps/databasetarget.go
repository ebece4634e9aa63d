package steps

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// databaseQuery is what the portal will connect to, and how. why completes
// "nothing was asked: ".
func databaseQuery(in plan.Input) (q PostgresQuery, why string) {
	pg := in.Draft.Database.PostgreSQL
	password, why := secretAt(in, "database.postgresql.password")
	q = PostgresQuery{
		Target: postgres.Target{
			Host: pg.Host, Port: pg.Port, User: pg.User, Password: password, Database: pg.Database, SSL: pg.SSL, Layout: layoutOf(in),
		},
		Budget: budgetOf(in), Namespace: in.Draft.Target.Namespace,
	}
	if in.Unverified() {
		q.Target.SSL, q.Target.Mode = true, postgres.NoVerify
	} else if pg.SSL {
		q.CA = in.PostgresCA()
	}
	if examining(in) {
		q.CA = liveCA(in)
	}
	return q, why
}

// budgetOf is how many pods there will be at most: a roll-out adds a quarter,
// Kubernetes' default, which the chart does not change.
func budgetOf(in plan.Input) postgres.Budget {
	s := in.Draft.Scaling
	b := postgres.Budget{Replicas: max(s.Replicas, 1)}
	if s.Autoscaling.Enabled {
		b.Replicas = max(s.Autoscaling.Max, 1)
	}
	b.Surge = (b.Replicas + 3) / 4
	b.Pool, _ = strconv.Atoi(in.DatabaseSetting("knexConfig", "pool", "max"))
	return b
}

// layoutOf is how Backstage is told to divide its data.
func layoutOf(in plan.Input) postgres.Layout {
	layout := in.Draft.Database.PostgreSQL.Layout
	if !in.Draft.Has("database.postgresql.layout") {
		layout, _ = in.LayoutFound()
	}
	switch layout {
	case plan.LayoutSchema:
		return postgres.Schema
	case plan.LayoutExisting:
		return postgres.Precreated
	}
	return postgres.PerPlugin
}

// changesDatabase tells whether the run settles which database the portal uses.
func changesDatabase(in plan.Input) bool {
	if in.Current.Flow == rotateFlow {
		return true
	}
	if was := in.Current.Cluster.Deployment.Database; !IsInstalled(in) || was != "" && was != "pg" {
		return true
	}
	there := known(in)
	return slices.ContainsFunc(answers.Keys(), func(key answers.Key) bool {
		if !strings.HasPrefix(string(key), "database.") || !in.Draft.Given(key) {
			return false
		}
		kind, _ := answers.KindOf(key)
		same := slices.ContainsFunc(there, func(p answers.Proposal) bool { return p.Key == key && p.Value == in.Draft.Get(key) })
		return kind == answers.Hidden || !same
	})
}

// liveCA is what the portal that runs trusts for PostgreSQL, in PEM; nil is what
// Node.js trusts by itself.
func liveCA(in plan.Input) []byte {
	e, ok := in.Current.Cluster.Deployment.EnvVar("APP_CONFIG_backend_database_connection_ssl_ca")
	s := in.Current.Cluster.Secret.Secret
	switch {
	case ok && s != nil && e.SecretName == s.Name:
		return []byte(s.Values[e.SecretKey].Reveal())
	case ok && e.Value != "":
		return []byte(e.Value)
	}
	if text := in.DatabaseSetting("connection", "ssl", "ca"); text != "" {
		return []byte(text)
	}
	return nil
}
