package wizard

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// TestLinesLastApplied: x takes kubectl's copy of old secrets away with the other
// changes, and leaves it again.
func TestLinesLastApplied(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := NewSession(steps.Install(), &steps.Env{}, Settings{}, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	s.current.Target = k8s.Target{Context: "kind", Server: "https://127.0.0.1:6443", CAFingerprint: "0a1b 2c3d 4e5f 6071"}
	s.current.Cluster = k8s.Found{
		Namespace: k8s.Namespace{Name: "openchoreo-control-plane", Exists: true},
		Secret: k8s.SecretState{Name: "backstage-secrets", Secret: &k8s.Secret{
			Namespace: "openchoreo-control-plane", Name: "backstage-secrets", ResourceVersion: "7", LastApplied: true,
			Keys: []string{"client-secret"}, Values: map[string]secret.Text{"client-secret": secret.New(lineCanary)},
		}},
	}
	if _, err := s.Give("chart", "1.2.3", answers.FromFlag, "--chart"); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	give(t, s, map[string]string{
		"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080", "client.id": "openchoreo-backstage-client",
		"identity.provider": "thunder", "identity.issuer": "http://thunder.openchoreo.localhost:8080",
	})
	var transcript bytes.Buffer
	person := &script{lines: []string{"x", "x", "again", "no"}, echo: &transcript, end: io.EOF}
	end, err := Lines(t.Context(), s, Terminal{In: person, Out: &transcript})
	if err != nil || !end.Left {
		t.Errorf("end %+v, error %v", end, err)
	}
	text := transcript.String()
	flat := strings.Join(strings.Fields(text), " ") // as if nothing were wrapped
	for _, want := range []string{
		"; context kind, server 127.0.0.1:6443, namespace openchoreo-control-plane, CA 0a1b 2c3d 4e5f 6071; chart 1.2.3.",
		"This is what will be done: 1.", "Context kind Server 127.0.0.1:6443 CA 0a1b 2c3d 4e5f 6071 Namespace openchoreo-control-plane",
		"copy of old secrets. x removes it with these changes.",
		"copy of old secrets. x keeps it after all.",
		"annotation kubectl.kubernetes.io/last-applied-configuration goes: it holds old values",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is not there", want)
		}
	}
	if n := strings.Count(text, "Looking at the cluster…\n"); n != 2 {
		t.Errorf("looked %d times at the cluster, want once and again", n)
	}
	if s.Input().Current.DropLastApplied {
		t.Error("the annotation would still go")
	}
	if strings.Contains(text, lineCanary) {
		t.Error("a secret shows")
	}
	if t.Failed() {
		t.Log(text)
	}
}
