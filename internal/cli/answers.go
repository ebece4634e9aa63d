package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

func (a *app) answersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "answers",
		Short: "print the answers file's schema, or an example of it",
		Long:  "An answers file answers the questions of a run beforehand, without secrets: it\nholds references to them, such as {env: NAME} or {file: PATH}.",
		Example: `  backstage-setup answers example > answers.yaml
  backstage-setup answers schema > answers.schema.json
  backstage-setup install --answers answers.yaml --dry-run`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "schema", Short: "JSON Schema of the answers file", Args: cobra.NoArgs,
			Long:    "The schema is draft 2020-12. An editor with a YAML language server reads it when\nthe file begins with a line such as\n# yaml-language-server: $schema=answers.schema.json",
			Example: "  backstage-setup answers schema > answers.schema.json",
			RunE: func(*cobra.Command, []string) error {
				return wizard.WriteJSON(a.out, steps.Schema())
			},
		},
		&cobra.Command{
			Use: "example", Short: "an answers file with every key, commented", Args: cobra.NoArgs,
			Long:    "It is complete for a development installation once the environment variable\nCLIENT_SECRET is set; every other key is there, commented out.",
			Example: "  backstage-setup answers example > answers.yaml",
			RunE: func(*cobra.Command, []string) error {
				_, err := io.WriteString(a.out, steps.Example())
				return err
			},
		},
	)
	return cmd
}
