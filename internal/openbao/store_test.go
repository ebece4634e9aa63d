package openbao_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

func TestOpen(t *testing.T) {
	good := openbao.Config{Address: "https://bao.example.com:8200", Mount: "secret", Token: secret.New("s.token"), HTTP: http.DefaultClient}
	tests := []struct {
		name   string
		change func(*openbao.Config)
		want   string // in the error; "" for none
	}{
		{"https", func(*openbao.Config) {}, ""},
		{"plain http", func(c *openbao.Config) { c.Address = "http://127.0.0.1:8200" }, ""},
		{"IPv6", func(c *openbao.Config) { c.Address = "http://[::1]:8200" }, ""},
		{"a path before", func(c *openbao.Config) { c.Address = "https://example.com/bao/" }, ""},
		{"a mount with slashes", func(c *openbao.Config) { c.Mount = "team/kv/" }, ""},
		{"a namespace", func(c *openbao.Config) { c.Namespace = "/a/b/" }, ""},
		{"no token", func(c *openbao.Config) { c.Token = secret.Text{} }, ""},
		{"no address", func(c *openbao.Config) { c.Address = "" }, "address: must be http or https"},
		{"no scheme", func(c *openbao.Config) { c.Address = "bao.example.com:8200" }, "address: must be http or https"},
		{"another scheme", func(c *openbao.Config) { c.Address = "unix:///run/bao" }, "address: must be http or https"},
		{"no host", func(c *openbao.Config) { c.Address = "https://:8200" }, "address: must be http or https"},
		{"not an address", func(c *openbao.Config) { c.Address = "https://u:hunter2@exa mple" }, "address: must be http or https"},
		{"a password", func(c *openbao.Config) { c.Address = "https://u:hunter2@example.com" }, "user or password"},
		{"a query", func(c *openbao.Config) { c.Address = "https://example.com?token=hunter2" }, "query or fragment"},
		{"an empty query", func(c *openbao.Config) { c.Address = "https://example.com?" }, "query or fragment"},
		{"a fragment", func(c *openbao.Config) { c.Address = "https://example.com/#" }, "query or fragment"},
		{"the API's path", func(c *openbao.Config) { c.Address = "https://example.com/v1/" }, "before /v1"},
		{"a relative path", func(c *openbao.Config) { c.Address = "https://example.com/a/../b" }, `must not hold ".."`},
		{"no mount", func(c *openbao.Config) { c.Mount = "" }, "mount: must not be empty"},
		{"a relative mount", func(c *openbao.Config) { c.Mount = "../sys" }, `mount: "../sys" must not hold ".."`},
		{"a mount that starts with a slash", func(c *openbao.Config) { c.Mount = "/secret" }, "no slash at its ends"},
		{"a relative namespace", func(c *openbao.Config) { c.Namespace = "a/./b" }, "namespace:"},
		{"a token that ends its header", func(c *openbao.Config) { c.Token = secret.New("hunter2\r\nX-Other: 1") }, "token:"},
		{"no client", func(c *openbao.Config) { c.HTTP = nil }, "no HTTP client"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := openbao.Open(c)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("repeats a secret: %v", err)
			}
		})
	}
}

func TestEncrypted(t *testing.T) {
	for address, want := range map[string]bool{"http://bao.example.com": false, "HTTPS://bao.example.com/": true} {
		s, err := openbao.Open(openbao.Config{Address: address, Mount: "secret", HTTP: http.DefaultClient})
		if err != nil || s.Encrypted() != want || strings.HasSuffix(s.Address(), "/") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	for _, path := range []string{"", "/a", "a/", "a//b", "..", "../sys/seal", "a/../b", "a/..", ".", "./a", "a\nb", "a\x00", "a\xff", "a\u200bb"} {
		if _, err := store.Read(t.Context(), path); err == nil {
			t.Errorf("read %q", path)
		}
		if _, err := store.Write(t.Context(), path, openbao.Data{}, 0); err == nil {
			t.Errorf("wrote %q", path)
		}
		if _, err := store.Metadata(t.Context(), path); err == nil {
			t.Errorf("metadata of %q", path)
		}
		if _, err := store.Rights(t.Context(), path); err == nil {
			t.Errorf("rights on %q", path)
		}
		if err := store.DeleteNew(t.Context(), path, 1); err == nil {
			t.Errorf("deleted %q", path)
		}
	}
	if _, err := store.Write(t.Context(), "x", openbao.Data{}, -1); err == nil {
		t.Error("wrote without a check-and-set")
	}
	if _, err := store.ReadVersion(t.Context(), "x", 0); err == nil {
		t.Error("read version 0")
	}
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// TestNoEnvironment: the variables of the official clients change nothing.
func TestNoEnvironment(t *testing.T) {
	elsewhere, s := baotest.Start(t), baotest.Start(t)
	for _, prefix := range []string{"VAULT_", "BAO_"} {
		t.Setenv(prefix+"ADDR", elsewhere.URL)
		t.Setenv(prefix+"TOKEN", baotest.RootToken)
		t.Setenv(prefix+"NAMESPACE", "elsewhere")
	}
	_, err := open(t, double{s}, "", "secret").Read(t.Context(), "x")
	wantError(t, err, openbao.ErrForbidden)
	for _, r := range s.Requests() {
		for _, header := range r.Headers {
			if header == "X-Vault-Token" || header == "X-Vault-Namespace" {
				t.Errorf("%s %s: header %s", r.Method, r.Path, header)
			}
		}
	}
	if got := elsewhere.Requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}
