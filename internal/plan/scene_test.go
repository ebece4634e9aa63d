package plan

import (
	"encoding/base64"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

var updatePlans = flag.Bool("update-plans", false, "write the golden files of the plans anew")

// given is what an operator says, by key.
type given map[answers.Key]any

// scene is what a plan is made from: a few files, a Secret, some answers.
type scene struct {
	version  string   // of the chart; "" is the newest
	files    []string // contents in Helm's order, one.yaml, two.yaml, …; "" is not there
	edit     int      // which one is edited, from 1; 0 is the last
	said     given
	person   bool // said on the screen, not in an answers file
	found    k8s.Found
	manifest map[string]string // of an earlier run
	current  func(*Current)    // anything else
}

// typed is a secret as a person types it.
func typed(text string) secret.Value { return secret.Typed(secret.New(text)) }

// secretOf is the portal's Secret as it was read.
func secretOf(keys map[string]string) *k8s.Secret {
	s := &k8s.Secret{Namespace: "cp", Name: "backstage-secrets", ResourceVersion: "7", Keys: slices.Sorted(maps.Keys(keys)), Values: map[string]secret.Text{}}
	for name, value := range keys {
		s.Values[name] = secret.New(value)
	}
	return s
}

func inCluster(keys map[string]string) k8s.Found {
	return k8s.Found{Secret: k8s.SecretState{Name: "backstage-secrets", Secret: secretOf(keys)}}
}

// input makes the scene's files in a directory of their own and changes there.
func (s scene) input(t *testing.T) Input {
	t.Helper()
	profile, version := templates.Newest()
	if s.version != "" {
		var err error
		if profile, _, err = templates.Lookup(s.version); err != nil {
			t.Fatal(err)
		}
		version = s.version
	}
	t.Chdir(t.TempDir())
	in := Input{Profile: profile, Chart: chart.FromProfile(profile, version), Current: Current{Cluster: s.found, Known: true, ChartRef: ChartReference}}
	if len(s.files) == 0 {
		s.files = []string{""}
	}
	for i, content := range s.files {
		path := []string{"one.yaml", "two.yaml", "three.yaml"}[i]
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		in.Current.Files = append(in.Current.Files, read(t, path))
	}
	in.Current.Edit = len(s.files) - 1
	if s.edit > 0 {
		in.Current.Edit = s.edit - 1
	}
	in.Current.Manifest.File = read(t, "secrets.yaml").File
	if s.manifest != nil {
		m := templates.Manifest{Name: "backstage-secrets", Namespace: "cp", File: "secrets.yaml"}
		in.Current.Manifest.Ours, in.Current.Manifest.Keys = true, map[string]secret.Text{}
		for _, name := range slices.Sorted(maps.Keys(s.manifest)) {
			m.Keys = append(m.Keys, templates.ManifestKey{Name: name, Value: []byte(s.manifest[name])})
			in.Current.Manifest.Keys[name] = secret.New(s.manifest[name])
		}
		if err := os.WriteFile("secrets.yaml", templates.SecretManifest(m), 0o600); err != nil {
			t.Fatal(err)
		}
		in.Current.Manifest.File = read(t, "secrets.yaml").File
	}
	if s.current != nil {
		s.current(&in.Current)
	}
	rank := answers.FromAnswers
	if s.person {
		rank = answers.FromPerson
	}
	for key, value := range s.said {
		if err := in.Draft.Set(key, value, answers.Source{Rank: rank}); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	for key, value := range (given{
		"target.namespace": "cp", "target.release": "openchoreo", "secret.name": "backstage-secrets", "secret.delivery": DeliverKubernetes,
		"secret.manifest": "secrets.yaml", "portal.enabled": true, "security.authentication": true, "security.authorization": true, "database.type": "sqlite",
	}) {
		in.Draft.Propose(answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromPreset}})
	}
	in.Draft.ProposeAll(in.Found())
	in.Draft.ProposeAll(in.ChartDefaults())
	return in
}

func read(t *testing.T, path string) ValuesFile {
	t.Helper()
	snapshot, err := file.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f := ValuesFile{Path: path, File: snapshot}
	if snapshot.Exists {
		if f.Values, err = values.Open(snapshot.Bytes, values.Place{}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// plan sets everything that was answered and finishes the plan. A new file needs
// a Secret's value; what the scene does not say is generated.
func (s scene) plan(t *testing.T) *Plan {
	t.Helper()
	in := s.input(t)
	for key, draw := range map[answers.Key]string{"backendSecret": "backend-secret", "client.secret": "client-secret"} {
		if _, _, kept := in.existing(draw); !kept && !in.Draft.Has(key) {
			v := secret.Value{Ref: secret.Ref{Generate: true}, Text: secret.New("generated-" + draw)}
			if err := in.Draft.Set(key, v, answers.Source{Rank: answers.FromDerived, Detail: "generated"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return finished(t, in)
}

func finished(t *testing.T, in Input) *Plan {
	t.Helper()
	p := New(in)
	for _, key := range answers.Keys() {
		p.Set(key)
	}
	if err := p.Finish(); err != nil {
		t.Fatal(err)
	}
	return p
}

// at returns what is in force at a path after the plan.
func at(t *testing.T, p *Plan, path string) any {
	t.Helper()
	value, _ := values.Lookup(p.Effective(), values.MustPath(path))
	return plain(value)
}

// inForce lists the bindings that Helm will render, "name claim=value" each.
func inForce(t *testing.T, p *Plan) []string {
	t.Helper()
	list, _ := at(t, p, p.in.Profile.MappingsPath).([]any)
	var out []string
	for _, item := range list {
		b := item.(map[string]any)
		out = append(out, fmt.Sprintf("%v %s=%s", b["name"], entitlement(b, "claim"), entitlement(b, "value")))
	}
	return out
}

// warned tells whether a warning of the step has all words.
func warned(p *Plan, step string, words ...string) bool {
	return slices.ContainsFunc(p.Warnings, func(w Warning) bool {
		return w.Step == step && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(w.Text, word) })
	})
}

// home is the package's directory: tests change into others.
var home = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(home, "testdata", name)
	if *updatePlans {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s (go test ./internal/plan -update-plans writes it anew):\n%s", path, got)
	}
}

func decode64(t *testing.T, text string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
