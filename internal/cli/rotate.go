package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

func (a *app) rotateCommand(ctx context.Context) *cobra.Command {
	f := &flags{}
	undo := false
	cmd := &cobra.Command{
		Use:   "rotate [KEY]",
		Short: "give one credential of the running portal a new value",
		Long: `Gives one key of the portal's Secret, client-secret unless you name another, a new
value: proven first where that can be done, then written, the pods started with it,
and looked at again. What fails is undone, so that the portal runs with the old
value. Only then it says what to delete at the provider.`,
		Example: `  backstage-setup rotate
  backstage-setup rotate client-secret --from file:new-secret --yes -o json
  backstage-setup rotate postgres-password --from env:NEW --await 10m
  backstage-setup rotate --undo`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"client-secret", "service-client-secret", "postgres-password", "jenkins-api-key", "github-actions-token", "github-oauth-client-secret", "backend-secret"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if undo {
				if len(args) > 0 || f.from != "" {
					return usage("--undo puts back what the last run changed: no key and no --from beside it")
				}
				return a.runFlow(ctx, steps.Undo(), f)
			}
			for _, key := range args {
				f.arguments = append(f.arguments, "rotate.key="+key)
			}
			if f.offline {
				return usage("--offline contacts no cluster: a rotation changes a portal that runs")
			}
			if !cmd.Flags().Changed("await") && a.interactive(f) {
				f.awaits = steps.AwaitOneSecret
			}
			return a.runFlow(ctx, steps.Rotate(), f)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.from, "from", "", "`WHERE` the new value comes from: env:NAME, file:PATH, - for stdin, or generate where nobody else has to know it")
	fs.DurationVar(&f.awaits, "await", 0, "how long to wait, before anything is changed, until the provider takes the new value: for providers with one secret at a time (a person is waited for 10m there)")
	fs.DurationVar(&f.proveRevoked, "prove-revoked", 0, "how long to wait, when all is done, until the provider rejects the old value")
	fs.BoolVar(&f.history, "history", false, "note on the Secret when this program set which key, never what")
	fs.BoolVar(&undo, "undo", false, "put back what an interrupted or failed run changed, as undo does")
	fs.StringArrayVar(&f.answers, "answers", nil, "answers `FILE`, - for stdin; repeatable, later wins")
	fs.StringArrayVar(&f.set, "set", nil, "one answer, `KEY=VALUE`, such as secret.store.token=env:BAO_TOKEN; never a secret value")
	fs.StringArrayVarP(&f.values, "values", "f", nil, "values `FILE` that tells what the cluster does not; none is read or written otherwise")
	fs.StringVar(&f.chart, "chart", "", "`VERSION`, chart directory, .tgz or oci:// reference (default: the installed release's)")
	fs.BoolVar(&f.keepPrevious, "keep-previous", false, "keep the old value in the Secret NAME-previous until the run is verified (implied by --on-failure undo)")
	fs.StringVar(&f.onFailure, "on-failure", "undo", "`WHAT`, undo or leave, becomes of a change whose roll-out or proof fails")
	f.registerRun(cmd, &a.output)
	f.registerProofs(cmd)
	return cmd
}

// newValue reads what --from names. No problem repeats it: what stands there may be
// the secret itself.
func (a *app) newValue(from string) (secret.Value, *answers.Problem) {
	if from == "-" {
		v, _, err := (secret.Source{Stdin: a.In}).FromStdin()
		if err != nil {
			return v, &answers.Problem{Key: "rotate.value", Where: "--from", Message: err.Error()}
		}
		return v, nil
	}
	ref, err := secret.ParseRef(from)
	if err != nil || ref.Keep {
		return secret.Value{}, &answers.Problem{Key: "rotate.value", Where: "--from", Message: "must be env:NAME, file:PATH, - or generate; the secret itself is never written here"}
	}
	return secret.Value{Ref: ref}, nil
}
