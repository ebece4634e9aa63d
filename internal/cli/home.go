package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// home shows what is installed, how it is and what can be done, and runs what the
// operator chooses. Without a terminal it is the help.
func (a *app) home(ctx context.Context, cmd *cobra.Command, f *flags) error {
	if !a.atTerminal() {
		return cmd.Help()
	}
	_, err := a.visit(ctx, f, false)
	return err
}

// atTerminal tells whether somebody sits there, so that a screen is of use.
func (a *app) atTerminal() bool {
	return term.IsTerminal(int(a.In.Fd())) && term.IsTerminal(int(a.Err.Fd()))
}

// visit shows the home screen, with every check from the start when whole, and
// comes back to it from a run that the operator chose there and left. It returns
// what the checks came to when the operator left the screen for good; nil when
// they had not all answered, or when a run was carried out.
func (a *app) visit(ctx context.Context, f *flags, whole bool) (*wizard.Examination, error) {
	for {
		end, err := a.look(ctx, f, whole)
		if err != nil || end.Start == nil {
			return end.Examination, err
		}
		err = a.begin(ctx, *end.Start, f)
		if left := (*exitError)(nil); !errors.As(err, &left) || left.code != exitLeft {
			return nil, err
		}
	}
}

// look opens the home screen once.
func (a *app) look(ctx context.Context, f *flags, whole bool) (wizard.End, error) {
	s, err := a.session(steps.Check(), f)
	if err != nil {
		return wizard.End{}, err
	}
	if problems := a.give(s, f); len(problems) > 0 {
		return wizard.End{}, wrongAnswers(problems)
	}
	if err := s.Load(); err != nil {
		return wizard.End{}, loadError(err)
	}
	s.ShowAll(whole)
	end, err := a.drive(ctx, s, f, true)
	if err != nil {
		return end, runError(err)
	}
	return end, nil
}

// begin runs the command of a flow as if the operator had typed it, with the
// cluster and the look of this one, from where start says.
func (a *app) begin(ctx context.Context, start wizard.Start, f *flags) error {
	args := append([]string{start.Flow}, start.Args...)
	for _, given := range []struct{ flag, value string }{
		{"--kubeconfig", f.kubeconfig}, {"--context", f.context}, {"--namespace", f.namespace},
		{"--release", f.release}, {"--secret-name", f.secretName},
	} {
		if given.value != "" {
			args = append(args, given.flag, given.value)
		}
	}
	if f.plain {
		args = append(args, "--plain")
	}
	if f.noColor {
		args = append(args, "--no-color")
	}
	root, err := a.root(ctx)
	if err != nil {
		return err
	}
	a.start = start
	defer func() { a.start = wizard.Start{} }()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}
