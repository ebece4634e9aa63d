package steps

import (
	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Install is the first-time set-up; on an existing installation it changes any
// setting, everything prefilled from what is there.
func Install() Flow {
	return Flow{ID: "install", Title: "Install", Steps: []Step{
		target(), presetStep(), urls(), identity(), client(), scopes(), authorization(),
		database(), features(), scaling(), environment(), ci(), secrets(), store(), review(),
	}, Judge: settingsChecks}
}

// Database takes a portal that is there from one database to the other: its
// questions, and those whose answers follow from it.
func Database() Flow {
	return Flow{ID: "database", Title: "Database", Steps: []Step{
		target(), database(), scaling(), store(), review(),
	}, Judge: func(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
		return append([]check.Check{installedCheck(in)}, settingsChecks(in, planned)...)
	}}
}

// Undo puts back what an earlier run changed that was interrupted, or whose old
// values are still kept.
func Undo() Flow {
	return Flow{ID: "undo", Title: "Undo", Steps: []Step{backTarget(), store(), review()},
		Make: func(in plan.Input) (*plan.Plan, error) { return plan.Back(in), nil },
		Judge: func(in plan.Input, planned func() (*plan.Plan, error)) []check.Check {
			if in.Current.Local() {
				return nil
			}
			return append([]check.Check{accessCheck(in, planned)}, confirmations(in, planned)...)
		}}
}

// Catalog is every step of every flow: what `explain`, the answers file's schema
// and its example are made from.
func Catalog() Flow {
	all := Install()
	all.Steps = append(all.Steps, rotateSteps()...)
	return all
}

// Complete fills a draft of what people said with all that is settled without
// asking: values files, cluster, preset, chart and what the steps derive. It is
// pure, so that every answer can be taken back.
func (f Flow) Complete(in plan.Input) plan.Input {
	in.Draft = in.Draft.Clone()
	for _, s := range f.Steps {
		if s.ID == "target" { // what is there is found by release and namespace
			in.Draft.ProposeAll(s.Suggest(in))
		}
	}
	if f.Live {
		in.Draft.ProposeAll(in.Running())
	}
	in.Draft.ProposeAll(known(in))
	in.Draft.ProposeAll(suggestPreset(in))
	for _, p := range in.ChartDefaults() {
		if !unaskedDefaults[p.Key] || IsInstalled(in) {
			in.Draft.Propose(p)
		}
	}
	for _, s := range f.Steps {
		if s.Suggest != nil {
			in.Draft.ProposeAll(s.Suggest(in))
		}
	}
	if f.Live {
		return in // nobody is asked for settings, and nothing is drawn for them
	}
	provided(&in)
	f.keep(&in)
	return in
}

// unaskedDefaults are chart defaults that are right for one provider alone, so
// that taking them silently would be wrong for every other. What is installed
// runs with them.
var unaskedDefaults = map[answers.Key]bool{
	"client.id": true, "authorization.subject": true, "jenkins.baseUrl": true, "jenkins.username": true,
}

// keep settles the secrets that are there already, and the one that is drawn.
func (f Flow) keep(in *plan.Input) {
	for _, s := range f.Steps {
		for _, q := range s.Questions {
			if q.Value.Kind != answers.Hidden || in.Draft.Has(q.Key) || !s.Applies(*in, q) {
				continue
			}
			if _, where, ok := in.KeptFrom(q.Key); ok {
				set(in, q.Key, secret.Value{Ref: secret.Ref{Keep: true}}, answers.Source{Rank: answers.FromCluster, Detail: "kept in " + where})
			}
		}
	}
	key := answers.Key("backendSecret")
	value := in.Draft.BackendSecret
	_, _, exists := in.KeptFrom(key)
	if (!in.Draft.Has(key) && !exists) || (value.Ref.Generate && value.Text.IsZero()) {
		set(in, key, secret.Value{Ref: secret.Ref{Generate: true}, Text: in.Current.Random}, answers.Source{Rank: max(answers.FromDerived, in.Draft.From[key].Rank), Detail: "32 random bytes"})
	}
}

func set(in *plan.Input, key answers.Key, value any, source answers.Source) {
	if err := in.Draft.Set(key, value, source); err != nil {
		panic(err) // the key and its kind are this package's own
	}
}

// Problems returns every wrong and every missing answer of the steps that apply.
func (f Flow) Problems(in plan.Input) (wrong, missing answers.Problems) {
	if f.Silent {
		return nil, nil
	}
	for _, s := range f.Steps {
		for _, q := range s.Questions {
			if !s.Applies(in, q) {
				continue
			}
			if q.Missing(in) {
				missing = append(missing, answers.Problem{Key: q.Key, Message: "is missing: " + q.need() + q.lacks(in)})
				continue
			}
			if text := q.Problem(in); text != "" {
				wrong = append(wrong, answers.Problem{Key: q.Key, Message: text})
			}
		}
	}
	return wrong, missing
}

func (q Question) lacks(in plan.Input) string {
	if q.Lacks == nil {
		return ""
	}
	if why := q.Lacks(in); why != "" {
		return "; " + why
	}
	return ""
}

func (q Question) need() string {
	if q.Value.Kind == answers.Hidden {
		return "give {env: NAME} or {file: PATH} in the answers file"
	}
	if q.Example != "" {
		return "such as " + q.Example
	}
	if len(q.Options) > 0 {
		return oneOf(q.Options).Error()
	}
	return "see `backstage-setup explain " + string(q.Key) + "`"
}

// Plan works out what will change for a complete input without problems.
func (f Flow) Plan(in plan.Input) (*plan.Plan, error) {
	if f.Make != nil {
		return f.Make(in)
	}
	p := plan.New(in)
	for _, s := range f.Steps {
		for _, q := range s.Questions {
			if s.Applies(in, q) {
				p.Set(q.Key)
			}
		}
		if s.Plan != nil && s.When.holds(in) {
			s.Plan(in, p)
		}
	}
	return p, p.Finish()
}
