package cli

import (
	"fmt"
	"os"

	"github.com/openchoreo/backstage-setup/steps"
)

// postgres is what looks at the database server. The name of this machine, which
// no pod knows, is refused as a host.
func (a *app) postgres(f *flags) (*steps.Postgres, error) {
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("the name of this machine: %w", err)
	}
	options := steps.PostgresOptions{Own: []string{name}, CAFile: f.caFile}
	if f.caFile != "" {
		if options.CA, err = readGiven("--ca-file", f.caFile); err != nil {
			return nil, err
		}
	}
	return steps.NewPostgres(options), nil
}
