package cli

import (
	"fmt"
	"os"

	"github.com/openchoreo/backstage-setup/steps"
)

// postgres is what looks at the database server. The name of this machine, which
// no pod knows, is refused as a host.
func (a *app) postgres() (*steps.Postgres, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("the name of this machine: %w", err)
	}
	return steps.NewPostgres(steps.PostgresOptions{Own: []string{name}}), nil
}
