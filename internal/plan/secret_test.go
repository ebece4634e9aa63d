package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// keyRows is what happens to each key: "name action (source)".
func keyRows(p *Plan) []string {
	var rows []string
	for _, k := range p.Secret.Keys {
		rows = append(rows, fmt.Sprintf("%s %s (%s)", k.Name, k.Action, k.Source))
	}
	return rows
}

// writes is what the plan sends to the cluster.
func writes(p *Plan) map[string]string {
	out := map[string]string{}
	for name, value := range p.change().Set {
		out[name] = value.Reveal()
	}
	return out
}

var (
	fromEnv    = secret.Value{Ref: secret.Ref{Env: "CLIENT_SECRET"}, Text: secret.New("s3cret")}
	kept       = secret.Value{Ref: secret.Ref{Keep: true}}
	generated  = secret.Value{Ref: secret.Ref{Generate: true}, Text: secret.New("random")}
	basic      = map[string]string{"backend-secret": "b", "client-secret": "s3cret", "jenkins-api-key": "placeholder-not-in-use"}
	postgresql = given{
		"database.type": "postgresql", "database.postgresql.host": "db.example.com", "database.postgresql.port": 5433, "database.postgresql.user": "portal",
		"database.postgresql.password": typed("p4ss"), "database.postgresql.database": "backstage",
	}
)

func (g given) with(more given) given {
	all := given{}
	maps.Copy(all, g)
	maps.Copy(all, more)
	return all
}

func plus(keys map[string]string, more ...string) map[string]string {
	all := maps.Clone(keys)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// TestSecretKeys: which keys a chart and answers need, what becomes of each, and
// what is sent.
func TestSecretKeys(t *testing.T) {
	const there = "(Secret backstage-secrets)"
	for name, tt := range map[string]struct {
		scene  scene
		action string
		rows   []string
		sent   map[string]string
	}{
		"new": {
			scene{said: given{"client.secret": fromEnv, "backendSecret": generated}}, "created",
			[]string{"backend-secret generated (answers file)", "client-secret set (env:CLIENT_SECRET)", "jenkins-api-key placeholder (not used)"},
			map[string]string{"backend-secret": "random", "client-secret": "s3cret", "jenkins-api-key": "placeholder-not-in-use"},
		},
		"all there": {
			scene{found: inCluster(basic), said: given{"client.secret": kept, "backendSecret": kept}}, "unchanged",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{},
		},
		"the same again": {
			scene{found: inCluster(basic), said: given{"client.secret": fromEnv, "backendSecret": typed("b")}}, "unchanged",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{},
		},
		"one changes, others stay": {
			scene{found: inCluster(plus(basic, "client-secret", "old", "theirs", "x", "postgres-host", "left.over")), said: given{"client.secret": fromEnv}}, "patched",
			[]string{"backend-secret kept " + there, "client-secret set (env:CLIENT_SECRET)", "jenkins-api-key kept " + there, "postgres-host kept " + there, "theirs kept " + there},
			map[string]string{"client-secret": "s3cret"},
		},
		"generated anew on request": {
			scene{found: inCluster(basic), said: given{"backendSecret": generated}}, "patched",
			[]string{"backend-secret generated (answers file)", "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{"backend-secret": "random"},
		},
		"an empty key counts as there": {
			scene{found: inCluster(plus(basic, "jenkins-api-key", ""))}, "unchanged",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{},
		},
		"kept though nobody saw it": {
			scene{said: given{"client.secret": kept, "backendSecret": kept}}, "created",
			[]string{"backend-secret kept (kept, not seen from here)", "client-secret kept (kept, not seen from here)", "jenkins-api-key placeholder (not used)"},
			map[string]string{"jenkins-api-key": "placeholder-not-in-use"},
		},
		"PostgreSQL": {
			scene{found: inCluster(plus(basic, "postgres-user", "portal")), said: postgresql}, "patched",
			[]string{
				"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there, "postgres-host set (answers file)", "postgres-port set (answers file)",
				"postgres-user kept " + there, "postgres-password set (answers file)", "postgres-db set (answers file)",
			},
			map[string]string{"postgres-host": "db.example.com", "postgres-port": "5433", "postgres-password": "p4ss", "postgres-db": "backstage"},
		},
		"PostgreSQL without an answer, from the Secret": {
			scene{
				found: inCluster(plus(basic, "postgres-host", "h", "postgres-port", "5432", "postgres-user", "u", "postgres-password", "p", "postgres-db", "d")),
				said:  given{"database.type": "postgresql"},
			}, "unchanged",
			[]string{
				"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there, "postgres-host kept " + there, "postgres-port kept " + there,
				"postgres-user kept " + there, "postgres-password kept " + there, "postgres-db kept " + there,
			}, map[string]string{},
		},
		"Jenkins": {
			scene{found: inCluster(basic), said: given{"jenkins.enabled": true, "jenkins.apiKey": typed("k3y")}}, "patched",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key set (answers file)"}, map[string]string{"jenkins-api-key": "k3y"},
		},
		"GitHub without secrets": {
			scene{found: inCluster(basic), said: given{"githubActions.enabled": true, "githubActions.oauthClientId": "Iv1"}}, "unchanged",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{},
		},
		"GitHub": {
			scene{found: inCluster(plus(basic, "github-oauth-client-secret", "o")), said: given{"githubActions.enabled": true, "githubActions.oauthClientId": "Iv1", "githubActions.token": typed("t")}}, "patched",
			[]string{
				"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there,
				"github-actions-token set (answers file)", "github-oauth-client-secret kept " + there,
			},
			map[string]string{"github-actions-token": "t"},
		},
		"two clients": {
			scene{version: "1.1.0", found: inCluster(basic), said: given{"serviceClient.id": "robot", "serviceClient.secret": typed("r")}}, "patched",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "service-client-secret set (answers file)", "jenkins-api-key kept " + there},
			map[string]string{"service-client-secret": "r"},
		},
		"two clients on a chart of one": {
			scene{version: "1.0.0", found: inCluster(basic), said: given{"serviceClient.id": "robot", "serviceClient.secret": typed("r")}}, "unchanged",
			[]string{"backend-secret kept " + there, "client-secret kept " + there, "jenkins-api-key kept " + there}, map[string]string{},
		},
		"no sign-in": {
			scene{said: given{"security.authentication": false, "client.secret": secret.Value{}, "backendSecret": generated}}, "created",
			[]string{"backend-secret generated (answers file)", "client-secret placeholder (not used)", "jenkins-api-key placeholder (not used)"},
			map[string]string{"backend-secret": "random", "client-secret": "placeholder-not-in-use", "jenkins-api-key": "placeholder-not-in-use"},
		},
		"no portal": {scene{found: inCluster(basic), said: given{"portal.enabled": false, "client.secret": fromEnv}}, "unchanged", nil, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := tt.scene.plan(t)
			if p.Secret.Action != tt.action {
				t.Errorf("the Secret is %s, want %s", p.Secret.Action, tt.action)
			}
			if diff := cmp.Diff(tt.rows, keyRows(p)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.sent, writes(p)); diff != "" {
				t.Error(diff)
			}
			if p.Secret.Action == "patched" && p.change().ResourceVersion != "7" {
				t.Errorf("patched under version %q", p.change().ResourceVersion)
			}
			for _, k := range p.Secret.Keys {
				if k.Length != k.Value.Len() {
					t.Errorf("%s: length %d of %d", k.Name, k.Length, k.Value.Len())
				}
			}
		})
	}
}

// TestServiceClientKeyName: another name that the operator gave the key is kept;
// the chart's default, the key of the sign-in client, is not shared.
func TestServiceClientKeyName(t *testing.T) {
	const path = "backstage.auth.serviceClientSecretKey"
	two := given{"serviceClient.id": "robot", "serviceClient.secret": typed("r")}
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"new":                        {[]string{""}, "service-client-secret"},
		"the chart's default":        {[]string{"backstage: {auth: {serviceClientSecretKey: client-secret}}\n"}, "service-client-secret"},
		"empty":                      {[]string{"backstage: {auth: {serviceClientSecretKey: \"\"}}\n"}, "service-client-secret"},
		"their own":                  {[]string{"backstage: {auth: {serviceClientSecretKey: catalog-secret}}\n"}, "catalog-secret"},
		"their own, in a file below": {[]string{"backstage: {auth: {serviceClientSecretKey: catalog-secret}}\n", ""}, "catalog-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			p := scene{said: two, files: tt.files, found: inCluster(basic)}.plan(t)
			if got := at(t, p, path); got != tt.want {
				t.Errorf("the values name it %v", got)
			}
			if diff := cmp.Diff(map[string]string{tt.want: "r"}, writes(p)); diff != "" {
				t.Error(diff)
			}
			if written := slices.ContainsFunc(p.Values, func(v ValueChange) bool { return v.Path == path }); written != (tt.want == "service-client-secret") {
				t.Errorf("written: %t", written)
			}
		})
	}
}

func TestPlaceholderInUseIsTold(t *testing.T) {
	p := scene{found: inCluster(plus(basic, "client-secret", "your-client-secret"))}.plan(t)
	if !warned(p, "secrets", "client-secret in Secret backstage-secrets holds a public placeholder") {
		t.Errorf("warnings %v", p.Warnings)
	}
	if warned(p, "secrets", "jenkins-api-key") {
		t.Errorf("nothing uses Jenkins' key, but: %v", p.Warnings)
	}
}

func TestLastApplied(t *testing.T) {
	found := inCluster(basic)
	found.Secret.Secret.LastApplied = true
	p := scene{found: found}.plan(t)
	if p.Secret.Action != "unchanged" || !warned(p, "secrets", "holds earlier secrets in plain base64") {
		t.Errorf("%s, warnings %v", p.Secret.Action, p.Warnings)
	}
	p = scene{found: found, files: []string{"backstage: {secretName: backstage-secrets}\n"}, current: func(c *Current) { c.DropLastApplied, c.Restart = true, true; c.Cluster.Deployment.Name = "backstage" }}.plan(t)
	if p.Secret.Action != "patched" || p.Upgrades() || !p.Secret.DropsLastApplied || !p.change().RemoveLastApplied || len(writes(p)) > 0 || warned(p, "secrets", "base64") {
		t.Errorf("%+v, warnings %v", p.Secret, p.Warnings)
	}
	if slices.ContainsFunc(p.Actions, func(a Action) bool { return a.ID() == "restart" }) {
		t.Error("the pods are restarted, but no value changes")
	}
}

func TestPostgresCertificate(t *testing.T) {
	const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"
	withCA := func(c *Current) { c.PostgresCA = []byte("\n" + pem + "\n\n") }
	said := postgresql.with(given{"database.postgresql.ssl": true, "database.postgresql.caFile": "ca.pem"})
	p := scene{said: said, current: withCA}.plan(t)
	if got := writes(p)["postgres-ca"]; got != pem+"\n" {
		t.Errorf("postgres-ca is %q", got)
	}
	variable := map[string]any{"name": postgresEnv, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "backstage-secrets", "key": "postgres-ca"}}}
	if diff := cmp.Diff([]any{variable}, at(t, p, "backstage.extraEnv")); diff != "" {
		t.Error(diff)
	}
	keys := map[string]string{"backend-secret": "b", "client-secret": "c", "postgres-ca": pem + "\n"}
	again := scene{said: said, current: withCA, files: []string{string(p.Files[0].After)}, found: inCluster(keys)}.plan(t)
	if _, sent := writes(again)["postgres-ca"]; sent || again.Files[0].Action != "unchanged" {
		t.Errorf("the second run sends it: %t\n%s", sent, again.Files[0].Diff)
	}
	for name, more := range map[string]given{"without TLS": {"database.postgresql.ssl": false}, "SQLite": {"database.type": "sqlite"}} {
		p := scene{said: said.with(more), current: withCA}.plan(t)
		if _, sent := writes(p)["postgres-ca"]; sent || strings.Contains(string(p.Files[0].After), postgresEnv) {
			t.Errorf("%s: sent %t\n%s", name, sent, p.Files[0].After)
		}
	}
}

// TestCertificateDropped: who wants well-known authorities only has the variable
// taken away, while the key that pods still name stays in the Secret; what nothing
// reads is not taken up again.
func TestCertificateDropped(t *testing.T) {
	const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
	said := postgresql.with(given{"database.postgresql.ssl": true})
	first := scene{said: said.with(given{"database.postgresql.caFile": "ca.pem"}), current: func(c *Current) { c.PostgresCA = []byte(pem) }}.plan(t)
	keys := map[string]string{"backend-secret": "b", "client-secret": "c", "postgres-ca": pem}
	for key, value := range writes(first) {
		if strings.HasPrefix(key, "postgres-") {
			keys[key] = value
		}
	}
	found := inCluster(keys)
	found.Deployment.Name, found.Deployment.Database = "portal", "pg"
	found.Deployment.Env = []k8s.EnvVar{{Name: postgresEnv, SecretName: "backstage-secrets", SecretKey: "postgres-ca"}}
	file := string(first.Files[0].After)
	now := func(said given) (*Plan, Input) {
		t.Helper()
		s := scene{said: said, files: []string{file}, found: found, current: func(c *Current) { c.Upgrade, c.UndoOnFailure, c.Restart = true, true, true }}
		return s.plan(t), s.input(t)
	}
	if p, in := now(said); string(in.PostgresCA()) != pem || strings.Contains(fmt.Sprint(p.Next), "postgres-ca") || p.Files[0].Action != "unchanged" {
		t.Errorf("kept: %q, %v", in.PostgresCA(), p.Next)
	}
	p, in := now(said.with(given{"database.postgresql.trustCA": "None"}))
	if _, sent := writes(p)["postgres-ca"]; sent || in.PostgresCA() != nil || strings.Contains(string(p.Files[0].After), postgresEnv) || p.Files[0].Action != "edited" {
		t.Errorf("dropped: %q\n%s", in.PostgresCA(), p.Files[0].Diff)
	}
	if !p.ConfirmsDatabase() || !p.Upgrading() {
		t.Errorf("nothing confirms that it works without: %v", p.Actions)
	}
	remove := `kubectl patch secret backstage-secrets -n cp --type=json -p '[{"op":"remove","path":"/data/postgres-ca"}]'`
	if !slices.ContainsFunc(p.Next, func(c Command) bool { return c.Line == remove }) {
		t.Errorf("the key stays for ever: %v", p.Next)
	}
	if drops := p.Drops(); len(drops) > 0 {
		t.Errorf("what was asked for is told as a loss: %q", drops)
	}
	// Before the upgrade and after it: the values say that nothing reads the key.
	file = string(p.Files[0].After)
	for range 2 {
		p, in = now(said)
		if in.PostgresCA() != nil || p.Files[0].Action != "unchanged" {
			t.Errorf("taken up again: %q\n%s", in.PostgresCA(), p.Files[0].Diff)
		}
		found.Deployment.Env = nil
	}
}

// TestSecretText holds the words that steps' conditions ask for.
func TestSecretText(t *testing.T) {
	in := scene{said: given{
		"client.secret": kept, "backendSecret": generated, "jenkins.apiKey": secret.Value{}, "portal.enabled": false, "portal.service.port": 7008, "portal.hostnames": []string{"a"},
	}}.input(t)
	for key, want := range map[answers.Key]string{
		"client.secret": "set", "backendSecret": "set", "jenkins.apiKey": "", "serviceClient.secret": "", "portal.enabled": "false", "security.authentication": "true",
		"portal.service.port": "7008", "portal.hostnames": "", "target.namespace": "cp", "no.such.key": "",
	} {
		if got := in.Text(string(key)); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}
