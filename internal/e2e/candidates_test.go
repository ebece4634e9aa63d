package e2e_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/k8s"
)

// cloudNative is a real server with TLS behind what CloudNativePG makes for a
// cluster of the name pg.
func cloudNative(t *testing.T, s *site, attributes string) (host string, ca *pgtest.Authority) {
	t.Helper()
	host = "pg-rw." + s.namespace + ".svc"
	ca = pgtest.NewAuthority("CloudNativePG of the test")
	server, err := pgtest.Start(t.Context(), pgtest.Options{
		Settings: map[string]string{"max_connections": "300"},
		Access:   "hostssl all all 127.0.0.1/32 scram-sha-256\n",
		SQL:      "CREATE ROLE app LOGIN " + attributes + " PASSWORD '" + candidatePassword + "';\n",
		Pair:     ca.Issue(pgtest.Certificate{Names: []string{host}}),
	})
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	s.ApplyManifest(t, []byte(strings.NewReplacer("NS", s.namespace, "PORT", strconv.Itoa(server.Port), "PASSWORD", candidatePassword, "CERTIFICATE", strconv.Quote(string(ca.PEM))).Replace(`
apiVersion: v1
kind: Service
metadata: {name: pg-rw, namespace: NS, labels: {cnpg.io/cluster: pg}}
spec: {selector: {cnpg.io/cluster: pg, cnpg.io/instanceRole: primary}, ports: [{name: postgres, port: 5432, targetPort: 5432}]}
---
apiVersion: v1
kind: Secret
metadata: {name: pg-app, namespace: NS, labels: {cnpg.io/cluster: pg}}
type: kubernetes.io/basic-auth
stringData: {username: app, password: "PASSWORD", dbname: app}
---
apiVersion: v1
kind: Secret
metadata: {name: pg-ca, namespace: NS, labels: {cnpg.io/cluster: pg}}
stringData: {ca.crt: CERTIFICATE, ca.key: never shown}
---
apiVersion: v1
kind: Pod
metadata: {name: pg-1, namespace: NS, labels: {cnpg.io/cluster: pg, cnpg.io/instanceRole: primary}}
spec: {containers: [{name: postgres, image: x, ports: [{containerPort: 5432}]}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: NS}
spec:
  selector: {matchNamespaces: [NS]}
  forwards: [{ports: [5432], target: {address: 127.0.0.1, port: PORT}}]
`)))
	return host, ca
}

const candidatePassword = "of the operator 4711"

// TestDatabaseOfAnOperator: without a host the run tells which servers there are;
// with one of them everything but the password follows from its operator's objects,
// the authority included.
func TestDatabaseOfAnOperator(t *testing.T) {
	s := newSite(t)
	host, ca := cloudNative(t, s, "CREATEDB")
	d := desk{site: s}
	run := func(more ...string) checked {
		return d.json(t, []string{"CLIENT_SECRET=" + clientSecret, "PG_PASSWORD=" + candidatePassword}, append([]string{"install", "-o", "json", "-n", s.namespace, "--chart", s.chart, "--delivery", "manifest",
			"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
			"--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET", "--set", "database.type=postgresql"}, more...)...)
	}
	got := run("--dry-run")
	if got.code != 2 || !strings.Contains(got.stdout, host+" (CloudNativePG)") {
		t.Errorf("without a host: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = run("--dry-run", "--set", "database.postgresql.host="+host)
	if got.code != 2 || !strings.Contains(got.stdout, "Secret "+s.namespace+"/pg-app, key password") || strings.Contains(got.stdout+got.stderr, candidatePassword) {
		t.Errorf("without a password: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if strings.Contains(got.stdout, "database.postgresql.user") {
		t.Errorf("the user is asked for\n%s", got.stdout)
	}
	with := []string{"--set", "database.postgresql.host=" + host, "--set", "database.postgresql.password=env:PG_PASSWORD"}
	s.await(t, "the server's pod to take connections", func() bool {
		return run(append(with, "--dry-run")...).status("database.postgresql.reach") == "pass"
	})
	got = run(append(with, "--yes")...)
	if got.code != 0 || got.status("database.postgresql.tls") != "pass tls.ok" || got.status("database.postgresql.rights") != "pass" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	var written struct{ Data map[string][]byte }
	text, err := os.ReadFile(s.file("backstage-secrets.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &written)
	}
	for key, want := range map[string]string{
		"postgres-host": host, "postgres-user": "app", "postgres-db": "app", "postgres-port": "5432", "postgres-password": candidatePassword, "postgres-ca": strings.TrimSpace(string(ca.PEM)) + "\n",
	} {
		if string(written.Data[key]) != want {
			t.Errorf("%s is %q, want %q; %v", key, written.Data[key], want, err)
		}
	}
}

// TestDatabaseIsChosen: on the screen and line by line a person chooses the server,
// agrees to its password, and is told what its role lacks.
func TestDatabaseIsChosen(t *testing.T) {
	for name, mode := range map[string][]string{"screen": nil, "lines": {"--plain"}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			host, _ := cloudNative(t, s, "")
			given := append([]string{"install", "-n", s.namespace, "--chart", s.chart, "--delivery", "manifest", "--set", "preset=development",
				"--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
				"--set", "client.id=portal", "--set", "identity.provider=thunder", "--answers", "client.yaml", "--set", "database.type=postgresql"}, mode...)
			for name, text := range map[string]string{"client": clientSecret, "client.yaml": "client:\n  secret: {file: client}\n"} {
				if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			screen := s.terminal(t, 120, 40, given...)
			screen.Forbid(candidatePassword)
			if mode == nil {
				screen.Expect("Target", "Enter goes on")
				screen.Press("\r", "PostgreSQL host")
				screen.Expect(host, "CloudNativePG, pg in namespace")
				screen.Send(host)
				screen.Expect("CloudNativePG, pg in namespace " + s.namespace)
				screen.Press("\r", "▌ ctrl+y takes the one in Secret "+s.namespace+"/pg-app, key password")
				screen.Press("\x19", "Taken from Secret")
				screen.Expect("owns one database")
				screen.Send("\x07")
				screen.Expect("Review", "may not create databases")
				screen.Send("\x03\x03")
			} else {
				screen.Expect(". "+host+": CloudNativePG", "PostgreSQL host (number")
				screen.Send(host + "\r")
				screen.Expect("Take it from Secret " + s.namespace + "/pg-app, key password?")
				screen.Send("yes\r")
				screen.Expect("may not create databases", "cannot be applied")
				screen.Send("q\r")
				screen.Expect("Save the answers")
				screen.Send("n\r")
			}
			if code := screen.Wait(); code != 130 {
				t.Errorf("exit %d\n%s", code, screen.Output())
			}
			for _, name := range []string{"backstage-values.yaml", "backstage-secrets.yaml"} {
				if _, err := os.Stat(s.file(name)); err == nil {
					t.Errorf("%s was written", name)
				}
			}
		})
	}
}

// TestDatabaseTakesRights: who may not forward to the server is told so, and what
// rbac prints for it is enough to find, prefill and prove it.
func TestDatabaseTakesRights(t *testing.T) {
	s := newSite(t)
	host, _ := cloudNative(t, s, "CREATEDB")
	user := "database-" + s.namespace
	subject := []string{"rbac", "-n", s.namespace, "--release", s.namespace, "--subject", "user:" + user}
	try := func(as *site) checked {
		return desk{site: as}.json(t, []string{"CLIENT_SECRET=" + clientSecret, "PG_PASSWORD=" + candidatePassword}, "install", "-o", "json", "-n", s.namespace, "--release", s.namespace, "--chart", s.chart, "--delivery", "manifest", "--dry-run",
			"--set", "preset=development", "--set", "portal.baseUrl=http://openchoreo.localhost:8080", "--set", "identity.issuer=http://thunder.openchoreo.localhost:8080",
			"--set", "client.id=portal", "--set", "client.secret=env:CLIENT_SECRET", "--set", "database.type=postgresql",
			"--set", "database.postgresql.host="+host, "--set", "database.postgresql.user=app", "--set", "database.postgresql.database=app", "--set", "database.postgresql.password=env:PG_PASSWORD")
	}
	less := s.execute(t, []string{"KUBECONFIG="}, subject...)
	theirs := s.as(t, user, []byte(less.stdout), s.rights())
	got := try(theirs)
	if !strings.Contains(got.found("cluster.rights"), "create on pods/portforward") || !strings.HasPrefix(got.status("database.postgresql.reach"), "fail") {
		t.Errorf("without the rights: exit %d\n%s", got.code, got.stdout)
	}
	more := s.execute(t, []string{"KUBECONFIG="}, append(subject, "--forward", "pg-rw."+s.namespace, "--logins", s.namespace)...)
	if more.code != 0 {
		t.Fatal(more.stderr)
	}
	theirs = s.as(t, user, []byte(more.stdout), append(k8s.ForwardRights(host), k8s.LoginRights(s.namespace)...))
	s.await(t, "the server to be proven", func() bool {
		got = try(theirs)
		return got.status("database.postgresql.rights") == "pass" && got.status("database.postgresql.tls") == "pass tls.ok"
	})
	if strings.Contains(got.found("cluster.rights"), "portforward") {
		t.Errorf("a right is missing\n%s", got.stdout)
	}
}
