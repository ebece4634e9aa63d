package steps

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// rotateFlow is the ID of Rotate.
const rotateFlow = "rotate"

// Rotate gives one credential of a portal that runs another value. Nothing else
// changes, so that everything else is taken from what runs.
func Rotate() Flow {
	return Flow{ID: rotateFlow, Title: "Rotate", Live: true,
		Steps: append(rotateSteps(), target(), store(), review()),
		Make:  func(in plan.Input) (*plan.Plan, error) { return planRotation(in), nil },
		Judge: rotationChecks,
		Takes: []answers.Key{"identity.provider", "identity.issuer", "identity.tokenUrl", "client.serviceScope", "portal.baseUrl",
			"database.postgresql.host", "database.postgresql.port", "database.postgresql.user", "database.postgresql.database", "database.postgresql.ssl"},
	}
}

// rotateSteps are what there is now, and what shall be.
func rotateSteps() []Step {
	return []Step{
		{
			ID: "rotate", Title: "Credential",
			Intro: "One credential of a running portal.",
			Notes: func(in plan.Input) []string { return credentialOf(in).now(in) },
			Questions: []Question{
				{Key: "rotate.key", Title: "Key of the Secret", Example: "client-secret", Value: Value{Kind: answers.String, Rules: []Rule{secretKeyRule}}, Default: "client-secret",
					Choices: rotatableKeys, Suggest: func(plan.Input) any { return clientSecretKey },
					Why: "Which credential to change."},
			},
		},
		{
			ID: "value", Title: "New value",
			Intro:  "It is proven where that can be done, before anything is changed.",
			Notes:  rotationNotes,
			Checks: proofs,
			Questions: []Question{
				{Key: "rotate.value", Title: "New value", Example: "env:NEW_SECRET", Value: hiddenValue, Required: always, Rule: newValueRule,
					Lacks: func(plan.Input) string { return "or --from env:NAME, file:PATH or -" },
					Why:   "Hidden when typed; never written anywhere but to its place."},
			},
		},
	}
}

// rotatableKeys are the credentials that the chart knows, and what else the Secret
// holds: a screen is made before it is read.
func rotatableKeys(in plan.Input) []Option {
	var options []Option
	first := Option{Value: clientSecretKey, Title: clientSecretKey}
	var settings []string
	for _, sk := range in.Profile.SecretKeys {
		if kind, _ := answers.KindOf(answers.Key(sk.Key)); kind != answers.Hidden {
			settings = append(settings, sk.Name)
			continue
		}
		o := Option{Value: sk.Name, Title: sk.Name, Note: sk.Meaning}
		if sk.Name == first.Value {
			first = o
			continue
		}
		options = append(options, o)
	}
	options = append([]Option{first}, options...)
	s := in.Current.Cluster.Secret.Secret
	if s == nil {
		return options
	}
	options = slices.DeleteFunc(options, func(o Option) bool { return !slices.Contains(s.Keys, o.Value) })
	for _, name := range s.Keys {
		known := slices.ContainsFunc(options, func(o Option) bool { return o.Value == name })
		if !known && !slices.Contains(settings, name) {
			options = append(options, Option{Value: name, Title: name})
		}
	}
	return options
}

// guid is what Entra ID calls its secrets by, and no secret of its own.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// newValueRule refuses what cannot be the new value.
func newValueRule(in plan.Input) error {
	v, _ := rotated(in)
	c := credentialOf(in)
	text := v.Text.Reveal()
	switch {
	case v.Ref.Keep:
		return errorf("must be a new one: keep changes nothing")
	case v.Ref.Generate && !generatable(in, c):
		return errorf("must come from where the credential is made: nobody there would know one that is generated here; give env:NAME, file:PATH or -")
	case v.Text.IsZero():
		return nil
	case strings.TrimSpace(text) != text:
		return errorf("must not begin or end with a blank: the portal takes blanks off, and then has another one")
	case secret.Placeholder(text):
		return errorf("must be a secret of your own: this one is a public placeholder")
	case (c.service || c.signIn) && rotationRow(in).ID == "entra" && guid.MatchString(text):
		return errorf("must be the secret's Value: this is a GUID, such as its Secret ID, which Entra ID shows beside it")
	}
	return nil
}

// generatable tells the keys whose values nobody else has to know.
func generatable(in plan.Input, c credential) bool {
	sk, known := secretKeyNamed(in, c.key)
	return !c.asked() && (!known || sk == "backendSecret")
}

// secretKeyNamed returns the answers key of a key of the Secret.
func secretKeyNamed(in plan.Input, name string) (answers.Key, bool) {
	for _, sk := range in.Profile.SecretKeys {
		if sk.Name == name {
			return answers.Key(sk.Key), true
		}
	}
	return "", false
}

// rotationNotes are where the new value comes from, and what happens meanwhile.
func rotationNotes(in plan.Input) []string {
	c := credentialOf(in)
	var notes []string
	awaits := c.awaiting(in) > 0 && c.one(in)
	switch row := rotationRow(in); {
	case c.login:
		notes = append(notes, "PostgreSQL: ALTER ROLE "+in.Draft.Database.PostgreSQL.User+" PASSWORD '…'. "+
			"Connections that are open stay open; new ones need the new password from then on.")
		notes = append(notes, secondRole(in)...)
	case row.ID == "other" && awaits: // the window says it all
	case c.service || c.signIn:
		notes = append(notes, row.Name+": "+row.Rotation.How+".")
	}
	if awaits {
		notes = append(notes, window(c, in))
	}
	return notes
}

// window announces what happens where the server knows one value at a time.
func window(c credential, in plan.Input) string {
	server := c.server(in)
	lost := "nobody signs in and the catalog is not read anew; who is signed in stays so"
	switch {
	case c.login:
		lost = "new connections are refused; those that are open stay"
	case !c.signIn:
		lost = "the catalog is not read anew; signing in works"
	}
	knows := "knows"
	if c.service && rotationRow(in).ID == "other" {
		knows = "may know"
	}
	return fmt.Sprintf("%s %s one value at a time. The order: you say yes here, change it there, and this run goes on by itself as soon as it is taken. From then until all pods have it, %s.", strings.ToUpper(server[:1])+server[1:], knows, lost)
}

// secondRole is the way to a new password without a moment in which none counts.
func secondRole(in plan.Input) []string {
	role := in.Draft.Database.PostgreSQL.User
	if role == "" {
		return nil
	}
	q := func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
	second := role + "_2"
	return []string{fmt.Sprintf("Without a gap, by a second role that acts as the first: CREATE ROLE %[1]s LOGIN PASSWORD '…' IN ROLE %[2]s; ALTER ROLE %[1]s SET role = %[3]s; then give --set database.postgresql.user=%[4]s too, and take LOGIN from %[2]s afterwards.",
		q(second), q(role), "'"+strings.ReplaceAll(role, "'", "''")+"'", second)}
}

// rotationChecks judge the rotation as a whole.
func rotationChecks(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
	list := []check.Check{installedCheck(in), rotatedKeyCheck(in), rotatedValueCheck(in)}
	if in.Current.Local() {
		return list
	}
	if in.InStore() {
		list = append(list, storeCheck(in, planned))
	}
	list = append(list, rotatedOwnerCheck(in, planned))
	list = append(list, accessCheck(in, planned))
	return append(list, confirmations(in, planned)...)
}

// rotatedOwnerCheck fails where the Secret's owner has to write the new value: such
// a run rotates nothing, and a pipeline must not take it for one that did.
func rotatedOwnerCheck(in plan.Input, planned func() (*plan.Plan, error)) check.Check {
	return judged("rotate.owner", "this run can write the Secret", []string{rotatedKeyID}, func() check.Result {
		p, err := planned()
		if err != nil || !p.Pending() {
			return pass("the new value is written by this run, or is there")
		}
		whose := fmt.Sprintf("Secret %s", p.Secret.Name)
		if o := p.Secret.Owner; o.Kind != "" {
			whose += " " + Ownership(o)
		}
		return fail(fmt.Sprintf("nothing was rotated: %s, and %s has to be set there", whose, p.RotatedKeys()), "run the commands under Next")
	})
}

// LacksRotatedKey tells whether a rotation is about a key that the Secret does not
// have, and nobody has agreed to add it.
func LacksRotatedKey(in plan.Input) bool {
	s := in.Current.Cluster.Secret.Secret
	return in.Current.Flow == rotateFlow && !in.Current.Accepts(rotatedKeyID) && (s == nil || !holdsKey(s, rotatedKey(in)))
}

// rotatedKeyID is the check whether the Secret has the key.
const rotatedKeyID = "rotate.key"

func rotatedKeyCheck(in plan.Input) check.Check {
	return judged(rotatedKeyID, "the Secret has the key", []string{"cluster.reachable"}, func() check.Result {
		s, key := in.Current.Cluster.Secret.Secret, rotatedKey(in)
		switch {
		case s == nil:
			return fail(fmt.Sprintf("there is no Secret %s in namespace %s, or it may not be read", in.Draft.Secret.Name, in.Draft.Target.Namespace),
				"name the right --namespace or --secret-name; `backstage-setup install` makes one")
		case !holdsKey(s, key):
			return fail(fmt.Sprintf("Secret %s has no key %s; it has %s", s.Name, key, strings.Join(s.Keys, ", ")),
				"name one of them; --accept rotate.key adds the key")
		}
		return pass(key + " of Secret " + s.Name)
	})
}

func holdsKey(s *k8s.Secret, key string) bool {
	_, there := s.Values[key]
	return there
}

// shortest is what is short enough to be guessed, in characters.
const shortest = 12

func rotatedValueCheck(in plan.Input) check.Check {
	return judged("rotate.value", "the new value is another one", []string{rotatedKeyID}, func() check.Result {
		c := credentialOf(in)
		v, _ := rotated(in)
		s := in.Current.Cluster.Secret.Secret
		j := in.Current.Journal
		begun := j != nil && (slices.Contains(j.Set, c.key) || slices.Contains(j.Added, c.key) || len(j.Entries) > 0)
		if s != nil && !v.Text.IsZero() && s.Values[c.key].Equal(v.Text) && !begun && !staleKey(in) {
			return fail("the Secret has this very value already, and the pods were started with it",
				"give the new one; where an earlier run has set it, nothing is left to do: --accept rotate.value ends with exit code 0")
		}
		switch n := v.Text.Len(); {
		case c.key == "backend-secret" && n < 32:
			return check.Result{Status: check.Warn, Found: fmt.Sprintf("%d characters are few for a key: 32 random bytes are usual", n), Hint: "--from generate draws them"}
		case n < shortest:
			return check.Result{Status: check.Warn, Found: fmt.Sprintf("%d characters can be guessed", n), Hint: "is that all of it? look whether something was left behind when it was copied"}
		}
		return pass(fmt.Sprintf("%d characters", v.Text.Len()))
	})
}

// staleKey tells whether pods run that were started before the Secret was written
// last.
func staleKey(in plan.Input) bool {
	s := in.Current.Cluster.Secret.Secret
	for _, pod := range in.Current.Cluster.Pods.Items {
		if s != nil && !pod.Started.IsZero() && pod.Started.Before(s.DataWritten) && pod.Phase != "Terminating" {
			return true
		}
	}
	return false
}
