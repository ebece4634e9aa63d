package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/steps"
)

// Examination is what the flow check came to.
type Examination struct {
	Checks []check.Result // in the order of their dependencies
	First  int            // index of the one to mend first; -1 when nothing fails or warns
	Chart  string         // version of the release's chart
	Looks  int            // how often it was looked
}

// Healthy tells whether nothing failed that was not accepted, and what the portal
// rests on could be seen.
func (e Examination) Healthy() bool {
	return len(e.Unseen()) == 0 && !slices.ContainsFunc(e.Checks, func(r check.Result) bool { return r.Status == check.Fail })
}

// Unseen returns the ids of the checks without which nobody can call a portal
// healthy, as far as they could not be told and were not accepted.
func (e Examination) Unseen() []string {
	var ids []string
	for _, r := range e.Checks {
		if unseen(r) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// unseen tells whether r is the core of an examination, and could not be told.
func unseen(r check.Result) bool {
	return r.Status == check.Inconclusive && core(r.ID)
}

// core tells whether nothing is known of a portal without that check.
func core(id string) bool {
	switch id {
	case "release.installed", "release.status", "secret.exists", "portal.deployment", "portal.rollout":
		return true
	}
	return false
}

// Unhealthy says in a sentence why the portal is not called healthy.
func (e Examination) Unhealthy() string {
	failed, unseen := e.Failed(), e.Unseen()
	switch {
	case len(failed) == 1:
		return "check " + failed[0] + " failed"
	case len(failed) > 1:
		return "checks " + strings.Join(failed, ", ") + " failed"
	case len(unseen) > 0:
		return "could not be told: " + strings.Join(unseen, ", ") + ", for want of rights or of an answer"
	}
	return ""
}

// Failed returns the ids of what failed, what to mend first at the front.
func (e Examination) Failed() []string {
	var ids []string
	for i, r := range e.Checks {
		switch {
		case r.Status != check.Fail:
		case i == e.First:
			ids = slices.Insert(ids, 0, r.ID)
		default:
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Again says how an examination is repeated until the portal is healthy.
type Again struct {
	Until time.Duration                        // how long; 0 looks once
	Wait  func(e Examination, d time.Duration) // called before each pause; may be nil
}

// The pauses between two looks of an examination.
const (
	firstPause = time.Second
	lastPause  = 15 * time.Second
)

// Examine looks at what is installed and judges it: for the flow steps.Check. It
// changes nothing. Report is called with each result as it comes, and may be nil.
// With again it looks anew, after longer and longer pauses, until nothing fails, the
// time is over or ctx ends; what it returns is the last look. Where ctx ends by its
// deadline that is told beside the error: what has not answered by then fails.
func Examine(ctx context.Context, s *Session, again Again, report func(check.Result)) (Examination, error) {
	until := time.Now().Add(again.Until)
	pause := firstPause
	var last Examination
	for looks := 1; ; looks++ {
		e, err := s.examineOnce(ctx, report)
		e.Looks = looks
		if err != nil && looks > 1 && len(last.Checks) > 0 {
			last.Looks = looks - 1
			return last, err // a whole look says more than the begun one
		}
		if err != nil || e.Healthy() || again.Until <= 0 {
			return e, err
		}
		last = e
		left := time.Until(until)
		if left <= 0 {
			return e, nil
		}
		d := min(pause, left)
		if again.Wait != nil {
			again.Wait(e, d)
		}
		timer := time.NewTimer(d)
		select {
		case <-ctx.Done():
			timer.Stop()
			return e, ctx.Err()
		case <-timer.C:
		}
		pause = min(pause*2, lastPause)
		s.ForgetProvider()
	}
}

func (s *Session) examineOnce(ctx context.Context, report func(check.Result)) (Examination, error) {
	if _, err := s.Use(s.Look(ctx, s.Query())); err != nil {
		return Examination{}, err
	}
	// What was found can be about another Secret, or another release's values: once more.
	if q := s.Query(); s.stale(q) {
		if _, err := s.Use(s.Look(ctx, q)); err != nil {
			return Examination{}, err
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Examination{}, ctx.Err()
	}
	results := s.examineAll(ctx, s.examination(), report)
	if errors.Is(ctx.Err(), context.Canceled) {
		return Examination{}, ctx.Err()
	}
	return s.judge(results), ctx.Err()
}

// examinedWithin bounds the checks of one look. Each has a time-out of its own, and
// several in a row, of servers that are reached and say nothing, could come to more
// than anybody waits for: a cluster that does not answer takes ten seconds before.
const examinedWithin = 20 * time.Second

// examineAll runs the checks of an examination. What has no answer when the time is
// over fails, and says so.
func (s *Session) examineAll(ctx context.Context, checks []check.Check, report func(check.Result)) []check.Result {
	ctx, cancel := context.WithTimeout(ctx, examinedWithin)
	defer cancel()
	return check.Run(ctx, checks, check.Options{Skip: s.current.Skip, Parallel: examinedAtOnce, Report: s.logged(report)})
}

// examinedAtOnce is how many checks of an examination run at a time: most of them
// wait for a server, each for another.
const examinedAtOnce = 16

// examination returns the checks of what was found.
func (s *Session) examination() []check.Check {
	s.current.Provider.Ask = s.Input().Current.Provider.Ask
	return s.Checks()
}

// judge makes an examination of what the checks said: in categories, without
// secrets, and with what explains what.
func (s *Session) judge(results []check.Result) Examination {
	s.accept(results)
	for i, r := range results {
		c := steps.CategoryOf(r.ID)
		results[i].Category, results[i].Doc = c.ID, c.Doc
		results[i].Found, results[i].Hint, results[i].Cause = s.scrub.Scrub(r.Found), s.scrub.Scrub(r.Hint), s.scrub.Scrub(r.Cause)
	}
	e := Examination{Checks: results, Chart: s.Input().Current.Cluster.Release.ChartVersion}
	e.First = check.Explain(results, steps.Explanations())
	return e
}

// accept takes what the operator goes on without out of what failed, warns, or hides
// the core: by the check's id, or by the code of what was found.
func (s *Session) accept(results []check.Result) {
	for i, r := range results {
		named := slices.Contains(s.settings.Accept, r.ID) || r.Code != "" && slices.Contains(s.settings.Accept, r.Code)
		if named && (r.Status == check.Fail || r.Status == check.Warn || unseen(r)) {
			results[i].Status = check.Accepted
		}
	}
}

// ExaminationResult puts an examination into the form for programs.
func (s *Session) ExaminationResult(e Examination) Result {
	healthy := e.Healthy()
	result := Result{
		Flow: s.flow.ID, Chart: e.Chart, Checks: e.Checks, Healthy: &healthy,
		Files: []FileResult{}, Actions: []ActionResult{}, Warnings: []string{}, Next: []string{},
		Secret:  SecretResult{Namespace: s.Input().Draft.Target.Namespace, Name: s.Input().Current.Cluster.Secret.Name, Action: "unchanged", Keys: []KeyResult{}},
		Rollout: RolloutResult{Deployment: "backstage", Status: "skipped"},
	}
	if name := s.Input().Current.Cluster.Deployment.Name; name != "" {
		result.Rollout.Deployment = name
	}
	if result.Checks == nil {
		result.Checks = []check.Result{}
	}
	if e.First < 0 {
		return result
	}
	first := e.Checks[e.First]
	result.First = &FirstResult{ID: first.ID, Code: first.Code, Consequences: check.Consequences(e.Checks, first.ID)}
	if result.First.Consequences == nil {
		result.First.Consequences = []string{}
	}
	for _, line := range first.Guide {
		command, ok := strings.CutPrefix(line, "  ")
		if !ok {
			command = "# " + line
		}
		result.Next = append(result.Next, command)
	}
	if first.Fix != "" && len(first.Guide) == 0 {
		result.Next = append(result.Next, first.Fix)
	}
	return result
}

// Lines is the examination for people: by category, what follows from something
// else folded into a line, and at the end what to mend first.
func (e Examination) Lines(width int) []Line {
	var l lines
	for _, c := range steps.Categories() {
		shown := false
		for i, r := range e.Checks {
			if r.Category != c.ID {
				continue
			}
			if !shown {
				if len(l) > 0 {
					l.add(Plain, "", "")
				}
				l.add(Heading, "", "%s", c.Title)
				shown = true
			}
			e.result(&l, i, width)
		}
	}
	l.add(Plain, "", "")
	e.summary(&l, width)
	return l
}

func (e Examination) result(l *lines, i, width int) {
	r := e.Checks[i]
	head := fmt.Sprintf("%s %s", checkMarks[r.Status], r.ID)
	first, rest, _ := strings.Cut(r.Found, "\n")
	switch r.Status {
	case check.Pass:
		l.add(Good, "", "%s: %s", head, first)
		return
	case check.Skip:
		l.add(Plain, "", "%s: skipped, %s", head, strings.TrimPrefix(first, "skipped: "))
		return
	}
	kind := map[check.Status]LineKind{check.Fail: Bad, check.Warn: Caution, check.Inconclusive: Caution, check.Accepted: Caution}[r.Status]
	word := map[check.Status]string{check.Fail: "failed", check.Warn: "warning", check.Inconclusive: "not known", check.Accepted: "accepted"}[r.Status]
	if r.Because != "" {
		l.add(kind, "", "%s: %s, follows from %s: %s", head, word, r.Because, first)
		return
	}
	l.add(kind, "", "%s: %s: %s", head, word, first)
	add := func(label, text string) {
		if text == "" {
			return
		}
		for i, line := range steps.Wrap(text, max(width-len(label)-6, 40)) {
			if i == 0 {
				l.add(Plain, "", "    %s %s", label, line)
				continue
			}
			l.add(Plain, "", "    %s %s", strings.Repeat(" ", len(label)), line)
		}
	}
	for _, line := range strings.Split(rest, "\n") {
		if line != "" {
			l.add(Plain, "", "    %s", line)
		}
	}
	if r.Status == check.Accepted {
		return
	}
	add("why:", r.Cause)
	add("do:", r.Hint)
	*l = append(*l, guided(r.Guide, width)...)
	if r.Fix != "" && len(r.Guide) == 0 {
		l.add(Plain, "", "    $ %s", r.Fix)
	}
	if explain := "backstage-setup explain " + firstText(r.Code, r.ID); explain != r.Fix {
		l.add(Plain, "", "    more: %s, %s", explain, r.Doc)
	}
}

// guided are the lines of a guide: what is said is folded, a command stays one line
// for the clipboard.
func guided(guide []string, width int) (l lines) {
	for _, line := range guide {
		if command, ok := strings.CutPrefix(line, "  "); ok {
			l.add(Plain, "", "    $ %s", command)
			continue
		}
		for _, folded := range steps.Wrap(line, max(width-4, 40)) {
			l.add(Plain, "", "    %s", folded)
		}
	}
	return l
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// summary names the one cause to mend first, and counts the rest.
func (e Examination) summary(l *lines, width int) {
	if e.First >= 0 {
		r := e.Checks[e.First]
		first, _, _ := strings.Cut(r.Found, "\n")
		l.add(Heading, "", "Mend first: %s", r.ID)
		l.add(Bad, "", "  %s", first)
		switch {
		case len(r.Guide) > 0:
			*l = append(*l, guided(r.Guide, width)...)
		case r.Fix != "":
			l.add(Plain, "", "  $ %s", r.Fix)
		}
		if follow := check.Consequences(e.Checks, r.ID); len(follow) > 0 {
			for _, line := range steps.Wrap("It brings about "+strings.Join(follow, ", ")+".", width-2) {
				l.add(Plain, "", "  %s", line)
			}
		}
		l.add(Plain, "", "")
	}
	kind, verdict := e.verdict()
	l.add(kind, "", "%s", verdict)
}

// verdict says how the portal is, in a sentence with the number of each outcome.
func (e Examination) verdict() (LineKind, string) {
	counts := map[check.Status]int{}
	for _, r := range e.Checks {
		counts[r.Status]++
	}
	var parts []string
	for _, s := range []struct {
		status check.Status
		word   string
	}{{check.Fail, "failed"}, {check.Warn, "warnings"}, {check.Inconclusive, "not known"}, {check.Accepted, "accepted"}, {check.Skip, "skipped"}, {check.Pass, "passed"}} {
		if n := counts[s.status]; n == 1 {
			parts = append(parts, "1 "+strings.TrimSuffix(s.word, "s"))
		} else if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.word))
		}
	}
	verdict, kind := "The portal is healthy", Good
	switch {
	case len(e.Failed()) > 0:
		verdict, kind = "The portal is not healthy", Bad
	case !e.Healthy():
		verdict, kind = "Whether the portal is healthy "+e.Unhealthy(), Bad
	case counts[check.Warn] > 0:
		verdict, kind = "The portal works, with warnings", Caution
	case counts[check.Inconclusive] > 0:
		verdict, kind = "Nothing wrong was found, but not all could be seen", Caution
	}
	return kind, fmt.Sprintf("%s: %s.", verdict, strings.Join(parts, ", "))
}
