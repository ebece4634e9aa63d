package e2e_test

import (
	"encoding/base64"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/chart/charttest"
)

// TestChartFromARegistry: the chart is pulled with the operator's own login, its
// schema and templates are checked, and helm is told the same reference.
func TestChartFromARegistry(t *testing.T) {
	registry := &charttest.Registry{User: "operator", Password: "r3gistry-Pass"}
	repository := registry.Push(t, "charts", charttest.Archive(t, charttest.Dir(t)))
	server := httptest.NewServer(registry)
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	ref := "oci://" + host + "/" + repository

	s := newSite(t)
	login := base64.StdEncoding.EncodeToString([]byte("operator:r3gistry-Pass"))
	if err := os.WriteFile(s.file("registry.json"), []byte(`{"auths":{"`+host+`":{"auth":"`+login+`"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"CLIENT_SECRET=" + clientSecret, "HELM_REGISTRY_CONFIG=" + s.file("registry.json")}
	got := s.execute(t, env, s.headlessArgs("--chart", ref+":1.2.3", "-o", "json")...)
	if got.code != 0 || !strings.Contains(got.stdout, "schema and templates of "+ref) || !strings.Contains(got.stdout, ref+" --version 1.2.3") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	leaks(t, "stdout", got.stdout, "r3gistry-Pass")

	got = s.execute(t, []string{"CLIENT_SECRET=" + clientSecret, "HELM_REGISTRY_CONFIG=" + s.file("none.json")}, s.headlessArgs("--chart", ref+":1.2.3")...)
	if got.code != 2 || !strings.Contains(got.stderr, "helm registry login "+host) {
		t.Errorf("without a login: exit %d\n%s", got.code, got.stderr)
	}
	got = s.execute(t, env, s.headlessArgs("--chart", ref+":9.9.9")...)
	if got.code != 2 || !strings.Contains(got.stderr, "1.2.3") {
		t.Errorf("a version that is not there: exit %d\n%s", got.code, got.stderr)
	}
	got = s.execute(t, env, "install", "--offline", "--yes", "--chart", ref)
	if got.code != 2 || !strings.Contains(got.stderr, "--offline") {
		t.Errorf("offline: exit %d\n%s", got.code, got.stderr)
	}
}
