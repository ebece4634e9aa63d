// Package estest is the controller of External Secrets as far as tests need it:
// it syncs the ExternalSecrets of one namespace of a test cluster from a real
// KV version 2 server, with the statuses, messages, events and marks of upstream
// (read in its source at 2.9). It renders no templates, and reads only the
// provider vault. It knows nothing of the program, and production code must not
// import it.
package estest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

const group = "external-secrets.io"

// Store is the server that is read instead of the one that a SecretStore
// names, which is a name inside of a cluster.
type Store struct {
	URL       string       // such as http://127.0.0.1:8200
	Token     string       // sent as X-Vault-Token
	Transport *http.Client // nil is one that keeps no connections
}

// Controller syncs the ExternalSecrets of one namespace until its test ends.
type Controller struct {
	namespace string
	version   string // of the API that the cluster serves
	dynamic   dynamic.Interface
	core      typedcorev1.CoreV1Interface
	store     Store
	log       func(format string, args ...any)

	wake   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex // held while something is written
	paused bool
	tried  map[string]attempt // by UID
	said   map[string]string  // name of the event, by UID and message
}

// Start runs the controller for the ExternalSecrets of the namespace. The
// cluster must have their CustomResourceDefinitions. When tb ends, the
// controller does, and takes its finalizers with it: no namespace waits for
// them.
func Start(tb testing.TB, cluster *testcluster.Cluster, namespace string, store Store) *Controller {
	tb.Helper()
	config := cluster.Config()
	config.Proxy = http.ProxyFromEnvironment // a transport of its own: it is closed with the controller
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	c := &Controller{
		namespace: namespace, store: store, log: tb.Logf,
		wake: make(chan struct{}, 1), tried: map[string]attempt{}, said: map[string]string{},
	}
	if c.store.Transport == nil {
		c.store.Transport = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(config, client); err != nil {
		tb.Fatal(err)
	}
	if c.core, err = typedcorev1.NewForConfigAndClient(config, client); err != nil {
		tb.Fatal(err)
	}
	if c.version, err = c.served(tb.Context()); err != nil {
		tb.Fatalf("estest: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.done.Go(func() { c.run(ctx) })
	c.done.Go(func() { c.watch(ctx, c.watchExternalSecrets) })
	c.done.Go(func() { c.watch(ctx, c.watchSecrets) })
	tb.Cleanup(func() {
		c.Stop()
		if err := c.dropFinalizers(context.Background()); err != nil {
			tb.Errorf("estest: %v", err)
		}
		utilnet.CloseIdleConnectionsFor(client.Transport)
	})
	return c
}

// served returns the version in which ExternalSecrets are served.
func (c *Controller) served(ctx context.Context) (version string, err error) {
	for _, version = range []string{"v1", "v1beta1"} {
		c.version = version
		if _, err = c.resource("externalsecrets").List(ctx, metav1.ListOptions{Limit: 1}); err == nil {
			return version, nil
		}
	}
	return "", err
}

// Stop ends the controller, as if its Deployment had been scaled to nothing:
// finalizers and statuses stay. When it returns, nothing is written any more.
func (c *Controller) Stop() {
	c.cancel()
	c.done.Wait()
}

// Pause holds the controller. When it returns, nothing is written any more.
func (c *Controller) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = true
}

// Resume lets the controller go on with what has happened meanwhile.
func (c *Controller) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = false
	c.nudge()
}

func (c *Controller) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it will look at everything anyway
	}
}

func (c *Controller) resource(plural string) dynamic.ResourceInterface {
	r := c.dynamic.Resource(schema.GroupVersionResource{Group: group, Version: c.version, Resource: plural})
	if strings.HasPrefix(plural, "cluster") {
		return r
	}
	return r.Namespace(c.namespace)
}

// run looks at all ExternalSecrets whenever something has changed, or the next
// refresh or retry is due.
func (c *Controller) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
		timer.Reset(c.reconcileAll(ctx))
	}
}

func (c *Controller) watchExternalSecrets(ctx context.Context) (watch.Interface, error) {
	return c.resource("externalsecrets").Watch(ctx, metav1.ListOptions{})
}

func (c *Controller) watchSecrets(ctx context.Context) (watch.Interface, error) {
	return c.core.Secrets(c.namespace).Watch(ctx, metav1.ListOptions{LabelSelector: labelManaged + "=true"})
}

// watch wakes the controller at every event. A watch without a version begins
// with all that is there.
func (c *Controller) watch(ctx context.Context, open func(context.Context) (watch.Interface, error)) {
	for ctx.Err() == nil {
		w, err := open(ctx)
		if err != nil {
			c.complain(ctx, "watch", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		for range w.ResultChan() {
			c.nudge()
		}
		w.Stop()
	}
}

// complain logs what should not happen, unless the controller is ending.
func (c *Controller) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		c.log("estest: %s: %v", what, err)
	}
}
