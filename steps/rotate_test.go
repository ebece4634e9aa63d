package steps

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// runningPortal is a portal whose Secret has these keys, each with the value "old", and
// whose clients are these.
func runningPortal(signInID, serviceID, serviceKey string, keys ...string) plan.Input {
	profile, version := templates.Newest()
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version)}
	s := &k8s.Secret{Namespace: "cp", Name: "portal-secrets", ResourceVersion: "7", Keys: keys, Values: map[string]secret.Text{}, Holders: map[string]string{}}
	for _, key := range keys {
		s.Values[key] = secret.New("old")
	}
	in.Current = plan.Current{Known: true, Restart: true, Flow: rotateFlow, Files: []plan.ValuesFile{{Path: "backstage-values.yaml"}}, Target: k8s.Target{Server: "https://127.0.0.1"}}
	in.Current.Cluster.Secret = k8s.SecretState{Name: s.Name, Secret: s}
	in.Current.Cluster.Deployment = k8s.Deployment{Name: "backstage", SecretName: s.Name, Database: "better-sqlite3", Env: []k8s.EnvVar{
		{Name: "OPENCHOREO_AUTH_CLIENT_ID", Value: signInID}, {Name: "OPENCHOREO_AUTH_CLIENT_SECRET", SecretName: s.Name, SecretKey: "client-secret"},
		{Name: "OPENCHOREO_SERVICE_CLIENT_ID", Value: serviceID}, {Name: "OPENCHOREO_SERVICE_CLIENT_SECRET", SecretName: s.Name, SecretKey: serviceKey},
		{Name: "OPENCHOREO_AUTH_TOKEN_URL", Value: "https://idp.example.com/token"},
	}}
	return in
}

// with answers a key as a flag does and completes the input.
func with(in plan.Input, given map[answers.Key]any) plan.Input {
	in.Draft = in.Draft.Clone()
	for key, value := range given {
		set(&in, key, value, answers.Source{Rank: answers.FromFlag})
	}
	return Rotate().Complete(in)
}

func TestWhatChangesTogether(t *testing.T) {
	for name, test := range map[string]struct {
		in     plan.Input
		key    string
		want   []string
		proofs string
	}{
		"one client, one key":           {runningPortal("a", "a", "client-secret", "client-secret"), "client-secret", []string{"client-secret"}, "both"},
		"one client, two keys":          {runningPortal("a", "a", "service-client-secret", "client-secret", "service-client-secret"), "client-secret", []string{"client-secret", "service-client-secret"}, "both"},
		"the same from the other end":   {runningPortal("a", "a", "service-client-secret", "client-secret", "service-client-secret"), "service-client-secret", []string{"client-secret", "service-client-secret"}, "both"},
		"one client, a copy not in use": {runningPortal("a", "a", "client-secret", "client-secret", "service-client-secret"), "client-secret", []string{"client-secret", "service-client-secret"}, "both"},
		"two clients":                   {runningPortal("a", "b", "service-client-secret", "client-secret", "service-client-secret"), "client-secret", []string{"client-secret"}, "sign-in"},
		"two clients, the other":        {runningPortal("a", "b", "service-client-secret", "client-secret", "service-client-secret"), "service-client-secret", []string{"service-client-secret"}, "service"},
		"two clients with one key":      {runningPortal("a", "b", "client-secret", "client-secret"), "client-secret", []string{"client-secret"}, "service and sign-in"},
		"no client's":                   {runningPortal("a", "a", "client-secret", "client-secret", "jenkins-api-key"), "jenkins-api-key", []string{"jenkins-api-key"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := with(test.in, map[answers.Key]any{"rotate.key": test.key, "rotate.value": secret.Typed(secret.New("a new one, long enough"))})
			c := credentialOf(in)
			var proofs []string
			for word, yes := range map[string]bool{"both": c.both(), "service": c.service && !c.both(), "sign-in": c.signIn && !c.both()} {
				if yes {
					proofs = append(proofs, word)
				}
			}
			slices.Sort(proofs)
			slices.Reverse(proofs)
			if got := strings.Join(proofs, " and "); got != test.proofs && !(test.proofs == "service and sign-in" && got == "sign-in and service") {
				t.Errorf("proven by %q", got)
			}
			p, err := Rotate().Plan(in)
			if err != nil || !slices.Equal(p.Rotated(), test.want) || len(p.Files) != 0 {
				t.Errorf("%v: %v, files %v", err, p.Rotated(), p.Files)
			}
			for _, a := range p.Actions {
				w, ok := a.(plan.WriteSecret)
				if ok && (len(w.Change.Set) != len(test.want) || w.Change.ResourceVersion != "7") {
					t.Errorf("it sets %d keys under version %q", len(w.Change.Set), w.Change.ResourceVersion)
				}
			}
		})
	}
}

func TestNewValues(t *testing.T) {
	typed := func(text string) secret.Value { return secret.Typed(secret.New(text)) }
	drawn := secret.Value{Ref: secret.Ref{Generate: true}, Text: secret.New(strings.Repeat("x", 44))}
	const entra = "https://login.microsoftonline.com/0a1b/v2.0"
	for name, test := range map[string]struct {
		key, issuer string
		value       secret.Value
		want        string // in the problem; "" is none
	}{
		"right":                      {"client-secret", entra, typed("abc8Q~something.longer"), ""},
		"Entra's secret ID":          {"client-secret", entra, typed("0f8fad5b-d9cb-469f-a165-70867728950e"), "Secret ID"},
		"a UUID of another provider": {"client-secret", "https://sso.example.com/realms/x", typed("0f8fad5b-d9cb-469f-a165-70867728950e"), ""},
		"a UUID for another key":     {"jenkins-api-key", entra, typed("0f8fad5b-d9cb-469f-a165-70867728950e"), ""},
		"a blank behind":             {"client-secret", "", typed("something longer "), "blank"},
		"a blank in front":           {"jenkins-api-key", "", typed("\tsomething longer"), "blank"},
		"public":                     {"client-secret", "", typed("backstage-portal-secret"), "placeholder"},
		"kept":                       {"client-secret", "", secret.Value{Ref: secret.Ref{Keep: true}}, "new one"},
		"drawn":                      {"backend-secret", "", drawn, ""},
		"drawn for a client":         {"client-secret", "", drawn, "where the credential is made"},
		"drawn for Jenkins":          {"jenkins-api-key", "", drawn, "where the credential is made"},
		"drawn for a stranger":       {"of-their-own", "", drawn, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := runningPortal("a", "a", "client-secret", "client-secret", "jenkins-api-key", "backend-secret", "of-their-own")
			given := map[answers.Key]any{"rotate.key": test.key, "rotate.value": test.value}
			if test.issuer != "" {
				given["identity.issuer"] = test.issuer
			}
			in = with(in, given)
			_, q, _ := Rotate().Find("rotate.value")
			got := q.Problem(in)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("problem %q", got)
			}
			if text := test.value.Text.Reveal(); text != "" && strings.Contains(got, text) {
				t.Error("the problem repeats the value")
			}
		})
	}
}

func TestTheOldValueAgain(t *testing.T) {
	written := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	pod := func(started time.Time) k8s.Pods {
		return k8s.Pods{Items: []k8s.PodState{{Started: started, Ready: true}}}
	}
	for name, test := range map[string]struct {
		pods    k8s.Pods
		journal *plan.Journal
		want    string
	}{
		"in use":                        {pod(written.Add(time.Minute)), nil, "fail"},
		"pods that do not have it yet":  {pod(written.Add(-time.Minute)), nil, "warn"},
		"set by a run that did not end": {pod(written.Add(time.Minute)), &plan.Journal{Set: []string{"client-secret"}}, "warn"},
		"another run that did not end":  {pod(written.Add(time.Minute)), &plan.Journal{Set: []string{"backend-secret"}}, "fail"},
	} {
		t.Run(name, func(t *testing.T) {
			in := runningPortal("a", "a", "client-secret", "client-secret")
			in.Current.Cluster.Secret.Secret.DataWritten, in.Current.Cluster.Pods, in.Current.Journal = written, test.pods, test.journal
			in = with(in, map[answers.Key]any{"rotate.value": secret.Typed(secret.New("old"))})
			if got := string(rotatedValueCheck(in).Run(context.Background()).Status); got != test.want { // "old" is short, too
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestTheProvidersSecrets: who knows two secrets is told where to delete the old
// one; who knows one is waited for.
func TestTheProvidersSecrets(t *testing.T) {
	for issuer, test := range map[string]struct {
		waits bool
		next  string
	}{
		"https://login.microsoftonline.com/0a1b/v2.0":   {false, "Certificates & secrets"},
		"https://org.okta.com/oauth2/default":           {false, "deactivated"},
		"https://tenant.auth0.com/":                     {true, ""},
		"https://sso.example.com/application/o/portal/": {true, ""},
		"http://thunder.openchoreo.localhost:8080":      {true, ""},
	} {
		in := runningPortal("a", "a", "client-secret", "client-secret")
		in.Current.Await = AwaitOneSecret
		in = with(in, map[answers.Key]any{"identity.issuer": issuer, "rotate.value": secret.Typed(secret.New("a new one, long enough"))})
		p, err := Rotate().Plan(in)
		if err != nil {
			t.Fatal(err)
		}
		_, waits := p.Actions[0].(plan.AwaitAccepted)
		if waits != test.waits {
			t.Errorf("%s: it waits: %t", issuer, waits)
		}
		said := false
		for _, c := range p.Next {
			said = said || test.next != "" && strings.Contains(c.Line, test.next)
		}
		if said != (test.next != "") {
			t.Errorf("%s: next %v", issuer, p.Next)
		}
	}
}
