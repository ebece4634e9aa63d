package k8s

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// installed is a control plane as its chart makes it; NS is its namespace.
const installed = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: portal
  namespace: NS
  labels: &labels
    helm.sh/chart: openchoreo-control-plane-1.2.3
    app.kubernetes.io/name: openchoreo-control-plane
    app.kubernetes.io/instance: cp
    app.kubernetes.io/version: v1.2.3
    app.kubernetes.io/managed-by: Helm
    app.kubernetes.io/component: backstage
    helm.toolkit.fluxcd.io/name: cp
    helm.toolkit.fluxcd.io/namespace: flux-system
  annotations: {reloader.stakater.com/auto: "true"}
spec:
  selector: {matchLabels: {app.kubernetes.io/component: backstage}}
  template:
    metadata: {labels: *labels}
    spec:
      containers:
      - name: backstage
        image: ghcr.io/openchoreo/openchoreo-ui:v1.2.3
        env:
        - {name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: portal-secrets, key: backend-secret}}}
        - {name: DATABASE_CLIENT, value: pg}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: openchoreo-api-config, namespace: NS}
data: {config.yaml: "security: {authentication: {jwt: {issuer: 'https://id.example.com'}}}"}
---
apiVersion: v1
kind: Secret
metadata: {name: portal-secrets, namespace: NS}
stringData: {client-secret: c, backend-secret: b}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast-NS, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: slow-NS}
provisioner: kubernetes.io/no-provisioner
`

// custom is what of it needs resource definitions.
const custom = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal-es, namespace: NS}
spec:
  refreshInterval: 1h
  secretStoreRef: {kind: ClusterSecretStore, name: store-NS}
  target: {name: portal-secrets, creationPolicy: Merge}
  data:
  - {secretKey: client-secret, remoteRef: {key: backstage-client-secret, property: value}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: portal-secrets, namespace: NS}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: store-NS}
  target: {name: another}
  data:
  - {secretKey: a, remoteRef: {key: a}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: store-NS}
spec:
  provider:
    vault:
      server: http://openbao.openbao.svc:8200
      path: secret
      version: v2
      auth: {kubernetes: {mountPath: kubernetes, role: reader}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway-default, namespace: NS}
spec:
  gatewayClassName: kgateway
  listeners:
  - {name: http, port: 8080, protocol: HTTP}
  - {name: https, port: 8443, protocol: HTTPS, hostname: "*.example.com", tls: {certificateRefs: [{name: wildcard}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: portal, namespace: NS, labels: {app.kubernetes.io/component: backstage}}
spec: {hostnames: [console.example.com], parentRefs: [{name: gateway-default}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: openchoreo-api, namespace: NS, labels: {app.kubernetes.io/component: api-server}}
spec: {hostnames: [api.example.com], parentRefs: [{name: gateway-default}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: unrelated, namespace: NS}
spec: {hostnames: [other.example.com]}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ClusterWorkflowPlane
metadata: {name: wp-NS}
spec: {planeID: default, clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: openchoreo.dev/v1alpha1
kind: WorkflowPlane
metadata: {name: own, namespace: NS}
spec: {planeID: default, clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: openchoreo.dev/v1alpha1
kind: ObservabilityPlane
metadata: {name: op, namespace: NS}
spec: {planeID: default, observerURL: "https://observer.example.com", clusterAgent: {clientCA: {value: ca}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: thunder}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: thunder, namespace: thunder, labels: {app.kubernetes.io/name: thunder}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: thunder}}
  template:
    metadata: {labels: {app.kubernetes.io/name: thunder}}
    spec: {containers: [{name: thunder, image: "thunder:0.28.0"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: thunder, namespace: thunder}
spec: {hostnames: [thunder.example.com]}
`

// install makes a control plane in a new namespace; kinds is whether the
// resource definitions are there.
func install(t *testing.T, cluster *testcluster.Cluster, kinds bool) (ns string) {
	t.Helper()
	ns = cluster.Namespace(t)
	manifest := installed
	if kinds {
		manifest += "\n---" + custom
	}
	cluster.ApplyManifest(t, []byte(strings.ReplaceAll(manifest, "NS", ns)))
	for _, revision := range []struct{ version, status string }{{"8", "superseded"}, {"9", "failed"}, {"10", "deployed"}} {
		text := strings.ReplaceAll(releaseJSON, `"version": 12`, `"version": `+revision.version)
		cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: v1
kind: Secret
metadata:
  name: sh.helm.release.v1.cp.v%[1]s
  namespace: %[2]s
  labels: {owner: helm, name: cp, status: %[3]s, version: "%[1]s"}
type: helm.sh/release.v1
stringData: {release: %[4]s}
`, revision.version, ns, revision.status, packRelease(t, strings.ReplaceAll(text, `"deployed"`, `"`+revision.status+`"`))))
	}
	return ns
}

// setStatus writes the status of a custom resource, as its controller would.
func setStatus(t *testing.T, cluster *testcluster.Cluster, k kind, ns, name, status string) {
	t.Helper()
	client, err := dynamic.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	var resource dynamic.ResourceInterface = client.Resource(schema.GroupVersionResource{Group: k.group, Version: k.version, Resource: k.resource})
	if ns != "" {
		resource = resource.(dynamic.NamespaceableResourceInterface).Namespace(ns)
	}
	_, err = resource.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status":`+status+`}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
}
