package steps

import (
	"context"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

// ChainAsk is a server that is to show its certificates, without a login. Two of
// them compare.
type ChainAsk struct {
	Host, Namespace string
	Port            int
}

// Empty tells that there is nothing to ask.
func (a ChainAsk) Empty() bool { return a == ChainAsk{} }

// DatabaseChain is the server to look at by now: one whose authority was given by
// its fingerprint alone. It is empty offline, and once the certificate is there.
func DatabaseChain(in plan.Input) ChainAsk {
	pg := in.Draft.Database.PostgreSQL
	if in.Current.Offline || !verified.holds(in) || pg.Host == "" || in.Draft.Given("database.postgresql.caFile") || in.TrustsAlready() {
		return ChainAsk{}
	}
	if _, ok := plan.Fingerprint(pg.TrustCA); !ok || !in.Draft.Has("database.postgresql.trustCA") {
		return ChainAsk{}
	}
	for _, id := range []string{postgresReach, postgresTLS} {
		if _, skipped := in.Current.Skip[id]; skipped {
			return ChainAsk{}
		}
	}
	if reachableRule(in) != nil || hostRule(pg.Host) != nil {
		return ChainAsk{}
	}
	return ChainAsk{Host: pg.Host, Port: pg.Port, Namespace: in.Draft.Target.Namespace}
}

// Chain asks a server for its certificates and believes none of them: see
// postgres.Client's method.
func (p *Postgres) Chain(ctx context.Context, a ChainAsk) plan.ShownChain {
	q := PostgresQuery{Target: postgres.Target{Host: a.Host, Port: a.Port}, Namespace: a.Namespace}
	got, ok := await(ctx, &p.flights, sum("chain", q.parts()), postgresTimeout, func() func(context.Context) plan.ShownChain {
		cluster := p.cluster
		return func(ctx context.Context) plan.ShownChain {
			client, forward, err := p.client(ctx, cluster, q)
			if err != nil {
				return plan.ShownChain{Why: err.Error()}
			}
			shown, verdicts := client.Chain(ctx, q.Target)
			return chainOf(shown, verdicts, *forward)
		}
	})
	if !ok {
		got = plan.ShownChain{Why: "the run was stopped"}
	}
	got.Address = address(a.Host, a.Port)
	return got
}

// Seen is what the server at host:port showed when it was probed; without asking.
func (p *Postgres) Seen(at string) (plan.ShownChain, bool) {
	p.Lock()
	defer p.Unlock()
	chain, ok := p.shown[at]
	return chain, ok
}

func (p *Postgres) remember(q PostgresQuery, r postgres.Report) {
	if r.TLS == nil {
		return
	}
	chain := chainOf(*r.TLS, nil, "")
	chain.Address = address(q.Target.Host, q.Target.Port)
	p.Lock()
	defer p.Unlock()
	p.shown[chain.Address] = chain
}

// chainOf is what a server showed, or why it did not.
func chainOf(shown postgres.TLS, verdicts []postgres.Verdict, forward string) (c plan.ShownChain) {
	for _, certificate := range shown.Chain {
		c.Certificates = append(c.Certificates, plan.ShownCertificate{
			Subject: certificate.Subject, Issuer: certificate.Issuer, Fingerprint: "sha256:" + certificate.SHA256,
			NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter, Authority: certificate.SelfSigned, PEM: certificate.PEM,
		})
	}
	if len(c.Certificates) == 0 {
		var why []string
		for _, v := range verdicts {
			if v.Class == postgres.Fail || v.Class == postgres.Inconclusive {
				why = append(why, v.Found)
			}
		}
		if forward != "" {
			why = append(why, forward)
		}
		c.Why = strings.Join(why, "; ")
	}
	return c
}
