package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

func (a *app) explainCommand() *cobra.Command {
	var chart string
	cmd := &cobra.Command{
		Use:   "explain [WHAT]",
		Short: "say what a setting, variable, key or check means",
		Long: `WHAT is an answers key, a Helm path, an environment variable of the portal's
container, a key of the Secret, a check's id, the code of what it found or an
identity provider, such as keycloak; the beginning of several, such as
database.postgresql, lists them. Without WHAT everything is listed.`,
		Example: `  backstage-setup explain portal.baseUrl
  backstage-setup explain BACKSTAGE_BASE_URL
  backstage-setup explain secret.owner
  backstage-setup explain keycloak
  backstage-setup explain backstage.affinity --chart 1.1.6`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return steps.Words(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.explain(strings.Join(args, ""), chart)
		},
	}
	cmd.Flags().StringVar(&chart, "chart", "", "`VERSION`, directory or .tgz archive: its own words and defaults")
	a.outputFlag(cmd)
	return cmd
}

func (a *app) explain(word, chart string) error {
	if err := a.checkOutput(); err != nil {
		return err
	}
	entries := steps.Entries()
	list := word == ""
	if !list {
		entries = steps.Explain(word)
	}
	if chart != "" && !list {
		var err error
		if entries, err = (&steps.Env{}).ExplainIn(word, chart); err != nil {
			return usage("--chart %q: %v", chart, err)
		}
	}
	if len(entries) == 0 {
		return unknownWord(word)
	}
	if a.output == "json" {
		return wizard.WriteJSON(a.out, entries)
	}
	if list || entries[0].Name != word && len(entries) > 1 {
		return writeLines(a.out, entryList(entries, a.width()))
	}
	var lines []string
	for i, e := range entries {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, entryText(e, a.width())...)
	}
	return writeLines(a.out, lines)
}

func unknownWord(word string) error {
	near := steps.Nearest(word)
	if len(near) == 0 {
		return usage("%q is no key, value, variable or check that can be explained", word).hinted("backstage-setup explain")
	}
	return usage("%q is no key, value, variable or check that can be explained; did you mean %s?", word, either(near)).hinted("backstage-setup explain %s", near[0])
}

// either joins words as a question does.
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

var entryKinds = map[string]string{
	steps.AnswerEntry: "answers key", steps.HelmEntry: "Helm value", steps.VariableEntry: "environment variable of the portal",
	steps.SecretEntry: "key of the Secret", steps.CheckEntry: "check", steps.VerdictEntry: "code of a check",
	steps.ProviderEntry: "identity provider", steps.TopicEntry: "topic",
}

// entryText is everything about one entry.
func entryText(e steps.Entry, width int) []string {
	head := e.Name + " (" + entryKinds[e.Kind] + ")"
	if e.Title != "" {
		head += ": " + e.Title
	}
	lines := steps.Wrap(head, width)
	lines = append(lines, indented(2, e.Meaning, width)...)
	if e.Schema != "" {
		lines = append(lines, indented(2, "The chart says: "+e.Schema, width)...)
	}
	var fields [][2]string
	add := func(label, text string) {
		if text != "" {
			fields = append(fields, [2]string{label, text})
		}
	}
	add("Type", e.Type)
	add("Example", e.Example)
	for i, c := range e.Values {
		add(label(i, "Values"), strings.TrimSuffix(c.Value+": "+c.Note, ": "))
	}
	for i, d := range e.Defaults {
		text := d.Value
		if d.For != "" {
			text += " (" + d.For + ")"
		}
		add(label(i, "Default"), text)
	}
	for i, p := range e.ComesFrom {
		add(label(i, "Comes from"), placeText(p))
	}
	for i, p := range e.GoesTo {
		add(label(i, "Goes to"), placeText(p))
	}
	for i, name := range e.Variables {
		add(label(i, "Variable"), name)
	}
	add("Charts", e.Charts)
	if e.Only != "always" {
		add("Counts", prefixed("only ", e.Only))
	}
	add("Required", e.Required)
	add("What to do", e.Do)
	for _, section := range e.Sections {
		for i, line := range section.Lines {
			add(label(i, section.Title), line)
		}
	}
	if len(fields) > 0 {
		lines = append(lines, "")
	}
	return append(lines, columns(2, 12, fields, width)...)
}

// label is said once for several values.
func label(i int, text string) string {
	if i > 0 {
		return ""
	}
	return text
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func placeText(p steps.Place) string {
	switch p.Kind {
	case steps.AnswerEntry:
		return "answers key " + p.Name
	case steps.HelmEntry:
		return "Helm value " + p.Name
	case steps.SecretEntry:
		return "key " + p.Name + " of the Secret"
	case "run":
		return "nothing in the chart: it " + p.Name
	}
	return p.Kind + " " + p.Name
}

// entryList is one line each, under the heading of their group.
func entryList(entries []steps.Entry, width int) []string {
	var lines []string
	group := ""
	for _, e := range entries {
		heading := e.Group
		if e.Kind == steps.AnswerEntry {
			heading = "Answers: " + e.Group
		}
		if heading != group {
			if group != "" {
				lines = append(lines, "")
			}
			lines = append(lines, heading)
			group = heading
		}
		lines = append(lines, oneLine(e, width))
	}
	return lines
}

const nameColumn = 34

func oneLine(e steps.Entry, width int) string {
	text := e.Title
	if text == "" {
		text, _, _ = strings.Cut(e.Meaning, ". ")
		text = strings.TrimSuffix(text, ".")
	}
	name := fmt.Sprintf("  %-*s  ", nameColumn, e.Name)
	return strings.TrimRight(name+shorten(text, width-len(name)), " ")
}

// shorten cuts text between words so that it fits; less than a word or two is
// not worth showing.
func shorten(text string, width int) string {
	if width < 16 {
		return ""
	}
	lines := steps.Wrap(text, width)
	if len(lines) < 2 {
		return text
	}
	return steps.Wrap(text, width-2)[0] + " …"
}
