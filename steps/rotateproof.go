package steps

import (
	"context"
	"slices"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// proofs ask the server behind a credential whether it takes the new value, with
// everything else as it runs. What is not proven is not written: it would replace
// something that works.
func proofs(env *Env, in plan.Input) []check.Check {
	v, _ := rotated(in)
	c := credentialOf(in)
	if env == nil || in.Current.Local() || !c.asked() || v.Text.IsZero() {
		return nil
	}
	p := prover{env.Provider, env.Postgres, in, c}
	if c.login && env.Postgres != nil {
		return p.databaseProofs(v.Text)
	}
	if env.Provider == nil {
		return nil
	}
	j := judge{env, in, rotationRow(in)}
	var list []check.Check
	add := func(id, title string, ask func(context.Context, secret.Text) []idp.Verdict) {
		list = append(list, j.check(id, title, []string{"cluster.reachable"}, func(ctx context.Context) check.Result {
			return p.result(id, j.result("value", "rotate.value", ask(ctx, v.Text)))
		}))
	}
	if c.service {
		add("identity.service-token", "the provider gives the portal a token for the new value", p.token)
	}
	if c.signIn && !c.both() {
		add("identity.sign-in-secret", "the provider takes the new value for signing in", p.signIn)
	}
	return list
}

// both tells that one client does everything: its token proves its secret.
func (c credential) both() bool { return c.service && c.signIn && c.shared }

// prover asks whether a value is taken.
type prover struct {
	provider *Provider
	server   *Postgres
	in       plan.Input
	c        credential
}

func (p prover) token(ctx context.Context, value secret.Text) []idp.Verdict {
	_, verdicts := p.provider.Token(ctx, idp.ServiceRequest{
		TokenURL: p.in.Draft.Identity.TokenURL, ClientID: clientsOf(p.in).serviceID, Secret: value, Scopes: scopeList(p.in.Draft.Client.ServiceScope),
	})
	return verdicts
}

func (p prover) signIn(ctx context.Context, value secret.Text) []idp.Verdict {
	return p.provider.SignIn(ctx, idp.SignInRequest{
		TokenURL: p.in.Draft.Identity.TokenURL, ClientID: clientsOf(p.in).signInID, Secret: value,
		Redirect: idp.Callback(p.in.Draft.Portal.BaseURL), Control: p.in.Current.Probe,
	})
}

// result makes a proof of what a check found: nothing less than a pass is one,
// unless the run waits until the server has learned the value.
func (p prover) result(id string, r check.Result) check.Result {
	if r.Cure != nil {
		r.Cure = &check.Cure{Flow: rotateFlow, Step: "value", Key: "rotate.value"}
	}
	if r.Status == check.Inconclusive {
		r.Status = check.Fail
		if r.Code == "signin.unproven" {
			r.Hint += "; --probe allows that request, which leaves a failed attempt in the provider's log"
		}
		r.Hint = further(r.Hint, "to go on without this proof: --skip "+id+"=REASON")
		return r
	}
	if r.Status != check.Fail || !slices.Contains(rejections, r.Code) {
		return r
	}
	server := p.c.server(p.in)
	if p.c.awaiting(p.in) > 0 {
		return check.Result{Status: check.Warn, Code: r.Code, Found: server + " does not take it yet\n" + r.Found,
			Hint: "say yes, then change it there: the run waits for that before it changes anything"}
	}
	if p.c.one(p.in) {
		r.Hint = further(r.Hint, server+" may know one value at a time: with --await 10m the run waits while you change it there")
	}
	return r
}

// rejections are what a server says to a value that is not the one it has.
var rejections = []string{"service.client", "service.expired", "signin.client", "signin.expired", "login.password"}

// databaseProofs log in with the new password.
func (p prover) databaseProofs(value secret.Text) []check.Check {
	var list []check.Check
	j := databaseJudge{p.server, p.in}
	after := []string{"cluster.reachable"}
	for _, one := range []struct{ id, title string }{
		{postgresReach, "PostgreSQL answers"}, {postgresTLS, "the portal can trust the connection"}, {postgresLogin, "PostgreSQL lets the portal in with the new password"},
	} {
		list = append(list, check.Check{ID: one.id, Title: one.title, After: after, Timeout: postgresTimeout, Run: func(ctx context.Context) check.Result {
			q, _ := databaseQuery(p.in)
			q.Target.Password = value
			return p.result(one.id, j.result(one.id, "rotate.value", q, p.server.Probe(ctx, q)))
		}})
		after = []string{one.id}
	}
	return list
}

// Ask returns what asks the server behind the credential of a rotation whether it
// takes a value, anew each time; nil where there is nobody to ask.
func (e *Env) Ask(in plan.Input) func(context.Context, secret.Text) plan.Answer {
	c := credentialOf(in)
	switch {
	case c.login && e.Postgres != nil:
		return func(ctx context.Context, value secret.Text) plan.Answer {
			q, _ := databaseQuery(in)
			q.Target.Password = value
			return databaseAnswer(e.Postgres.Fresh().Probe(ctx, q))
		}
	case (c.service || c.signIn) && e.Provider != nil:
		rejected := false
		return func(ctx context.Context, value secret.Text) plan.Answer {
			p := prover{e.Provider.Fresh(), nil, in, c}
			ask := p.token
			if !c.service {
				ask = p.signIn
			}
			a := providerAnswer(ask(ctx, value), rejected)
			rejected = rejected || a.Rejected
			return a
		}
	}
	return nil
}

// providerAnswer reads verdicts. Of a code that does not exist a provider may say
// the same to every secret; one that has rejected the secret before does not.
func providerAnswer(verdicts []idp.Verdict, rejectedBefore bool) plan.Answer {
	main := decisive(verdicts)
	a := plan.Answer{Text: sentence(main)}
	switch {
	case main.Class == idp.Pass || main.Class == idp.Warn:
		a.Accepted = true
	case main.ID == "signin.unproven" && rejectedBefore:
		a.Accepted = true
	case slices.Contains(rejections, main.ID):
		a.Rejected = true
	case main.Class == idp.Fail:
		a.Refusal = true
	}
	return a
}

func databaseAnswer(got PostgresAnswer) plan.Answer {
	if got.Report.Version != "" {
		return plan.Answer{Accepted: true}
	}
	worst := postgres.Worst(got.Verdicts)
	for _, v := range got.Verdicts {
		if v.Class == worst {
			return plan.Answer{Text: databaseLine(v), Rejected: slices.Contains(rejections, v.ID), Refusal: worst == postgres.Fail && !slices.Contains(rejections, v.ID) && checkOf(v, false) == postgresLogin}
		}
	}
	return plan.Answer{Text: "no answer"}
}
