package plan

import (
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/k8s"
)

// TestNothingLeft: a run that changes nothing leaves no command, unless an upgrade
// is still to be done from before.
func TestNothingLeft(t *testing.T) {
	const file = "backstage:\n  secretName: backstage-secrets\n  replicas: 2\n  nodeSelector: {}\n  env: [{name: A, value: \"${A}\"}]\n  tolerations: null\n"
	upgraded := map[string]any{"backstage": map[string]any{
		"secretName": "backstage-secrets", "replicas": float64(2), "env": []any{map[string]any{"name": "A", "value": "a"}}, "tolerations": nil, "priorityClass": map[string]any{"create": true},
	}}
	release := func(config map[string]any) k8s.Release {
		return k8s.Release{Name: "openchoreo", Installed: true, ChartVersion: "1.2.3", Status: "deployed", Config: config}
	}
	for name, tt := range map[string]struct {
		release k8s.Release
		change  func(*scene)
		want    string // the first command; "" for none
	}{
		"upgraded":         {release(upgraded), nil, ""},
		"no release":       {k8s.Release{}, nil, ""}, // Argo CD renders charts itself
		"values not known": {k8s.Release{Installed: true, Unknown: "forbidden"}, nil, ""},
		"never upgraded":   {release(map[string]any{"backstage": map[string]any{"secretName": "backstage-secrets"}}), nil, "helm upgrade"},
		"another value":    {release(map[string]any{"backstage": map[string]any{"secretName": "backstage-secrets", "replicas": float64(3)}}), nil, "helm upgrade"},
		"failed": {func() k8s.Release {
			r := release(upgraded)
			r.Status = "failed"
			return r
		}(), nil, "helm upgrade"},
		"another chart":     {release(upgraded), func(s *scene) { s.said["chart"] = "1.2.2"; s.version = "1.2.2" }, "helm upgrade"},
		"the same chart":    {release(upgraded), func(s *scene) { s.said["chart"] = "1.2.3" }, ""},
		"not running":       {release(upgraded), func(s *scene) { s.found.Deployment.Name = "" }, "helm upgrade"},
		"not known":         {release(upgraded), func(s *scene) { s.current = func(c *Current) { c.Known = false } }, "kubectl rollout status"},
		"offline":           {release(upgraded), func(s *scene) { s.current = func(c *Current) { c.Offline = true } }, "kubectl rollout status"},
		"a changed file":    {release(upgraded), func(s *scene) { s.said["scaling.replicas"] = 3 }, "helm upgrade"},
		"a changed Secret":  {release(upgraded), func(s *scene) { s.said["client.secret"] = typed("n3w") }, "kubectl rollout restart"},
		"both, still to do": {release(nil), func(s *scene) { s.said["client.secret"] = typed("n3w") }, "helm upgrade"},
		"a manifest": {release(upgraded), func(s *scene) {
			s.said["secret.delivery"], s.manifest = DeliverManifest, basic
		}, "kubectl create namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene{files: []string{file}, found: inCluster(basic), said: given{}}
			s.found.Deployment.Name = "backstage"
			s.found.Release = tt.release
			if tt.change != nil {
				tt.change(&s)
			}
			p := s.plan(t)
			got := ""
			if len(p.Next) > 0 {
				got = p.Next[0].Line
			}
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("the first command is %q, want %q; %v", got, tt.want, p.Actions)
			}
		})
	}
}

// TestNothingLeftWithoutPortal: there is no Deployment of the portal then, and the
// release tells.
func TestNothingLeftWithoutPortal(t *testing.T) {
	config := map[string]any{"backstage": map[string]any{"enabled": false, "secretName": "backstage-secrets"}}
	for name, tt := range map[string]struct {
		config map[string]any
		want   int
	}{"upgraded": {config, 0}, "not upgraded": {nil, 2}} {
		s := scene{files: []string{"backstage: {enabled: false, secretName: backstage-secrets}\n"}, said: given{answers.Key("portal.enabled"): false}}
		s.found.Release = k8s.Release{Name: "openchoreo", Installed: true, Status: "deployed", Config: tt.config}
		if p := s.plan(t); len(p.Next) != tt.want || len(p.Actions) > 0 {
			t.Errorf("%s: %d commands, want %d: %v\n%s", name, len(p.Next), tt.want, p.Next, p.Files[0].Diff)
		}
	}
}
