package wizard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

// Field is one question as it stands: what drivers show and ask.
type Field struct {
	Step     string
	Question steps.Question
	Seen     string         // what the cluster has to do with it
	Options  []steps.Option // of the question, and those known only here and now
	Text     string         // the present answer, as it would be typed; a secret says how it was given
	Prefill  string         // what an input starts with: the answer, else a suggestion
	Source   answers.Source // of the present answer; zero when there is none
	Has      bool
	Required bool
	Missing  bool   // required and not answered
	Problem  string // completes "The value …"; "" when it is right
	Doubt    string // why the value, which nobody has given, may be wrong; "" without a doubt
	Offer    string // where a secret is that may be taken in place of typing one; "" is nowhere
	Asked    bool   // a person meets it without asking for more settings
}

// Fields returns the questions of a step that apply, in their order.
func (s *Session) Fields(step string) []Field {
	in := s.Input()
	var fields []Field
	for _, st := range s.flow.Steps {
		if st.ID != step {
			continue
		}
		for _, q := range st.Questions {
			if !st.Applies(in, q) {
				continue
			}
			fields = append(fields, s.field(st, q))
		}
	}
	return fields
}

func (s *Session) field(st steps.Step, q steps.Question) Field {
	in := s.Input()
	f := Field{Step: st.ID, Question: q, Options: q.Options, Source: in.Draft.From[q.Key], Has: in.Draft.Has(q.Key)}
	if q.Choices != nil {
		f.Options = append(f.Options[:len(f.Options):len(f.Options)], q.Choices(in)...)
	}
	if q.Seen != nil {
		f.Seen = q.Seen(in)
	}
	f.Required, f.Missing, f.Problem = q.IsRequired(in), q.Missing(in), q.Problem(in)
	if f.Has {
		f.Text = q.Value.Print(in.Draft.Get(q.Key))
		f.Prefill = f.Text
	}
	// What somebody else has settled and is not right is no beginning for an answer.
	unfit := f.Problem != "" && !f.Source.Given()
	if (f.Prefill == "" || unfit) && q.Suggest != nil && q.Value.Kind != answers.Hidden {
		f.Prefill = q.Value.Print(q.Suggest(in))
	}
	if q.Value.Kind == answers.Hidden {
		f.Prefill = ""
	}
	if q.Doubt != nil && f.Has && (f.Source.Rank <= answers.FromProvider || f.Source.Rank == answers.FromNewProvider) {
		f.Doubt = q.Doubt(in)
	}
	if q.Offer != nil {
		where, text, ok := q.Offer(in)
		if now, _ := in.Draft.Get(q.Key).(secret.Value); ok && !now.Text.Equal(text) {
			f.Offer = where
		}
	}
	f.Asked = s.asked(f)
	return f
}

// asked tells whether a person meets the field: it is open, it is wrong, it is to
// be confirmed, or this person answered it and comes back.
func (s *Session) asked(f Field) bool {
	if f.Problem != "" || f.Missing || f.Source.Rank == answers.FromPerson {
		return true
	}
	if f.Doubt != "" || f.Offer != "" && !f.Source.Given() {
		return true
	}
	switch f.Question.Ask {
	case steps.Open:
		// What is required only under a condition waits for that: an address that
		// follows from another one is not asked before that one is known.
		return !f.Has && (f.Required || f.Question.Required.Holds == nil)
	case steps.Confirm:
		return f.Question.ToConfirm(s.Input())
	}
	return false
}

// open tells whether the field still waits for its person.
func (s *Session) open(f Field) bool {
	if f.Problem != "" || f.Missing {
		return true
	}
	return f.Asked && f.Source.Rank != answers.FromPerson && !s.visited[f.Question.Key]
}

// StepState is one step as it stands.
type StepState struct {
	ID, Title, Intro string
	Open             int // questions that wait for a person
	Wrong            int // answers that are not right
	Notes            []string
}

// Steps returns the steps that apply, in order. The last is the review.
func (s *Session) Steps() []StepState {
	in := s.Input()
	var states []StepState
	for _, st := range s.flow.Steps {
		if st.When.Holds != nil && !st.When.Holds(in) {
			continue
		}
		state := StepState{ID: st.ID, Title: st.Title, Intro: st.Intro}
		for _, f := range s.Fields(st.ID) {
			if s.open(f) {
				state.Open++
			}
			if f.Problem != "" {
				state.Wrong++
			}
		}
		if st.Notes != nil {
			state.Notes = st.Notes(in)
		}
		states = append(states, state)
	}
	return states
}

// NextStep returns the step after the one named that waits for a person: the
// next with an open question, else the last, which is the review.
func (s *Session) NextStep(after string) string {
	states, past := s.Steps(), after == ""
	for _, state := range states {
		if past && state.Open > 0 {
			return state.ID
		}
		past = past || state.ID == after
	}
	return states[len(states)-1].ID
}

// PreviousStep returns the step before the one named; "" before the first.
func (s *Session) PreviousStep(before string) string {
	previous := ""
	for _, state := range s.Steps() {
		if state.ID == before {
			return previous
		}
		previous = state.ID
	}
	return previous
}

// Problems returns every wrong and missing answer, each with the place where it
// was given.
func (s *Session) Problems() answers.Problems {
	wrong, missing := s.flow.Problems(s.Input())
	all := append(s.lacking(), append(wrong, missing...)...)
	for i, p := range all {
		all[i].Where = s.place(p.Key)
	}
	return all
}

func (s *Session) place(key answers.Key) string {
	if where := s.where[key]; strings.Contains(where, ":") {
		return where
	}
	return ""
}

// lacking lists answers that people named although the chart has no such thing.
func (s *Session) lacking() answers.Problems {
	var list answers.Problems
	in := s.Input()
	for _, key := range answers.Keys() {
		if s.given.Has(key) && !in.ChartHas(key) {
			message := fmt.Sprintf("is not in chart %s", in.Chart.Version)
			if since := templates.Since(string(key)); since != "" {
				message += fmt.Sprintf(": charts %s and newer have it", since)
			}
			list = append(list, answers.Problem{Key: key, Message: message})
		}
	}
	return list
}

// Ignored lists answers that people gave although their question does not apply.
func (s *Session) Ignored() []string {
	var list []string
	in := s.Input()
	for _, key := range answers.Keys() {
		if !s.given.Has(key) || !in.ChartHas(key) {
			continue
		}
		st, q, ok := s.flow.Find(key)
		switch {
		case !ok && slices.Contains(s.flow.Takes, key):
		case !ok:
			list = append(list, fmt.Sprintf("%s is ignored: `%s` does not ask for it", key, s.flow.ID))
		case !st.Applies(in, q):
			text := q.When.Text
			if text == "" {
				text = st.When.Text
			}
			list = append(list, fmt.Sprintf("%s is ignored: it counts only %s", key, text))
		}
	}
	return list
}
