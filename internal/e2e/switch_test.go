package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/wizard"
)

// pvc is SQLite's claim; its uid is "" when there is none, or when it goes.
type pvc struct {
	uid         string
	annotations map[string]string // without those of the volume binder
}

func (c pvc) String() string {
	if c.uid == "" {
		return ""
	}
	return fmt.Sprint(c.uid, c.annotations)
}

func (c pvc) kept() bool { return c.uid != "" && c.annotations["helm.sh/resource-policy"] == "keep" }

func (s *site) claim(t *testing.T) pvc {
	t.Helper()
	client, err := core.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.PersistentVolumeClaims(s.namespace).Get(t.Context(), "backstage-db", metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && got.DeletionTimestamp != nil {
		return pvc{}
	}
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(got.Annotations, func(name, _ string) bool { return strings.HasPrefix(name, "pv.kubernetes.io/") })
	return pvc{string(got.UID), got.Annotations}
}

// onVolume is a site whose portal runs with SQLite on a volume that is bound, and
// a PostgreSQL server in the cluster that answers.
func onVolume(t *testing.T) (s *site, host string) {
	t.Helper()
	s = newSite(t)
	host = startInCluster(t, s)
	s.ApplyManifest(t, []byte(standIns))
	s.ApplyManifest(t, []byte(strings.ReplaceAll(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: NS}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  claimRef: {namespace: NS, name: backstage-db}
  hostPath: {path: /nowhere}
`, "NS", s.namespace)))
	if got := s.execute(t, s.environment(clientSecret), s.args("--upgrade", "--set", "database.sqlite.persistence=true")...); got.code != 0 {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.await(t, "the server's pod to take connections", func() bool {
		got := s.execute(t, s.switching(), s.toPostgres(host, "--dry-run", "-o", "json")...)
		return checkOf(got.result(t), "database.postgresql.reach").Status == check.Pass
	})
	return s, host
}

// switching is the environment of toPostgres.
func (s *site) switching() []string {
	return append(s.environment(clientSecret), "PG_PASSWORD="+oddPassword)
}

func (s *site) toPostgres(host string, more ...string) []string {
	return s.database("postgresql", append([]string{"--set", "database.postgresql.host=" + host, "--set", "database.postgresql.user=portal",
		"--set", "database.postgresql.database=backstage", "--set", "database.postgresql.password=env:PG_PASSWORD"}, more...)...)
}

func (s *site) database(to string, more ...string) []string {
	return append([]string{"database", to, "--yes", "-n", s.namespace, "--release", s.namespace, "--chart", s.chart}, more...)
}

// variable is what the portal's container has under a name: the value, or the key
// of the Secret.
func (s *site) variable(t *testing.T, name string) string {
	t.Helper()
	for _, e := range s.portal(t).Spec.Template.Spec.Containers[0].Env {
		if e.Name != name {
			continue
		}
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			return e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
		}
		return e.Value
	}
	return ""
}

// before tells whether the actions were done in that order.
func before(t *testing.T, r wizard.Result, ids ...string) {
	t.Helper()
	at := -1
	for _, id := range ids {
		i := slices.IndexFunc(r.Actions, func(a wizard.ActionResult) bool { return a.ID == id && a.Status == "done" })
		if i <= at {
			t.Errorf("%s is not done after what has to come first: %+v", id, r.Actions)
		}
		at = i
	}
}

// TestSwitchThereAndBack: from SQLite on a volume to PostgreSQL and back, with a
// Deployment that rolls and the real helm: the volume outlives it, the password
// arrives as it was given, and nothing is left to do.
func TestSwitchThereAndBack(t *testing.T) {
	s, host := onVolume(t)
	volume := s.claim(t)
	if volume.uid == "" || volume.kept() {
		t.Fatalf("the portal has no volume: %v", volume)
	}
	there := s.toPostgres(host, "--upgrade", "--set", "scaling.replicas=2", "-o", "json")
	got := s.execute(t, s.switching(), there...)
	r := got.result(t)
	if got.code != 0 || r.Rollout.Status != "complete" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	before(t, r, "volume.keep", "secret", "upgrade", "rollout")
	if now := s.claim(t); now.uid != volume.uid || !now.kept() {
		t.Errorf("the volume is %v, and was %v", now, volume)
	}
	if data := s.secret(t).Data; string(data["postgres-password"]) != oddPassword || string(data["postgres-port"]) != "5432" || string(data["postgres-host"]) != host {
		t.Errorf("the Secret has password %q, port %q", data["postgres-password"], data["postgres-port"])
	}
	for name, want := range map[string]string{"DATABASE_CLIENT": "pg", "POSTGRES_PASSWORD": "backstage-secrets/postgres-password", "POSTGRES_HOST": "backstage-secrets/postgres-host"} {
		if now := s.variable(t, name); now != want {
			t.Errorf("%s is %q", name, now)
		}
	}
	if d := s.portal(t); d.Status.AvailableReplicas != 2 {
		t.Errorf("%d pods are available", d.Status.AvailableReplicas)
	}
	if !mentions(r.Next, "kubectl delete pvc backstage-db") {
		t.Errorf("nothing says how to delete the volume: %q", r.Next)
	}
	// The pods here have no logs, and nobody sees the server: the way back stays until
	// the same run sees the portal up once more.
	if i := slices.IndexFunc(r.Actions, func(a wizard.ActionResult) bool { return a.ID == "database.confirm" }); i < 0 || !strings.HasPrefix(r.Actions[i].Note, "not confirmed: ") || !s.previous(t) {
		t.Errorf("the old values are kept: %t; %+v", s.previous(t), r.Actions)
	}
	if again := s.execute(t, s.switching(), there...); again.code != 0 || !s.previous(t) || became(again.result(t), "database.confirm") != "done" || !strings.Contains(again.stdout, "not confirmed: ") {
		t.Errorf("without logs: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	s.logs(t, "Listening on :7007")
	if again := s.execute(t, s.switching(), there...); again.code != 0 || s.previous(t) || became(again.result(t), "database.confirm") != "done" || strings.Contains(again.stdout, "not confirmed: ") {
		t.Errorf("with logs: exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	if again := s.execute(t, s.switching(), there...).result(t); len(again.Actions)+len(again.Next) != 0 || s.previous(t) {
		t.Errorf("again: %+v %q", again.Actions, again.Next)
	}

	// Two replicas of SQLite are refused, in words that say what to answer.
	before := s.state(t)
	got = s.execute(t, s.switching(), s.database("sqlite", "--upgrade")...)
	if got.code != 2 || !strings.Contains(got.stderr, "scaling.replicas: must be 1 with SQLite") || !strings.Contains(got.stderr, "answer scaling.replicas=1") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	same(t, "refused", before, s.state(t))

	// A volume that is smaller cannot be had.
	back := s.database("sqlite", "--upgrade", "--set", "scaling.replicas=1", "-o", "json")
	got = s.execute(t, s.switching(), append(back, "--set", "database.sqlite.size=500Mi")...)
	if fits := checkOf(got.result(t), "database.sqlite.volume"); got.code != 3 || fits.Status != check.Fail || !strings.Contains(fits.Hint, "--set database.sqlite.size=1Gi") {
		t.Errorf("exit %d: %+v", got.code, fits)
	}
	same(t, "too small", before, s.state(t))

	got = s.execute(t, s.switching(), back...)
	r = got.result(t)
	if got.code != 0 || r.Rollout.Status != "complete" {
		t.Fatalf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	if fits := checkOf(r, "database.sqlite.volume"); fits.Status != check.Warn || !strings.Contains(fits.Found, "taken up again") {
		t.Errorf("%+v", fits)
	}
	if now := s.claim(t); now.uid != volume.uid || s.variable(t, "DATABASE_CLIENT") != "better-sqlite3" || s.portal(t).Spec.Template.Spec.Volumes[0].PersistentVolumeClaim == nil {
		t.Errorf("the volume is %v, and was %v", now, volume)
	}
	if d := s.portal(t); *d.Spec.Replicas != 1 || d.Status.AvailableReplicas != 1 {
		t.Errorf("%d pods are available", d.Status.AvailableReplicas)
	}
	if again := s.execute(t, s.switching(), back...).result(t); len(again.Actions)+len(again.Next) != 0 {
		t.Errorf("again: %+v %q", again.Actions, again.Next)
	}
}

// TestTryMode: a portal that crashes with PostgreSQL is the old one again, with its
// old bytes, its Secret, its release and its volume.
func TestTryMode(t *testing.T) {
	s, host := onVolume(t)
	s.crashWith(t, "DATABASE_CLIENT", "pg")
	before := s.state(t)
	try := s.toPostgres(host, "--upgrade", "--on-failure", "undo", "--wait", "2s", "--set", "scaling.replicas=2", "--set", "scaling.autoscaling.enabled=true")
	text := s.execute(t, s.switching(), try...)
	if text.code != 1 || !strings.Contains(text.stderr, "everything was put back as it was") || !strings.Contains(text.stderr, "exit code 7") {
		t.Errorf("exit %d\n%s", text.code, text.stderr)
	}
	same(t, "put back", before, s.state(t))
	got := s.execute(t, s.switching(), append(try, "-o", "json")...)
	r := got.result(t)
	for id, want := range map[string]string{"volume.keep": "undone", "file.values": "undone", "secret": "undone", "upgrade": "undone", "rollout": "failed"} {
		if became(r, id) != want {
			t.Errorf("%s is %q", id, became(r, id))
		}
	}
	if got.code != 1 || r.Applied || r.Rollout.Status != "rolled-back" {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	same(t, "put back once more", before, s.state(t))
	if d := s.portal(t); d.Status.UpdatedReplicas != 1 || d.Status.AvailableReplicas != 1 || d.Status.UnavailableReplicas != 0 {
		t.Errorf("the portal is not up: %+v", d.Status)
	}
	if out, err := s.shell(t, "kubectl get hpa -o name -n "+s.namespace); err != nil || out != "" {
		t.Errorf("of PostgreSQL there is left: %s%v", out, err)
	}
	if claim := s.claim(t); claim.kept() || s.previous(t) {
		t.Errorf("left over: %v, old values %t", claim, s.previous(t))
	}

	// Left as it is, undo puts it back later.
	got = s.execute(t, s.switching(), s.toPostgres(host, "--upgrade", "--on-failure", "leave", "--keep-previous", "--wait", "2s")...)
	if got.code != 1 || !s.claim(t).kept() || s.variable(t, "DATABASE_CLIENT") != "pg" {
		t.Errorf("exit %d, claim %v\n%s", got.code, s.claim(t), got.stderr)
	}
	if got := s.execute(t, s.environment(""), s.undo()...); got.code != 0 || !strings.Contains(got.stderr, "✓ leave claim "+s.namespace+"/backstage-db to its release again") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	same(t, "undone", before, s.state(t))
}

// TestVolumeIsKeptByHand: where the operator upgrades, the volume is kept before;
// where the run touches no cluster, the command for that comes before the upgrade.
func TestVolumeIsKeptByHand(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		kept bool // by the run
	}{
		"the upgrade is the operator's": {nil, true},
		"all of it is":                  {[]string{"--delivery", "manifest"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, host := onVolume(t)
			volume := s.claim(t)
			got := s.execute(t, s.switching(), s.toPostgres(host, append(tt.args, "-o", "json")...)...)
			if now := s.claim(t); got.code != 0 || now.uid != volume.uid || now.kept() != tt.kept {
				t.Fatalf("exit %d, claim %v\n%s%s", got.code, now, got.stdout, got.stderr)
			}
			last := ""
			for _, line := range got.result(t).Next {
				verb := strings.Join(strings.Fields(line)[:2], " ")
				if !slices.Contains([]string{"kubectl annotate", "kubectl apply", "helm upgrade", "kubectl rollout", "kubectl delete"}, verb) || strings.Contains(line, "previous") {
					continue
				}
				if verb == "kubectl delete" {
					if now := s.claim(t); now.uid != volume.uid || s.variable(t, "DATABASE_CLIENT") != "pg" {
						t.Errorf("the volume is %v, and was %v", now, volume)
					}
				}
				if out, err := s.shell(t, line); err != nil {
					t.Fatalf("$ %s\n%s%v", line, out, err)
				}
				last = line
			}
			if last != "kubectl delete pvc backstage-db -n "+s.namespace {
				t.Errorf("the last command is %q", last)
			}
			s.await(t, "the volume to go", func() bool { return s.claim(t).uid == "" })
		})
	}
}

// TestVolumeIsNotKept when the answer is no: what that costs is said before.
func TestVolumeIsNotKept(t *testing.T) {
	s, host := onVolume(t)
	got := s.execute(t, s.switching(), s.toPostgres(host, "--upgrade", "--set", "database.sqlite.keepVolume=false")...)
	if got.code != 0 || !strings.Contains(got.stdout, "what is put back starts with an empty volume") || strings.Contains(got.stderr, "keep the volume") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	s.await(t, "the volume to go", func() bool { return s.claim(t).uid == "" })
}
