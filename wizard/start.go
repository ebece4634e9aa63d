package wizard

import (
	"fmt"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
)

// Start is where a run begins that another one leads to: from the home screen, or
// from a finding to what mends it.
type Start struct {
	Flow string           // its ID
	Args []string         // of its command
	Step string           // opened first; "" is where the flow begins by itself
	Key  answers.Key      // the question there; "" is its first
	Set  []check.Proposal // what the questions are prefilled with
	Why  string           // the check that led here; "" for none
}

// ShowAll has the home screen begin with every check, or with the findings alone.
func (s *Session) ShowAll(yes bool) { s.whole = yes }

// Begin prefills the answers that s.Set proposes and remembers where a driver
// begins. A person has chosen them with the finding, so they count as theirs and
// are seen on the review. The error says which cannot be an answer.
func (s *Session) Begin(start Start) error {
	for _, p := range start.Set {
		key := answers.Key(p.Key)
		st, q, ok := s.flow.Find(key)
		if !ok {
			return fmt.Errorf("%s: has no question in flow %s", p.Key, s.flow.ID)
		}
		if err := q.Check(p.Value); err != nil {
			return fmt.Errorf("%s: the value %w", p.Key, err)
		}
		if err := s.given.Set(key, p.Value, answers.Source{Rank: answers.FromPerson, Detail: "proposed by check " + start.Why}); err != nil {
			return fmt.Errorf("%s: the value %w", p.Key, err)
		}
		if start.Step == "" {
			start.Step = st.ID
		}
	}
	s.start = start
	s.changed()
	return nil
}

// asks tells whether a question has to be answered by what is known so far. What
// mends a finding may be no answer at all: a key of the Secret that nobody uses is
// written by itself.
func (s *Session) asks(key answers.Key) bool {
	in := s.Input()
	step, q, ok := s.flow.Find(key)
	return ok && step.Applies(in, q)
}
