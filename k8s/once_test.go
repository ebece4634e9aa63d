package k8s

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestOnce: what may have been carried out is not sent again; what was not is, and
// reading does no harm.
func TestOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		code int
		call func(*Client) error
		want int
	}{
		"write, 503": {http.StatusServiceUnavailable, func(c *Client) error {
			return c.RestartDeployment(t.Context(), "cp", "portal", time.Now())
		}, 1},
		"write, 429": {http.StatusTooManyRequests, func(c *Client) error {
			return c.RestartDeployment(t.Context(), "cp", "portal", time.Now())
		}, 2},
		"read, 503": {http.StatusServiceUnavailable, func(c *Client) error {
			_, err := c.Secret(t.Context(), "cp", "portal")
			return err
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked == 1 {
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(tt.code)
					return
				}
				w.WriteHeader(http.StatusNotFound)
			}))
			defer server.Close()
			path := filepath.Join(t.TempDir(), "kubeconfig")
			config := `{"apiVersion": "v1", "kind": "Config", "current-context": "c",
				"clusters": [{"name": "c", "cluster": {"server": "` + server.URL + `"}}], "users": [{"name": "u", "user": {}}],
				"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}`
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.call(openAs(t, path, nil)); err == nil {
				t.Error("no error")
			}
			if asked != tt.want {
				t.Errorf("sent %d times, want %d", asked, tt.want)
			}
		})
	}
}
