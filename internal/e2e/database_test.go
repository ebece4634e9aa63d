package e2e_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
)

// oddPassword has what breaks addresses, shells, YAML and SQL.
const oddPassword = `a@b/c:d#e%f'g"h\i jü€`

// startInCluster is a real PostgreSQL server behind a Service of the site's
// namespace, with the roles portal and poor.
func startInCluster(t *testing.T, s *site) (host string) {
	t.Helper()
	_, host = serverBehind(t, s)
	return host
}

// serverBehind is the same, with the server itself.
func serverBehind(t *testing.T, s *site) (server *pgtest.Server, host string) {
	t.Helper()
	quoted := "'" + strings.ReplaceAll(oddPassword, "'", "''") + "'"
	server, err := pgtest.Start(t.Context(), pgtest.Options{
		Settings: map[string]string{"max_connections": "300"},
		Access:   "host all all 127.0.0.1/32 scram-sha-256\n",
		SQL: "CREATE ROLE portal LOGIN CREATEDB PASSWORD " + quoted + ";\nCREATE ROLE poor LOGIN PASSWORD " + quoted + ";\n" +
			"CREATE DATABASE backstage_plugin_catalog OWNER portal;\n", // a pod would make it, and kwok only plays pods
	})
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s.ApplyManifest(t, []byte(strings.NewReplacer("NS", s.namespace, "PORT", strconv.Itoa(server.Port)).Replace(`
apiVersion: v1
kind: Service
metadata: {name: pg, namespace: NS}
spec: {selector: {app: pg}, ports: [{port: 5432, targetPort: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: pg-0, namespace: NS, labels: {app: pg}}
spec: {containers: [{name: pg, image: x, ports: [{containerPort: 5432}]}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards: [{ports: [5432], target: {address: 127.0.0.1, port: PORT}}]
`)))
	return server, "pg." + s.namespace + ".svc"
}

// TestDatabaseIsProven: a server in the cluster is reached by a port-forward, what
// does not work is not written, and the password goes unchanged into manifest and
// Secret.
func TestDatabaseIsProven(t *testing.T) {
	s := newSite(t)
	host := startInCluster(t, s)
	d := desk{site: s}
	on := func(role, password, flow string, args ...string) checked {
		return d.json(t, []string{"CLIENT_SECRET=" + clientSecret, "PG_PASSWORD=" + password}, append(append([]string{flow}, args...), "-o", "json", "-n", s.namespace, "--chart", s.chart,
			"--set", "database.postgresql.host="+host, "--set", "database.postgresql.user="+role, "--set", "database.postgresql.database=backstage",
			"--set", "database.postgresql.password=env:PG_PASSWORD")...)
	}
	portal := []string{"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080",
		"--set", "identity.issuer=http://thunder.openchoreo.localhost:8080", "--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET"}
	manifest := append([]string{"--yes", "--delivery", "manifest", "--set", "database.type=postgresql"}, portal...)

	s.await(t, "the server's pod to take connections", func() bool {
		return on("portal", oddPassword, "install", append([]string{"--dry-run"}, manifest...)...).status("database.postgresql.reach") == "pass"
	})
	got := on("portal", "wrong", "install", manifest...)
	if got.code != 3 || got.status("database.postgresql.login") != "fail login.password" || got.status("database.postgresql.rights") != "skip" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	d.untouched(t)
	if got = on("poor", oddPassword, "install", manifest...); got.code != 3 || got.status("database.postgresql.rights") != "fail role.createdb" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	d.untouched(t)
	if got = on("portal", oddPassword, "install", manifest...); got.code != 0 || got.status("database.postgresql.login") != "pass database.ok" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	var written struct{ Data map[string][]byte }
	text, err := os.ReadFile(s.file("backstage-secrets.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &written)
	}
	if err != nil || string(written.Data["postgres-password"]) != oddPassword || string(written.Data["postgres-port"]) != "5432" {
		t.Errorf("manifest: %q %v", written.Data["postgres-password"], err)
	}

	// From SQLite to PostgreSQL, on a portal that is there.
	s.dir = t.TempDir()
	if out := s.execute(t, []string{"CLIENT_SECRET=" + clientSecret}, append([]string{"install", "--yes", "-n", s.namespace, "--chart", s.chart}, portal...)...); out.code != 0 {
		t.Fatalf("exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	before, err := os.ReadFile(s.file("backstage-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got = on("portal", "wrong", "database", "postgresql", "--yes"); got.code != 3 || got.status("database.postgresql.login") != "fail login.password" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if after, err := os.ReadFile(s.file("backstage-values.yaml")); err != nil || string(after) != string(before) || s.secret(t).Data["postgres-password"] != nil {
		t.Errorf("a wrong password changed something: %v", err)
	}
	if got = on("portal", oddPassword, "database", "postgresql", "--yes"); got.code != 0 || !got.Applied {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if secret := s.secret(t).Data; string(secret["postgres-password"]) != oddPassword || string(secret["postgres-host"]) != host {
		t.Errorf("Secret: %q", secret["postgres-password"])
	}
	if after, err := os.ReadFile(s.file("backstage-values.yaml")); err != nil || !strings.Contains(string(after), `type: "postgresql"`) {
		t.Errorf("values: %v\n%s", err, after)
	}

	// What is there is proven again with the password of the Secret, by the short name too.
	got = d.json(t, nil, "database", "postgresql", "--dry-run", "-o", "json", "-n", s.namespace, "--chart", s.chart, "--set", "database.postgresql.host=pg")
	if got.code != 0 || got.status("database.postgresql.login") != "pass database.ok" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestDatabaseNeedsAPortal: the flow changes a portal and sets none up.
func TestDatabaseNeedsAPortal(t *testing.T) {
	d := desk{site: &site{dir: t.TempDir()}}
	got := d.json(t, nil, "database", "sqlite", "--yes", "-o", "json")
	if got.status("portal.installed") != "fail" || got.code != 3 {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	d.untouched(t)
}
