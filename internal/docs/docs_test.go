package main

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

const root = "../.."

func TestFill(t *testing.T) {
	const text = "a\n<!-- generated: x, by make generate -->\nold\n<!-- end: x -->\nb\n"
	const want = "a\n<!-- generated: x, by make generate -->\n\nnew\n\n<!-- end: x -->\nb\n"
	for range 2 { // the second time changes nothing
		got, err := fill(text, map[string]string{"x": "new\n"})
		if err != nil || got != want {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	for _, broken := range []string{"", "<!-- generated: x, by make generate -->\n", strings.Replace(text, "end: x", "end: y", 1)} {
		if got, err := fill(broken, map[string]string{"x": "new\n"}); err == nil {
			t.Errorf("%q was filled: %q", broken, got)
		}
	}
}

func TestEveryAnswerIsInATable(t *testing.T) {
	table := tables(steps.Entries())["answers"]
	for _, key := range answers.Keys() {
		if !strings.Contains(table, "| `"+string(key)+"` |") {
			t.Errorf("no row for %s", key)
		}
	}
}

func TestEveryProviderIsInThePage(t *testing.T) {
	blocks := providers(steps.Entries())
	_, q, _ := steps.Catalog().Find("identity.provider")
	for _, o := range q.Options {
		if !strings.Contains(blocks["providers"], "### "+o.Title+"\n\n`identity.provider: "+o.Value+"`. ") {
			t.Errorf("no part about %s", o.Value)
		}
	}
	if strings.Contains(blocks["providers"], "<") || !strings.Contains(blocks["private-ca"], "NODE_EXTRA_CA_CERTS") {
		t.Error("HTML, or nothing about private authorities")
	}
}

func TestRowsKeepTheirCells(t *testing.T) {
	var b strings.Builder
	row(&b, "a|b", "c\nd", "<e>")
	if want := "| a\\|b | c d | &lt;e> |\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestPictureShowsWhatIsOnTheScreen(t *testing.T) {
	term := vt10x.New(vt10x.WithSize(12, 2))
	if _, err := term.Write([]byte("\x1b[1;38;2;1;2;3mbold\x1b[0m a<b\r\n  \x1b[7mR\x1b[0m \x1b[4;38;5;246mé\x1b[0m")); err != nil {
		t.Fatal(err)
	}
	got := string(svg(term, "a & b"))
	for _, want := range []string{
		`<title>a &amp; b</title>`,
		`<text x="16.0" y="29.5" textLength="33.6" lengthAdjust="spacingAndGlyphs" fill="#010203" font-weight="bold">bold</text>`,
		`>a&lt;b</text>`,
		`<rect x="32.8" y="34.0" width="8.4" height="18.0" fill="#d8dce2"/>`,
		`<text x="32.8" y="47.5" textLength="8.4" lengthAdjust="spacingAndGlyphs" fill="#16191f">R</text>`,
		`fill="#949494" text-decoration="underline">é</text>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s\n%s", want, got)
		}
	}
}

// pages are the Markdown files of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(names, filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	odd     = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments that GitHub gives the headings of a page.
func anchors(text string) []string {
	var list []string
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return list
}

func TestLinksLeadSomewhere(t *testing.T) {
	texts := pages(t)
	for name, text := range texts {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.Scheme != "" {
				continue // another site's
			}
			target := name
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(name), filepath.FromSlash(u.Path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if u.Fragment != "" && !slices.Contains(anchors(texts[target]), u.Fragment) {
				t.Errorf("%s: %s: that page has no such heading", name, m[1])
			}
		}
	}
}

var requirement = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`) // without "// indirect"

func TestEveryLibraryIsDecided(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	decisions := pages(t)[filepath.Join(root, "docs", "decisions.md")]
	modules := requirement.FindAllStringSubmatch(string(file), -1)
	if len(modules) < 10 {
		t.Fatalf("go.mod requires only %d modules: %v", len(modules), modules)
	}
	for _, m := range modules {
		if !strings.Contains(decisions, m[1]) {
			t.Errorf("docs/decisions.md does not say what %s is for", m[1])
		}
	}
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks are the fenced texts of a page in one language.
func blocks(text, language string) []string {
	var list []string
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	return list
}

func TestAnswersFilesInThePagesAreRight(t *testing.T) {
	seen := 0
	for name, text := range pages(t) {
		for _, block := range blocks(text, "yaml") {
			if !strings.HasPrefix(block, "# portal") {
				continue // values files and the like
			}
			seen++
			entries, err := answers.Decode(name, []byte(block))
			if err != nil {
				t.Errorf("%v", err)
			}
			for _, e := range entries {
				_, q, _ := steps.Catalog().Find(e.Key)
				if _, reference := e.Value.(secret.Value); reference {
					continue // the reader's own
				}
				if err := q.Check(e.Value); err != nil {
					t.Errorf("%s: %s: %v", e.Where, e.Key, err)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no page shows an answers file")
	}
}

var flag = regexp.MustCompile(`(^| )(--?[a-zA-Z][a-z-]*)`)

// TestCommandsInThePagesExist asks the program itself for the help of every
// command line that the pages show.
func TestCommandsInThePagesExist(t *testing.T) {
	program := filepath.Join(t.TempDir(), "backstage-setup")
	if out, err := exec.Command("go", "build", "-o", program, root).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	help := map[string]string{}
	for name, text := range pages(t) {
		for _, block := range blocks(text, "sh") {
			for line := range strings.Lines(block) {
				words, ok := command(line)
				if !ok {
					continue
				}
				path := strings.Join(words, " ")
				if help[path] == "" {
					out, err := exec.Command(program, append(words, "--help")...).CombinedOutput()
					var exit *exec.ExitError
					if errors.As(err, &exit) {
						t.Errorf("%s: %s --help: %v\n%s", name, path, err, out)
					} else if err != nil {
						t.Fatal(err)
					}
					help[path] = string(out)
				}
				if len(words) > 0 && !strings.Contains(help[path], "backstage-setup "+words[0]) {
					t.Errorf("%s: there is no command %s", name, words[0])
				}
				for _, f := range flag.FindAllStringSubmatch(line, -1) {
					if !strings.Contains(help[path], f[2]) {
						t.Errorf("%s: %s has no flag %s", name, path, f[2])
					}
				}
			}
		}
	}
	if len(help) < 2 {
		t.Errorf("the pages show hardly a command: %v", cmp.Diff(nil, help))
	}
}

// command returns the words before the first flag of a line that runs the
// program, without its name.
func command(line string) (words []string, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, " | ")
	line, _, _ = strings.Cut(line, " >")
	for _, name := range []string{"backstage-setup", "kubectl backstage-setup", "go run ."} {
		rest, found := strings.CutPrefix(strings.TrimSpace(line), name)
		if !found || (rest != "" && rest[0] != ' ') {
			continue
		}
		rest, _, _ = strings.Cut(rest, " -")
		return strings.Fields(rest), true
	}
	return nil, false
}
