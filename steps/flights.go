package steps

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// flights are the questions to one outside party: every distinct one is sent once,
// however many ask it and at what time, until they are forgotten. The lock also
// guards what its owner sends them with.
type flights struct {
	sync.Mutex
	asked map[question]*flight
}

// flight is a question on its way, or its answer.
type flight struct {
	done    chan struct{}
	answer  any
	waiting int
	stop    context.CancelFunc
}

// forget has everything asked anew. The lock is held.
func (f *flights) forget() { f.asked = map[question]*flight{} }

// question is the sum of all that makes one up. It holds no secret.
type question [sha256.Size]byte

func sum(kind string, parts []string) question {
	h := sha256.New()
	for _, part := range append([]string{kind}, parts...) {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return question(h.Sum(nil))
}

// await sends a question unless that was done, and waits for its answer, until ctx
// ends: then it returns false. start makes what sends it, under the lock; without
// one there is no question, and it returns false too. A question that nobody waits
// for any more is given up, and not remembered.
func await[T any](ctx context.Context, a *flights, id question, limit time.Duration, start func() func(context.Context) T) (T, bool) {
	var none T
	a.Lock()
	f := a.asked[id]
	if f == nil {
		send := start()
		if send == nil {
			a.Unlock()
			return none, false
		}
		asking, stop := context.WithTimeout(context.WithoutCancel(ctx), limit)
		f = &flight{done: make(chan struct{}), stop: stop}
		a.asked[id] = f
		go func() {
			defer stop()
			f.answer = send(asking)
			close(f.done)
		}()
	}
	f.waiting++
	a.Unlock()

	select {
	case <-f.done:
	case <-ctx.Done():
	}
	a.Lock()
	defer a.Unlock()
	f.waiting--
	select {
	case <-f.done:
		return f.answer.(T), true
	default:
	}
	if f.waiting == 0 {
		f.stop()
		if a.asked[id] == f {
			delete(a.asked, id)
		}
	}
	return none, false
}
