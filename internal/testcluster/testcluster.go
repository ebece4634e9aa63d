// Package testcluster runs a real Kubernetes control plane (etcd,
// kube-apiserver, kube-controller-manager, kube-scheduler, and kwok in the
// place of the kubelet) on loopback for tests, built from source by the Go
// command. It knows nothing of the portal and reads no kubeconfig of the
// operator's; production code must not import it.
//
// A package with several tests shares one cluster:
//
//	func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }
//
//	func TestSecret(t *testing.T) {
//		c := testcluster.Shared(t)
//		ns := c.Namespace(t)
//		…
//	}
//
// The first use on a machine builds the binaries, which takes minutes; run
// "make testcluster" before.
package testcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// startTimeout bounds one start, from the first process to a Ready node. A
// start takes three seconds on an idle machine; the rest is for machines on
// which every core is busy compiling.
const startTimeout = 3 * time.Minute

// Start starts a cluster of tb's own and ends it when tb ends. Where the
// binaries are not built yet it builds them. It fails tb when that, or the
// start, is not possible; it never skips.
func Start(tb testing.TB, opts ...Option) *Cluster {
	tb.Helper()
	ctx, cancel := deadline(tb)
	defer cancel()
	c, err := New(ctx, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// StartMain is Start for a TestMain: stop ends the cluster. Run and Shared
// are shorter where the tests need no options.
func StartMain(opts ...Option) (c *Cluster, stop func(), err error) {
	c, err = New(context.Background(), opts...)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		if err := c.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return c, stop, nil
}

// shared is the cluster of this test process: Run says that somebody will
// stop it, the first Shared starts it.
var shared struct {
	sync.Mutex
	running bool
	cluster *Cluster
	err     error
}

// Run runs the tests of a package and afterwards ends the cluster that they
// shared, if one was asked for. It returns the exit code for os.Exit.
func Run(m *testing.M) int {
	shared.Lock()
	shared.running = true
	shared.Unlock()

	code := m.Run()

	shared.Lock()
	defer shared.Unlock()
	shared.running = false
	if shared.cluster == nil {
		return code
	}
	if err := shared.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Shared returns the cluster that all tests of this process share, started by
// the first caller. The package's TestMain must call Run. Tests keep apart by
// asking for a Namespace each, and by not changing what has none.
func Shared(tb testing.TB) *Cluster {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		tb.Fatal(`testcluster.Shared: the package needs "func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }"`)
	}
	if shared.cluster == nil && shared.err == nil {
		ctx, cancel := deadline(tb)
		defer cancel()
		shared.cluster, shared.err = New(ctx)
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.cluster
}

// deadline is a context that ends a little before the test binary would be
// killed by its own time-out, so that the reason still gets printed.
func deadline(tb testing.TB) (context.Context, context.CancelFunc) {
	ctx := context.Background()
	if t, ok := tb.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, ok := t.Deadline(); ok {
			return context.WithDeadlineCause(ctx, at.Add(-10*time.Second),
				errors.New(`the test's time was up; run "make testcluster" first, it builds without a time limit`))
		}
	}
	return context.WithCancel(ctx)
}
