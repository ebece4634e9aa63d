package steps

import (
	"fmt"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// planRotation plans what the new value is written to, and what is to be said.
func planRotation(in plan.Input) *plan.Plan {
	c := credentialOf(in)
	v, from := rotated(in)
	r := plan.Rotation{
		Key: c.key, Set: map[string]secret.Text{c.key: v.Text}, From: from, Server: c.server(in),
		Asked: c.asked() && !skips(in, c.proof()) && !in.Current.Accepts(c.proof()),
		Await: c.awaiting(in), Revoked: in.Current.Revoked, Findings: c.findings, History: in.Current.History,
		Meaning: map[string]string{},
	}
	for _, key := range c.with {
		r.Set[key] = v.Text
	}
	if c.login {
		secondLogin(in, &r)
	}
	for _, sk := range in.Profile.SecretKeys {
		r.Meaning[sk.Name] = sk.Meaning
	}
	r.Then = afterwards(in, c)
	r.Revocable = (c.service || c.signIn) && len(r.Then) > 0
	another := c.login && in.Draft.Given("database.postgresql.user")
	if another {
		r.Revoked = 0 // with the new role's name the old password is wrong from the start
	}
	p := plan.Rotate(in, r)
	if in.Draft.Secret.Delivery == plan.DeliverManifest {
		p.Problems = append(p.Problems, answers.Problem{Key: "secret.delivery", Message: "must not be manifest: a rotation changes a portal that runs, in its cluster"})
	}
	if another && in.Current.Revoked > 0 {
		p.Warn("value", "--prove-revoked is left out: the old password belongs to another role, which the new one does not ask for")
	}
	if c.awaiting(in) > 0 && c.one(in) {
		p.Warn("value", "%s", window(c, in))
	}
	if !c.asked() {
		p.Warn("value", "nothing here can prove a new %s: what shows whether it is right is the portal itself", c.key)
	}
	if c.key == "backend-secret" {
		p.Warn("value", "current images do not use backend-secret; where backstage.appConfig sets backend.auth.keys to it, tokens between plugins and of static access end until all pods have the new one")
	}
	return p
}

// secondLogin takes another role along with its password.
func secondLogin(in plan.Input, r *plan.Rotation) {
	const key = "database.postgresql.user"
	user := in.Draft.Database.PostgreSQL.User
	if !in.Draft.Given(key) || user == "" {
		return
	}
	r.Set["postgres-user"] = secret.New(user)
}

// afterwards is what is left to do at the server once the portal has the new
// value.
func afterwards(in plan.Input, c credential) []plan.Command {
	row := rotationRow(in)
	switch {
	case (c.service || c.signIn) && row.Rotation.Two:
		id := clientsOf(in).of(c)
		return []plan.Command{{Comment: "once the portal runs with the new secret: delete the old one of client " + id + " at the provider", Line: fmt.Sprintf("# %s: %s", row.Name, row.Rotation.How)}}
	case (c.service || c.signIn) && slices.Contains([]string{"other", "keycloak"}, row.ID):
		line := fmt.Sprintf("# %s: %s", row.Name, row.Rotation.How)
		if row.ID == "other" {
			line = "# the identity provider: the secrets of client " + clientsOf(in).of(c)
		}
		return []plan.Command{{Comment: "where the provider still takes the old secret: delete it there", Line: line}}
	case c.login && in.Draft.Given("database.postgresql.user"):
		return []plan.Command{{Comment: "once the portal runs with the new role: let nobody log in with the old one", Line: `# ALTER ROLE … NOLOGIN`}}
	case c.key == "github-actions-token":
		return []plan.Command{{Comment: "once the portal runs with the new token: delete the old one", Line: "# GitHub: Settings, Developer settings, Personal access tokens"}}
	case c.key == "github-oauth-client-secret":
		return []plan.Command{{Comment: "once the portal runs with the new secret: delete the old one", Line: "# GitHub: Settings, Developer settings, OAuth Apps, the app, Client secrets"}}
	case c.key == "jenkins-api-key":
		return []plan.Command{{Comment: "once the portal runs with the new key: revoke the old one", Line: "# Jenkins: the user's Security page, API Token, Revoke"}}
	}
	return nil
}
