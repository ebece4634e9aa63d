package wizard

import "github.com/openchoreo/backstage-setup/internal/check"

// offerDatabase says what can be typed at the review to learn more of the database.
func (d *lineDriver) offerDatabase(results []check.Result) {
	if d.s.MayCreate(results) {
		d.out.say("`create` makes a database at PostgreSQL, to see that it can be made, and drops it again.")
	}
}

// aboutDatabase carries out a command of the review that is about the database; it
// tells whether text was one.
func (d *lineDriver) aboutDatabase(text string, r Review) (linePlace, bool, error) {
	if text == "create" && d.s.MayCreate(r.Checks) {
		d.s.ProbeCreate(true)
		return linePlace{step: d.reviewStep()}, true, nil
	}
	return linePlace{}, false, nil
}
