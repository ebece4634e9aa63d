package wizard

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

// agreement is one installation: its answers as a file would give them, and as a
// person types them at the line driver and at the full screen.
type agreement struct {
	name   string
	given  map[string]string
	secret map[string]string
	typed  []string
	keys   func(*bench)
}

var agreements = []agreement{
	{
		name: "development with Thunder",
		given: map[string]string{
			"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080",
			"identity.provider": "thunder", "identity.issuer": "http://thunder.openchoreo.localhost:8080",
			"client.id": "openchoreo-backstage-client",
		},
		secret: map[string]string{"client.secret": lineCanary},
		typed:  []string{"", "", "", "", "", "{secret}"},
		keys: func(b *bench) {
			b.on("target").press("enter").on("preset").press("enter").on("urls").press("enter")
			b.on("identity").press("enter", "enter").on("client").press("enter").types(lineCanary + "\r")
		},
	},
	{
		name: "production with PostgreSQL and Keycloak",
		given: map[string]string{
			"preset": "production", "portal.baseUrl": "https://console.example.com", "gateway.tls.certificateSecret": "openchoreo-tls",
			"identity.provider": "keycloak", "identity.issuer": "https://idp.example.com/realms/platform",
			"client.id": "portal", "authorization.subject": "8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11",
			"database.postgresql.host": "postgres.example.com", "database.postgresql.user": "backstage", "database.postgresql.database": "backstage",
		},
		secret: map[string]string{"client.secret": lineCanary, "database.postgresql.password": lineCanary},
		typed: []string{
			"2", "https://console.example.com", "openchoreo-tls", "Keycloak", "https://idp.example.com/realms/platform", "portal", "{secret}", "",
			"8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11", "", "", "", "", "postgres.example.com", "backstage", "{secret}", "",
		},
		keys: func(b *bench) {
			b.on("target").press("enter").on("preset").press("down", "enter")
			b.on("urls").types("https://console.example.com\ropenchoreo-tls\r")
			b.on("identity").types("keycloak").press("enter").types("https://idp.example.com/realms/platform\r")
			b.on("client").types("portal\r" + lineCanary + "\r\r")
			b.on("authorization").types("8f0b6a52-1f7e-4c35-9a53-0f8f2f9a1d11\r\r\r\r\r")
			b.on("database").types("postgres.example.com\rbackstage\r" + lineCanary + "\r\r")
		},
	},
	{
		name: "API only",
		given: map[string]string{
			"preset": "api-only", "api.publicUrl": "https://api.example.com",
			"identity.provider": "thunder", "identity.issuer": "https://thunder.example.com",
		},
		typed: []string{"api-only", "https://api.example.com", "", "", "https://thunder.example.com"},
		keys: func(b *bench) {
			b.on("target").press("enter").on("preset").press("down", "down", "enter")
			b.on("urls").types("https://api.example.com\r\r\r").on("identity").press("enter").types("https://thunder.example.com\r")
		},
	},
}

// TestDriversAgree: the same answers lead to the same plan, whoever asks for them.
func TestDriversAgree(t *testing.T) {
	for _, a := range agreements {
		t.Run(a.name, func(t *testing.T) {
			want := planned(t, headless(t, a))
			for name, run := range map[string]func(*testing.T, agreement) End{"lines": lineByLine, "full screen": onScreen} {
				if diff := cmp.Diff(want, planned(t, run(t, a))); diff != "" {
					t.Errorf("headless and %s differ:\n%s", name, diff)
				}
			}
		})
	}
}

// give gives answers as a file would.
func give(t testing.TB, s *Session, texts map[string]string) {
	t.Helper()
	for key, text := range texts {
		_, q, ok := steps.Install().Find(answers.Key(key))
		if !ok {
			t.Fatalf("no question %s", key)
		}
		value, err := q.Value.Parse(text)
		if err != nil {
			t.Fatal(key, err)
		}
		if _, err := s.Give(q.Key, value, answers.FromAnswers, "answers.yaml"); err != nil {
			t.Fatal(key, err)
		}
	}
}

func headless(t *testing.T, a agreement) End {
	t.Chdir(t.TempDir())
	s, _ := newTestSession(t, Settings{DryRun: true})
	give(t, s, a.given)
	for key, text := range a.secret {
		if _, err := s.Give(answers.Key(key), secret.Value{Text: secret.New(text)}, answers.FromAnswers, "answers.yaml"); err != nil {
			t.Fatal(key, err)
		}
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	end, err := Headless(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func lineByLine(t *testing.T, a agreement) End {
	t.Chdir(t.TempDir())
	s, scrub := newTestSession(t, Settings{DryRun: true})
	var transcript bytes.Buffer
	person := &script{lines: a.typed, echo: &transcript, end: io.EOF}
	end, err := Lines(t.Context(), s, Terminal{In: person, Out: &transcript})
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, transcript.String(), scrub)
	if end.Left {
		t.Fatalf("the run was left:\n%s", transcript.String())
	}
	return end
}

func onScreen(t *testing.T, a agreement) End {
	t.Chdir(t.TempDir())
	s, _ := newTestSession(t, Settings{DryRun: true})
	b := benchOf(t, s, 80, 24).settle()
	a.keys(b)
	b.settle().on("review").wait().press("a").settle()
	if !b.quit || b.m.end.Left {
		t.Fatalf("the run has not ended with its plan:\n%s", b.screen())
	}
	return b.m.end
}

// planOutcome is all of a plan that reaches a file or the cluster.
type planOutcome struct {
	Files   map[string]string
	Secret  map[string]string // key of the Secret: action and value
	Actions []string
	Next    []string
}

func planned(t *testing.T, end End) planOutcome {
	t.Helper()
	r := end.Review
	if r.Plan == nil || r.Blocked() != "" {
		t.Fatalf("no plan: %v", r.Problems)
	}
	out := planOutcome{Files: map[string]string{}, Secret: map[string]string{}}
	for _, f := range r.Plan.Files {
		out.Files[f.Path+" "+f.Action] = string(f.After)
	}
	for _, k := range r.Plan.Secret.Keys {
		out.Secret[k.Name] = strings.Join([]string{k.Action, k.Value.Reveal()}, " ")
	}
	for _, a := range r.Plan.Actions {
		out.Actions = append(out.Actions, a.Title())
	}
	for _, c := range r.Plan.Next {
		out.Next = append(out.Next, c.Line)
	}
	return out
}
