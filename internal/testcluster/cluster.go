package testcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Context is the name of the only context in every kubeconfig that this
// package writes.
const Context = "test"

// NodeName is the name of the node that kwok runs.
const NodeName = "node-1"

// Cluster is a running control plane with one Ready node.
type Cluster struct {
	// Kubeconfig is the path of a kubeconfig whose user may do everything.
	Kubeconfig string
	// Dir is the cluster's own directory: certificates, data, and each
	// component's output in <name>.log. Stop removes it.
	Dir string
	// Bin is the directory of the programs, with kubectl and helm for tests that
	// do what an operator would type.
	Bin string

	url       string
	ca        *authority
	config    *rest.Config
	dynamic   dynamic.Interface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	processes *processes
	stop      func() error
}

// attemptTimeout bounds one try to start, which takes seconds.
const attemptTimeout = time.Minute

// New starts a cluster; ctx bounds the start (and a build, where the binaries
// are missing), not the cluster's life. Tests use Start or Shared instead. An
// error says which component ended or what was waited for, and holds the ends
// of the components' logs.
func New(ctx context.Context, opts ...Option) (*Cluster, error) {
	bin, err := Build(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	// Ports are chosen before they are bound. When somebody else was faster,
	// a component ends at once and other ports are as good.
	const attempts = 3
	for n := 1; ; n++ {
		once, done := context.WithTimeoutCause(ctx, attemptTimeout, fmt.Errorf("not ready after %s", attemptTimeout))
		c, err := start(once, bin, o)
		late := once.Err() != nil
		done()
		if err == nil {
			return c, nil
		}
		// On a busy machine kwok can come up before its resources are served.
		again := late || errors.Is(err, errPortTaken) || meta.IsNoMatchError(err)
		if n == attempts || !again || ctx.Err() != nil {
			return nil, fmt.Errorf("testcluster: %w", err)
		}
	}
}

// Stop ends all components and removes Dir. A component that had already
// ended by itself is an error, with its last words. Further calls do nothing.
func (c *Cluster) Stop() error { return c.stop() }

func start(ctx context.Context, bin string, o options) (c *Cluster, err error) {
	dir, release, err := newDir()
	if err != nil {
		return nil, err
	}
	ps := newProcesses()
	defer func() {
		if err != nil {
			ps.stop()
			os.RemoveAll(dir)
			release()
		}
	}()
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	if err := ca.writePKI(dir); err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	c = &Cluster{
		Dir:       dir,
		Bin:       bin,
		url:       fmt.Sprintf("https://127.0.0.1:%d", ports[0]),
		ca:        ca,
		processes: ps,
	}
	c.stop = sync.OnceValue(func() error {
		defer release()
		err := c.diedError()
		ps.stop()
		return errors.Join(err, os.RemoveAll(dir))
	})
	for user, group := range map[string]string{
		"admin":                          "system:masters",
		"kwok":                           "system:masters",
		"system:kube-controller-manager": "system:masters",
		"system:kube-scheduler":          "",
	} {
		if _, err := c.writeKubeconfig(user, group); err != nil {
			return nil, err
		}
	}
	c.Kubeconfig = c.kubeconfigPath("admin")
	if err := c.newClients(); err != nil {
		return nil, err
	}
	l := layout{bin: bin, dir: dir, apiPort: ports[0], kubeletPort: ports[1]}
	if err := c.startComponents(ctx, l, o); err != nil {
		return nil, fmt.Errorf("%w%s", err, ps.logTails(15))
	}
	return c, nil
}

func (c *Cluster) newClients() error {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // the client's own limit of 5 requests a second
	c.config = config
	c.dynamic, err = dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))
	return nil
}

// Config returns a client configuration whose user may do everything, without
// client-side throttling. The caller may change it.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// URL returns the address of the API server, such as https://127.0.0.1:23456.
func (c *Cluster) URL() string { return c.url }

func (c *Cluster) kubeconfigPath(user string) string {
	return filepath.Join(c.Dir, filepath.Base(user)+".kubeconfig")
}
