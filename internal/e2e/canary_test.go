package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestSecretIsInNoChild: while helm runs, neither it nor what it starts has a
// secret among its arguments or variables, in any form; and neither the release
// nor a file nor the journal has one afterwards.
func TestSecretIsInNoChild(t *testing.T) {
	const old, canary = "0ld+c4n4ry/7?=&%#Zq 19", "n3w+c4n4ry/7?=&%#Zq 20"
	s := newSite(t)
	s.ApplyManifest(t, []byte(standIns))
	if err := os.Mkdir(s.file("tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := func(secret string) []string {
		return append(s.environment(secret), "TMPDIR="+s.file("tmp"), "XDG_STATE_HOME="+s.file("state"))
	}
	look := func(what string, got output) {
		t.Helper()
		texts := map[string]string{"stdout": got.stdout, "stderr": got.stderr, "the release": s.helm(t, "get", "all", s.namespace, "-n", s.namespace)}
		for _, item := range s.list(t) {
			// Annotations and labels hold the journal; the data is where secrets belong.
			text, err := json.Marshal([]any{item.Annotations, item.Labels, item.Name, item.ManagedFields})
			if err != nil {
				t.Fatal(err)
			}
			texts["the marks of Secret "+item.Name] = string(text)
		}
		text, err := json.Marshal(s.portal(t))
		if err != nil {
			t.Fatal(err)
		}
		texts["the Deployment"] = string(text)
		for where, text := range texts {
			for _, secret := range []string{old, canary, string(backendSecret(t, s))} {
				leaks(t, what+": "+where, text, secret)
			}
		}
		for _, secret := range []string{old, canary, string(backendSecret(t, s))} {
			leaksInFiles(t, s.dir, secret)
		}
	}
	look("first", s.execute(t, env(old), s.args("--upgrade", "--save-answers", "saved.yaml", "--log-file", "debug.log")...))

	cmd := s.command(t, env(canary), s.args("--chart", s.slow(t), "--upgrade", "--set", "environment.logLevel=debug", "-o", "json", "--log-file", "debug.log")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var helms []int
	s.await(t, "helm to be at work", func() bool {
		for _, pid := range children(t, cmd.Process.Pid) {
			for _, what := range []string{"cmdline", "environ"} {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, what))
				if err != nil || what == "environ" && !bytes.Contains(text, []byte("NO_COLOR=1")) {
					continue // it has ended, or is a copy of the program that is helm in a moment
				}
				leaks(t, "helm's "+what, string(text), canary)
				seen++
			}
		}
		pending := len(s.labelled(t, "owner=helm,status=pending-upgrade")) == 1
		if pending {
			helms = children(t, cmd.Process.Pid)
		}
		return pending
	})
	if seen == 0 || len(helms) == 0 {
		t.Fatal("helm was not seen")
	}
	// In the middle: the journal and the old file are there, too.
	if !s.previous(t) {
		t.Error("no old values are kept while helm runs")
	}
	look("while helm runs", output{})
	for _, pid := range helms {
		for _, what := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, what))
			if err != nil {
				t.Fatal(err)
			}
			leaks(t, "helm's "+what, string(text), canary)
			leaks(t, "helm's "+what, string(text), old)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait() // it fails, which other tests look at
	look("undone", output{stdout: stdout.String(), stderr: stderr.String()})
	if got := s.secret(t); string(got.Data["client-secret"]) != old {
		t.Error("the old value is not back")
	}
	look("left", s.execute(t, env(canary), s.args("--restart", "never", "--keep-previous", "-o", "json", "--log-file", "debug.log")...))
	look("undo, dry", s.execute(t, env(canary), s.undo("--dry-run")...))
	look("undo", s.execute(t, env(canary), s.undo("-o", "json", "--log-file", "debug.log")...))
	// The log of all these runs was looked at with the other files; it is no empty one.
	log, err := os.ReadFile(s.file("debug.log"))
	if err != nil {
		t.Fatal(err)
	}
	for text, least := range map[string]int{
		"run begins": 4, "run ends": 4, "to=kubernetes": 40, "PATCH ": 3, "msg=action id=secret": 4, "msg=check id=": 10, "level=ERROR": 1,
	} {
		if n := strings.Count(string(log), text); n < least {
			t.Errorf("%s is %d times in the log of --log-file, want %d:\n%s", text, n, least, log)
		}
	}
}
