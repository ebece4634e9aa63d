package broken_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// silence has everything behind the API server take connections and say nothing: the
// provider, the database, the Gateway, the portal and the API.
func silence(t testing.TB, in *installation) {
	t.Helper()
	gateway, provider := "http://127.0.0.1:"+mute(t), "http://127.0.0.1:"+mute(t)
	hang := hanging(t)
	in.portal.Store(hang)
	in.api.Store(hang)
	t.Cleanup(func() {
		in.portal.Store(nil)
		in.api.Store(nil)
	})
	in.keys(t, map[string]string{"postgres-port": "5434"})
	in.rolled(t, map[string]any{
		"backstage.baseUrl": gateway, "backstage.http.hostnames": []any{"127.0.0.1"}, "openchoreoApi.config.server.publicUrl": gateway,
		"security.oidc": map[string]any{
			"issuer": provider, "wellKnownEndpoint": provider + "/.well-known/openid-configuration",
			"authorizationUrl": provider + "/authorize", "tokenUrl": provider + "/oauth/token", "jwksUrl": provider + "/keys",
		},
	})
	in.edit(t, plane("observability"), func(o map[string]any) { o["spec"].(map[string]any)["observerURL"] = gateway })
}

// hanging answers nothing until the test ends.
func hanging(t testing.TB) *http.HandlerFunc {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return new(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
}

// TestAllMute: where nothing behind the API server says a word, every check still
// comes to its own end: none is cut off by the limit of the whole run.
func TestAllMute(t *testing.T) {
	in := install(t)
	silence(t, in)
	begun := time.Now()
	got := in.check(t)
	t.Logf("it took %s\n%s", time.Since(begun), got.findings())
	if got.code != 3 || len(got.Checks) < 40 {
		t.Fatalf("exit %d, %d checks\n%s", got.code, len(got.Checks), got.stderr)
	}
	for _, r := range got.Checks {
		if strings.Contains(r.Found, "the whole run") {
			t.Errorf("%s had no time: %s", r.ID, r.Found)
		}
	}
	for _, id := range []string{"portal.health", "api.health", "database.postgresql.reach", "identity.discovery", "routing.url"} {
		if r := got.result(id); r.Status != "fail" {
			t.Errorf("%s: %s %s", id, r.Status, r.Found)
		}
	}
}

// TestNamesMute: the same where it is the names that nobody resolves: the machine's
// DNS server takes questions and says nothing.
func TestNamesMute(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.77.0.53:53")
	if err != nil {
		t.Skip("a DNS server takes a privileged port: ", err)
	}
	t.Cleanup(func() { _ = server.Close() })
	dir := t.TempDir()
	resolver := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(resolver, []byte("nameserver 127.77.0.53\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	wrapper := filepath.Join(dir, "run")
	script := "#!/bin/sh\nexec unshare -m sh -c 'mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"' " + resolver + " PROGRAM \"$@\"\n"
	if out, err := exec.Command("unshare", "-m", "mount", "--bind", resolver, "/etc/resolv.conf").CombinedOutput(); err != nil {
		t.Skipf("another resolv.conf takes a mount namespace: %v %s", err, out)
	}
	in := install(t)
	silence(t, in)
	provider := "http://idp.nowhere.test"
	in.rolled(t, map[string]any{
		"backstage.baseUrl": "http://" + nowhere, "backstage.http.hostnames": []any{nowhere}, "openchoreoApi.config.server.publicUrl": "http://api.nowhere.test",
		"security.oidc": map[string]any{
			"issuer": provider, "wellKnownEndpoint": provider + "/.well-known/openid-configuration",
			"authorizationUrl": provider + "/authorize", "tokenUrl": provider + "/oauth/token", "jwksUrl": provider + "/keys",
		},
	})
	if err := os.WriteFile(wrapper, []byte(strings.Replace(script, "PROGRAM", in.program, 1)), 0o755); err != nil {
		t.Fatal(err)
	}
	in.program, in.path = wrapper, os.Getenv("PATH")
	begun := time.Now()
	got := in.check(t)
	t.Logf("it took %s\n%s", time.Since(begun), got.findings())
	for _, r := range got.Checks {
		if strings.Contains(r.Found, "the whole run") {
			t.Errorf("%s had no time: %s", r.ID, r.Found)
		}
	}
	for _, id := range []string{"routing.url", "api.url"} {
		if r := got.result(id); r.Status != "fail" || r.Code != "visit.dns" || r.Because != "" {
			t.Errorf("%s: %s %s because %q: %s", id, r.Status, r.Code, r.Because, r.Found)
		}
	}
}
