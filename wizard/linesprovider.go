package wizard

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// providerOffer says what can be typed at the review to learn more of the identity
// provider; "" when there is no more to learn.
func providerOffer(results []check.Result) string {
	var offers []string
	has := func(fits func(check.Result) bool) bool { return slices.ContainsFunc(results, fits) }
	if has(func(r check.Result) bool { return r.Code == "signin.unproven" || r.Code == "redirect.login" }) {
		offers = append(offers, "`probe` asks with a wrong secret and with an address that is not registered, to compare: both leave a failed attempt in the provider's log.")
	}
	if has(func(r check.Result) bool { return r.ID == "identity.claims" && r.Status == check.Inconclusive }) {
		offers = append(offers, "`paste` takes a person's access token, not shown, and looks what is in it.")
	}
	if has(func(r check.Result) bool { return r.ID == "identity.service-token" && r.Status == check.Fail }) {
		offers = append(offers, "`paste service` takes an access token of the service client, not shown, in place of asking for one.")
	}
	if has(func(r check.Result) bool { return steps.MaySkip(r.ID) && r.Status == check.Fail }) {
		offers = append(offers, "`skip CHECK REASON` leaves a check of the provider or of PostgreSQL out; the reason is recorded.")
	}
	return strings.Join(offers, "\n")
}

// aboutProvider carries out a command of the review that is about the identity
// provider; it tells whether text was one.
func (d *lineDriver) aboutProvider(text string) (linePlace, bool, error) {
	again := linePlace{step: d.reviewStep()}
	words := strings.Fields(text)
	if len(words) == 0 {
		return linePlace{}, false, nil
	}
	switch words[0] {
	case "probe":
		d.s.Probe(true)
		return again, true, nil
	case "paste":
		of, whose := UserToken, "A person's"
		if len(words) > 1 && words[1] == "service" {
			of, whose = ServiceToken, "The service client's"
		}
		token, err := d.readHidden(whose + " access token, not shown (Enter takes it back):")
		if err != nil && !wrongLine(err) {
			return linePlace{}, false, err
		}
		if err == nil {
			err = d.s.PasteToken(of, token)
		}
		if err != nil {
			d.out.say("The value %s.", err)
		}
		return again, true, nil
	case "skip":
		if len(words) < 3 {
			d.out.say("Say which check and why: skip identity.discovery only the cluster can reach it")
			return linePlace{}, false, nil
		}
		if err := d.s.Skip(words[1], strings.Join(words[2:], " ")); err != nil {
			d.out.say("The value %s.", err)
			return linePlace{}, false, nil
		}
		return again, true, nil
	}
	return linePlace{}, false, nil
}
