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
	"github.com/openchoreo/backstage-setup/internal/idp"
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
	s.Check(t.Context(), s.Checks(), 0, nil)
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
	results := s.Check(t.Context(), s.Checks(), 0, nil)
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
		for _, r := range s.Check(t.Context(), s.Checks(), 0, nil) {
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

func results(t *testing.T, s *Session) map[string]check.Result {
	t.Helper()
	list := map[string]check.Result{}
	for _, r := range s.Check(t.Context(), s.Checks(), 0, nil) {
		list[r.ID] = r
	}
	return list
}

// TestTokenOfAnotherClient: a token that somebody else was issued settles nothing,
// good as it may be.
func TestTokenOfAnotherClient(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	client, err := idp.New(idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := client.ServiceToken(t.Context(), idp.ServiceRequest{TokenURL: provider.URL + "/oauth/token", ClientID: idptest.Service, Secret: secret.New(idptest.ServiceSecret)})
	for client, status := range map[string]check.Status{idptest.Service: check.Pass, idptest.Portal: check.Fail} {
		s := providedSession(t, Settings{}, map[string]string{"identity.issuer": provider.Issuer, "client.id": client})
		typeSecret(t, s, "client.secret", "kept from the provider")
		if err := s.PasteToken(ServiceToken, token.Access.Reveal()); err != nil {
			t.Fatal(err)
		}
		s.AskProvider(t.Context())
		if got := results(t, s)["identity.token"]; got.Status != status || (status == check.Fail) != (got.Code == "token.client") {
			t.Errorf("of client %s: %+v, of %v", client, got, s.Problems())
		}
		if subject := s.Input().Draft.Authorization.Subject; (subject == idptest.Service) != (status == check.Pass) {
			t.Errorf("of client %s: the binding is for %q", client, subject)
		}
	}
}

// TestSkippedDescription: with endpoints that a person gave, all else is asked.
func TestSkippedDescription(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	given := map[string]string{
		"identity.issuer": provider.Issuer, "identity.authorizationUrl": provider.URL + "/authorize", "identity.tokenUrl": provider.URL + "/oauth/token",
		"identity.jwksUrl": provider.URL + "/keys", "client.id": idptest.Renamed,
	}
	s := providedSession(t, Settings{Skip: map[string]string{"identity.discovery": "no way there"}}, given)
	typeSecret(t, s, "client.secret", idptest.RenamedSecret)
	s.AskProvider(t.Context())
	got := results(t, s)
	for _, id := range []string{"identity.keys", "identity.service-token", "identity.token", "identity.redirect"} {
		if got[id].Status != check.Pass {
			t.Errorf("%s: %+v", id, got[id])
		}
	}
	if got["identity.discovery"].Status != check.Skip || s.Input().Draft.Authorization.Subject != idptest.RenamedSubject {
		t.Errorf("%+v, subject %q", got["identity.discovery"], s.Input().Draft.Authorization.Subject)
	}
}

// TestSubjectThatNoTokenTells: what is missing says why.
func TestSubjectThatNoTokenTells(t *testing.T) {
	busy := idptest.Start(t, idptest.Options{Before: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/oauth/token" {
			return false
		}
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}})
	for name, tt := range map[string]struct {
		settings Settings
		paste    string
		want     string
	}{
		"busy":                  {want: "2m0s"},
		"skipped":               {settings: Settings{Skip: map[string]string{"identity.service-token": "later"}}, want: "identity.service-token is skipped"},
		"garbage, and accepted": {settings: Settings{Accept: []string{"identity.token"}}, paste: "no.token.atall", want: "the token that was given does not tell it"},
	} {
		t.Run(name, func(t *testing.T) {
			s := providedSession(t, tt.settings, map[string]string{"identity.issuer": busy.Issuer, "client.id": idptest.Portal})
			typeSecret(t, s, "client.secret", idptest.PortalSecret)
			if tt.paste != "" {
				if err := s.PasteToken(ServiceToken, tt.paste); err != nil {
					t.Fatal(err)
				}
			}
			s.AskProvider(t.Context())
			said := ""
			for _, p := range s.Problems() {
				said += p.String()
			}
			if !strings.Contains(said, "authorization.subject") || !strings.Contains(said, tt.want) {
				t.Errorf("%s", said)
			}
		})
	}
}

// TestIssuerGivenAsItsDocument: whoever gives the address of the document means the
// issuer in it.
func TestIssuerGivenAsItsDocument(t *testing.T) {
	provider := idptest.Start(t, idptest.Options{Redirect: providedCallback})
	s := providedSession(t, Settings{}, map[string]string{"identity.issuer": provider.URL + "/.well-known/openid-configuration", "client.id": idptest.Portal})
	typeSecret(t, s, "client.secret", idptest.PortalSecret)
	s.AskProvider(t.Context())
	if got := s.Input().Draft.Identity.Issuer; got != provider.Issuer {
		t.Errorf("the issuer is %q", got)
	}
	if got := results(t, s)["identity.discovery"]; got.Status == check.Fail {
		t.Errorf("%+v", got)
	}
}
