// Package wizard is the Session, which says where a run stands and has no
// terminal in it, and its three drivers: full screen, lines and headless. It
// must not know HTTP, SQL, client-go or Helm paths.
package wizard

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

// Settings are the choices of a run that are not answers.
type Settings struct {
	Offline    bool              // contact nothing outside this machine
	Kubeconfig string            // as the operator named it
	NoConfig   bool              // there is no kubeconfig
	Edit       string            // of several values files the one to edit; "" is the last
	Place      string            // of several places in a file the one to edit: a part of its description
	Accept     []string          // checks that may fail
	Skip       map[string]string // checks that are not made, with the reason
	Probe      bool              // requests that leave a failed attempt in the identity provider's log
	Pasted     plan.Pasted       // what was given in place of asking the identity provider
	Backup     bool              // keep an edited file's old bytes beside it
	Restart    bool              // the portal may be restarted
	Upgrade    bool              // helm upgrade is run too
	Keep       bool              // the Secret's old values are kept until the run is verified
	Undo       bool              // a roll-out that fails is undone
	Journal    string            // file that keeps what undo takes where no cluster is written
	Last       k8s.Target        // of the last run that wrote to a cluster
	Wait       time.Duration     // bounds the rollout
	Bound      bool              // Wait was asked for, and bounds helm too
	Await      time.Duration     // of a rotation: how long the server may take to know the new value
	Revoked    time.Duration     // the same: to reject the old one
	History    bool              // the same: the Secret tells when its keys were set
	DryRun     bool
	Yes        bool
	Contexts   []string // of the kubeconfig

	ProbeResult []byte // what a Job in the cluster wrote that asked PostgreSQL
	ProbeCreate bool   // a database is made and dropped at PostgreSQL

	Log *slog.Logger // gets checks and actions as they end; nil is nobody
}

// Session is one run: what people said, what is there, and what follows. It
// does no I/O but in the methods that take a context or say so; it is not safe
// for concurrent use, and the drivers call it from one goroutine.
type Session struct {
	flow     steps.Flow
	began    string // ID of the flow that the answers belong to
	env      *steps.Env
	settings Settings
	scrub    *secret.Scrubber

	given   answers.Draft
	visited map[answers.Key]bool // met and left empty
	where   map[answers.Key]string

	current       plan.Current
	chart         *chart.Chart
	profile       templates.Profile
	chartRef      string // the chart that is loaded, as it was named
	chartRevision int    // of the release that it came from
	note          string // about the chart's version

	complete   *plan.Input // cache of Input
	storeAsked *storeQuery // what is to be read of the store
	storeRead  *storeQuery // what was

	providerAsked *steps.ProviderAsk // what is to be asked of the identity provider

	hurry <-chan struct{} // closed when nobody waits any more for what undoing brings about

	start Start // where a driver begins
	whole bool  // every check is shown from the start
}

// NewSession starts a run of flow. Random bytes are drawn here, once, so that
// planning stays pure.
func NewSession(flow steps.Flow, env *steps.Env, settings Settings, scrub *secret.Scrubber) (*Session, error) {
	if settings.Log == nil {
		settings.Log = slog.New(slog.DiscardHandler)
	}
	s := &Session{flow: flow, began: flow.ID, env: env, settings: settings, scrub: scrub, visited: map[answers.Key]bool{}, where: map[answers.Key]string{}}
	random, _, err := env.Secrets.Resolve(secret.Ref{Generate: true})
	if err != nil {
		return nil, err
	}
	fingerprint, _, err := env.Secrets.Resolve(secret.Ref{Generate: true})
	if err != nil {
		return nil, err
	}
	scrub.Add(random.Text)
	s.current = plan.Current{
		Offline: settings.Offline, NoConfig: settings.NoConfig, Contexts: settings.Contexts, Kubeconfig: settings.Kubeconfig,
		Random: random.Text, Fingerprint: []byte(fingerprint.Text.Reveal()),
		Restart: settings.Restart, Wait: settings.Wait, Bound: settings.Bound, Backup: settings.Backup,
		Flow: flow.ID, Upgrade: settings.Upgrade, KeepPrevious: settings.Keep, UndoOnFailure: settings.Undo,
		LastTarget: settings.Last, DryRun: settings.DryRun, Await: settings.Await, Revoked: settings.Revoked, History: settings.History,
		Skip: maps.Clone(settings.Skip), Probe: settings.Probe, Pasted: settings.Pasted, ProbeCreate: settings.ProbeCreate, ProbeResult: settings.ProbeResult,
		Accept: settings.Accept, DropLastApplied: slices.Contains(settings.Accept, "secret.last-applied"),
	}
	scrub.Add(settings.Pasted.Service)
	scrub.Add(settings.Pasted.User)
	if env.Cluster != nil {
		s.current.Target = env.Cluster.Target()
	}
	if env.Provider != nil {
		env.Provider.Reach(env.Cluster)
	}
	if env.Visitor != nil {
		env.Visitor.Reach(env.Cluster)
	}
	if env.Postgres != nil {
		env.Postgres.Reach(env.Cluster)
		s.current.Own = env.Postgres.Own()
	}
	return s, nil
}

// Give takes an answer from a flag, --set or an answers file. References to
// secrets are resolved here. where names the place, for problems; notes are for
// the operator. The error completes "The value …".
func (s *Session) Give(key answers.Key, value any, rank answers.Rank, where string) (notes []string, err error) {
	if v, ok := value.(secret.Value); ok {
		if v.Text.IsZero() {
			if v, notes, err = s.env.Secrets.Resolve(v.Ref); err != nil {
				return notes, fmt.Errorf("must be a reference that can be read: %w", err)
			}
		}
		s.scrub.Add(v.Text) // read from a reference, or from stdin before
		value = v
	}
	if err := s.given.Set(key, value, answers.Source{Rank: rank, Detail: where}); err != nil {
		return notes, err
	}
	s.where[key] = where
	s.changed()
	return notes, nil
}

// Answer takes what a person typed or chose. The text is read by the question's
// own rules; a secret's text is the secret itself. An empty text takes the
// answer back, unless empty is an answer. The error completes "The value …";
// the old answer stays then. Notes are for the operator.
func (s *Session) Answer(key answers.Key, text string) (notes []string, err error) {
	_, q, ok := s.flow.Find(key)
	if !ok {
		return nil, fmt.Errorf("has no question in this flow")
	}
	if q.Value.Kind == answers.Hidden {
		return s.answerSecret(q, text)
	}
	s.visited[key] = true
	if strings.TrimSpace(text) == "" && !q.Value.Empty {
		s.Unset(key)
		return nil, nil
	}
	value, err := q.Value.Parse(text)
	if err != nil {
		return nil, err
	}
	return nil, s.try(q, value)
}

func (s *Session) answerSecret(q steps.Question, text string) ([]string, error) {
	s.visited[q.Key] = true
	cleaned, notes := secret.Clean(text)
	if cleaned == "" {
		s.Unset(q.Key)
		return notes, nil
	}
	if err := secret.Check(cleaned); err != nil {
		return notes, err
	}
	value := secret.Value{Text: secret.New(cleaned)}
	s.scrub.Add(value.Text)
	return notes, s.try(q, value)
}

// try sets a person's value, unless the question's own rules refuse it or it
// points at a chart or file that cannot be read. Rules across answers are told by
// Field.Problem: refusing them here would make a pair of answers unreachable.
func (s *Session) try(q steps.Question, value any) error {
	if err := q.Check(value); err != nil {
		return err
	}
	before := s.given.Clone()
	if err := s.given.Set(q.Key, value, answers.Source{Rank: answers.FromPerson}); err != nil {
		return err
	}
	s.changed()
	err := s.Load()
	if err != nil {
		s.given = before
		s.changed()
		if again := s.Load(); again != nil {
			return again
		}
	}
	return err
}

// Unset takes a person's answer back: what else settles the key counts again.
func (s *Session) Unset(key answers.Key) {
	s.given.Unset(key)
	s.changed()
}

// Given returns a copy of what people said, for the answers file of the next run.
func (s *Session) Given() answers.Draft { return s.given.Clone() }

func (s *Session) changed() { s.complete = nil }

// Input is everything a plan depends on, with all that is settled filled in.
func (s *Session) Input() plan.Input {
	if s.complete == nil {
		in := s.flow.Complete(plan.Input{Current: s.current, Draft: s.given, Profile: s.profile, Chart: s.chart})
		s.complete = &in
	}
	return *s.complete
}

// planned is the plan of in, which is what Input returns: made once.
func (s *Session) planned(in plan.Input) (*plan.Plan, error) {
	if in.Planned != nil {
		return in.Planned, nil
	}
	p, err := s.flow.Plan(in)
	if err == nil {
		s.complete.Planned = p
	}
	return p, err
}

// Offline tells whether the run contacts no cluster.
func (s *Session) Offline() bool { return s.current.Local() }

// Target is the cluster that the run is about; zero without one.
func (s *Session) Target() k8s.Target { return s.current.Target }
