package apply

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The environment of a process that kills itself.
const (
	dieFault      = "BACKSTAGE_SETUP_TEST_DIE"
	dieKind       = "BACKSTAGE_SETUP_TEST_DIE_KIND"
	dieDir        = "BACKSTAGE_SETUP_TEST_DIE_DIR"
	dieNamespace  = "BACKSTAGE_SETUP_TEST_DIE_NAMESPACE"
	dieKubeconfig = "BACKSTAGE_SETUP_TEST_DIE_KUBECONFIG"
	dieStep       = "BACKSTAGE_SETUP_TEST_DIE_STEP"
	dieStore      = "BACKSTAGE_SETUP_TEST_DIE_STORE"
	dieIssuer     = "BACKSTAGE_SETUP_TEST_DIE_ISSUER"
)

// killed runs the trial in a process that kills itself.
func (s *stage) killed(tr trial) {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	class := "request"
	if tr.files {
		class = "file"
	}
	child := exec.CommandContext(s.t.Context(), self, "-test.run=^TestFailpoints$", "-test.v")
	child.Env = append(os.Environ(), dieFault+"="+class, dieKind+"="+tr.kind.name, dieDir+"="+s.dir, dieNamespace+"="+s.ns, dieStep+"="+strconv.Itoa(tr.at))
	if !tr.kind.local {
		child.Env = append(child.Env, dieKubeconfig+"="+s.cluster.Kubeconfig)
	}
	if tr.kind.stored {
		child.Env = append(child.Env, dieStore+"="+s.storeURL())
	}
	if tr.kind.rotates {
		child.Env = append(child.Env, dieIssuer+"="+s.issuer)
	}
	out, err := child.CombinedOutput()
	s.silent(string(out))
	var exit *exec.ExitError
	if err == nil && strings.Contains(string(out), "PASS") {
		return // a shorter run than the one that was counted
	}
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		s.t.Fatalf("it was not killed: %v %s", err, out)
	}
}

// die is that process.
func die(t *testing.T) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == os.Getenv(dieKind) })
	at, err := strconv.Atoi(os.Getenv(dieStep))
	if i < 0 || err != nil {
		t.Fatal("no such trial")
	}
	tr := trial{kind: all[i], files: os.Getenv(dieFault) == "file", what: killed, at: at}
	s := &stage{t: t, dir: os.Getenv(dieDir), ns: os.Getenv(dieNamespace), issuer: os.Getenv(dieIssuer), env: Env{Now: time.Now}}
	if tr.kind.local {
		s.env.Journal = filepath.Join(s.dir, "state", "journal.json")
	} else {
		s.env.Cluster = s.open(s.kubeconfig(), nil)
	}
	p := tr.points()
	actions := s.faulty(tr, p)
	p.arm(tr.at)
	_, err = Run(t.Context(), s.env, actions, func(e Event) { t.Log(e) })
	t.Log(err)
}
