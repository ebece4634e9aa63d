package check

import (
	"slices"
	"testing"
)

func TestExplainNamesTheRoot(t *testing.T) {
	table := []Explanation{
		{By: "secret.keys", Of: []string{"portal.rollout", "portal.health"}},
		{By: "portal.rollout", Of: []string{"portal.health", "routing.*"}},
		{By: "portal.logs/postgres.*", Of: []string{"portal.rollout"}},
		{By: "portal.environment", Of: []string{"portal.rollout"}, Warns: true},
		{By: "a", Of: []string{"b"}},
		{By: "b", Of: []string{"a"}},
	}
	result := func(id string, s Status, code string) Result { return Result{ID: id, Status: s, Code: code} }
	for name, tt := range map[string]struct {
		results []Result
		first   string
		because []string
	}{
		"nothing":            {[]Result{result("secret.keys", Pass, "")}, "", []string{""}},
		"a chain":            {[]Result{result("secret.keys", Fail, ""), result("portal.rollout", Fail, ""), result("routing.url", Fail, "")}, "secret.keys", []string{"", "secret.keys", "portal.rollout"}},
		"later explains":     {[]Result{result("portal.rollout", Fail, ""), result("portal.logs", Fail, "postgres.refused")}, "portal.logs", []string{"portal.logs", ""}},
		"another code":       {[]Result{result("portal.rollout", Fail, ""), result("portal.logs", Fail, "sqlite.locked")}, "portal.rollout", []string{"", ""}},
		"failure first":      {[]Result{result("x", Warn, ""), result("y", Fail, "")}, "y", []string{"", ""}},
		"warning that fails": {[]Result{result("portal.environment", Warn, ""), result("portal.rollout", Fail, "")}, "portal.environment", []string{"", "portal.environment"}},
		"warning beside it":  {[]Result{result("secret.keys", Warn, ""), result("portal.rollout", Fail, "")}, "portal.rollout", []string{"", ""}},
		"accepted explains":  {[]Result{result("secret.keys", Accepted, ""), result("portal.rollout", Fail, "")}, "", []string{"", "secret.keys"}},
		"what is not known":  {[]Result{result("portal.rollout", Fail, ""), result("routing.url", Inconclusive, "")}, "portal.rollout", []string{"", "portal.rollout"}},
		"a pass explains no": {[]Result{result("secret.keys", Pass, ""), result("portal.rollout", Fail, "")}, "portal.rollout", []string{"", ""}},
		"a circle":           {[]Result{result("a", Fail, ""), result("b", Fail, "")}, "b", []string{"b", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			first := Explain(tt.results, table)
			got := ""
			if first >= 0 {
				got = tt.results[first].ID
			}
			var because []string
			for _, r := range tt.results {
				because = append(because, r.Because)
			}
			if got != tt.first || !slices.Equal(because, tt.because) {
				t.Errorf("first %q, because %q; want %q, %q", got, because, tt.first, tt.because)
			}
		})
	}
	chain := []Result{result("secret.keys", Fail, ""), result("portal.rollout", Fail, ""), result("routing.url", Fail, "")}
	Explain(chain, table)
	if got := Consequences(chain, "secret.keys"); !slices.Equal(got, []string{"portal.rollout", "routing.url"}) {
		t.Errorf("%q", got)
	}
}
