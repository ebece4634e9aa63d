package e2e_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// reached lets the site be reached through a kubeconfig that edit has changed.
func (s *site) reached(t *testing.T, edit func(c *clientcmdapi.Config)) *site {
	t.Helper()
	config, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	edit(config)
	other := *s
	other.kubeconfig = t.TempDir() + "/config"
	if err := clientcmd.WriteToFile(*config, other.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return &other
}

// named gives the current context another name.
func named(name string) func(*clientcmdapi.Config) {
	return func(c *clientcmdapi.Config) {
		c.Contexts[name] = c.Contexts[testcluster.Context]
		c.CurrentContext = name
	}
}

// proxy passes connections on to the API server, whatever name they ask for.
func (s *site) proxy(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "https://"))
		if r.Method != http.MethodConnect || err != nil {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = to.Close()
			return
		}
		go func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
		}()
		_, _ = io.Copy(from, to)
		_ = from.Close()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestWhichCluster: a cluster that may not be the one that is meant is not written
// to without a word.
func TestWhichCluster(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*site, *testing.T) func(*clientcmdapi.Config)
		want string // the check that fails
		in   string // what it found
	}{
		"a name":               {func(*site, *testing.T) func(*clientcmdapi.Config) { return named("production") }, "cluster.production", `"production"`},
		"a part":               {func(*site, *testing.T) func(*clientcmdapi.Config) { return named("eu-PROD-1") }, "cluster.production", `"prod"`},
		"an ARN":               {func(*site, *testing.T) func(*clientcmdapi.Config) { return named("arn:aws:eks:eu-1:12:cluster/prd") }, "cluster.production", `"prd"`},
		"live":                 {func(*site, *testing.T) func(*clientcmdapi.Config) { return named("portal.Live") }, "cluster.production", `"live"`},
		"a word that holds it": {func(*site, *testing.T) func(*clientcmdapi.Config) { return named("reproductions-olive") }, "", ""},
		"the server's name": {func(s *site, t *testing.T) func(*clientcmdapi.Config) {
			url := s.proxy(t)
			return func(c *clientcmdapi.Config) {
				cluster := c.Clusters[testcluster.Context]
				cluster.Server, cluster.TLSServerName, cluster.ProxyURL = "https://api.prod.example.com:6443", "127.0.0.1", url
			}
		}, "cluster.production", "api.prod.example.com"},
		"a server that is not verified": {func(*site, *testing.T) func(*clientcmdapi.Config) {
			return func(c *clientcmdapi.Config) {
				c.Clusters[testcluster.Context].InsecureSkipTLSVerify = true
				c.Clusters[testcluster.Context].CertificateAuthorityData = nil
			}
		}, "cluster.tls-verify", "insecure-skip-tls-verify"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s = s.reached(t, tt.edit(s, t))
			env := []string{"CLIENT_SECRET=" + clientSecret}
			for what, args := range map[string][]string{"dry run": {"--dry-run"}, "manifest": {"--delivery", "manifest", "--secret-out", "secret.yaml", "-f", "other.yaml"}} {
				if got := s.execute(t, env, s.args(args...)...); got.code != 0 {
					t.Errorf("%s: exit %d\n%s", what, got.code, got.stderr)
				}
			}
			got := s.execute(t, env, s.args("-o", "json")...)
			r := got.result(t)
			if tt.want == "" {
				if got.code != 0 || len(failedChecks(r)) > 0 {
					t.Errorf("exit %d, failed: %v", got.code, failedChecks(r))
				}
				return
			}
			found := checkOf(r, tt.want)
			if got.code != 3 || !slices.Equal(failedChecks(r), []string{tt.want}) || !strings.Contains(found.Found, tt.in) || !strings.Contains(found.Hint, "--accept "+tt.want) {
				t.Errorf("exit %d, failed %v: %+v", got.code, failedChecks(r), found)
			}
			if _, err := os.Stat(s.file("backstage-values.yaml")); err == nil || len(s.list(t)) > 0 {
				t.Error("something was written")
			}
			got = s.execute(t, env, s.args("--accept", tt.want, "-o", "json")...)
			if got.code != 0 || checkOf(got.result(t), tt.want).Status != check.Accepted {
				t.Errorf("accepted: exit %d\n%s", got.code, got.stderr)
			}
		})
	}
}

// TestSwitchedContext: the kubeconfig's current context is another than last time.
func TestSwitchedContext(t *testing.T) {
	s := newSite(t)
	env := []string{"CLIENT_SECRET=" + clientSecret, "XDG_STATE_HOME=" + t.TempDir()}
	if got := s.execute(t, env, s.args()...); got.code != 0 {
		t.Fatal(got.stderr)
	}
	other := newSite(t).reached(t, named("another"))
	got := other.execute(t, env, other.args("-o", "json")...)
	r := got.result(t)
	found := checkOf(r, "cluster.context")
	if got.code != 3 || !slices.Equal(failedChecks(r), []string{"cluster.context"}) || !strings.Contains(found.Found, "context another") || !strings.Contains(found.Found, "context test") || !strings.Contains(found.Hint, "--context") {
		t.Errorf("exit %d: %+v", got.code, found)
	}
	if len(other.list(t)) > 0 {
		t.Error("something was written")
	}
	for what, args := range map[string][]string{
		"dry run": {"--dry-run"}, "manifest": {"--delivery", "manifest", "--secret-out", "secret.yaml", "-f", "other.yaml"},
	} {
		if got := other.execute(t, env, other.args(args...)...); got.code != 0 {
			t.Errorf("%s: exit %d\n%s", what, got.code, got.stderr)
		}
	}
	// A run that wrote nothing is not the last one used.
	if got := other.execute(t, env, other.args()...); got.code != 3 {
		t.Errorf("after runs that wrote nothing there: exit %d", got.code)
	}
	if got := other.execute(t, env, other.args("--context", "another")...); got.code != 0 {
		t.Errorf("named: exit %d\n%s", got.code, got.stderr)
	}
	if got := other.execute(t, env, other.args()...); got.code != 0 {
		t.Errorf("the same once more: exit %d\n%s", got.code, got.stderr)
	}
	got = s.execute(t, []string{"CLIENT_SECRET=a new one", env[1]}, s.args("--accept", "cluster.context", "-o", "json")...)
	if got.code != 0 || checkOf(got.result(t), "cluster.context").Status != check.Accepted {
		t.Errorf("accepted: exit %d\n%s", got.code, got.stderr)
	}
	var last struct{ Context, Server, CA string }
	text, err := os.ReadFile(strings.TrimPrefix(env[1], "XDG_STATE_HOME=") + "/backstage-setup/cluster.json")
	if err != nil || json.Unmarshal(text, &last) != nil || last.Context != testcluster.Context || last.Server != s.URL() || last.CA == "" {
		t.Errorf("remembered is %s: %v", text, err)
	}
}
