package wizard

import (
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/steps"
)

// home tells what is installed and how it is, and asks what to do: a number, or
// Enter to leave. It changes nothing.
func (d *lineDriver) home() (End, error) {
	d.out.say("OpenChoreo's Backstage portal; %s.", d.s.whereabouts().sentence())
	for {
		if err := d.lookCluster(); err != nil {
			return d.stop(err)
		}
		in := d.s.Input()
		for _, f := range steps.Facts(in) {
			d.out.say("%s: %s", f.Name, f.Text)
		}
		if len(steps.Facts(in)) == 0 {
			d.out.say("There is no portal in namespace %s yet.", in.Draft.Target.Namespace)
		}
		examination := d.findings()
		if err := d.ctx.Err(); err != nil {
			return d.stop(err)
		}
		end := End{Left: true, Home: true, Examination: examination}
		start, again, err := d.what(in, examination)
		if err != nil {
			end, err = d.stop(err)
			end.Home = true
			return end, err
		}
		if !again {
			end.Start = start
			return end, nil
		}
		d.looked = Query{}
	}
}

// findings runs the checks and prints what is not simply in order.
func (d *lineDriver) findings() *Examination {
	if !d.s.examinable() {
		return nil
	}
	checks := d.s.examination()
	var results []check.Result
	d.wait("checking", d.ctx.Done(), func(func([]Line)) { results = d.s.Check(d.ctx, checks, examinedAtOnce, nil) })
	if d.ctx.Err() != nil {
		return nil
	}
	e := d.s.judge(results)
	var l lines
	for i, r := range e.Checks {
		if worthTelling(r) && r.Because == "" && i != e.First {
			e.result(&l, i, d.out.width)
		}
	}
	e.summary(&l, d.out.width)
	d.out.say("\nHealth:")
	d.out.show(l)
	return &e
}

// what asks what to do now; again looks and checks again.
func (d *lineDriver) what(in plan.Input, e *Examination) (start *Start, again bool, err error) {
	var list []Start
	d.out.say("\nWhat now?")
	offer := func(title string, s Start) {
		list = append(list, s)
		d.out.say("  %d. %s", len(list), title)
	}
	if first, ok := e.first(); ok && mendable(first) {
		offer(cureTitle(first.Cure), cureStart(first))
	}
	for _, o := range steps.Offers(in) {
		title := o.Title
		if o.Why != "" {
			title += ": " + o.Why
		}
		offer(title, Start{Flow: o.Flow, Args: o.Args})
	}
	for {
		text, err := d.choose("A number, `again` to look and check again, Enter to leave:")
		if err != nil {
			return nil, false, err
		}
		switch n, wrong := strconv.Atoi(text); {
		case text == "", text == "q":
			return nil, false, nil
		case strings.EqualFold(text, "again"):
			return nil, true, nil
		case wrong == nil && n >= 1 && n <= len(list):
			return &list[n-1], false, nil
		}
		d.out.say("The value must be a number from 1 to %d, again, or nothing.", len(list))
	}
}

// cureStart is the run that mends what was found.
func cureStart(r check.Result) Start {
	return Start{Flow: r.Cure.Flow, Step: r.Cure.Step, Key: answers.Key(r.Cure.Key), Set: r.Cure.Propose, Why: r.ID}
}

// first is what to mend first.
func (e *Examination) first() (check.Result, bool) {
	if e == nil || e.First < 0 {
		return check.Result{}, false
	}
	return e.Checks[e.First], true
}

// mendable tells whether another flow mends what was found.
func mendable(r check.Result) bool {
	return r.Cure != nil && r.Cure.Flow != "" && r.Cure.Flow != "check"
}
