package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTwoAtOnce: of two runs that begin together one wins. The other overwrites
// nothing and says so, and run again it starts from what the first has left.
func TestTwoAtOnce(t *testing.T) {
	s := installed(t)
	for _, tt := range []struct {
		name  string
		flags []string
	}{
		{"a new Secret", nil},
		{"a new Secret, nothing kept", []string{"--on-failure", "leave"}},
		{"new values too", []string{"--set", "environment.logLevel=debug"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := s.state(t)
			type one struct {
				secret string
				wait   func() error
				stderr bytes.Buffer
				code   int
			}
			runs := make([]*one, 2)
			for i := range runs {
				secret := fmt.Sprintf("%s by run %d", tt.name, i)
				cmd := s.command(t, []string{"CLIENT_SECRET=" + secret}, s.args(append(tt.flags, "--restart", "never")...)...)
				runs[i] = &one{secret: secret}
				cmd.Stderr = &runs[i].stderr
				runs[i].wait = func() error {
					err := cmd.Wait()
					runs[i].code = cmd.ProcessState.ExitCode()
					return err
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
			}
			var won, lost []*one
			for _, r := range runs {
				if err := r.wait(); err == nil {
					won = append(won, r)
				} else {
					lost = append(lost, r)
				}
			}
			now := s.state(t)
			switch {
			case len(won) == 2: // one began when the other had ended
				t.Log("they did not meet")
			case len(won) == 1 && lost[0].code == 4:
				if now.Secret["client-secret"] != won[0].secret {
					t.Error("the loser has overwritten the winner")
				}
				if text := lost[0].stderr.String(); !strings.Contains(text, "nothing of theirs was overwritten: run the same command again") {
					t.Error(text)
				}
			default:
				t.Errorf("exit %d and %d\n%s\n%s", runs[0].code, runs[1].code, &runs[0].stderr, &runs[1].stderr)
			}
			for key, value := range before.Secret {
				if key != "client-secret" && now.Secret[key] != value {
					t.Errorf("key %s is another", key)
				}
			}
			kept := !slices.Contains(tt.flags, "leave") // until the pods are restarted, which is left to the operator
			if s.previous(t) != kept {
				t.Errorf("old values kept: %t", !kept)
			}
			for _, r := range lost {
				again := s.execute(t, []string{"CLIENT_SECRET=" + r.secret}, s.args(append(tt.flags, "--restart", "never")...)...)
				if again.code != 0 || s.state(t).Secret["client-secret"] != r.secret {
					t.Errorf("again: exit %d\n%s", again.code, again.stderr)
				}
			}
			if back := s.execute(t, nil, s.undo()...); back.code != 0 || s.previous(t) {
				t.Errorf("undo: exit %d\n%s", back.code, back.stderr)
			}
			if kept {
				same(t, "after undo", before, s.state(t))
			}
		})
	}
}

// TestTwoFirstInstallations: one creates the Secret, the other does not touch it.
func TestTwoFirstInstallations(t *testing.T) {
	s := newSite(t)
	// Each has files of its own: only the cluster is shared.
	other := *s
	other.dir = t.TempDir()
	first, second := s.command(t, []string{"CLIENT_SECRET=first"}, s.args()...), other.command(t, []string{"CLIENT_SECRET=second"}, other.args()...)
	for _, cmd := range []interface{ Start() error }{first, second} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	a, b := first.Wait(), second.Wait()
	got := string(s.secret(t).Data["client-secret"])
	switch codes := []int{first.ProcessState.ExitCode(), second.ProcessState.ExitCode()}; {
	case codes[0] == 0 && codes[1] == 4 && got == "first", codes[0] == 4 && codes[1] == 0 && got == "second":
		loser := s.dir
		if codes[1] == 4 {
			loser = other.dir
		}
		if _, err := os.Stat(loser + "/backstage-values.yaml"); err == nil {
			t.Error("the loser's file was not put back")
		}
	case codes[0] == 0 && codes[1] == 0:
		t.Log("they did not meet")
	default:
		t.Errorf("exit %v (%v, %v), the Secret has %q", codes, a, b, got)
	}
}
