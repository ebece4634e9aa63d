package wizard

import (
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// offerDatabase says what can be typed at the review to learn more of the database.
func (d *lineDriver) offerDatabase(results []check.Result) {
	if d.s.MayCreate(results) {
		d.out.say("`create` makes a database at PostgreSQL, to see that it can be made, and drops it again.")
	}
	if d.s.JobHelps(results) {
		d.out.say("`job` prints a Job that asks PostgreSQL from the cluster, and the commands around it; `result` takes what it writes.")
	}
}

// aboutDatabase carries out a command of the review that is about the database; it
// tells whether text was one.
func (d *lineDriver) aboutDatabase(text string, r Review) (linePlace, bool, error) {
	again := linePlace{step: d.reviewStep()}
	switch {
	case text == "create" && d.s.MayCreate(r.Checks):
		d.s.ProbeCreate(true)
		return again, true, nil
	case text == "job" && d.s.JobHelps(r.Checks):
		d.printJob()
		return linePlace{}, false, nil
	case text == "result":
		if err := d.readResult(); err != nil {
			return linePlace{}, false, err
		}
		return again, true, nil
	}
	return linePlace{}, false, nil
}

// printJob prints the Job with the commands around it, to be copied.
func (d *lineDriver) printJob() {
	job, why := d.s.DatabaseJob()
	if why != "" {
		d.out.say("There is no Job yet: %s.", why)
		return
	}
	d.out.say("In another terminal:")
	var l lines
	for _, c := range job.Before {
		l.add(Command, "", "%s", c)
	}
	l.add(Command, "", "%s- <<'JOB'\n%sJOB", job.Apply, job.Manifest)
	for _, c := range job.After {
		l.add(Command, "", "%s", c)
	}
	d.out.show(slices.Clone(l))
	d.out.say("Then `result`, and paste what is in %s.", steps.JobResultFile)
}

// readResult reads a paste up to the result's own end, or an empty line.
func (d *lineDriver) readResult() error {
	var all strings.Builder
	for {
		text, err := d.read("The Job's log (an empty line ends it; alone, it asks from here again):")
		if err != nil && !wrongLine(err) {
			return err
		}
		all.WriteString(text + "\n")
		if strings.TrimSpace(text) == "" || strings.Contains(text, steps.JobMark+"end") {
			break
		}
	}
	if err := d.s.PasteResult(all.String()); err != nil {
		d.out.say("The value %s.", err)
	}
	return nil
}
