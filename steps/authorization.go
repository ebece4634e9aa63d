package steps

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

func authorization() Step {
	group := func(key answers.Key, title, who string) Question {
		return Question{Key: key, Title: title, Example: "platform-" + strings.ToLower(title), Ask: Confirm, AskWhen: groupsDiffer, When: authorized,
			Value: Value{Kind: answers.List, Rules: []Rule{notEmptyRule}, Distinguished: true}, Rule: groupDigitsRule(key), Seen: groupSeen,
			Why: "The provider's group of " + who + ", exactly as it stands in the token: a name, a path or an id."}
	}
	subject := func(key answers.Key, title, who string) Question {
		return Question{Key: key, Title: title, Example: "openchoreo-client", Ask: More, When: authorized,
			Value: textValue.with(wordRule), Rule: digitsRule(key), Why: who}
	}
	return Step{
		ID: "authorization", Title: "Authorization",
		Intro:   "Which tokens get which role. The chart's whole list is kept; only what you change here changes.",
		When:    authorized,
		Suggest: suggestAuthorization,
		Notes:   authorizationNotes,
		Plan:    planAuthorization,
		Questions: []Question{
			{Key: "authorization.subject", Title: "Subject of the portal's token", Example: "8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11",
				When: authorized.and(Condition{"portal.enabled", portal.Holds}), Required: subjectNeeded,
				Value: textValue.with(wordRule), Rule: digitsRule("authorization.subject"), Default: "thunder: the service client's id", Seen: subjectSeen, Lacks: noSubject,
				Why: "The sub claim of the token that the portal gets with client_credentials: often not the client id. A wrong one gives an empty catalog without an error."},
			group("authorization.groups.admins", "Admins", "administrators"),
			group("authorization.groups.developers", "Developers", "developers"),
			group("authorization.groups.platformEngineers", "Engineers", "platform engineers"),
			group("authorization.groups.sres", "SREs", "site reliability engineers"),
			{Key: "authorization.groups.claim", Title: "Groups claim", Example: "groups", Ask: Confirm, AskWhen: claimDiffers, When: authorized,
				Value: textValue.with(wordRule, topLevelRule), Rule: claimRule("authorization.groups.claim"), Seen: claimSeen,
				Why: "The claim of the access token that lists a person's groups. It must be at the top level of the token."},
			{Key: "authorization.subjectClaim", Title: "Subject claim", Example: "sub", Ask: More, When: authorized, Value: textValue.with(wordRule, topLevelRule), Rule: claimRule("authorization.subjectClaim"),
				Why: "The claim that tells programs apart."},
			subject("authorization.clients.rcaAgent", "Root cause agent", "Subject of the root cause analysis agent's token."),
			subject("authorization.clients.finopsAgent", "FinOps agent", "Subject of the cost agent's token."),
			subject("authorization.clients.workloadPublisher", "Workload publisher", "Subject of the token with which builds publish workloads."),
			subject("authorization.clients.observer", "Observer", "Subject of the observer's token."),
			subject("authorization.clients.mcpTryout", "MCP tryout client", "Subject of the MCP tryout client's token. Its role is admin."),
		},
	}
}

// subjectNeeded: the subject follows from the token that the provider gives, and
// with Thunder from the client's id.
var subjectNeeded = Condition{"with security.authorization and portal.enabled, where no token tells it", func(in plan.Input) bool {
	return authorized.holds(in) && signIn.holds(in) && !undescribed(in) && !unaccepted(in) && (!isThunder(in) || in.Draft.Has("client.id"))
}}

func groupDigitsRule(key answers.Key) func(plan.Input) error {
	return func(in plan.Input) error {
		list, _ := in.Draft.Get(key).([]string)
		if in.Profile.UnquotedBindings && slices.ContainsFunc(list, func(text string) bool { return !plainText(text) }) {
			return errorf("must be plain text, no number and no sign that means something in YAML, on chart %s, which writes it without quotes: use chart 1.1.3 or newer", in.Chart.Version)
		}
		return nil
	}
}

func suggestAuthorization(in plan.Input) []answers.Proposal {
	if !isThunder(in) {
		return suggestGroups(in)
	}
	for _, key := range []answers.Key{"serviceClient.id", "client.id"} {
		if id, _ := in.Draft.Get(key).(string); id != "" && in.Draft.Has(key) {
			return []answers.Proposal{derived("authorization.subject", id, key, changed(in, key))}
		}
	}
	return nil
}

// planAuthorization names the bindings whose clients exist at Thunder only.
func planAuthorization(in plan.Input, p *plan.Plan) {
	planGroups(in, p)
	if isThunder(in) || !in.Draft.Security.Authentication {
		return
	}
	var left []string
	for _, key := range answers.Keys() {
		if !strings.HasPrefix(string(key), "authorization.clients.") || !in.ChartHas(key) || in.Draft.From[key].Rank > answers.FromChart {
			continue
		}
		left = append(left, string(key))
		if key == "authorization.clients.mcpTryout" {
			p.Warn("authorization", "mcp-tryout-client-binding gives admin to whoever has sub %q at %s: make sure that nobody else can get that subject, or set authorization.clients.mcpTryout", in.Draft.Authorization.Clients.MCPTryout, in.Draft.Identity.Provider)
		}
	}
	if len(left) > 0 {
		p.Warn("authorization", "these bindings name clients that exist at Thunder only: set or leave %s", strings.Join(left, ", "))
	}
}
