package wizard

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

// useDatabases takes in what the cluster said to ask. Servers that were found
// before stay offered while others are not looked for.
func (s *Session) useDatabases(ask steps.ClusterAsk, said plan.Databases) {
	if ask.Empty() {
		return
	}
	if !ask.Databases && ask.Host == "" {
		said.Found = s.current.Databases.Found
	}
	s.current.Databases = said
	s.env.Certificates(&s.current, s.caFile())
}

// caFile is the answer for the authority of PostgreSQL's certificate, as it is
// settled by now.
func (s *Session) caFile() string {
	s.changed()
	return s.Input().Draft.Database.PostgreSQL.CAFile
}

// TakeOffered takes the secret that is there already as a person's answer: the
// Field's Offer says where it is. The error completes "The value …".
func (s *Session) TakeOffered(key answers.Key) error {
	_, q, ok := s.flow.Find(key)
	if !ok || q.Offer == nil {
		return fmt.Errorf("must be typed: nothing is there to take")
	}
	where, value, ok := q.Offer(s.Input())
	if !ok {
		return fmt.Errorf("must be typed: nothing is there to take")
	}
	s.visited[key] = true
	if err := secret.Check(value.Reveal()); err != nil {
		return err
	}
	s.scrub.Add(value)
	if err := s.try(q, secret.Value{Text: value}); err != nil {
		return err
	}
	return s.given.Set(key, secret.Value{Text: value}, answers.Source{Rank: answers.FromPerson, Detail: "from " + where})
}

// ProbeCreate has the checks make a database at PostgreSQL and drop it again, or
// takes that back.
func (s *Session) ProbeCreate(yes bool) {
	s.current.ProbeCreate = yes
	s.changed()
}

// MayCreate tells whether ProbeCreate would show more than these results do.
func (s *Session) MayCreate(results []check.Result) bool {
	return steps.MayCreate(s.Input(), slices.Clone(results))
}

// Settle waits until nothing that a check has made is left behind, such as a
// database. It is called before the process ends, and takes 40 seconds at worst.
func (s *Session) Settle() {
	if s.env.Postgres != nil {
		s.env.Postgres.Settle()
	}
}

// PasteResult takes what a Job wrote that asked PostgreSQL from the cluster, in place
// of asking from here; "" takes it back. The error completes "The value …".
func (s *Session) PasteResult(text string) error {
	if strings.TrimSpace(text) == "" {
		s.current.ProbeResult = nil
		s.changed()
		return nil
	}
	if !strings.Contains(text, steps.JobMark) {
		return fmt.Errorf("must be what the Job's log has: lines that begin with %s", strings.TrimSpace(steps.JobMark))
	}
	s.current.ProbeResult = []byte(text)
	s.changed()
	return nil
}

// JobHelps tells whether a Job in the cluster would show what could not be seen
// from here.
func (s *Session) JobHelps(results []check.Result) bool {
	return len(s.current.ProbeResult) == 0 && steps.JobHelps(s.Input(), results)
}

// DatabaseJob is that Job; why says what is missing for it.
func (s *Session) DatabaseJob() (job steps.DatabaseJob, why string) {
	return steps.NewDatabaseJob(s.Input())
}

// SettledJob looks at what is there and asks, as Headless does before it plans, and
// returns the Job; why says what is missing for it.
func (s *Session) SettledJob(ctx context.Context) (job steps.DatabaseJob, why string, err error) {
	if _, err := s.Use(s.Look(ctx, s.Query())); err != nil {
		return job, "", err
	}
	s.AskProvider(ctx)
	job, why = s.DatabaseJob()
	return job, why, nil
}
