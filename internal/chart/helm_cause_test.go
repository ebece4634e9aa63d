//go:build unix

package chart

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
)

const deployment = `
objects: |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: d}
  spec:
    replicas: 1
    selector: {matchLabels: {app: APP}}
    template: {metadata: {labels: {app: APP}}, spec: {containers: [{name: a, image: a, env: [{name: A, value: VALUE}]}]}}
`

func deployed(app, value string) string {
	return strings.NewReplacer("APP", app, "VALUE", value).Replace(deployment)
}

// fails runs an upgrade that has to fail, and returns its hint.
func (s *helmSite) fails(t *testing.T, u Upgrade, cause, hint string) string {
	t.Helper()
	e := helmError(t, s.Upgrade(t.Context(), u, nil))
	if !strings.HasPrefix(e.Cause, cause) || strings.Contains(e.Cause, "\n") {
		t.Errorf("cause %q\n want %q\n%s", e.Cause, cause, strings.Join(e.Output, "\n"))
	}
	if !strings.HasPrefix(e.Hint(), hint) {
		t.Errorf("hint %q\nwant %q", e.Hint(), hint)
	}
	return e.Hint()
}

// command is the last command of a hint.
func command(hint string) string {
	return hint[strings.LastIndex(hint, ": ")+2:]
}

// TestHelmCausesOfTheChart: what is refused before the cluster is touched.
func TestHelmCausesOfTheChart(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		s.fails(t, s.upgrade(t, s.dir+"/nothing", ""), "there is no chart "+s.dir+"/nothing: path", "give --chart")
		u := s.upgrade(t, small, "a: [")
		s.fails(t, u, "the values file "+u.Files[0]+" is not valid YAML: line 1: did not find expected node content", "correct the file")
		u.Files = []string{"not-there.yaml"}
		s.fails(t, u, "the file not-there.yaml is not there", "give the values files with -f")
		s.file(t, "small/templates/fail.yaml", `{{ if eq .Values.value "bad" }}{{ fail "value is bad:\n  - very" }}{{ end }}`)
		s.fails(t, s.upgrade(t, small, "value: bad"), "the chart refuses the values: value is bad: - very", "correct the values file; it is small/templates/fail.yaml:1:")
		s.file(t, "small/values.schema.json", `{"properties": {"value": {"type": "string"}}}`)
		s.fails(t, s.upgrade(t, small, "value: 7"), "the chart's schema refuses the values: small: - ", "correct the values file")
		s.file(t, "small/Chart.yaml", "apiVersion: v2\nname: small\nversion: 0.1.0\nkubeVersion: '>=1.99.0-0'\n")
		s.fails(t, s.upgrade(t, small, ""), "the chart is for Kubernetes >=1.99.0-0, and this is v1.", "take another version")
		s.file(t, "small/Chart.yaml", "apiVersion: v2\nname: small\nversion: 0.1.0\ndependencies: [{name: x, version: 1.0.0, repository: 'oci://example.com'}]\n")
		s.fails(t, s.upgrade(t, small, ""), "the chart lacks charts that it depends on: x", "helm dependency build "+small)
		s.wantStatuses(t, "")
	})
}

// TestHelmCausesOfTheRegistry: what is not there and what is not to be read.
func TestHelmCausesOfTheRegistry(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		if s.Version.Major == 3 && s.Version.Minor < 14 {
			t.Skip("speaks plain http with this machine")
		}
		archive := charttest.Archive(t, charttest.Dir(t))
		for _, registry := range []*charttest.Registry{{}, {User: "u", Password: "p"}} {
			repository := registry.Push(t, "charts", archive)
			server := httptest.NewTLSServer(registry)
			defer server.Close()
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
				t.Fatal(err)
			}
			h := *s.Helm
			h.environ = append(h.environ, "SSL_CERT_FILE="+ca)
			there := helmSite{Helm: &h, cluster: s.cluster, namespace: s.namespace, dir: s.dir}
			host := strings.TrimPrefix(server.URL, "https://")
			ref := "oci://" + host + "/" + repository
			if registry.User != "" {
				there.fails(t, there.upgrade(t, ref+":1.2.3", ""), host+" does not let chart "+ref+" be read", "helm registry login "+host)
				continue
			}
			there.fails(t, there.upgrade(t, ref+":1.2.3", ""), "the chart refuses the values: Placeholder domains found", "correct the values file")
			there.fails(t, there.upgrade(t, ref+":9.9.9", ""), "there is no chart "+ref+" 9.9.9: ", "give --chart")
			there.fails(t, there.upgrade(t, ref+"x", ""), "there is no chart "+ref+"x: ", "give --chart")
			server.Close()
			there.fails(t, there.upgrade(t, ref+":1.2.3", ""), "the cluster or a registry did not answer in time: ", "run it again")
		}
	})
}

// TestHelmCausesOfTheCluster: who cannot get in.
func TestHelmCausesOfTheCluster(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		u := s.upgrade(t, s.small(t), "")
		u.Context = "other"
		s.fails(t, u, `the kubeconfig has no context "other"`, "kubectl config get-contexts")

		config, err := os.ReadFile(s.cluster.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		kubeconfig := func(change func(line string) string) Upgrade {
			var lines []string
			for _, line := range strings.Split(string(config), "\n") {
				lines = append(lines, change(line))
			}
			u := s.upgrade(t, s.small(t), "")
			u.Kubeconfig = s.file(t, "kubeconfig", strings.Join(lines, "\n"))
			return u
		}
		s.fails(t, kubeconfig(func(line string) string {
			if strings.Contains(line, "server: ") {
				return "    server: https://127.0.0.1:1"
			}
			return line
		}), `the cluster cannot be reached: Get "https://127.0.0.1:1/version"`, "kubectl get pods -n "+s.namespace+" --kubeconfig ")
		user := func(by string) Upgrade {
			return kubeconfig(func(line string) string {
				switch {
				case strings.Contains(line, "client-certificate-data: "):
					return "    " + by
				case strings.Contains(line, "client-key-data: "):
					return ""
				}
				return line
			})
		}
		s.fails(t, user("token: wrong"), "the cluster does not accept the credentials of the kubeconfig", "sign in to the cluster again")
		s.fails(t, user("exec: {apiVersion: client.authentication.k8s.io/v1, command: nobody-has-this, interactiveMode: IfAvailable}"),
			"the credential plugin of the kubeconfig failed: executable nobody-has-this not found", "run the printed command yourself: ")
		u = s.upgrade(t, s.small(t), "")
		u.Namespace = "nobody-has-this"
		s.fails(t, u, "there is no namespace nobody-has-this", "kubectl create namespace nobody-has-this")
		u.Kubeconfig = s.cluster.KubeconfigFor(t, "visitor")
		s.fails(t, u, "visitor may not list secrets in namespace nobody-has-this", "ask for the right, or have somebody who has it run the printed command; to see it: kubectl auth can-i list secrets -n nobody-has-this")
	})
}

const denyAll = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]}
  validations: [{expression: "!has(object.data) || !('value' in object.data) || object.data.value != 'denied'", message: no such value}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAMESPACE}
spec: {policyName: NAMESPACE, validationActions: [Deny], matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks:
- name: hook.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: nobody, namespace: NAMESPACE}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
  objectSelector: {matchLabels: {hooked: "yes"}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few, namespace: NAMESPACE}
spec: {hard: {count/services: "0"}}
`

// TestHelmCausesOfObjects: what a cluster refuses, and that the hints help.
func TestHelmCausesOfObjects(t *testing.T) {
	onHelms(t, func(t *testing.T, s *helmSite) {
		small := s.small(t)
		object := func(text string) Upgrade {
			return s.upgrade(t, small, "objects: |\n  "+strings.ReplaceAll(text, "\n", "\n  "))
		}

		s.shell(t, "kubectl create configmap r -n "+s.namespace)
		hint := s.fails(t, s.upgrade(t, small, ""), "ConfigMap r in namespace "+s.namespace+" is there already and is not Helm's", "if the release may have it: kubectl label configmap r -n "+s.namespace)
		s.shell(t, command(hint))
		s.mustUpgrade(t, s.upgrade(t, small, ""))
		other := s.upgrade(t, small, "{objects: '{apiVersion: v1, kind: ConfigMap, metadata: {name: r}}'}")
		other.Release = "other"
		s.fails(t, other, "ConfigMap r in namespace "+s.namespace+" belongs to the release r", "give --release that name")

		s.fails(t, object("{apiVersion: example.com/v9, kind: Gadget, metadata: {name: a}}"),
			"the cluster does not know Gadget of example.com/v9: its CustomResourceDefinitions are not installed", "install what the chart needs first; what is there: kubectl api-resources --api-group=example.com")
		s.wantStatuses(t, "deployed")

		s.mustUpgrade(t, s.upgrade(t, small, deployed("one", "a")))
		hint = s.fails(t, s.upgrade(t, small, deployed("two", "a")), "Deployment d: spec.selector cannot be changed while it exists", "the upgrade creates it anew, and its pods stop meanwhile: kubectl delete deployment d -n "+s.namespace)
		s.shell(t, command(hint))
		s.mustUpgrade(t, s.upgrade(t, small, deployed("two", "a")))

		if s.Version.Major >= 4 { // by the server: others' fields are theirs
			s.shell(t, "kubectl set env deployment/d A=theirs -n "+s.namespace)
			u := s.upgrade(t, small, deployed("two", "b"))
			hint = s.fails(t, u, `Deployment d: .spec.template.spec.containers[name="a"].env[name="A"].value set by kubectl-set, and Helm does not take over`, "have kubectl-set leave it alone, or let the chart win: helm upgrade --install r ")
			s.shell(t, command(hint))
			s.shell(t, "kubectl scale deployment/d --replicas=3 -n "+s.namespace)
			s.fails(t, s.upgrade(t, small, strings.Replace(deployed("two", "b"), "replicas: 1", "replicas: 2", 1)), "Deployment d: .spec.replicas set by kubectl", "an autoscaler or kubectl scale has set the replicas; ")
		}

		s.cluster.ApplyManifest(t, []byte(strings.ReplaceAll(denyAll, "NAMESPACE", s.namespace)))
		u := s.upgrade(t, small, "value: denied")
		s.await(t, u, "the cluster's policy "+s.namespace+" refuses it: no such value")
		s.await(t, object("{apiVersion: v1, kind: ConfigMap, metadata: {name: hooked, labels: {hooked: 'yes'}}}"), "the webhook hook.example.com of the cluster does not answer: ")
		hint = s.await(t, object("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 1}]}}"), "the quota few of the namespace is used up: requested: count/services=1")
		s.shell(t, hint)

		u = s.upgrade(t, small, "hook: post-upgrade")
		u.Timeout = time.Second
		hint = s.fails(t, u, "the chart's post-upgrade Job did not end within 1s", "kubectl ")
		if s.Version.Major >= 4 && !strings.Contains(hint, "describe job forever") {
			t.Error(hint)
		}

		u = s.upgrade(t, small, "")
		u.Kubeconfig = s.cluster.KubeconfigFor(t, "clerk-"+s.namespace)
		s.shell(t, "kubectl create role secrets --verb='*' --resource=secrets -n "+s.namespace+" && kubectl create rolebinding secrets --role=secrets --user=clerk-"+s.namespace+" -n "+s.namespace)
		s.await(t, u, "clerk-"+s.namespace+" may not get configmaps in namespace "+s.namespace)
	})
}

// await is fails for what the API server needs a moment to know: it upgrades until
// that is the cause.
func (s *helmSite) await(t *testing.T, u Upgrade, cause string) string {
	t.Helper()
	for {
		err := s.Upgrade(t.Context(), u, nil)
		if t.Context().Err() != nil {
			t.Fatalf("not before the end of the test: %s", cause)
		}
		if err == nil {
			continue
		}
		e := helmError(t, err)
		if strings.HasPrefix(e.Cause, cause) {
			return e.Hint()
		}
		if !strings.Contains(e.Cause, "quota") && !strings.Contains(e.Cause, "may not") {
			t.Fatalf("cause %q, want %q", e.Cause, cause)
		}
	}
}
