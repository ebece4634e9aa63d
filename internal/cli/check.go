package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// checkFlags are those of check beside the ones that it has in common with flows.
type checkFlags struct {
	*flags
	log  string
	wait time.Duration
}

func (a *app) checkCommand(ctx context.Context) *cobra.Command {
	f := &checkFlags{flags: &flags{}}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "say what is wrong with the portal, why, and what to do",
		Long: `Looks at everything that the portal rests on, and changes nothing: cluster,
release, Secret, pods and their logs, database, API, identity provider, bindings,
planes and the way in. It names what to mend first, and what only follows from it.

--log explains a log in place of a cluster: a FILE, or - for stdin. --wait looks
again until the portal is healthy. Exit code 3 says that something failed, or that
too little could be seen to call the portal healthy.`,
		Example: `  backstage-setup check
  backstage-setup check --wait 5m
  backstage-setup check -o junit > check.xml
  backstage-setup check -f backstage-values.yaml --accept chart.version
  kubectl logs deployment/backstage | backstage-setup check --log -`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if f.log != "" {
				return a.checkLog(f)
			}
			return a.check(ctx, f)
		},
	}
	f.registerTarget(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.log, "log", "", "explain the log in `FILE`, - for stdin; no cluster is contacted")
	fs.StringArrayVarP(&f.values, "values", "f", nil, "compare the release with this values `FILE`; repeatable, in Helm's order")
	fs.StringVar(&f.place, "place", "", "where in the file the values are, when there are several `PLACE`s: a part of its description")
	fs.StringArrayVar(&f.accept, "accept", nil, "go on although this check or `CODE` fails or warns; repeatable")
	fs.StringArrayVar(&f.skip, "skip", nil, "leave a check that asks a server out, `CHECK=REASON`; repeatable")
	fs.DurationVar(&f.wait, "wait", 0, "look again until nothing fails, for so long")
	fs.DurationVar(&f.timeout, "timeout", 0, "how long the whole run may take")
	fs.BoolVar(&f.probe, "probe", false, "let checks ask the identity provider with a wrong secret and an unregistered address: failed attempts in its log")
	fs.StringVar(&f.caFile, "ca-file", "", "`FILE` of certificates in PEM that the checks trust too; the cluster does not know it")
	fs.StringVar(&f.userToken, "user-token", "", "check a person's access token at `REF`: env:NAME, file:PATH or - for stdin")
	fs.StringVar(&f.serviceToken, "service-token", "", "check the service client's access token at `REF` in place of asking for one: env:NAME, file:PATH or -")
	fs.StringVar(&f.jwks, "jwks", "", "`FILE` of the identity provider's key set, for tokens that are checked without asking it")
	f.registerLook(cmd)
	fs.StringVarP(&a.output, "output", "o", "text", "`FORMAT` on stdout: text, json or junit")
	return cmd
}

// check examines the portal.
func (a *app) check(ctx context.Context, f *checkFlags) error {
	if err := f.checkExamination(a.output); err != nil {
		return err
	}
	if a.atTerminal() && term.IsTerminal(int(a.Out.Fd())) && a.output == "text" && f.wait == 0 && f.timeout == 0 && !a.wantsLines(f.flags) {
		e, err := a.visit(ctx, f.flags, true)
		if err != nil || e == nil {
			return err
		}
		return a.examined(nil, *e)
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	s, err := a.session(steps.Check(), f.flags)
	if err != nil {
		return err
	}
	if s.Offline() {
		return usage("there is no kubeconfig: check looks at a cluster").hinted("set KUBECONFIG or --kubeconfig, or explain a log with --log FILE")
	}
	if problems := a.give(s, f.flags); len(problems) > 0 {
		return wrongAnswers(problems)
	}
	if err := s.Load(); err != nil {
		return loadError(err)
	}
	e, err := a.examine(ctx, s, f)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		late := &exitError{code: exitFailed, message: "not done within --timeout", hint: "give it longer"}
		if len(e.Checks) == 0 {
			return late
		}
		return a.examinedLate(s, e, late)
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitLeft, message: "stopped"}
	case err != nil:
		return runError(err)
	}
	return a.examined(s, e)
}

// examine runs the checks until a signal; on stderr it says what it waits for.
func (a *app) examine(ctx context.Context, s *wizard.Session, f *checkFlags) (wizard.Examination, error) {
	ctx, _, stop := a.untilSignal(ctx)
	defer stop()
	if a.output == "text" {
		fmt.Fprintln(a.err, s.Where())
	}
	again := wizard.Again{Until: f.wait, Wait: func(e wizard.Examination, d time.Duration) {
		open := append(e.Failed(), e.Unseen()...)
		more := ""
		if len(open) > 1 {
			more = fmt.Sprintf(" and %d more", len(open)-1)
		}
		fmt.Fprintf(a.err, "not healthy yet: %s%s; looking again in %s\n", open[0], more, d.Round(time.Second))
	}}
	return wizard.Examine(ctx, s, again, nil)
}

// examined writes what an examination came to.
func (a *app) examined(s *wizard.Session, e wizard.Examination) error {
	var err error
	switch a.output {
	case "junit":
		err = wizard.WriteJUnit(a.out, e)
	case "json":
		if e.Healthy() {
			return wizard.WriteJSON(a.out, s.ExaminationResult(e))
		}
		result := s.ExaminationResult(e)
		return &exitError{code: exitCheck, message: e.Unhealthy(), result: &result}
	default:
		err = wizard.WritePlain(a.out, e.Lines(a.width()))
	}
	if err == nil && !e.Healthy() {
		err = &exitError{code: exitCheck, silent: true}
	}
	return err
}

// examinedLate writes what was found until the time was over.
func (a *app) examinedLate(s *wizard.Session, e wizard.Examination, late *exitError) error {
	var err error
	switch a.output {
	case "junit":
		err = wizard.WriteJUnit(a.out, e)
	case "json":
		result := s.ExaminationResult(e)
		late.result = &result
	default:
		err = wizard.WritePlain(a.out, e.Lines(a.width()))
	}
	if err != nil {
		return err
	}
	return late
}

// checkExamination refuses flags that do not go together.
func (f *checkFlags) checkExamination(output string) error {
	if output != "text" && output != "json" && output != "junit" {
		return usage("-o %q: must be text, json or junit", output)
	}
	for _, id := range f.accept {
		if !knownCheck(id) && !steps.KnownCode(id) {
			return usage("--accept %q: there is no such check or code", id).hinted("backstage-setup explain lists them")
		}
	}
	if f.wait < 0 || f.timeout < 0 {
		return usage("--wait and --timeout must not be negative")
	}
	return nil
}
