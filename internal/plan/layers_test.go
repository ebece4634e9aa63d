package plan

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// TestLaterFileShadowsADefault: an asked value is a problem too when it is the
// chart's default, so that nothing of it is written, and a later file says
// something else.
func TestLaterFileShadowsADefault(t *testing.T) {
	s := scene{files: []string{"{}\n", "backstage: {features: {workflows: {enabled: false}}}\n"}, edit: 1, said: given{"features.workflows": true}, found: inCluster(basic)}
	p := s.plan(t)
	if got := p.Problems.Error(); !strings.Contains(got, "features.workflows: would not take effect: two.yaml sets") {
		t.Errorf("problems: %q", got)
	}
}

// TestUnaskedPlaceholdersStay: what envsubst or Flux fills in is nobody's to
// overwrite.
func TestUnaskedPlaceholdersStay(t *testing.T) {
	file := "backstage:\n  auth: {redirectUrls: [\"${CALLBACK}\"]}\ngateway:\n  tls:\n    enabled: ${TLS}\n"
	p := scene{files: []string{file}, said: given{"portal.baseUrl": "https://console.example.com"}, found: inCluster(basic)}.plan(t)
	for _, want := range []string{"enabled: ${TLS}", "[\"${CALLBACK}\"]"} {
		if !strings.Contains(string(p.Files[0].After), want) {
			t.Errorf("%s is gone:\n%s", want, p.Files[0].Diff)
		}
	}
}

// TestListItemsDoNotDrop: a named item that the release was given, and that the
// file's list lacks, would go with the upgrade as silently as any other value.
func TestListItemsDoNotDrop(t *testing.T) {
	found := inCluster(basic)
	found.Release.Config = map[string]any{"backstage": map[string]any{"extraEnv": []any{map[string]any{"name": "FOO", "value": "1"}}}}
	p := scene{files: []string{"backstage:\n  extraEnv:\n    - name: BAR\n      value: \"2\"\n"}, said: given{"environment.logLevel": "debug"}, found: found}.plan(t)
	if got := strings.Join(p.Drops(), " "); !strings.Contains(got, "backstage.extraEnv[name=FOO]") {
		t.Errorf("drops: %s", got)
	}
	p = scene{files: []string{"{}\n"}, said: given{"environment.extra": []answers.EnvVar{{Name: "BAR", Value: "2"}}}, found: found}.plan(t)
	if !strings.Contains(string(p.Files[0].After), "FOO") {
		t.Errorf("a new list does not start from the release's:\n%s", p.Files[0].After)
	}
}

// TestLeftOutOnTheScreen: who saw the whole list takes a variable away by leaving
// it out.
func TestLeftOutOnTheScreen(t *testing.T) {
	file := "backstage:\n  extraEnv:\n    - name: FOO\n      value: \"1\"\n    - name: BAR\n      value: \"2\"\n"
	p := scene{files: []string{file}, said: given{"environment.extra": []answers.EnvVar{{Name: "BAR", Value: "2"}}}, person: true, found: inCluster(basic)}.plan(t)
	if after := string(p.Files[0].After); strings.Contains(after, "FOO") || !strings.Contains(after, "BAR") {
		t.Errorf("%s", after)
	}
}
