package chart

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/templates"
)

// Placeholders finds what the templates refuse, for any mix of settings.
func TestPlaceholdersAgreeWithTheTemplates(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		random := rand.New(rand.NewPCG(1, 2))
		switches := []string{"gateway.enabled", "gateway.tls.enabled", "backstage.enabled", "backstage.http.enabled", "openchoreoApi.enabled", "openchoreoApi.http.enabled", "security.enabled"}
		texts := []string{"backstage.baseUrl", "gateway.tls.hostname", "security.oidc.issuer"}
		lists := []string{"backstage.http.hostnames", "openchoreoApi.http.hostnames"}
		refused := 0
		for range 60 {
			values := effective(t, c, usable())
			for _, path := range switches {
				set(values, strings.Split(path, "."), random.IntN(4) > 0)
			}
			for _, path := range texts {
				if random.IntN(3) == 0 {
					set(values, strings.Split(path, "."), "http://a.invalid")
				}
			}
			for _, path := range lists {
				if random.IntN(3) == 0 {
					set(values, strings.Split(path, "."), []any{"a.example.com", "b.invalid"})
				}
			}
			if random.IntN(3) == 0 {
				set(values, []string{"backstage", "secretName"}, "")
			}
			var want []string
			for _, problem := range Placeholders(p, values) {
				want = append(want, problem.Path)
			}
			_, err := c.Render(release, values)
			var got []string
			var fail *FailError
			if errors.As(err, &fail) {
				refused++
				for line := range strings.Lines(fail.Text) {
					if path, ok := strings.CutPrefix(line, "  - "); ok {
						path, _, _ = strings.Cut(path, " ")
						got = append(got, path)
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Fatalf("-chart +Placeholders\n%s", diff)
			}
		}
		if refused < 6 || refused > 58 {
			t.Errorf("%d of 60 refused: the settings do not mix", refused)
		}
	})
}

func TestPlaceholdersAskForOneClusterGateway(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		values := effective(t, c, usable(), map[string]any{"clusterGateway": map[string]any{"replicas": 2}})
		problems := Placeholders(p, values)
		_, err := c.Render(release, values)
		if refused := err != nil; refused == p.ValidateAlways || refused != (len(problems) == 1) {
			t.Errorf("found %v, rendering says %v", problems, err)
		}
	})
}
