package steps

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// credential is what a key of the Secret is to the portal that runs.
type credential struct {
	key      string   // of the Secret
	with     []string // keys that hold the same client's secret, and change with it
	uses     []string // what it is used for, in words
	service  bool     // the portal asks for its own tokens with it
	signIn   bool     // people are signed in with it
	shared   bool     // one client does both
	login    bool     // the portal logs in to PostgreSQL with it
	findings []string // IDs of what the pods log where it is wrong
}

// clients are the OAuth clients that the portal runs with, and the keys of the
// Secret that hold their secrets.
type clients struct{ signInID, signInKey, serviceID, serviceKey string }

// clientsOf reads them from the portal's own variables, else from what settings
// say: charts before 1.1 know one client, and later ones name the key of the
// second.
func clientsOf(in plan.Input) clients {
	d := in.Current.Cluster.Deployment
	literal := func(name, otherwise string) string {
		v, _ := d.EnvVar(name)
		return cmp.Or(v.Value, otherwise)
	}
	key := func(name, otherwise string) string {
		v, _ := d.EnvVar(name)
		return cmp.Or(v.SecretKey, otherwise)
	}
	c := clients{signInID: literal("OPENCHOREO_AUTH_CLIENT_ID", in.Draft.Client.ID), signInKey: key("OPENCHOREO_AUTH_CLIENT_SECRET", clientSecretKey)}
	c.serviceID, c.serviceKey = c.signInID, c.signInKey
	if d.Name != "" {
		c.serviceID, c.serviceKey = literal("OPENCHOREO_SERVICE_CLIENT_ID", c.serviceID), key("OPENCHOREO_SERVICE_CLIENT_SECRET", c.serviceKey)
		return c
	}
	if id, _ := serviceOf(in); id != c.signInID {
		c.serviceID, c.serviceKey = id, "service-client-secret"
	}
	return c
}

// of is the client that the credential belongs to.
func (c clients) of(what credential) string {
	if !what.signIn {
		return c.serviceID
	}
	return c.signInID
}

// clientSecretKey is the key that a rotation is about unless another is named.
const clientSecretKey = "client-secret"

// rotatedKey is the key of the Secret that a rotation is about.
func rotatedKey(in plan.Input) string { return cmp.Or(in.Draft.Rotate.Key, clientSecretKey) }

// credentialOf is what the key that is to be rotated is to the portal.
func credentialOf(in plan.Input) credential {
	c := credential{key: rotatedKey(in)}
	who := clientsOf(in)
	authenticated := signIn.holds(in)
	if c.key == who.signInKey && authenticated {
		c.signIn = true
		c.uses = append(c.uses, "people sign in through client "+who.signInID)
	}
	one := who.signInID == who.serviceID
	if authenticated && (c.key == who.serviceKey || one && c.key == who.signInKey) {
		c.service = true
		c.uses = append(c.uses, "the portal calls the API as client "+who.serviceID)
	}
	if one && authenticated && (c.service || c.signIn) {
		c.with = sameSecret(in, c.key, who.signInKey, who.serviceKey, "service-client-secret")
		c.service, c.signIn, c.shared = true, true, true
	}
	if c.service || c.signIn {
		c.findings = []string{"token.invalid-client", "signin.client"}
	}
	switch c.key {
	case "postgres-password":
		if onPostgres.holds(in) {
			c.login, c.findings = true, []string{"postgres.password"}
			c.uses = append(c.uses, "the portal logs in to PostgreSQL as "+in.Draft.Database.PostgreSQL.User)
		}
	case "github-actions-token":
		c.findings = []string{"github.token"}
	}
	return c
}

// sameSecret returns those of the keys beside key that the Secret has with the
// same value: one client's secret that is kept twice.
func sameSecret(in plan.Input, key string, others ...string) (with []string) {
	s := in.Current.Cluster.Secret.Secret
	if s == nil {
		return nil
	}
	for _, other := range others {
		value, there := s.Values[other]
		used := slices.ContainsFunc(in.Current.Cluster.Deployment.Env, func(e k8s.EnvVar) bool { return e.SecretKey == other })
		if other != key && there && !slices.Contains(with, other) && (used || value.Equal(s.Values[key])) {
			with = append(with, other)
		}
	}
	return with
}

// asked tells whether somebody can be asked for a proof of the credential.
func (c credential) asked() bool { return c.service || c.signIn || c.login }

// proof is the check that proves a value; "" where none does.
func (c credential) proof() string {
	switch {
	case c.service:
		return "identity.service-token"
	case c.signIn:
		return "identity.sign-in-secret"
	case c.login:
		return postgresLogin
	}
	return ""
}

// server names who is asked, for people.
func (c credential) server(in plan.Input) string {
	row := rotationRow(in)
	switch {
	case c.login:
		return "PostgreSQL"
	case row.ID != "other":
		return row.Name
	}
	return "the identity provider"
}

// one tells whether the server knows one value at a time, so that the portal is
// without one for a while.
func (c credential) one(in plan.Input) bool {
	return c.login || (c.service || c.signIn) && !rotationRow(in).Rotation.Two
}

// rotationRow is what is known of the provider in use.
func rotationRow(in plan.Input) idp.Provider {
	for _, address := range []string{in.Draft.Identity.Issuer, in.Draft.Identity.DiscoveryURL} {
		if row, ok := idp.Recognise(address); ok {
			return row
		}
	}
	if row, ok := idp.ProviderByID(in.Draft.Identity.Provider); ok {
		return row
	}
	row, _ := idp.ProviderByID("other")
	return row
}

// AwaitOneSecret has a rotation wait where the server knows one value at a time,
// and nowhere else: plan.Current.Await.
const AwaitOneSecret = -1

// awaitLimit bounds that wait.
const awaitLimit = 10 * time.Minute

// awaiting is how long the run waits until the server takes the new value; 0 is
// not at all.
func (c credential) awaiting(in plan.Input) time.Duration {
	switch {
	case !c.asked():
		return 0
	case in.Current.Await >= 0:
		return in.Current.Await
	case c.one(in):
		return awaitLimit
	}
	return 0
}

// now is what there is to know of the credential before it is changed.
func (c credential) now(in plan.Input) []string {
	state := in.Current.Cluster.Secret
	s := state.Secret
	if s == nil {
		return nil
	}
	if _, there := s.Values[c.key]; !there {
		return []string{fmt.Sprintf("Secret %s/%s has no key %s; it has %s.", s.Namespace, s.Name, c.key, strings.Join(s.Keys, ", "))}
	}
	notes := []string{fmt.Sprintf("Now: %s of Secret %s/%s, %s.", c.key, s.Namespace, s.Name, since(s, c.key))}
	for _, e := range in.Current.Cluster.Deployment.Env {
		if e.SecretKey == c.key && e.SecretName == s.Name {
			notes = append(notes, "The portal reads it as "+e.Name+" when a pod starts.")
		}
	}
	if len(c.uses) > 0 {
		notes = append(notes, "With it "+strings.Join(c.uses, ", and ")+".")
	}
	if len(c.with) > 0 {
		notes = append(notes, fmt.Sprintf("%s holds the same client's secret and changes with it.", strings.Join(c.with, ", ")))
	}
	if c.key == "backend-secret" {
		notes = append(notes, "Current images do not use it: their own configuration has backend.auth.keys commented out. Where backstage.appConfig sets them to BACKEND_SECRET, a new value ends the tokens between plugins and of static access until all pods have it.")
	}
	if state.Owner.Kind != "" {
		notes = append(notes, fmt.Sprintf("The Secret %s.", Ownership(state.Owner)))
	}
	return notes
}

// since says by whom a key was set, and when.
func since(s *k8s.Secret, key string) string {
	text := "last set by " + cmp.Or(s.Holders[key], "somebody unknown")
	switch at, known := k8s.SecretHistory(s.Annotations)[key]; {
	case known && s.Holders[key] == k8s.FieldManager:
		text += " on " + stamp(at)
	case !s.DataWritten.IsZero():
		text += "; the Secret's data were last written on " + stamp(s.DataWritten)
	}
	return text
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// rotated is the value that is to be set, and where it came from.
func rotated(in plan.Input) (secret.Value, string) {
	key := answers.Key("rotate.value")
	v, _ := in.Draft.Get(key).(secret.Value)
	if v.Ref.IsZero() {
		return v, in.Draft.From[key].String()
	}
	return v, v.Ref.String()
}
