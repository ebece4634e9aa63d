package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/steps"
)

func (a *app) undoCommand(ctx context.Context) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "put back what an interrupted or failed run changed",
		Long: `Puts back what an earlier run changed that was killed, lost its connection or
could not be undone: the Secret's old values, the Helm release, the files, and
restarts the portal. It can while the run's journal exists: in the Secret named
after the portal's with -previous behind it, or in the state directory for a run
that wrote no cluster.`,
		Example: `  backstage-setup undo --dry-run
  backstage-setup undo --yes`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.runFlow(ctx, steps.Undo(), f)
		},
	}
	cmd.Flags().StringArrayVar(&f.answers, "answers", nil, "answers `FILE`, - for stdin; repeatable, later wins")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "one answer, `KEY=VALUE`, such as secret.store.token=env:BAO_TOKEN")
	f.registerRun(cmd, &a.output)
	return cmd
}
