package apply

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/testcluster"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// The secrets of the runs: what was there, and what is wanted. They look
// different in base64, in URLs and in hexadecimal.
const (
	oldClient, oldService = canary + "/old+client=", canary + "/old+service="
	newClient, newService = canary + "/new+client=", canary + "/new+service="
	midClient             = canary + "/mid+client="
	oldRandom             = canary + "/old+random="
)

// kind is a run that is tried under every fault.
type kind struct {
	name    string
	local   bool // it writes no cluster
	deploys bool // there is a portal, whose pods roll
	leaves  bool // to roll them is left to the operator
	stored  bool // External Secrets makes the Secret, from a store
	rotates bool // it gives the one client another secret, proven at a provider
	volume  bool // SQLite is left, and its volume is kept
	given   map[string]string
	files   map[string]string // before
	said    map[answers.Key]any
	before  func(*stage, kind) // what happened before the run, on top of the above
	back    bool               // the run undoes what happened before
}

// kinds are the runs. Both client secrets change in each of them.
func kinds() []kind {
	there := map[string]string{"backend-secret": oldRandom, "client-secret": oldClient, "service-client-secret": oldService, "jenkins-api-key": "placeholder-not-in-use", "theirs": "1"}
	rotate := map[answers.Key]any{
		"client.secret": secret.Typed(secret.New(newClient)), "serviceClient.id": "service", "serviceClient.secret": secret.Typed(secret.New(newService)),
	}
	install := map[answers.Key]any{"portal.baseUrl": "https://console.example.com", "scaling.replicas": 2, "backendSecret": secret.Typed(secret.New(oldRandom))}
	maps.Copy(install, rotate)
	theirValues := "# by hand\nbackstage:\n  # theirs\n  replicas: 1\n"
	through := maps.Clone(rotate)
	through["backendSecret"] = secret.Typed(secret.New(oldRandom))
	sown := map[string]string{"backend-secret": oldRandom, "client-secret": oldClient, "jenkins-api-key": "placeholder-not-in-use"}
	one := maps.Clone(there)
	one["service-client-secret"] = oldClient
	return []kind{
		{name: "patch, restart and roll-out", deploys: true, given: there, files: map[string]string{"values.yaml": theirValues}, said: install},
		{name: "patch, the upgrade is left", deploys: true, leaves: true, given: there, files: map[string]string{"values.yaml": theirValues}, said: install},
		{name: "create", said: install},
		{name: "two files", local: true, said: install, files: map[string]string{"values.yaml": theirValues, "manifest.yaml": oldManifest()}},
		{name: "undo", deploys: true, given: there, files: map[string]string{"values.yaml": theirValues}, said: install, before: interrupt, back: true},
		{name: "undo two files", local: true, said: install, files: map[string]string{"values.yaml": theirValues, "manifest.yaml": oldManifest()}, before: interrupt, back: true},
		{name: "SQLite is left", deploys: true, volume: true, given: there, files: map[string]string{"values.yaml": theirValues}, said: install},
		{name: "undo, SQLite was left", deploys: true, volume: true, given: there, files: map[string]string{"values.yaml": theirValues}, said: install, before: interrupt, back: true},
		{name: "go on", given: there, files: map[string]string{"values.yaml": theirValues}, said: install, before: func(s *stage, k kind) {
			other := maps.Clone(install)
			other["client.secret"], other["serviceClient.secret"] = secret.Typed(secret.New(midClient)), secret.Typed(secret.New(canary+"/mid+service="))
			other["scaling.replicas"] = 3
			k.said = other
			interrupt(s, k)
		}},
		{name: "rotate", deploys: true, rotates: true, given: one},
		{name: "rotate over another rotation", deploys: true, rotates: true, given: one, before: func(s *stage, k kind) {
			k.said = map[answers.Key]any{"rotate.value": secret.Typed(secret.New(midClient))}
			interrupt(s, k)
		}},
		{name: "undo a rotation", deploys: true, rotates: true, given: one, before: interrupt, back: true},
		{name: "through the store", stored: true, given: sown, said: through},
		{name: "through a new ExternalSecret", stored: true, said: through},
		{name: "undo through the store", stored: true, given: sown, said: through, before: interrupt, back: true},
	}
}

func oldManifest() string {
	return string(templates.SecretManifest(templates.Manifest{Name: "portal", Namespace: "ns", File: "manifest.yaml", Keys: []templates.ManifestKey{
		{Name: "client-secret", Value: []byte(oldClient)}, {Name: "service-client-secret", Value: []byte(oldService)}, {Name: "theirs", Value: []byte("1")},
	}}))
}

// interrupt carries out the run up to where it would drop its journal.
func interrupt(s *stage, k kind) {
	actions := s.planned(k).Actions
	s.interrupted(actions, len(actions)-1)
}

// prepare makes what is there before the run.
func (s *stage) prepare(k kind) {
	s.t.Helper()
	for name, content := range k.files {
		if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	switch {
	case k.stored:
		s.seedStore(k.given)
	case k.given != nil:
		s.seed(k.given)
	}
	if k.volume {
		s.resetClaim()
	}
	if k.before != nil {
		k.before(s, k)
	}
}

// planned looks at the directory and the cluster as they are and plans what the
// operator of k asks for, which is not always undoing.
func (s *stage) planned(k kind) *plan.Plan {
	s.t.Helper()
	current := plan.Current{Journal: s.left(k), Offline: k.local, Wait: time.Minute}
	if k.local {
		current.Manifest = s.manifest()
	} else {
		current.Cluster = s.env.Cluster.Discover(s.t.Context(), k8s.Query{Namespace: s.ns, Release: "openchoreo", SecretName: "portal"})
		if k.volume {
			current.Cluster.Deployment.DataClaim = current.Cluster.Claim.Name
		}
	}
	p := s.planOn(k, current)
	p.Actions = s.rolled(k, p.Actions)
	return p
}

// planOn plans what the operator of k asks for.
func (s *stage) planOn(k kind, current plan.Current) *plan.Plan {
	s.t.Helper()
	profile, version := templates.Newest()
	current.Restart, current.Known, current.Flow, current.UndoOnFailure = true, true, "install", true
	current.Files = []plan.ValuesFile{s.valuesFile()}
	if k.rotates {
		current.Flow = "rotate"
	}
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version), Current: current}
	delivery := plan.DeliverKubernetes
	if k.local {
		delivery = plan.DeliverManifest
	}
	if k.stored {
		delivery = plan.DeliverStore
		s.givenStore(&in.Draft)
	}
	for key, value := range map[answers.Key]any{
		"target.namespace": s.ns, "target.release": "openchoreo", "secret.name": "portal", "secret.delivery": delivery, "secret.manifest": s.path("manifest.yaml"),
		"portal.enabled": true, "security.authentication": true, "database.type": "sqlite",
	} {
		in.Draft.Propose(answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromPreset}})
	}
	for key, value := range k.said {
		if err := in.Draft.Set(key, value, answers.Source{Rank: answers.FromPerson}); err != nil {
			s.t.Fatal(err)
		}
	}
	in.Draft.ProposeAll(in.Found())
	if k.stored {
		in.Current.Store = s.readStore(in)
	}
	if k.rotates {
		return rotation(in)
	}
	p := plan.New(in)
	for _, key := range answers.Keys() {
		p.Set(key)
	}
	if k.volume {
		p.KeepVolume()
	}
	if err := p.Finish(); err != nil {
		s.t.Fatal(err)
	}
	if len(p.Problems) > 0 {
		s.t.Fatal(p.Problems)
	}
	return p
}

// rolled adds the restart that a plan leaves to the upgrade that follows an
// edited values file.
func (s *stage) rolled(k kind, actions []plan.Action) []plan.Action {
	i := slices.IndexFunc(actions, func(a plan.Action) bool { return a.ID() == "secret" })
	if !k.deploys || k.leaves || i < 0 || slices.ContainsFunc(actions, func(a plan.Action) bool { return a.ID() == "restart" }) {
		return actions
	}
	actions = slices.Insert(actions, i+1, plan.Action(plan.Restart{Namespace: s.ns, Deployment: "backstage"}),
		plan.Action(plan.AwaitRollout{Namespace: s.ns, Deployment: "backstage", Timeout: time.Minute}))
	for i, a := range actions {
		switch a := a.(type) {
		case plan.KeepPrevious:
			a.Journal.Deployment, a.Journal.Wait = "backstage", time.Minute
			actions[i] = a
		case plan.MarkKept: // it is verified now
			a.Journal.Deployment, a.Journal.Wait = "backstage", time.Minute
			actions[i] = plan.DropPrevious{Journal: a.Journal}
		}
	}
	return actions
}

func (s *stage) valuesFile() plan.ValuesFile {
	s.t.Helper()
	f := plan.ValuesFile{Path: s.path("values.yaml"), File: s.snapshot("values.yaml")}
	if f.File.Exists {
		var err error
		if f.Values, err = values.Open(f.File.Bytes, values.Place{}); err != nil {
			s.t.Fatal(err)
		}
	}
	return f
}

func (s *stage) manifest() plan.Manifest {
	s.t.Helper()
	m := plan.Manifest{File: s.snapshot("manifest.yaml"), Ours: true, Keys: map[string]secret.Text{}}
	for name, value := range s.manifestKeys() {
		m.Keys[name] = secret.New(value)
	}
	return m
}

func (s *stage) snapshot(name string) file.Snapshot {
	s.t.Helper()
	read := file.Read
	if s.env.Read != nil {
		read = s.env.Read
	}
	snapshot, err := read(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return snapshot
}

// left is the journal of an interrupted run, nil when there is none.
func (s *stage) left(k kind) *plan.Journal {
	s.t.Helper()
	if !k.local {
		return s.found()
	}
	text, err := os.ReadFile(s.env.Journal)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	j, err := plan.DecodeJournal(text)
	if err != nil {
		s.t.Fatal(err)
	}
	j.File = s.env.Journal
	return j
}

// backActions are those of undoing what was left.
func (s *stage) backActions(k kind) []plan.Action {
	in := plan.Input{Current: plan.Current{Journal: s.left(k), Restart: k.deploys, Wait: time.Minute}}
	if k.stored {
		s.givenStore(&in.Draft)
	}
	return plan.Back(in).Actions
}

// place is where runs take place one after the other: making a namespace for each
// would keep the cluster busy with deleting them.
type place struct {
	t       *testing.T // whose end is the place's
	cluster *testcluster.Cluster
	ns      string
	portal  bool // there is a Deployment
	kitchen *kitchen
	issuer  *idptest.Provider
}

func newPlace(t *testing.T) *place {
	t.Helper()
	c := testcluster.Shared(t)
	return &place{t: t, cluster: c, ns: c.Namespace(t)}
}

// stage is one for a run of k, with what is there before.
func (p *place) stage(t *testing.T, k kind) *stage {
	t.Helper()
	s := &stage{t: t, cluster: p.cluster, ns: p.ns, dir: t.TempDir(), env: Env{Now: time.Now}}
	if k.local {
		s.ns, s.env.Journal = "ns", filepath.Join(s.dir, "state", "journal.json")
		s.prepare(k)
		return s
	}
	s.env.Cluster = s.open(s.cluster.Kubeconfig, nil)
	if k.stored {
		if p.kitchen == nil {
			p.kitchen = newKitchen(p.t, p)
		}
		p.kitchen.empty(t)
		s.kitchen, s.env.Store = p.kitchen, s.openStore(nil)
	}
	if k.rotates {
		if p.issuer == nil {
			p.issuer = idptest.Start(p.t, idptest.Options{})
			p.issuer.Secrets(idptest.Portal, oldClient, midClient, newClient)
		}
		s.issuer = p.issuer.URL
		s.env.Ask = s.asks(nil)
	}
	for _, name := range []string{"portal", plan.PreviousName("portal")} {
		if err := s.core().Secrets(s.ns).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if k.deploys && !p.portal {
		// No pods: what is tried is what a run does, not what pods do. No release: what
		// is left of a run is not a matter of helm.
		change := strings.NewReplacer("NS", s.ns, "replicas: 2", "replicas: 0", ", app.kubernetes.io/instance: openchoreo", "")
		p.cluster.ApplyManifest(t, []byte(change.Replace(portalDeployment)))
		p.portal = true
	}
	s.prepare(k)
	return s
}

// condition is what is in force.
type condition struct {
	keys  map[string]string // of the Secret, or of the manifest; nil when there is none
	files map[string]string // the directory's name is DIR

	entries map[string]string // of the store
	reads   []string          // keys that the ExternalSecret has; nil when there is none
	claim   map[string]string // annotations of SQLite's claim
}

func (s *stage) condition(k kind) condition {
	s.t.Helper()
	c := condition{files: map[string]string{}}
	for _, name := range []string{"values.yaml", "manifest.yaml"} {
		c.files[name] = strings.ReplaceAll(s.content(name), s.dir, "DIR")
	}
	if k.local {
		c.keys = s.manifestKeys()
		return c
	}
	if k.stored {
		s.stored(&c)
	}
	if k.volume {
		c.claim = s.claim().Annotations
	}
	got, err := s.core().Secrets(s.ns).Get(s.t.Context(), "portal", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return c
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if k.stored && c.reads == nil && len(got.OwnerReferences) > 0 {
		return c // it goes as its owner went
	}
	c.keys = map[string]string{}
	for name, value := range got.Data {
		c.keys[name] = string(value)
	}
	return c
}

// manifestKeys are the keys of the Secret in the manifest, nil when there is none.
func (s *stage) manifestKeys() map[string]string {
	s.t.Helper()
	text := s.content("manifest.yaml")
	if text == "(none)" {
		return nil
	}
	var object struct{ Data map[string][]byte }
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		s.t.Fatal(err)
	}
	keys := map[string]string{}
	for name, value := range object.Data {
		keys[name] = string(value)
	}
	return keys
}

// without is the same stage with no fault in it.
func (s *stage) without() *stage {
	clean := *s
	clean.env.Read = nil
	if s.env.Cluster != nil {
		clean.env.Cluster = clean.open(s.cluster.Kubeconfig, nil)
	}
	if s.env.Store != nil {
		clean.env.Store = clean.openStore(nil)
	}
	if s.env.Ask != nil {
		clean.env.Ask = clean.asks(nil)
	}
	return &clean
}

// silent fails when a secret of the runs is in text, in any form.
func (s *stage) silent(text string) {
	s.t.Helper()
	var scrub secret.Scrubber
	for _, value := range []string{canary, oldClient, oldService, oldRandom, midClient, newClient, newService} {
		scrub.Add(secret.New(value))
	}
	if hidden := scrub.Scrub(text); scrub.Hits() > 0 {
		s.t.Errorf("a secret shows: %s", hidden)
	}
}
