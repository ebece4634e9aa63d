package steps

import (
	"context"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// Explanations say which finding of an examination brings which others about, so
// that the one to mend first can be named.
func Explanations() []check.Explanation {
	portal := []string{"portal.rollout", "portal.events", "portal.logs", "portal.health"}
	// A name that does not resolve, or a certificate that nobody trusts, is no fault of
	// what is behind them.
	outside := []string{"routing.url/visit.status", "routing.url/visit.timeout", "routing.url/visit.refused", "routing.callback"}
	way := append([]string{"routing.url/visit.authority", "routing.url/visit.certificate", "routing.url/visit.scheme", "routing.url/visit.other"}, outside...)
	apiURL := []string{"api.url/visit.status", "api.url/visit.timeout", "api.url/visit.refused"}
	signIn := []string{"identity.*", "authorization.subject", "portal.logs/token.*", "portal.logs/identity.*", "portal.logs/discovery.*", "portal.logs/jwt.*", "portal.logs/jwks.*", "portal.logs/api.*", "portal.logs/signin.*", "api.logs/jwt.*", "api.logs/jwks.*"}
	database := []string{"database.postgresql.*", "portal.logs/postgres.*", "portal.logs/database.*", "portal.rollout", "portal.events", "portal.health"}
	with := func(lists ...[]string) []string {
		var all []string
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	return []check.Explanation{
		{By: "cluster.rights", Of: nil},
		{By: "cluster.namespace", Of: []string{"*"}},
		{By: "release.installed", Of: []string{"secret.*", "portal.*", "api.*", "routing.*", "authorization.*", "planes.*", "database.*"}},
		{By: "run.interrupted", Of: with([]string{"release.status"}, portal)},

		// The Secret.
		{By: "secret.sync", Of: with([]string{"secret.exists", "secret.keys", "secret.values", "portal.secret"}, portal, outside)},
		{By: "secret.exists", Of: with([]string{"secret.keys", "secret.values", "portal.secret", "database.postgresql.*", "identity.service-token", "release.status"}, portal, outside)},
		{By: "secret.keys", Of: with([]string{"identity.service-token", "identity.sign-in-secret", "release.status", "portal.secret"}, database, portal, outside)},
		{By: "secret.values", Of: with([]string{"portal.logs/config.*", "portal.secret", "release.status"}, signIn, database, outside), Warns: true},
		{By: "secret.placeholders", Of: []string{"identity.service-token", "identity.sign-in-secret"}, Warns: true},
		{By: "portal.secret", Of: []string{"portal.logs/postgres.password", "portal.logs/token.invalid-client", "portal.logs/signin.client", "portal.logs/api.unauthorized"}, Warns: true},

		// The Deployment.
		{By: "portal.deployment", Of: with([]string{"portal.*", "database.*", "routing.route", "routing.callback"}, outside)},
		{By: "portal.environment/BACKEND_SECRET", Of: with([]string{"secret.*", "portal.secret", "identity.service-token", "database.postgresql.*", "release.status"}, portal, outside), Warns: true},
		{By: "portal.environment/OPENCHOREO_AUTH_*", Of: with([]string{"routing.callback", "portal.variables"}, signIn), Warns: true},
		{By: "portal.environment/OPENCHOREO_SERVICE_*", Of: signIn, Warns: true},
		{By: "portal.environment/POSTGRES_*", Of: with([]string{"portal.rollout", "secret.keys"}, database), Warns: true},
		{By: "portal.environment/PGSSLMODE", Of: database, Warns: true},
		{By: "portal.environment/DATABASE_CLIENT", Of: with([]string{"portal.replicas", "database.volume"}, database, portal), Warns: true},
		{By: "portal.environment/BACKSTAGE_BASE_URL", Of: []string{"routing.*", "identity.redirect"}, Warns: true},
		{By: "portal.environment/OPENCHOREO_API_URL", Of: []string{"api.address", "portal.logs/api.*"}, Warns: true},
		{By: "portal.command", Of: with([]string{"portal.logs/config.*", "portal.logs/node.*", "portal.rollout/rollout.crash", "portal.rollout/rollout.probe", "portal.events", "portal.health"}, outside), Warns: true},
		{By: "portal.references", Of: with([]string{"release.status", "portal.logs/config.*", "portal.logs/node.*"}, portal, outside)},
		{By: "portal.references/reference.pull-secret", Of: []string{"portal.rollout/rollout.image", "portal.events"}, Warns: true},
		{By: "portal.variables", Of: with([]string{"portal.logs/config.*"}, portal)},
		{By: "portal.replicas", Of: []string{"portal.logs/sqlite.*", "portal.logs/portal.backend-token", "portal.rollout/rollout.multi-attach"}},
		{By: "chart.version", Of: []string{"portal.image", "portal.logs/portal.backend-token", "portal.logs/sqlite.filename"}, Warns: true},
		{By: "portal.image", Of: []string{"portal.rollout", "portal.events", "portal.logs/portal.backend-token", "portal.logs/sqlite.filename"}, Warns: true},
		{By: "release.status", Of: nil},

		// The database.
		{By: "database.volume", Of: with([]string{"portal.logs/sqlite.*", "portal.logs/disk.full"}, portal, outside)},
		{By: "database.postgresql.*", Of: with(database[1:], outside)},

		// What the pods say explains that they do not run, and that the rest does not answer.
		{By: "portal.logs/sqlite.*", Of: with([]string{"portal.rollout", "portal.events", "portal.health"}, outside)},
		{By: "portal.logs", Of: with([]string{"portal.rollout/rollout.crash", "portal.rollout/rollout.probe", "portal.rollout/rollout.memory", "portal.events", "portal.health"}, outside)},
		{By: "portal.rollout", Of: with([]string{"portal.events", "portal.health", "portal.logs", "routing.route", "release.status"}, outside)},
		{By: "portal.events", Of: []string{"portal.health"}, Warns: true},
		{By: "portal.health", Of: outside},

		// The API.
		{By: "api.deployment", Of: []string{"api.*", "portal.logs/api.*"}},
		{By: "api.config", Of: []string{"identity.discovery/discovery.*", "identity.token", "api.logs", "portal.logs/api.*", "portal.logs/jwt.*", "api.url/visit.status", "api.route"}},
		{By: "api.logs", Of: with([]string{"api.rollout/rollout.crash", "api.health"}, apiURL)},
		{By: "api.rollout", Of: with([]string{"api.health", "api.logs", "portal.logs/api.*", "api.route"}, apiURL)},
		{By: "api.health", Of: with([]string{"api.address", "portal.logs/api.*"}, apiURL)},
		{By: "api.address", Of: []string{"portal.logs/api.*"}},
		{By: "api.route", Of: apiURL},

		// The provider and the roles.
		{By: "identity.thunder", Of: signIn},
		{By: "identity.discovery", Of: signIn[1:]},
		{By: "identity.discovery", Of: []string{"identity.keys", "identity.scopes", "identity.service-token", "identity.token", "identity.sign-in-secret", "identity.redirect", "routing.callback", "api.logs/jwks.*"}},
		{By: "identity.keys", Of: []string{"identity.token", "api.logs/jwks.*", "api.logs/jwt.*", "portal.logs/api.*", "portal.logs/jwks.*"}},
		{By: "identity.service-token", Of: []string{"identity.token", "identity.sign-in-secret", "authorization.subject", "portal.logs/token.*", "portal.logs/signin.*", "portal.logs/api.*", "portal.logs/identity.*"}},
		{By: "identity.token", Of: []string{"authorization.subject", "api.logs/jwt.*", "portal.logs/api.*", "portal.logs/jwt.*"}},
		{By: "identity.redirect", Of: []string{"portal.logs/signin.*"}},
		{By: "authorization.bindings", Of: []string{"authorization.claims", "authorization.subject", "portal.logs/api.forbidden", "portal.logs/api.empty"}},
		{By: "authorization.subject", Of: []string{"portal.logs/api.forbidden", "portal.logs/api.empty"}},

		// The way in.
		{By: "routing.gateway", Of: with([]string{"routing.route", "routing.listener", "routing.certificate", "api.route"}, way, apiURL)},
		{By: "routing.certificate", Of: with([]string{"routing.listener", "routing.gateway", "api.url/visit.authority", "api.url/visit.certificate", "api.url/visit.scheme"}, way, apiURL)},
		{By: "routing.listener", Of: with([]string{"routing.route", "api.url/visit.certificate", "api.url/visit.scheme"}, way, apiURL), Warns: true},
		{By: "routing.route", Of: outside},
		{By: "routing.address", Of: []string{"routing.route", "identity.redirect", "routing.url", "routing.callback"}},
		{By: "routing.url", Of: []string{"routing.callback"}},

		// Policies are told last, so that they explain only what nothing else does.
		{By: "portal.network/network.ingress", Of: outside, Warns: true},
		{By: "portal.network/network.dns", Of: prefixed("portal.logs", unresolved()...), Warns: true},
		{By: "portal.network/network.database", Of: prefixed("portal.logs", append(silent("postgres"), "postgres.connect", "postgres.pool", "database.connect")...), Warns: true},
		{By: "portal.network/network.api", Of: prefixed("portal.logs", append(silent("api"), "api.fetch", "api.sync")...), Warns: true},
		{By: "portal.network/network.identity", Of: prefixed("portal.logs", append(silent("identity"), "token.failed", "discovery.failed", "jwks.failed", "api.fetch", "api.sync")...), Warns: true},
	}
}

// cured completes what a check says: where it is mended, unless it says so itself.
func (x examiner) cured(id string, run func(context.Context) check.Result) func(context.Context) check.Result {
	return func(ctx context.Context) check.Result {
		r := run(ctx)
		c := CategoryOf(id)
		r.Category, r.Doc = c.ID, c.Doc
		if r.Status == check.Pass || r.Status == check.Skip {
			return r
		}
		x.rotates(&r)
		x.throughOwner(&r)
		x.perhapsShut(id, &r)
		if command, ok := strings.CutPrefix(r.Fix, "backstage-setup rbac"); ok && !strings.Contains(command, " -n ") {
			r.Fix = x.setup("rbac" + command)
		}
		if r.Fix == "" {
			r.Fix = "backstage-setup explain " + firstOf(r.Code, id)
		}
		if r.Cause == "" && r.Code != "" {
			r.Cause = meaningOf(r.Code)
		}
		return r
	}
}

// rotates has a credential mended that is there and is refused by rotating it:
// nothing else has to change.
func (x examiner) rotates(r *check.Result) {
	s := x.in.Current.Cluster.Secret.Secret
	if r.Cure == nil || r.Cure.Flow != "install" || s == nil {
		return
	}
	for _, sk := range x.in.Profile.SecretKeys {
		kind, _ := answers.KindOf(answers.Key(sk.Key))
		if sk.Key != r.Cure.Key || kind != answers.Hidden || !slices.Contains(s.Keys, sk.Name) {
			continue
		}
		r.Cure = &check.Cure{Flow: rotateFlow, Step: "value", Key: "rotate.value", Propose: []check.Proposal{{Key: "rotate.key", Value: sk.Name}}}
		if r.Fix == "" {
			r.Fix = x.setup(rotateFlow + " " + plan.Quote(sk.Name))
		}
		return
	}
}

// meaningOf is what explain says about a code; "" where it knows none.
func meaningOf(code string) string {
	for _, e := range Explain(code) {
		if e.Kind == VerdictEntry && e.Name == code {
			return strings.TrimSuffix(e.Meaning, ".")
		}
	}
	return ""
}

// Category is a heading of an examination: what its checks are about, and the page
// of the product's documentation that tells more.
type Category struct{ ID, Title, Doc string }

// Categories are the headings in the order of their checks.
func Categories() []Category {
	const docs = "https://openchoreo.dev/docs/platform-engineer-guide/"
	return []Category{
		{"cluster", "Cluster", docs + "backstage-configuration#verifying"},
		{"release", "Release and chart", docs + "backstage-configuration"},
		{"secret", "Secret", docs + "backstage-configuration"},
		{"portal", "Portal", docs + "backstage-configuration#troubleshooting"},
		{"database", "Database", docs + "backstage-configuration"},
		{"api", "OpenChoreo API", docs + "backstage-configuration#troubleshooting"},
		{"identity", "Identity provider", docs + "identity-configuration"},
		{"authorization", "Authorization", docs + "authorization"},
		{"planes", "Planes", docs + "deployment-topology"},
		{"routing", "Routing", docs + "backstage-configuration"},
	}
}

// CategoryOf is the heading of a check.
func CategoryOf(id string) Category {
	topic, _, _ := strings.Cut(id, ".")
	for from, to := range map[string]string{"run": "cluster", "chart": "release", "values": "release"} {
		if topic == from {
			topic = to
		}
	}
	switch id {
	case "security.authentication":
		topic = "identity"
	case "security.authorization":
		topic = "authorization"
	}
	for _, c := range Categories() {
		if c.ID == topic {
			return c
		}
	}
	return Category{ID: topic, Title: topic}
}
