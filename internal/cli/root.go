package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// execute runs the command that the arguments name.
func (a *app) execute(ctx context.Context, cancel context.CancelFunc) error {
	defer cancel()
	root, err := a.root(ctx)
	if err != nil {
		return err
	}
	return root.ExecuteContext(ctx)
}

// root is the program with all its commands.
func (a *app) root(ctx context.Context) (*cobra.Command, error) {
	f := &flags{}
	root := &cobra.Command{
		Use:   "backstage-setup",
		Short: "Set up the Backstage portal of OpenChoreo",
		Long:  "Asks for what OpenChoreo's Backstage portal needs, checks it, shows what will change, and\nwrites the Helm values file and the Secret. No telemetry, no network but what you name.",
		Example: `  backstage-setup
  backstage-setup install
  backstage-setup install --offline --dry-run
  backstage-setup answers example > answers.yaml
  backstage-setup explain portal.baseUrl`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return a.home(ctx, cmd, f) },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.openLog(cmd) },
	}
	f.registerTarget(root)
	f.registerLook(root)
	root.AddCommand(a.installCommand(ctx), a.databaseCommand(ctx), a.rotateCommand(ctx), a.undoCommand(ctx), a.checkCommand(ctx), a.rbacCommand(ctx))
	root.SetArgs(a.Args[1:])
	root.SetIn(a.In)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return root, a.public(root)
}
