package k8s

import (
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const kubeconfigText = `apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: one
  cluster: {server: "https://one.example.com:6443", certificate-authority: CA}
- name: two
  cluster: {server: "https://two.example.com", insecure-skip-tls-verify: true}
contexts:
- name: prod
  context: {cluster: two, user: me, namespace: apps}
- name: dev
  context: {cluster: one, user: me}
users:
- name: me
  user: {token: t}
`

func TestOpen(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	cert := server.Certificate().Raw
	ca := writeFile(t, "ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	digits := fmt.Sprintf("%x", sha256.Sum256(cert))
	short := digits[0:4] + " " + digits[4:8] + " " + digits[8:12] + " " + digits[12:16]
	path := writeFile(t, "config", strings.ReplaceAll(kubeconfigText, "CA}", ca+"}"))
	for name, tt := range map[string]struct {
		options Options
		want    Target
	}{
		"the current context": {Options{Kubeconfig: path}, Target{
			Context: "dev", Server: "https://one.example.com:6443", Namespace: "default",
			CAFingerprint: short, Kubeconfig: path,
		}},
		"a named context": {Options{Kubeconfig: path, Context: "prod"}, Target{
			Context: "prod", Server: "https://two.example.com", Namespace: "apps", InsecureSkipTLS: true, Kubeconfig: path,
		}},
		"a namespace": {Options{Kubeconfig: path, Context: "prod", Namespace: "mine"}, Target{
			Context: "prod", Server: "https://two.example.com", Namespace: "mine", InsecureSkipTLS: true, Kubeconfig: path,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.Target()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOpenList(t *testing.T) {
	contexts := writeFile(t, "contexts", "current-context: b\ncontexts: [{name: b, context: {cluster: k}}]\n")
	clusters := writeFile(t, "clusters", "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n")
	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("KUBECONFIG", strings.Join([]string{missing, contexts, clusters}, string(os.PathListSeparator)))
	c, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := Target{Context: "b", Server: "http://127.0.0.1:1", Namespace: "default", Kubeconfig: contexts}
	if diff := cmp.Diff(want, c.Target()); diff != "" {
		t.Error(diff)
	}
}

func TestContexts(t *testing.T) {
	names, current, err := Contexts(Options{Kubeconfig: writeFile(t, "config", kubeconfigText)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dev", "prod"}, names); diff != "" || current != "dev" {
		t.Errorf("current %q, names %s", current, diff)
	}
}

func TestNoConfig(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err := Open(Options{})
	if !errors.Is(err, ErrNoConfig) {
		t.Errorf("Open: got %v", err)
	}
	if _, _, err := Contexts(Options{}); !errors.Is(err, ErrNoConfig) {
		t.Errorf("Contexts: got %v", err)
	}
	if want := "there is no kubeconfig: set KUBECONFIG or --kubeconfig, or go on with --offline"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestOpenErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("KUBECONFIG", missing)
	noCA := writeFile(t, "config", kubeconfigText)
	for name, tt := range map[string]struct {
		options Options
		want    string
	}{
		"a named file that is not there":  {Options{Kubeconfig: missing}, `kubeconfig "` + missing + `": no such file or directory`},
		"no such context":                 {Options{Kubeconfig: noCA, Context: "staging"}, `kubeconfig: there is no context "staging": kubectl config get-contexts lists them`},
		"a context without any file":      {Options{Context: "staging"}, `kubeconfig: there is no context "staging": kubectl config get-contexts lists them`},
		"a certificate that is not there": {Options{Kubeconfig: noCA}, `kubeconfig: invalid configuration: unable to read certificate-authority`},
		"no YAML":                         {Options{Kubeconfig: writeFile(t, "bad", "\t{")}, `kubeconfig: error loading config file`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(tt.options)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if errors.Is(err, ErrNoConfig) {
				t.Error("a kubeconfig that was named is not the same as none")
			}
		})
	}
}
