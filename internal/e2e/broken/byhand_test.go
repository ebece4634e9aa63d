package broken_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// container changes the portal's container in the running Deployment by hand.
func (in *installation) container(tb testing.TB, change func(container map[string]any)) {
	tb.Helper()
	tb.Cleanup(func() { in.settle(tb) })
	in.edit(tb, portalDeployment, func(o map[string]any) {
		containers, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
		change(containers[0].(map[string]any))
		if err := unstructured.SetNestedSlice(o, containers, "spec", "template", "spec", "containers"); err != nil {
			tb.Fatal(err)
		}
	})
	in.settle(tb)
}

// image is `kubectl set image`.
func (in *installation) image(tb testing.TB, image string) {
	tb.Helper()
	in.container(tb, func(c map[string]any) { c["image"] = image })
}

// elsewhere has every variable of the portal's Secret taken from another one.
func (in *installation) elsewhere(tb testing.TB, name string) {
	tb.Helper()
	in.container(tb, func(c map[string]any) {
		for _, e := range c["env"].([]any) {
			if ref, ok, _ := unstructured.NestedMap(e.(map[string]any), "valueFrom", "secretKeyRef"); ok {
				ref["name"] = name
				e.(map[string]any)["valueFrom"].(map[string]any)["secretKeyRef"] = ref
			}
		}
	})
}

// rules changes every rule of the portal's route.
func (in *installation) rules(tb testing.TB, change func(rule map[string]any)) {
	tb.Helper()
	in.edit(tb, portalRoute, func(o map[string]any) {
		for _, rule := range o["spec"].(map[string]any)["rules"].([]any) {
			change(rule.(map[string]any))
		}
	})
}

// backend has the portal's route send everything to another place.
func (in *installation) backend(tb testing.TB, service string, port int64) {
	tb.Helper()
	in.rules(tb, func(rule map[string]any) {
		rule["backendRefs"] = []any{map[string]any{"name": service, "port": port}}
	})
}

// readerActions are those of the chart's role backstage-catalog-reader, in YAML.
var readerActions = []string{
	`"clustercomponenttype:view"`, `"clusterdataplane:view"`, `"clusterobservabilityplane:view"`, `"clustertrait:view"`, `"clusterworkflow:view"`,
	`"clusterworkflowplane:view"`, `"component:*"`, `"componenttype:view"`, `"dataplane:view"`, `"deploymentpipeline:view"`, `"environment:view"`,
	`"namespace:view"`, `"observabilityplane:view"`, `"project:view"`, `"trait:view"`, `"workflow:view"`, `"workflowplane:view"`, `"workload:view"`,
}

// TestNoSecondSecret: where the Deployment names another Secret than the release
// does, nothing tells to write that one.
func TestNoSecondSecret(t *testing.T) {
	in := install(t)
	in.elsewhere(t, "other-secrets")
	r := in.check(t).result("secret.exists")
	if r.Status != "fail" || r.Because != "portal.environment" || strings.Contains(r.Fix+r.Hint, "backstage-setup install") || r.Cure.Flow != "" || !strings.Contains(r.Found, "the release has backstage-secrets") {
		t.Errorf("%+v", r)
	}
}
