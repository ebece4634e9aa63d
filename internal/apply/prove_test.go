package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// server answers one after the other, and the last one for ever.
type server []plan.Answer

func (s *server) ask(context.Context, secret.Text) plan.Answer {
	now := (*s)[0]
	if len(*s) > 1 {
		*s = (*s)[1:]
	}
	return now
}

var (
	takes   = plan.Answer{Accepted: true}
	rejects = plan.Answer{Rejected: true, Text: "wrong secret"}
	silent  = plan.Answer{Text: "no answer"}
	objects = plan.Answer{Refusal: true, Text: "no such grant"}
)

func TestAwaitsWhatTheServerTakes(t *testing.T) {
	for name, test := range map[string]struct {
		says    server
		want    string // in the error; "" is none
		asked   int    // at most, in the five minutes
		window  bool   // it was seen to reject it
		elapsed time.Duration
	}{
		"at once":             {server{takes}, "", 1, false, 0},
		"after a while":       {server{rejects, rejects, silent, takes}, "", 4, true, 500*time.Millisecond + time.Second + 2*time.Second},
		"never":               {server{rejects}, "did not take the new value within 5m0s", 70, true, 5 * time.Minute},
		"another objection":   {server{rejects, objects}, "no such grant", 2, true, 500 * time.Millisecond},
		"nobody ever answers": {server{silent}, "did not take", 70, true, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				r := &run{env: Env{Now: time.Now, Ask: func(ctx context.Context, v secret.Text) plan.Answer {
					asked++
					return test.says.ask(ctx, v)
				}}}
				began := time.Now()
				err := r.accepted(t.Context(), plan.AwaitAccepted{Server: "the server", Timeout: 5 * time.Minute})
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v", err)
				}
				if asked > test.asked || r.dark.IsZero() == test.window || time.Since(began) != test.elapsed {
					t.Errorf("asked %d times in %v, rejected at %v", asked, time.Since(began), r.dark)
				}
			})
		})
	}
}

func TestStopsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		outcome, err := Run(ctx, Env{Now: time.Now, Ask: (&server{rejects}).ask}, []plan.Action{plan.AwaitAccepted{Server: "the server", Timeout: time.Hour}}, nil)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped by you before anything was changed") || outcome.Window != 0 {
			t.Errorf("%v", err)
		}
	})
}

func TestProofOfAValue(t *testing.T) {
	for name, test := range map[string]struct {
		says server
		want string
		told string
	}{
		"taken":                 {server{takes}, "", ""},
		"taken in the end":      {server{rejects, silent, takes}, "", ""},
		"rejected":              {server{takes, rejects}[1:], "the server rejects it: wrong secret", ""},
		"nobody answers":        {server{silent}, "", "could not be asked again: no answer"},
		"says something else":   {server{objects}, "", "no such grant"},
		"the old one is no use": {server{rejects}, "rejects it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := ""
				r := &run{env: Env{Now: time.Now, Ask: test.says.ask}, report: func(e Event) { told += e.Text }}
				_, err := r.prove(t.Context(), plan.Prove{Asked: true, Server: "the server", Value: secret.New("a value"), Again: name == "the old one is no use"})
				if (err == nil) != (test.want == "") || err != nil && (!errors.Is(err, ErrUnproven) || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("%v", err)
				}
				if !strings.Contains(told, test.told) {
					t.Errorf("told %q", told)
				}
				var advice interface{ Hint() string }
				if errors.As(err, &advice) && strings.Contains(advice.Hint(), "put the old value back") != (name == "the old one is no use") {
					t.Errorf("hint %q", advice.Hint())
				}
			})
		})
	}
}

func TestAwaitsTheEndOfTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &run{env: Env{Now: time.Now, Ask: (&server{takes, silent, rejects}).ask}}
		if err := r.rejected(t.Context(), plan.AwaitRejected{Server: "the server", Timeout: time.Minute}); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		outcome, err := Run(t.Context(), Env{Now: time.Now, Ask: (&server{takes}).ask}, []plan.Action{plan.AwaitRejected{Server: "the server", Timeout: time.Minute}}, nil)
		if err == nil || !strings.Contains(err.Error(), "the portal runs with the new value, but the server still takes the old value") || len(outcome.Actions) != 1 {
			t.Errorf("%v", err)
		}
	})
}

// TestReadsTheLogAgain: the first token is asked for after the pods are up, and what
// the log says of it then counts: a proof fails, and who waits for the old value to
// be rejected is told.
func TestReadsTheLogAgain(t *testing.T) {
	t.Parallel()
	complaint := "Failed to fetch client credentials token: Token request failed: 401 Unauthorized - {\"error\":\"invalid_client\"} "
	ids := []string{"token.invalid-client"}
	s := newStage(t)
	log := filepath.Join(t.TempDir(), "portal.log")
	write := func(line string) {
		if err := os.WriteFile(log, []byte("2026-01-02T03:04:05.000000006Z stdout F "+line+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	s.cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: logs-%[1]s}
spec:
  selector: {matchNamespaces: [%[1]s]}
  logs: [{containers: [backstage], logsFile: %[2]s}]
`, s.ns, log))
	s.deploy()
	for name, tt := range map[string]struct {
		then  string // what the log says once the server was asked
		last  plan.Action
		says  plan.Answer
		fails string
	}{
		"all is well":          {"Listening on :7007", plan.Prove{Namespace: s.ns, Asked: true, Server: "the server", Value: secret.New(canary), Findings: ids}, takes, ""},
		"the first token":      {complaint, plan.Prove{Namespace: s.ns, Asked: true, Server: "the server", Value: secret.New(canary), Findings: ids}, takes, "the portal does not work with it: its log: Failed to fetch client credentials token"},
		"well without the old": {"Listening on :7007", plan.AwaitRejected{Namespace: s.ns, Server: "the server", Value: secret.New(canary), Timeout: time.Minute, Findings: ids}, rejects, ""},
		"one has the old":      {complaint, plan.AwaitRejected{Namespace: s.ns, Server: "the server", Value: secret.New(canary), Timeout: time.Minute, Findings: ids}, rejects, "the portal runs with the new value, but the server rejects the old value now, and the pods complain:\nits log: Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			write("Listening on :7007")
			s.env.Ask = func(context.Context, secret.Text) plan.Answer {
				write(tt.then)
				return tt.says
			}
			_, err := s.run(t.Context(), plan.AwaitRollout{Namespace: s.ns, Deployment: "portal", Timeout: time.Minute}, tt.last)
			var e *Error
			switch {
			case tt.fails == "":
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &e) || !strings.Contains(e.Error(), tt.fails) || e.Hint() == "":
				t.Errorf("got %v", err)
			}
		})
	}
}
