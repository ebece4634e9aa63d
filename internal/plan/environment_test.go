package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// TestVariables: no name ends up in both lists, nothing of the operator's goes,
// and what is asked is in force.
func TestVariables(t *testing.T) {
	const (
		base = "NODE_ENV=production LOG_LEVEL=info PORT=7007"
		from = "valueFrom:map[secretKeyRef:map[key:k name:s]]"
	)
	ref := map[string]any{"secretKeyRef": map[string]any{"name": "s", "key": "k"}}
	list := func(v ...answers.EnvVar) given { return given{"environment.extra": v} }
	for name, tt := range map[string]struct {
		files []string
		said  given
		want  string
		warn  string
	}{
		"nothing asked":        {[]string{"{}\n"}, nil, base + " |", ""},
		"a new one":            {[]string{"{}\n"}, list(answers.EnvVar{Name: "A", Value: "1"}), base + " | A=1", ""},
		"one by reference":     {[]string{"{}\n"}, list(answers.EnvVar{Name: "A", ValueFrom: ref}), base + " | A=" + from, ""},
		"empty text":           {[]string{"{}\n"}, list(answers.EnvVar{Name: "A"}), base + " | A=", ""},
		"one of the chart":     {[]string{"{}\n"}, list(answers.EnvVar{Name: "PORT", Value: "7008"}), "NODE_ENV=production LOG_LEVEL=info PORT=7008 |", ""},
		"level and list":       {[]string{"{}\n"}, list(answers.EnvVar{Name: "LOG_LEVEL", Value: "warn"}).with(given{"environment.logLevel": "debug"}), "NODE_ENV=production LOG_LEVEL=warn PORT=7007 |", ""},
		"value to reference":   {[]string{"backstage: {extraEnv: [{name: A, value: x}, {name: B, value: z}]}\n"}, list(answers.EnvVar{Name: "A", ValueFrom: ref}), base + " | A=" + from + " B=z", "B is in the file and not in environment.extra"},
		"reference to value":   {[]string{"backstage: {extraEnv: [{name: A, valueFrom: {fieldRef: {fieldPath: x}}}]}\n"}, list(answers.EnvVar{Name: "A", Value: "1"}), base + " | A=1", ""},
		"the same":             {[]string{"backstage: {extraEnv: [{name: A, value: \"1\"}]}\n"}, list(answers.EnvVar{Name: "A", Value: "1"}), base + " | A=1", ""},
		"in a file below":      {[]string{"backstage: {extraEnv: [{name: A, value: x}, {name: B, value: z}]}\n", "{}\n"}, list(answers.EnvVar{Name: "B", Value: "2"}, answers.EnvVar{Name: "C", Value: "3"}), base + " | A=x B=2 C=3", ""},
		"base in a file below": {[]string{"backstage: {env: [{name: X, value: x}]}\n", "{}\n"}, given{"environment.logLevel": "debug"}, "X=x | LOG_LEVEL=debug", ""},
		"in both":              {[]string{"backstage: {extraEnv: [{name: LOG_LEVEL, value: warn}, {name: A, value: x}]}\n"}, given{"environment.logLevel": "debug"}, "NODE_ENV=production LOG_LEVEL=debug PORT=7007 | A=x", "LOG_LEVEL was set twice"},
		"in both, left":        {[]string{"backstage: {extraEnv: [{name: PORT, value: \"7007\"}]}\n"}, given{"environment.logLevel": "debug"}, "NODE_ENV=production LOG_LEVEL=debug PORT=7007 | PORT=7007", "PORT is set in backstage.env and in backstage.extraEnv"},
		"a list of something":  {[]string{"backstage: {extraEnv: []}\n"}, list(answers.EnvVar{Name: "A", Value: "1"}), base + " | A=1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := scene{files: tt.files, said: tt.said, found: inCluster(basic)}.plan(t)
			if got := strings.TrimSpace(variables(t, p, "backstage.env") + " |" + " " + variables(t, p, "backstage.extraEnv")); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%s", got, tt.want, p.Files[0].After)
			}
			if len(p.Problems) > 0 {
				t.Errorf("problems %v", p.Problems)
			}
			if (tt.warn != "") != warned(p, "environment", tt.warn) {
				t.Errorf("warnings %v", p.Warnings)
			}
			tt.files[len(tt.files)-1] = string(p.Files[0].After)
			if again := (scene{files: tt.files, said: tt.said, found: inCluster(basic)}).plan(t); again.Files[0].Action != "unchanged" {
				t.Errorf("the second run changes the file again:\n%s", again.Files[0].Diff)
			}
		})
	}
}

func variables(t *testing.T, p *Plan, path string) string {
	t.Helper()
	list, _ := at(t, p, path).([]any)
	var out []string
	for _, item := range list {
		m := item.(map[string]any)
		value := fmt.Sprint(m["value"])
		if from, ok := m["valueFrom"]; ok {
			if _, both := m["value"]; both {
				t.Errorf("%v has both", m["name"])
			}
			value = fmt.Sprintf("valueFrom:%v", from)
		}
		out = append(out, fmt.Sprintf("%v=%s", m["name"], value))
	}
	return strings.Join(out, " ")
}
