package cli

import (
	"context"

	"github.com/openchoreo/backstage-setup/internal/chart"
)

// helm finds the operator's own helm, which sees no variable that this run read a
// secret from, and whose output is scrubbed.
func (a *app) helm(ctx context.Context) (*chart.Helm, error) {
	h, err := chart.FindHelm(ctx, a.Environ, a.secretVariables...)
	if err != nil {
		return nil, err
	}
	h.Scrub = a.scrub.Scrub
	return h, nil
}

// lookupSecret is LookupEnv for a reference to a secret: no child process of this
// one gets to see the variable.
func (a *app) lookupSecret(name string) (string, bool) {
	a.secretVariables = append(a.secretVariables, name)
	return a.LookupEnv(name)
}
