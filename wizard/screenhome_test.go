package wizard

import (
	"fmt"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// running is a cluster with a portal on SQLite.
func running() k8s.Found {
	found := empty()
	found.Namespace.Exists = true
	found.Release = k8s.Release{
		Name: "openchoreo-control-plane", Installed: true, Chart: "openchoreo-control-plane", ChartVersion: "1.2.3", Revision: 4, Status: "deployed",
		Config: map[string]any{"backstage": map[string]any{"baseUrl": "https://console.example.com", "auth": map[string]any{"clientId": "portal"}}},
	}
	found.Deployment = k8s.Deployment{Name: "backstage", Replicas: 1, Ready: 1, Database: "better-sqlite3"}
	return found
}

// examined hands the screen the outcome of its checks, in place of those it runs.
func (b *bench) examined(results []check.Result) *bench {
	b.t.Helper()
	b.m.checks.stop()
	b.m.checks = checking{run: b.m.checks.run + 1, running: true, stop: func() {}}
	for _, r := range results {
		b.m.checks.order = append(b.m.checks.order, r.ID)
	}
	for _, r := range results[:len(results)-1] {
		b.tell(checkMsg{b.m.checks.run, r})
	}
	b.shows(fmt.Sprintf("%d of %d have answered", len(results)-1, len(results)))
	b.tell(checkedMsg{b.m.checks.run, results})
	return b
}

// findings are those of a portal whose Secret lacks a key.
func findings() []check.Result {
	return []check.Result{
		{ID: "cluster.reachable", Status: check.Pass, Found: "Kubernetes v1.34.2"},
		{ID: "secret.keys", Status: check.Fail, Found: "client-secret is not in Secret backstage-secrets\nthe pods cannot start without it",
			Cause: "somebody has deleted it", Hint: "put it back", Fix: "backstage-setup install",
			Cure: &check.Cure{Flow: "install", Step: "client", Key: "client.secret"}},
		{ID: "portal.rollout", Status: check.Fail, Found: "0 of 1 pods are ready"},
		{ID: "planes.observability", Status: check.Warn, Found: "features.observability is on, and no observability plane is registered",
			Cure: &check.Cure{Flow: "install", Step: "features", Key: "features.observability", Propose: []check.Proposal{{Key: "features.observability", Value: false}}}},
	}
}

func atHome(t *testing.T, width, height int) *bench {
	t.Helper()
	b, client := deafFlow(t, steps.Check(), width, height)
	b.shows("Looking at the cluster")
	return b.finds(client, running())
}

// The home screen as a person sees it, from the findings to what mends them.
func TestHomeScreens(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			name := func(what string) string { return fmt.Sprintf("home%s-%dx%d", what, size[0], size[1]) }
			b := atHome(t, size[0], size[1]).examined(findings())
			b.golden(name(""))
			b.press("home").golden(name("-first"))
			b.press("enter").wait().golden(name("-finding")).press("esc")
			b.press("v").golden(name("-all"))
		})
	}
}

// What the operator chooses is told with what leads there: the flow, the question,
// what it is filled in with.
func TestHomeLeads(t *testing.T) {
	b := atHome(t, 100, 40).examined(findings())
	b.press("home", "enter").wait().press("enter")
	start := b.m.end.Start
	if !b.m.done || start == nil || start.Flow != "install" || start.Step != "client" || start.Key != "client.secret" || len(start.Set) != 0 {
		t.Fatalf("it leads to %+v", start)
	}
	b = atHome(t, 100, 40).examined(findings())
	b.press("home", "down", "enter").wait()
	if b.shows("Mend it in install: Features, Observability, with false"); len(b.m.menu.choices) != 2 {
		t.Fatalf("%d choices", len(b.m.menu.choices))
	}
	b.press("enter")
	if start = b.m.end.Start; start == nil || len(start.Set) != 1 || start.Set[0].Value != false {
		t.Fatalf("it leads to %+v", start)
	}
	b = atHome(t, 100, 40).examined(findings())
	if b.press("q"); !b.m.done || b.m.end.Start != nil || b.m.end.Examination == nil || b.m.end.Examination.Healthy() {
		t.Fatalf("left with %+v", b.m.end)
	}
	b = atHome(t, 100, 40)
	if b.press("q"); b.m.end.Examination != nil {
		t.Fatalf("checks that have not answered came to %+v", b.m.end.Examination)
	}
}

// A run that begins at a question is prefilled, and what cannot be an answer is no
// beginning.
func TestBeginIsPrefilled(t *testing.T) {
	b, client := deafCluster(t, 100, 30)
	if err := b.m.s.Begin(Start{Flow: "install", Why: "x", Set: []check.Proposal{{Key: "scaling.replicas", Value: 3}}}); err != nil {
		t.Fatal(err)
	}
	b.do(b.m.begin())
	b.finds(client, running())
	if d := b.m.s.Input().Draft; d.Scaling.Replicas != 3 || b.m.here() != "scaling" {
		t.Errorf("%d replicas on step %s", d.Scaling.Replicas, b.m.here())
	}
	// A key of the Secret that is there for nobody has no question: the review.
	b, client = deafCluster(t, 100, 30)
	if err := b.m.s.Begin(Start{Flow: "install", Step: "ci", Key: "jenkins.apiKey"}); err != nil {
		t.Fatal(err)
	}
	b.do(b.m.begin())
	if b.finds(client, running()).settle(); b.m.page != onReview {
		t.Errorf("it is on step %s", b.m.here())
	}
	for _, wrong := range []check.Proposal{{Key: "no.such", Value: 1}, {Key: "scaling.replicas", Value: "many"}, {Key: "scaling.replicas", Value: -1}} {
		if err := b.m.s.Begin(Start{Set: []check.Proposal{wrong}}); err == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
}
