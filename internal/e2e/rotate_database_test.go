package e2e_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
)

// TestRotatePostgresPassword: the new password is tried first; with one role the
// run waits until it is changed there; a second role comes with its own.
func TestRotatePostgresPassword(t *testing.T) {
	w := newWorkshop(t)
	server, err := pgtest.Start(t.Context(), pgtest.Options{
		Access: "host all all 127.0.0.1/32 scram-sha-256\n",
		SQL:    "CREATE ROLE portal LOGIN CREATEDB PASSWORD 'the first one of portal';\nCREATE ROLE portal_2 LOGIN PASSWORD 'of the second role' IN ROLE portal;\nALTER ROLE portal_2 SET role = 'portal';\n",
	})
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	w.ApplyManifest(t, []byte(strings.NewReplacer("NS", w.namespace, "PORT", strconv.Itoa(server.Port)).Replace(serverInCluster)))
	host := "pg." + w.namespace + ".svc"
	install := []string{"install", "--yes", "-n", w.namespace, "--chart", w.chart, "--set", "database.type=postgresql", "--set", "database.postgresql.host=" + host,
		"--set", "database.postgresql.user=portal", "--set", "database.postgresql.database=backstage", "--set", "database.postgresql.ssl=no", "--set", "database.postgresql.password=env:PG"}
	env := []string{"CLIENT_SECRET=x", "PG=the first one of portal"}
	w.await(t, "the server's pod to take connections", func() bool {
		return checkOf(w.execute(t, env, append(install, "--dry-run", "-o", "json")...).result(t), "database.postgresql.reach").Status == "pass"
	})
	if got := w.execute(t, env, install...); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	w.roll(t)

	got := w.rotate(t, "a wrong password", "postgres-password")
	if c := checkOf(got.result(t), "database.postgresql.login"); got.code != 3 || c.Status != "fail" || c.Code != "login.password" || !strings.Contains(c.Hint, "--await") {
		t.Errorf("exit %d: %+v", got.code, c)
	}

	const second = "the second one of portal"
	run := w.begin(t, []string{"NEW=" + second}, w.rotation("postgres-password", "--await", "2m")...)
	run.until(t, "change it there now")
	if string(w.secret(t).Data["postgres-password"]) != env[1][3:] {
		t.Error("it was written before PostgreSQL takes it")
	}
	if err := server.SQL(t.Context(), "postgres", "ALTER ROLE portal PASSWORD '"+second+"'"); err != nil {
		t.Fatal(err)
	}
	got = run.end(t)
	if r := got.result(t); got.code != 0 || r.Rotation.Window == "" || became(r, "prove") != "done" || string(w.secret(t).Data["postgres-password"]) != second {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}

	got = w.rotate(t, "of the second role", "postgres-password", "--set", "database.postgresql.user=portal_2")
	now := w.secret(t).Data
	if r := got.result(t); got.code != 0 || len(r.Rotation.Keys) != 2 || string(now["postgres-user"]) != "portal_2" || string(now["postgres-password"]) != "of the second role" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if strings.Contains(got.stdout, "is ignored") {
		t.Errorf("an answer that counts is called ignored\n%s", got.stdout)
	}
	leaks(t, "stdout", got.stdout+got.stderr, "of the second role")
}

// serverInCluster is a server on this machine behind a Service of namespace NS.
const serverInCluster = `
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
`
