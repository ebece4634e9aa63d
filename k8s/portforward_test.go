package k8s

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestIsClusterAddress(t *testing.T) {
	for host, want := range map[string]bool{
		"postgres.db.svc":                       true,
		"postgres.db.svc.":                      true,
		"Postgres.DB.SVC.Cluster.Local":         true,
		"postgres.db.svc.k8s.example.com":       true,
		"postgres-0.postgres.db.svc":            true,
		"postgres-0.postgres.db.svc.my.domain":  true,
		"svc.svc.svc":                           true,
		"postgres.db":                           false,
		"postgres":                              false,
		"":                                      false,
		"example.com":                           false,
		"db.example.com":                        false,
		"a.b.c.d.svc":                           false,
		"svc.example.com":                       false,
		"a.svc.example.com":                     false,
		"10.0.0.1":                              false,
		"::1":                                   false,
		"post_gres.db.svc":                      false,
		".db.svc":                               false,
		"postgres..svc":                         false,
		"postgres.db.svc..":                     false,
		strings.Repeat("a", 64) + ".db.svc":     false,
		"postgres.db.svc.cluster.local:5432":    false,
		"user@postgres.db.svc":                  false,
		"postgres.db.services.example.com":      false,
		"postgres-0.postgres.db.svcs.my.domain": false,
	} {
		if got := IsClusterAddress(host); got != want {
			t.Errorf("%q: got %t", host, got)
		}
	}
}

// What is accepted is a Service that can be asked for, and its own name.
func FuzzParseServiceHost(f *testing.F) {
	for _, host := range []string{"postgres.db.svc", "a.b.c.svc.cluster.local.", "svc.svc.svc.svc", "A.B.SVC", "..svc", "a.b.svc:1"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		s, ok := parseServiceHost(host)
		if !ok {
			return
		}
		name := strings.TrimPrefix(s.pod+"."+s.name+"."+s.namespace+".svc", ".")
		if again, ok := parseServiceHost(name); !ok || again != s {
			t.Errorf("%q: read %+v, written %q, read %+v", host, s, name, again)
		}
		if !strings.HasPrefix(strings.ToLower(host), name) {
			t.Errorf("%q is no beginning of %q", name, host)
		}
	})
}

// backendManifest is Services of every kind in the namespace NS; the pod's ports
// lead to the real servers at ECHO and WEB.
const backendManifest = `
apiVersion: v1
kind: Pod
metadata: {name: server-0, namespace: NS, labels: {app: server}}
spec:
  hostname: server-0
  subdomain: headless
  containers: [{name: c, image: i, ports: [{name: echo, containerPort: 7}, {name: web, containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: NS}
spec:
  selector: {app: server}
  ports:
  - {name: echo, port: 5432, targetPort: echo}
  - {name: web, port: 80, targetPort: 8080}
  - {name: closed, port: 81, targetPort: 9}
  - {name: nowhere, port: 82, targetPort: none}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: NS}
spec: {clusterIP: None, selector: {app: server}, ports: [{name: any, port: 1}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: NS}
spec: {type: ExternalName, externalName: server.NS.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: NS}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: v1
kind: Service
metadata: {name: circle, namespace: NS}
spec: {type: ExternalName, externalName: circle.NS.svc}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: NS}
spec: {selector: {app: nobody, tier: db}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: addresses, namespace: NS}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: addresses, namespace: NS, labels: {kubernetes.io/service-name: addresses}}
addressType: IPv4
ports: [{name: "", port: 80}]
endpoints: [{addresses: [192.0.2.9]}]
---
apiVersion: v1
kind: Service
metadata: {name: unwatched, namespace: NS}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elected, namespace: NS}
spec: {ports: [{port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: elected, namespace: NS, labels: {kubernetes.io/service-name: elected}}
addressType: IPv4
ports: [{name: "", port: 7}]
endpoints:
- {addresses: [192.0.2.8], conditions: {ready: false}, targetRef: {kind: Pod, namespace: NS, name: gone}}
- {addresses: [192.0.2.9], targetRef: {kind: Pod, namespace: NS, name: server-0}}
---
apiVersion: v1
kind: Pod
metadata: {name: broken, namespace: NS, labels: {app: broken}}
spec: {containers: [{name: c, image: i}], nodeSelector: {no: such-node}}
---
apiVersion: v1
kind: Service
metadata: {name: broken, namespace: NS}
spec: {selector: {app: broken}, ports: [{port: 80}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards:
  - {ports: [7], target: {address: 127.0.0.1, port: ECHO}}
  - {ports: [8080], target: {address: 127.0.0.1, port: WEB}}
  - {ports: [9], target: {address: 127.0.0.1, port: 1}}
`

// primaryManifest is a Service as Crunchy's operator makes it for the leader of a
// cluster: headless, and its endpoint the cluster address of another one.
const primaryManifest = `
apiVersion: v1
kind: Service
metadata: {name: primary, namespace: NS}
spec: {clusterIP: None, ports: [{name: postgres, port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: primary, namespace: NS, labels: {kubernetes.io/service-name: primary}}
addressType: IPv4
ports: [{name: postgres, port: 5432}]
endpoints: [{addresses: [ADDRESS]}]
`

// echo is a TCP server that sends back what it gets; a connection that begins
// with a line "say <n>" is told n bytes and closed.
func echo(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			serving.Go(func() { converseWith(conn) })
		}
	})
	return listener
}

// converseWith is what echo does with one connection. kwok does not tell it that
// the other side is closed.
func converseWith(conn net.Conn) {
	defer conn.Close()
	var word [4]byte
	if _, err := io.ReadFull(conn, word[:]); err != nil {
		return
	}
	if string(word[:]) == "say " {
		var n int
		fmt.Fscanln(conn, &n)
		conn.Write(random(n))
		return
	}
	conn.Write(word[:])
	io.Copy(conn, conn)
}

// random is n bytes, the same each time.
func random(n int) []byte {
	out := make([]byte, n)
	if _, err := rand.NewChaCha8([32]byte{7}).Read(out); err != nil {
		panic(err)
	}
	return out
}

// serve makes the Services of backendManifest, and waits until the node forwards.
func serve(t *testing.T, cluster *testcluster.Cluster) (ns string, c *Client) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, io.MultiReader(strings.NewReader(r.Host+" "), r.Body))
	}))
	t.Cleanup(web.Close)
	ns = cluster.Namespace(t)
	port := func(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }
	cluster.ApplyManifest(t, []byte(strings.NewReplacer(
		"NS", ns, "ECHO", port(echo(t)), "WEB", port(web.Listener)).Replace(backendManifest)))
	c, _ = admin(t, cluster)
	for _, address := range []string{"server.NS.svc:5432", "headless.NS.svc:7"} {
		eventually(t, "the node forwards", func() error {
			conn, err := c.Dial(t.Context(), "tcp", strings.ReplaceAll(address, "NS", ns))
			if err != nil {
				return err
			}
			defer conn.Close()
			return converse(conn, []byte("ping"))
		})
	}
	return ns, c
}

// converse expects to get back what it sends.
func converse(conn net.Conn, text []byte) error {
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(text)
		sent <- err
	}()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, text) {
		return fmt.Errorf("sent %x, got %x", sha256.Sum256(text), sha256.Sum256(got))
	}
	return <-sent
}

func dial(t *testing.T, c *Client, address string) net.Conn {
	t.Helper()
	conn, err := c.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestDial(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns, c := serve(t, cluster)
	service := "server." + ns + ".svc"

	for name, address := range map[string]string{
		"a named target port":      service + ":5432",
		"with a cluster domain":    service + ".cluster.example:5432",
		"a headless Service":       "headless." + ns + ".svc:7",
		"one pod of it":            "server-0.headless." + ns + ".svc.cluster.local:7",
		"an alias":                 "alias." + ns + ".svc:5432",
		"no selector, but its pod": "elected." + ns + ".svc:5432",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, c, address)
			if err := converse(conn, []byte("hello, pod")); err != nil {
				t.Error(err)
			}
			if got := conn.RemoteAddr(); got.String() != address || got.Network() != "tcp" {
				t.Errorf("remote address %s %s", got.Network(), got)
			}
		})
	}

	t.Run("an address that is a Service's", func(t *testing.T) {
		s, err := c.service(t.Context(), serviceHost{name: "server", namespace: ns})
		if err != nil {
			t.Fatal(err)
		}
		cluster.ApplyManifest(t, []byte(strings.NewReplacer("NS", ns, "ADDRESS", s.Spec.ClusterIP).Replace(primaryManifest)))
		conn := dial(t, c, "primary."+ns+".svc:5432")
		if err := converse(conn, []byte("hello, leader")); err != nil {
			t.Error(err)
		}
		user := openAs(t, cluster.KubeconfigFor(t, "primary-"+ns), nil)
		grant(t, cluster, ns, "primary-"+ns, PortForwardRights(ns, "primary"))
		eventually(t, "without the right to list Services it stays an address", func() error {
			_, err := user.Dial(t.Context(), "tcp", "primary."+ns+".svc:5432")
			if err == nil || !strings.Contains(err.Error(), "not pods") {
				return fmt.Errorf("got %w", err)
			}
			return nil
		})
	})

	t.Run("HTTP", func(t *testing.T) {
		transport := &http.Transport{DialContext: c.Dial}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for range 2 { // the second on the same connection
			resp, err := client.Post("http://"+service+"/", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != service+" body" {
				t.Errorf("got %q %v", got, err)
			}
		}
	})

	t.Run("SPDY", func(t *testing.T) {
		user := openAs(t, cluster.KubeconfigFor(t, "spdy-"+ns), nil)
		grant(t, cluster, ns, "spdy-"+ns, PortForwardRights(ns, "server")[:4]) // without get, which a WebSocket wants
		eventually(t, "it has the rights", func() error {
			conn, err := user.Dial(t.Context(), "tcp", service+":5432")
			if err != nil {
				return err
			}
			defer conn.Close()
			if _, ok := conn.(*forwarded).session.carrier.(*upgradedConn); !ok {
				t.Errorf("it is carried by a %T", conn.(*forwarded).session.carrier)
			}
			return converse(conn, random(8<<20))
		})
	})

	t.Run("8 MiB in both directions", func(t *testing.T) {
		conn := dial(t, c, service+":5432")
		if _, ok := conn.(*forwarded).session.carrier.(*portforward.TunnelingConnection); !ok {
			t.Errorf("it is carried by a %T", conn.(*forwarded).session.carrier)
		}
		if err := converse(conn, random(8<<20)); err != nil {
			t.Error(err)
		}
	})

	t.Run("20 at once", func(t *testing.T) {
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				conn, err := c.Dial(t.Context(), "tcp", service+":5432")
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				if err := converse(conn, random(100_000+i)); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			})
		}
		wait.Wait()
	})

	t.Run("half close", func(t *testing.T) {
		conn := dial(t, c, service+":5432")
		if _, err := io.WriteString(conn, "say 1048576\n"); err != nil {
			t.Fatal(err)
		}
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("more")); err == nil {
			t.Error("it still writes")
		}
		got, err := io.ReadAll(conn)
		if err != nil || !bytes.Equal(got, random(1<<20)) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})

	t.Run("deadlines", func(t *testing.T) {
		conn := dial(t, c, service+":5432")
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var late net.Error
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &late) || !late.Timeout() {
			t.Errorf("read: %v", err)
		}
		if err := conn.SetWriteDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("late")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		if err := conn.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := converse(conn, []byte("in time")); err != nil {
			t.Errorf("after the deadlines: %v", err)
		}
	})

	t.Run("write to who does not read", func(t *testing.T) {
		conn := dial(t, c, service+":5432")
		if err := conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var err error
		for chunk := random(1 << 20); err == nil; { // until all buffers on the way are full: nobody reads the echo
			_, err = conn.Write(chunk)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})

	t.Run("nothing listens in the pod", func(t *testing.T) {
		conn := dial(t, c, service+":81")
		_, err := conn.Read(make([]byte, 1))
		var said *ForwardError
		if !errors.As(err, &said) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v", err)
		}
		if want := "pod " + ns + "/server-0: connection refused: nothing listens on port 9"; err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if !strings.HasPrefix(said.Detail, "failed to dial 127.0.0.1:1: ") {
			t.Errorf("detail %q", said.Detail)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("write: %v", err)
		}
	})

	t.Run("the node refuses the port", func(t *testing.T) {
		_, err := dial(t, c, "headless."+ns+".svc:70").Read(make([]byte, 1))
		want := "pod " + ns + "/server-0: port-forward to port 70: no forward found for port 70 in pod "
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s…", err, want)
		}
	})

	t.Run("the session breaks", func(t *testing.T) {
		conn := dial(t, c, service+":5432")
		if err := converse(conn, []byte("ping")); err != nil {
			t.Fatal(err)
		}
		conn.(*forwarded).session.carrier.Close()
		_, err := conn.Read(make([]byte, 1))
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasSuffix(err.Error(), "the connection was lost") {
			t.Errorf("read: %v", err)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("write: %v", err)
		}
	})

	t.Run("ServiceHost", func(t *testing.T) {
		for host, want := range map[string]string{
			"server": service, "Server." + ns: service, service + ".cluster.local": service + ".cluster.local",
		} {
			if got, err := c.ServiceHost(t.Context(), ns, host); err != nil || got != want {
				t.Errorf("%s: got %q %v", host, got, err)
			}
		}
		for _, host := range []string{"nobody", "example.com", "db.example.com", "192.0.2.1", ""} {
			if got, err := c.ServiceHost(t.Context(), ns, host); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: got %q %v", host, got, err)
			}
		}
	})
}

// What is no Service is dialled without asking the API server.
func TestDialElsewhere(t *testing.T) {
	c := openAs(t, serverConfig(t, "http://127.0.0.1:1"), nil)
	listener := echo(t)
	for _, address := range []string{listener.Addr().String(), fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)} {
		conn := dial(t, c, address)
		if _, ok := conn.(*net.TCPConn); !ok {
			t.Errorf("got a %T", conn)
		}
		if err := converse(conn, []byte("hello")); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Dial(t.Context(), "tcp", "no port"); err == nil {
		t.Error("it dials what is no address")
	}
	if _, err := c.Dial(t.Context(), "tcp", "postgres.db.svc:5432"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("without an API server: %v", err)
	}
	for address, want := range map[string]string{
		"postgres.db.svc:http":  "dial postgres.db.svc:http: the port must be a number from 1 to 65535",
		"postgres.db.svc:0":     "dial postgres.db.svc:0: the port must be a number from 1 to 65535",
		"postgres.db.svc:65536": "dial postgres.db.svc:65536: the port must be a number from 1 to 65535",
	} {
		if _, err := c.Dial(t.Context(), "tcp", address); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := c.Dial(t.Context(), "udp", "dns.kube-system.svc:53"); err == nil || !strings.HasSuffix(err.Error(), "a port-forward carries only TCP") {
		t.Errorf("got %v", err)
	}
}

func TestDialWithoutBackend(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns, c := serve(t, cluster)
	for address, tt := range map[string]struct {
		want   string
		reason error
	}{
		"nobody.NS.svc:80":             {"get services NS/nobody: not found", ErrNotFound},
		"server.NS.svc:83":             {"get services NS/server: not found: it has no port 83; its ports are: 5432 echo, 80 web, 81 closed, 82 nowhere", ErrNotFound},
		"server.NS.svc:82":             {"get services NS/server: not found: its pods are ready, but none is an endpoint with that port", ErrNotFound},
		"server-9.headless.NS.svc:7":   {"get services NS/headless: not found: its pods are ready, but none is an endpoint with that port", ErrNotFound},
		"empty.NS.svc:80":              {"get services NS/empty: not found: there is no pod with the labels app=nobody,tier=db", ErrNotFound},
		"unwatched.NS.svc:80":          {"get services NS/unwatched: not found: it has no selector and no endpoint that is ready", ErrNotFound},
		"addresses.NS.svc:80":          {"get services NS/addresses: its endpoints are addresses (192.0.2.9), not pods: a port-forward cannot reach them", nil},
		"circle.NS.svc:80":             {"dial circle.NS.svc:80: more than 5 Services of type ExternalName point to each other", nil},
		"outside.NS.svc.cluster.lan:1": {"connect: connection refused", syscall.ECONNREFUSED},
		"broken.NS.svc:80":             {"get services NS/broken: not found: none of its pods is ready: pod broken: Unschedulable: ", ErrNotFound},
	} {
		_, err := c.Dial(t.Context(), "tcp", strings.ReplaceAll(address, "NS", ns))
		if want := strings.ReplaceAll(tt.want, "NS", ns); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", address, err, want)
		}
		if tt.reason != nil && !errors.Is(err, tt.reason) || tt.reason == nil && errors.Is(err, ErrNotFound) {
			t.Errorf("%s: reason of %v", address, err)
		}
	}
}

// Each missing right is named; without EndpointSlices the pods are looked at.
func TestDialWithFewRights(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns, _ := serve(t, cluster)
	all := PortForwardRights(ns, "server")
	for name, tt := range map[string]struct {
		without func(Access) bool
		want    string // "" is that it works
	}{
		"all":               {func(Access) bool { return false }, ""},
		"no services":       {func(a Access) bool { return a.Resource == "services" }, `the right get on services "server" in namespace "NS" is missing`},
		"no endpointslices": {func(a Access) bool { return a.Resource == "endpointslices" }, ""},
		"no pods":           {func(a Access) bool { return a.Resource == "pods" }, ""},
		"neither":           {func(a Access) bool { return a.Resource == "pods" || a.Resource == "endpointslices" }, `the right list on pods in namespace "NS" is missing`},
		"no WebSocket":      {func(a Access) bool { return a.Resource == "pods/portforward" && a.Verb == "get" }, ""},
		"no port-forward":   {func(a Access) bool { return a.Resource == "pods/portforward" }, `the right create on pods/portforward in namespace "NS" is missing`},
	} {
		t.Run(name, func(t *testing.T) {
			var rights []Access
			for _, right := range all {
				if !tt.without(right) {
					rights = append(rights, right)
				}
			}
			user := strings.ReplaceAll(name, " ", "-") + "-" + ns
			grant(t, cluster, ns, user, rights)
			c := openAs(t, cluster.KubeconfigFor(t, user), nil)
			eventually(t, "the rights are known", func() error {
				conn, err := c.Dial(t.Context(), "tcp", "server."+ns+".svc:5432")
				if err == nil {
					defer conn.Close()
				}
				if tt.want == "" {
					if err != nil {
						return err
					}
					return converse(conn, []byte("ping"))
				}
				if want := strings.ReplaceAll(tt.want, "NS", ns); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), want) {
					return fmt.Errorf("got %v, want %s", err, want)
				}
				return nil
			})
		})
	}
}

// A connection leaves nothing behind, however it ends.
func TestDialLeavesNothing(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns, c := serve(t, cluster)
	address := "server." + ns + ".svc:5432"
	core := func() error { // what its requests leave is not what is looked for
		_, err := c.core.Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err
	}
	if err := core(); err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(t *testing.T){
		"closed at once": func(t *testing.T) { dial(t, c, address).Close() },
		"closed twice": func(t *testing.T) {
			conn := dial(t, c, address)
			if err := errors.Join(conn.Close(), conn.Close()); err != nil {
				t.Error(err)
			}
		},
		"closed by the pod": func(t *testing.T) {
			conn := dial(t, c, address)
			io.WriteString(conn, "say 3\n")
			conn.(*forwarded).CloseWrite() // kwok closes a side only after the other
			if got, err := io.ReadAll(conn); err != nil || len(got) != 3 {
				t.Errorf("got %q %v", got, err)
			}
			conn.Close()
		},
		"closed while reading": func(t *testing.T) {
			conn := dial(t, c, address)
			ended := make(chan error, 1)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				ended <- err
			}()
			conn.Close()
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		},
		"closed while writing": func(t *testing.T) {
			conn := dial(t, c, address)
			ended := make(chan error, 1)
			go func() {
				for {
					if _, err := conn.Write(random(1 << 20)); err != nil {
						ended <- err
						return
					}
				}
			}()
			if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
				t.Error(err)
			}
			conn.Close()
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		},
		"refused by the pod": func(t *testing.T) {
			conn := dial(t, c, "server."+ns+".svc:81")
			if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v", err)
			}
			conn.Close()
		},
		"no backend": func(t *testing.T) {
			if _, err := c.Dial(t.Context(), "tcp", "empty."+ns+".svc:80"); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			use(t)
			server := goleak.IgnoreAnyFunction("github.com/openchoreo/backstage-setup/k8s.converseWith")
			eventually(t, "all has ended", func() error { return goleak.Find(before, server) })
		})
	}
}

// What was written before Close arrives.
func TestDialCloseDelivers(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	const size = 1 << 20
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan []byte)
	go func() { // a peer that answers a ping, or takes what it gets
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			text := make([]byte, size)
			if n, _ := io.ReadFull(conn, text[:4]); n == 4 && string(text[:4]) == "ping" {
				conn.Write(text[:4])
			} else if n == 4 {
				n, _ = io.ReadFull(conn, text[4:])
				got <- text[:4+n]
			}
			conn.Close()
		}
	}()
	cluster.ApplyManifest(t, []byte(strings.NewReplacer(
		"NS", ns, "ECHO", fmt.Sprint(listener.Addr().(*net.TCPAddr).Port), "WEB", "1").Replace(backendManifest)))
	c, _ := admin(t, cluster)
	address := "server." + ns + ".svc:5432"
	eventually(t, "the node forwards", func() error {
		conn, err := c.Dial(t.Context(), "tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		return converse(conn, []byte("ping"))
	})
	for range 5 {
		conn := dial(t, c, address)
		if _, err := conn.Write(random(size)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case text := <-got:
			if !bytes.Equal(text, random(size)) {
				t.Errorf("%d bytes arrived", len(text))
			}
		case <-time.After(time.Minute):
			t.Fatal("not all of it arrived")
		}
	}
}

// The end of ctx ends a dial at every stage, and nothing of the connection later.
func TestDialCanceled(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns, c := serve(t, cluster)
	ctx, cancel := context.WithCancel(t.Context())
	conn, err := c.Dial(ctx, "tcp", "server."+ns+".svc:5432")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := converse(conn, []byte("still there")); err != nil {
		t.Errorf("a dial that was done: %v", err)
	}
	if _, err := c.Dial(ctx, "tcp", "server."+ns+".svc:5432"); !errors.Is(err, context.Canceled) {
		t.Errorf("before it began: %v", err)
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, open := range map[string]func(context.Context, *Client) error{
		"WebSocket": func(ctx context.Context, c *Client) error {
			_, err := c.forward(ctx, "a.b.svc:1", backend{namespace: ns, pod: "p", port: 1})
			return err
		},
		"SPDY": func(ctx context.Context, c *Client) error {
			at := c.core.RESTClient().Post().Resource("pods").Namespace(ns).Name("p").SubResource("portforward").URL()
			_, err := c.spdy(ctx, at, backend{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			c, err := Open(Options{Kubeconfig: serverConfig(t, "http://"+silent.Addr().String()), Timeout: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- open(ctx, c) }()
			conn, err := silent.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Read(make([]byte, 1)); err != nil { // it asks, and waits for an answer
				t.Fatal(err)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			eventually(t, "all has ended", func() error { return goleak.Find(before) })
		})
	}
}
