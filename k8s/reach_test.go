package k8s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestDeadServer(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close() // nobody listens there any more
	c := openAs(t, serverConfig(t, "https://"+port.Addr().String()), nil)
	_, err = c.Reach(t.Context())
	if !errors.Is(err, ErrUnreachable) {
		t.Fatalf("got %v", err)
	}
	if want := "get version: the API server cannot be reached: dial tcp " + port.Addr().String(); !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
	got := c.Discover(t.Context(), Query{Namespace: "ns", Release: "cp"})
	if !errors.Is(got.Server.Err, ErrUnreachable) || got.Secret.Unknown == "" || got.Release.Unknown == "" {
		t.Errorf("%+v", got)
	}
}

func TestSilentServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c, err := Open(Options{Kubeconfig: serverConfig(t, "https://"+silent.Addr().String()), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Reach(t.Context())
	if !errors.Is(err, ErrUnreachable) || !strings.HasSuffix(err.Error(), "did not answer in time") {
		t.Errorf("got %v", err)
	}
}

// Discovery of a server that never answers takes one time-out, not one for each
// round trip.
func TestDiscoverSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		})
		start := time.Now()
		got := c.Discover(t.Context(), Query{Namespace: "ns", Release: "cp"})
		if passed := time.Since(start); passed != DefaultTimeout {
			t.Errorf("it took %v", passed)
		}
		if !errors.Is(got.Server.Err, ErrUnreachable) || got.Secret.Unknown == "" || got.External.Unknown == "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDiscoverCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openAs(t, replayConfig(t), func(http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		got := c.Discover(ctx, Query{Namespace: "ns", Release: "cp"})
		if passed := time.Since(start); passed != time.Second {
			t.Errorf("it took %v", passed)
		}
		if !errors.Is(got.Server.Err, context.Canceled) || errors.Is(got.Server.Err, ErrUnreachable) {
			t.Errorf("got %v", got.Server.Err)
		}
	})
}

// A credential plugin that fails is no unreachable server.
func TestCredentialPluginFails(t *testing.T) {
	path := writeFile(t, "config", `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users:
- name: u
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-credential-plugin, interactiveMode: IfAvailable}
`)
	_, err := openAs(t, path, nil).Reach(t.Context())
	if !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "no-such-credential-plugin") {
		t.Errorf("got %v", err)
	}
}

func TestNotLoggedIn(t *testing.T) {
	cluster := testcluster.Shared(t)
	path := writeFile(t, "config", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: expired}}]
`, cluster.URL()))
	_, err := openAs(t, path, nil).Secret(t.Context(), "ns", "s")
	if !errors.Is(err, ErrLogin) {
		t.Fatalf("got %v", err)
	}
	if want := "get secrets ns/s: not logged in: the API server does not accept the kubeconfig's credentials: log in again"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func replayConfig(t *testing.T) string { return serverConfig(t, "http://replay.invalid") }

func serverConfig(t *testing.T, server string) string {
	t.Helper()
	return writeFile(t, "config", `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "`+server+`"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
`)
}
