package steps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// TestNoNameIsSetTwice: the chart renders env, then extraEnv; server-side apply
// refuses a name that is in both.
func TestNoNameIsSetTwice(t *testing.T) {
	profile, version := templates.Newest()
	c := chart.FromProfile(profile, version)
	documented := "backstage:\n  extraEnv:\n    - name: CUSTOM_VAR\n      value: \"my-value\"\n    - name: LOG_LEVEL # overrides the default\n      value: debug\n"
	own := "backstage:\n  env:\n  - name: NODE_ENV\n    value: production\n  - {name: LOG_LEVEL, value: warn}\n  extraEnv: []\n"
	debug := given{"environment.logLevel": "debug"}
	extra := given{"environment.extra": []answers.EnvVar{{Name: "NODE_OPTIONS", Value: "--x"}, {Name: "NODE_ENV", Value: "staging"}}}
	for name, test := range map[string]struct {
		file string
		said given
		want string
	}{
		"new file":              {"", debug, "NODE_ENV=production LOG_LEVEL=debug PORT=7007 |"},
		"default level":         {"", given{"environment.logLevel": "info"}, "NODE_ENV=production LOG_LEVEL=info PORT=7007 |"},
		"the documented way":    {documented, debug, "NODE_ENV=production LOG_LEVEL=debug PORT=7007 | CUSTOM_VAR=my-value"},
		"a list of their own":   {own, debug, "NODE_ENV=production LOG_LEVEL=debug |"},
		"more variables":        {"", extra, "NODE_ENV=staging LOG_LEVEL=info PORT=7007 | NODE_OPTIONS=--x"},
		"more beside their own": {documented, extra.with(debug), "NODE_ENV=staging LOG_LEVEL=debug PORT=7007 | CUSTOM_VAR=my-value NODE_OPTIONS=--x"},
	} {
		t.Run(name, func(t *testing.T) {
			var file []byte
			if test.file != "" {
				file = []byte(test.file)
			}
			p := planned(t, input(t, c, profile, file, development.with(test.said)))
			tree, err := values.Parse(p.Files[0].After)
			if err != nil {
				t.Fatal(err)
			}
			effective, err := c.Effective(tree)
			if err != nil {
				t.Fatal(err)
			}
			got := variables(effective, "backstage.env") + "|" + strings.TrimRight(" "+variables(effective, "backstage.extraEnv"), " ")
			if got != test.want {
				t.Errorf("got  %s\nwant %s\n%s", got, test.want, p.Files[0].After)
			}
		})
	}
	t.Run("told when left alone", func(t *testing.T) {
		p := planned(t, input(t, c, profile, []byte(documented), development))
		if !strings.Contains(fmt.Sprint(p.Warnings), "LOG_LEVEL is set in") {
			t.Errorf("warnings: %v", p.Warnings)
		}
	})
}

func variables(tree map[string]any, path string) string {
	raw, _ := values.Lookup(tree, values.MustPath(path))
	list, _ := raw.([]any)
	var b strings.Builder
	for _, item := range list {
		m := item.(map[string]any)
		fmt.Fprintf(&b, "%v=%v ", m["name"], m["value"])
	}
	return b.String()
}

// TestOtherCertificatesAreKept: the gateway's list of certificates may hold more
// than ours.
func TestOtherCertificatesAreKept(t *testing.T) {
	profile, version := templates.Newest()
	c := chart.FromProfile(profile, version)
	for name, test := range map[string]struct{ file, want string }{
		"none":     {"", "[portal-tls]"},
		"one":      {"gateway:\n  tls:\n    certificateRefs:\n      - name: old # by hand\n", "[portal-tls]"},
		"two":      {"gateway:\n  tls:\n    certificateRefs: [{name: old, kind: Secret}, {name: other}]\n", "[portal-tls other]"},
		"the same": {"gateway:\n  tls:\n    certificateRefs:\n    - name: portal-tls\n", "[portal-tls]"},
	} {
		t.Run(name, func(t *testing.T) {
			var file []byte
			if test.file != "" {
				file = []byte(test.file)
			}
			p := planned(t, input(t, c, profile, file, production.with(given{"gateway.tls.certificateSecret": "portal-tls"})))
			tree, err := values.Parse(p.Files[0].After)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := values.Lookup(tree, values.MustPath("gateway.tls.certificateRefs"))
			var names []string
			for _, item := range raw.([]any) {
				names = append(names, fmt.Sprint(item.(map[string]any)["name"]))
			}
			if got := fmt.Sprint(names); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if strings.Contains(test.file, "# by hand") && !strings.Contains(string(p.Files[0].After), "# by hand") {
				t.Error("the comment is gone")
			}
		})
	}
}

// TestCallbackListFollows: no template reads redirectUrls, but people do.
func TestCallbackListFollows(t *testing.T) {
	profile, version := templates.Newest()
	file := []byte("backstage:\n  auth:\n    redirectUrls:\n      - http://old.example.com/api/auth/openchoreo-auth/handler/frame\n")
	p := planned(t, input(t, chart.FromProfile(profile, version), profile, file, production))
	if !strings.Contains(string(p.Files[0].After), "https://console.example.com/api/auth/openchoreo-auth/handler/frame") {
		t.Errorf("%s", p.Files[0].After)
	}
	if i := slices.IndexFunc(p.Values, func(v plan.ValueChange) bool { return v.Path == "backstage.auth.redirectUrls" }); i < 0 {
		t.Error("the change is not in the plan")
	}
}
