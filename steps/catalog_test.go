package steps

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// contractKeys reads the keys of the contract's answers table; a key that starts
// with a dot stands beside the last one written in full.
func contractKeys(t *testing.T) []answers.Key {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "contract.md"))
	if err != nil {
		t.Skipf("the contract is not here: %v", err)
	}
	_, section, _ := strings.Cut(string(data), "\n## Answers file\n")
	section, _, _ = strings.Cut(section, "\n## ")
	token := regexp.MustCompile("`([^`]+)`")
	var keys []answers.Key
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		parent := ""
		for _, match := range token.FindAllStringSubmatch(cells[1], -1) {
			key := match[1]
			if strings.HasPrefix(key, ".") {
				key = parent + key
			} else {
				parent = ""
				if i := strings.LastIndexByte(key, '.'); i >= 0 {
					parent = key[:i]
				}
			}
			keys = append(keys, answers.Key(key))
		}
	}
	if len(keys) < 90 {
		t.Fatalf("only %d keys found in the contract's table", len(keys))
	}
	return keys
}

func TestCatalogIsTheTableOfTheContract(t *testing.T) {
	contract := contractKeys(t)
	for _, key := range contract {
		if _, _, ok := Catalog().Find(key); !ok {
			t.Errorf("%s is in the contract, but no step asks for it", key)
		}
	}
	for _, key := range catalogKeys() {
		// What came to the answers after the table was written.
		later := []answers.Key{"database.postgresql.trustCA", "database.postgresql.verify", "database.postgresql.layout", "database.sqlite.keepVolume"}
		if !slices.Contains(contract, key) && !slices.Contains(later, key) {
			t.Errorf("%s is asked for, but is not in the contract", key)
		}
	}
}

func catalogKeys() []answers.Key {
	var keys []answers.Key
	for _, s := range Catalog().Steps {
		for _, q := range s.Questions {
			keys = append(keys, q.Key)
		}
	}
	return keys
}

func TestEveryKeyHasOneQuestion(t *testing.T) {
	asked := map[answers.Key]int{}
	for _, key := range catalogKeys() {
		asked[key]++
	}
	for _, key := range answers.Keys() {
		if asked[key] != 1 {
			t.Errorf("%s: %d questions, want 1", key, asked[key])
		}
		delete(asked, key)
	}
	for key := range asked {
		t.Errorf("%s: a question for a key that Answers has not", key)
	}
}

func TestEveryQuestionSaysWhatItIs(t *testing.T) {
	known := knownCharts()
	for _, s := range Catalog().Steps {
		if s.ID == "" || s.Title == "" || !strings.HasSuffix(s.Intro, ".") {
			t.Errorf("step %s: wants an id, a title and an intro that ends with a period: %q", s.ID, s.Intro)
		}
		for _, q := range s.Questions {
			for _, problem := range lint(known, q) {
				t.Errorf("%s: %s", q.Key, problem)
			}
		}
	}
}

func lint(known charts, q Question) []string {
	var problems []string
	add := func(wrong bool, text string) {
		if wrong {
			problems = append(problems, text)
		}
	}
	kind, ok := answers.KindOf(q.Key)
	add(!ok || kind != q.Value.Kind, "its value has another kind than the key")
	add(q.Title == "" || len(q.Title) > 40, "wants a title of at most 40 signs")
	add(!strings.HasSuffix(q.Why, ".") || strings.HasPrefix(q.Why, " "), "its why must be sentences")
	add(q.Example == "" && len(q.Options) == 0 && q.Value.Kind != answers.Bool, "wants an example or options")
	add(q.Value.Kind == answers.Bool && len(q.Options) > 0, "a yes or no has no options")
	add(q.When.Holds != nil && q.When.Text == "", "its When says nothing")
	add(q.Required.Holds != nil && q.Required.Text == "", "its Required says nothing")
	add(templates.Since(string(q.Key)) == "", "no chart has it")
	if q.Example != "" {
		_, err := q.Value.Parse(q.Example)
		add(err != nil, "its example is refused: "+errorText(err))
	}
	var seen []string
	for _, o := range q.Options {
		add(slices.Contains(seen, o.Value) || o.Value == "" || o.Title == "", "every option wants a title and a value of its own")
		add(q.Check(o.Value) != nil, "its option "+o.Value+" is refused")
		seen = append(seen, o.Value)
	}
	answerable := q.Required.Holds != nil || len(known.answerDefaults(q)) > 0 || q.Value.Kind == answers.Hidden
	add(!answerable, "nothing settles it: wants a default, in the chart or in words, or a Required")
	return problems
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestLintFindsABareQuestion(t *testing.T) {
	bare := Question{Key: "portal.baseUrl", Value: boolValue, Why: "no period", Required: Condition{Holds: always.Holds}}
	if got := lint(knownCharts(), bare); len(got) < 4 {
		t.Errorf("only %q", got)
	}
}

// everywhere is an input of a cluster that has something to say to every check.
func everywhere() plan.Input {
	profile, version := templates.Newest()
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version)}
	in.Current = plan.Current{Known: true, Upgrade: true, Files: []plan.ValuesFile{{Path: "backstage-values.yaml"}}, Target: k8s.Target{Server: "https://127.0.0.1"}}
	set(&in, "portal.baseUrl", "https://console.example.com", answers.Source{Rank: answers.FromSet})
	return Catalog().Complete(in)
}

func TestEveryCheckIsExplained(t *testing.T) {
	// There when --accept has lifted a rule, an ExternalSecret makes the Secret, or security is off.
	rules := []string{"gateway.tls", "secret.store", "security.authentication", "security.authorization"}
	docs := CheckDocs()
	explained := make([]string, len(docs))
	for i, d := range docs {
		explained[i] = d.ID
		if d.Title == "" || !strings.HasSuffix(d.Meaning, ".") || !strings.HasSuffix(d.Do, ".") {
			t.Errorf("%s: wants a title and sentences", d.ID)
		}
	}
	found := rules
	env := &Env{Helm: func(context.Context) (*chart.Helm, error) { return nil, nil }, Provider: &Provider{}, Postgres: NewPostgres(PostgresOptions{})}
	in := everywhere()
	onServer := in
	onServer.Draft = in.Draft.Clone()
	set(&onServer, "database.type", "postgresql", answers.Source{Rank: answers.FromSet})
	onVolume := in
	onVolume.Draft = in.Draft.Clone()
	set(&onVolume, "database.sqlite.persistence", true, answers.Source{Rank: answers.FromSet})
	onVolume.Current.Cluster.Claim.Exists = true
	unverified := onServer
	unverified.Draft = onServer.Draft.Clone()
	set(&unverified, "database.postgresql.ssl", true, answers.Source{Rank: answers.FromSet})
	set(&unverified, "database.postgresql.verify", false, answers.Source{Rank: answers.FromSet})
	examined := in
	examined.Current.Cluster.Thunder.Installed = true
	examined.Current.Against = []plan.ValuesFile{{}}
	examined.Draft = in.Draft.Clone()
	set(&examined, "identity.provider", "thunder", answers.Source{Rank: answers.FromSet})
	back := in
	back.Current.Journal = &plan.Journal{Set: []string{"client-secret"}, Old: map[string]secret.Text{"client-secret": secret.New("an-old-value")}}
	back.Draft = in.Draft.Clone()
	set(&back, "client.id", "portal", answers.Source{Rank: answers.FromSet})
	for _, c := range slices.Concat(Undo().Checks(env, back), Catalog().Checks(env, in), databaseChecks(env, onServer), databaseChecks(env, unverified), databaseChecks(env, onVolume), Database().Checks(env, in), Rotate().Checks(env, in), Check().Checks(env, examined)) {
		found = append(found, c.ID)
		if !slices.Contains(explained, c.ID) {
			t.Errorf("check %s is not in CheckDocs", c.ID)
		}
	}
	for _, id := range explained {
		if !slices.Contains(found, id) {
			t.Errorf("%s is explained, but no step checks it", id)
		}
	}
}

func TestEveryVariableAndSecretKeyIsExplained(t *testing.T) {
	entries := Entries()
	for _, p := range templates.Profiles() {
		for _, v := range p.Env {
			wantEntry(t, entries, VariableEntry, v.Name)
		}
		for _, sk := range p.SecretKeys {
			wantEntry(t, entries, SecretEntry, sk.Name)
		}
		for path := range p.Defaults {
			wantEntry(t, entries, HelmEntry, path)
		}
		for path := range p.Moved {
			wantEntry(t, entries, HelmEntry, path)
		}
	}
}

func wantEntry(t *testing.T, entries []Entry, kind, name string) {
	t.Helper()
	for _, e := range entries {
		if e.Kind == kind && e.Name == name && strings.HasSuffix(e.Meaning, ".") && e.Group != "" {
			return
		}
	}
	t.Errorf("%s %s is not explained", kind, name)
}

func TestExplainFindsWhatIsMeant(t *testing.T) {
	for word, want := range map[string][]string{
		"portal.baseUrl":      {"portal.baseUrl"},
		"PORTAL.baseurl":      {"portal.baseUrl"},
		"gateway.tls.enabled": {"gateway.tls.enabled", "gateway.tls.enabled"},
		"log_level":           {"LOG_LEVEL"},
		"scaling.limits":      {"scaling.limits.cpu", "scaling.limits.memory"},
		"scaling.lim":         nil,
		"":                    nil,
	} {
		var got []string
		for _, e := range Explain(word) {
			got = append(got, e.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Explain(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("portal.baseUlr"); len(got) == 0 || got[0] != "portal.baseUrl" {
		t.Errorf("Nearest = %q", got)
	}
	if got := Nearest("baseurl"); len(got) != 3 || !slices.Contains(got, "portal.baseUrl") {
		t.Errorf("Nearest = %q", got)
	}
}

func TestDefaultsThatDifferBetweenChartsAreToldApart(t *testing.T) {
	k := knownCharts()
	got := k.chartDefaults(func(p templates.Profile) (any, bool) { return p.Kubernetes, true })
	want := []Default{{"charts 1.0.0 to 1.1.6", "1.32"}, {"charts 1.2.0 to 1.2.3", "1.34"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	one := k.chartDefaults(func(p templates.Profile) (any, bool) { return 1, p.Name == "1.2.x" })
	if !slices.Equal(one, []Default{{"chart", "1"}}) {
		t.Errorf("%v", one)
	}
}

func TestWrapNeverBreaksAWord(t *testing.T) {
	text := "see https://console.example.com/a/very/long/path and go on"
	if got := Wrap(text, 20); !slices.Equal(got, []string{"see", "https://console.example.com/a/very/long/path", "and go on"}) {
		t.Errorf("%q", got)
	}
	if got := Wrap("", 20); got != nil {
		t.Errorf("%q", got)
	}
}
