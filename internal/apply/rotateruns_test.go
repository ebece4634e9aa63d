package apply

import (
	"cmp"
	"context"
	"time"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// provider is the step of a run that asks the server behind its credential.
const provider = "POST the provider"

// rotation plans to give the client that does everything another secret: both keys
// in one patch, proven before anything is changed and when all is done.
func rotation(in plan.Input) *plan.Plan {
	value, _ := in.Draft.Get("rotate.value").(secret.Value)
	wanted := value.Text
	if wanted.IsZero() {
		wanted = secret.New(newClient)
	}
	return plan.Rotate(in, plan.Rotation{
		Key: "client-secret", Set: map[string]secret.Text{"client-secret": wanted, "service-client-secret": wanted},
		Asked: true, Server: "the provider", Await: time.Minute, Findings: []string{"token.invalid-client"},
	})
}

// asks asks the provider of the stage for a token, as the portal does. With p what
// is asked, or the answer, can get lost.
func (s *stage) asks(p *points) func(context.Context, secret.Text) plan.Answer {
	s.t.Helper()
	client, err := idp.New(idp.Config{})
	if err != nil {
		s.t.Fatal(err)
	}
	return func(ctx context.Context, value secret.Text) plan.Answer {
		wrong := p != nil && p.pass(provider)
		if wrong && (p.what == unsent || p.what == stalled) {
			return plan.Answer{Text: "no answer"}
		}
		token, verdicts := client.ServiceToken(ctx, idp.ServiceRequest{TokenURL: s.issuer + "/oauth/token", ClientID: idptest.Portal, Secret: value})
		said := ""
		for _, v := range verdicts {
			said = cmp.Or(said, v.ID)
		}
		switch {
		case wrong && p.what != canceled, ctx.Err() != nil:
			return plan.Answer{Text: "the answer was lost"}
		case token.Access.IsZero():
			return plan.Answer{Rejected: said == "service.client", Text: said}
		}
		return plan.Answer{Accepted: true}
	}
}
