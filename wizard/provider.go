package wizard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// ProviderQuery names what is to be asked of the identity provider, and of the
// database server, whose authority may be told by its fingerprint, and of the
// cluster about PostgreSQL servers in it. The same questions have the same address,
// so that two of them can be compared.
type ProviderQuery struct {
	ask     *steps.ProviderAsk
	chain   steps.ChainAsk
	cluster steps.ClusterAsk
	at      *k8s.Client
}

// Empty tells that there is nothing to ask by now.
func (q ProviderQuery) Empty() bool { return q.none() && q.chain.Empty() && q.cluster.Empty() }

// none tells that there is nothing to ask of the identity provider.
func (q ProviderQuery) none() bool { return q.ask == nil || q.ask.Empty() }

// whom says who is asked that was not asked the same last time, for "asking …".
func (q ProviderQuery) whom(last ProviderQuery) string {
	switch {
	case !q.none() && q.ask != last.ask:
		return "the identity provider"
	case !q.chain.Empty() && q.chain != last.chain:
		return "the database server"
	}
	return "the cluster"
}

// ProviderQuery is what is to be asked of the identity provider by now: its
// description and keys once an issuer or a well-known address is known, and a
// token of the service client once there is all that this takes. It is Empty
// offline, with checks that are skipped, and where an answer is filled in later.
func (s *Session) ProviderQuery() ProviderQuery {
	var q ProviderQuery
	if s.flow.Live {
		return q // what runs is known, and what is new is asked about by a check
	}
	q.cluster, q.at = steps.ClusterQuestions(s.flow, s.Input()), s.env.Cluster
	if s.env.Postgres != nil {
		if in := s.Input(); len(in.Shown().Certificates) == 0 {
			q.chain = steps.DatabaseChain(in)
		}
	}
	if s.env.Provider == nil {
		return q
	}
	ask := steps.ProviderQuestions(s.Input())
	if s.providerAsked == nil || !s.providerAsked.Same(ask) {
		s.providerAsked = &ask
	}
	q.ask = s.providerAsked
	return q
}

// SeenProvider is what the identity provider said to a ProviderQuery.
type SeenProvider struct {
	Query     ProviderQuery
	Said      plan.Provider
	Chain     plan.ShownChain
	Databases plan.Databases
	hide      []secret.Text
}

// LookProvider asks the identity provider. It only reads the Session's Env, so a
// driver may run it in the background, and hands what it returns to UseProvider.
// What was asked before is not asked again.
func (s *Session) LookProvider(ctx context.Context, q ProviderQuery) SeenProvider {
	seen := SeenProvider{Query: q}
	if q.Empty() {
		return seen
	}
	var wait sync.WaitGroup
	if !q.chain.Empty() {
		wait.Go(func() { seen.Chain = s.env.Postgres.Chain(ctx, q.chain) })
	}
	wait.Go(func() { seen.Databases = steps.LookDatabases(ctx, q.at, q.cluster) })
	if !q.none() {
		said, hide := s.env.LookProvider(ctx, *q.ask)
		seen.Said, seen.hide = said, append(seen.hide, hide)
	}
	wait.Wait()
	if ctx.Err() != nil {
		return SeenProvider{} // half an answer is none
	}
	seen.hide = append(seen.hide, steps.HiddenIn(seen.Databases)...)
	return seen
}

// UseProvider takes in what the identity provider said, unless the run is about
// another one by now; it tells whether it did. Afterwards ProviderQuery may have
// more to ask.
func (s *Session) UseProvider(seen SeenProvider) bool {
	if seen.Query.Empty() || seen.Query != s.ProviderQuery() {
		return false
	}
	for _, text := range seen.hide {
		s.scrub.Add(text)
	}
	if !seen.Query.none() {
		s.current.Provider = seen.Said
	}
	if !seen.Query.chain.Empty() {
		s.current.PostgresShown = seen.Chain
	}
	s.useDatabases(seen.Query.cluster, seen.Databases)
	s.changed()
	return true
}

// UseShown takes in which certificates the database server has shown to the checks,
// so that one of them can be chosen.
func (s *Session) UseShown() {
	if s.env.Postgres == nil {
		return
	}
	in := s.Input()
	if chain, ok := s.env.Postgres.Seen(in.PostgresAddress()); ok && chain.Address != s.current.PostgresShown.Address {
		s.current.PostgresShown = chain
		s.changed()
	}
}

// mostAsks is how often an answer may lead to the next question: a description to a
// token, a server to its logins and its authority.
const mostAsks = 4

// AskProvider asks and takes in until there is nothing more to ask: the description
// and the keys first, then the token that they lead to. It is for drivers that
// wait.
func (s *Session) AskProvider(ctx context.Context) {
	var last ProviderQuery
	for range mostAsks {
		q := s.ProviderQuery()
		if q.Empty() || q == last || ctx.Err() != nil {
			return
		}
		last = q
		s.UseProvider(s.LookProvider(ctx, q))
	}
}

// ProviderLines is what the identity provider said, in a few lines; none while it
// was not asked.
func (s *Session) ProviderLines() []Line {
	var l lines
	p := s.Input().Current.Provider
	if p.Described() {
		l.add(Good, "identity", "The identity provider describes itself at %s.", p.WellKnown)
	}
	for _, part := range []struct{ name, step string }{{"discovery", "identity"}, {"keys", "identity"}, {"token", "client"}} {
		if why := p.Why[part.name]; why != "" {
			l.add(Bad, part.step, "The identity provider: %s.", why)
		}
	}
	if p.Subject != "" && p.Subject != p.ClientID {
		l.add(Caution, "authorization", "The token of client %s names %s: that is what its binding has to name.", p.ClientID, p.Subject)
	}
	return l
}

// ForgetProvider has the identity provider and the database asked anew.
func (s *Session) ForgetProvider() {
	if s.env.Postgres != nil {
		s.env.Postgres.Forget()
		s.current.PostgresShown = plan.ShownChain{}
		s.changed()
	}
	if s.env.Provider == nil {
		return
	}
	s.env.Provider.Forget()
	s.current.Provider, s.providerAsked = plan.Provider{}, nil
	s.changed()
}

// Skip leaves a check out, with the reason that the result records. The error
// completes "The value …". An empty reason has it made again.
func (s *Session) Skip(id, reason string) error {
	if !steps.MaySkip(id) {
		return fmt.Errorf("must be a check of the identity provider or of PostgreSQL, such as identity.discovery; others are accepted")
	}
	skip := maps.Clone(s.current.Skip)
	if skip == nil {
		skip = map[string]string{}
	}
	if reason = strings.TrimSpace(reason); reason == "" {
		delete(skip, id)
	} else {
		skip[id] = reason
	}
	s.current.Skip = skip
	s.changed()
	return nil
}

// Probe allows requests that leave a failed attempt in the identity provider's
// log: one with a wrong secret, one with an address that is not registered.
func (s *Session) Probe(yes bool) {
	s.current.Probe = yes
	s.changed()
}

// TokenOf says whose an access token is.
type TokenOf int

// The tokens that can be pasted.
const (
	ServiceToken TokenOf = iota // the portal's service client's
	UserToken                   // a person's
)

// PasteToken takes an access token that is judged in place of asking for one; ""
// takes it back. It is kept in memory for the run and shown nowhere. The error
// completes "The value …" and does not repeat it.
func (s *Session) PasteToken(of TokenOf, text string) error {
	cleaned, _ := secret.Clean(text)
	if strings.ContainsAny(cleaned, "\r\n") {
		return errors.New("must be one line: an access token has no line break")
	}
	token := secret.New(cleaned)
	s.scrub.Add(token)
	if of == UserToken {
		s.current.Pasted.User = token
	} else {
		s.current.Pasted.Service = token
	}
	s.changed()
	return nil
}

// PasteKeys takes the provider's key set, as its jwks_uri answers, for tokens that
// are judged without the network.
func (s *Session) PasteKeys(data []byte) {
	s.current.Pasted.Keys = data
	s.changed()
}
