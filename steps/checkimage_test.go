package steps

import (
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

func TestImageIsJudgedByItsTag(t *testing.T) {
	const own = "ghcr.io/openchoreo/openchoreo-ui:"
	for name, tt := range map[string]struct {
		image, given string
		want         check.Status
	}{
		"a release":                 {own + "v1.2.3", own + "v1.2.3", check.Pass},
		"a fault":                   {own + "v1.2.0", own + "v1.2.0", check.Warn},
		"a fault of another line":   {own + "v1.0.3", own + "v1.0.3", check.Warn},
		"a fault behind a mirror":   {"mirror.example.com:5000/x/openchoreo-ui:v1.2.1@sha256:00", "", check.Warn},
		"by hand":                   {own + "v1.2.2", own + "v1.2.3", check.Warn},
		"of development":            {own + "latest-dev", own + "latest-dev", check.Inconclusive},
		"no version of development": {own + "0.0.0", own + "0.0.0", check.Inconclusive},
		"no tag":                    {"ghcr.io/openchoreo/openchoreo-ui@sha256:00", "ghcr.io/openchoreo/openchoreo-ui@sha256:00", check.Inconclusive},
		"an image of one's own":     {"registry.example.com:5000/portal:7", "registry.example.com:5000/portal:7", check.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			var in plan.Input
			in.Current.Cluster.Deployment = k8s.Deployment{Name: "backstage", Image: tt.image}
			in.Current.Cluster.Release.Manifest = "kind: Deployment\nmetadata: {name: backstage}\nspec: {template: {spec: {containers: [{name: backstage, image: \"" + tt.given + "\"}]}}}\n"
			if got := (examiner{nil, in}).image(); got.Status != tt.want {
				t.Errorf("%s: %s, want %s", got.Status, got.Found, tt.want)
			}
		})
	}
}
