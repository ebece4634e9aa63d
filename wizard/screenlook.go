package wizard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/openchoreo/backstage-setup/internal/check"
)

// looking is the discovery of what is there.
type looking struct {
	run     int // its number; what an earlier one found is dropped
	query   Query
	running bool
	stop    context.CancelFunc
	err     error // why the last one told nothing
}

// startLook looks at the cluster in the background; an earlier look is given up.
func (m *screen) startLook() tea.Cmd {
	if m.look.stop != nil {
		m.look.stop()
	}
	ctx, cancel := context.WithCancel(m.ctx)
	q := m.s.Query()
	run := m.look.run + 1
	m.look = looking{run: run, query: q, running: true, stop: cancel}
	m.version++
	return m.guarded(func() tea.Msg { return seenMsg{run, m.s.Look(ctx, q)} })
}

// relook looks again when the answers now are about something else.
func (m *screen) relook() tea.Cmd {
	if m.s.Query() == m.look.query {
		return nil
	}
	return m.startLook()
}

// saw takes in what was found, unless the operator has moved on.
func (m *screen) saw(msg seenMsg) tea.Cmd {
	if msg.run != m.look.run {
		return nil
	}
	m.look.stop()
	m.look.running = false
	if _, err := m.s.Use(msg.seen); err != nil {
		m.look.err = err
	}
	m.refresh()
	again := m.relook()
	if m.page != onReview || again != nil {
		return again
	}
	return m.openReview()
}

// lookAgain looks at the cluster anew; on the review the checks run again then.
func (m *screen) lookAgain() tea.Cmd {
	m.commitTouched()
	m.checks.fresh = false
	m.stopChecks()
	return m.startLook()
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
	list := m.s.Checks()
	ctx, cancel := context.WithCancel(m.ctx)
	m.checks = checking{run: m.checks.run + 1, running: true, stop: cancel}
	for _, c := range list {
		m.checks.order = append(m.checks.order, c.ID)
	}
	run, send := m.checks.run, m.send
	return m.guarded(func() tea.Msg {
		return checkedMsg{run, m.s.Check(ctx, list, func(r check.Result) { send(checkMsg{run, r}) })}
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
	m.review.update(m)
}

func (m *screen) checkedAll(msg checkedMsg) {
	if msg.run != m.checks.run || !m.checks.running {
		return
	}
	m.checks.stop()
	m.checks.running, m.checks.fresh, m.checks.results = false, true, msg.results
	m.version++
	m.review.update(m)
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

// found tells what there is, for the first step and the header.
func (m *screen) found() []Line {
	var l lines
	in := m.s.Input()
	c := in.Current
	switch {
	case c.Offline:
		l.add(Plain, "", "Offline: no cluster, identity provider or database is contacted.")
		return l
	case c.NoConfig:
		l.add(Plain, "", "There is no kubeconfig: only files are written, and the Secret becomes a manifest.")
		return l
	case m.look.running:
		l.add(Plain, "", "Looking at the cluster%s", markMore)
		return l
	case m.look.err != nil:
		l.add(Bad, "", "%s %v", markWrong, m.look.err)
		return l
	case c.Cluster.Server.Err != nil:
		l.add(Bad, "", "%s The cluster does not answer: %v", markWrong, c.Cluster.Server.Err)
		return l
	}
	f := c.Cluster
	l.add(Good, "", "%s Kubernetes %s at %s", markSettled, f.Server.Version, c.Target.Server)
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
