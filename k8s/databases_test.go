package k8s

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// databasesIn makes what the operators make in a namespace of its own.
func databasesIn(t *testing.T, cluster *testcluster.Cluster) (ns string) {
	t.Helper()
	manifest, err := os.ReadFile("testdata/databases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ns = cluster.Namespace(t)
	cluster.ApplyManifest(t, bytes.ReplaceAll(manifest, []byte("NS"), []byte(ns)))
	return ns
}

// told writes what was found, a line each; passwords by their length.
func told(d Database, logins []DatabaseLogin) string {
	text := fmt.Sprintf("%s %s:%d tls %q ca %s", d.Operator, d.Host, d.Port, d.TLS, d.CA)
	for _, l := range logins {
		text += fmt.Sprintf("\n  %s/%s by %s/%s (%d) super %v", l.User, l.Database, l.Password.Name, l.Password.Key, l.Text.Len(), l.Super)
	}
	return text
}

func TestDatabases(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := databasesIn(t, cluster)
	count := &recorder{}
	c := openAs(t, cluster.Kubeconfig, count.wrap)
	found := c.Databases(t.Context(), "elsewhere")
	if n := len(count.requests()); n != len(databaseOperators) {
		t.Errorf("%d requests for %d operators", n, len(databaseOperators))
	}
	if found.Unknown != "" {
		t.Error(found.Unknown)
	}
	own := slices.DeleteFunc(found.List, func(d Database) bool { return d.Namespace != ns })
	want := []string{
		"Zalando postgres-operator acid-minimal.NS.svc:5432 tls \"on\" ca //\n  foo_user/ by foo-user.acid-minimal.credentials.postgresql.acid.zalan.do/password (11) super false\n  postgres/ by postgres.acid-minimal.credentials.postgresql.acid.zalan.do/password (13) super true",
		"Bitnami postgresql db-postgresql.NS.svc:5433 tls \"off\" ca //\n  / by db-postgresql/password (11) super false\n  postgres/ by db-postgresql/postgres-password (13) super true",
		"Crunchy PGO hippo-primary.NS.svc:5432 tls \"on\" ca NS/hippo-cluster-cert/ca.crt\n  rhino/zoo by hippo-pguser-rhino/password (13) super false",
		"CloudNativePG pg-rw.NS.svc:5432 tls \"on\" ca NS/pg-ca/ca.crt\n  app/app by pg-app/password (14) super false\n  postgres/ by pg-superuser/password (10) super true",
		"StackGres simple.NS.svc:5432 tls \"\" ca //\n  postgres/ by simple/superuser-password (15) super true",
	}
	var got []string
	for _, d := range own {
		logins, err := c.Logins(t.Context(), d)
		if err != nil {
			t.Error(err)
		}
		got = append(got, strings.ReplaceAll(told(d, logins), ns, "NS"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	pem, err := c.Certificates(t.Context(), KeyOf{ns, "pg-ca", "ca.crt"})
	if err != nil || !bytes.HasPrefix(pem, []byte("-----BEGIN CERTIFICATE-----")) {
		t.Errorf("CA %q, %v", pem, err)
	}
	for _, k := range []KeyOf{{ns, "pg-ca", "other"}, {ns, "none", "ca.crt"}} {
		if _, err := c.Certificates(t.Context(), k); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestDatabasesWithFewRights(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := databasesIn(t, cluster)
	nobody := openAs(t, cluster.KubeconfigFor(t, "databases-nobody"), nil)
	if found := nobody.Databases(t.Context(), ns); len(found.List) != 0 || !strings.Contains(found.Unknown, "list on services") {
		t.Errorf("without rights: %+v", found)
	}
	here := DatabaseRights()[0]
	here.Namespace = ns
	grant(t, cluster, ns, "databases-here", []Access{here})
	some := openAs(t, cluster.KubeconfigFor(t, "databases-here"), nil)
	found := some.Databases(t.Context(), ns)
	if len(found.List) != 5 || found.Unknown != "" {
		t.Errorf("in the one namespace: %+v", found)
	}
	for _, d := range found.List {
		if logins, err := some.Logins(t.Context(), d); !errors.Is(err, ErrForbidden) || len(logins) != 0 {
			t.Errorf("%s: Secrets were read: %v %v", d.Operator, logins, err)
		}
	}
	grant(t, cluster, ns, "databases-logins", append(LoginRights(ns), here))
	more := openAs(t, cluster.KubeconfigFor(t, "databases-logins"), nil)
	for _, d := range more.Databases(t.Context(), ns).List {
		if logins, err := more.Logins(t.Context(), d); err != nil || len(logins) == 0 {
			t.Errorf("%s: %v", d.Operator, err)
		}
	}
}

func TestParseKeyOf(t *testing.T) {
	for text, want := range map[string]KeyOf{"db/pg-ca/ca.crt": {"db", "pg-ca", "ca.crt"}, "": {}, "db/pg-ca": {}, "db//ca.crt": {}, "a/b/c/d": {}} {
		if got, ok := ParseKeyOf(text); got != want || ok != (want != KeyOf{}) {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	}
}

func TestForwardRights(t *testing.T) {
	if rights := ForwardRights("db.example.com"); len(rights) != 0 {
		t.Errorf("no Service: %v", rights)
	}
	rights := ForwardRights("pg-rw.db.svc.cluster.local")
	if !slices.ContainsFunc(rights, func(a Access) bool {
		return a.Resource == "services" && a.Name == "pg-rw" && a.Namespace == "db"
	}) {
		t.Errorf("got %v", rights)
	}
}
