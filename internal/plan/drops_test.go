package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDrops: values of the installed release that an upgrade with the files would
// take away, and nothing else.
func TestDrops(t *testing.T) {
	for name, tt := range map[string]struct {
		files  []string
		config map[string]any
		said   given
		want   []string
	}{
		"no release":             {[]string{"{}\n"}, nil, nil, nil},
		"in the file":            {[]string{"backstage: {replicas: 2}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(2)}}, nil, nil},
		"another in the file":    {[]string{"backstage: {replicas: 3}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(2)}}, nil, nil},
		"taken away in the file": {[]string{"backstage: {replicas: null}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(2)}}, nil, nil},
		"in the file below":      {[]string{"backstage: {replicas: 2}\n", "{}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(2)}}, nil, nil},
		"the chart's default":    {[]string{"{}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(1)}, "gateway": map[string]any{"httpPort": float64(80)}}, nil, nil},
		"written by this plan":   {[]string{"{}\n"}, map[string]any{"backstage": map[string]any{"replicas": float64(2)}}, given{"scaling.replicas": 4}, nil},
		"forgotten": {
			[]string{"backstage: {replicas: 2}\n"},
			map[string]any{
				"backstage": map[string]any{"replicas": float64(2), "nodeSelector": map[string]any{"disk": "ssd"}, "tolerations": []any{"x"}},
				"global":    map[string]any{"commonLabels": map[string]any{"team": "platform"}},
			}, nil, []string{"backstage.nodeSelector.disk", "backstage.tolerations", "global.commonLabels.team"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := inCluster(basic)
			found.Release.Config, found.Release.Installed = tt.config, true
			in := scene{files: tt.files, found: found}.input(t)
			// The release's values are answers too; only what the files say counts here.
			p := New(in)
			for key, value := range tt.said {
				p.SetTo(key, value)
			}
			if err := p.Finish(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Drops()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNewFileDropsNothing: it starts from the values of the release.
func TestNewFileDropsNothing(t *testing.T) {
	found := inCluster(basic)
	found.Release.Installed = true
	found.Release.Config = map[string]any{
		"backstage": map[string]any{"replicas": float64(2), "podAnnotations": map[string]any{"example.com/a.b": "x"}, "secretName": "backstage-secrets", "enabled": true},
		"global":    map[string]any{"commonLabels": map[string]any{"team": "platform"}},
		"gateway":   map[string]any{"tls": map[string]any{"certificateRefs": []any{map[string]any{"name": "tls"}}}},
	}
	p := scene{found: found}.plan(t)
	if drops := p.Drops(); len(drops) > 0 {
		t.Errorf("an upgrade takes away %q\n%s", drops, p.Files[0].After)
	}
	for path, want := range map[string]any{
		"backstage.replicas": float64(2), "global.commonLabels.team": "platform", "backstage.podAnnotations": map[string]any{"example.com/a.b": "x"},
		"gateway.tls.certificateRefs": []any{map[string]any{"name": "tls"}},
	} {
		if diff := cmp.Diff(want, at(t, p, path)); diff != "" {
			t.Errorf("%s: %s\n%s", path, diff, p.Files[0].After)
		}
	}
	if p.Files[0].Action != "created" {
		t.Errorf("the file is %s", p.Files[0].Action)
	}
}
