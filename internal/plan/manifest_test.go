package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/values"
)

// manifestOf runs a plan of delivery manifest and returns the file it writes.
func manifestOf(t *testing.T, s scene) (*Plan, FileChange) {
	t.Helper()
	s.said = s.said.with(given{"secret.delivery": DeliverManifest})
	p := s.plan(t)
	if p.Secret.Action != "manifest" || len(p.Files) != 2 {
		t.Fatalf("the Secret is %s, %d files", p.Secret.Action, len(p.Files))
	}
	f := p.Files[1]
	if !f.Private || f.Diff != "" || f.Mode != 0o600 || f.Path != "secrets.yaml" {
		t.Errorf("private %t, mode %o, %s, diff %q", f.Private, f.Mode, f.Path, f.Diff)
	}
	for _, a := range p.Actions {
		if a.ID() == "secret" || a.ID() == "restart" {
			t.Errorf("a manifest's plan would %s", a.Title())
		}
	}
	return p, f
}

func TestManifest(t *testing.T) {
	_, f := manifestOf(t, scene{said: given{"client.secret": fromEnv, "backendSecret": generated}})
	if f.Action != "created" {
		t.Errorf("it is %s", f.Action)
	}
	golden(t, "manifest.yaml", string(f.After))
}

// TestManifestAgain: what our own manifest holds stays, whether this run needs it
// or not; the drawn backend-secret first of all.
func TestManifestAgain(t *testing.T) {
	mine := map[string]string{"backend-secret": "drawn", "client-secret": "s3cret", "jenkins-api-key": "placeholder-not-in-use"}
	for name, tt := range map[string]struct {
		s      scene
		action string
		want   map[string]string
	}{
		"the same":                        {scene{manifest: mine, said: given{"client.secret": fromEnv}}, "edited", mine}, // comments are new
		"a new secret":                    {scene{manifest: mine, said: given{"client.secret": typed("n3w")}}, "edited", plus(mine, "client-secret", "n3w")},
		"a key of PostgreSQL, now unused": {scene{manifest: plus(mine, "postgres-password", "p")}, "edited", plus(mine, "postgres-password", "p")},
		"a key by hand":                   {scene{manifest: plus(mine, "my-key", "x")}, "edited", plus(mine, "my-key", "x")},
		"the cluster has it": {
			scene{manifest: map[string]string{"jenkins-api-key": "placeholder-not-in-use"}, found: inCluster(plus(basic, "theirs", "x")), said: given{"client.secret": kept, "backendSecret": kept}},
			"edited", map[string]string{"jenkins-api-key": "placeholder-not-in-use"},
		},
		"nobody saw it": {scene{said: given{"client.secret": kept, "backendSecret": kept}}, "created", map[string]string{"jenkins-api-key": "placeholder-not-in-use"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, f := manifestOf(t, tt.s)
			if f.Action != tt.action || len(p.Problems) > 0 {
				t.Errorf("it is %s, problems %v", f.Action, p.Problems)
			}
			if diff := cmp.Diff(tt.want, dataOf(t, f.After)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(tt.want)), slices.Sorted(slices.Values(f.Keys))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestManifestConverges: the second run on what the first wrote changes no byte.
func TestManifestConverges(t *testing.T) {
	said := given{"client.secret": fromEnv}
	p, f := manifestOf(t, scene{said: said.with(given{"backendSecret": generated})})
	again := scene{said: said.with(given{"secret.delivery": DeliverManifest}), files: []string{string(p.Files[0].After)}, manifest: dataOf(t, f.After)}
	in := again.input(t)
	in.Current.Manifest.File.Bytes = f.After
	second := finished(t, in)
	if second.Files[1].Action != "unchanged" {
		t.Errorf("it is %s:\n%s", second.Files[1].Action, second.Files[1].After)
	}
	for _, a := range second.Actions {
		t.Errorf("it would %s", a.Title())
	}
}

func TestForeignManifest(t *testing.T) {
	s := scene{said: given{"client.secret": fromEnv}, manifest: basic, current: func(c *Current) { c.Manifest.Ours, c.Manifest.Keys = false, nil }}
	p, _ := manifestOf(t, s)
	if len(p.Problems) != 1 || p.Problems[0].Key != "secret.manifest" || !strings.Contains(p.Problems[0].Message, "--secret-out") {
		t.Errorf("problems %v", p.Problems)
	}
}

// dataOf returns the decoded data of a manifest.
func dataOf(t *testing.T, src []byte) map[string]string {
	t.Helper()
	tree, err := values.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	data, _ := tree["data"].(map[string]any)
	for name, encoded := range data {
		out[name] = decode64(t, encoded.(string))
	}
	return out
}
