package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/steps"
)

func (a *app) databaseCommand(ctx context.Context) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "database [postgresql|sqlite]",
		Short: "switch the portal to PostgreSQL, or back to SQLite",
		Long: `Takes a portal that is there from SQLite to PostgreSQL or back, with its settings
otherwise untouched. No data is moved: the catalog is rebuilt, everybody signs in
again. With --upgrade it also runs helm and watches the portal come up; what fails
within --wait is undone, so that the old portal runs again.`,
		Example: `  backstage-setup database postgresql
  backstage-setup database postgresql --upgrade --wait 5m
  backstage-setup database sqlite --dry-run`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"postgresql", "sqlite"},
		RunE: func(_ *cobra.Command, args []string) error {
			for _, kind := range args {
				f.arguments = append(f.arguments, "database.type="+kind)
			}
			return a.runFlow(ctx, steps.Database(), f)
		},
	}
	f.register(cmd, &a.output)
	return cmd
}
