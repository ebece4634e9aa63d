package wizard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// looking is the discovery of what is there.
type looking struct {
	run     int // its number; what an earlier one found is dropped
	query   Query
	running bool
	seen    bool // an earlier look has ended: what it found is shown meanwhile
	stop    context.CancelFunc
	err     error // why what it told, if anything, cannot be used
	reached bool  // the err is about what was found
}

// startLook looks at the cluster in the background; an earlier look is given up.
func (m *screen) startLook() tea.Cmd {
	if m.look.stop != nil {
		m.look.stop()
	}
	ctx, cancel := context.WithCancel(m.ctx)
	q := m.s.Query()
	run := m.look.run + 1
	m.look = looking{run: run, query: q, running: true, stop: cancel, seen: m.look.seen}
	m.version++
	return m.guarded(func() tea.Msg { return seenMsg{run, m.s.Look(ctx, q)} })
}

// Reread reads the files anew that the answers point at, which somebody may have
// changed. After an error what was read before stands.
func (s *Session) Reread() error {
	before := s.current
	s.current.Files = slices.Clone(before.Files)
	for i := range s.current.Files {
		s.current.Files[i].Path = "" // Load reads whatever it has not read by its name
	}
	s.current.Manifest.File.Path = ""
	err := s.Load()
	if err != nil {
		s.current = before
	}
	s.changed()
	return err
}

// relook looks again when the answers now are about something else.
func (m *screen) relook() tea.Cmd {
	switch {
	case m.s.Query() != m.look.query:
	case m.s.atHome():
		return nil // its checks ask the identity provider themselves
	default:
		return m.startAsk()
	}
	if m.s.atHome() {
		return m.startLook()
	}
	return tea.Batch(m.startLook(), m.startAsk())
}

// saw takes in what was found, unless the operator has moved on.
func (m *screen) saw(msg seenMsg) tea.Cmd {
	if msg.run != m.look.run {
		return nil
	}
	m.look.stop()
	m.look.running, m.look.seen = false, true
	_, err := m.s.Use(msg.seen)
	if err == nil {
		err = m.s.Reread()
	}
	m.look.err, m.look.reached = err, msg.seen.Err == nil
	m.refresh()
	again := m.relook()
	if m.page == onHome {
		return tea.Batch(again, m.openHome())
	}
	if !m.look.running {
		again = tea.Batch(again, m.leadOn())
	}
	if m.page != onReview || again != nil {
		return again
	}
	return m.openReview()
}

// reload tries again to read what was found, after an answer that may mend it.
func (m *screen) reload() {
	if m.look.err != nil && m.look.reached {
		m.look.err = m.s.Reread()
	}
}

// chartUnknown tells that the release is of a chart that this program does not
// know, and nobody has said which to go by.
func (m *screen) chartUnknown() bool {
	r := m.s.current.Cluster.Release
	return m.look.err != nil && m.look.reached && r.Installed && !m.s.given.Has("chart") && m.s.chartRef != r.ChartVersion
}

// fields are the questions of a step as they stand. Where the release's chart is
// unknown, the one that stands in for it is no answer: no upgrade shall lead to
// it unasked.
func (m *screen) fields(step string) []Field {
	list := m.s.Fields(step)
	for i, f := range list {
		if f.Question.Key == "chart" && m.chartUnknown() {
			list[i] = Field{Step: f.Step, Question: f.Question, Options: f.Options, Required: true, Asked: true, Problem: m.look.err.Error()}
		}
	}
	return list
}

// lookAgain looks at the cluster anew; on the review the checks run again then.
func (m *screen) lookAgain() tea.Cmd {
	m.commitTouched()
	m.checks.fresh = false
	m.stopChecks()
	m.s.ForgetProvider()
	m.stopAsk()
	m.asking.query = ProviderQuery{}
	return m.startLook() // the provider is asked once that is known
}

// checking is one run of the checks.
type checking struct {
	run     int // its number; results of others are dropped
	running bool
	fresh   bool // ended, and nothing has changed since
	stop    context.CancelFunc
	order   []string // IDs
	results []check.Result
}

// startChecks runs the checks in the background, unless they have just run.
func (m *screen) startChecks() tea.Cmd {
	if m.checks.fresh {
		return nil
	}
	m.stopChecks()
	list, parallel := m.s.Checks(), 0
	if m.s.atHome() {
		list, parallel = m.s.examination(), examinedAtOnce
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.checks = checking{run: m.checks.run + 1, running: true, stop: cancel}
	for _, c := range list {
		m.checks.order = append(m.checks.order, c.ID)
	}
	run, send := m.checks.run, m.send
	return m.guarded(func() tea.Msg {
		return checkedMsg{run, m.s.Check(ctx, list, parallel, func(r check.Result) { send(checkMsg{run, r}) })}
	})
}

// stopChecks gives up the run under way: its results are about a plan that the
// operator has left.
func (m *screen) stopChecks() {
	if !m.checks.running {
		return
	}
	m.checks.stop()
	m.checks = checking{run: m.checks.run + 1}
	m.version++
}

func (m *screen) checked(msg checkMsg) {
	if msg.run != m.checks.run || !m.checks.running {
		return
	}
	m.checks.results = append(m.checks.results, msg.result)
	m.version++
	m.findings()
}

// findings brings the page up to the checks' present state.
func (m *screen) findings() {
	if m.page == onHome {
		m.home.update(m)
		return
	}
	m.review.update(m)
}

func (m *screen) checkedAll(msg checkedMsg) {
	if msg.run != m.checks.run || !m.checks.running {
		return
	}
	m.checks.stop()
	m.checks.running, m.checks.fresh, m.checks.results = false, true, msg.results
	m.s.UseShown()
	m.version++
	m.findings()
}

// inOrder returns the results so far in the order of the checks; those that have
// not answered yet have no status.
func (c checking) inOrder() []check.Result {
	list := make([]check.Result, len(c.order))
	for i, id := range c.order {
		list[i] = check.Result{ID: id, Found: "running"}
		if at := slices.IndexFunc(c.results, func(r check.Result) bool { return r.ID == id }); at >= 0 {
			list[i] = c.results[at]
		}
	}
	return list
}

// noNamespace tells that the Secret cannot be written yet, and what to do.
func (m *screen) noNamespace() []Line {
	in := m.s.Input()
	d, ns := in.Draft, in.Current.Cluster.Namespace
	seen := in.Current.Known && !in.Current.Local() && !m.look.running && (m.look.err == nil || m.look.reached)
	if !seen || ns.Name == "" || ns.Exists || ns.Unknown != "" || !d.Portal.Enabled || d.Secret.Delivery != plan.DeliverKubernetes {
		return nil
	}
	var l lines
	l.add(Bad, "", "%s namespace %s is not there yet", markWrong, ns.Name)
	l.add(Command, "", "kubectl create namespace %s", plan.Quote(ns.Name))
	l.add(Plain, "", "ctrl+r looks again")
	return l
}

// found tells what there is, for the first step and the header.
func (m *screen) found() []Line {
	in := m.s.Input()
	c := in.Current
	l := lines(m.s.earlier())
	switch {
	case c.Offline:
		l.add(Plain, "", "Offline: no cluster, identity provider or database is contacted.")
		return l
	case c.NoConfig:
		l.add(Plain, "", "There is no kubeconfig: only files are written, and the Secret becomes a manifest.")
		return l
	case m.look.running:
		return []Line{{Text: "Looking at the cluster" + markMore}}
	case m.look.err != nil && !m.look.reached:
		l.add(Bad, "", "%s %v", markWrong, m.look.err)
		return l
	case c.Cluster.Server.Err != nil:
		l.add(Bad, "", "%s The cluster does not answer: %v", markWrong, c.Cluster.Server.Err)
		return l
	}
	f := c.Cluster
	if m.look.err != nil {
		l.add(Bad, "", "%s %v", markWrong, m.look.err)
	}
	l.add(Good, "", "%s Kubernetes %s at %s", markSettled, f.Server.Version, c.Target.Server)
	l = append(l, m.noNamespace()...)
	if w := m.s.whereabouts(); m.short() && w.server != "" {
		l.add(Plain, "", "%s", w.authority()) // the header has not the room for all of it
	}
	l = append(l, m.s.preflight()...)
	part := func(name, unknown string, there bool, about string) {
		switch {
		case unknown != "":
			l.add(Caution, "", "? %s: not known, %s", name, unknown)
		case there:
			l.add(Good, "", "%s %s: %s", markSettled, name, about)
		default:
			l.add(Dim, "", "- %s: not there yet", name)
		}
	}
	r := f.Release
	about := "installed"
	if r.ChartVersion != "" {
		about = "chart " + r.ChartVersion
	}
	if r.Revision > 0 {
		about += fmt.Sprintf(", revision %d, %s", r.Revision, r.Status)
	}
	part("Release "+r.Name, map[bool]string{false: r.Unknown}[r.Installed], r.Installed, about)
	part("Deployment "+cmp.Or(f.Deployment.Name, "backstage"), f.Deployment.Unknown, f.Deployment.Name != "", fmt.Sprintf("%d of %d ready", f.Deployment.Ready, f.Deployment.Replicas))
	if s := f.Secret; s.Secret != nil || s.Unknown != "" {
		keys := 0
		if s.Secret != nil {
			keys = len(s.Secret.Keys)
		}
		owner := ""
		if s.Owner.Kind != "" {
			owner = fmt.Sprintf(", belongs to %s %s", s.Owner.Kind, s.Owner.Name)
		}
		part("Secret "+s.Name, s.Unknown, true, count(keys, "key")+owner)
	} else {
		part("Secret "+s.Name, "", false, "")
	}
	if f.Thunder.Installed {
		part("ThunderID", f.Thunder.Unknown, true, map[bool]string{true: "ready", false: "installed, not ready"}[f.Thunder.Ready])
	}
	return l
}
