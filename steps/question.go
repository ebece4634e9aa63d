// Package steps holds what is asked, checked, suggested and planned: one file
// per topic, and the flows as lists of steps. It must not know UI libraries,
// client-go, Helm paths, the clock or the environment.
package steps

import (
	"slices"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Flow is a task of the operator's: its steps in the order they can be answered.
type Flow struct {
	ID, Title string
	Steps     []Step
	Live      bool                                                       // what runs counts before what files say, and no file is read unless one was named
	Takes     []answers.Key                                              // answers that count although nobody is asked for them here
	Make      func(plan.Input) (*plan.Plan, error)                       // nil: what the steps plan
	Judge     func(plan.Input, func() (*plan.Plan, error)) []check.Check // the checks of the whole plan
	Silent    bool                                                       // it asks and changes nothing: no answer is missing or wrong
}

// Step is one screen: a topic with its questions, and what they lead to.
type Step struct {
	ID, Title, Intro string
	When             Condition                           // the whole step applies
	Suggest          func(plan.Input) []answers.Proposal // what other answers and the cluster settle
	Notes            func(plan.Input) []string           // what the operator needs beside the questions
	Questions        []Question
	Checks           func(*Env, plan.Input) []check.Check
	Plan             func(plan.Input, *plan.Plan)
}

// Ask says how a question meets a person. Headless runs never ask.
type Ask int

// The ways of asking.
const (
	Open    Ask = iota // asked while nothing has settled it
	Confirm            // asked even when only the chart's default settles it
	More               // never asked by itself: under "more settings"
)

// Question is the one declaration of an answer: drivers, --set, the answers
// file, its schema and `explain` all read this.
type Question struct {
	Key      answers.Key
	Title    string // a few words; the field's label
	Why      string // one or two sentences: what it does and why it is asked
	Example  string // as it would be typed
	Default  string // in words, for `explain`, when neither chart nor preset gives one
	Value    Value
	Options  []Option
	Choices  func(plan.Input) []Option // more options, known only here and now
	Seen     func(plan.Input) string   // what the cluster or the provider has to do with it; "" when that is not known
	Ask      Ask
	AskWhen  Condition              // with Confirm: only where this holds, and then derived values too
	When     Condition              // the question applies
	Required Condition              // it must have an answer
	Suggest  func(plan.Input) any   // prefilled for a person; never an answer by itself
	Rule     func(plan.Input) error // across answers; its error completes "The value …"
	// Lacks says why nothing settles the answer; "" when there is no more to say.
	Lacks func(plan.Input) string
	// Offer is a secret that is there already, and where: a person may take it, and
	// nobody else does.
	Offer func(plan.Input) (where string, value secret.Text, ok bool)
	// Doubt says why a value that nobody has given may be wrong, so that a person is
	// asked all the same; "" when there is no doubt.
	Doubt func(plan.Input) string
}

// Option is one choice of a question.
type Option struct {
	Value string // what is stored, and typed
	Title string // what is shown
	Note  string // one line: what it means
}

// Condition is a rule about the input with its text, which completes "only …".
// The zero Condition holds always, except as Required, where it never does.
type Condition struct {
	Text  string
	Holds func(plan.Input) bool
}

func (c Condition) holds(in plan.Input) bool { return c.Holds == nil || c.Holds(in) }

// Applies tells whether the question is asked, or used, for this input: its step
// and its own condition hold and the chart has it.
func (s Step) Applies(in plan.Input, q Question) bool {
	return s.When.holds(in) && q.When.holds(in) && in.ChartHas(q.Key)
}

// IsRequired tells whether the question must have an answer for this input.
func (q Question) IsRequired(in plan.Input) bool {
	return q.Required.Holds != nil && q.Required.Holds(in)
}

// Problem returns what is wrong with the question's answer, "" when nothing is.
// A missing required answer is not a problem here: Missing tells that.
func (q Question) Problem(in plan.Input) string {
	if !in.Draft.Has(q.Key) {
		return ""
	}
	value := in.Draft.Get(q.Key)
	if in.Draft.From[q.Key].Rank <= answers.FromValues && holdsPlaceholder(value) {
		return "" // nobody asks for it, and it is filled in by the operator's own tooling
	}
	if err := q.Check(value); err != nil {
		return err.Error()
	}
	if q.Rule != nil {
		if err := q.Rule(in); err != nil {
			return err.Error()
		}
	}
	return ""
}

// ToConfirm tells whether a person meets the question at a first installation
// although nobody has to answer it.
func (q Question) ToConfirm(in plan.Input) bool {
	if q.Ask != Confirm || IsInstalled(in) {
		return false
	}
	rank := in.Draft.From[q.Key].Rank
	if q.AskWhen.Holds == nil {
		return rank <= answers.FromChart
	}
	return rank <= answers.FromDerived && q.AskWhen.Holds(in)
}

// Check applies the question's own rules to value, those that look at no other
// answer. The error completes "The value …".
func (q Question) Check(value any) error {
	if err := q.Value.Check(value); err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok || len(q.Options) == 0 || slices.ContainsFunc(q.Options, func(o Option) bool { return o.Value == text }) {
		return nil
	}
	return oneOf(q.Options)
}

// Missing tells whether the question must still be answered.
func (q Question) Missing(in plan.Input) bool {
	if !q.IsRequired(in) {
		return false
	}
	return !in.Draft.Has(q.Key) || (!q.Value.Empty && isEmpty(in.Draft.Get(q.Key)))
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	}
	return false
}

// Find returns the question of key and the step it belongs to.
func (f Flow) Find(key answers.Key) (Step, Question, bool) {
	for _, s := range f.Steps {
		for _, q := range s.Questions {
			if q.Key == key {
				return s, q, true
			}
		}
	}
	return Step{}, Question{}, false
}
