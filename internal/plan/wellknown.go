package plan

import (
	"strings"

	"github.com/openchoreo/backstage-setup/internal/values"
)

// TrustNone is the answer of database.postgresql.trustCA that takes a certificate
// authority away which the portal was given: it trusts what Node.js does by itself.
const TrustNone = "none"

// WellKnownOnly tells whether the answers want the portal to trust well-known
// authorities alone for PostgreSQL.
func (in Input) WellKnownOnly() bool {
	return in.Draft.Has("database.postgresql.trustCA") && strings.EqualFold(strings.TrimSpace(in.Draft.Database.PostgreSQL.TrustCA), TrustNone)
}

// KeepsCA tells whether the portal's Secret has a certificate authority for
// PostgreSQL that the portal reads, or would read once it has that database.
func (in Input) KeepsCA() bool {
	kept, _, ok := in.existing(postgresCA)
	return ok && !kept.IsZero() && in.readsCA()
}

// readsCA tells whether the variable that reads the Secret's authority is there,
// as far as a portal with PostgreSQL is: one that lacks it does without.
func (in Input) readsCA() bool {
	d := in.Current.Cluster.Deployment
	if kind, _ := values.Lookup(in.inForce(), values.MustPath("backstage.database.type")); kind == "postgresql" {
		return in.inForceVariable(postgresEnv)
	}
	if d.Database != "pg" {
		return true
	}
	_, there := d.EnvVar(postgresEnv)
	return there
}

// inForceVariable tells whether the values give the portal a variable.
func (in Input) inForceVariable(name string) bool {
	paths := []string{in.Profile.Paths["environment.extra"], in.Profile.Items["environment.logLevel"].List}
	for _, path := range paths {
		if path == "" {
			continue
		}
		raw, _ := values.Lookup(in.inForce(), values.MustPath(path))
		if list, ok := raw.([]any); ok && byName(list, name) != nil {
			return true
		}
	}
	return false
}

// dropsCA tells whether this run takes the authority away from the portal.
func (p *Plan) dropsCA() bool {
	for _, name := range p.dropped {
		if name == postgresEnv {
			return p.in.Draft.Database.Type == "postgresql" && p.in.WellKnownOnly()
		}
	}
	return false
}

// unreadCA says how the key goes that nothing reads once the portal runs without
// it. The run leaves it there: pods that run still name it, and one that restarts
// before the upgrade would not start.
func (p *Plan) unreadCA() {
	if _, _, there := p.in.existing(postgresCA); !there || !p.dropsCA() || p.Secret.Action == "manifest" || p.Secret.Action == "external" {
		return
	}
	p.command("once it is up: nothing reads the authority of PostgreSQL any more", "kubectl patch secret %s -n %s --type=json -p %s",
		Quote(p.Secret.Name), Quote(p.Secret.Namespace), Quote(`[{"op":"remove","path":"/data/`+postgresCA+`"}]`))
}
