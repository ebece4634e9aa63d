package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// standIns are the kinds of the Gateway API and of OpenChoreo, without a schema:
// enough for a release to install.
const standIns = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in for tests"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: HTTPRoute, plural: httproutes}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gateways.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in for tests"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: Gateway, plural: gateways}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: clusterauthzrolebindings.openchoreo.dev
spec:
  group: openchoreo.dev
  scope: Cluster
  names: {kind: ClusterAuthzRoleBinding, plural: clusterauthzrolebindings}
  versions:
    - {name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// TestPrintedCommandsWork is what a newcomer does on a machine with nothing but
// this program: files only, then the printed commands, word for word.
func TestPrintedCommandsWork(t *testing.T) {
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	run, err := wizard.NewSession(steps.Install(), &steps.Env{}, wizard.Settings{NoConfig: true}, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	g := development()
	g["target.namespace"] = s.namespace + "-fresh"
	g["target.release"] = s.namespace
	g["target.values"] = []string{"backstage-values.yaml"}
	g["chart"] = s.chart
	t.Chdir(s.dir)
	for key, value := range g {
		if _, err := run.Give(key, value, answers.FromAnswers, ""); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	if err := run.Load(); err != nil {
		t.Fatal(err)
	}
	end, err := wizard.Headless(t.Context(), run, nil)
	if err != nil || end.Err != nil || len(end.Review.Problems) > 0 {
		t.Fatal(err, end.Err, end.Review.Problems)
	}
	info, err := os.Stat("backstage-secrets.yaml")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the manifest's mode is %v: %v", info.Mode(), err)
	}
	outputs := map[string]string{}
	for _, c := range end.Review.Plan.Next {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, "sh", "-c", c.Line)
		cmd.Env = []string{"PATH=" + s.Bin + ":" + os.Getenv("PATH"), "KUBECONFIG=" + s.Kubeconfig, "HOME=" + s.dir}
		out, err := cmd.CombinedOutput()
		cancel()
		outputs[c.Comment] = string(out)
		if err != nil && !strings.Contains(c.Line, "kubectl logs") { // kwok's pods have no log of their own
			t.Errorf("$ %s\n%s%v", c.Line, out, err)
		}
	}
	for comment, want := range map[string]string{
		"is the portal up":       "successfully rolled out",
		"which database it uses": "DATABASE_CLIENT=better-sqlite3",
	} {
		if !strings.Contains(outputs[comment], want) {
			t.Errorf("%s: %q is not in %q", comment, want, outputs[comment])
		}
	}
}
