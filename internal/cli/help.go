package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/steps"
)

// flagGroups say under which heading help shows a flag, and in which order.
var flagGroups = []struct {
	title string
	names []string
}{
	{"Answers", []string{"answers", "set", "save-answers", "from"}},
	{"Target", []string{"kubeconfig", "context", "namespace", "release", "chart", "offline"}},
	{"Files and Secret", []string{"values", "edit", "place", "backup", "secret-name", "delivery", "secret-out", "keep-previous", "history"}},
	{"Running", []string{"yes", "dry-run", "accept", "skip", "upgrade", "restart", "await", "wait", "prove-revoked", "on-failure", "undo", "timeout", "subject", "with-release", "with-cluster", "forward", "logins"}},
	{"Identity provider", []string{"ca-file", "probe", "user-token", "service-token", "jwks"}},
	{"PostgreSQL", []string{"trust-ca", "probe-job", "probe-result", "probe-create"}},
	{"Output", []string{"output", "plain", "no-color", "log", "log-file", "version", "help"}},
}

// public finishes the commands: help, completion, and words for wrong use.
func (a *app) public(root *cobra.Command) error {
	root.AddCommand(a.explainCommand(), a.answersCommand(), a.versionCommand(), a.completionCommand(), a.manCommand())
	root.SetHelpCommand(a.helpCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if err := writeLines(a.out, commandHelp(cmd, a.width())); err != nil {
			fmt.Fprintln(a.err, err)
		}
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return a.wrongFlag(cmd, err) })
	root.Args = noSuchCommand
	var shown bool
	root.Flags().BoolVar(&shown, "version", false, "print version, commit and the charts it knows")
	home := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if shown {
			return a.version()
		}
		return home(cmd, args)
	}
	if name := filepath.Base(a.Args[0]); strings.HasPrefix(name, "kubectl-") {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl backstage-setup"}
	}
	strict(root)
	return complete(root)
}

// outputFlag gives a command that is no flow its -o.
func (a *app) outputFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.output, "output", "o", "text", "`FORMAT` on stdout: text or json")
}

func (a *app) checkOutput() error {
	if a.output != "text" && a.output != "json" {
		return usage("-o %q: must be text or json", a.output)
	}
	return nil
}

// strict makes a wrong number of arguments a wrong use, of exit code 2.
func strict(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		if _, ours := err.(*exitError); ours {
			return err
		}
		if len(args) > 0 {
			return usage("%s: does not take %q", cmd.CommandPath(), args[len(args)-1]).hinted("%s --help", cmd.CommandPath())
		}
		return usage("%s: %v", cmd.CommandPath(), err).hinted("%s --help", cmd.CommandPath())
	}
}

// noSuchCommand is for commands that only have others below them.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(cmd *cobra.Command, typed string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if !cmd.HasParent() {
		for _, t := range topics {
			if typed == t.name {
				return usage("%q is a topic of help", typed).hinted("%s help %s", cmd.CommandPath(), typed)
			}
		}
		names = append(names, "help")
	}
	e := usage("%s: there is no command %q", cmd.CommandPath(), typed)
	if near := answers.Closest(typed, names); near != "" {
		e.message += fmt.Sprintf("; did you mean %s?", near)
		return e.hinted("%s %s", cmd.CommandPath(), near)
	}
	return e.hinted("%s --help", cmd.CommandPath())
}

// wrongFlag words what pflag says. What was asked for with -o is not known yet,
// since parsing ended early.
func (a *app) wrongFlag(cmd *cobra.Command, err error) error {
	a.output = outputOf(a.Args)
	if first := a.Args[1]; !cmd.HasParent() && cmd.HasSubCommands() && !strings.HasPrefix(first, "-") {
		return unknownCommand(cmd, first)
	}
	var none *pflag.NotExistError
	if !errors.As(err, &none) {
		return usage("%s: %v", cmd.CommandPath(), err).hinted("%s --help", cmd.CommandPath())
	}
	typed := none.GetSpecifiedName()
	if none.GetSpecifiedShortnames() != "" {
		return usage("%s: there is no flag -%s", cmd.CommandPath(), typed).hinted("%s --help", cmd.CommandPath())
	}
	e := usage("%s: there is no flag --%s", cmd.CommandPath(), typed)
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := answers.Closest(typed, names)
	switch _, _, key := steps.Catalog().Find(answers.Key(typed)); {
	case key:
		e.message += ", but an answers key of that name"
		return e.hinted("%s --set %s=VALUE", cmd.CommandPath(), typed)
	case near != "":
		e.message += fmt.Sprintf("; did you mean --%s?", near)
	}
	return e.hinted("%s --help", cmd.CommandPath())
}

func outputOf(args []string) string {
	for i, arg := range args {
		switch arg {
		case "-o", "--output":
			if i+1 < len(args) && args[i+1] == "json" {
				return "json"
			}
		case "-ojson", "-o=json", "--output=json":
			return "json"
		}
	}
	return "text"
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND | TOPIC]", Short: "help on a command or a topic",
		Long:    "Topics are exit-codes and environment.",
		Example: "  backstage-setup help install\n  backstage-setup help exit-codes",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var list []string
			for _, sub := range cmd.Root().Commands() {
				if sub.IsAvailableCommand() && len(args) == 0 {
					list = append(list, sub.Name()+"\t"+sub.Short)
				}
			}
			for _, t := range topics {
				if len(args) == 0 {
					list = append(list, t.name+"\t"+t.title)
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, t := range topics {
				if len(args) == 1 && t.name == args[0] {
					return writeLines(a.out, append([]string{t.title, ""}, t.text(a.width())...))
				}
			}
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return writeLines(a.out, commandHelp(found, a.width()))
		},
	}
}

// commandHelp is one command's help: what it does, examples, commands, flags.
func commandHelp(cmd *cobra.Command, width int) []string {
	lines := steps.Wrap(strings.ToUpper(cmd.Short[:1])+cmd.Short[1:]+".", width)
	if cmd.Long != "" {
		lines = append(append(lines, ""), paragraphs(cmd.Long, width)...)
	}
	lines = append(lines, "", "Usage", "  "+usageLine(cmd))
	if cmd.Example != "" {
		lines = append(lines, "", "Examples")
		lines = append(lines, strings.Split(cmd.Example, "\n")...)
	}
	var commands [][2]string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			commands = append(commands, [2]string{sub.Name(), sub.Short})
		}
	}
	if len(commands) > 0 {
		lines = append(append(lines, "", "Commands"), columns(2, 13, commands, width)...)
	}
	if !cmd.HasParent() {
		var rows [][2]string
		for _, t := range topics {
			rows = append(rows, [2]string{"help " + t.name, t.title})
		}
		lines = append(append(lines, "", "Topics"), columns(2, 18, rows, width)...)
	}
	lines = append(lines, flagHelp(cmd, width)...)
	if len(commands) > 0 {
		lines = append(append(lines, ""), steps.Wrap(cmd.CommandPath()+" COMMAND --help says more about a command.", width)...)
	}
	return lines
}

// paragraphs fills text anew for the width at hand; an empty line stays.
func paragraphs(text string, width int) []string {
	var lines []string
	for i, part := range strings.Split(text, "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, steps.Wrap(strings.ReplaceAll(part, "\n", " "), width)...)
	}
	return lines
}

func usageLine(cmd *cobra.Command) string {
	line := cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
	if cmd.HasAvailableSubCommands() {
		line += " COMMAND"
	}
	if cmd.HasAvailableLocalFlags() {
		line += " [flags]"
	}
	return line
}

// flagHelp are the flags by group; one that is in no group comes last.
func flagHelp(cmd *cobra.Command, width int) []string {
	var lines []string
	shown := map[string]bool{}
	show := func(title string, rows [][2]string) {
		if len(rows) > 0 {
			lines = append(append(lines, "", title), columns(2, 24, rows, width)...)
		}
	}
	for _, g := range flagGroups {
		var rows [][2]string
		for _, name := range g.names {
			if f := cmd.Flags().Lookup(name); f != nil && !f.Hidden {
				rows = append(rows, flagRow(f))
				shown[name] = true
			}
		}
		show(g.title, rows)
	}
	var rest [][2]string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !shown[f.Name] && !f.Hidden {
			rest = append(rest, flagRow(f))
		}
	})
	show("More", rest)
	return lines
}

func flagRow(f *pflag.Flag) [2]string {
	name, text := pflag.UnquoteUsage(f)
	flag := "    --" + f.Name
	if f.Shorthand != "" {
		flag = "-" + f.Shorthand + ", --" + f.Name
	}
	if name = strings.ToUpper(name); name != "" && f.Value.Type() != "bool" {
		flag += " " + name
	}
	if f.Name == "help" {
		text = "this text"
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0s" && !strings.Contains(text, "default") {
		text += " (default " + strings.TrimSuffix(f.DefValue, "0s") + ")"
	}
	return [2]string{flag, text}
}
