package wizard

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
)

const providedCallback = "http://openchoreo.localhost:8080/api/auth/openchoreo-auth/handler/frame"

// providedSession is a run that asks an identity provider.
func providedSession(t *testing.T, settings Settings, given map[string]string) *Session {
	t.Helper()
	t.Chdir(t.TempDir())
	settings.NoConfig = true
	p, err := steps.NewProvider(steps.ProviderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	random := bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 4))
	s, err := NewSession(steps.Install(), &steps.Env{Secrets: secret.Source{Rand: random}, Provider: p}, settings, &secret.Scrubber{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	give(t, s, map[string]string{"preset": "development", "portal.baseUrl": "http://openchoreo.localhost:8080", "identity.provider": "other"})
	give(t, s, given)
	return s
}

func typeSecret(t *testing.T, s *Session, key answers.Key, text string) {
	t.Helper()
	if _, err := s.Answer(key, text); err != nil {
		t.Fatal(err)
	}
}

// TestSessionAsksInStages: the description first, the token once its endpoint is
// known, and nothing that is known already.
func TestSessionAsksInStages(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, nil)
	if !s.ProviderQuery().Empty() {
		t.Error("something is to be asked without an issuer")
	}
	typeSecret(t, s, "client.secret", idptest.RenamedSecret)
	give(t, s, map[string]string{"client.id": idptest.Renamed, "identity.issuer": provider.Issuer})
	first := s.ProviderQuery()
	if first.Empty() || first != s.ProviderQuery() {
		t.Fatal("the same questions differ")
	}
	seen := s.LookProvider(t.Context(), first)
	if strings.Contains(strings.Join(provider.Asked(), " "), "POST") {
		t.Fatal("the secret was sent before the provider had said where to")
	}
	if !s.UseProvider(seen) || s.Input().Draft.Identity.TokenURL != provider.URL+"/oauth/token" {
		t.Fatalf("not taken in: %+v", s.Input().Draft.Identity)
	}
	second := s.ProviderQuery()
	if second == first {
		t.Fatal("no token is to be asked for")
	}
	if !s.UseProvider(s.LookProvider(t.Context(), second)) || s.Input().Draft.Authorization.Subject != idptest.RenamedSubject {
		t.Errorf("the subject is %q from %v", s.Input().Draft.Authorization.Subject, s.Input().Draft.From["authorization.subject"])
	}
	if s.ProviderQuery() != second {
		t.Error("there is still something to ask")
	}
	if len(s.Problems()) > 0 {
		t.Error(s.Problems())
	}
	if s.UseProvider(seen) {
		t.Error("what was asked before counts again")
	}
	give(t, s, map[string]string{"client.id": idptest.Portal})
	if s.UseProvider(s.LookProvider(t.Context(), second)) || s.Input().Draft.Authorization.Subject == idptest.RenamedSubject {
		t.Error("the operator has moved on, and the old client's subject still counts")
	}
}

// TestNothingGoesToAGuess: endpoints that merely follow from the kind of provider
// are neither asked nor sent a secret before the provider has described itself.
func TestNothingGoesToAGuess(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"identity.provider": "thunder", "identity.issuer": provider.Issuer, "client.id": idptest.Portal})
	typeSecret(t, s, "client.secret", idptest.PortalSecret)
	if got := s.Input().Draft.Identity.TokenURL; got != provider.URL+"/oauth2/token" {
		t.Fatalf("there is no guess: %q", got)
	}
	s.AskProvider(t.Context())
	s.Check(t.Context(), s.Checks(), nil)
	if asked := strings.Join(provider.Asked(), " "); strings.Contains(asked, "/oauth2/") || !strings.Contains(asked, "POST /oauth/token") {
		t.Errorf("asked %s", asked)
	}
}

// TestOfflineAsksNobody, wherever the endpoints are.
func TestOfflineAsksNobody(t *testing.T) {
	for offline, empty := range map[bool]bool{true: true, false: false} {
		s := providedSession(t, Settings{Offline: offline}, map[string]string{
			"identity.issuer": "https://id.example.com", "identity.tokenUrl": "http://id.auth.svc/token", "identity.jwksUrl": "http://id.auth.svc/keys", "client.id": "x",
		})
		typeSecret(t, s, "client.secret", "whatever it is")
		if s.ProviderQuery().Empty() != empty {
			t.Errorf("offline %v: something to ask %v", offline, empty)
		}
	}
}

// TestSessionWithoutWaiting: leaving does not wait for the provider, and half an
// answer is none.
func TestSessionWithoutWaiting(t *testing.T) {
	arrived := make(chan struct{}, 4)
	provider := idptest.Start(t, idptest.Options{Before: func(_ http.ResponseWriter, r *http.Request) bool {
		arrived <- struct{}{}
		<-r.Context().Done()
		return true
	}})
	s := providedSession(t, Settings{}, map[string]string{"identity.issuer": provider.Issuer})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan SeenProvider)
	q := s.ProviderQuery()
	go func() { got <- s.LookProvider(ctx, q) }()
	<-arrived
	cancel()
	if s.UseProvider(<-got) || s.Input().Current.Provider.Asked != "" {
		t.Error("an answer that did not come was taken in")
	}
}

// TestSessionSkips: what is skipped is not asked, and says why.
func TestSessionSkips(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"identity.issuer": provider.Issuer, "client.id": idptest.Portal})
	typeSecret(t, s, "client.secret", idptest.PortalSecret)
	if s.Skip("cluster.production", "it is fine") == nil {
		t.Error("a check that protects the cluster was skipped")
	}
	if err := s.Skip("identity.service-token", " the client is made tomorrow "); err != nil {
		t.Fatal(err)
	}
	s.AskProvider(t.Context())
	give(t, s, map[string]string{"authorization.subject": idptest.Portal})
	results := s.Check(t.Context(), s.Checks(), nil)
	for _, r := range results {
		if r.ID == "identity.service-token" && (r.Status != check.Skip || r.Found != "skipped: the client is made tomorrow") {
			t.Errorf("%s %s", r.Status, r.Found)
		}
		if r.ID == "identity.token" && r.Status != check.Skip {
			t.Errorf("a token was had: %s %s", r.Status, r.Found)
		}
	}
	if err := s.Skip("identity.discovery", "no way there"); err != nil || !s.ProviderQuery().Empty() {
		t.Errorf("still asked, %v", err)
	}
	if err := s.Skip("identity.discovery", ""); err != nil || s.ProviderQuery().Empty() {
		t.Errorf("not asked any more, %v", err)
	}
}

// TestLinesAskTheProvider: the endpoints are not asked once the provider has told
// them, and the review takes commands about it.
func TestLinesAskTheProvider(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"client.id": idptest.Renamed})
	typeSecret(t, s, "client.secret", idptest.RenamedSecret)
	var transcript bytes.Buffer
	person := &script{lines: []string{provider.Issuer, "", "", "skip identity.redirect", "skip identity.redirect nobody signs in yet", "again", "probe", "no"}, echo: &transcript, end: io.EOF}
	end, err := Lines(t.Context(), s, Terminal{In: person, Out: &transcript})
	if err != nil || !end.Left {
		t.Errorf("end %+v, error %v", end, err)
	}
	flat := strings.Join(strings.Fields(transcript.String()), " ")
	for _, want := range []string{
		"Asking the identity provider…", "The identity provider describes itself at " + provider.URL + "/.well-known/openid-configuration.",
		"identity.jwksUrl " + provider.URL + "/keys (discovery document of " + provider.Issuer + ")",
		"The token of client renamed names " + idptest.RenamedSubject,
		"`paste` takes a person's access token", "Say which check and why: skip identity.discovery only the cluster can reach it",
		"- identity.redirect: skipped: nobody signs in yet",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is not there", want)
		}
	}
	for _, never := range []string{"Token endpoint:", "Example: https://idp.example.com/oauth2/token", idptest.RenamedSecret} {
		if strings.Contains(flat, never) {
			t.Errorf("%q is there", never)
		}
	}
	if !s.Input().Current.Probe {
		t.Error("probe was not understood")
	}
	if t.Failed() {
		t.Log(transcript.String())
	}
}

// TestPastedTokens are judged, shown nowhere, and can be taken back.
func TestPastedTokens(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"identity.issuer": provider.Issuer, "client.id": idptest.Portal, "authorization.subject": "portal"})
	typeSecret(t, s, "client.secret", idptest.PortalSecret)
	s.AskProvider(t.Context())
	if err := s.PasteToken(UserToken, "two\nlines"); err == nil {
		t.Error("two lines were taken")
	}
	judged := func() check.Result {
		for _, r := range s.Check(t.Context(), s.Checks(), nil) {
			if r.ID == "identity.claims" {
				return r
			}
		}
		return check.Result{}
	}
	if err := s.PasteToken(UserToken, "an-opaque-one-of-a-person"); err != nil {
		t.Fatal(err)
	}
	if r := judged(); r.Status != check.Fail || r.Code != "token.opaque" {
		t.Errorf("%+v", r)
	}
	if got := s.scrub.Scrub("it is an-opaque-one-of-a-person"); strings.Contains(got, "opaque") {
		t.Error("the token would show")
	}
	if err := s.PasteToken(UserToken, ""); err != nil || judged().Status != check.Inconclusive {
		t.Errorf("%+v %v", judged(), err)
	}
}
