package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

var shells = map[string]func(*cobra.Command, *app) error{
	"bash":       func(root *cobra.Command, a *app) error { return root.GenBashCompletionV2(a.out, true) },
	"zsh":        func(root *cobra.Command, a *app) error { return root.GenZshCompletion(a.out) },
	"fish":       func(root *cobra.Command, a *app) error { return root.GenFishCompletion(a.out, true) },
	"powershell": func(root *cobra.Command, a *app) error { return root.GenPowerShellCompletionWithDesc(a.out) },
}

var shellNames = []string{"bash", "zsh", "fish", "powershell"}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "completion SHELL", Short: "print the completion script of a shell",
		Long: "SHELL is bash, zsh, fish or powershell. Commands, flags, answers keys and their\nvalues, checks and everything that can be explained are completed.",
		Example: `  source <(backstage-setup completion bash)
  backstage-setup completion zsh > "${fpath[1]}/_backstage-setup"
  backstage-setup completion fish | source
  backstage-setup completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shellNames,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shellNames, args[0]) {
				return usage("completion: SHELL must be one of %s", strings.Join(shellNames, ", ")).hinted("backstage-setup completion bash")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd.Root(), a) },
	}
}

type completer = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// flagValues completes the values of flags; a flag that a command has not is
// passed over.
var flagValues = map[string]completer{
	"set":      completeSet,
	"accept":   words(checkWords),
	"delivery": words(func() []string { return optionWords("secret.delivery") }),
	"output":   words(func() []string { return []string{"text\tfor people", "json\tfor programs"} }),
	"restart": words(func() []string {
		return []string{"auto\twhen nothing else rolls the pods", "never\tleave the pods alone"}
	}),
	"on-failure": words(func() []string {
		return []string{"undo\tput everything back", "leave\tas it is, to look at it"}
	}),
	"chart":     completeChart,
	"release":   words(func() []string { return []string{"openchoreo-control-plane"} }),
	"namespace": words(func() []string { return []string{"openchoreo-control-plane"} }),
}

func words(of func() []string) completer {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return of(), cobra.ShellCompDirectiveNoFileComp
	}
}

func checkWords() []string {
	var list []string
	for _, d := range steps.CheckDocs() {
		list = append(list, d.ID+"\t"+d.Title)
	}
	return list
}

func optionWords(key answers.Key) []string {
	_, q, _ := steps.Catalog().Find(key)
	list := make([]string, len(q.Options))
	for i, o := range q.Options {
		list[i] = o.Value + "\t" + o.Title
	}
	return list
}

// completeSet completes KEY= and then the value, where the choices are known.
func completeSet(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	key, _, valued := strings.Cut(typed, "=")
	var list []string
	if !valued {
		for _, s := range steps.Catalog().Steps {
			for _, q := range s.Questions {
				list = append(list, string(q.Key)+"=\t"+q.Title)
			}
		}
		return list, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	values := optionWords(answers.Key(key))
	switch kind, _ := answers.KindOf(answers.Key(key)); kind {
	case answers.Bool:
		values = []string{"yes", "no"}
	case answers.Hidden:
		return []string{key + "=env:", key + "=file:", key + "=generate", key + "=keep"}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	for _, value := range values {
		list = append(list, key+"="+value)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeChart completes versions, and files and directories beside them.
func completeChart(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, p := range slices.Backward(templates.Profiles()) {
		for _, version := range slices.Backward(p.Versions) {
			list = append(list, version)
		}
	}
	return list, cobra.ShellCompDirectiveDefault
}

// complete registers the completions of a command and of those below it.
func complete(cmd *cobra.Command) error {
	for _, sub := range cmd.Commands() {
		if err := complete(sub); err != nil {
			return err
		}
	}
	for name, values := range flagValues {
		if cmd.Flags().Lookup(name) == nil {
			continue
		}
		if err := cmd.RegisterFlagCompletionFunc(name, values); err != nil {
			return err
		}
	}
	return nil
}
