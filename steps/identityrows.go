package steps

import (
	"net/url"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// providerOptions are the identity providers by the name that the answers file
// uses.
func providerOptions() []Option {
	rows := idp.Providers()
	options := make([]Option, len(rows))
	for i, p := range rows {
		options[i] = Option{Value: p.ID, Title: p.Name, Note: p.Note}
	}
	return options
}

// providerRow is what is known of the provider that is chosen.
func providerRow(in plan.Input) idp.Provider {
	p, _ := idp.ProviderByID(in.Draft.Identity.Provider)
	return p
}

// providerOf tells a provider by its addresses, for installations that this
// program did not make.
func providerOf(i answers.Identity) string {
	addresses := []string{i.Issuer, i.DiscoveryURL}
	if realm, _, ok := strings.Cut(i.TokenURL, "/protocol/openid-connect/"); ok {
		addresses = append(addresses, realm)
	}
	if u, ok := parseURL(i.TokenURL); ok { // its host alone: what is behind it many have
		origin := url.URL{Scheme: u.Scheme, Host: u.Host}
		addresses = append(addresses, origin.String())
	}
	for _, address := range addresses {
		if p, ok := idp.Recognise(address); ok {
			return p.ID
		}
	}
	return "other"
}

// Callback returns the redirect URI to register at the identity provider; ""
// while there is none.
func Callback(in plan.Input) string {
	d := in.Draft
	if !d.Portal.Enabled || !d.Security.Authentication || !d.Has("portal.baseUrl") || d.Portal.BaseURL == "" {
		return ""
	}
	return idp.Callback(d.Portal.BaseURL)
}

// providerRule refuses what cannot work at all.
func providerRule(in plan.Input) error {
	if p := providerRow(in); p.Refused != "" {
		return errorf("must be another provider: %s. Instead, %s", p.Refused, strings.Join(p.Create, "; "))
	}
	return nil
}

// providerSeen tells why the provider is the one that is proposed.
func providerSeen(in plan.Input) string {
	switch t := in.Current.Cluster.Thunder; {
	case !t.Installed:
		return ""
	case !t.Ready:
		return "ThunderID is in the namespace thunder, but not ready."
	}
	return "ThunderID runs in the namespace thunder."
}

// issuerSeen is what issuers of the provider look like.
func issuerSeen(in plan.Input) string {
	p := providerRow(in)
	if p.ID == "" || p.ID == "other" {
		return ""
	}
	return p.Name + " has " + p.Issuer + "."
}

// providerNotes are what to mind of the provider before anything is entered. Of
// ThunderID planIdentity warns, where it counts.
func providerNotes(in plan.Input) []string {
	p := providerRow(in)
	if !in.Draft.Security.Authentication || p.ID == "" || p.ID == "thunder" {
		return nil
	}
	var lines []string
	if p.Refused != "" {
		lines = append(lines, p.Name+" cannot be used directly: "+p.Refused+".", "Instead: "+strings.Join(p.Create, "; ")+".")
	}
	for _, w := range p.Warnings {
		lines = append(lines, p.Name+": "+w+".")
	}
	if len(lines) == 0 {
		return nil
	}
	return joined(append(lines, more(p)))
}

// clientNotes are what to create and what to enter at the provider, a note each.
// The whole row is told by explain: this has to leave room for the questions.
func clientNotes(in plan.Input) []string {
	p := providerRow(in)
	if p.ID == "" {
		p, _ = idp.ProviderByID("other")
	}
	lines := []string{"At " + p.Name + ":"}
	for _, step := range p.Create {
		lines = append(lines, "- "+strings.ReplaceAll(step, "<address>", orElse(in.Draft.Identity.Issuer, "<address>")))
	}
	lines = append(lines, "Access tokens: RS256 JWT; people's with email or user name, and "+claimOf(in)+" as a list.")
	notes := joined(append(lines, more(p)))
	base := in.Draft.Portal.BaseURL
	if !in.Draft.Has("portal.baseUrl") {
		base = "<portal.baseUrl>"
	}
	if !split(in) {
		return append(notes, entered("Client", base, p.Fields(base, idp.Shared)))
	}
	return append(notes, entered("Sign-in client", base, p.Fields(base, idp.People)), entered("Service client", base, p.Fields(base, idp.Service)))
}

// entered tells the redirect address in a line of its own, the rest in one.
func entered(who, base string, fields []idp.Field) string {
	var lines, rest []string
	for _, f := range fields {
		if f.Value == idp.Callback(base) {
			lines = append(lines, f.Label+": "+f.Value)
			continue
		}
		rest = append(rest, f.Label+": "+f.Value)
	}
	return strings.Join(append(lines, who+": "+strings.Join(rest, "; ")), "\n")
}

func more(p idp.Provider) string {
	return "More: backstage-setup explain " + p.ID
}

func joined(lines []string) []string { return []string{strings.Join(lines, "\n")} }

// planIdentity tells what comes of answers about who signs people in.
func planIdentity(in plan.Input, p *plan.Plan) {
	planSecurity(in, p)
	if !in.Draft.Security.Authentication {
		return
	}
	row := providerRow(in)
	if row.ID == "thunder" && in.Draft.Preset != "development" && !IsInstalled(in) {
		p.Warn("identity", "%s: %s", row.Name, row.Warnings[0])
	}
	if row.TwoClients != "" && in.Draft.Portal.Enabled && !split(in) {
		if !in.ChartHas("serviceClient.id") {
			p.Warn("client", "%s needs two clients (%s), and chart %s knows one only: use chart 1.1 or newer", row.Name, row.TwoClients, in.Chart.Version)
			return
		}
		p.Warn("client", "%s needs two clients (%s): set serviceClient.id", row.Name, row.TwoClients)
	}
}

// split tells whether people and the portal's own calls have a client each.
func split(in plan.Input) bool { return in.ChartHas("serviceClient.id") && serviceClient.holds(in) }

// splitOffered: a second client is recommended to everybody who sets up clients.
// The one that comes with ThunderID has both grants, which is enough for a trial.
var splitOffered = Condition{"unless a trial uses ThunderID's own client", func(in plan.Input) bool {
	return !isThunder(in) || in.Draft.Preset != "development"
}}

// planScopes warns of scopes without which tokens are for somebody else.
func planScopes(in plan.Input, p *plan.Plan) {
	row := providerRow(in)
	if own := ownScopes(row.SignIn); len(own) > 0 && len(strings.Fields(in.Draft.Client.OIDCScope)) <= len(people) {
		p.Warn("scopes", "client.oidcScope has no scope of your own API: with %s access tokens of people are then for another, and the API refuses them; add %s", row.Name, strings.Join(own, " "))
	}
	if own := ownScopes(row.Service); len(own) > 0 && in.Draft.Client.ServiceScope == "" {
		p.Warn("scopes", "client.serviceScope is empty: %s wants one for the service, such as %s", row.Name, strings.Join(own, " "))
	}
}

// people are the scopes that sign-in asks for in any case.
var people = []string{"openid", "profile", "email"}

// ownScopes are those of a row that only the operator can complete.
func ownScopes(scopes []string) []string {
	var own []string
	for _, s := range scopes {
		if strings.Contains(s, "<") {
			own = append(own, s)
		}
	}
	return own
}

// suggestScopes takes the scopes that a provider is known to need. What has a
// part that only the operator knows is asked.
func suggestScopes(in plan.Input) []answers.Proposal {
	row := providerRow(in)
	var list []answers.Proposal
	for _, s := range []struct {
		key    answers.Key
		scopes []string
		plain  string // the chart's default
	}{
		{"client.oidcScope", row.SignIn, strings.Join(people, " ")},
		{"client.serviceScope", row.Service, ""},
	} {
		if text := strings.Join(s.scopes, " "); text != s.plain && text != "" && len(ownScopes(s.scopes)) == 0 {
			list = append(list, derived(s.key, text, "identity.provider", false))
		}
	}
	return list
}

// scopeAsked: the provider wants a scope whose name only the operator knows.
func scopeAsked(scopes func(idp.Provider) []string) Condition {
	return Condition{"where the provider wants a scope of your own", func(in plan.Input) bool {
		return len(ownScopes(scopes(providerRow(in)))) > 0
	}}
}

// scopeSeen tells what the provider wants.
func scopeSeen(scopes func(idp.Provider) []string) func(plan.Input) string {
	return func(in plan.Input) string {
		row := providerRow(in)
		if wanted := scopes(row); len(ownScopes(wanted)) > 0 {
			return row.Name + " wants " + strings.Join(wanted, " ") + "."
		}
		return ""
	}
}

func signInScopes(p idp.Provider) []string  { return p.SignIn }
func serviceScopes(p idp.Provider) []string { return p.Service }

// scopeFilledRule refuses what was copied with the part that is to be replaced.
func scopeFilledRule(value any) error {
	if text, _ := value.(string); strings.ContainsAny(text, "<>") {
		return errorf("must have your own names in place of %q", text)
	}
	return nil
}
