package broken_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var (
	ciConfig      = thing{"", "v1", "configmaps", "backstage-ci-config", true}
	portalAccount = thing{"", "v1", "serviceaccounts", "openchoreo-backstage", true}
)

// template changes the template of the portal's pods by hand.
func (in *installation) template(tb testing.TB, change func(spec map[string]any)) {
	tb.Helper()
	tb.Cleanup(func() { in.settle(tb) })
	in.edit(tb, portalDeployment, func(o map[string]any) {
		spec, _, _ := unstructured.NestedMap(o, "spec", "template", "spec")
		change(spec)
		if err := unstructured.SetNestedMap(o, spec, "spec", "template", "spec"); err != nil {
			tb.Fatal(err)
		}
	})
	in.settle(tb)
}

// warned has Kubernetes warn of the portal's pod.
func (in *installation) warned(tb testing.TB, reason, message string) {
	tb.Helper()
	pod := in.pods(tb, "backstage")[0]
	in.make(tb, fmt.Sprintf(`
apiVersion: v1
kind: Event
metadata: {name: warned, namespace: NS}
involvedObject: {apiVersion: v1, kind: Pod, name: %s, namespace: NS, uid: %s}
type: Warning
reason: %s
message: %q
lastTimestamp: "2026-01-01T00:00:00Z"
`, pod.GetName(), pod.GetUID(), reason, message), thing{"", "v1", "events", "warned", true})
}

// mounted is a volume of the portal's container, of that source.
func mounted(source map[string]any) func(spec map[string]any) {
	return func(spec map[string]any) {
		volume := map[string]any{"name": "more"}
		for k, v := range source {
			volume[k] = v
		}
		spec["volumes"] = append(spec["volumes"].([]any), volume)
		c := spec["containers"].([]any)[0].(map[string]any)
		c["volumeMounts"] = append(c["volumeMounts"].([]any), map[string]any{"name": "more", "mountPath": "/more"})
	}
}

// taken is a variable of the portal's container that is taken from elsewhere, by
// the values.
func (in *installation) taken(source map[string]any) map[string]any {
	extra := in.usual()["backstage"].(map[string]any)["extraEnv"].([]any)
	return map[string]any{"backstage.extraEnv": append(extra, map[string]any{"name": "MORE", "valueFrom": source})}
}

// noConfigMap is the chart's ConfigMap gone, and what the kubelet says of it.
func noConfigMap(t *testing.T, in *installation) {
	in.down(t)
	in.remove(t, ciConfig)
	in.pod(t, waiting("CreateContainerConfigError", `configmap "backstage-ci-config" not found`), 0, nil)
	in.warned(t, "FailedMount", `MountVolume.SetUp failed for volume "ci-config" : configmap "backstage-ci-config" not found`)
}

func referenceDefects() []defect {
	byHand := func(change func(spec map[string]any)) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.template(t, change) }
	}
	variable := func(source map[string]any) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.rolled(t, in.taken(source)) }
	}
	const config, key, secret = "portal.references/reference.config-map", "portal.references/reference.key", "portal.references/reference.secret"
	return []defect{
		{name: "no ConfigMap", first: config, make: noConfigMap},
		{name: "ConfigMap without its file", first: key, make: func(t *testing.T, in *installation) {
			in.edit(t, ciConfig, func(o map[string]any) { o["data"] = map[string]any{"another.yaml": ""} })
		}},
		{name: "volume of no ConfigMap", first: config, make: byHand(mounted(map[string]any{"configMap": map[string]any{"name": "nosuch"}}))},
		{name: "volume of no Secret", first: secret, make: byHand(mounted(map[string]any{"secret": map[string]any{"secretName": "nosuch"}}))},
		{name: "volume of several, one of them gone", first: secret, make: byHand(mounted(map[string]any{"projected": map[string]any{"sources": []any{
			map[string]any{"configMap": map[string]any{"name": "backstage-ci-config"}}, map[string]any{"secret": map[string]any{"name": "nosuch"}},
		}}}))},
		{name: "all variables of no ConfigMap", first: config, make: func(t *testing.T, in *installation) {
			in.container(t, func(c map[string]any) {
				c["envFrom"] = []any{map[string]any{"configMapRef": map[string]any{"name": "nosuch"}}}
			})
		}},
		{name: "all variables of no Secret", first: secret, make: func(t *testing.T, in *installation) {
			in.container(t, func(c map[string]any) {
				c["envFrom"] = []any{map[string]any{"secretRef": map[string]any{"name": "nosuch"}}}
			})
		}},
		{name: "variable of no ConfigMap", first: config, make: variable(map[string]any{"configMapKeyRef": map[string]any{"name": "nosuch", "key": "x"}})},
		{name: "variable of no key of a ConfigMap", first: key, make: variable(map[string]any{"configMapKeyRef": map[string]any{"name": "backstage-ci-config", "key": "x"}})},
		{name: "variable of another Secret that is not there", first: secret, make: variable(map[string]any{"secretKeyRef": map[string]any{"name": "nosuch", "key": "x"}})},
		{name: "no service account", first: "portal.references/reference.service-account", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.restart(t) })
			in.down(t)
			in.remove(t, portalAccount)
			in.kill(t)
			in.unready(t)
		}},
		{name: "no Secret to pull images with", first: "portal.references/reference.pull-secret", make: byHand(func(spec map[string]any) {
			spec["imagePullSecrets"] = []any{map[string]any{"name": "nosuch"}}
		})},
		{name: "images that are not pulled without a Secret", first: "portal.references/reference.pull-secret", make: func(t *testing.T, in *installation) {
			in.template(t, func(spec map[string]any) { spec["imagePullSecrets"] = []any{map[string]any{"name": "nosuch"}} })
			in.down(t)
			in.pod(t, waiting("ImagePullBackOff", `Back-off pulling image "registry.example.com/portal:7"`), 0, nil)
		}},
	}
}

// TestReferencesExplain: what the kubelet says about an object that is gone, and
// that the portal does not answer, follows from its being gone.
func TestReferencesExplain(t *testing.T) {
	in := install(t)
	noConfigMap(t, in)
	got := in.check(t)
	for _, id := range []string{"portal.rollout", "portal.events", "portal.health"} {
		if r := got.result(id); r.Because != "portal.references" {
			t.Errorf("%s is %s because %q: %s", id, r.Status, r.Because, r.Found)
		}
	}
	if r := got.result("portal.references"); r.Status != "fail" || r.Fix != "backstage-setup install --upgrade -n "+in.namespace {
		t.Errorf("%+v", r)
	}
}

// TestOptional: what may be missing is not missed.
func TestOptional(t *testing.T) {
	in := install(t)
	for name, change := range map[string]func(spec map[string]any){
		"volumes": func(spec map[string]any) {
			mounted(map[string]any{"projected": map[string]any{"sources": []any{
				map[string]any{"configMap": map[string]any{"name": "nosuch", "optional": true}}, map[string]any{"secret": map[string]any{"name": "nosuch", "optional": true}},
			}}})(spec)
			spec["volumes"] = append(spec["volumes"].([]any),
				map[string]any{"name": "one", "configMap": map[string]any{"name": "nosuch", "optional": true}},
				map[string]any{"name": "two", "secret": map[string]any{"secretName": "nosuch", "optional": true}})
		},
		"variables": func(spec map[string]any) {
			spec["containers"].([]any)[0].(map[string]any)["envFrom"] = []any{
				map[string]any{"configMapRef": map[string]any{"name": "nosuch", "optional": true}}, map[string]any{"secretRef": map[string]any{"name": "nosuch", "optional": true}},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in.template(t, change)
			if got := in.check(t); got.First != nil || got.code != 0 {
				t.Errorf("exit %d\n%s", got.code, got.findings())
			}
		})
	}
}
