package wizard

import (
	"context"
	"fmt"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/steps"
)

// Review is what would change, and whether it may.
type Review struct {
	Plan     *plan.Plan
	Input    plan.Input
	Checks   []check.Result
	Problems answers.Problems // wrong or missing answers; then there is no Plan
	Warnings []plan.Warning
}

// Blocked tells why applying is not possible; "" when it is.
func (r Review) Blocked() string {
	switch {
	case len(r.Problems) > 0:
		return "answers are wrong or missing"
	case r.Failed() != "":
		return "check " + r.Failed() + " failed"
	}
	return ""
}

// Failed returns the id of the first failed check, or "".
func (r Review) Failed() string {
	for _, c := range r.Checks {
		if c.Status == check.Fail {
			return c.ID
		}
	}
	return ""
}

// Changes tells whether applying would do anything.
func (r Review) Changes() bool { return r.Plan != nil && len(r.Plan.Actions) > 0 }

// Plan works out what would change, without looking at anything. An error means
// that a file cannot be edited.
func (s *Session) Plan() (Review, error) {
	in := s.Input()
	r := Review{Input: in, Problems: s.Problems()}
	for _, text := range s.Ignored() {
		r.Warnings = append(r.Warnings, plan.Warning{Text: text})
	}
	if s.note != "" {
		r.Warnings = append(r.Warnings, plan.Warning{Step: "target", Text: s.note})
	}
	writes := s.flow.Make == nil // what the steps plan, a values file
	if release := in.Current.Cluster.Release; writes && release.Installed && release.Unknown != "" && !in.EditedExists() {
		r.Problems = append(r.Problems, answers.Problem{Key: "target.values", Message: fmt.Sprintf(
			"must be the file that release %s is upgraded with: its values cannot be read (%s), and a new file would drop them", release.Name, release.Unknown)})
	}
	if prefix := in.Chart.Prefix; writes && prefix != "" && !in.EditedExists() {
		r.Problems = append(r.Problems, answers.Problem{Key: "target.values", Message: fmt.Sprintf(
			"must be the values file of the chart that holds this one under %s: give it with -f", prefix)})
	}
	if len(r.Problems) > 0 {
		return r, nil
	}
	p, err := s.planned(in)
	if err != nil {
		return r, err
	}
	r.Plan, r.Problems = p, p.Problems
	r.Warnings = append(r.Warnings, p.Warnings...)
	return r, nil
}

// Checks returns the checks of every step that applies. They may run in the
// background; they change nothing.
func (s *Session) Checks() []check.Check {
	if len(s.Problems()) > 0 {
		return nil
	}
	return s.flow.Checks(s.env, s.Input())
}

// Check runs the checks of every step, so many at a time; 0 is the usual number.
func (s *Session) Check(ctx context.Context, checks []check.Check, parallel int, report func(check.Result)) []check.Result {
	if s.atHome() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, examinedWithin)
		defer cancel()
	}
	return check.Run(ctx, checks, check.Options{Parallel: parallel, Accept: s.settings.Accept, Skip: s.current.Skip, Report: s.logged(report)})
}

// Line is one line of the review. Step, if any, is where its value is answered;
// Key, if any, is the question there.
type Line struct {
	Kind LineKind
	Text string
	Step string
	Key  answers.Key
}

// LineKind says what a line is, so that each driver gives it its look.
type LineKind int

// The kinds of lines.
const (
	Plain LineKind = iota
	Heading
	Added
	Removed
	Hunk
	Good
	Caution
	Bad
	Dim
	Command
)

// Lines is the whole review as text. Secrets appear as lengths and fingerprints.
func (r Review) Lines() []Line {
	var l lines
	for _, p := range r.Problems {
		l.answer(Bad, stepOf(p.Key), p.Key, "%s", p)
	}
	if r.Plan == nil {
		return l
	}
	switch {
	case r.undoes():
		r.back(&l)
		r.secret(&l)
	case steps.LacksRotatedKey(r.Input):
		r.checks(&l)
		return l
	case r.Plan.Rotates():
		r.rotation(&l)
		r.secret(&l)
	default:
		r.files(&l)
		r.secret(&l)
		r.bindings(&l)
		r.values(&l)
	}
	r.warnings(&l)
	r.checks(&l)
	heading := "Next, after applying"
	if !r.Changes() {
		heading = "Next"
	}
	next(&l, heading, r.Plan.Next)
	return l
}

// undoes tells that the run is there to take another one back: no setting matters.
func (r Review) undoes() bool { return r.Input.Current.Flow == undoFlow }

// back lists what is put back, in order.
func (r Review) back(l *lines) {
	if !r.Changes() {
		return
	}
	l.head("", "Put back what was changed by %s", r.Input.Current.Journal.Words())
	for i, a := range r.Plan.Actions {
		l.add(Plain, "", "%d. %s", i+1, a.Title())
	}
}

// notes tells whether a rotation notes on the Secret when its keys were set because it
// was asked to, and may whether that can be asked of it: a note that is there is kept
// up to date in any case.
func (r Review) notes() (notes, may bool) {
	asked := r.Input.Current.History
	return asked, r.Plan.Rotates() && r.Plan.Rewrites() && !r.Plan.Secret.Delivered && asked == r.Plan.Notes()
}

// listed tells that the review lists what is done, in order.
func (r Review) listed() bool { return r.undoes() || r.Plan.Rotates() }

// rotation lists what is done, in order.
func (r Review) rotation(l *lines) {
	if !r.Changes() {
		return
	}
	l.head("", "Give %s another value", r.Plan.RotatedKeys())
	for i, a := range r.Plan.Actions {
		l.add(Plain, "", "%d. %s", i+1, a.Title())
	}
}

// nothing is what there is to say when nothing changes.
func (r Review) nothing() string {
	if r.undoes() {
		return "Nothing to undo: no run was left in the middle, and no old values are kept."
	}
	if r.pending() != "" {
		return "Nothing else to change."
	}
	return "Nothing to change: everything is as asked already."
}

type lines []Line

func (l *lines) add(kind LineKind, step, format string, args ...any) {
	for text := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		*l = append(*l, Line{Kind: kind, Text: text, Step: step})
	}
}

// answer adds a line about what is answered under key.
func (l *lines) answer(kind LineKind, step string, key answers.Key, format string, args ...any) {
	from := len(*l)
	l.add(kind, step, format, args...)
	for i := range (*l)[from:] {
		(*l)[from+i].Key = key
	}
}

func (l *lines) head(step, format string, args ...any) {
	if len(*l) > 0 {
		*l = append(*l, Line{})
	}
	l.add(Heading, step, format, args...)
}

func stepOf(key answers.Key) string {
	st, _, _ := steps.Catalog().Find(key)
	return st.ID
}

func (r Review) files(l *lines) {
	for _, f := range r.Plan.Files {
		where := f.Path
		if f.Place != "" {
			where += " (" + f.Place + ")"
		}
		l.head("target", "File %s: %s", where, f.Action)
		if f.Private {
			l.add(Dim, "target", "a Secret manifest with mode 0600; its values are not shown")
		}
		for line := range strings.Lines(f.Diff) {
			line = strings.TrimRight(line, "\r\n")
			kind := Plain
			switch {
			case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
				kind = Dim
			case strings.HasPrefix(line, "@@"):
				kind = Hunk
			case strings.HasPrefix(line, "+"):
				kind = Added
			case strings.HasPrefix(line, "-"):
				kind = Removed
			}
			l.add(kind, "target", "%s", line)
		}
	}
}

func (r Review) secret(l *lines) {
	s := r.Plan.Secret
	if s.Name == "" {
		return
	}
	action := s.Action
	if action == "created" || action == "patched" {
		action = "to be " + action // nothing has been written yet
	}
	l.head("secrets", "Secret %s/%s: %s", s.Namespace, s.Name, action)
	if s.Owner.Kind != "" {
		how := "it is not touched"
		if s.Delivered {
			how = "its values go through the store"
		} else if s.NotDelivered != "" {
			how += " (" + s.NotDelivered + ")"
		}
		l.add(Caution, "target", "%s: %s", steps.Ownership(s.Owner), how)
	}
	width := 0
	for _, k := range s.Keys {
		width = max(width, len(k.Name))
	}
	for _, k := range s.Keys {
		kind, what := Dim, k.Action
		if k.Action != "kept" {
			kind = Added
		}
		detail := count(k.Length, "character")
		if !k.Value.IsZero() {
			detail += ", fingerprint " + k.Value.Fingerprint(r.Input.Current.Fingerprint)
		}
		if k.Source != "" {
			detail += ", " + k.Source
		}
		if k.Value.IsZero() {
			detail = k.Source
		}
		step, key := r.askerOf(k.Name)
		l.answer(kind, step, key, "%-*s  %-11s  %s", width, k.Name, what, detail)
	}
	if r.Plan.Notes() {
		l.add(Added, "secrets", "annotation %s tells when each key was set by this program, never what", k8s.HistoryAnnotation)
	}
	if s.DropsLastApplied {
		l.add(Removed, "secrets", "annotation kubectl.kubernetes.io/last-applied-configuration goes: it holds old values")
	}
}

// askerOf returns the step and question that a key of the Secret is answered by.
func (r Review) askerOf(name string) (step string, key answers.Key) {
	for _, sk := range r.Input.Profile.SecretKeys {
		key = answers.Key(sk.Key)
		if step = stepOf(key); sk.Name == name && step != "" {
			return step, key
		}
	}
	return "secrets", ""
}

func (r Review) bindings(l *lines) {
	changed := false
	for _, b := range r.Plan.Bindings {
		changed = changed || b.Action != "kept"
	}
	if !changed {
		return
	}
	l.head("authorization", "Bindings")
	for _, b := range r.Plan.Bindings {
		kind, was := Dim, ""
		if b.Action != "kept" {
			kind = Added
		}
		if b.Was != "" && b.Was != b.Value {
			was = fmt.Sprintf(" (was %s)", b.Was)
		}
		l.add(kind, "authorization", "%-5s  %s: %s=%s → %s%s", b.Action, b.Name, b.Claim, b.Value, b.Role, was)
	}
}

// values tells where every value in force came from.
func (r Review) values(l *lines) {
	l.head("", "Where values come from")
	d := &r.Input.Draft
	flow := steps.Install()
	for _, st := range flow.Steps {
		for _, q := range st.Questions {
			if !st.Applies(r.Input, q) || !d.Has(q.Key) || d.From[q.Key].Rank == answers.FromChart {
				continue
			}
			l.answer(Plain, st.ID, q.Key, "%-34s %s  (%s)", q.Key, q.Value.Print(d.Get(q.Key)), d.From[q.Key])
		}
	}
	l.add(Dim, "", "everything else: defaults of chart %s", r.Input.Chart.Version)
}

func (r Review) warnings(l *lines) {
	if len(r.Warnings) == 0 {
		return
	}
	l.head("", "Warnings")
	for _, w := range r.Warnings {
		l.add(Caution, w.Step, "! %s", w.Text)
	}
}

// attention is what somebody has to know who has not seen the review: warnings,
// checks that did not pass, and keys of the Secret that this run may not write.
func (r Review) attention(l *lines) {
	if pending := r.pending(); pending != "" {
		l.add(Caution, "secrets", "! not written: %s of Secret %s/%s, which belongs to somebody else; see below", pending, r.Plan.Secret.Namespace, r.Plan.Secret.Name)
	}
	for _, w := range r.Warnings {
		if r.Plan.Rotates() && w.Step == "value" {
			continue // it was about what is over now
		}
		l.add(Caution, w.Step, "! %s", w.Text)
	}
	for _, c := range r.Checks {
		if c.Status != check.Pass && c.Status != check.Skip {
			*l = append(*l, CheckLines(c)...)
		}
	}
}

// pending lists the keys whose owner has to write them.
func (r Review) pending() string {
	if r.Plan.Secret.Action != "external" || r.Plan.Secret.Delivered {
		return ""
	}
	var names []string
	for _, k := range r.Plan.Secret.Keys {
		if k.Action != "kept" {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}

var checkMarks = map[check.Status]string{
	"": "…", check.Pass: "✓", check.Warn: "!", check.Fail: "✗", check.Inconclusive: "?", check.Skip: "-", check.Accepted: "!",
}

func (r Review) checks(l *lines) {
	if len(r.Checks) == 0 {
		return
	}
	l.head("", "Checks")
	for _, c := range r.Checks {
		for _, line := range CheckLines(c) {
			*l = append(*l, line)
		}
	}
}

// CheckLines is one check's outcome as text: what is so, and what to do. A check
// without a status has not answered yet.
func CheckLines(c check.Result) []Line {
	var l lines
	kind := map[check.Status]LineKind{"": Dim, check.Pass: Good, check.Fail: Bad, check.Skip: Dim}[c.Status]
	if kind == Plain {
		kind = Caution
	}
	found := strings.ReplaceAll(c.Found, "\n", "\n    ")
	l.add(kind, "", "%s %s: %s", checkMarks[c.Status], c.ID, found)
	if c.Status == check.Accepted {
		l.add(Caution, "", "    accepted: going on although it failed")
	}
	if c.Hint != "" {
		l.add(Dim, "", "    %s", strings.ReplaceAll(c.Hint, "\n", "\n    "))
	}
	return l
}

func next(l *lines, heading string, commands []plan.Command) {
	if len(commands) == 0 {
		return
	}
	l.head("", "%s", heading)
	for _, c := range commands {
		if c.Comment != "" {
			l.add(Dim, "", "# %s", c.Comment)
		}
		l.add(Command, "", "%s", c.Line)
	}
}
