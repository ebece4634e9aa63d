package wizard

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// review shows what would change, runs the checks and asks for the word. It
// returns where to go next, or how the run ends.
func (d *lineDriver) review() (linePlace, *End, error) {
	d.enter(linePlace{step: d.reviewStep(), all: true})
	review, broken := d.s.Plan()
	d.out.show(review.Lines())
	if broken == nil && review.Plan != nil && len(review.Problems) == 0 {
		review.Checks = d.check()
	}
	if err := d.ctx.Err(); err != nil {
		return linePlace{}, nil, err
	}
	switch {
	case broken != nil:
		return d.blocked(review, "the plan cannot be made: "+broken.Error(), "target")
	case review.Blocked() != "":
		return d.blocked(review, review.Blocked(), d.mender(review))
	case d.s.DryRun():
		d.out.say("\nThis was a dry run.")
		return linePlace{}, &End{Review: review}, nil
	case d.s.Yes():
		return d.apply(review)
	}
	return d.confirm(review)
}

// check runs all checks and prints each as it ends.
func (d *lineDriver) check() (results []check.Result) {
	checks := d.s.Checks()
	if len(checks) == 0 {
		return nil
	}
	d.out.say("\nChecks:")
	d.wait("checking", nil, func(tell func([]Line)) {
		results = d.s.Check(d.ctx, checks, 0, func(r check.Result) { tell(CheckLines(r)) })
	})
	d.s.UseShown()
	if offer := providerOffer(results); offer != "" {
		d.out.say("%s", offer)
	}
	d.offerDatabase(results)
	return results
}

// mender returns the step that can mend what blocks.
func (d *lineDriver) mender(r Review) string {
	if len(r.Problems) > 0 {
		if step := stepOf(r.Problems[0].Key); step != "" {
			return step
		}
	}
	for _, c := range r.Checks {
		if c.Status != check.Fail {
			continue
		}
		topic, _, _ := strings.Cut(c.ID, ".")
		if c.Cure != nil && c.Cure.Step != "" {
			topic = c.Cure.Step
		}
		if slices.ContainsFunc(d.s.Steps(), func(state StepState) bool { return state.ID == topic }) {
			return topic
		}
	}
	return "target"
}

// blocked says why nothing can be applied and asks where to go.
func (d *lineDriver) blocked(r Review, why, step string) (linePlace, *End, error) {
	d.out.say("\nThis cannot be applied: %s.", why)
	failed := r.Failed()
	if failed != "" {
		if stake, _ := atStake(failed); stake != "" {
			d.out.say("%s", stake)
			d.out.show(d.s.whereabouts().lines())
		}
		d.out.say("`accept %s` goes on although it fails.", failed)
	}
	for {
		text, err := d.choose("Go to a step, or `again` to look and check again [%s]:", step)
		if err != nil {
			return linePlace{}, nil, err
		}
		if failed != "" && text == "accept "+failed {
			d.s.Accept(failed)
			return linePlace{step: d.reviewStep()}, nil, nil
		}
		if text == "" {
			text = step
		}
		at, ok, err := d.leaveReview(text, r)
		if ok || err != nil {
			return at, nil, err
		}
	}
}

// confirm asks for the word. Only the whole word counts, and only when it was
// typed after the question: what a terminal has already is thrown away.
func (d *lineDriver) confirm(r Review) (linePlace, *End, error) {
	question := "Everything is as asked already. Enter ends; or a step to change:"
	if r.Changes() {
		question = "Apply this change? yes/no, or a step to change [no]:"
		if n := r.Plan.Changes(); n > 1 {
			question = fmt.Sprintf("Apply these %d changes? yes/no, or a step to change [no]:", n)
		}
		if !r.listed() {
			d.out.say("\nThis is what will be done:")
			for i, a := range r.Plan.Actions {
				d.out.say("  %d. %s", i+1, a.Title())
			}
		}
		d.out.show(d.s.whereabouts().lines())
	}
	if copyOfOldSecrets(r.Input) {
		d.out.say("The Secret's kubectl annotation holds a copy of old secrets. x %s.",
			map[bool]string{false: "removes it with these changes", true: "keeps it after all"}[r.Input.Current.DropLastApplied])
	}
	switch {
	case r.Plan.Offers():
		d.out.say("The release is then to be upgraded. u has this program run helm upgrade too.")
	case r.Plan.Upgrading():
		d.out.say("u leaves helm upgrade to you.")
	}
	notes, mayNote := r.notes()
	switch {
	case mayNote && notes:
		d.out.say("h leaves the note on the Secret out.")
	case mayNote:
		d.out.say("h notes on the Secret when this program set which key, never what.")
	}
	if r.Plan.Keeping() {
		d.out.say("k does not keep the old values.")
	}
	for {
		d.in.drop(d.ctx)
		text, err := d.choose("%s", question)
		switch {
		case err != nil:
			return linePlace{}, nil, err
		case strings.EqualFold(text, "yes") && r.Changes(), text == "" && !r.Changes():
			return d.apply(r)
		case text == "", strings.EqualFold(text, "no"), strings.EqualFold(text, "n"):
			return linePlace{}, nil, errQuit
		case strings.EqualFold(text, "y"):
			d.out.say("Only the whole word yes applies.")
			continue
		case text == "u" && (r.Plan.Offers() || r.Plan.Upgrading()):
			d.s.Upgrade(!r.Plan.Upgrading())
			return linePlace{step: d.reviewStep()}, nil, nil
		case text == "k" && r.Plan.Keeping():
			d.s.KeepPrevious(false)
			return linePlace{step: d.reviewStep()}, nil, nil
		case text == "h" && mayNote:
			d.s.History(!notes)
			return linePlace{step: d.reviewStep()}, nil, nil
		case text == "x" && copyOfOldSecrets(r.Input):
			d.s.AcceptLastApplied(!r.Input.Current.DropLastApplied)
			return linePlace{step: d.reviewStep()}, nil, nil
		}
		at, ok, err := d.leaveReview(text, r)
		if ok || err != nil {
			return at, nil, err
		}
	}
}

func copyOfOldSecrets(in plan.Input) bool {
	state := in.Current.Cluster.Secret
	return in.Draft.Secret.Delivery == plan.DeliverKubernetes && state.Secret != nil && state.Secret.LastApplied && state.Owner.Kind == ""
}

// choose asks a question of the review; the answer comes without blanks around it.
func (d *lineDriver) choose(format string, args ...any) (string, error) {
	d.out.say("")
	text, err := d.read(fmt.Sprintf(format, args...))
	if wrongLine(err) {
		return "?", nil
	}
	return strings.TrimSpace(text), err
}

// leaveReview carries out what was typed at the review's question: a step to go
// to, or a command. It tells whether that leads anywhere.
func (d *lineDriver) leaveReview(text string, r Review) (linePlace, bool, error) {
	switch text {
	case "q":
		return linePlace{}, false, errQuit
	case "<":
		at, ok := d.before()
		if !ok {
			d.out.say("There is no question before.")
		}
		return at, ok, nil
	case "?":
		d.out.say("Answer with the number or the name of a step to change its answers, `again` to look and check again, < for the question before, q to leave.")
		if r.Blocked() == "" {
			d.out.say("Only the whole word yes applies; Enter does not.")
		}
		return linePlace{}, false, nil
	case "again":
		d.looked, d.inquired = Query{}, ProviderQuery{}
		d.s.ForgetProvider()
		return linePlace{step: d.reviewStep()}, true, d.look()
	case ">":
		return linePlace{step: d.reviewStep()}, true, nil
	}
	if at, ok, err := d.aboutProvider(text); ok || err != nil {
		return at, ok, err
	}
	if at, ok, err := d.aboutDatabase(text, r); ok || err != nil {
		return at, ok, err
	}
	step, ok := d.jump(strings.TrimSpace(strings.TrimPrefix(text, "!")))
	if !ok {
		return linePlace{}, false, nil
	}
	return d.beginning(step), true, nil
}

// apply carries out the plan and prints what happens.
func (d *lineDriver) apply(r Review) (linePlace, *End, error) {
	if d.out.err != nil {
		return linePlace{}, nil, io.EOF // nobody has seen what this would do
	}
	end := &End{Review: r}
	d.out.say("")
	d.wait("working", nil, func(tell func([]Line)) {
		end.Outcome, end.Err = d.s.Apply(d.ctx, r, func(e apply.Event) { tell(eventLines(e)) }, d.decider())
	})
	end.Applied = end.Err == nil
	d.out.say("")
	if end.revocable() && d.ctx.Err() == nil {
		*end = d.revocation(*end)
	}
	return linePlace{}, end, nil
}

// revocation asks, once a rotation is done, whether to wait until the server rejects
// the old value, and waits.
func (d *lineDriver) revocation(end End) End {
	title, about := end.revocation()
	d.out.show(about)
	for {
		d.in.drop(d.ctx)
		text, err := d.choose("%s yes/no [no]:", title)
		switch strings.ToLower(text) {
		case "yes", "y":
			var outcome apply.Outcome
			d.wait("waiting", nil, func(tell func([]Line)) {
				outcome, err = d.s.Revoked(d.ctx, end.Review, end.Outcome, func(e apply.Event) { tell(eventLines(e)) })
			})
			d.out.say("")
			return end.revoked(outcome, err)
		case "", "no", "n", "q":
			return end
		}
		if err != nil {
			return end
		}
		d.out.say("The value must be yes or no.")
	}
}

// asked is a question that comes up while work goes on in the background.
type asked struct {
	failure apply.Failure
	answer  chan<- apply.Decision
}

// decider hands the question of a roll-out that fails to the goroutine that
// reads lines.
func (d *lineDriver) decider() func(apply.Failure) apply.Decision {
	return func(f apply.Failure) apply.Decision {
		answer := make(chan apply.Decision, 1)
		select {
		case d.questions <- asked{f, answer}:
			return <-answer
		case <-d.ctx.Done():
			return d.s.policy()
		}
	}
}

// decide asks what becomes of a roll-out that fails.
func (d *lineDriver) decide(f apply.Failure) apply.Decision {
	if d.ctx.Err() != nil {
		return d.s.policy()
	}
	d.out.say("%s\n%v", failureTitle(f), f.Err)
	if hint := f.Hint(); hint != "" {
		d.out.say("%s", hint)
	}
	for {
		d.in.drop(d.ctx)
		text, err := d.choose("wait on, undo everything, or leave it as it is? wait/undo/leave [wait]:")
		switch strings.ToLower(text) {
		case "wait", "w", "":
			if err == nil {
				return apply.Decision{Do: apply.WaitOn, Ctx: d.ctx}
			}
		case "undo":
			return apply.Decision{Do: apply.Undo}
		case "leave":
			return apply.Decision{Do: apply.Leave}
		}
		if err != nil {
			return d.s.policy()
		}
		d.out.say("The value must be wait, undo or leave.")
	}
}

func eventLines(e apply.Event) []Line {
	var l lines
	switch e.Status {
	case apply.Running:
		l.add(Plain, "", "%s: begun", e.Title)
	case apply.Progress:
		if e.Text != "" {
			l.add(Dim, "", "  %s", strings.ReplaceAll(e.Text, "\n", "\n  "))
		}
	case apply.Failed:
		l.add(Bad, "", "%s: failed: %s", e.Title, e.Text)
	default:
		l.add(Plain, "", "%s: %s", e.Title, e.Status)
		if note := noteOf(e); note != "" {
			l.add(Caution, "", "  %s", note)
		}
	}
	return l
}

// leave ends the run with nothing changed. Who leaves by a word is asked whether
// to save the answers; where nobody can be asked any more they are saved.
func (d *lineDriver) leave(cause error) End {
	end := End{Left: true}
	if d.worthSaving() {
		save := true
		if errors.Is(cause, errQuit) && d.ctx.Err() == nil {
			save = d.wantsSaving()
		}
		if save {
			d.save()
		}
	}
	d.out.show(end.Summary())
	return end
}

func (d *lineDriver) wantsSaving() bool {
	for {
		text, err := d.choose("Save the answers for the next time, without secrets? y/N [no]:")
		switch strings.ToLower(text) {
		case "y", "yes":
			return true
		case "", "n", "no", "q":
			return err != nil
		}
		d.out.say("The value must be yes or no.")
	}
}

// worthSaving tells whether a person has answered anything that can be saved.
func (d *lineDriver) worthSaving() bool {
	if d.saveDraft == nil {
		return false
	}
	given := d.s.Given()
	for _, source := range given.From {
		if source.Rank == answers.FromPerson {
			return true
		}
	}
	return false
}

func (d *lineDriver) save() {
	path, err := d.saveDraft(d.s)
	if err != nil {
		d.out.say("The answers could not be saved: %s", err)
		return
	}
	d.out.say("The answers so far, without secrets, are in %s. To go on with them:", path)
	d.out.show([]Line{{Kind: Command, Text: fmt.Sprintf("backstage-setup %s %s--answers %s", d.s.began, d.s.Input().Reach(), plan.Quote(path))}})
}

// fault saves the answers when a fault of the program ends the run.
func (d *lineDriver) fault() {
	if p := recover(); p != nil {
		if d.worthSaving() {
			d.save()
		}
		panic(p)
	}
}
