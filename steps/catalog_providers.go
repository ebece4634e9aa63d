package steps

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/templates"
)

// Section is a list below a heading of an Entry.
type Section struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

// providerEntries tell all that is known of each identity provider: what to
// create and to enter there, and what its tokens are like.
func providerEntries() []Entry {
	rows := idp.Providers()
	entries := make([]Entry, len(rows))
	for i, p := range rows {
		entries[i] = providerEntry(p)
	}
	return entries
}

func providerEntry(p idp.Provider) Entry {
	e := Entry{
		Kind: ProviderEntry, Name: p.ID, Group: "Identity providers", Title: p.Name,
		Meaning: "Its issuer: " + p.Issuer + ".", ComesFrom: []Place{{AnswerEntry, "identity.provider"}},
	}
	add := func(title string, lines ...string) {
		if len(lines) > 0 {
			e.Sections = append(e.Sections, Section{title, lines})
		}
	}
	if p.Refused != "" {
		e.Meaning = "Cannot be used directly: " + p.Refused + "."
		add("Instead", p.Create...)
		return e
	}
	const base = "<portal.baseUrl>"
	add("Create", p.Create...)
	if p.TwoClients == "" {
		add("One client", fieldLines(p.Fields(base, idp.Shared))...)
	} else {
		add("One client", "does not do: "+p.TwoClients)
	}
	add("Sign-in", append([]string{"the first of two clients, charts 1.1 and newer"}, fieldLines(p.Fields(base, idp.People))...)...)
	add("Service", append([]string{"the second"}, fieldLines(p.Fields(base, idp.Service))...)...)
	add("Scopes", "client.oidcScope: "+strings.Join(p.SignIn, " "), "client.serviceScope: "+orElse(strings.Join(p.Service, " "), "none"))
	add("Groups", groupsWords(p)...)
	add("Subject", "sub of the service's token: "+p.Subject)
	add("Tokens", append([]string{"needed: access tokens that are JWT signed by RSA, those of people with email or a user name"}, p.Token...)...)
	rotation := "one secret at a time: sign-in pauses meanwhile"
	if p.Rotation.Two {
		rotation = "two secrets can be valid at once: no pause"
	}
	add("Rotation", rotation, p.Rotation.How)
	add("Mind", p.Warnings...)
	return e
}

func fieldLines(fields []idp.Field) []string {
	lines := make([]string, len(fields))
	for i, f := range fields {
		lines[i] = f.Label + ": " + f.Value
	}
	return lines
}

// trustEntry says what a private authority takes, where it differs by chart too.
func trustEntry() Entry {
	e := Entry{
		Kind: TopicEntry, Name: "private-ca", Group: "Topics", Title: "An identity provider with a private certificate authority",
		Meaning: "The portal and the API each have to trust it: what this program was given with --ca-file reaches neither.",
	}
	profiles := templates.Profiles()
	newest := trustFor(profiles[len(profiles)-1])
	e.Sections = []Section{{"What to do", newest}}
	first := profiles[0]
	if lines := slices.DeleteFunc(trustFor(first), func(line string) bool { return slices.Contains(newest, line) }); len(lines) > 0 {
		e.Sections = append(e.Sections, Section{"Charts " + strings.TrimSuffix(first.Name, ".x"), lines})
	}
	return e
}

func trustFor(p templates.Profile) []string {
	in := plan.Input{Profile: p, Chart: chart.FromProfile(p, p.Versions[len(p.Versions)-1])}
	in.Draft.Portal.Enabled, in.Draft.Features.Assistant = true, true
	return Trust(in)
}
