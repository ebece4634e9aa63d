package check_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/openchoreo/backstage-setup/internal/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fail(context.Context) check.Result {
	return check.Result{Status: check.Fail, Found: "does not work", Hint: "mend it", Cure: &check.Cure{Flow: "install", Step: "s"}}
}

func after(d time.Duration, status check.Status) func(context.Context) check.Result {
	return func(ctx context.Context) check.Result {
		select {
		case <-time.After(d):
			return check.Result{Status: status}
		case <-ctx.Done():
			return check.Result{Status: check.Fail, Found: ctx.Err().Error()}
		}
	}
}

// deaf returns a Run that ignores its ctx until the test ends.
func deaf(t *testing.T) (run func(context.Context) check.Result, hang func()) {
	end := make(chan struct{})
	return func(context.Context) check.Result { <-end; return check.Result{Status: check.Pass} }, func() { close(end) }
}

func statuses(results []check.Result) string {
	var all []string
	for _, r := range results {
		all = append(all, r.ID+"="+string(r.Status))
	}
	return strings.Join(all, " ")
}

func TestRunKeepsTheOrderGivenAndFillsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := check.Run(t.Context(), []check.Check{
			{ID: "slow", Title: "Slow", Run: after(3*time.Second, check.Warn)},
			{ID: "quick", Title: "Quick", Run: after(time.Second, check.Pass)},
			{ID: "unclear", Run: after(0, check.Inconclusive)},
		}, check.Options{})
		want := []check.Result{
			{ID: "slow", Title: "Slow", Status: check.Warn, Elapsed: 3 * time.Second},
			{ID: "quick", Title: "Quick", Status: check.Pass, Elapsed: time.Second},
			{ID: "unclear", Status: check.Inconclusive},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRunWithoutChecks(t *testing.T) {
	if got := check.Run(t.Context(), nil, check.Options{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestRunWaitsForDependenciesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		check.Run(t.Context(), []check.Check{
			{ID: "third", After: []string{"second", "other"}, Run: after(time.Second, check.Pass)},
			{ID: "second", After: []string{"first"}, Run: after(time.Second, check.Inconclusive)},
			{ID: "first", Run: after(time.Second, check.Warn)},
			{ID: "other", Run: after(2*time.Second, check.Pass)},
		}, check.Options{})
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("took %v, want 3s: the chain of three, with the other one beside it", took)
		}
	})
}

func TestRunSkipsWhatComesAfterAFailure(t *testing.T) {
	checks := []check.Check{
		{ID: "last", After: []string{"middle"}, Run: pass},
		{ID: "middle", After: []string{"fine", "first"}, Run: pass},
		{ID: "first", Run: fail},
		{ID: "fine", Run: pass},
		{ID: "absent", Run: func(context.Context) check.Result { return check.Result{Status: check.Skip, Found: "no database"} }},
		{ID: "needs.absent", After: []string{"absent"}, Run: pass},
	}
	for _, accept := range [][]string{nil, {"first"}} {
		got := check.Run(t.Context(), checks, check.Options{Accept: accept})
		first := check.Fail
		if accept != nil {
			first = check.Accepted
		}
		want := []check.Result{
			{ID: "last", Status: check.Skip, Found: "because middle was skipped"},
			{ID: "middle", Status: check.Skip, Found: "because first failed"},
			{ID: "first", Status: first, Found: "does not work", Hint: "mend it", Cure: &check.Cure{Flow: "install", Step: "s"}},
			{ID: "fine", Status: check.Pass},
			{ID: "absent", Status: check.Skip, Found: "no database"},
			{ID: "needs.absent", Status: check.Skip, Found: "because absent was skipped"},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(check.Result{}, "Elapsed")); diff != "" {
			t.Errorf("accept %v:\n%s", accept, diff)
		}
	}
}

func TestAcceptTouchesFailuresOnly(t *testing.T) {
	got := check.Run(t.Context(), []check.Check{
		{ID: "a", Run: fail}, {ID: "b", Run: pass}, {ID: "c", Run: fail}, {ID: "d", After: []string{"c"}, Run: pass},
	}, check.Options{Accept: []string{"a", "b", "d"}})
	if s := statuses(got); s != "a=accepted b=pass c=fail d=skip" {
		t.Error(s)
	}
}

func TestSkippedIsNotRun(t *testing.T) {
	got := check.Run(t.Context(), []check.Check{
		{ID: "a", Run: func(context.Context) check.Result { t.Error("a ran"); return check.Result{} }},
		{ID: "b", After: []string{"a"}, Run: pass}, {ID: "c", Run: pass},
	}, check.Options{Skip: map[string]string{"a": "no way there"}})
	if s := statuses(got); s != "a=skip b=skip c=pass" || got[0].Found != "skipped: no way there" {
		t.Error(s, got[0].Found)
	}
}

func TestRunIsBounded(t *testing.T) {
	for parallel, want := range map[int]int{0: 8, 1: 1, 3: 3, 100: 40} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			now, most := 0, 0
			checks := make([]check.Check, 40)
			for i := range checks {
				checks[i] = check.Check{ID: fmt.Sprint(i), Run: func(context.Context) check.Result {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Second) // ends once all that may run have started
					mu.Lock()
					now--
					mu.Unlock()
					return check.Result{Status: check.Pass}
				}}
			}
			check.Run(t.Context(), checks, check.Options{Parallel: parallel})
			if most != want {
				t.Errorf("parallel %d: %d ran at once, want %d", parallel, most, want)
			}
		})
	}
}

func TestTimeoutIsTheChecksOwnToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got time.Duration
		results := check.Run(t.Context(), []check.Check{
			{ID: "default", Run: func(ctx context.Context) check.Result {
				begun := time.Now()
				<-ctx.Done()
				got = time.Since(begun)
				time.Sleep(150 * time.Millisecond) // late, but not too late
				return check.Result{Status: check.Inconclusive, Found: "my own words"}
			}},
			{ID: "own", Timeout: 2 * time.Second, Run: after(time.Hour, check.Pass)},
		}, check.Options{})
		if got != check.DefaultTimeout {
			t.Errorf("the ctx ended after %v", got)
		}
		want := []check.Result{
			{ID: "default", Status: check.Inconclusive, Found: "my own words", Elapsed: 10*time.Second + 150*time.Millisecond},
			{ID: "own", Status: check.Fail, Found: "context deadline exceeded", Elapsed: 2 * time.Second},
		}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Error(diff)
		}
	})
}

func TestADeafCheckIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, free := deaf(t)
		defer free()
		begun := time.Now()
		got := check.Run(t.Context(), []check.Check{
			{ID: "deaf", Run: run},
			{ID: "short", Timeout: 1500 * time.Millisecond, Run: run},
			{ID: "behind", After: []string{"deaf"}, Run: pass},
			{ID: "next", Run: pass},
		}, check.Options{Parallel: 2})
		if took := time.Since(begun); took != 10200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		want := []check.Result{
			{ID: "deaf", Status: check.Fail, Found: "no answer within 10 s", Elapsed: 10200 * time.Millisecond},
			{ID: "short", Status: check.Fail, Found: "no answer within 1.5s", Elapsed: 1700 * time.Millisecond},
			{ID: "behind", Status: check.Skip, Found: "because deaf failed"},
			{ID: "next", Status: check.Pass},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCancelEndsWithin200Milliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, free := deaf(t)
		defer free()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		got := check.Run(ctx, []check.Check{
			{ID: "deaf", Run: run},
			{ID: "polite", Run: after(time.Hour, check.Pass)},
			{ID: "done", Run: pass},
			{ID: "never", After: []string{"deaf"}, Run: pass},
			{ID: "queued", After: []string{"slow"}, Run: pass},
			{ID: "slow", Run: func(ctx context.Context) check.Result {
				<-ctx.Done()
				time.Sleep(100 * time.Millisecond)
				return check.Result{Status: check.Pass}
			}},
		}, check.Options{})
		if took := time.Since(begun) - time.Second; took > 200*time.Millisecond {
			t.Errorf("took %v after the cancel", took)
		}
		want := []check.Result{
			{ID: "deaf", Status: check.Fail, Found: "no answer yet: the run was stopped"},
			{ID: "polite", Status: check.Fail, Found: "context canceled"},
			{ID: "done", Status: check.Pass},
			{ID: "never", Status: check.Skip, Found: "because deaf failed"},
			{ID: "queued", Status: check.Fail, Found: "not asked: the run was stopped"},
			{ID: "slow", Status: check.Pass},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(check.Result{}, "Elapsed")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCancelDuringTheLatenessOfATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, free := deaf(t)
		defer free()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second+50*time.Millisecond, cancel)
		got := check.Run(ctx, []check.Check{{ID: "deaf", Timeout: time.Second, Run: run}}, check.Options{})
		if got[0].Status != check.Fail || got[0].Elapsed > 1250*time.Millisecond {
			t.Errorf("%+v", got[0])
		}
	})
}

func TestTheWholeRunsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := check.Run(ctx, []check.Check{
			{ID: "a", Run: after(time.Hour, check.Pass)},
			{ID: "b", Run: pass},
		}, check.Options{Parallel: 1})
		if got[1].Status != check.Fail || got[1].Found != "not asked: the time for the whole run was over" {
			t.Errorf("%+v", got[1])
		}
	})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	got := check.Run(ended, []check.Check{{ID: "a", Run: func(context.Context) check.Result {
		t.Error("started after the end")
		return check.Result{Status: check.Pass}
	}}}, check.Options{})
	if s := statuses(got); s != "a=fail" {
		t.Error(s)
	}
}

func TestABrokenCheckFails(t *testing.T) {
	tests := map[string]struct {
		run  func(context.Context) check.Result
		want string
	}{
		"panics":          {func(context.Context) check.Result { panic("index out of range") }, "the check itself is broken: index out of range"},
		"panics an error": {func(context.Context) check.Result { panic(errors.New("boom")) }, "the check itself is broken: boom"},
		"leaves":          {func(context.Context) check.Result { runtime.Goexit(); return check.Result{Status: check.Pass} }, "the check itself is broken: it ended without a verdict"},
		"no verdict":      {func(context.Context) check.Result { return check.Result{} }, `the check itself is broken: it ended with the verdict ""`},
		"accepts itself":  {func(context.Context) check.Result { return check.Result{Status: check.Accepted} }, `the check itself is broken: it ended with the verdict "accepted"`},
		"nothing to run":  {nil, "the check itself is broken: runtime error: invalid memory address or nil pointer dereference"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := check.Run(t.Context(), []check.Check{{ID: "a", Run: test.run}}, check.Options{})[0]
			if got.Status != check.Fail || got.Found != test.want {
				t.Errorf("got %s %q, want fail %q", got.Status, got.Found, test.want)
			}
		})
	}
}

func TestWhatValidateRefusesNeverHangsAndNeverPasses(t *testing.T) {
	got := check.Run(t.Context(), []check.Check{
		{ID: "a", After: []string{"b"}, Run: pass},
		{ID: "b", After: []string{"a"}, Run: pass},
		{ID: "c", After: []string{"unknown"}, Run: pass},
		{ID: "d", Run: pass},
	}, check.Options{})
	if s := statuses(got); s != "a=fail b=fail c=fail d=pass" {
		t.Error(s)
	}
}

func TestReportIsCalledOncePerCheckAsItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reports []check.Result // not locked: the race detector watches that calls do not overlap
		results := check.Run(t.Context(), []check.Check{
			{ID: "slow", Run: after(2*time.Second, check.Pass)},
			{ID: "behind", After: []string{"bad"}, Run: pass},
			{ID: "bad", Run: after(time.Second, check.Fail)},
		}, check.Options{Accept: []string{"bad"}, Report: func(r check.Result) { reports = append(reports, r) }})
		if s := statuses(reports); s != "bad=accepted behind=skip slow=pass" {
			t.Error(s)
		}
		for _, r := range reports {
			if !slices.ContainsFunc(results, func(same check.Result) bool { return cmp.Equal(r, same) }) {
				t.Errorf("reported %+v, which is no result", r)
			}
		}
	})
}

// Any graph without a circle, with any verdicts: every check is reported once, a
// check runs exactly if none of its dependencies failed or was skipped, and never
// before they have ended.
func TestAnyGraph(t *testing.T) {
	verdicts := []check.Status{check.Pass, check.Warn, check.Fail, check.Inconclusive, check.Skip}
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			n := 1 + random.IntN(15)
			checks := make([]check.Check, n)
			ran := make([]atomic.Bool, n)
			place := random.Perm(n)
			for i := range n {
				c := check.Check{ID: fmt.Sprint(place[i])}
				for j := range i {
					if random.IntN(4) == 0 {
						c.After = append(c.After, fmt.Sprint(place[j]))
					}
				}
				verdict, takes := verdicts[random.IntN(len(verdicts))], time.Duration(random.IntN(5))*time.Second
				c.Run = func(context.Context) check.Result {
					ran[place[i]].Store(true)
					time.Sleep(takes)
					return check.Result{Status: verdict}
				}
				checks[place[i]] = c
			}
			if err := check.Validate(checks); err != nil {
				t.Fatal(err)
			}
			ended := map[string]check.Status{}
			results := check.Run(t.Context(), checks, check.Options{Parallel: 1 + random.IntN(4), Report: func(r check.Result) {
				if _, twice := ended[r.ID]; twice {
					t.Errorf("seed %d: %s reported twice", seed, r.ID)
				}
				i := slices.IndexFunc(checks, func(c check.Check) bool { return c.ID == r.ID })
				may := true
				for _, id := range checks[i].After {
					if before, ok := ended[id]; before == check.Fail || before == check.Skip {
						may = false
					} else if !ok && ran[i].Load() {
						t.Errorf("seed %d: %s ran before %s had ended", seed, r.ID, id)
					}
				}
				if ran[i].Load() != may {
					t.Errorf("seed %d: %s ran: %v, may run: %v", seed, r.ID, ran[i].Load(), may)
				}
				ended[r.ID] = r.Status
			}})
			if len(ended) != n || len(results) != n {
				t.Errorf("seed %d: %d checks, %d results, %d reports", seed, n, len(results), len(ended))
			}
		})
	}
}
