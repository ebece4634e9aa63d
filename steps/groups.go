package steps

import (
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// The claims that the API and the default bindings look at unless they are told
// otherwise.
const (
	groupsClaim  = "groups"
	subjectClaim = "sub"
)

// groupsDiffer: the provider's tokens call groups what the default bindings do
// not, or have them in another claim.
var groupsDiffer = Condition{"where the provider's groups are called otherwise", func(in plan.Input) bool {
	row := providerRow(in)
	return in.Draft.Security.Authentication && (row.GroupNames != "" || row.Groups != "" && row.Groups != groupsClaim)
}}

// claimDiffers: the provider has groups in another claim.
var claimDiffers = Condition{"where the provider has groups in another claim", func(in plan.Input) bool {
	row := providerRow(in)
	return in.Draft.Security.Authentication && row.Groups != "" && row.Groups != groupsClaim
}}

// groupSeen tells what the provider puts into tokens.
func groupSeen(in plan.Input) string {
	row := providerRow(in)
	if row.GroupNames == "" || !in.Draft.Security.Authentication {
		return ""
	}
	return row.Name + " sends " + row.GroupNames + "."
}

// claimSeen tells in which claim the provider puts groups.
func claimSeen(in plan.Input) string {
	row := providerRow(in)
	if row.Groups == "" || row.Groups == groupsClaim || !in.Draft.Security.Authentication {
		return ""
	}
	return row.Name + " has groups in " + row.Groups + ". The portal itself shows ownership from a claim named groups only."
}

// subjectSeen tells what the provider puts into sub of a service's token.
func subjectSeen(in plan.Input) string {
	row := providerRow(in)
	if row.Subject == "" || row.Refused != "" || !in.Draft.Security.Authentication {
		return ""
	}
	return "with " + row.Name + " it is " + row.Subject + "."
}

// suggestGroups takes the claim that a provider is known to use.
func suggestGroups(in plan.Input) []answers.Proposal {
	row := providerRow(in)
	if !in.Draft.Security.Authentication || row.Groups == "" || row.Groups == groupsClaim {
		return nil
	}
	return []answers.Proposal{derived("authorization.groups.claim", row.Groups, "identity.provider", changed(in, "identity.provider"))}
}

// authorizationNotes say how the API tells a person from a program.
func authorizationNotes(in plan.Input) []string {
	claim := claimOf(in)
	subject := orElse(in.Draft.Authorization.SubjectClaim, subjectClaim)
	lines := []string{
		"A token with something in " + claim + " is a person's, and its groups decide. Any other is a program's, and its " + subject + " decides.",
		"So the service's token must not have " + claim + ": it would be taken for a person's, and the catalog stays empty.",
	}
	return joined(lines)
}

// claimOf is the claim with a person's groups.
func claimOf(in plan.Input) string { return orElse(in.Draft.Authorization.Groups.Claim, groupsClaim) }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// topLevelRule refuses claims that the API cannot reach: it reads the top level
// of a token only.
func topLevelRule(value any) error {
	text, _ := value.(string)
	for _, nested := range []string{"realm_access.", "resource_access."} {
		if strings.HasPrefix(text, nested) {
			return errorf("must be a claim at the top level of the token: %s is within another, where the API does not look", text)
		}
	}
	return nil
}

// claimRule: with one claim for both, everybody would be a person.
func claimRule(key answers.Key) func(plan.Input) error {
	return func(in plan.Input) error {
		if groups, subject := claimOf(in), orElse(in.Draft.Authorization.SubjectClaim, subjectClaim); groups == subject {
			return errorf("must differ: with %s as authorization.groups.claim and authorization.subjectClaim every token is a person's", groups)
		}
		return digitsRule(key)(in)
	}
}

// planGroups tells of bindings that nobody's groups can match.
func planGroups(in plan.Input, p *plan.Plan) {
	row := providerRow(in)
	if !in.Draft.Security.Authentication || !row.GroupIDs {
		return
	}
	var left []string
	for _, key := range groupKeys {
		if in.Draft.From[key].Rank <= answers.FromChart {
			left = append(left, string(key))
		}
	}
	if len(left) > 0 {
		p.Warn("authorization", "%s sends %s: nobody gets a role by the names of the default bindings; set %s", row.Name, row.GroupNames, strings.Join(left, ", "))
	}
}

var groupKeys = []answers.Key{"authorization.groups.admins", "authorization.groups.developers", "authorization.groups.platformEngineers", "authorization.groups.sres"}

// groupsWords say about a row's groups what explain tells.
func groupsWords(p idp.Provider) []string {
	lines := []string{"claim " + p.Groups}
	if p.GroupNames != "" {
		lines = append(lines, p.GroupNames)
	}
	return lines
}
