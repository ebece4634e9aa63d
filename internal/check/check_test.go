package check_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
)

func pass(context.Context) check.Result { return check.Result{Status: check.Pass} }

func TestValidateTellsEverythingThatIsWrong(t *testing.T) {
	tests := map[string]struct {
		checks []check.Check
		want   string
	}{
		"nothing":      {nil, ""},
		"a chain":      {[]check.Check{{ID: "b", After: []string{"a"}, Run: pass}, {ID: "a", Run: pass}}, ""},
		"no id":        {[]check.Check{{Title: "the title", Run: pass}}, `a check has no id (title "the title")`},
		"twice":        {[]check.Check{{ID: "a", Run: pass}, {ID: "a", Run: pass}}, "check a is there twice"},
		"nothing runs": {[]check.Check{{ID: "a"}}, "check a has nothing to run"},
		"negative":     {[]check.Check{{ID: "a", Run: pass, Timeout: -1}}, "check a has a negative time-out"},
		"unknown":      {[]check.Check{{ID: "a", Run: pass, After: []string{"x"}}}, "check a comes after x, which is not there"},
		"itself":       {[]check.Check{{ID: "a", Run: pass, After: []string{"a"}}}, "checks wait for each other: a"},
		"a circle, and one behind it": {[]check.Check{
			{ID: "a", Run: pass, After: []string{"c"}},
			{ID: "b", Run: pass, After: []string{"a"}},
			{ID: "c", Run: pass, After: []string{"b"}},
			{ID: "d", Run: pass, After: []string{"c"}},
			{ID: "e", Run: pass},
		}, "checks wait for each other: a, b, c, d"},
		"two at once": {[]check.Check{{ID: "a"}, {ID: "b", Run: pass, After: []string{"x"}}},
			"check a has nothing to run\ncheck b comes after x, which is not there"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := check.Validate(test.checks); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestResultJSONHasTheContractsForm(t *testing.T) {
	tests := map[string]struct {
		result check.Result
		want   string
	}{
		"without a cure": {
			check.Result{ID: "a", Title: "A", Status: check.Pass, Elapsed: 5},
			`{"id":"a","status":"pass","found":"","hint":""}`,
		},
		"with a cure": {
			check.Result{ID: "a", Status: check.Fail, Found: "f", Hint: "h", Cure: &check.Cure{
				Flow: "install", Step: "identity",
				Propose: []check.Proposal{{Key: "portal.baseUrl", Value: "https://x"}, {Key: "features.workflows", Value: false}},
			}},
			`{"id":"a","status":"fail","found":"f","hint":"h","cure":{"flow":"install","step":"identity","set":{"features.workflows":false,"portal.baseUrl":"https://x"}}}`,
		},
		"a cure that sets nothing": {
			check.Result{ID: "a", Status: check.Accepted, Cure: &check.Cure{Flow: "rotate", Step: "key"}},
			`{"id":"a","status":"accepted","found":"","hint":"","cure":{"flow":"rotate","step":"key","set":{}}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(test.result)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
