package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// oldValues asks the servers behind the credentials that are put back whether
// they still take the old ones: since the run that is undone somebody may have
// deleted them there.
const oldValues = "undo.values"

// backTarget is the step target of the flow that undoes.
func backTarget() Step {
	s := target()
	checks := s.Checks
	s.Checks = func(env *Env, in plan.Input) []check.Check {
		return append(checks(env, in), oldValueCheck(env, in)...)
	}
	return s
}

func oldValueCheck(env *Env, in plan.Input) []check.Check {
	if env == nil || in.Current.Local() || in.Current.Journal == nil {
		return nil
	}
	type asked struct {
		key string
		ask func(context.Context) plan.Answer
	}
	var list []asked
	j := in.Current.Journal
	for _, key := range slices.Sorted(slices.Values(j.Set)) {
		old := j.Old[key]
		if s := in.Current.Cluster.Secret.Secret; old.IsZero() || s != nil && s.Values[key].Equal(old) {
			continue // it is there already
		}
		if ask := env.Ask(rotating(in, key)); ask != nil {
			list = append(list, asked{key, func(ctx context.Context) plan.Answer { return ask(ctx, old) }})
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []check.Check{{
		ID: oldValues, Title: "the old values are still good", After: []string{"cluster.reachable"}, Timeout: postgresTimeout,
		Run: func(ctx context.Context) check.Result {
			var taken, rejected, unknown []string
			for _, a := range list {
				switch answer := a.ask(ctx); {
				case answer.Accepted:
					taken = append(taken, a.key)
				case answer.Rejected:
					rejected = append(rejected, a.key+": "+answer.Text)
				default:
					unknown = append(unknown, a.key+": "+answer.Text)
				}
			}
			switch {
			case len(rejected) > 0:
				return fail("the old value is rejected of "+strings.Join(append(rejected, unknown...), "\n"),
					fmt.Sprintf("go on with the new one: `backstage-setup rotate %s` with the same value finishes the run; or set the old value at the provider again, then undo; --accept %s puts it back all the same", j.Set[0], oldValues))
			case len(unknown) > 0:
				return check.Result{Status: check.Warn, Found: "whether the old value is still taken could not be told of " + strings.Join(unknown, "\n"), Hint: "sign in once it is back"}
			}
			return pass("still taken: " + strings.Join(taken, ", "))
		},
	}}
}

// rotating is in as the flow rotate sees it, for one key.
func rotating(in plan.Input, key string) plan.Input {
	in.Draft = in.Draft.Clone()
	in.Current.Flow = rotateFlow
	in.Planned = nil
	set(&in, "rotate.key", key, answers.Source{Rank: answers.FromPerson})
	return Rotate().Complete(in)
}
