package plan

import (
	"encoding/json"
	"fmt"
	"strings"
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

// TestOwnRemovalsAreNoDrops: the variables that the answers about the database take
// out of the file; others that the release was given and the file lacks still count.
func TestOwnRemovalsAreNoDrops(t *testing.T) {
	const prefix = "APP_CONFIG_backend_database_"
	ca := map[string]any{"name": postgresEnv, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "backstage-secrets", "key": "postgres-ca"}}}
	set := func(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }
	sqlite := given{"database.type": "sqlite"}
	pg := given{"database.type": "postgresql", "database.postgresql.ssl": true, "database.postgresql.host": "db.example.com", "database.postgresql.layout": LayoutPerPlugin}
	for name, tt := range map[string]struct {
		item map[string]any
		said []given
	}{
		"CA":                 {ca, []given{sqlite, pg.with(given{"database.postgresql.ssl": false})}},
		"not verified":       {set(sslMode, noVerify), []given{sqlite, pg.with(given{"database.postgresql.verify": true})}},
		"pluginDivisionMode": {set(prefix+"pluginDivisionMode", "schema"), []given{sqlite, pg}},
		"ensureExists":       {set(prefix+"ensureExists", "false"), []given{sqlite, pg}},
		"ensureSchemaExists": {set(prefix+"ensureSchemaExists", "true"), []given{sqlite, pg}},
	} {
		for i, said := range tt.said {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/another one lost %t", name, i, lost), func(t *testing.T) {
					text, err := json.Marshal(map[string]any{"backstage": map[string]any{"extraEnv": []any{tt.item}}})
					if err != nil {
						t.Fatal(err)
					}
					items := []any{tt.item}
					var want []string
					if lost {
						items = append(items, set("THEIRS", "1"))
						want = []string{"backstage.extraEnv[name=THEIRS]"}
					}
					found := inCluster(basic)
					found.Release.Installed = true
					found.Release.Config = map[string]any{"backstage": map[string]any{"extraEnv": items}}
					p := scene{files: []string{string(text) + "\n"}, found: found, said: said}.plan(t)
					if strings.Contains(string(p.Files[0].After), tt.item["name"].(string)) {
						t.Fatalf("it is still there: %s", p.Files[0].After)
					}
					if diff := cmp.Diff(want, p.Drops()); diff != "" {
						t.Errorf("%s\n%s", diff, p.Files[0].After)
					}
				})
			}
		}
	}
}
