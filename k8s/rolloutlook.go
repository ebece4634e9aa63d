package k8s

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// patience says how long something is wrong before more is asked or said.
type patience struct {
	looks       []time.Duration // after a trouble was first seen: when its events and log are read, until they tell something
	certain     time.Duration   // before a trouble that waiting does not cure is called so: the kubelet's copy of a Secret can be old for a moment
	terminating time.Duration   // beyond a pod's grace period
}

// usual is fit for a portal, which takes half a minute to start.
func usual() patience {
	return patience{
		looks:       []time.Duration{4 * time.Second, 15 * time.Second, time.Minute, 3 * time.Minute},
		certain:     8 * time.Second,
		terminating: 10 * time.Second,
	}
}

// The end of a crashed container's log that is read.
const (
	lookLines = 60
	lookBytes = 64 << 10
)

// sighting is an object in one stage of trouble. What becomes of it is kept
// once for each, so that a crash that repeats is looked into once.
type sighting struct {
	uid   types.UID
	stage string
}

// looker reads events and logs beside the watch: at most as often for each
// sighting as its patience says, and no more once they have told something.
type looker struct {
	c         *Client
	namespace string
	patience  patience
	learned   chan struct{} // holds one when something new is known
	wait      sync.WaitGroup

	mu           sync.Mutex
	since        map[sighting]time.Time
	files        map[sighting]*file
	eventsHidden string // why events are not known
	logsHidden   string
}

// file is what was found out about a sighting.
type file struct {
	looks  int
	busy   bool
	done   bool
	events []warning
	log    []string
}

func newLooker(c *Client, namespace string, p patience) *looker {
	return &looker{
		c: c, namespace: namespace, patience: p, learned: make(chan struct{}, 1),
		since: map[sighting]time.Time{}, files: map[sighting]*file{},
	}
}

// seen returns how long ago a sighting was made first, which is by this
// machine's clock: the server's may be another.
func (l *looker) seen(s sighting, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.since[s]; !ok {
		l.since[s] = now
	}
	return now.Sub(l.since[s])
}

// question is what a look is to find out: the events about an object, and the
// log of a container that has ended.
type question struct {
	kind, name string
	container  string               // "" is no log
	previous   bool                 // the container was started again since
	answered   func([]warning) bool // by these events; nil is never, and looks go on
}

// ask starts a look when it is time, and returns what is known and how long it
// is until the next one; 0 is never.
func (l *looker) ask(ctx context.Context, s sighting, q question, age time.Duration) (known file, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[s]
	if f == nil {
		f = &file{}
		l.files[s] = f
	}
	switch {
	case f.busy, f.done, f.looks >= len(l.patience.looks):
	case age < l.patience.looks[f.looks]:
		next = l.patience.looks[f.looks] - age
	default:
		f.looks, f.busy = f.looks+1, true
		events, logs := l.eventsHidden == "", q.container != "" && l.logsHidden == "" && f.log == nil
		l.wait.Go(func() { l.look(ctx, s, q, events, logs) })
	}
	return *f, next
}

// look reads and notes; a request that fails is tried again at the next look,
// but for a right that is missing.
func (l *looker) look(ctx context.Context, s sighting, q question, events, logs bool) {
	var (
		found          []warning
		log            []string
		eventsErr, err error
	)
	if events {
		found, eventsErr = l.c.warnings(ctx, l.namespace, q.kind, q.name)
	}
	if logs {
		log, err = l.c.endedLogs(ctx, l.namespace, q)
	}
	l.mu.Lock()
	f := l.files[s]
	f.busy = false
	if eventsErr == nil && events {
		f.events = found
	}
	if len(log) > 0 {
		f.log = log
	}
	f.done = len(f.log) > 0 || q.answered != nil && q.answered(f.events)
	if errors.Is(eventsErr, ErrForbidden) {
		l.eventsHidden = eventsErr.Error()
	}
	if errors.Is(err, ErrForbidden) {
		l.logsHidden = err.Error()
	}
	l.mu.Unlock()
	select {
	case l.learned <- struct{}{}:
	default:
	}
}

func (l *looker) hidden() (events, logs string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.eventsHidden, l.logsHidden
}

// endedLogs returns the end of the log of a container that has ended, cut to
// what a person may want to see.
func (c *Client) endedLogs(ctx context.Context, namespace string, q question) ([]string, error) {
	text, err := c.tail(ctx, namespace, q.name, &corev1.PodLogOptions{Container: q.container, Previous: q.previous}, lookLines)
	if len(text) > lookBytes {
		text = text[len(text)-lookBytes:]
	}
	lines := logLines(text)
	for i := range lines {
		lines[i] = strings.ToValidUTF8(lines[i], "\uFFFD")
	}
	return slices.Clip(lines), err
}
