package broken_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// TestForbidden: who may not read is told which right is missing, and nothing that
// could not be seen passes.
func TestForbidden(t *testing.T) {
	in := install(t)
	admin := in.Kubeconfig
	in.Kubeconfig = in.KubeconfigFor(t, "nobody")
	defer func() { in.Kubeconfig = admin }()
	got := in.check(t)
	if got.code != 3 || got.Healthy || got.First != nil {
		t.Errorf("exit %d: what cannot be seen is neither broken nor healthy\n%s", got.code, got.findings())
	}
	if junit := in.run(t, "", "check", "-n", in.namespace, "-o", "junit"); junit.code != 3 || !strings.Contains(junit.stdout, "<error message=\"inconclusive: ") || strings.Contains(junit.stdout, "<failure") {
		t.Errorf("exit %d\n%s", junit.code, junit.stdout)
	}
	if text := in.run(t, "", "check", "-n", in.namespace, "--wait", "10ms"); text.code != 3 || !strings.Contains(text.stdout, "could not be told: release.") {
		t.Errorf("exit %d\n%s%s", text.code, text.stdout, text.stderr)
	}
	// What is told without reading anything, and what is asked over the network
	// with what the chart says by itself.
	may := map[string]bool{"cluster.reachable": true}
	for _, r := range got.Checks {
		if r.Status == "pass" && !may[r.ID] {
			t.Errorf("%s passes although nothing may be read: %s", r.ID, r.Found)
		}
		if r.Status == "fail" {
			t.Errorf("%s fails although nothing may be read: %s", r.ID, r.Found)
		}
	}
	if r := got.result("cluster.rights"); r.Status != "inconclusive" || !strings.Contains(r.Found, "list on pods") {
		t.Errorf("cluster.rights: %+v", r)
	}
}

// TestPartlyForbidden: one right that is missing hides one part.
func TestPartlyForbidden(t *testing.T) {
	in := install(t)
	admin := in.Kubeconfig
	in.make(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: looks-on}
rules:
- {apiGroups: [""], resources: [namespaces, pods, services, configmaps, persistentvolumeclaims, events], verbs: [get, list]}
- {apiGroups: [apps], resources: [deployments, replicasets], verbs: [get, list]}
- {apiGroups: [gateway.networking.k8s.io], resources: ["*"], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: looks-on}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looks-on}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: looker}]
`, thing{"rbac.authorization.k8s.io", "v1", "clusterroles", "looks-on", false}, thing{"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "looks-on", false})
	in.Kubeconfig = in.KubeconfigFor(t, "looker")
	defer func() { in.Kubeconfig = admin }()
	got := in.check(t)
	for id, want := range map[string]string{
		"portal.rollout": "pass", "routing.route": "pass", "secret.exists": "inconclusive", "portal.logs": "inconclusive",
		"authorization.bindings": "inconclusive", "release.status": "inconclusive", "portal.health": "inconclusive",
	} {
		if r := got.result(id); r.Status != want {
			t.Errorf("%s: %s, want %s: %s", id, r.Status, want, r.Found)
		} else if want == "inconclusive" && !strings.Contains(r.Found, "right") && !strings.Contains(r.Found, "not allowed") {
			t.Errorf("%s does not name the right: %s", id, r.Found)
		}
	}
}

// TestShapes: the forms of the result, and the flags that change it.
func TestShapes(t *testing.T) {
	in := install(t)
	in.keys(t, map[string]string{"client-secret": "rotated-at-one-place-only"})

	text := in.run(t, "", "check", "-n", in.namespace)
	if text.code != 3 || !strings.Contains(text.stdout, "Mend first: identity.service-token") {
		t.Errorf("exit %d\n%s", text.code, text.stdout)
	}
	for _, secret := range []string{"rotated-at-one-place-only", password, idptest.PortalSecret} {
		if strings.Contains(text.stdout+text.stderr, secret) {
			t.Error("a secret shows")
		}
	}

	cure := in.check(t).result("identity.service-token").Cure
	if cure.Flow != "rotate" || cure.Key != "rotate.value" || cure.Set["rotate.key"] != "client-secret" {
		t.Errorf("it is mended by %+v", cure)
	}

	junit := in.run(t, "", "check", "-n", in.namespace, "-o", "junit")
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Type string `xml:"type,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(junit.stdout), &suites); err != nil || junit.code != 3 || suites.Tests < 40 || suites.Failures == 0 {
		t.Errorf("exit %d, %d tests, %d failures, %v\n%s", junit.code, suites.Tests, suites.Failures, err, junit.stdout)
	}

	if got := in.check(t, "--accept", "service.client", "--accept", "identity.sign-in-secret"); got.code != 0 || got.result("identity.service-token").Status != "accepted" {
		t.Errorf("exit %d\n%s", got.code, got.findings())
	}
	if got := in.run(t, "", "check", "--accept", "no.such.code"); got.code != 2 {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if got := in.check(t, "--skip", "identity.service-token=tried by hand"); got.result("identity.service-token").Status != "skip" {
		t.Errorf("%+v", got.result("identity.service-token"))
	}
}

// TestWait: with --wait it looks again until the portal is healthy.
func TestWait(t *testing.T) {
	in := install(t)
	in.portal.Store(answering(http.StatusServiceUnavailable, ""))
	defer in.portal.Store(nil)
	cmd := exec.Command(in.program, "check", "-n", in.namespace, "--wait", "1m")
	cmd.Env = []string{"HOME=" + in.dir, "PATH=/nonexistent", "KUBECONFIG=" + in.Kubeconfig}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	buffer := make([]byte, 4096)
	for !strings.Contains(said, "not healthy yet: portal.health") {
		n, err := stderr.Read(buffer)
		said += string(buffer[:n])
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	in.portal.Store(nil)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}

	in.portal.Store(answering(http.StatusServiceUnavailable, ""))
	if got := in.check(t, "--wait", "10ms"); got.code != 3 {
		t.Errorf("exit %d", got.code)
	}
}

// TestTimeout: what was found when the time is over is told.
func TestTimeout(t *testing.T) {
	in := install(t)
	over := make(chan struct{})
	defer close(over)
	in.portal.Store(new(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over })))
	defer in.portal.Store(nil)
	got := in.check(t, "--timeout", "3s")
	if got.code != 1 || got.Healthy || got.result("secret.exists").Status != "pass" || got.result("portal.health").Status == "pass" {
		t.Errorf("exit %d\n%s%s", got.code, got.stderr, got.findings())
	}
	if got := in.run(t, "", "check", "-n", in.namespace, "--timeout", "1ms"); got.code != 1 || !strings.Contains(got.stdout, "cluster.reachable") || !strings.Contains(got.stderr, "not done within --timeout") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestLog: a log is explained without a cluster, and its secrets do not show.
func TestLog(t *testing.T) {
	in := &installation{Cluster: &testcluster.Cluster{}, dir: t.TempDir()}
	in.build(t)
	const lines = `{"message":"Token request failed: 401 Unauthorized - {\"error\":\"invalid_client\"}"}` + "\n" +
		`connect ECONNREFUSED 10.0.0.3:5432 postgres://portal:hUnter2SecretZ9@db:5432` + "\n"
	got := in.run(t, lines, "check", "--log", "-", "-o", "json")
	var causes struct {
		Fatal    bool
		Findings []struct{ Code, Fix, Key string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &causes); err != nil || got.code != 3 || !causes.Fatal || len(causes.Findings) != 2 {
		t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.stdout, got.stderr)
	}
	if strings.Contains(got.stdout, "hUnter2SecretZ9") {
		t.Error("a password of the log shows")
	}
	for _, f := range causes.Findings {
		if explained := in.run(t, "", "explain", f.Code); explained.code != 0 || f.Fix == "" {
			t.Errorf("%s: exit %d", f.Code, explained.code)
		}
	}
	if got := in.run(t, "all is well\n", "check", "--log", "-"); got.code != 0 || !strings.Contains(got.stdout, "Nothing known in it") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	if got := in.run(t, "", "check", "--log", "nosuch.log"); got.code != 2 {
		t.Errorf("exit %d", got.code)
	}
	if got := in.run(t, "Error: session cookie, Missing session cookie\n", "check", "--log", "-"); got.code != 0 {
		t.Errorf("what is ordinary is fatal: exit %d\n%s", got.code, got.stdout)
	}
}

// BenchmarkCheck is the whole run on an installation that works, as a process.
func BenchmarkCheck(b *testing.B) {
	in := install(b)
	for b.Loop() {
		if got := in.check(b); got.code != 0 {
			b.Fatal(got.findings())
		}
	}
}

// BenchmarkCheckDead is the whole run on a cluster that does not answer.
func BenchmarkCheckDead(b *testing.B) {
	in := install(b)
	for b.Loop() {
		begun := time.Now()
		got := in.run(b, "", "check", "-n", in.namespace, "--kubeconfig", in.dead(b))
		if got.code != 3 {
			b.Fatalf("exit %d\n%s", got.code, got.stderr)
		}
		b.ReportMetric(time.Since(begun).Seconds(), "s/run")
	}
}
