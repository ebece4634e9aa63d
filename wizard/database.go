package wizard

import (
	"slices"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

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
