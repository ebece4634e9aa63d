package testcluster_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedappsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestMain(m *testing.M) {
	code := testcluster.Run(m)
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestDeploymentRollsOut(t *testing.T) {
	c := testcluster.Shared(t)
	ns := c.Namespace(t)
	c.ApplyManifest(t, deployment(ns, 2))

	apps, err := typedappsv1.NewForConfig(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		d, err := apps.Deployments(ns).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas != 2 || d.Status.ObservedGeneration != d.Generation {
			return fmt.Errorf("status %+v", d.Status)
		}
		return nil
	})
}

func TestSecretConflict(t *testing.T) {
	c := testcluster.Shared(t)
	secrets := core(t, c.Config()).Secrets(c.Namespace(t))
	ctx := t.Context()

	first, err := secrets.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "s"},
		StringData: map[string]string{"key": "1"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	patch := func(value string) error {
		body := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"stringData":{"key":%q}}`, first.ResourceVersion, value)
		_, err := secrets.Patch(ctx, "s", types.MergePatchType, []byte(body), metav1.PatchOptions{})
		return err
	}
	if err := patch("2"); err != nil {
		t.Fatal(err)
	}
	if err := patch("3"); !apierrors.IsConflict(err) {
		t.Fatalf("second patch of the same resourceVersion: %v, want 409", err)
	}
	got, err := secrets.Get(ctx, "s", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Data["key"]) != "2" {
		t.Fatalf("key = %q, want the first patch's", got.Data["key"])
	}
}

func TestKubeconfigForIsRestricted(t *testing.T) {
	c := testcluster.Shared(t)
	ns := c.Namespace(t)
	path := c.KubeconfigFor(t, "jane", "operators")
	file, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if file.CurrentContext != testcluster.Context {
		t.Errorf("context = %q, want %q", file.CurrentContext, testcluster.Context)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	jane := core(t, config)
	list := func(namespace string) error {
		_, err := jane.Secrets(namespace).List(t.Context(), metav1.ListOptions{})
		return err
	}
	if err := list(ns); !apierrors.IsForbidden(err) {
		t.Fatalf("list without a rule: %v, want 403", err)
	}
	c.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: secrets, namespace: NS}
rules: [{apiGroups: [""], resources: [secrets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: secrets, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: secrets}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: operators}]
`, "NS", ns)))
	eventually(t, func(context.Context) error { return list(ns) })
	if err := list("kube-system"); !apierrors.IsForbidden(err) {
		t.Fatalf("list in another namespace: %v, want 403", err)
	}
}

func TestApplyCRDs(t *testing.T) {
	c := testcluster.Shared(t)
	ns := c.Namespace(t)
	dir := t.TempDir()
	const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.test.example}
spec:
  group: test.example
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {size: {type: integer}}}
`
	if err := os.WriteFile(filepath.Join(dir, "gadgets.yaml"), []byte(crd), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ApplyCRDs(t, dir)

	gadget := func(size string) []byte {
		return fmt.Appendf(nil, "apiVersion: test.example/v1\nkind: Gadget\nmetadata: {name: g, namespace: %s}\nspec: {size: %s}\n", ns, size)
	}
	c.ApplyManifest(t, gadget("1"))
	if err := c.Apply(t.Context(), gadget("large")); err == nil || !strings.Contains(err.Error(), ".spec.size") {
		t.Errorf("a value against the schema: %v, want .spec.size refused", err)
	}
}

func TestLogsAndPortForward(t *testing.T) {
	c := testcluster.Shared(t)
	ns := c.Namespace(t)
	c.ApplyManifest(t, deployment(ns, 1))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "from the target")
	}))
	defer server.Close()
	log := filepath.Join(t.TempDir(), "web.log")
	line := "2026-01-02T03:04:05.000000000Z stdout F listening\n" // CRI log format
	if err := os.WriteFile(log, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: %[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{logsFile: %[2]s}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: %[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  forwards: [{ports: [7007], target: {address: 127.0.0.1, port: %[3]d}}]
`, ns, log, server.Listener.Addr().(*net.TCPAddr).Port))

	pods := core(t, c.Config()).Pods(ns)
	var pod string
	eventually(t, func(ctx context.Context) error {
		list, err := pods.List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 {
			return fmt.Errorf("%d running pods", len(list.Items))
		}
		pod = list.Items[0].Name
		got, err := pods.GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(ctx)
		if err != nil {
			return err
		}
		if string(got) != "listening\n" {
			return fmt.Errorf("log %q", got)
		}
		return nil
	})
	eventually(t, func(ctx context.Context) error {
		got, err := getThroughPortForward(ctx, c.Config(), ns, pod)
		if err == nil && got != "from the target" {
			err = fmt.Errorf("body %q", got)
		}
		return err
	})
}

func TestStageOfATestWins(t *testing.T) {
	c := testcluster.Shared(t)
	ns := c.Namespace(t)
	c.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: crash-%[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.namespace, operator: In, values: [%[1]s]}
      - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
      - {key: .status.phase, operator: In, values: [Pending]}
  weight: 1
  next:
    statusTemplate: |
      phase: Running
      podIP: 10.1.99.99
      containerStatuses:
      - name: web
        image: web
        imageID: ""
        ready: false
        restartCount: 3
        state:
          waiting: {reason: CrashLoopBackOff}
`, ns))
	c.ApplyManifest(t, deployment(ns, 1))
	pods := core(t, c.Config()).Pods(ns)
	eventually(t, func(ctx context.Context) error {
		list, err := pods.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, pod := range list.Items {
			for _, s := range pod.Status.ContainerStatuses {
				if s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" {
					return nil
				}
			}
		}
		return fmt.Errorf("no pod in CrashLoopBackOff: %+v", list.Items)
	})
}

func deployment(namespace string, replicas int) []byte {
	return fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web, ports: [{containerPort: 7007}]}]
`, namespace, replicas)
}

func core(t *testing.T, config *rest.Config) *typedcorev1.CoreV1Client {
	t.Helper()
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually repeats probe until it returns nil, for half a minute.
func eventually(t *testing.T, probe func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := probe(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatal(last)
		case <-tick.C:
		}
	}
}

func getThroughPortForward(ctx context.Context, config *rest.Config, namespace, pod string) (string, error) {
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return "", err
	}
	url := client.RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	dialer, err := portforward.NewSPDYOverWebsocketDialer(url, config)
	if err != nil {
		return "", err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	var stderr bytes.Buffer
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:7007"}, stop, ready, io.Discard, &stderr)
	if err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case err := <-ended:
		return "", err
	case <-ready:
	}
	defer func() {
		close(stop)
		<-ended
	}()
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local), nil)
	if err != nil {
		return "", err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", fmt.Errorf("%w; %s", err, stderr.String())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
