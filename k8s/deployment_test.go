package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

func TestPlainDeployment(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		want Deployment
	}{
		"SQLite on a claim, Reloader by name": {`
metadata:
  name: backstage
  labels: {app.kubernetes.io/instance: cp}
  annotations: {secret.reloader.stakater.com/reload: "backstage-secrets, other"}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: istio-proxy
        image: proxy
        env: [{name: DATABASE_CLIENT, value: not-this-one}]
      - name: backstage
        image: ghcr.io/openchoreo/openchoreo-ui:v1.2.3
        env:
        - {name: LOG_LEVEL, value: info}
        - {name: LOG_LEVEL, value: debug}
        - {name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: portal-secrets, key: backend-secret}}}
        - {name: GITHUB_TOKEN, valueFrom: {secretKeyRef: {name: portal-secrets, key: github-actions-token, optional: true}}}
        - {name: THEME, valueFrom: {configMapKeyRef: {name: look, key: theme}}}
        - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: DATABASE_CLIENT, value: better-sqlite3}
      volumes:
      - {name: ci-config, configMap: {name: backstage-ci-config}}
      - {name: backstage-db, persistentVolumeClaim: {claimName: backstage-db}}
status: {readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1}
`, Deployment{
			Name: "backstage", Release: "cp", Image: "ghcr.io/openchoreo/openchoreo-ui:v1.2.3",
			Database: "better-sqlite3", SecretName: "portal-secrets",
			References: []PodReference{
				{Kind: KindConfigMap, Name: "backstage-ci-config", By: "volume ci-config"},
				{Kind: KindSecret, Name: "portal-secrets", By: "variable BACKEND_SECRET", Keys: []string{"backend-secret"}},
				{Kind: KindConfigMap, Name: "look", By: "variable THEME", Keys: []string{"theme"}},
			},
			DataVolume: "persistentVolumeClaim", DataClaim: "backstage-db",
			Replicas: 2, Ready: 1, Updated: 2, Available: 1,
			Reloader: Reloader{Secrets: []string{"backstage-secrets", "other"}},
			Env: []EnvVar{
				{Name: "LOG_LEVEL", Value: "info"},
				{Name: "LOG_LEVEL", Value: "debug"},
				{Name: "BACKEND_SECRET", SecretName: "portal-secrets", SecretKey: "backend-secret"},
				{Name: "GITHUB_TOKEN", SecretName: "portal-secrets", SecretKey: "github-actions-token", Optional: true},
				{Name: "THEME", ConfigMapName: "look", ConfigKey: "theme"},
				{Name: "POD"},
				{Name: "DATABASE_CLIENT", Value: "better-sqlite3"},
			},
		}},
		"PostgreSQL, Reloader for everything, container of another name": {`
metadata: {name: portal}
spec:
  template:
    metadata: {annotations: {reloader.stakater.com/auto: "true"}}
    spec:
      containers:
      - {name: app, image: x, env: [{name: DATABASE_CLIENT, value: pg}]}
      volumes: [{name: tmp, emptyDir: {}}]
`, Deployment{
			Name: "portal", Image: "x", Database: "pg", Replicas: 1, Reloader: Reloader{Auto: true},
			Env: []EnvVar{{Name: "DATABASE_CLIENT", Value: "pg"}},
		}},
		"SQLite that is lost with its pod": {`
metadata: {name: backstage}
spec:
  replicas: 0
  template: {spec: {containers: [{name: backstage}], volumes: [{name: backstage-db, emptyDir: {}}]}}
`, Deployment{Name: "backstage", DataVolume: "emptyDir"}},
		"no containers": {`metadata: {name: backstage}`, Deployment{Name: "backstage", Replicas: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var d appsv1.Deployment
			if err := yaml.UnmarshalStrict([]byte(tt.yaml), &d); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, plainDeployment(&d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDeploymentEnvVar(t *testing.T) {
	d := Deployment{Env: []EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "LOG_LEVEL", Value: "debug"}}}
	if got, ok := d.EnvVar("LOG_LEVEL"); !ok || got.Value != "debug" {
		t.Errorf("got %v %t, want the last", got, ok)
	}
	if got, ok := d.EnvVar("PORT"); ok {
		t.Errorf("got %v for a variable that is not there", got)
	}
}

func TestReloads(t *testing.T) {
	for name, tt := range map[string]struct {
		reloader Reloader
		want     bool
	}{
		"no annotation":  {Reloader{}, false},
		"everything":     {Reloader{Auto: true}, true},
		"this Secret":    {Reloader{Secrets: []string{"a", "s"}}, true},
		"another Secret": {Reloader{Secrets: []string{"a"}}, false},
	} {
		if got := tt.reloader.Reloads("s"); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
