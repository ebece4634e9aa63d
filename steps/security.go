package steps

import (
	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// What turning security off means, told wherever it is off. Without
// authentication the API has nobody to decide about, so authorization is off too.
const (
	anonymous    = "the API answers anybody who reaches it, without a token, and lets them do everything; the portal signs everybody in as a guest"
	everybodyMay = "everybody who is signed in may do everything in every project, deleting included: roles and bindings are not looked at"
)

// securityOff are the answers that are off, with what that means.
func securityOff(in plan.Input) []struct {
	key  answers.Key
	what string
} {
	type off = struct {
		key  answers.Key
		what string
	}
	var list []off
	if !in.Draft.Security.Authentication {
		list = append(list, off{"security.authentication", anonymous})
	}
	if !in.Draft.Security.Authorization {
		list = append(list, off{"security.authorization", everybodyMay})
	}
	return list
}

// securityChecks refuse for production what is meant for trials, unless somebody
// accepts it by name.
func securityChecks(_ *Env, in plan.Input) []check.Check {
	var list []check.Check
	for _, off := range securityOff(in) {
		id := string(off.key)
		list = append(list, judged(id, "on, or accepted", nil, func() check.Result {
			found := id + " is off: " + off.what
			if in.Draft.Preset != "production" {
				return check.Result{Status: check.Warn, Found: found, Hint: "set " + id + " to yes for anything but a trial"}
			}
			return fail(found, "set "+id+" to yes; to go on all the same, run with --accept "+id)
		}))
	}
	return list
}

// planSecurity tells what turning security off means, and takes away what only
// the chart's check for placeholders would still look at.
func planSecurity(in plan.Input, p *plan.Plan) {
	if !in.Draft.Security.Authentication && in.Profile.ValidateAlways {
		p.Blank("identity.issuer")
	}
	for _, off := range securityOff(in) {
		p.Warn("identity", "%s is off: %s", off.key, off.what)
	}
	if !in.Draft.Security.Authorization && !in.Profile.HookBindings && IsInstalled(in) {
		p.Warn("identity", "on chart %s the upgrade deletes the default roles and bindings; they come back when security.authorization is on again", in.Chart.Version)
	}
}
