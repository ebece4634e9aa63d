package k8s

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

func TestMain(m *testing.M) { os.Exit(testcluster.Run(m)) }

// sharedFiles is where other people's files are, such as resource definitions.
const sharedFiles = "../../shared"

func openAs(t testing.TB, kubeconfig string, wrap func(http.RoundTripper) http.RoundTripper) *Client {
	t.Helper()
	c, err := Open(Options{Kubeconfig: kubeconfig, WrapTransport: wrap})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// admin returns a client with all rights, and client-go's own to prepare and
// look at what it does.
func admin(t testing.TB, cluster *testcluster.Cluster) (*Client, corev1.CoreV1Interface) {
	t.Helper()
	core, err := corev1.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	return openAs(t, cluster.Kubeconfig, nil), core
}

func applyCRDs(t testing.TB, cluster *testcluster.Cluster) {
	t.Helper()
	dir := filepath.Join(sharedFiles, "crds")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the resource definitions of External Secrets and OpenChoreo are not here: %v", err)
	}
	cluster.ApplyCRDs(t, dir)
}

// eventually waits until check says nothing, asking it again and again.
func eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// recorder counts requests and the bytes of their answers, and keeps both.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	all  []exchange
}

type exchange struct {
	method, url string
	status      int
	contentType string
	body        []byte
}

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	r.next = next
	return r
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, exchange{req.Method, req.URL.String(), resp.StatusCode, resp.Header.Get("Content-Type"), body})
	return response(req, resp.StatusCode, resp.Header.Get("Content-Type"), body), nil
}

func (r *recorder) requests() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]exchange(nil), r.all...)
}

func (r *recorder) bytes() (total int) {
	for _, e := range r.requests() {
		total += len(e.body)
	}
	return total
}

func response(req *http.Request, status int, contentType string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
	}
}
