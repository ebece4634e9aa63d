package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// DefaultTimeout is what a check without its own gets.
	DefaultTimeout = 10 * time.Second

	defaultParallel = 8
	lateness        = 200 * time.Millisecond // for a check to return after its time-out
	farewell        = 150 * time.Millisecond // and after the operator has left
)

// Options of a Run. The zero Options will do.
type Options struct {
	Parallel int               // checks at a time; 0 is 8
	Accept   []string          // IDs whose Fail becomes Accepted
	Report   func(Result)      // called as each ends, never twice at once; may be nil
	Skip     map[string]string // IDs that are not run, with the reason
}

// Run runs the checks and returns their results in the order given. A check runs
// once all that it comes after have ended; when one of them failed, accepted or
// not, or was skipped, it is skipped. A check that has not answered at its
// time-out, or that panics, fails.
//
// When ctx ends, Run returns within 200 ms. What has no answer by then fails too:
// a question that was never answered must not look like a yes.
//
// A check that does not return although its ctx has ended is left behind: its
// goroutine lives on until it does, and what it returns is dropped.
func Run(ctx context.Context, checks []Check, opts Options) []Result {
	r := &run{
		checks:  checks,
		opts:    opts,
		results: make([]Result, len(checks)),
		state:   make([]state, len(checks)),
		ended:   make(chan outcome),
	}
	if r.opts.Parallel <= 0 {
		r.opts.Parallel = defaultParallel
	}
	for r.start(ctx); r.running > 0; r.start(ctx) {
		o := <-r.ended
		r.running--
		r.settle(o.index, o.result)
	}
	for i := range checks {
		if r.state[i] == waiting {
			r.settle(i, unasked(ctx))
		}
	}
	return r.results
}

type state int

const (
	waiting state = iota
	running
	settled
)

type outcome struct {
	index  int
	result Result
}

type run struct {
	checks  []Check
	opts    Options
	results []Result
	state   []state
	running int
	ended   chan outcome
}

// start skips what cannot run any more and starts what can run now.
func (r *run) start(ctx context.Context) {
	for again := true; again; {
		again = false
		for i, c := range r.checks {
			if r.state[i] != waiting {
				continue
			}
			if why, skip := r.opts.Skip[c.ID]; skip {
				r.settle(i, Result{Status: Skip, Found: "skipped: " + why})
				again = true
				continue
			}
			reason, ready := r.dependencies(c)
			if reason != "" {
				r.settle(i, Result{Status: Skip, Found: reason})
				again = true
				continue
			}
			if !ready || r.running >= r.opts.Parallel || ctx.Err() != nil {
				continue
			}
			r.state[i] = running
			r.running++
			go func() { r.ended <- outcome{i, answer(ctx, c)} }()
		}
	}
}

// dependencies says whether c can run now, or the reason why it never will.
func (r *run) dependencies(c Check) (reason string, ready bool) {
	ready = true
	for _, id := range c.After {
		i := slices.IndexFunc(r.checks, func(other Check) bool { return other.ID == id })
		if i < 0 || r.state[i] != settled {
			ready = false
			continue
		}
		switch r.results[i].Status {
		case Fail, Accepted:
			return fmt.Sprintf("because %s failed", id), false
		case Skip:
			return fmt.Sprintf("because %s was skipped", id), false
		}
	}
	return "", ready
}

// settle records and reports what check i came to.
func (r *run) settle(i int, result Result) {
	result.ID, result.Title = r.checks[i].ID, r.checks[i].Title
	if result.Status == Fail && slices.Contains(r.opts.Accept, result.ID) {
		result.Status = Accepted
	}
	r.results[i], r.state[i] = result, settled
	if r.opts.Report != nil {
		r.opts.Report(result)
	}
}

// unasked is the result of a check that was never started.
func unasked(ctx context.Context) Result {
	if ctx.Err() == nil {
		return broken("it comes after a check that is not there or waits for it")
	}
	return Result{Status: Fail, Found: "not asked: " + ending(ctx)}
}

// answer runs one check to its verdict, its time-out or the end of ctx.
func answer(ctx context.Context, c Check) Result {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	returned := make(chan Result, 1) // room for one: a check left behind can still end
	go guarded(limited, c, returned)

	result := await(ctx, limited, returned, timeout)
	result.Elapsed = time.Since(begun)
	return result
}

func await(ctx, limited context.Context, returned <-chan Result, timeout time.Duration) Result {
	select {
	case result := <-returned:
		return result
	case <-limited.Done():
	}
	patience := lateness
	if ctx.Err() != nil {
		patience = farewell
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case result := <-returned:
		return result
	case <-late.C:
	}
	if ctx.Err() != nil {
		return Result{Status: Fail, Found: "no answer yet: " + ending(ctx)}
	}
	return Result{Status: Fail, Found: "no answer within " + seconds(timeout)}
}

// guarded runs the check and sends its verdict; what is none becomes a Fail.
func guarded(ctx context.Context, c Check, returned chan<- Result) {
	result := broken("it ended without a verdict") // stays when Run leaves by runtime.Goexit
	defer func() {
		if v := recover(); v != nil {
			result = broken(fmt.Sprint(v))
		}
		returned <- result
	}()
	got := c.Run(ctx)
	switch got.Status {
	case Pass, Warn, Fail, Inconclusive, Skip:
		result = got
	default:
		result = broken(fmt.Sprintf("it ended with the verdict %q", got.Status))
	}
}

// broken is the verdict on a check that is itself wrong.
func broken(what string) Result {
	return Result{
		Status: Fail,
		Found:  "the check itself is broken: " + what,
		Hint:   "this is a mistake in the program: please report it with this line",
	}
}

// ending says in the operator's words why ctx ended.
func ending(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "the time for the whole run was over"
	}
	return "the run was stopped"
}

// seconds writes whole seconds as "10 s".
func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return d.String()
}
