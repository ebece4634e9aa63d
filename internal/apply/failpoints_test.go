package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// enough is how many cases have to be tried, not in short mode.
const enough = 240

// workers try trials at once: most of the time is spent waiting.
const workers = 12

// trial is one run with one fault in it.
type trial struct {
	kind    kind
	files   bool // at a step of a file, not at a request
	what    fault
	at      int
	forever bool
	back    bool // afterwards what is left is put back, where something is, not gone on with
	ends    ends // between which the run moves
}

func (tr trial) String() string {
	text := fmt.Sprintf("request %d %s", tr.at, tr.what)
	if tr.files {
		text = fmt.Sprintf("file step %d %s", tr.at, tr.what)
	}
	if tr.forever {
		text += " from there on"
	}
	if tr.back {
		text += ", then back"
	}
	return text
}

// ends are the conditions between which a run moves.
type ends struct{ before, start, after condition }

// TestFailpoints lets every request and every step of a file go wrong in every
// way, for every run: nothing is lost, nothing is mixed, what is told is true, and
// a run afterwards gets where the first wanted to or back.
func TestFailpoints(t *testing.T) {
	if os.Getenv(dieFault) != "" {
		die(t)
		return
	}
	t.Parallel()
	all := kinds()
	trials := make([][]trial, len(all))
	var wait sync.WaitGroup
	for i, k := range all {
		wait.Go(func() {
			t.Run(k.name, func(t *testing.T) {
				if k.stored {
					trials[i] = k.moments(t)
					return
				}
				trials[i] = k.trials(t)
			})
		})
	}
	wait.Wait()
	todo := make(chan trial)
	var lock sync.Mutex
	tried := map[string]int{}
	for range workers {
		wait.Go(func() {
			var with, without, kitchen *place // a Deployment
			for tr := range todo {
				at := &without
				if tr.kind.deploys {
					at = &with
				}
				if tr.kind.stored {
					at = &kitchen
				}
				if *at == nil {
					*at = newPlace(t)
				}
				t.Run(tr.kind.name+"/"+tr.String(), func(t *testing.T) { tr.run(t, *at) })
				lock.Lock()
				tried[tr.kind.name]++
				tried["all"]++
				lock.Unlock()
			}
		})
	}
	for _, tr := range slices.Concat(trials...) {
		todo <- tr
	}
	close(todo)
	wait.Wait()
	for _, name := range slices.Sorted(maps.Keys(tried)) {
		t.Logf("%-28s %4d cases", name, tried[name])
	}
	if !testing.Short() && tried["all"] < enough && !t.Failed() {
		t.Errorf("only %d cases, want %d", tried["all"], enough)
	}
}

// trials lists all trials of a kind. Steps of files that only look are tried where
// no cluster is written; that all goes wrong from a step on, with files there too,
// and with requests for the faults that leave something else behind each.
func (k kind) trials(t *testing.T) (list []trial) {
	home := newPlace(t)
	e := k.ends(t, home)
	if k.rotates && !k.back {
		proofs := 0
		for _, step := range k.steps(t, home, false, unsent) {
			if step == provider {
				proofs++
			}
		}
		if proofs < 2 {
			t.Fatalf("the new value is proven %d times, not before and after", proofs)
		}
	}
	add := func(files bool, what fault, once, forever bool) {
		for at, step := range k.steps(t, home, files, what) {
			at++ // steps are counted from 1
			look := files && looks[strings.TrimPrefix(step, "file ")]
			if look && (!k.local || what != broken || at%2 == 0) || k.rotates && k.before != nil && !k.back && at%2 == 0 || testing.Short() && at%5 != 1 {
				continue
			}
			tr := trial{kind: k, ends: e, files: files, what: what, at: at, back: (at+len(list))%2 == 0}
			if once {
				list = append(list, tr)
			}
			if tr.forever = true; forever && !look {
				list = append(list, tr)
			}
		}
	}
	if !k.local {
		for _, what := range []fault{unsent, lost, stalled, late, conflict} {
			add(false, what, true, what == unsent || what == conflict || what == late && !k.back && !k.leaves)
		}
		for _, what := range []fault{repeated, canceled, killed} {
			add(false, what, true, false)
		}
	}
	if k.leaves || k.rotates {
		return list // the files are those of the run that leaves nothing
	}
	add(true, broken, true, true)
	add(true, unsure, true, k.local)
	add(true, full, true, k.local)
	add(true, canceled, true, false)
	add(true, killed, true, false)
	return list
}

// ends finds out what a run without faults starts from and ends in.
func (k kind) ends(t *testing.T, home *place) ends {
	t.Helper()
	plain := k
	plain.before = nil
	var e ends
	e.before = home.stage(t, plain).condition(k)
	s := home.stage(t, k)
	e.start = s.condition(k)
	s.finish(k, k.back, condition{})
	e.after = s.condition(k)
	if k.back {
		e.after = home.stage(t, plain).finish(plain, false, condition{}).condition(k)
	}
	if cmp.Equal(e.before, e.after, cmp.AllowUnexported(condition{})) {
		t.Fatal("the run changes nothing")
	}
	return e
}

// steps lists the steps of a run at which a fault would show.
func (k kind) steps(t *testing.T, home *place, files bool, what fault) []string {
	t.Helper()
	tr := trial{kind: k, files: files, what: what}
	s := home.stage(t, k)
	p := tr.points()
	actions := s.faulty(tr, p)
	p.arm(0)
	if _, err := s.run(t.Context(), actions...); err != nil {
		t.Fatal(err)
	}
	return p.names
}

func (tr trial) points() *points { return &points{what: tr.what, forever: tr.forever} }

// arm starts counting; the step at goes wrong.
func (p *points) arm(at int) {
	p.Lock()
	defer p.Unlock()
	p.armed, p.at, p.names, p.hit = true, at, nil, nil
}

// faulty puts p into the stage and plans the run.
func (s *stage) faulty(tr trial, p *points) []plan.Action {
	s.t.Helper()
	k := tr.kind
	if tr.files {
		s.env.Read = p.read
	} else {
		s.env.Cluster = s.open(s.kubeconfig(), p.transport)
		if k.stored {
			s.env.Store = s.openStore(p.transport)
		}
		if k.rotates {
			s.env.Ask = s.asks(p)
		}
	}
	p.compete = s.compete
	actions := s.planned(k).Actions
	if k.back {
		actions = s.backActions(k)
	}
	if tr.forever {
		actions = hurried(actions)
	}
	return actions
}

// hurried bounds the roll-out of a run that is in vain.
func hurried(actions []plan.Action) []plan.Action {
	list := slices.Clone(actions)
	for i, a := range list {
		switch a := a.(type) {
		case plan.AwaitRollout:
			a.Timeout = time.Second
			list[i] = a
		case plan.AwaitSync:
			a.Timeout = time.Second
			list[i] = a
		case plan.AwaitAccepted:
			a.Timeout = time.Second
			list[i] = a
		case plan.KeepPrevious:
			a.Journal.Wait = time.Second
			list[i] = a
		}
	}
	return list
}

func (s *stage) kubeconfig() string {
	if path := os.Getenv(dieKubeconfig); path != "" {
		return path
	}
	return s.cluster.Kubeconfig
}

// run carries the trial out, and afterwards goes on, or back where there is a way.
func (tr trial) run(t *testing.T, at *place) {
	k, e := tr.kind, tr.ends
	s := at.stage(t, k)
	var err error
	var wrong string
	if tr.what == killed {
		s.killed(tr)
	} else {
		p := tr.points()
		actions := s.faulty(tr, p)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p.cancel = cancel
		p.arm(tr.at)
		_, err = s.run(ctx, actions...)
		if wrong = p.wrong(); wrong == "" {
			return // a shorter run than the one that was counted
		}
	}
	s = s.without()
	j := s.left(k)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s, at %s: %s\nthe run says: %v", tr, wrong, fmt.Sprintf(format, args...), err)
	}
	tr.judge(s, e, j, err, fail)
	s.strays(tr, err, wrong, fail)
	if t.Failed() {
		return
	}
	if tr.back && j != nil {
		s.finish(k, true, e.before)
	} else {
		s.finish(k, false, e.after)
	}
	for _, name := range s.beside() {
		told := strings.Contains(fmt.Sprint(err), name)
		if strings.HasSuffix(name, ".bak") && !told && (tr.what != killed || j != nil) { // who is killed after the journal is gone leaves it
			fail("afterwards %s is left over", name)
		}
	}
}

// judge compares what is in force with what the run says about it.
func (tr trial) judge(s *stage, e ends, j *plan.Journal, err error, fail func(string, ...any)) {
	s.t.Helper()
	k, now := tr.kind, s.condition(tr.kind)
	delete(now.keys, "late")
	if len(now.keys) == 0 {
		now.keys = nil
	}
	states := []condition{e.before, e.start, e.after}
	for name, content := range now.files {
		if !slices.ContainsFunc(states, func(c condition) bool { return c.files[name] == content }) {
			fail("%s holds something else:\n%s", name, content)
		}
	}
	for name := range union(e.before.keys, e.start.keys, e.after.keys, now.keys) {
		value, there := now.keys[name]
		if !slices.ContainsFunc(states, func(c condition) bool { v, was := c.keys[name]; return v == value && was == there }) {
			fail("key %s holds something else, or is lost", name)
		}
	}
	for name := range union(e.before.entries, e.start.entries, e.after.entries, now.entries) {
		value, there := now.entries[name]
		if !slices.ContainsFunc(states, func(c condition) bool { v, was := c.entries[name]; return v == value && was == there }) {
			fail("entry %s of the store holds something else, or is lost", name)
		}
	}
	if !k.stored && !slices.ContainsFunc(states, func(c condition) bool {
		return c.keys["client-secret"] == now.keys["client-secret"] && c.keys["service-client-secret"] == now.keys["service-client-secret"]
	}) {
		fail("the secrets of the two clients are mixed")
	}
	if tr.what == killed {
		return
	}
	want := e.after
	if k.back {
		want = e.before
	}
	var failed *Error
	switch {
	case err == nil:
		if diff := cmp.Diff(want, now, cmp.AllowUnexported(condition{})); diff != "" {
			fail("it is said to be done, but %s", diff)
		}
		if kept := j != nil && j.Kept; kept != k.leaves || j != nil && !kept {
			fail("it ended well, and the journal is %+v", j)
		}
	case !errors.As(err, &failed):
		fail("%T", err)
	case strings.HasPrefix(failed.Err.Error(), "everything else is done"):
		if diff := cmp.Diff(want, now, cmp.AllowUnexported(condition{})); diff != "" {
			fail("everything else is said to be done, but %s", diff)
		}
	case j != nil && !failed.Journal, j == nil && failed.Journal && !tr.forever:
		fail("it says journal %t, and there is %v", failed.Journal, j)
	case len(failed.Left) == 0 && j == nil && !k.back:
		if diff := cmp.Diff(e.before, now, cmp.AllowUnexported(condition{})); diff != "" {
			fail("everything is said to be put back, but %s", diff)
		}
	}
}

func union(all ...map[string]string) map[string]bool {
	names := map[string]bool{}
	for _, keys := range all {
		for name := range keys {
			names[name] = true
		}
	}
	return names
}

// strays looks for files that should not be there.
func (s *stage) strays(tr trial, err error, wrong string, fail func(string, ...any)) {
	s.t.Helper()
	for _, name := range s.beside() {
		info, statErr := os.Lstat(s.path(name))
		switch {
		case statErr != nil:
			s.t.Error(statErr)
		case slices.Contains([]string{"values.yaml", "manifest.yaml", "state"}, name):
		case strings.HasSuffix(name, ".bak") && info.Mode().Perm() == 0o600: // what undoing takes; judged when all has ended
		case strings.Contains(name, ".backstage-setup-") && (name[:2] == ".v" || info.Mode().Perm() == 0o600) &&
			(tr.what == killed || strings.Contains(wrong, "createTemp") || strings.Contains(fmt.Sprint(err), "remove the temporary file")):
		default:
			fail("%s is left over, %v", name, info.Mode())
		}
	}
}

// finish goes on, or back, without faults, until nothing is left to do. want is
// what it has to come to; zero is anything.
func (s *stage) finish(k kind, back bool, want condition) *stage {
	s.t.Helper()
	s.settle(k)
	actions := s.planned(k).Actions
	if back {
		actions = s.backActions(k)
	}
	if _, err := s.run(s.t.Context(), actions...); err != nil {
		s.t.Fatalf("afterwards: %v", err)
	}
	if j := s.left(k); j != nil && j.Kept { // by now the portal runs with it
		if _, err := s.run(s.t.Context(), s.planned(k).Actions...); err != nil {
			s.t.Fatalf("afterwards, once more: %v", err)
		}
	}
	if j := s.left(k); j != nil {
		s.t.Errorf("afterwards the journal stays: %d actions, %s", len(actions), j.Words())
	}
	now := s.condition(k)
	delete(now.keys, "late")
	if len(now.keys) == 0 {
		now.keys = nil
	}
	if diff := cmp.Diff(want, now, cmp.AllowUnexported(condition{})); diff != "" && want.files != nil {
		s.t.Errorf("afterwards: %s", diff)
	}
	if again := s.planned(k).Actions; !back && len(again) > 0 {
		s.t.Errorf("it does not end: %s", again[0].Title())
	}
	return s
}
