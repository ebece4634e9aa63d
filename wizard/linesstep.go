package wizard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// step asks what a step has to ask and returns where to go from there.
func (d *lineDriver) step(at linePlace) (linePlace, error) {
	d.enter(at)
	before, last := d.settled(at.step), at.key
	done := map[answers.Key]bool{}
	for {
		f, ok := d.pick(at, last, done)
		if !ok {
			break
		}
		here := linePlace{at.step, f.Question.Key, at.all}
		move, err := d.ask(f, done[f.Question.Key])
		if err != nil {
			return here, err
		}
		if !move.answered {
			return d.follow(here, move), nil
		}
		d.asked = append(d.asked, here)
		done[f.Question.Key], last = true, f.Question.Key
		at.key = ""
		if at.step == "identity" || at.step == "database" { // the provider or the cluster may have the next answers
			if err := d.lookProvider(); err != nil {
				return here, err
			}
		}
	}
	d.follows(at.step, before)
	if err := d.look(); err != nil {
		if d.ctx.Err() != nil {
			return at, err
		}
		d.out.say("\nThis cannot be looked at: %s", err)
		return linePlace{step: "target", all: true}, nil
	}
	// The first that is open, not the next: who has jumped comes back.
	return linePlace{step: d.s.NextStep("")}, nil
}

// enter prints the heading of a step that the person comes to.
func (d *lineDriver) enter(at linePlace) {
	if at.key != "" && at.step == d.head {
		return
	}
	d.head = at.step
	states := d.s.Steps()
	i := slices.IndexFunc(states, func(state StepState) bool { return state.ID == at.step })
	if i < 0 {
		return
	}
	d.out.say("\nStep %d of %d: %s", i+1, len(states), states[i].Title)
	if at.key != "" {
		return
	}
	d.out.say("%s", states[i].Intro)
	for _, note := range states[i].Notes {
		d.out.say("%s", note)
	}
	d.tellSettled(at)
}

// tellSettled prints what a step does not ask because it is settled already.
func (d *lineDriver) tellSettled(at linePlace) {
	defaults, list := 0, []string{}
	for _, f := range d.s.Fields(at.step) {
		switch {
		case at.all || f.Asked || !f.Has:
		case f.Source.Rank <= answers.FromChart:
			defaults++
		default:
			list = append(list, settledText(f))
		}
	}
	if len(list) > 0 {
		d.out.say("Settled:\n  %s", strings.Join(list, "\n  "))
	}
	if defaults > 0 && !at.all {
		d.out.say("Defaults of the chart: %s; + asks all.", count(defaults, "more setting"))
	}
}

func settledText(f Field) string {
	text := f.Text
	if text == "" {
		text = "empty"
	}
	return fmt.Sprintf("%s %s (%s)", f.Question.Key, text, f.Source)
}

// settled returns what is settled in a step and not by its person's answer.
func (d *lineDriver) settled(step string) map[string]bool {
	list := map[string]bool{}
	for _, f := range d.s.Fields(step) {
		if f.Has && f.Source.Rank != answers.FromPerson {
			list[settledText(f)] = true
		}
	}
	for _, state := range d.s.Steps() {
		if state.ID == step {
			for _, note := range state.Notes {
				list[note] = true
			}
		}
	}
	return list
}

// follows prints what the answers of a step have settled besides.
func (d *lineDriver) follows(step string, before map[string]bool) {
	var list []string
	for _, f := range d.s.Fields(step) {
		if text := settledText(f); f.Has && f.Source.Rank > answers.FromChart && f.Source.Rank != answers.FromPerson && !before[text] {
			list = append(list, text)
		}
	}
	if len(list) > 0 {
		d.out.say("\nFrom this follows:\n  %s", strings.Join(list, "\n  "))
	}
	for _, state := range d.s.Steps() {
		for _, note := range state.Notes {
			if state.ID == step && !before[note] {
				d.out.say("%s", note)
			}
		}
	}
}

// pick returns the next question of a step: the one that was gone to, else those
// behind the last one, else one that is still wrong or missing.
func (d *lineDriver) pick(at linePlace, last answers.Key, done map[answers.Key]bool) (Field, bool) {
	fields := d.s.Fields(at.step)
	from := slices.IndexFunc(fields, func(f Field) bool { return f.Question.Key == last })
	if at.key != "" && from >= 0 {
		return fields[from], true
	}
	for _, f := range fields[from+1:] {
		if (f.Asked || at.all) && !done[f.Question.Key] {
			return f, true
		}
	}
	// Turning in a circle, so that of two answers that do not fit each other
	// both can be changed.
	for i := range fields {
		f := fields[(from+1+i)%len(fields)]
		if f.Problem != "" || f.Missing || (d.s.open(f) && !done[f.Question.Key]) {
			return f, true
		}
	}
	return Field{}, false
}

// follow returns where a command at the question here leads to.
func (d *lineDriver) follow(here linePlace, move lineMove) linePlace {
	switch {
	case move.back:
		at, ok := d.before()
		if !ok {
			d.out.say("This is the first question.")
			return here
		}
		return at
	case move.all:
		d.asked = append(d.asked, here)
		return linePlace{step: here.step, all: true}
	}
	d.asked = append(d.asked, here)
	return d.beginning(move.step)
}

// beginning is the start of a step that a person goes to: to change something, so
// where nothing would be asked, all is.
func (d *lineDriver) beginning(step string) linePlace {
	some := slices.ContainsFunc(d.s.Fields(step), func(f Field) bool { return f.Asked })
	return linePlace{step: step, all: !some}
}

// before takes back the question that was answered last and still is one.
func (d *lineDriver) before() (linePlace, bool) {
	for len(d.asked) > 0 {
		at := d.asked[len(d.asked)-1]
		d.asked = d.asked[:len(d.asked)-1]
		if slices.ContainsFunc(d.s.Fields(at.step), func(f Field) bool { return f.Question.Key == at.key }) {
			return at, true
		}
	}
	return linePlace{}, false
}

// findStep returns the step that text names: by number, id or title, or by the
// beginning of one of these when it is the only one.
func (d *lineDriver) findStep(text string) (string, bool) {
	states := d.s.Steps()
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(states) {
		return states[n-1].ID, true
	}
	var found []string
	for _, state := range states {
		id, title, want := strings.ToLower(state.ID), strings.ToLower(state.Title), strings.ToLower(text)
		if id == want || title == want {
			return state.ID, true
		}
		if want != "" && (strings.HasPrefix(id, want) || strings.HasPrefix(title, want)) {
			found = append(found, state.ID)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

func (d *lineDriver) listSteps() {
	for i, state := range d.s.Steps() {
		text := fmt.Sprintf("  %d. %s (%s)", i+1, state.Title, state.ID)
		switch {
		case state.Wrong > 0:
			text += fmt.Sprintf(": %d wrong", state.Wrong)
		case state.Open > 0:
			text += fmt.Sprintf(": %d open", state.Open)
		}
		d.out.say("%s", text)
	}
}
