package chart

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yaml "go.yaml.in/yaml/v3"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
	"github.com/openchoreo/backstage-setup/templates"
)

var release = Release{Name: "openchoreo-control-plane", Namespace: "openchoreo-control-plane"}

// objects are the rendered objects by kind and name.
func objects(t *testing.T, rendered map[string]string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for file, text := range rendered {
		documents := yaml.NewDecoder(bytes.NewReader([]byte(text)))
		for {
			var object map[string]any
			err := documents.Decode(&object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", file, err, text)
			}
			if object == nil {
				continue
			}
			name, _ := lookup(any(object), steps("metadata.name"))
			all[object["kind"].(string)+"/"+name.(string)] = object
		}
	}
	return all
}

func render(t *testing.T, c *Chart, files ...map[string]any) map[string]map[string]any {
	t.Helper()
	rendered, err := c.Render(release, effective(t, c, append([]map[string]any{usable()}, files...)...))
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, rendered)
}

func env(t *testing.T, all map[string]map[string]any) map[string]map[string]any {
	t.Helper()
	list, ok := lookup(any(all["Deployment/backstage"]), steps("spec.template.spec.containers[0].env"))
	if !ok {
		t.Fatal("no Deployment with variables")
	}
	vars := map[string]map[string]any{}
	for _, item := range list.([]any) {
		v := item.(map[string]any)
		vars[v["name"].(string)] = v
	}
	return vars
}

// The profiles' variables are those that a chart renders, whatever is on.
func TestProfilesEnvIsRendered(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		on := map[string]string{
			"identity.discoveryUrl": "https://idp.example.com/.well-known/openid-configuration", "client.serviceScope": "api",
			"githubActions.enabled": "true", "githubActions.oauthClientId": "gh",
			"database.type": "postgresql", "database.postgresql.ssl": "true",
		}
		for _, answers := range []map[string]string{{"database.type": "sqlite"}, on} {
			values := map[string]any{}
			for key, text := range answers {
				var value any = text
				if text == "true" {
					value = true
				}
				if path, ok := p.Paths[key]; ok {
					set(values, strings.Split(path, "."), value)
				}
			}
			got := env(t, render(t, c, values))
			want := map[string]bool{}
			for _, v := range p.Env {
				if !v.When.Holds(func(key string) string { return answers[key] }) {
					continue
				}
				want[v.Name] = true
				source, _ := lookup(any(got[v.Name]), steps("valueFrom.secretKeyRef.key"))
				secret := v.Secret
				if secret == "service-client-secret" {
					secret = "client-secret" // the default of the key's name
				}
				if secret != text(source) {
					t.Errorf("%s comes from the Secret's key %v, the profile says %q", v.Name, source, secret)
				}
				if v.Default != "" && len(answers) == 1 && !strings.Contains(v.Default, ".invalid") && got[v.Name]["value"] != v.Default {
					t.Errorf("%s is %v, the profile says %q", v.Name, got[v.Name]["value"], v.Default)
				}
			}
			for name := range got {
				if !want[name] {
					t.Errorf("%s is rendered for %v, and not in the profile", name, answers)
				}
				delete(want, name)
			}
			for name := range want {
				t.Errorf("%s is not rendered for %v", name, answers)
			}
		}
	})
}

// Every key the Deployment refers to is one the profile asks for.
func TestProfilesSecretKeysAreReferredTo(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		answers := map[string]string{"database.type": "postgresql", "serviceClient.id": "robot", "githubActions.enabled": "true", "githubActions.oauthClientId": "gh"}
		values := map[string]any{}
		for key, text := range answers {
			if path, ok := p.Paths[key]; ok {
				set(values, strings.Split(path, "."), text)
			}
		}
		for _, s := range p.SecretKeys {
			if s.NamePath != "" {
				set(values, strings.Split(s.NamePath, "."), s.Name)
			}
		}
		if path, ok := p.Paths["githubActions.enabled"]; ok {
			set(values, strings.Split(path, "."), true)
		}
		got := map[string]bool{}
		for _, v := range env(t, render(t, c, values)) {
			if ref, ok := lookup(any(v), steps("valueFrom.secretKeyRef")); ok {
				ref := ref.(map[string]any)
				if ref["name"] != "backstage-secrets" {
					t.Errorf("%v refers to the Secret %v", v["name"], ref["name"])
				}
				got[ref["key"].(string)] = ref["optional"] == true
			}
		}
		want := map[string]bool{}
		for _, s := range p.SecretKeys {
			if s.Required.Holds(func(key string) string { return answers[key] }) {
				want[s.Name] = s.Optional
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("key to optional: -profile +chart\n%s", diff)
		}
	})
}

func TestRenderedObjects(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		all := render(t, c, map[string]any{"backstage": map[string]any{
			"replicas":    2,
			"autoscaling": map[string]any{"enabled": true},
			"database":    map[string]any{"sqlite": map[string]any{"persistence": map[string]any{"enabled": true}}},
			"service":     map[string]any{"type": "NodePort", "nodePort": 30007},
		}})
		if p.Name != "1.0.x" {
			extra := render(t, c, map[string]any{"backstage": map[string]any{"appConfig": map[string]any{"a": "b"}}})
			if get(extra["ConfigMap/backstage-extra-config"], `data.app-config\.extra\.yaml`) != "a: b\n" {
				t.Errorf("appConfig comes out as %v", extra["ConfigMap/backstage-extra-config"])
			}
		}
		for _, name := range []string{
			"Deployment/backstage", "Service/backstage", "HTTPRoute/backstage", "PersistentVolumeClaim/backstage-db",
			"HorizontalPodAutoscaler/backstage", "ConfigMap/backstage-ci-config", "ServiceAccount/openchoreo-backstage",
			"Gateway/gateway-default", "HTTPRoute/openchoreo-api", "ConfigMap/openchoreo-api-config",
		} {
			if all[name] == nil {
				t.Errorf("no %s among %v", name, slices.Sorted(maps.Keys(all)))
			}
		}
		if _, ok := lookup(any(all["Deployment/backstage"]), steps("spec.replicas")); ok != p.ReplicasWithAutoscaling {
			t.Errorf("the Deployment sets replicas beside the autoscaler: %t", ok)
		}
		for _, volume := range get(all["Deployment/backstage"], "spec.template.spec.volumes").([]any) {
			for path, kind := range map[string]string{"configMap.name": "ConfigMap/", "persistentVolumeClaim.claimName": "PersistentVolumeClaim/"} {
				if name, ok := lookup(volume, steps(path)); ok && all[kind+name.(string)] == nil {
					t.Errorf("the pods mount %s%v, which is not rendered", kind, name)
				}
			}
		}
		if got := get(all["Service/backstage"], "spec.ports[0].nodePort"); got != 30007 {
			t.Errorf("nodePort is %v", got)
		}
		if got := get(all["Deployment/backstage"], "spec.template.spec.containers[0].env[4].value"); got != "https://console.example.com" {
			t.Errorf("the base URL is %v", got)
		}
		_, hook := all["ConfigMap/openchoreo-authz-bootstrap"]
		_, plain := all["ClusterAuthzRoleBinding/admin-binding"]
		if hook != p.HookBindings || plain == p.HookBindings {
			t.Errorf("bindings in a hook: %t, as objects of the release: %t", hook, plain)
		}
	})
}

// A subject of digits only is a number where the template does not quote it.
func TestDigitsAsSubject(t *testing.T) {
	everyRelease(t, func(t *testing.T, c *Chart, p templates.Profile) {
		items := slices.Clone(p.Defaults[p.MappingsPath].([]any))
		for i, b := range p.Bindings {
			if b.Name == p.BindingKeys["authorization.subject"] {
				b.Entitlement.Value = "123456"
				items[i] = b.Value()
			}
		}
		values := map[string]any{}
		set(values, strings.Split(p.MappingsPath, "."), items)
		all := render(t, c, values)
		if hook, ok := all["ConfigMap/openchoreo-authz-bootstrap"]; ok {
			manifests := get(hook, `data.manifests\.yaml`).(string)
			all = objects(t, map[string]string{"hook": manifests})
		}
		if len(all) < len(p.Bindings) {
			t.Fatalf("%d objects for %d bindings", len(all), len(p.Bindings))
		}
		value := get(all["ClusterAuthzRoleBinding/backstage-catalog-reader-binding"], "spec.entitlement.value")
		if _, isText := value.(string); isText == p.UnquotedBindings {
			t.Errorf("the value is %T", value)
		}
	})
}

func TestRenderTakesNullsSeriously(t *testing.T) {
	c := open(t, charttest.Dir(t))
	all := render(t, c, map[string]any{"backstage": map[string]any{"podSecurityContext": nil, "observability": map[string]any{"wirelogs": map[string]any{"streamTimeoutSeconds": nil}}}})
	if _, ok := lookup(any(all["Deployment/backstage"]), steps("spec.template.spec.securityContext")); ok {
		t.Error("the default is back")
	}
	if got := env(t, all)["OPENCHOREO_OBSERVABILITY_WIRELOGS_STREAM_TIMEOUT_SECONDS"]["value"]; got != "900" {
		t.Errorf("the template's own default is %v", got)
	}
}

func TestRenderErrors(t *testing.T) {
	c := open(t, charttest.Dir(t))
	_, err := c.Render(release, c.Defaults())
	var fail *FailError
	if !errors.As(err, &fail) || !strings.Contains(fail.Template, "templates/refusal.yaml") ||
		!strings.HasPrefix(fail.Text, "Placeholder domains found. Set real hostnames for:\n  - openchoreoApi.http.hostnames contains") ||
		!strings.HasSuffix(fail.Text, "\n  - backstage.secretName is required when backstage is enabled") || err.Error() != fail.Text {
		t.Errorf("%v", err)
	}
	values := effective(t, c, usable(), map[string]any{"backstage": map[string]any{"extraVolumes": []any{map[string]any{"name": "ca", "emptyDir": map[string]any{}}}}})
	if _, err := c.Render(release, values); err == nil || !strings.Contains(err.Error(), "templates/deployment.yaml comes out as broken YAML") {
		t.Errorf("extraVolumes: %v", err)
	}
	values = effective(t, c, usable(), map[string]any{"backstage": map[string]any{"autoscaling": nil}})
	if _, err := c.Render(release, values); err == nil || !strings.Contains(err.Error(), "nil pointer") || strings.Contains(err.Error(), "\n") || errors.As(err, &fail) {
		t.Errorf("a missing mapping: %v", err)
	}
	if _, err := c.Render(Release{Name: "r", KubeVersion: "new"}, effective(t, c, usable())); err == nil || !strings.Contains(err.Error(), `"new"`) {
		t.Errorf("KubeVersion: %v", err)
	}
}

func TestRenderKnowsTheRelease(t *testing.T) {
	dir := charttest.Version(t, "1.2.3")
	text := "{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.IsUpgrade }} {{ .Release.IsInstall }} {{ .Capabilities.KubeVersion.Version }} {{ .Chart.AppVersion }} {{ .Values.backstage.service.port }} {{ 2000000 | toYaml }} {{ .Values.openchoreoApi.service.port }}"
	if err := os.WriteFile(filepath.Join(dir, "templates", "probe.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	values := effective(t, c, usable(), map[string]any{"openchoreoApi": map[string]any{"service": map[string]any{"port": 1000000}}})
	rendered, err := c.Render(Release{Name: "r", Namespace: "n", Upgrade: true, KubeVersion: "1.34.2"}, values)
	// The last number is what Helm makes of it: it reads every number as a float.
	if want := "r n true false v1.34.2 v1.2.3 7007 2000000 1e+06"; err != nil || rendered[Name+"/templates/probe.yaml"] != want {
		t.Errorf("%q, %v", rendered[Name+"/templates/probe.yaml"], err)
	}
	for file, text := range rendered {
		if strings.HasSuffix(file, "NOTES.txt") || strings.TrimSpace(text) == "" {
			t.Errorf("%s is there: %q", file, text)
		}
	}
}
