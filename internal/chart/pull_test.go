package chart

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
)

const namespace = "openchoreo/helm-charts"

// hermetic keeps the logins of whoever runs the tests out of them.
func hermetic(t *testing.T) {
	t.Helper()
	empty := t.TempDir()
	t.Setenv("DOCKER_CONFIG", empty)
	t.Setenv("HELM_CONFIG_HOME", empty)
	t.Setenv("PATH", empty)
}

// serve starts a server and returns its host.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// filled is a registry with the test chart in some versions, and the directory
// of its 1.2.3.
func filled(t *testing.T) (*charttest.Registry, string) {
	t.Helper()
	r := new(charttest.Registry)
	dir := charttest.Dir(t)
	for _, version := range []string{"1.0.5", "1.1.6"} {
		r.Push(t, namespace, charttest.Archive(t, charttest.Version(t, version)))
	}
	r.Push(t, namespace, charttest.Archive(t, dir))
	repository := namespace + "/" + Name
	r.Tag(repository, "1.3.0-rc.1", []byte("{}"))
	r.Tag(repository, "latest", []byte("{}"))
	return r, dir
}

func at(host string) string { return "oci://" + host + "/" + namespace + "/" + Name }

// login writes the file of helm registry login.
func login(t *testing.T, host, user, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	text := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pull(t *testing.T, ref string, opts PullOptions) *Chart {
	t.Helper()
	c, err := Pull(t.Context(), ref, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refuses(t *testing.T, ref string, opts PullOptions, want string) {
	t.Helper()
	_, err := Pull(t.Context(), ref, opts)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Pull(%q): %v, want %q", ref, err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "sig=")) {
		t.Errorf("Pull(%q) tells a secret: %v", ref, err)
	}
}

func TestPull(t *testing.T) {
	hermetic(t)
	registry, dir := filled(t)
	host := serve(t, registry)
	opened := open(t, dir)
	layer, err := os.ReadFile(charttest.Archive(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	digest := registry.Add(namespace+"/"+Name, "digest", charttest.ConfigType, []byte("{}"), charttest.LayerType, layer)
	for _, test := range []struct{ ref, version, source string }{
		{at(host) + ":1.2.3", "", at(host) + ":1.2.3"},
		{at(host), "1.2.3", at(host) + ":1.2.3"},
		{at(host) + ":1.2.3", "1.2.3", at(host) + ":1.2.3"},
		{at(host), "", at(host) + ":1.2.3"}, // the newest that is no release candidate
		{at(host) + "@" + digest, "", at(host) + "@" + digest},
		{at(host) + ":nothing@" + digest, "", at(host) + ":nothing@" + digest},
		{at("localhost:" + strings.Split(host, ":")[1]), "1.2.3", ""},
	} {
		c := pull(t, test.ref, PullOptions{Version: test.version})
		if c.Version != "1.2.3" || !c.Complete || (test.source != "" && c.Source != test.source) {
			t.Errorf("%s %s: %+v", test.ref, test.version, c)
		}
		same(t, opened, c)
	}
	if c := pull(t, at(host)+":1.0.5", PullOptions{}); c.Version != "1.0.5" {
		t.Errorf("Version is %s", c.Version)
	}
	same(t, opened, reopened(t, pull(t, at(host)+":1.2.3", PullOptions{})))
}

func TestPullOverTLS(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	server := httptest.NewUnstartedServer(registry)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	host := server.Listener.Addr().String()
	if c := pull(t, at(host)+":1.2.3", PullOptions{HTTP: server.Client()}); c.Version != "1.2.3" {
		t.Errorf("Version is %s", c.Version)
	}
	refuses(t, at(host)+":1.2.3", PullOptions{}, "is not trusted: give its CA with --ca-file")
}

func TestPullWithLogin(t *testing.T) {
	hermetic(t)
	for _, tokens := range []bool{false, true} {
		registry, _ := filled(t)
		registry.User, registry.Password, registry.Tokens = "operator", "the-password", tokens
		host := serve(t, registry)
		ref := at(host) + ":1.2.3"
		if c := pull(t, ref, PullOptions{RegistryConfig: login(t, host, "operator", "the-password")}); c.Version != "1.2.3" {
			t.Errorf("Version is %s", c.Version)
		}
		hint := "log in with helm registry login " + host
		refuses(t, ref, PullOptions{}, hint)
		refuses(t, ref, PullOptions{RegistryConfig: login(t, host, "operator", "another password")}, hint)
		refuses(t, ref, PullOptions{RegistryConfig: login(t, "example.com", "operator", "the-password")}, hint)
		refuses(t, at(host), PullOptions{}, hint)
		// Docker's login is looked at too, as helm does.
		t.Setenv("DOCKER_CONFIG", filepath.Dir(login(t, host, "operator", "the-password")))
		if c := pull(t, ref, PullOptions{}); c.Version != "1.2.3" {
			t.Errorf("Version is %s", c.Version)
		}
		t.Setenv("DOCKER_CONFIG", t.TempDir())
	}
	host := serve(t, http.NotFoundHandler())
	broken := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, at(host)+":1.2.3", PullOptions{RegistryConfig: broken}, "the logins of helm and docker cannot be read")
	registry, _ := filled(t)
	registry.User = "operator"
	host = serve(t, registry)
	if err := os.WriteFile(broken, []byte(`{"credsStore": "missing"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, at(host)+":1.2.3", PullOptions{RegistryConfig: broken}, "the login for "+host+" cannot be read: ")
}

func TestPullMisses(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	repository := namespace + "/" + Name
	for i := range 4 {
		registry.Push(t, "many", charttest.Archive(t, charttest.Version(t, fmt.Sprintf("1.2.%d", i))))
	}
	for i := range 3 {
		registry.Push(t, "many", charttest.Archive(t, charttest.Version(t, fmt.Sprintf("1.1.%d", i))))
	}
	config := []byte("{}")
	registry.Add("odd/image", "1.0.0", "application/vnd.oci.image.config.v1+json", config, "application/vnd.oci.image.layer.v1.tar+gzip", []byte("x"))
	registry.Add("odd/bytes", "1.0.0", charttest.ConfigType, config, charttest.LayerType, []byte("x"))
	registry.Add("odd/other", "1.0.0", charttest.ConfigType, config, charttest.LayerType, otherChart(t))
	registry.Tag("odd/nothing", "latest", []byte("{}"))
	missing := strings.Repeat("0", 64)
	registry.Tag(repository, "2.0.0", []byte(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "`+charttest.ConfigType+`", "digest": "sha256:`+missing+`", "size": 2}, "layers": []}`))
	host := serve(t, registry)
	for ref, want := range map[string]string{
		at(host) + ":9.9.9":                      "there is no version 9.9.9; there are 2.0.0, 1.3.0-rc.1, 1.2.3, 1.1.6, 1.0.5",
		"oci://" + host + "/many/" + Name + ":9": "there is no version 9; the newest are 1.2.3, 1.2.2, 1.2.1, 1.2.0, 1.1.2",
		at(host) + "@sha256:" + missing:          "there is no such digest; there are",
		at(host) + ":2.0.0":                      "lacks a part of it",
		"oci://" + host + "/nobody/nothing:1":    host + " has no such repository",
		"oci://" + host + "/nobody/nothing":      host + " has no such repository",
		"oci://" + host + "/odd/nothing":         "there is no release in it, nor any other version",
		"oci://" + host + "/odd/image:1.0.0":     "is not a Helm chart",
		"oci://" + host + "/odd/bytes:1.0.0":     "is not a Helm chart",
		"oci://" + host + "/odd/other:1.0.0":     `it is the chart "nginx", not openchoreo-control-plane`,
		at(host) + ":1.2.3@sha256:0":             "invalid",
		at(host) + ":1 2":                        "invalid",
		"oci://" + host + "/UPPER:1":             "invalid",
		"oci://" + host:                          "must name a host and a repository",
		"oci:///x":                               "must name a host and a repository",
		"https://" + host + "/x":                 "must begin with oci://",
		"oci://me:password@" + host + "/x:1":     "must not hold a login",
	} {
		refuses(t, ref, PullOptions{}, want)
	}
	refuses(t, at(host)+":1.2.3", PullOptions{Version: "1.1.6"}, `names another version than "1.1.6"`)
}

// otherChart is an archive of another chart.
func otherChart(t *testing.T) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "nginx")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte("apiVersion: v2\nname: nginx\nversion: 1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(charttest.Archive(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPullNoAnswer(t *testing.T) {
	hermetic(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	host := gone.Listener.Addr().String()
	refuses(t, at(host)+":1.2.3", PullOptions{}, "no answer from "+host)
	busy := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	refuses(t, at(busy)+":1.2.3", PullOptions{}, busy+" answers 503 Service Unavailable")
}

// Nobody but this machine is spoken to without TLS, also where it looks as if.
func TestPullRefusesPlainHTTP(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	address := serve(t, registry)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	refuses(t, at("registry.example.com")+":1.2.3", PullOptions{HTTP: &http.Client{Transport: transport}}, "HTTP response to HTTPS client")
}

func TestPullRedirected(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	registry.User, registry.Password = "operator", "the-password"
	var store string
	var stored atomic.Int32
	files := new(charttest.Registry)
	files.Push(t, namespace, charttest.Archive(t, charttest.Dir(t)))
	store = serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if login := req.Header.Get("Authorization"); login != "" {
			t.Errorf("the store at another port is given the login, at %s", req.URL.Path)
		}
		if again := strings.TrimPrefix(req.URL.Path, "/first"); again != req.URL.Path {
			http.Redirect(w, req, "http://"+store+again+"?sig=secret", http.StatusTemporaryRedirect)
			return
		}
		stored.Add(1)
		files.ServeHTTP(w, req)
	}))
	leading := func(to string) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if _, _, ok := req.BasicAuth(); ok && strings.Contains(req.URL.Path, "/blobs/") {
				http.Redirect(w, req, to+req.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			registry.ServeHTTP(w, req)
		}))
	}
	host := leading("http://" + store + "/first")
	c := pull(t, at(host)+":1.2.3", PullOptions{RegistryConfig: login(t, host, "operator", "the-password")})
	if c.Version != "1.2.3" || stored.Load() != 2 {
		t.Errorf("Version %s, %d files from the store", c.Version, stored.Load())
	}
	for to, want := range map[string]string{
		"http://files.example.com":                   "the registry leads to http://files.example.com: only https is spoken beyond this machine",
		"ftp://files.example.com":                    "the registry leads to ftp://files.example.com",
		"http://" + serve(t, http.NotFoundHandler()): "lacks a part of it",
	} {
		host := leading(to)
		refuses(t, at(host)+":1.2.3", PullOptions{RegistryConfig: login(t, host, "operator", "the-password")}, want)
	}
	circle := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, req.URL.Path, http.StatusFound) }))
	refuses(t, at(circle)+":1.2.3", PullOptions{}, "10 redirects")
}

// A registry's word about where tokens come from is not good enough for http.
func TestPullTokensFromElsewhere(t *testing.T) {
	hermetic(t)
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Www-Authenticate", `Bearer realm="http://tokens.example.com/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	refuses(t, at(host)+":1.2.3", PullOptions{RegistryConfig: login(t, host, "operator", "the-password")}, "the registry leads to http://tokens.example.com")
}

func TestPullHostileContent(t *testing.T) {
	hermetic(t)
	honest, dir := filled(t)
	layer, err := os.ReadFile(charttest.Archive(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(layer))
	instead := func(layer http.HandlerFunc) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/blobs/"+digest) {
				layer(w, req)
				return
			}
			honest.ServeHTTP(w, req)
		}))
	}
	zeros := make([]byte, 1<<20)
	for name, test := range map[string]struct {
		host, want string
	}{
		"other bytes": {instead(func(w http.ResponseWriter, _ *http.Request) {
			changed := append([]byte{}, layer...)
			changed[len(changed)/2] ^= 1
			w.Write(changed)
		}), "is not what its manifest says"},
		"fewer bytes": {instead(func(w http.ResponseWriter, _ *http.Request) { w.Write(layer[:10]) }), "is not what its manifest says"},
		"announced": {instead(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(pullLimit+1))
			w.WriteHeader(http.StatusOK)
		}), "is larger than 32 MiB"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, at(test.host)+":1.2.3", PullOptions{}, test.want) })
	}
	huge := new(charttest.Registry)
	huge.Tag("huge/chart", "1.0.0", []byte(`{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "`+charttest.ConfigType+`", "digest": "`+digest+`", "size": 4611686018427387904}, "layers": []}`))
	var sent atomic.Int64
	host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.Contains(req.URL.Path, "/blobs/") {
			huge.ServeHTTP(w, req)
			return
		}
		for {
			n, err := w.Write(zeros)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	refuses(t, "oci://"+host+"/huge/chart:1.0.0", PullOptions{}, "is larger than 32 MiB")
	if sent.Load() > 4*pullLimit {
		t.Errorf("%d bytes were sent", sent.Load())
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	hermetic(t)
	registry, _ := filled(t)
	for _, part := range []string{"/manifests/", "/blobs/"} {
		reached := make(chan struct{}, 2)
		host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, part) {
				w.Header().Set("Content-Length", "100")
				w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
				w.WriteHeader(http.StatusOK)
				w.(http.Flusher).Flush()
				reached <- struct{}{}
				<-req.Context().Done() // the client hangs up
				return
			}
			registry.ServeHTTP(w, req)
		}))
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the operator left")
		var left time.Time
		go func() {
			<-reached
			left = time.Now()
			cancel(why)
		}()
		_, err := Pull(ctx, at(host)+":1.2.3", PullOptions{})
		took := time.Since(left)
		t.Logf("%s: ended after %s", part, took)
		if !errors.Is(err, why) || took > pullTimeout/10 {
			t.Errorf("%s: %v after %s", part, err, took)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Pull(ended, at("registry.example.com")+":1.2.3", PullOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before it began: %v", err)
	}
}
