package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/apply"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// flags are the flags of the flows.
type flags struct {
	kubeconfig, context, namespace, release, chart string
	values                                         []string
	edit, place                                    string
	backup                                         bool
	secretName, delivery, secretOut                string
	answers, set                                   []string
	saveAnswers                                    string
	accept                                         []string
	restart                                        string
	wait, timeout                                  time.Duration
	yes, dryRun, offline, plain, noColor           bool
}

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

func (f *flags) register(cmd *cobra.Command, output *string) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&f.answers, "answers", nil, "answers `FILE`, - for stdin; repeatable, later wins")
	fs.StringArrayVar(&f.set, "set", nil, "one answer, `KEY=VALUE`; wins over --answers, never a secret value")
	fs.StringVar(&f.saveAnswers, "save-answers", "", "write the answers given, without secrets, to `FILE`")
	fs.BoolVarP(&f.yes, "yes", "y", false, "apply without asking")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would change, write nothing")
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "`FILE` to use, as kubectl")
	fs.StringVar(&f.context, "context", "", "kubeconfig `CONTEXT` to use")
	fs.StringVarP(&f.namespace, "namespace", "n", "", "`NAMESPACE` of the control plane (default openchoreo-control-plane)")
	fs.StringVar(&f.release, "release", "", "Helm `RELEASE` (default openchoreo-control-plane)")
	fs.StringVar(&f.chart, "chart", "", "`VERSION`, chart directory or .tgz (default: the installed release's, else the newest known)")
	fs.StringArrayVarP(&f.values, "values", "f", nil, "values `FILE` in Helm's order, repeatable; the last is created or edited (default backstage-values.yaml)")
	fs.StringVar(&f.edit, "edit", "", "edit this values `FILE` instead of the last")
	fs.StringVar(&f.place, "place", "", "where in the file the values are, when there are several `PLACE`s: a part of its description")
	fs.BoolVar(&f.backup, "backup", false, "keep an edited file's old bytes beside it")
	fs.StringVar(&f.secretName, "secret-name", "", "`NAME` of the Secret (default: what values or Deployment say, else backstage-secrets)")
	fs.StringVar(&f.delivery, "delivery", "", "`HOW` the Secret gets there: kubernetes, external-secrets or manifest (default: what the cluster shows)")
	fs.StringVar(&f.secretOut, "secret-out", "", "`FILE` that --delivery manifest writes (default backstage-secrets.yaml)")
	fs.BoolVar(&f.offline, "offline", false, "contact no cluster, no identity provider, no database")
	fs.StringArrayVar(&f.accept, "accept", nil, "go on although this `CHECK` failed; repeatable")
	fs.StringVar(&f.restart, "restart", "auto", "`WHEN`, auto or never: restart the portal when a Secret change would not reach it otherwise")
	fs.DurationVar(&f.wait, "wait", 10*time.Minute, "how long a rollout may take")
	fs.DurationVar(&f.timeout, "timeout", 0, "how long the whole run may take")
	fs.BoolVar(&f.plain, "plain", false, "plain lines: no full screen, for screen readers and dumb terminals")
	fs.BoolVar(&f.noColor, "no-color", false, "no colours (also NO_COLOR)")
	fs.StringVarP(output, "output", "o", "text", "`FORMAT` of the result on stdout: text or json")
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
	if problems := a.give(s, f); len(problems) > 0 {
		return wrongAnswers(append(problems, others(ctx, s, problems)...))
	}
	if err := s.Load(); err != nil {
		return loadError(err)
	}
	if f.edit != "" && !slices.Contains(s.Input().Draft.Target.Values, f.edit) {
		return usage("--edit %q is not one of the values files", f.edit).hinted("give it with -f too")
	}
	interactive := term.IsTerminal(int(a.In.Fd())) && term.IsTerminal(int(a.Err.Fd())) && !f.yes && !f.dryRun
	end, err := a.drive(ctx, s, f, interactive)
	if saved := a.save(s, f); err == nil {
		err = saved
	}
	return a.finish(s, end, err, interactive)
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
	return slices.DeleteFunc(s.Problems(), func(p answers.Problem) bool {
		return slices.ContainsFunc(told, func(t answers.Problem) bool { return t.Key == p.Key })
	})
}

func (f *flags) check(output string) error {
	if output != "text" && output != "json" {
		return usage("-o %q: must be text or json", output)
	}
	for _, id := range f.accept {
		if !slices.ContainsFunc(steps.CheckDocs(), func(d steps.CheckDoc) bool { return d.ID == id }) {
			return usage("--accept %q: there is no such check", id).hinted("backstage-setup explain lists them")
		}
	}
	if f.restart != "auto" && f.restart != "never" {
		return usage("--restart %q: must be auto or never", f.restart)
	}
	if f.offline && (f.context != "" || f.kubeconfig != "") {
		return usage("--offline contacts no cluster, so --context and --kubeconfig have no place beside it")
	}
	return nil
}

// session opens the cluster, which contacts nothing yet, and starts a Session.
func (a *app) session(flow steps.Flow, f *flags) (*wizard.Session, error) {
	settings := wizard.Settings{
		Offline: f.offline, Edit: f.edit, Place: f.place, Accept: f.accept, Backup: f.backup,
		Restart: f.restart == "auto", Wait: f.wait, DryRun: f.dryRun, Yes: f.yes,
	}
	env := &steps.Env{Secrets: secret.Source{LookupEnv: a.LookupEnv}, Offline: f.offline}
	env.RegistryConfig, _ = a.LookupEnv("HELM_REGISTRY_CONFIG")
	if !f.offline {
		options := k8s.Options{Kubeconfig: f.kubeconfig, Context: f.context}
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

// offer is one answer on its way to the session.
type offer struct {
	answers.Entry
	rank answers.Rank
}

// give hands answers files, --set and flags to the session, in this order; every
// wrong one is in the result. What a later one replaces is not looked at: the
// reference of a base file need not lead anywhere under an overlay.
func (a *app) give(s *wizard.Session, f *flags) answers.Problems {
	offers, problems := a.offers(f)
	for i, o := range offers {
		if slices.ContainsFunc(offers[i+1:], func(later offer) bool { return later.Key == o.Key }) {
			continue
		}
		notes, err := s.Give(o.Key, o.Value, o.rank, o.Where)
		for _, note := range notes {
			fmt.Fprintf(a.err, "note: %s: %s\n", o.Key, note)
		}
		if err != nil {
			problems = append(problems, answers.Problem{Key: o.Key, Where: o.Where, Message: err.Error()})
		}
	}
	return problems
}

func (a *app) offers(f *flags) ([]offer, answers.Problems) {
	var offers []offer
	var problems answers.Problems
	for _, name := range f.answers {
		entries, err := a.readAnswers(name)
		var wrong answers.Problems
		if errors.As(err, &wrong) {
			problems = append(problems, wrong...)
		} else if err != nil {
			problems = append(problems, answers.Problem{Where: name, Message: err.Error()})
		}
		for _, e := range entries {
			offers = append(offers, offer{e, answers.FromAnswers})
		}
	}
	for _, assignment := range f.set {
		key, value, problem := parseSet(assignment)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		offers = append(offers, offer{answers.Entry{Key: key, Value: value}, answers.FromSet})
	}
	for key, text := range map[answers.Key]string{
		"target.context": f.context, "target.namespace": f.namespace, "target.release": f.release, "chart": f.chart,
		"secret.name": f.secretName, "secret.delivery": f.delivery, "secret.manifest": f.secretOut,
	} {
		if text != "" {
			offers = append(offers, offer{answers.Entry{Key: key, Value: text}, answers.FromFlag})
		}
	}
	if len(f.values) > 0 {
		offers = append(offers, offer{answers.Entry{Key: "target.values", Value: f.values}, answers.FromFlag})
	}
	return offers, problems
}

func (a *app) readAnswers(name string) ([]answers.Entry, error) {
	if name == "-" {
		src, err := io.ReadAll(io.LimitReader(a.In, 1<<20))
		if err != nil {
			return nil, err
		}
		return answers.Decode("stdin", src)
	}
	snapshot, err := file.Read(name)
	if err != nil {
		return nil, err
	}
	if !snapshot.Exists {
		return nil, fmt.Errorf("there is no such file")
	}
	return answers.Decode(filepath.Base(name), snapshot.Bytes)
}

// parseSet reads KEY=VALUE by the rules of the key's question.
func parseSet(assignment string) (answers.Key, any, *answers.Problem) {
	name, text, ok := strings.Cut(assignment, "=")
	key := answers.Key(strings.TrimSpace(name))
	_, q, known := steps.Catalog().Find(key)
	switch {
	case !ok:
		return key, nil, &answers.Problem{Message: "--set must be KEY=VALUE, such as --set portal.baseUrl=https://console.example.com"}
	case !known:
		message := "is not an answers key; `backstage-setup explain` lists them"
		if near := answers.Near(string(key)); near != "" {
			message = fmt.Sprintf("is not an answers key; did you mean %s?", near)
		}
		return key, nil, &answers.Problem{Key: key, Message: message}
	}
	value, err := q.Value.Parse(text)
	if err != nil {
		return key, nil, &answers.Problem{Key: key, Message: err.Error()}
	}
	return key, value, nil
}

// drive runs the driver that suits the terminal.
func (a *app) drive(ctx context.Context, s *wizard.Session, f *flags, interactive bool) (wizard.End, error) {
	if !interactive {
		ended, stop := a.signalled()
		defer stop()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-ended:
				cancel()
			case <-ctx.Done():
			}
		}()
		if a.output == "text" {
			fmt.Fprintln(a.err, s.Where())
		}
		return wizard.Headless(ctx, s, func(e apply.Event) { a.tell(e) })
	}
	ended, stop := a.signalled()
	defer stop()
	t := wizard.Terminal{In: a.In, Out: a.Err, Environ: a.Environ, NoColor: f.noColor, SaveDraft: a.saveDraft, Signals: ended}
	if a.wantsLines(f) {
		return wizard.Lines(ctx, s, t)
	}
	return a.fullScreen(ctx, s, t)
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
		fmt.Fprintf(a.err, "  %s\n", e.Text)
	case apply.Done:
		fmt.Fprintf(a.err, "✓ %s\n", e.Title)
	case apply.Failed:
		fmt.Fprintf(a.err, "✗ %s: %s\n", e.Title, e.Text)
	case apply.Undone:
		fmt.Fprintf(a.err, "↩ undone: %s\n", e.Title)
	}
}
