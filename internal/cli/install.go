package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/debuglog"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

func (a *app) installCommand(ctx context.Context) *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "set the portal up, or change any of its settings",
		Long: `Asks for what the portal needs, shows exactly what will change, writes the Helm
values file and creates or patches the Secret. On an existing installation every
question is prefilled with what is there.`,
		Example: `  backstage-setup install
  backstage-setup install --offline
  backstage-setup install --answers portal.yaml --yes
  backstage-setup install --set scaling.replicas=3 --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.runFlow(ctx, steps.Install(), f)
		},
	}
	f.register(cmd, &a.output)
	return cmd
}

// runFlow is a flow from its flags to its exit code.
func (a *app) runFlow(ctx context.Context, flow steps.Flow, f *flags) error {
	if err := f.check(a.output); err != nil {
		return err
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	s, err := a.session(flow, f)
	if err != nil {
		return err
	}
	if flow.Live && s.Offline() {
		return usage("there is no kubeconfig: a rotation changes a portal that runs, in its cluster").hinted("set KUBECONFIG, or give --kubeconfig")
	}
	if problems := a.give(s, f); len(problems) > 0 {
		return wrongAnswers(append(problems, others(ctx, s, problems)...))
	}
	if err := s.Load(); err != nil {
		return loadError(err)
	}
	if err := s.Begin(a.start); err != nil {
		return err
	}
	if f.edit != "" && !slices.Contains(s.Input().Draft.Target.Values, f.edit) {
		return usage("--edit %q is not one of the values files", f.edit).hinted("give it with -f too")
	}
	if f.probeJob {
		return a.printJob(ctx, s)
	}
	interactive := a.interactive(f)
	end, err := a.drive(ctx, s, f, interactive)
	s.Settle()
	if saved := a.save(s, f); err == nil {
		err = saved
	}
	if err == nil && end.Applied && !s.DryRun() && end.Review.Plan.WritesCluster() {
		err = a.saveLastTarget(s.Target())
	}
	return a.finish(s, end, err, interactive)
}

// interactive tells whether a person is there to be asked.
func (a *app) interactive(f *flags) bool {
	return term.IsTerminal(int(a.In.Fd())) && term.IsTerminal(int(a.Err.Fd())) && !f.yes && !f.dryRun
}

// others are the problems of the answers that could be read, so that all are
// told at once. What the cluster settles is not missing.
func others(ctx context.Context, s *wizard.Session, told answers.Problems) answers.Problems {
	if s.Load() != nil {
		return nil
	}
	if _, err := s.Use(s.Look(ctx, s.Query())); err != nil {
		return nil
	}
	s.AskProvider(ctx)
	return slices.DeleteFunc(s.Problems(), func(p answers.Problem) bool {
		return slices.ContainsFunc(told, func(t answers.Problem) bool { return t.Key == p.Key })
	})
}

// session opens the cluster, which contacts nothing yet, and starts a Session.
func (a *app) session(flow steps.Flow, f *flags) (*wizard.Session, error) {
	settings := wizard.Settings{
		Offline: f.offline, Kubeconfig: f.kubeconfig, Edit: f.edit, Place: f.place, Accept: f.accept, Backup: f.backup,
		Restart: f.restart == "auto", Wait: f.wait, Bound: f.bounds != nil && f.bounds(), DryRun: f.dryRun, Yes: f.yes,
		Upgrade: f.upgrade, Keep: f.keepPrevious, Undo: f.onFailure != "leave", Last: a.lastTarget(),
		ProbeCreate: f.probeCreate, Log: a.log.Logger(),
	}
	settings.Await, settings.Revoked, settings.History = f.awaits, f.proveRevoked, f.history
	if dir, err := a.stateDir(); err == nil {
		settings.Journal = filepath.Join(dir, "journal.json")
	}
	env := &steps.Env{Secrets: secret.Source{LookupEnv: a.lookupSecret}, Offline: f.offline, Helm: a.helm, Wrap: a.log.Transport("store")}
	if a.log != nil {
		env.HTTP = &http.Client{Transport: a.log.Transport("chart registry")(http.DefaultTransport)}
	}
	env.RegistryConfig, _ = a.LookupEnv("HELM_REGISTRY_CONFIG")
	if err := a.aboutProvider(&settings, f); err != nil {
		return nil, err
	}
	var err error
	if env.Provider, err = a.provider(f); err != nil {
		return nil, err
	}
	if env.Postgres, err = a.postgres(f); err != nil {
		return nil, err
	}
	if settings.ProbeResult, err = a.probeResult(f); err != nil {
		return nil, err
	}
	if env.Visitor, err = a.visitor(f); err != nil {
		return nil, err
	}
	if !f.offline {
		options := k8s.Options{Kubeconfig: f.kubeconfig, Context: f.context, WrapTransport: a.log.Transport(debuglog.Kubernetes)}
		env.Connect = func(name string) (*k8s.Client, error) {
			o := options
			o.Context = name
			return k8s.Open(o)
		}
		client, err := k8s.Open(options)
		switch {
		case errors.Is(err, k8s.ErrNoConfig) && f.kubeconfig == "" && f.context == "":
			settings.NoConfig = true
		case err != nil:
			return nil, usage("%v", err)
		default:
			env.Cluster = client
			if settings.Contexts, _, err = k8s.Contexts(options); err != nil {
				return nil, usage("%v", err)
			}
		}
	}
	return wizard.NewSession(flow, env, settings, a.scrub)
}

// drive runs the driver that suits the terminal.
func (a *app) drive(ctx context.Context, s *wizard.Session, f *flags, interactive bool) (wizard.End, error) {
	if !interactive {
		ctx, hurry, stop := a.untilSignal(ctx)
		defer stop()
		s.Hurry(hurry)
		if a.output == "text" {
			fmt.Fprintln(a.err, s.Where())
		}
		return wizard.Headless(ctx, s, func(e apply.Event) { a.tell(e) })
	}
	ended, hurry, stop := a.signalled()
	defer stop()
	s.Hurry(hurry)
	t := wizard.Terminal{In: a.In, Out: a.Err, Environ: a.Environ, NoColor: f.noColor, SaveDraft: a.saveDraft, SaveJob: a.saveJob, Signals: ended}
	if a.wantsLines(f) {
		return wizard.Lines(ctx, s, t)
	}
	return a.fullScreen(ctx, s, t)
}

// untilSignal is ctx, ended by a signal too; hurry closes at the next one. stop frees
// what that takes.
func (a *app) untilSignal(ctx context.Context) (until context.Context, hurry <-chan struct{}, stop func()) {
	ended, hurry, quiet := a.signalled()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, hurry, func() { cancel(); quiet() }
}

// fullScreen draws on a descriptor of its own; what was written to stderr
// meanwhile is shown afterwards.
func (a *app) fullScreen(ctx context.Context, s *wizard.Session, t wizard.Terminal) (wizard.End, error) {
	screen, restore, err := divert(a.Err)
	if err != nil {
		return wizard.End{}, fmt.Errorf("screen: %w", err)
	}
	t.Out = screen
	end, err := wizard.FullScreen(ctx, s, t)
	lines, restored := restore()
	for _, line := range lines {
		fmt.Fprintf(a.err, "stderr: %s\n", line)
	}
	return end, errors.Join(err, restored)
}

// wantsLines tells whether the full screen would be no help: asked for, a
// screen reader's convention, or a terminal without a cursor.
func (a *app) wantsLines(f *flags) bool {
	accessible, _ := a.LookupEnv("ACCESSIBLE")
	terminal, _ := a.LookupEnv("TERM")
	return f.plain || accessible != "" || terminal == "dumb"
}

func (a *app) tell(e apply.Event) {
	switch e.Status {
	case apply.Running:
		fmt.Fprintf(a.err, "► %s\n", e.Title)
	case apply.Progress:
		if e.Text != "" {
			fmt.Fprintf(a.err, "  %s\n", strings.ReplaceAll(e.Text, "\n", "\n  "))
		}
	case apply.Done:
		fmt.Fprintf(a.err, "✓ %s\n", e.Title)
	case apply.Unchanged:
		fmt.Fprintf(a.err, "- %s: not needed\n", e.Title)
	case apply.Failed:
		fmt.Fprintf(a.err, "✗ %s\n", e.Title) // why is said at the end
	case apply.Undone:
		fmt.Fprintf(a.err, "↩ undone: %s\n", e.Title)
	}
}
