package wizard

import (
	"context"

	"github.com/openchoreo/backstage-setup/internal/apply"
)

// Headless asks nothing: what is missing or wrong ends the run with all of it
// listed in the review. It discovers, plans, checks and, unless the run is dry or
// blocked, applies. An error is about files that cannot be read or edited.
func Headless(ctx context.Context, s *Session, report func(apply.Event)) (End, error) {
	if _, err := s.Use(s.Look(ctx, s.Query())); err != nil {
		return End{}, err
	}
	// What was found can move the questions on to another Secret: look again, once.
	if q := s.Query(); s.stale(q) {
		if _, err := s.Use(s.Look(ctx, q)); err != nil {
			return End{}, err
		}
	}
	s.AskProvider(ctx)
	if ctx.Err() != nil {
		return End{}, ctx.Err() // what could not be looked at says nothing about the cluster
	}
	review, err := s.Plan()
	if err != nil || len(review.Problems) > 0 {
		return End{Review: review}, err
	}
	review.Checks = s.Check(ctx, s.Checks(), 0, nil)
	if ctx.Err() != nil {
		return End{}, ctx.Err()
	}
	if s.DryRun() || review.Blocked() != "" {
		return End{Review: review}, nil
	}
	end := End{Review: review}
	end.Outcome, end.Err = s.Apply(ctx, review, report, nil)
	end.Applied = end.Err == nil
	return end, nil
}

// stale tells whether what is known is about another Secret than the answers name.
func (s *Session) stale(q Query) bool {
	if s.Offline() {
		return false
	}
	return q.SecretName != "" && q.SecretName != s.current.Cluster.Secret.Name || q.Store != s.storeRead
}
