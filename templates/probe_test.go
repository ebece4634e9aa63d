package templates

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

type probeJob struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Image   string
					Command []string
					Args    []string
					Env     []struct {
						Name, Value string
						ValueFrom   struct {
							SecretKeyRef struct{ Name, Key string }
						}
					}
				}
			}
		}
	}
}

func TestProbeJob(t *testing.T) {
	script := "say() {\n  printf '%s' \"$1\"\n}\n\nask <<'SQL'\nselect 'a: b' -- # no comment\nSQL\n"
	text := ProbeJob(Probe{
		Name: "probe", Namespace: "ns", Secret: "s", Key: "postgres-password", Script: script,
		Env: [][2]string{{"PGUSER", "we\"ird: $(HOME) ü"}, {"PROBE_CA", "-----BEGIN\nMA==\n"}},
	})
	var got probeJob
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := got.Spec.Template.Spec.Containers[0]
	if got.Kind != "Job" || got.Metadata.Namespace != "ns" || c.Image != ProbeImage || len(c.Args) != 1 || c.Args[0] != script {
		t.Errorf("got %+v", got)
	}
	if ref := c.Env[0].ValueFrom.SecretKeyRef; ref.Name != "s" || ref.Key != "postgres-password" || c.Env[0].Value != "" {
		t.Errorf("password: %+v", c.Env[0])
	}
	if c.Env[1].Value != "we\"ird: $$(HOME) ü" || c.Env[2].Value != "-----BEGIN\nMA==\n" {
		t.Errorf("values: %+v", c.Env)
	}
	if strings.Contains(string(text), "${") {
		t.Errorf("a place is not filled in\n%s", text)
	}
}
