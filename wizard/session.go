// Package wizard is the Session, which says where a run stands and has no
// terminal in it, and its three drivers: full screen, lines and headless. It
// must not know HTTP, SQL, client-go or Helm paths.
package wizard

import (
	"context"
	"fmt"
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
	Offline  bool          // contact nothing outside this machine
	NoConfig bool          // there is no kubeconfig
	Edit     string        // of several values files the one to edit; "" is the last
	Place    string        // of several places in a file the one to edit: a part of its description
	Accept   []string      // checks that may fail
	Backup   bool          // keep an edited file's old bytes beside it
	Restart  bool          // the portal may be restarted
	Wait     time.Duration // bounds the rollout
	DryRun   bool
	Yes      bool
	Contexts []string // of the kubeconfig
}

// Session is one run: what people said, what is there, and what follows. It
// does no I/O but in the methods that take a context or say so; it is not safe
// for concurrent use, and the drivers call it from one goroutine.
type Session struct {
	flow     steps.Flow
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

	complete *plan.Input // cache of Input
}

// NewSession starts a run of flow. Random bytes are drawn here, once, so that
// planning stays pure.
func NewSession(flow steps.Flow, env *steps.Env, settings Settings, scrub *secret.Scrubber) (*Session, error) {
	s := &Session{flow: flow, env: env, settings: settings, scrub: scrub, visited: map[answers.Key]bool{}, where: map[answers.Key]string{}}
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
		Offline: settings.Offline, NoConfig: settings.NoConfig, Contexts: settings.Contexts,
		Random: random.Text, Fingerprint: []byte(fingerprint.Text.Reveal()),
		Restart: settings.Restart, Wait: settings.Wait, Backup: settings.Backup,
		Accept: settings.Accept, DropLastApplied: slices.Contains(settings.Accept, "secret.last-applied"),
	}
	if env.Cluster != nil {
		s.current.Target = env.Cluster.Target()
	}
	return s, nil
}

// Give takes an answer from a flag, --set or an answers file. References to
// secrets are resolved here. where names the place, for problems; notes are for
// the operator. The error completes "The value …".
func (s *Session) Give(key answers.Key, value any, rank answers.Rank, where string) (notes []string, err error) {
	if v, ok := value.(secret.Value); ok && v.Text.IsZero() {
		v, notes, err = s.env.Secrets.Resolve(v.Ref)
		if err != nil {
			return notes, fmt.Errorf("must be a reference that can be read: %w", err)
		}
		s.scrub.Add(v.Text)
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

// Load reads what the answers point at: the chart, the values files, an earlier
// manifest, certificates. It reads files and must be called before the first
// Input, and again when such an answer changed; Answer does so itself.
func (s *Session) Load() error {
	if err := s.loadChart(); err != nil {
		return err
	}
	in := s.Input()
	paths := in.Draft.Target.Values
	if !slices.EqualFunc(paths, s.current.Files, func(p string, f plan.ValuesFile) bool { return p == f.Path }) {
		files, err := s.env.Values(paths, s.settings.Place)
		if err != nil {
			return err
		}
		s.current.Files = files
	}
	s.current.Edit = len(s.current.Files) - 1
	for i, f := range s.current.Files {
		if s.settings.Edit != "" && f.Path == s.settings.Edit {
			s.current.Edit = i
		}
	}
	if path := in.Draft.Secret.Manifest; path != s.current.Manifest.File.Path {
		m, err := s.env.Manifest(path)
		if err != nil {
			return err
		}
		s.hide(m.Keys)
		s.current.Manifest = m
	}
	s.env.Certificates(&s.current, in.Draft.Database.PostgreSQL.CAFile)
	s.changed()
	return nil
}

func (s *Session) loadChart() error {
	ref := s.given.Chart
	release := s.current.Cluster.Release
	if !s.given.Has("chart") {
		ref = release.ChartVersion
	}
	if s.chart != nil && ref == s.chartRef && release.Revision == s.chartRevision {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a registry may be slow
	defer cancel()
	find := func() (*chart.Chart, templates.Profile, string, string, error) { return s.env.Chart(ctx, ref) }
	if !s.given.Has("chart") && release.Installed {
		find = func() (*chart.Chart, templates.Profile, string, string, error) {
			return s.env.ReleaseChart(ctx, release)
		}
	}
	c, profile, helmRef, note, err := find()
	switch {
	case err != nil && s.given.Has("chart"):
		return fmt.Errorf("chart: %w", err)
	case err != nil:
		return fmt.Errorf("the chart of release %s: %w", s.current.Cluster.Release.Name, err)
	}
	s.chart, s.profile, s.chartRef, s.note, s.current.ChartRef = c, profile, ref, note, helmRef
	s.chartRevision = release.Revision
	s.changed()
	return nil
}

// Input is everything a plan depends on, with all that is settled filled in.
func (s *Session) Input() plan.Input {
	if s.complete == nil {
		in := s.flow.Complete(plan.Input{Current: s.current, Draft: s.given, Profile: s.profile, Chart: s.chart})
		s.complete = &in
	}
	return *s.complete
}

// Query says what discovery looks for now; it is the identity of a Seen.
func (s *Session) Query() Query {
	d := s.Input().Draft
	return Query{Context: d.Target.Context, Namespace: d.Target.Namespace, Release: d.Target.Release, SecretName: s.givenSecretName()}
}

func (s *Session) givenSecretName() string {
	if d := s.Input().Draft; d.From["secret.name"].Rank >= answers.FromValues {
		return d.Secret.Name
	}
	return ""
}

// Query names what a discovery is about.
type Query struct{ Context, Namespace, Release, SecretName string }

// Seen is what a discovery found. It is dropped when the operator has moved on
// to another Query.
type Seen struct {
	Query   Query
	Cluster *k8s.Client
	Found   k8s.Found
	Err     error
}

// Look discovers what is there for q. It only reads the Session's Env, so a
// driver may run it in the background, and hands what it returns to Use.
func (s *Session) Look(ctx context.Context, q Query) Seen {
	cluster := s.env.Cluster
	if cluster == nil {
		return Seen{Query: q}
	}
	if q.Context != "" && q.Context != cluster.Target().Context {
		var err error
		if cluster, err = s.env.Connect(q.Context); err != nil {
			return Seen{Query: q, Err: err}
		}
	}
	return Seen{Query: q, Cluster: cluster, Found: cluster.Discover(ctx, k8s.Query{Namespace: q.Namespace, Release: q.Release, SecretName: q.SecretName})}
}

// Use takes in what was discovered, unless it is about something else than the
// run is by now; it tells whether it did.
func (s *Session) Use(seen Seen) (bool, error) {
	if seen.Query != s.Query() {
		return false, nil
	}
	if seen.Err != nil {
		return true, seen.Err
	}
	if seen.Cluster == nil {
		return true, s.Load()
	}
	s.env.Cluster = seen.Cluster
	s.current.Target = seen.Cluster.Target()
	s.current.Cluster = seen.Found
	s.current.Known = seen.Found.Server.Err == nil
	if found := seen.Found.Secret.Secret; found != nil {
		s.hide(found.Values)
	}
	s.changed()
	return true, s.Load()
}

// hide keeps the values of a Secret out of every output. What the Secret holds
// besides credentials is no secret: were "backstage", the usual database user,
// taken out everywhere, no command would be readable.
func (s *Session) hide(values map[string]secret.Text) {
	for name, value := range values {
		if !s.plainKey(name) {
			s.scrub.Add(value)
		}
	}
}

func (s *Session) plainKey(name string) bool {
	for _, sk := range s.profile.SecretKeys {
		if kind, known := answers.KindOf(answers.Key(sk.Key)); sk.Name == name && known && kind != answers.Hidden {
			return true
		}
	}
	return false
}

// Where says in one line what the run is about, before anything is changed.
func (s *Session) Where() string {
	d, t := s.Input().Draft, s.current.Target
	switch {
	case s.current.NoConfig:
		return fmt.Sprintf("No kubeconfig: only files are written, for namespace %s, and the Secret becomes a manifest.", d.Target.Namespace)
	case s.Offline():
		return fmt.Sprintf("Offline: only files are written, for namespace %s.", d.Target.Namespace)
	}
	if d.Target.Context != t.Context {
		return fmt.Sprintf("Context %s, namespace %s.", d.Target.Context, d.Target.Namespace)
	}
	line := fmt.Sprintf("Context %s, server %s, namespace %s", t.Context, t.Server, d.Target.Namespace)
	if t.CAFingerprint != "" {
		line += ", CA " + t.CAFingerprint
	}
	return line + "."
}

// Offline tells whether the run contacts no cluster.
func (s *Session) Offline() bool { return s.current.Local() }
