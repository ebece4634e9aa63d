package steps

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// Databases returns what lists the databases of Backstage at the server of in, each
// time anew; nil where the server is not asked.
func (e *Env) Databases(in plan.Input) func(context.Context) ([]string, error) {
	q, why := databaseQuery(in)
	_, skipped := in.Current.Skip[postgresReach]
	if e.Postgres == nil || in.Current.Offline || why != "" || skipped {
		return nil
	}
	return func(ctx context.Context) ([]string, error) {
		a := e.Postgres.Fresh().Probe(ctx, q)
		if a.Report.Version == "" {
			at := slices.IndexFunc(a.Verdicts, func(v postgres.Verdict) bool { return v.Class == postgres.Fail || v.Class == postgres.Inconclusive })
			if at < 0 {
				return nil, errors.New("no answer")
			}
			return nil, errors.New(a.Verdicts[at].Found)
		}
		var names []string
		for _, d := range a.Report.Databases {
			if strings.HasPrefix(d.Name, "backstage_plugin_") {
				names = append(names, d.Name)
			}
		}
		return names, nil
	}
}
