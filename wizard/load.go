package wizard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/templates"
)

// Load reads what the answers point at: the chart, the values files, an earlier
// manifest, certificates. It reads files and must be called before the first
// Input, and again when such an answer changed; Answer does so itself.
func (s *Session) Load() error {
	if err := s.loadChart(); err != nil {
		return err
	}
	if nested, ok := s.current.Cluster.Release.Config[s.chart.Prefix].(map[string]any); ok && s.chart.Prefix != "" {
		s.current.Cluster.Release.Config = nested // an umbrella's values for this chart
	}
	in := s.Input()
	paths := in.Draft.Target.Values
	if s.flow.Live && !s.given.Has("target.values") {
		s.current.Files = []plan.ValuesFile{{Path: paths[len(paths)-1]}} // what runs counts, whatever lies about
		paths = paths[len(paths)-1:]
	}
	if s.flow.Silent {
		// Nothing is edited: the files are what the release is compared with.
		if err := s.loadAgainst(in); err != nil {
			return err
		}
		paths = nil
		s.current.Files = []plan.ValuesFile{{}} // none: the release's own values count
	} else if !slices.EqualFunc(paths, s.current.Files, func(p string, f plan.ValuesFile) bool { return p == f.Path }) {
		files, err := s.env.Values(paths, s.editIndex(paths), s.settings.Place)
		if err != nil {
			return err
		}
		s.current.Files = files
	}
	s.current.Edit = max(s.editIndex(paths), 0)
	if path := in.Draft.Secret.Manifest; path != s.current.Manifest.File.Path {
		m, err := s.env.Manifest(path)
		if err != nil {
			return err
		}
		s.hide(m.Keys)
		s.current.Manifest = m
	}
	if s.Offline() && s.current.Journal == nil && s.settings.Journal != "" {
		journal, err := s.env.Journal(s.settings.Journal)
		if err != nil {
			return err
		}
		s.current.Journal = journal
	}
	if s.current.Cluster.External.Owner.Kind != "" && s.current.ExternalFile.Path == "" {
		snapshot, err := s.env.ExternalFile()
		if err != nil {
			return err
		}
		s.current.ExternalFile = snapshot
	}
	s.env.Certificates(&s.current, in.Draft.Database.PostgreSQL.CAFile)
	s.changed()
	return nil
}

// loadAgainst reads the values files that somebody named.
func (s *Session) loadAgainst(in plan.Input) error {
	if s.current.Against != nil || !s.given.Has("target.values") {
		return nil
	}
	files, err := s.env.Values(in.Draft.Target.Values, -1, s.settings.Place)
	s.current.Against = files
	return err
}

// editIndex returns which of the values files is edited: the one that was named,
// else the last.
func (s *Session) editIndex(paths []string) int {
	if i := slices.Index(paths, s.settings.Edit); i >= 0 {
		return i
	}
	return len(paths) - 1
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
	if err != nil && s.undoing() {
		// What is put back is in the journal: any chart will do.
		c, profile, helmRef, note, err = s.env.Chart(ctx, "")
	}
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

// Query says what discovery looks for now; it is the identity of a Seen.
func (s *Session) Query() Query {
	d := s.Input().Draft
	return Query{Context: d.Target.Context, Namespace: d.Target.Namespace, Release: d.Target.Release, SecretName: s.givenSecretName(), Store: s.storeQuery()}
}

func (s *Session) givenSecretName() string {
	if d := s.Input().Draft; d.From["secret.name"].Rank >= answers.FromValues {
		return d.Secret.Name
	}
	return ""
}

// Query names what a discovery is about.
type Query struct {
	Context, Namespace, Release, SecretName string
	Store                                   *storeQuery // nil: no store is read
}

// storeQuery is which entries of which store are read. The same ones have the
// same address, so that two Queries can be compared.
type storeQuery struct {
	target plan.StoreTarget
	places []plan.StoreAt
}

func (q *storeQuery) same(other *storeQuery) bool {
	if q == nil || other == nil {
		return q == other
	}
	a, b := q.target, other.target
	return a.Address == b.Address && a.Namespace == b.Namespace && a.CABundle == b.CABundle && a.CAFile == b.CAFile &&
		a.Token.Equal(b.Token) && slices.Equal(q.places, other.places)
}

// storeQuery is what is to be read of the store by now.
func (s *Session) storeQuery() *storeQuery {
	in := s.Input()
	var now *storeQuery
	if target, ok := in.StoreTarget(); ok {
		now = &storeQuery{target, in.StorePlaces()}
	}
	if !now.same(s.storeAsked) {
		s.storeAsked = now
	}
	return s.storeAsked
}

// Seen is what a discovery found. It is dropped when the operator has moved on
// to another Query.
type Seen struct {
	Query   Query
	Cluster *k8s.Client
	Found   k8s.Found
	Health  k8s.Health   // of what is installed, for a run that examines it
	Rights  []k8s.Access // that the run can need
	NoWord  string       // why Rights is not known
	Store   plan.StoreState
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
	seen := Seen{Query: q, Cluster: cluster}
	about := k8s.Query{Namespace: q.Namespace, Release: q.Release, SecretName: q.SecretName}
	seen.Found = cluster.Discover(ctx, about)
	if seen.Found.Server.Err != nil {
		return seen // to ask on would take one more time-out
	}
	about.SecretName = seen.Found.Secret.Name
	if s.flow.Silent {
		s.examine(ctx, &seen, about)
		return seen
	}
	scope := steps.Scope{Deployment: cmp.Or(seen.Found.Deployment.Name, "backstage"), Release: true, Elsewhere: true}
	if es := seen.Found.External; es.Name != "" {
		scope.External = &es
	}
	var err error
	if seen.Rights, err = cluster.Can(ctx, steps.Rights(about, scope)); err != nil {
		seen.NoWord = err.Error()
	}
	if q.Store != nil {
		seen.Store = s.env.ReadStore(ctx, cluster, q.Store.target, q.Store.places)
	}
	return seen
}

// examine looks at how what was found does, and at the rights that looking takes.
func (s *Session) examine(ctx context.Context, seen *Seen, about k8s.Query) {
	var wait sync.WaitGroup
	wait.Go(func() { seen.Health = seen.Cluster.Health(ctx, about.Namespace, seen.Found) })
	wait.Go(func() {
		var err error
		if seen.Rights, err = seen.Cluster.Can(ctx, steps.CheckRights(about)); err != nil {
			seen.NoWord = err.Error()
		}
	})
	wait.Wait()
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
	if s.env.Provider != nil && s.env.Cluster != seen.Cluster {
		s.env.Provider.Reach(seen.Cluster)
	}
	if s.env.Postgres != nil && s.env.Cluster != seen.Cluster {
		s.env.Postgres.Reach(seen.Cluster)
	}
	if s.env.Visitor != nil {
		s.env.Visitor.Reach(seen.Cluster)
	}
	s.env.Cluster = seen.Cluster
	s.current.Target = seen.Cluster.Target()
	s.current.Cluster = seen.Found
	s.current.Health = seen.Health
	s.current.Known = seen.Found.Server.Err == nil
	s.current.Rights, s.current.RightsUnknown = seen.Rights, seen.NoWord
	s.current.Store, s.storeRead = seen.Store, seen.Query.Store
	for _, entry := range seen.Store.Entries {
		s.hide(entry.Values)
	}
	s.current.Journal, s.current.JournalProblem = nil, ""
	if previous := seen.Found.Secret.Previous; previous != nil {
		s.hide(previous.Values)
		journal, err := plan.FoundJournal(previous)
		switch {
		case err != nil:
			s.current.JournalProblem = err.Error()
		case journal == nil:
			s.current.JournalProblem = fmt.Sprintf("Secret %s/%s is there and was not made by this program", previous.Namespace, previous.Name)
		}
		s.current.Journal = journal
	}
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
