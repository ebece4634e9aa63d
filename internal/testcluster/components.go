package testcluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// serviceCIDR is the range of cluster IPs; its first address is that of the
// API server's own Service.
const (
	serviceCIDR  = "10.0.0.0/24"
	apiServiceIP = "10.0.0.1"
)

var errPortTaken = errors.New("a port was taken meanwhile")

// layout is where things are for one start.
type layout struct {
	bin, dir             string
	apiPort, kubeletPort int
}

func (l layout) file(name string) string { return filepath.Join(l.dir, name) }

// startComponents starts everything and returns when the node is Ready. Each
// component is started when what it talks to answers: one that has to ask
// twice asks again a second later, or more.
func (c *Cluster) startComponents(ctx context.Context, l layout, o options) error {
	if err := c.launch(l, "etcd", etcdArgs(l)); err != nil {
		return err
	}
	err := c.await(ctx, "etcd to be healthy", etcdHealth(l))
	if err != nil {
		return err
	}
	if err := c.launch(l, "kube-apiserver", append(apiServerArgs(l), o.apiServerArgs...)); err != nil {
		return err
	}
	core, err := typedcorev1.NewForConfig(c.config)
	if err != nil {
		return err
	}
	err = c.await(ctx, "the API server to be ready", func(ctx context.Context) error {
		return core.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return err
	}
	if err := c.launch(l, "kube-controller-manager", controllerManagerArgs(l)); err != nil {
		return err
	}
	if err := c.launch(l, "kube-scheduler", schedulerArgs(l)); err != nil {
		return err
	}
	if err := c.startKwok(ctx, l); err != nil {
		return err
	}
	return c.addNode(ctx, l, core)
}

// addNode adds the node and waits until pods can be bound to it and its
// kubelet, which is kwok, answers.
func (c *Cluster) addNode(ctx context.Context, l layout, core *typedcorev1.CoreV1Client) error {
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return err
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   NodeName,
		Labels: map[string]string{corev1.LabelHostname: NodeName},
	}}
	if _, err := core.Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	return c.await(ctx, "the node to be ready", func(ctx context.Context) error {
		node, err := core.Nodes().Get(ctx, NodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("taints %v", node.Spec.Taints)
		}
		if !slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}) {
			return errors.New("not Ready")
		}
		return get(ctx, client, fmt.Sprintf("https://127.0.0.1:%d/healthz", l.kubeletPort))
	})
}

func (c *Cluster) launch(l layout, name string, args []string) error {
	_, err := c.processes.start(l.dir, name, filepath.Join(l.bin, executable(name)), args...)
	return err
}

// await calls probe until it returns nil, a component ends, or ctx does.
func (c *Cluster) await(ctx context.Context, what string, probe func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := probe(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if died := c.diedError(); died != nil {
			return died
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w: %w", what, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// diedError is nil while all components run.
func (c *Cluster) diedError() error {
	p := c.processes.firstExited()
	if p == nil {
		return nil
	}
	if strings.Contains(p.logTail(20), "address already in use") {
		return fmt.Errorf("%s: %w", p.name, errPortTaken)
	}
	return fmt.Errorf("%s ended by itself (%v); it wrote last\n%s", p.name, p.err, p.logTail(20))
}

func etcdArgs(l layout) []string {
	// Nobody reads the addresses that the only member advertises, but etcd
	// wants a port in them.
	const advertised = "http://127.0.0.1:2380"
	return []string{
		"--name=testcluster",
		"--data-dir=" + l.file("etcd"),
		"--listen-client-urls=unix://" + l.file("etcd.sock"),
		"--advertise-client-urls=" + advertised,
		"--listen-peer-urls=unix://" + l.file("peer.sock"),
		"--initial-advertise-peer-urls=" + advertised,
		"--initial-cluster=testcluster=" + advertised,
		"--unsafe-no-fsync",
		// With one member nobody can be slow to answer.
		"--heartbeat-interval=10",
		"--election-timeout=50",
		"--log-level=warn",
	}
}

func etcdHealth(l layout) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", l.file("etcd.sock"))
		},
	}}
	return func(ctx context.Context) error { return get(ctx, client, "http://etcd/health") }
}

// get is nil when url answers 200.
func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func apiServerArgs(l layout) []string {
	return []string{
		"--etcd-servers=unix://" + l.file("etcd.sock"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(l.apiPort),
		// Loopback is not allowed in Endpoints, and nothing in the cluster
		// has a network: the address is from the range for documentation.
		"--advertise-address=192.0.2.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceCIDR,
		"--tls-cert-file=" + l.file("server.crt"),
		"--tls-private-key-file=" + l.file("server.key"),
		"--client-ca-file=" + l.file("ca.crt"),
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.file("sa.key"),
		"--service-account-signing-key-file=" + l.file("sa.key"),
		"--kubelet-certificate-authority=" + l.file("ca.crt"),
		"--kubelet-client-certificate=" + l.file("kubelet-client.crt"),
		"--kubelet-client-key=" + l.file("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
	}
}

func controllerManagerArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.file("system:kube-controller-manager.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=1000",
		"--kube-api-burst=1000",
		"--service-account-private-key-file=" + l.file("sa.key"),
		"--root-ca-file=" + l.file("ca.crt"),
		// A busy machine delays kwok's heartbeats; the node stays good.
		"--node-monitor-grace-period=30m",
	}
}

func schedulerArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.file("system:kube-scheduler.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=1000",
		"--kube-api-burst=1000",
	}
}

// freePorts picks ports that nobody listens on, from below the range that the
// kernel gives to outgoing connections.
func freePorts(n int) ([]int, error) {
	const low, span = 20000, 10000
	var ports []int
	for range 1000 {
		offset, err := rand.Int(rand.Reader, big.NewInt(span))
		if err != nil {
			return nil, err
		}
		port := low + int(offset.Int64())
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer listener.Close() // only now: no port is picked twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports on 127.0.0.1", n)
}
