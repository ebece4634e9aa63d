package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/k8s"
)

// wizard is one run of this program.
type wizard struct {
	w       *world
	run     int
	cluster *k8s.Client
	rng     *rand.Rand    // of its own: two runs may be under way
	turn    func()        // before each of its requests
	actions []plan.Action // nil when nothing could be read
	events  strings.Builder
}

// newWizard is one whose requests meet faults and other people, and in which
// between runs before each request.
func (w *world) newWizard(between func()) *wizard {
	w.runs++
	z := &wizard{w: w, run: w.runs, rng: rand.New(rand.NewPCG(w.seed, 1+uint64(w.runs))), turn: between}
	var err error
	z.cluster, err = k8s.Open(k8s.Options{Kubeconfig: w.kubeconfig, WrapTransport: func(next http.RoundTripper) http.RoundTripper {
		return z.weather(w.h.record("", z.run, next))
	}})
	w.must(err)
	return z
}

// weather is what requests of a run meet.
func (z *wizard) weather(next http.RoundTripper) http.RoundTripper {
	var lock sync.Mutex // the watches of a roll-out ask at the same time
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		lock.Lock()
		w := z.w
		if z.turn != nil {
			z.turn()
		}
		if w.calm {
			lock.Unlock()
			return next.RoundTrip(r)
		}
		if !w.others && z.rng.IntN(12) == 0 {
			w.interfere()
		}
		if !w.others && z.rng.IntN(40) == 0 {
			w.toggleRights()
		}
		chance := z.rng.IntN(60)
		lock.Unlock()
		return z.fault(chance, next, r)
	})
}

// fault makes some of the requests go wrong.
func (z *wizard) fault(chance int, next http.RoundTripper, r *http.Request) (*http.Response, error) {
	again := func(code int, reason, after string) (*http.Response, error) {
		answer := status(r, code, reason)
		if after != "" {
			answer.Header.Set("Retry-After", after)
		}
		return answer, nil
	}
	names := []string{"unsent", "lost", "late", "repeated", "409", "429", "429 once more", "500", "500 afterwards", "503", "slow"}
	if chance < len(names) {
		z.w.h.Lock()
		z.w.counts["fault "+names[chance]]++
		z.w.h.Unlock()
	}
	switch chance {
	case 0:
		return nil, syscall.ECONNREFUSED
	case 1:
		return lost.answer(next, r, nil)
	case 2:
		return late.answer(next, r, nil)
	case 3:
		return repeated.answer(next, r, nil)
	case 4:
		return conflict.answer(next, r, nil)
	case 5:
		return again(http.StatusTooManyRequests, "TooManyRequests", "")
	case 6:
		return again(http.StatusTooManyRequests, "TooManyRequests", "0")
	case 7:
		return again(http.StatusInternalServerError, "InternalError", "")
	case 8:
		if r.Method != http.MethodGet {
			if answer, err := next.RoundTrip(r); err == nil {
				_ = answer.Body.Close()
			}
		}
		return again(http.StatusInternalServerError, "InternalError", "")
	case 9:
		return again(http.StatusServiceUnavailable, "ServiceUnavailable", "")
	case 10:
		timer := time.NewTimer(20 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
	}
	return next.RoundTrip(r)
}

// look reads what discovery reads of the Secret.
func (z *wizard) look() (state k8s.SecretState, j *plan.Journal) {
	state.Name = "portal"
	ctx := context.Background()
	var err error
	state.Secret, err = z.cluster.Secret(ctx, z.w.ns, "portal")
	if err != nil && !errors.Is(err, k8s.ErrNotFound) {
		state.Unknown = err.Error()
	}
	previous, err := z.cluster.Secret(ctx, z.w.ns, plan.PreviousName("portal"))
	if err != nil && !errors.Is(err, k8s.ErrNotFound) {
		state.Unknown = err.Error()
	}
	if err == nil {
		state.Previous = previous
		if j, err = plan.FoundJournal(previous); err != nil || j == nil {
			z.w.problem("run %d: the journal cannot be read: %v", z.run, err)
		}
	}
	return state, j
}

// plan looks and plans.
func (z *wizard) plan(rolls bool) {
	state, j := z.look()
	if state.Unknown != "" {
		return // which is a failed check
	}
	if state.Secret != nil && state.Secret.Owner.Kind != "" {
		z.w.problem("run %d: the Secret seems to be of %s", z.run, state.Secret.Owner.Kind)
	}
	z.actions = z.w.actions(z.w.s, j, state, rolls, z.w.answers(z.run))
	for _, a := range z.actions {
		if s, ok := a.(plan.WriteSecret); ok {
			for key, value := range s.Change.Set {
				z.w.h.intend(key, value.Reveal(), z.run)
			}
		}
	}
}

// planBack looks and plans to put back what was left.
func (z *wizard) planBack() *plan.Journal {
	state, j := z.look()
	if state.Unknown != "" {
		return nil
	}
	z.actions = plan.Back(plan.Input{Current: plan.Current{Journal: j, Wait: 2 * time.Second}}).Actions
	return j
}

// carry runs the first actions, and judges what the run says of itself when it
// was not cut off. alone says that no other run was under way.
func (z *wizard) carry(first int, alone bool) error {
	_, err := Run(context.Background(), Env{Cluster: z.cluster, Now: time.Now}, z.actions[:first], func(e Event) { fmt.Fprintln(&z.events, e) })
	if text := fmt.Sprint(err, z.events.String()); strings.Contains(text, canary) {
		z.w.problem("run %d: a secret shows: %s", z.run, text)
	}
	if err == nil && first == len(z.actions) && first > 0 {
		z.w.h.ended(z.run)
		z.w.counts["runs that ended well"]++
	} else if err != nil {
		z.w.counts["runs that failed"]++
	}
	if alone && first > 0 && first == len(z.actions) {
		z.judge(err)
	}
	return err
}

// judge compares what is there with what the run says.
func (z *wizard) judge(err error) {
	w := z.w
	core := w.client("nobody")
	_, missing := core.Get(context.Background(), plan.PreviousName("portal"), metav1.GetOptions{})
	journal := missing == nil
	var e *Error
	switch {
	case err == nil && journal:
		w.problem("run %d: it ended well, and its journal is there", z.run)
		return
	case err == nil:
		return
	case !errors.As(err, &e):
		w.problem("run %d: %T", z.run, err)
		return
	}
	done := strings.HasPrefix(e.Err.Error(), "everything else is done")
	if journal && !e.Journal && !done && w.h.last(plan.PreviousName("portal")) == z.run {
		w.problem("run %d: it says nothing of its journal: %v", z.run, err)
	}
	kept := slices.ContainsFunc(z.actions, func(a plan.Action) bool { _, ok := a.(plan.KeepPrevious); return ok })
	if done || journal || !kept && len(e.Left) > 0 {
		return
	}
	now, err := core.Get(context.Background(), "portal", metav1.GetOptions{})
	if err != nil {
		return
	}
	for key, value := range w.h.runs[z.run] {
		if string(now.Data[key]) == value && !w.h.foreign[value] && strings.HasPrefix(value, canary) {
			w.problem("run %d: nothing is left to put back with, and %s holds what it wrote: %v", z.run, key, e)
		}
	}
}
