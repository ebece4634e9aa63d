package main

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this very test binary as the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"backstage-setup": main, "kubectl-backstage_setup": main})
}

// TestScript runs the program as an operator does, one script per behaviour.
// Every script has an empty home, and neither kubeconfig nor secrets of ours.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir+"/home")
			env.Setenv("KUBECONFIG", "")
			env.Setenv("TERM", "dumb")
			env.Setenv("CLIENT_SECRET", "correct-horse-battery-staple")
			env.Setenv("PG_PASSWORD", "tr0ub4dor-and-three")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

// exits runs a command that must end with one exit code: exits 2 COMMAND ARGS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
