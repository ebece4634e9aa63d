package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

// commands returns every command of the program, by its path.
func commands(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	a := &app{Process: Process{Args: []string{"backstage-setup"}, In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, scrub: &secret.Scrubber{}, output: "text"}
	root, err := a.root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		all[cmd.CommandPath()] = cmd
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return all
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	for path, cmd := range commands(t) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: wants a short text without a period, a long one and examples", path)
		}
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			if !strings.HasPrefix(line, "  ") || !strings.Contains(line, "backstage-setup") {
				t.Errorf("%s: an example is an indented command line: %q", path, line)
			}
		}
	}
}

func TestEveryFlagHasItsPlaceInHelp(t *testing.T) {
	seen := map[string]string{"help": "Output"}
	for _, g := range flagGroups {
		for _, name := range g.names {
			if other, twice := seen[name]; twice && name != "help" {
				t.Errorf("--%s is in %s and in %s", name, other, g.title)
			}
			seen[name] = g.title
		}
	}
	for path, cmd := range commands(t) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if seen[f.Name] == "" {
				t.Errorf("%s --%s is in no group of flagGroups", path, f.Name)
			}
		})
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	for path, cmd := range commands(t) {
		for _, line := range commandHelp(cmd, usual) {
			if len([]rune(line)) > usual {
				t.Errorf("%s --help: %d columns: %s", path, len([]rune(line)), line)
			}
		}
	}
	for _, top := range topics {
		for _, line := range top.text(usual) {
			if len([]rune(line)) > usual {
				t.Errorf("help %s: %s", top.name, line)
			}
		}
	}
}

func TestExplanationsFitTheTerminal(t *testing.T) {
	for _, width := range []int{usual, narrow} {
		for _, e := range steps.Entries() {
			for _, line := range entryText(e, width) {
				if fields := strings.Fields(line); len([]rune(line)) > width && longest(fields) < width-14 {
					t.Errorf("%s at %d: %d columns: %s", e.Name, width, len([]rune(line)), line)
				}
			}
		}
	}
	for _, line := range entryList(steps.Entries(), usual) {
		if len([]rune(line)) > usual && len(strings.Fields(line)) > 1 {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
}

func longest(words []string) int {
	n := 0
	for _, word := range words {
		n = max(n, len([]rune(word)))
	}
	return n
}

func TestOutputIsKnownBeforeFlagsAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"install --bogus -o json": "json", "install --output=json": "json", "install -ojson": "json",
		"install -o text": "text", "install -o": "text", "install json": "text",
	} {
		if got := outputOf(strings.Fields(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestTroffTakesNothingForItsOwn(t *testing.T) {
	got := escape(".hidden\n'quote\nback\\slash --flag")
	if want := "\\&.hidden\n\\&'quote\nback\\eslash \\-\\-flag"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestColumnsKeepLongNamesWhole(t *testing.T) {
	got := columns(2, 8, [][2]string{{"a", "one two three"}, {"longername", "text"}, {"b", ""}}, 18)
	want := []string{"  a       one two", "          three", "  longername", "          text", "  b"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
