package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// held is a run that gets no further than to a certain line of its stderr: the
// pipe that it writes to has no room for more.
type held struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	stderr *os.File
	filled int
}

const (
	pipeSize   = 4096
	setPipe    = 1031   // F_SETPIPE_SZ
	readableOf = 0x541B // FIONREAD
)

// hold starts the program with room for that much of its stderr, and returns when
// it has written it, or has ended.
func (s *site) hold(t *testing.T, env []string, at moment, args ...string) *held {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), setPipe, pipeSize); errno != 0 {
		t.Fatal(errno)
	}
	h := &held{cmd: s.command(t, env, args...), ended: make(chan struct{}), stderr: r, filled: pipeSize - at.room}
	if _, err := w.Write(bytes.Repeat([]byte{'.'}, h.filled)); err != nil {
		t.Fatal(err)
	}
	h.cmd.Stderr = w
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close() // the program's own is what counts
	go func() {
		_ = h.cmd.Wait() // its exit code is looked at
		close(h.ended)
	}()
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill() // mostly it has ended
		_ = r.Close()
	})
	s.await(t, "the run to come that far", func() bool {
		select {
		case <-h.ended:
			return true
		default:
			return h.readable(t) >= pipeSize-at.slack
		}
	})
	return h
}

func (h *held) readable(t *testing.T) (n int) {
	t.Helper()
	var count int32
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, h.stderr.Fd(), readableOf, uintptr(unsafe.Pointer(&count))); errno != 0 {
		t.Fatal(errno)
	}
	return int(count)
}

// kill ends the run at once, as a machine that loses its power does, but lets the
// helm that it has started end by itself.
func (s *site) kill(t *testing.T, h *held) {
	t.Helper()
	helms := children(t, h.cmd.Process.Pid)
	_ = h.cmd.Process.Kill() // it may have ended
	<-h.ended
	// One that was about to start is nobody's child by now.
	s.await(t, "helm to end", func() bool { return !slices.ContainsFunc(helms, alive) && !s.upgrading(t) })
}

// upgrading tells whether a process has arguments that name the site's namespace and
// say upgrade or rollback: helm, whoever started it.
func (s *site) upgrading(t *testing.T) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(lines, func(name string) bool {
		text, err := os.ReadFile(name)
		if err != nil {
			return false // it has ended
		}
		arguments := strings.Split(string(text), "\x00")
		return len(arguments) > 1 && (arguments[1] == "upgrade" || arguments[1] == "rollback") && slices.Contains(arguments, s.namespace)
	})
}

func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	return len(fields) > 0 && fields[0] != "Z"
}

// terminate sends SIGTERM and lets the run write what it has to say.
func (h *held) terminate(t *testing.T) output {
	t.Helper()
	_ = h.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	return h.drained(t)
}

// drained lets the run go on to its end.
func (h *held) drained(t *testing.T) output {
	t.Helper()
	text, err := io.ReadAll(h.stderr)
	if err != nil {
		t.Fatal(err)
	}
	<-h.ended
	return output{stderr: string(text[h.filled:]), code: h.cmd.ProcessState.ExitCode()}
}

// moment is how much a run has written to stderr by then. From where the lengths of
// its lines differ from run to run, such as by what the pods do, the next line may
// not fit although there is some room left: less than slack.
type moment struct{ room, slack int }

// moments are the ends of the lines that a run has written, but for what helm says
// in the course of its one action.
func moments(stderr string) (ends []moment) {
	at, longest, differs := 0, 0, false
	for line := range strings.Lines(stderr) {
		longest = max(longest, len(line)+8)
	}
	for line := range strings.Lines(stderr) {
		at += len(line)
		differs = differs || strings.Contains(line, "REVISION:") || strings.Contains(line, " updated, ")
		if strings.HasPrefix(line, "  ") && !strings.Contains(line, " updated, ") {
			continue
		}
		m := moment{room: at}
		if differs {
			m.slack = longest
		}
		ends = append(ends, m)
	}
	return ends
}

// change is a run that changes Secret and values; no two are alike.
func (s *site) change(i int) (env, args []string) {
	return s.environment(fmt.Sprintf("client-secret-%04d", i)), s.args("--upgrade", "--set", fmt.Sprintf("scaling.limits.cpu=%dm", 1001+i))
}

// TestKilled: a run is killed after each line that it writes. The next one says so
// and ends where the first would have, or undo puts everything back.
func TestKilled(t *testing.T) {
	s := installed(t)
	env, args := s.change(0)
	whole := s.execute(t, env, args...)
	if whole.code != 0 {
		t.Fatal(whole.stderr)
	}
	found := 0
	for i, at := range moments(whole.stderr) {
		before := s.state(t)
		env, args := s.change(i + 1)
		s.kill(t, s.hold(t, env, at, args...))
		journal := s.previous(t)
		title := fmt.Sprintf("killed after %d bytes", at.room)
		if i%3 == 2 {
			r := s.execute(t, env, s.undo("-o", "json")...)
			if r.code != 0 {
				t.Fatalf("%s: undo: exit %d\n%s", title, r.code, r.stderr)
			}
			if journal {
				found++
				same(t, title+", undo", before, s.state(t))
			}
		} else {
			got := s.execute(t, env, append(args, "-o", "json")...)
			r := got.result(t)
			if said := checkOf(r, "run.interrupted").Status; got.code != 0 || (said == check.Warn) != journal {
				t.Errorf("%s: exit %d, run.interrupted is %s, journal %t\n%s", title, got.code, said, journal, got.stderr)
			}
			after := s.state(t)
			cpu := strings.TrimPrefix(args[len(args)-1], "scaling.limits.cpu=")
			if after.Secret["client-secret"] != fmt.Sprintf("client-secret-%04d", i+1) || !strings.Contains(after.Values, cpu) ||
				!strings.Contains(after.Release, "cpu: "+cpu) || !strings.Contains(after.Template, cpu) || !slices.Equal(after.Files, before.Files) {
				t.Errorf("%s: the next run ends elsewhere: %v\n%s\n%s\n%s", title, after.Files, after.Values, after.Release, after.Template)
			}
			if again := s.execute(t, env, append(args, "-o", "json")...).result(t); len(again.Actions) > 0 {
				t.Errorf("%s: a third run still does %v", title, again.Actions)
			}
		}
		if s.previous(t) {
			t.Fatalf("%s: old values are kept", title)
		}
	}
	if found == 0 {
		t.Error("no run left anything to undo")
	}
}

// TestTerminated: SIGTERM lets the action under way end and puts everything back.
func TestTerminated(t *testing.T) {
	s := installed(t)
	env, args := s.change(0)
	whole := s.execute(t, env, args...)
	if whole.code != 0 {
		t.Fatal(whole.stderr)
	}
	stopped := 0
	for i, at := range moments(whole.stderr) {
		if i%2 == 1 {
			continue
		}
		before := s.state(t)
		env, args := s.change(i + 1)
		got := s.hold(t, env, at, args...).terminate(t)
		title := fmt.Sprintf("stopped after %d bytes", at.room)
		switch got.code {
		case 0:
		case 130:
			stopped++
			same(t, title, before, s.state(t))
			if !strings.Contains(got.stderr, "everything was put back as it was") && !strings.Contains(got.stderr, "nothing was changed") {
				t.Errorf("%s: it does not say what is so:\n%s", title, got.stderr)
			}
		default:
			t.Errorf("%s: exit %d\n%s", title, got.code, got.stderr)
		}
		if s.previous(t) {
			t.Fatalf("%s: old values are kept\n%s", title, got.stderr)
		}
	}
	if stopped < 3 {
		t.Errorf("only %d runs were stopped", stopped)
	}
}

// TestKilledWhileWaiting for pods that crash: the same again fails and puts back
// what was there before the first of the two, and so does undo.
func TestKilledWhileWaiting(t *testing.T) {
	s := installed(t)
	s.crash(t)
	before := s.state(t)
	args := s.args("--upgrade", "--set", "environment.logLevel=error", "--wait", "2s")
	for name, then := range map[string]struct {
		secret string
		args   []string
		code   int
		said   string
	}{
		"once more":              {"a new one", args, 1, "everything was put back as it was"},
		"undo":                   {"a new one", s.undo(), 0, "✓ put the old values of Secret"},
		"values only, once more": {clientSecret, args, 1, "everything was put back as it was"},
		"values only, undo":      {clientSecret, s.undo(), 0, "✓ helm rollback"},
	} {
		cmd := s.command(t, s.environment(then.secret), append(args, "--wait", "10m")...)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := make([]byte, 0, 1<<16)
		for !strings.Contains(string(told), "CrashLoopBackOff") {
			n, err := stderr.Read(told[len(told):cap(told)])
			if err != nil {
				t.Fatalf("%v\n%s", err, told)
			}
			told = told[:len(told)+n]
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		if now := s.state(t); now.Secret["client-secret"] != then.secret || now.Release == before.Release || !s.previous(t) {
			t.Fatalf("%s: it was not killed while it waited", name)
		}
		if got := s.execute(t, s.environment(then.secret), then.args...); got.code != then.code || !strings.Contains(got.stderr+got.stdout, then.said) {
			t.Errorf("%s: exit %d\n%s%s", name, got.code, got.stdout, got.stderr)
		}
		same(t, name, before, s.state(t))
		if s.previous(t) {
			t.Fatalf("%s: old values are kept", name)
		}
	}
}

// TestKilledBetweenFiles: a run that writes files only is undone from the state
// directory, by a run without a cluster.
func TestKilledBetweenFiles(t *testing.T) {
	s := newSite(t)
	offline := func(secret, level string) (env, args []string) {
		return []string{"CLIENT_SECRET=" + secret}, s.headlessArgs("--offline", "--set", "environment.logLevel="+level)
	}
	read := func() string {
		t.Helper()
		text := ""
		for _, name := range []string{"backstage-values.yaml", "backstage-secrets.yaml"} {
			data, err := os.ReadFile(s.file(name))
			if err != nil {
				t.Fatal(err)
			}
			text += string(data)
		}
		found, err := filepath.Glob(s.file("*"))
		if err != nil {
			t.Fatal(err)
		}
		return text + fmt.Sprint(found)
	}
	env, args := offline("one", "info")
	if got := s.execute(t, env, args...); got.code != 0 {
		t.Fatal(got.stderr)
	}
	env, args = offline("two", "debug")
	whole := s.execute(t, env, args...)
	if whole.code != 0 || !strings.Contains(whole.stderr, "edit backstage-secrets.yaml") {
		t.Fatal(whole.stderr)
	}
	journal := s.file(".local/state/backstage-setup/journal.json")
	halves := 0
	for i, at := range moments(whole.stderr) {
		before := read()
		env, args := offline(fmt.Sprintf("secret %d", i), []string{"info", "debug"}[i%2])
		s.kill(t, s.hold(t, env, at, args...))
		info, err := os.Stat(journal)
		left := err == nil
		if left && info.Mode().Perm() != 0o600 {
			t.Errorf("the journal's mode is %v", info.Mode())
		}
		if now := read(); left && now != before {
			halves++
		}
		dry := s.execute(t, nil, "undo", "--offline", "--dry-run")
		if strings.Contains(dry.stdout, "Put back what was changed by install of") != left {
			t.Errorf("after line %d, journal %t: undo would\n%s%s", i+1, left, dry.stdout, dry.stderr)
		}
		if i%2 == 1 { // go on instead
			if got := s.execute(t, env, args...); got.code != 0 {
				t.Fatalf("after line %d: exit %d\n%s", i+1, got.code, got.stderr)
			}
			if _, err := os.Stat(journal); err == nil {
				t.Fatalf("after line %d: the journal stays", i+1)
			}
			// Without a journal nobody knows any more whose the old bytes are: the run was
			// killed between dropping it and them.
			if found, err := filepath.Glob(s.file("*.bak")); err != nil || left && len(found) > 0 {
				t.Errorf("after line %d: old files stay: %v %v", i+1, found, err)
			}
			continue
		}
		undone := s.execute(t, nil, "undo", "--offline", "--yes")
		if undone.code != 0 {
			t.Fatalf("after line %d: exit %d\n%s", i+1, undone.code, undone.stderr)
		}
		if now := read(); left && now != before {
			t.Errorf("after line %d it was not put back", i+1)
		}
		if _, err := os.Stat(journal); err == nil {
			t.Fatalf("after line %d: the journal stays", i+1)
		}
		if got := s.execute(t, env, args...); got.code != 0 {
			t.Fatal(got.stderr)
		}
	}
	if halves == 0 {
		t.Error("no run was killed between its files")
	}
	if got := s.execute(t, nil, "undo", "--offline", "--yes"); got.code != 0 || !strings.Contains(got.stdout, "Nothing to undo") {
		t.Errorf("nothing is left, exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// TestReadBeforeAnotherWrote: a run that has made its plan before another one
// writes overwrites nothing; run again it shows what is there now.
func TestReadBeforeAnotherWrote(t *testing.T) {
	s := installed(t)
	first := s.execute(t, s.environment("learn what a run says"), s.args()...)
	if first.code != 0 {
		t.Fatal(first.stderr)
	}
	planned := moments(first.stderr)[0] // what follows is its first action
	for i, tt := range []struct {
		name         string
		slow, others []string
	}{
		{"the Secret", nil, nil},
		{"the Secret, nothing kept", []string{"--on-failure", "leave"}, []string{"--on-failure", "leave"}},
		{"file and Secret", []string{"--set", "scaling.limits.cpu=1700m"}, []string{"--set", "scaling.limits.cpu=1800m"}},
		{"with helm", []string{"--upgrade", "--set", "scaling.limits.cpu=1900m"}, []string{"--upgrade", "--set", "scaling.limits.cpu=2100m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mine, theirs := fmt.Sprintf("mine, too late %d", i), fmt.Sprintf("theirs %d", i)
			slow := s.hold(t, s.environment(mine), planned, s.args(tt.slow...)...)
			if got := s.execute(t, s.environment(theirs), s.args(tt.others...)...); got.code != 0 {
				t.Fatal(got.stderr)
			}
			between := s.state(t)
			got := slow.drained(t)
			if got.code != 4 || !strings.Contains(got.stderr, "nothing of theirs was overwritten: run the same command again") {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			same(t, tt.name, between, s.state(t))
			left := tt.name == "file and Secret" // the upgrade is
			if s.previous(t) != left || between.Secret["client-secret"] != theirs {
				t.Error("the other run's change is not there, or its journal is not as it left it")
			}
			if len(tt.others) > 0 && strings.Contains(tt.others[len(tt.others)-1], "cpu=") {
				dry := s.execute(t, s.environment(mine), s.args(append(tt.slow, "--dry-run")...)...)
				was := strings.TrimPrefix(tt.others[len(tt.others)-1], "scaling.limits.cpu=")
				if dry.code != 0 || !strings.Contains(dry.stdout, `-      cpu: "`+was+`"`) {
					t.Errorf("the diff is not a fresh one: exit %d\n%s", dry.code, dry.stdout)
				}
			}
			if again := s.execute(t, s.environment(mine), s.args(tt.slow...)...); again.code != 0 || s.state(t).Secret["client-secret"] != mine {
				t.Errorf("again: exit %d\n%s", again.code, again.stderr)
			}
		})
	}
}

// TestReleaseUpgradedMeanwhile: somebody's helm that began after the plan was made
// goes on undisturbed, and nothing of this run stays.
func TestReleaseUpgradedMeanwhile(t *testing.T) {
	s := installed(t)
	before := s.state(t)
	args := s.args("--upgrade", "--set", "scaling.limits.cpu=1700m")
	dry := s.execute(t, s.environment("mine"), append(args, "--dry-run")...)
	run := s.hold(t, s.environment("mine"), moments(dry.stderr)[0], args...)
	helm := exec.Command(s.Bin+"/helm", "upgrade", s.namespace, s.slow(t), "-n", s.namespace, "-f", "backstage-values.yaml")
	helm.Dir, helm.Env = s.dir, []string{"PATH=" + s.Bin, "HOME=" + s.dir, "KUBECONFIG=" + s.Kubeconfig}
	if err := helm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = helm.Process.Kill() // its hook never ends
		_ = helm.Wait()
	})
	s.await(t, "the other helm to be at work", func() bool { return len(s.labelled(t, "owner=helm,status=pending-upgrade")) == 1 })
	got := run.drained(t)
	if got.code != 4 || !strings.Contains(got.stderr, "it is at revision 2, and was at 1") || !strings.Contains(got.stderr, "everything was put back as it was") || strings.Contains(got.stderr, "ollback") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
	if history := s.helm(t, "history", s.namespace, "-n", s.namespace); !strings.Contains(history, "pending-upgrade") || strings.Contains(history, "ollback") {
		t.Errorf("the other helm was disturbed:\n%s", history)
	}
	after := s.state(t)
	before.Release = after.Release // helm shows what the other one is about to install
	same(t, "put back", before, after)
	if s.previous(t) {
		t.Error("old values are kept")
	}
}
