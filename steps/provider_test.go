package steps

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

func newTestProvider(t *testing.T) *Provider {
	t.Helper()
	p, err := NewProvider(ProviderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestProviderAsksOnce: many at the same time, and again later, are one request;
// another secret is another question.
func TestProviderAsksOnce(t *testing.T) {
	server := idptest.Start(t, idptest.Options{})
	p := newTestProvider(t)
	request := idp.ServiceRequest{TokenURL: server.URL + "/oauth/token", ClientID: idptest.Portal, Secret: secret.New(idptest.PortalSecret)}
	var wait sync.WaitGroup
	var tokens atomic.Int32
	for range 20 {
		wait.Go(func() {
			if token, _ := p.Token(t.Context(), request); !token.Access.IsZero() {
				tokens.Add(1)
			}
			p.Discover(t.Context(), server.Issuer)
		})
	}
	wait.Wait()
	if tokens.Load() != 20 || len(server.Asked()) != 2 {
		t.Errorf("%d tokens, asked %v", tokens.Load(), server.Asked())
	}
	p.Forget()
	p.Token(t.Context(), request)
	request.Secret = secret.New(idptest.PortalSecret + "x")
	if token, verdicts := p.Token(t.Context(), request); !token.Access.IsZero() || idp.Worst(verdicts) != idp.Fail {
		t.Errorf("a wrong secret got the answer to the right one: %v", verdicts)
	}
	if n := len(server.Asked()); n != 2+1+2 { // the wrong one is tried with Basic besides
		t.Errorf("asked %v", server.Asked())
	}
}

// TestProviderGivesUpWithWhoWaits: a question that nobody waits for any more ends,
// and is asked anew the next time; one that others wait for goes on.
func TestProviderGivesUpWithWhoWaits(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	arrived, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	var silent atomic.Bool
	silent.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			arrived <- struct{}{}
			<-r.Context().Done()
			ended <- struct{}{}
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	p := newTestProvider(t)
	one, cancelOne := context.WithCancel(t.Context())
	two, cancelTwo := context.WithCancel(t.Context())
	answers := make(chan []idp.Verdict, 2)
	for _, ctx := range []context.Context{one, two} {
		go func() {
			_, verdicts := p.Discover(ctx, server.URL)
			answers <- verdicts
		}()
	}
	<-arrived
	cancelOne()
	if got := <-answers; len(got) != 1 || got[0].ID != "canceled" {
		t.Errorf("who left was told %v", got)
	}
	select {
	case <-ended:
		t.Error("the question was given up, although somebody waits for it")
	default:
	}
	cancelTwo()
	<-answers
	<-ended
	silent.Store(false)
	if _, verdicts := p.Discover(t.Context(), server.URL); decisive(verdicts).ID != "discovery.absent" {
		t.Errorf("what was given up is remembered: %v", verdicts)
	}
}

// TestServicesGoPastTheProxy: a proxy outside the cluster does not know them.
func TestServicesGoPastTheProxy(t *testing.T) {
	proxy := direct(func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "proxy:3128"}, nil })
	for address, want := range map[string]bool{"https://id.example.com/": true, "http://thunder-service.thunder.svc.cluster.local:8090/": false} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := proxy(&http.Request{URL: u})
		if (got != nil) != want {
			t.Errorf("%s: through %v", address, got)
		}
	}
}

// TestDoubtfulEndpoints: only a cluster that is elsewhere makes a local name
// doubtful.
func TestDoubtfulEndpoints(t *testing.T) {
	unknown := []idp.Verdict{{ID: "network.name", Class: idp.Inconclusive}}
	for _, test := range []struct {
		name, address, server string
		verdicts              []idp.Verdict
		want                  bool
	}{
		{"public", "https://id.example.com/token", "https://api.example.com", nil, false},
		{"loopback, cluster here", "http://thunder.openchoreo.localhost:8080/oauth2/token", "https://127.0.0.1:6443", nil, false},
		{"loopback, cluster elsewhere", "http://thunder.openchoreo.localhost:8080/oauth2/token", "https://api.example.com", nil, true},
		{"private, cluster elsewhere", "https://id.corp/token", "https://api.example.com", nil, true},
		{"private, cluster as well", "https://id.corp/token", "https://10.1.2.3:6443", nil, false},
		{"a Service", "http://id.auth.svc:8090/token", "https://api.example.com", nil, false},
		{"does not resolve", "https://id.example.com/token", "https://127.0.0.1:6443", unknown, true},
		{"no cluster", "http://localhost/token", "", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := doubt(test.address, test.server, test.verdicts); (got != "") != test.want {
				t.Errorf("doubt is %q", got)
			}
		})
	}
}

// provide is an input with answers and what the provider said.
func provide(t *testing.T, rank answers.Rank, given map[answers.Key]any, said plan.Provider) plan.Input {
	t.Helper()
	in := everywhere()
	in.Draft = answers.Draft{}
	in.Current.Provider = said
	set(&in, "portal.baseUrl", "https://console.example.com", answers.Source{Rank: answers.FromSet})
	for key, value := range given {
		set(&in, key, value, answers.Source{Rank: rank})
	}
	return Catalog().Complete(in)
}

var said = plan.Provider{
	Asked: "https://id.example.com", Issuer: "https://id.example.com", WellKnown: "https://id.example.com/.well-known/openid-configuration",
	Authorization: "https://id.example.com/a", Token: "https://id.example.com/t", JWKS: "https://id.example.com/k", ClientID: "portal", Subject: "f00",
}

func TestWhatTheProviderSaysFillsInAndOverridesNobody(t *testing.T) {
	keys := map[answers.Key]string{
		"identity.issuer": said.Issuer, "identity.discoveryUrl": said.WellKnown, "identity.authorizationUrl": said.Authorization,
		"identity.tokenUrl": said.Token, "identity.jwksUrl": said.JWKS, "authorization.subject": said.Subject,
	}
	in := provide(t, answers.FromAnswers, map[answers.Key]any{"identity.issuer": said.Issuer, "client.id": "portal"}, said)
	for key, want := range keys {
		if got := in.Draft.Get(key); got != want {
			t.Errorf("%s is %v from %v, want %s", key, got, in.Draft.From[key], want)
		}
	}
	for _, rank := range []answers.Rank{answers.FromCluster, answers.FromValues, answers.FromPerson} {
		in = provide(t, rank, map[answers.Key]any{
			"identity.issuer": said.Issuer, "client.id": "portal", "identity.tokenUrl": "http://own.svc/t", "authorization.subject": "own",
		}, said)
		if in.Draft.Identity.TokenURL != "http://own.svc/t" || in.Draft.Authorization.Subject != "own" {
			t.Errorf("rank %d was overridden: %+v", rank, in.Draft.Identity)
		}
	}
	in = provide(t, answers.FromPerson, map[answers.Key]any{"identity.issuer": "https://other.example.com", "client.id": "portal"}, said)
	if in.Current.Provider.Described() || in.Draft.Identity.JWKSURL == said.JWKS || in.Draft.Authorization.Subject == "f00" {
		t.Error("what another provider said still counts")
	}
	in = provide(t, answers.FromPerson, map[answers.Key]any{"identity.issuer": said.Issuer, "client.id": "another"}, said)
	if in.Draft.Authorization.Subject == "f00" {
		t.Error("the subject of another client still counts")
	}
}

// TestUnansweredIsNotMissing: where a check fails anyhow, nothing of what the
// provider would have said is missing; accepted, it is.
func TestUnansweredIsNotMissing(t *testing.T) {
	given := map[answers.Key]any{"identity.issuer": "https://id.example.com", "identity.provider": "other", "client.id": "portal"}
	missing := func(said plan.Provider, accept ...string) int {
		in := everywhere()
		in.Draft = answers.Draft{}
		in.Current.Provider, in.Current.Accept = said, accept
		for key, value := range given {
			set(&in, key, value, answers.Source{Rank: answers.FromAnswers})
		}
		in = Catalog().Complete(in)
		n := 0
		for _, q := range append(identity().Questions, authorization().Questions...) {
			if q.Missing(in) {
				n++
			}
		}
		return n
	}
	dead := plan.Provider{Asked: "https://id.example.com"}
	refusing := said
	refusing.Subject, refusing.Refused = "", true
	for _, test := range []struct {
		name string
		got  int
		want int
	}{
		{"not asked", missing(plan.Provider{}), 4},
		{"no answer", missing(dead), 0},
		{"no answer, accepted", missing(dead, "identity.discovery"), 4},
		{"token refused", missing(refusing), 0},
		{"token refused, accepted", missing(refusing, "identity.token"), 1},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d missing, want %d", test.name, test.got, test.want)
		}
	}
}

// TestSecretsThatCannotBeTried are skipped with the reason, and not sent.
func TestSecretsThatCannotBeTried(t *testing.T) {
	server := idptest.Start(t, idptest.Options{})
	for name, value := range map[string]secret.Value{
		"generated": {Ref: secret.Ref{Generate: true}, Text: secret.New("drawn just now")},
		"kept":      {Ref: secret.Ref{Keep: true}},
	} {
		t.Run(name, func(t *testing.T) {
			in := provide(t, answers.FromAnswers, map[answers.Key]any{"identity.issuer": server.Issuer, "client.id": "portal", "client.secret": value}, plan.Provider{})
			if ask := ProviderQuestions(in); ask.Token.TokenURL != "" {
				t.Error("a token is asked for")
			}
			env := &Env{Provider: newTestProvider(t)}
			results := check.Run(t.Context(), Catalog().Checks(env, in), check.Options{})
			for _, r := range results {
				if slices.Contains([]string{"identity.service-token", "identity.sign-in-secret"}, r.ID) && r.Status != check.Skip {
					t.Errorf("%s: %s %s", r.ID, r.Status, r.Found)
				}
			}
			if slices.Contains(server.Asked(), "POST /oauth/token") {
				t.Errorf("asked %v", server.Asked())
			}
		})
	}
}

// TestRejectedDescriptionSettlesNothing: what a document of somebody else says is
// not taken over.
func TestRejectedDescriptionSettlesNothing(t *testing.T) {
	server := idptest.Start(t, idptest.Options{Issuer: "https://another.example.com"})
	env := &Env{Provider: newTestProvider(t)}
	said, _ := env.LookProvider(t.Context(), ProviderAsk{Address: server.URL})
	if said.Described() || said.Token != "" || said.Why["discovery"] == "" {
		t.Errorf("%+v", said)
	}
	if got := server.Asked(); len(got) != 1 {
		t.Errorf("asked on: %v", got)
	}
}

// TestBrowserDoubt: browsers do not get to names inside the cluster.
func TestBrowserDoubt(t *testing.T) {
	for address, want := range map[string]bool{
		"https://id.example.com/a": false, "": false, "https://keycloak.identity.svc.cluster.local/realms/x/protocol/openid-connect/auth": true,
	} {
		in := provide(t, answers.FromSet, map[answers.Key]any{"identity.authorizationUrl": address}, plan.Provider{})
		if got := browserDoubt(in); (got != "") != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}
