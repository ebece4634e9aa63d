package steps

import (
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// The conditions that questions share.
var (
	always = Condition{Text: "always", Holds: func(plan.Input) bool { return true }}
	portal = Condition{"with portal.enabled", func(in plan.Input) bool { return in.Draft.Portal.Enabled }}
	signIn = Condition{"with portal.enabled and security.authentication", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Security.Authentication
	}}
	authenticated = Condition{"with security.authentication", func(in plan.Input) bool { return in.Draft.Security.Authentication }}
	authorized    = Condition{"with security.authorization", func(in plan.Input) bool { return in.Draft.Security.Authorization }}
	onSQLite      = Condition{"with database.type sqlite", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Database.Type == "sqlite"
	}}
	onPostgres = Condition{"with database.type postgresql", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Database.Type == "postgresql"
	}}
	autoscaled = Condition{"with scaling.autoscaling.enabled", func(in plan.Input) bool {
		return in.Draft.Portal.Enabled && in.Draft.Scaling.Autoscaling.Enabled
	}}
	throughGateway = Condition{"with gateway.tls.enabled", func(in plan.Input) bool { return in.Draft.Gateway.TLS.Enabled }}
)

func (c Condition) and(other Condition) Condition {
	text := c.Text
	if other.Text != always.Text {
		text += " and " + strings.TrimPrefix(other.Text, "with ")
	}
	return Condition{Text: text, Holds: func(in plan.Input) bool { return c.holds(in) && other.holds(in) }}
}

func isThunder(in plan.Input) bool { return in.Draft.Identity.Provider == "thunder" }

func oneOf(options []Option) error {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Value
	}
	return fmt.Errorf("must be one of %s", strings.Join(names, ", "))
}

// derived proposes a value computed from another answer. It outranks what an
// existing values file says when that file held the same derivation of an
// answer that is being changed: followed says so.
func derived(key answers.Key, value any, from answers.Key, followed bool) answers.Proposal {
	rank := answers.FromDerived
	if followed {
		rank = answers.FromChange
	}
	return answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: rank, Detail: "from " + string(from)}}
}

func settled(key answers.Key, value any, why string) answers.Proposal {
	return answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromDerived, Detail: why}}
}

func found(key answers.Key, value any, where string) answers.Proposal {
	return answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromCluster, Detail: where}}
}
