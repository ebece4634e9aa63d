package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/openchoreo/backstage-setup"

// room is a package of ours: what else of ours it may know, and why no more.
type room struct {
	may []string
	why string
}

// rooms are the import arrows of docs/architecture.md. A package that is not
// here has no place yet: give it one, with a reason.
var rooms = map[string]room{
	"":                                     {[]string{"internal/cli"}, "main wires streams, signals and exit code; it knows no rule about the portal"},
	"internal/cli":                         {[]string{"wizard", "steps", "k8s", "templates", "internal/answers", "internal/apply", "internal/chart", "internal/check", "internal/debuglog", "internal/file", "internal/plan", "internal/secret", "internal/values"}, "commands and flags hand values through; no provider and no database is spoken to from here"},
	"wizard":                               {[]string{"steps", "k8s", "templates", "internal/answers", "internal/apply", "internal/chart", "internal/check", "internal/plan", "internal/secret"}, "the Session and its drivers: no HTTP, no SQL, no file of the operator's"},
	"steps":                                {[]string{"k8s", "templates", "internal/answers", "internal/cause", "internal/chart", "internal/check", "internal/file", "internal/idp", "internal/openbao", "internal/plan", "internal/postgres", "internal/secret", "internal/values"}, "what is asked, checked and planned, never how it looks or how it is carried out"},
	"internal/plan":                        {[]string{"k8s", "templates", "internal/answers", "internal/chart", "internal/file", "internal/secret", "internal/values"}, "a plan is pure: it knows no step, no action's execution, no server but through plain types"},
	"internal/apply":                       {[]string{"k8s", "internal/cause", "internal/chart", "internal/file", "internal/openbao", "internal/plan", "internal/secret", "internal/values"}, "carrying out knows no question and no terminal; what the logs of a roll-out that fails mean belongs to its failure"},
	"internal/answers":                     {[]string{"internal/secret"}, "what the operator wants is plain data: no Kubernetes, no Helm paths, no terminal"},
	"internal/chart":                       {[]string{"templates"}, "a chart answers questions about itself: no cluster, no step"},
	"internal/chart/charttest":             {[]string{"templates"}, "a chart for tests"},
	"internal/cause":                       {nil, "reads lines of logs and nothing else: no cluster, no answers, no step, no printing"},
	"internal/check":                       {nil, "the engine does not know what is checked"},
	"internal/debuglog":                    {[]string{"internal/secret"}, "sees requests and records go by; no meaning of any"},
	"internal/file":                        {nil, "bytes and file systems, no YAML"},
	"internal/secret":                      {nil, "everything may use it, so it may use nothing"},
	"internal/values":                      {[]string{"internal/secret"}, "edits YAML that people own; it knows no meaning of a path"},
	"internal/verdict":                     {[]string{"internal/secret"}, "words fit to be shown; no server, no step"},
	"internal/idp":                         {[]string{"internal/secret", "internal/verdict"}, "speaks OAuth over a given client; no step, no printing"},
	"internal/idp/idptest":                 {nil, "a provider for tests; knows nothing of the program"},
	"internal/postgres":                    {[]string{"internal/secret", "internal/verdict"}, "one probe of a database; no step, no printing"},
	"internal/postgres/pgtest":             {nil, "starts servers for tests; knows nothing of the client"},
	"internal/openbao":                     {[]string{"internal/secret"}, "KV version 2 over a given client; no ExternalSecret, no step"},
	"internal/openbao/baotest":             {nil, "a server for tests; knows nothing of the client"},
	"k8s":                                  {[]string{"internal/secret"}, "the cluster as plain types: no step, no plan, no wizard"},
	"templates":                            {nil, "data that everything reads must depend on nothing of ours"},
	"internal/testcluster":                 {nil, "starts servers for tests; knows nothing of the program"},
	"internal/testcluster/estest":          {[]string{"internal/testcluster"}, "the controller of External Secrets for tests; knows nothing of the program"},
	"internal/testcluster/cmd/testcluster": {[]string{"internal/testcluster"}, "the same by hand"},
	"internal/terminaltest":                {nil, "a terminal for tests; knows nothing of the program"},
	"internal/e2e":                         {nil, "tests alone"},
	"internal/e2e/broken":                  {nil, "tests alone"},
	"internal/deps":                        {nil, "names libraries for go.mod"},
	"internal/docs":                        {[]string{"steps", "templates", "internal/answers", "internal/terminaltest"}, "writes documentation from what the program declares"},
}

// beside are tests and tools: no part of the program, which must not import them.
var beside = []string{"internal/testcluster", "internal/testcluster/cmd/testcluster", "internal/testcluster/estest", "internal/terminaltest", "internal/chart/charttest", "internal/openbao/baotest", "internal/postgres/pgtest", "internal/idp/idptest", "internal/e2e", "internal/e2e/broken", "internal/deps", "internal/docs"}

// library is a dependency: the production packages that may import it, and why
// no others. The longest prefix counts.
type library struct {
	prefix string
	only   []string
	why    string
}

var libraries = []library{
	{"charm.land/", []string{"wizard"}, "the look is in one place"},
	{"github.com/charmbracelet/", []string{"wizard"}, "the look is in one place"},
	{"github.com/mattn/go-runewidth", []string{"wizard"}, "the look is in one place"},
	{"k8s.io/client-go", []string{"k8s"}, "clusters are spoken to from one place, and the rest gets plain types"},
	{"k8s.io/api/", []string{"k8s"}, "the rest gets plain types"},
	{"k8s.io/apimachinery", []string{"k8s"}, "the rest gets plain types"},
	{"k8s.io/apimachinery/pkg/api/resource", []string{"k8s", "steps"}, "quantities are parsed as the API server does"},
	{"k8s.io/apimachinery/pkg/util/validation", []string{"k8s", "steps"}, "names are checked as the API server does"},
	{"k8s.io/streaming", []string{"k8s"}, "port-forwards are where client-go is"},
	{"k8s.io/klog", []string{"k8s"}, "client-go's log is silenced where client-go is"},
	{"github.com/go-logr/logr", []string{"k8s"}, "client-go's log is silenced where client-go is"},
	{"helm.sh/helm", []string{"internal/chart"}, "charts are read in one place"},
	{"github.com/santhosh-tekuri/jsonschema", []string{"internal/chart"}, "only a chart's schema is validated against"},
	{"golang.org/x/text", []string{"internal/chart"}, "the words of the schema validator's errors"},
	{"github.com/jackc/pgx", []string{"internal/postgres"}, "PostgreSQL is spoken to in one place"},
	{"github.com/golang-jwt/jwt", []string{"internal/idp"}, "tokens are read in one place"},
	{"golang.org/x/crypto", []string{"internal/idp", "internal/postgres"}, "the trust stores of what is spoken to"},
	{"github.com/spf13/", []string{"internal/cli"}, "commands and flags are in one place"},
	{"github.com/muesli/mango-cobra", []string{"internal/cli"}, "the manual page is made from the commands"},
	{"golang.org/x/term", []string{"internal/cli", "wizard"}, "nobody else has to do with a terminal"},
	{"golang.org/x/sys", []string{"internal/cli", "internal/file", "internal/secret", "wizard"}, "what only a system call can do: terminals and files"},
	{"golang.org/x/net/http/httpproxy", []string{"internal/cli"}, "which proxy the environment names"},
	{"golang.org/x/net/publicsuffix", []string{"steps"}, "which domain is registrable"},
	{"go.yaml.in/yaml", []string{"internal/answers", "internal/values", "internal/chart"}, "places of YAML nodes: edits, and problems with their line"},
	{"sigs.k8s.io/yaml", []string{"internal/values", "internal/plan", "steps", "k8s", "internal/cli"}, "YAML as Kubernetes reads it"},
	{"github.com/rogpeppe/go-internal/diff", []string{"internal/plan"}, "the diff of the review"},
}

type pkg struct {
	ImportPath, Name, Dir string
	GoFiles, Imports      []string
}

// TestImports holds the arrows between our packages, and where each library may
// be used.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		path := ours(p.ImportPath)
		r, known := rooms[path]
		if !known {
			t.Errorf("%s is in no room: add it to the table with what it may know, and why", path)
			continue
		}
		for _, imported := range p.Imports {
			switch {
			case strings.HasPrefix(imported, module):
				if to := ours(imported); !slices.Contains(r.may, to) {
					t.Errorf("%s imports %s: %s", name(path), to, r.why)
				}
			case strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") && !slices.Contains(beside, path):
				if l, ok := libraryOf(imported); !ok {
					t.Errorf("%s imports %s, which is in no table: a new dependency gets a line here and in docs/decisions.md", name(path), imported)
				} else if !slices.Contains(l.only, path) {
					t.Errorf("%s imports %s, which is for %s: %s", name(path), imported, strings.Join(l.only, ", "), l.why)
				}
			}
		}
	}
}

// TestNames keeps out packages that are named after nothing.
func TestNames(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "base"}, p.Name) {
			t.Errorf("package %s: a name is a standard word of the field", p.ImportPath)
		}
	}
}

// TestOnlyMainTouchesTheProcess: everything else gets its streams and variables
// handed in, so that a test can be its surroundings.
func TestOnlyMainTouchesTheProcess(t *testing.T) {
	process := map[string][]string{
		"os":  {"Exit", "Stdin", "Stdout", "Stderr", "Args", "Getenv", "LookupEnv", "Environ", "Setenv", "ExpandEnv"},
		"fmt": {"Print", "Printf", "Println"},
	}
	for _, p := range packages(t) {
		if ours(p.ImportPath) == "" || slices.Contains(beside, ours(p.ImportPath)) {
			continue
		}
		for _, file := range p.GoFiles {
			files := token.NewFileSet()
			syntax, err := parser.ParseFile(files, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(syntax, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if of, ok := s.X.(*ast.Ident); ok && slices.Contains(process[of.Name], s.Sel.Name) {
						t.Errorf("%s: %s.%s is for main alone", files.Position(n.Pos()), of.Name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// TestRoomsAgree makes sure that the tables themselves leave test code out of
// the program and have no circle.
func TestRoomsAgree(t *testing.T) {
	for from, r := range rooms {
		if r.why == "" {
			t.Errorf("%s: wants a reason", from)
		}
		for _, to := range r.may {
			if slices.Contains(beside, to) && !slices.Contains(beside, from) {
				t.Errorf("%s may import %s, which is no part of the program", name(from), to)
			}
			if reaches(to, from) {
				t.Errorf("%s and %s may import each other", name(from), to)
			}
		}
	}
}

func reaches(from, to string) bool {
	return slices.ContainsFunc(rooms[from].may, func(next string) bool { return next == to || reaches(next, to) })
}

func libraryOf(path string) (library, bool) {
	best, found := library{}, false
	for _, l := range libraries {
		if strings.HasPrefix(path, l.prefix) && len(l.prefix) >= len(best.prefix) {
			best, found = l, true
		}
	}
	return best, found
}

func ours(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }

func name(path string) string {
	if path == "" {
		return "main"
	}
	return path
}

// packages asks the go command for every package and what its production code
// imports.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("go list found only %d packages", len(list))
	}
	return list
}
