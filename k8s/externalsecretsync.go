package k8s

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// DefaultPatience is how long AwaitSync lets a failure last.
const DefaultPatience = 10 * time.Second

// SyncWait is what AwaitSync waits for.
type SyncWait struct {
	// External is the ExternalSecret as AddExternalKeys, ForceSync or
	// CreateExternalSecret returned it: a sync counts from there on.
	External ExternalSecret
	Keys     []string // that the Secret must have afterwards
	// Patience is how long External Secrets may fail before that is the result:
	// it tries again by itself, and a store may need a moment. 0 is
	// DefaultPatience; less is none.
	Patience time.Duration
	Progress func(SyncState) // called with each change; nil is nobody
}

// SyncState is where a sync stands.
type SyncState struct {
	Reacted         bool // External Secrets did something since the wait's start
	Synced          bool // it read the store and wrote the Secret
	Ready           bool
	Reason, Message string // of the Ready condition
	Failure         string // what External Secrets told last about a failure; names the entry
	RefreshTime     time.Time
	NoSecret        bool     // there is no Secret; known once Synced
	Missing         []string // wanted keys that the Secret lacks; known once Synced

	// Of the Secret, once it has all keys: for what writes or undoes later.
	SecretUID, SecretVersion string
}

// lacks tells that there was a sync and the Secret is not what is waited for.
func (state SyncState) lacks() bool { return state.NoSecret || len(state.Missing) > 0 }

// SyncCause is why a sync did not happen.
type SyncCause string

// The causes that are told apart.
const (
	SyncNoReaction    SyncCause = "no reaction"     // nothing happened: the controller does not run, or does not feel responsible
	SyncFailed        SyncCause = "failed"          // External Secrets says why
	SyncStoreNotReady SyncCause = "store not ready" // the store cannot be used at all
	SyncKeysMissing   SyncCause = "keys missing"    // it synced, and the Secret lacks keys
	SyncGone          SyncCause = "gone"            // the ExternalSecret was deleted; errors.Is finds ErrChanged
)

// SyncError is a sync that did not happen. errors.Is finds what ended the wait.
type SyncError struct {
	Namespace, Name string // of the ExternalSecret
	Target          string // name of the Secret
	Store           Store  // as read when it failed
	Cause           SyncCause
	Stuck           string // why it would never sync, see ExternalSecret.Stuck
	Last            SyncState
	cause           error
}

// Error tells what External Secrets said, and what to look at.
func (e *SyncError) Error() string {
	text := fmt.Sprintf("ExternalSecret %s/%s: ", e.Namespace, e.Name)
	switch e.Cause {
	case SyncNoReaction:
		if e.Stuck != "" {
			return text + e.Stuck
		}
		return text + "External Secrets did not react: is its controller running?"
	case SyncStoreNotReady:
		return text + fmt.Sprintf("%s %q is not ready: %s", e.Store.Kind, e.Store.Name, firstText(e.Store.NotReady, e.Last.Failure, e.Last.Message))
	case SyncKeysMissing:
		if e.Last.NoSecret {
			return text + fmt.Sprintf("it synced, but there is no Secret %q: %s", e.Target, e.Last.Message)
		}
		return text + fmt.Sprintf("it synced, but Secret %q has no %s", e.Target, strings.Join(e.Last.Missing, ", "))
	case SyncGone:
		return text + errText(e.cause)
	}
	said := e.Last.Message
	if e.Last.Failure != "" {
		said += ": " + e.Last.Failure
	}
	return text + fmt.Sprintf("External Secrets could not sync (%s): %s", firstText(e.Last.Reason, "no reason"), said)
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Unwrap gives errors.Is and errors.As what ended the wait.
func (e *SyncError) Unwrap() error { return e.cause }

// syncing is what AwaitSync knows.
type syncing struct {
	c    *Client
	wait SyncWait
	now  ExternalSecret

	last    SyncState
	told    bool      // last was told
	failing time.Time // since when, zero when it does not fail
	broken  error     // why the ExternalSecret could not be read the last time
}

// AwaitSync waits, as long as ctx does, until External Secrets has read the
// store after w.External and written a Secret that has all w.Keys, and returns
// that state. It calls w.Progress with each change.
//
// It returns a *SyncError when a failure lasts longer than w.Patience, when the
// ExternalSecret is gone, and when ctx's deadline passes; ErrForbidden when the
// ExternalSecret or the Secret may not be read; and ctx's error when it is
// canceled. Without the right to watch it reads every now and then, and without
// the right to list events a failure does not name its entry.
func (c *Client) AwaitSync(ctx context.Context, w SyncWait) (SyncState, error) {
	if w.Patience == 0 {
		w.Patience = DefaultPatience
	}
	s := &syncing{c: c, wait: w, now: w.External}
	for {
		done, err := s.read(ctx)
		if err == nil && !done {
			done, err = s.follow(ctx)
		}
		var failed *SyncError
		switch {
		case done:
			return s.last, nil
		case ctx.Err() != nil:
			return s.last, s.ended(ctx)
		case errors.As(err, &failed), errors.Is(err, ErrForbidden), errors.Is(err, ErrLogin):
			return s.last, err
		}
		if err := pause(ctx, s.next()); err != nil {
			return s.last, s.ended(ctx)
		}
	}
}

// ended says what a wait that ctx ended was about.
func (s *syncing) ended(ctx context.Context) error {
	err := ctx.Err()
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if s.broken != nil {
		return s.broken
	}
	return s.failed(err)
}

// next is when to look again at what no watch would tell: a failure that may
// have lasted long enough, or been told again in an event.
func (s *syncing) next() time.Duration {
	if s.failing.IsZero() {
		return rereadAfter
	}
	return max(min(rereadAfter, s.wait.Patience-time.Since(s.failing)), time.Millisecond)
}

// read gets the ExternalSecret and judges it.
func (s *syncing) read(ctx context.Context) (done bool, err error) {
	es, err := s.c.readExternalSecret(ctx, s.now.version(), s.now.Namespace, s.now.Name)
	if errors.Is(err, ErrNotFound) {
		return false, s.gone(errDeleted)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.broken = err
		}
		return false, err
	}
	s.broken = nil
	return s.judge(ctx, es)
}

func (s *syncing) gone(how error) error {
	return &SyncError{
		Namespace: s.now.Namespace, Name: s.now.Name, Target: s.now.Target, Cause: SyncGone, Last: s.last,
		cause: fmt.Errorf("%w: %w", ErrChanged, how),
	}
}

// judge tells whether es is what is waited for. It returns a *SyncError when it
// will not become that.
func (s *syncing) judge(ctx context.Context, es externalSecret) (done bool, err error) {
	before := s.wait.External
	now := es.plain()
	now.Store = s.now.Store
	switch {
	case before.UID != "" && now.UID != before.UID:
		return false, s.gone(errAnew)
	case now.Deleting:
		return false, s.gone(errDeleting)
	}
	failed := !now.Ready && now.Reason != ""
	if failed {
		now.Failure = s.c.failure(ctx, now)
		if s.now.Ready || now.Failure != s.now.Failure || s.now.Store.Provider == "" {
			now.Store = s.c.store(ctx, now)
		}
	}
	s.now = now
	state := SyncState{
		Ready: now.Ready, Reason: now.Reason, Message: now.Message,
		RefreshTime: now.RefreshTime,
	}
	// The version is of the spec and the annotations that External Secrets began
	// with, so force-sync changes it. A new time alone may be the end of a sync that
	// read the store before it was written.
	synced := now.SyncedVersion != before.SyncedVersion || now.SyncedVersion == "" && !now.RefreshTime.Equal(before.RefreshTime)
	state.Synced = synced && now.Ready
	if failed {
		state.Failure = now.Failure.Text
	}
	state.Reacted = synced || now.Ready != before.Ready || now.Reason != before.Reason ||
		now.Message != before.Message || failed && now.Failure.Version != before.Failure.Version
	if state.Synced {
		if err := s.readSecret(ctx, &state); err != nil {
			return false, err
		}
		failed = state.lacks()
	}
	s.tell(state)
	switch {
	case state.Synced && !failed:
		return true, nil
	case !failed || !state.Reacted:
		s.failing = time.Time{}
		return false, nil
	case s.failing.IsZero():
		s.failing = time.Now()
	}
	if time.Since(s.failing) >= s.wait.Patience {
		return false, s.failed(nil)
	}
	return false, nil
}

// readSecret sees which keys the Secret has.
func (s *syncing) readSecret(ctx context.Context, state *SyncState) error {
	secret, err := s.c.Secret(ctx, s.now.Namespace, s.now.Target)
	if errors.Is(err, ErrNotFound) {
		state.NoSecret, state.Missing = true, slices.Clone(s.wait.Keys)
		return nil
	}
	if err != nil {
		return err
	}
	for _, key := range s.wait.Keys {
		if !slices.Contains(secret.Keys, key) {
			state.Missing = append(state.Missing, key)
		}
	}
	if !state.lacks() {
		state.SecretUID, state.SecretVersion = secret.UID, secret.ResourceVersion
	}
	return nil
}

func (s *syncing) tell(state SyncState) {
	if s.told && reflect.DeepEqual(state, s.last) {
		return
	}
	s.last, s.told = state, true
	if s.wait.Progress != nil {
		s.wait.Progress(state)
	}
}

// failed makes the error of where the sync stands.
func (s *syncing) failed(cause error) *SyncError {
	e := &SyncError{
		Namespace: s.now.Namespace, Name: s.now.Name, Target: s.now.Target, Store: s.now.Store,
		Cause: SyncFailed, Stuck: s.now.Stuck(), Last: s.last, cause: cause,
	}
	switch {
	case s.last.lacks():
		e.Cause = SyncKeysMissing
	case s.last.Ready || s.last.Reason == "":
		e.Cause = SyncNoReaction
	case e.Store.NotReady != "", unusable(s.last.Failure):
		e.Cause = SyncStoreNotReady
	}
	return e
}

// unusable tells from what External Secrets said that it could not use the
// store, where the store itself may not be read.
func unusable(failure string) bool {
	return strings.Contains(failure, "SecretStore ") &&
		(strings.Contains(failure, "is not ready") || strings.Contains(failure, "could not get "))
}

// follow judges what a watch says until the sync is done, has failed, or the
// state must be read anew.
func (s *syncing) follow(ctx context.Context) (done bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, err := s.c.watchExternalSecret(ctx, s.now)
	if err != nil {
		return false, errReread // also without the right to watch: then it is read every now and then
	}
	for !done && err == nil {
		timer := time.NewTimer(s.next())
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case event, ok := <-events:
			switch {
			case !ok || event.Type == "ERROR":
				err = errReread // the server ends each watch after a while, or the version is too old
			case event.Type == "DELETED":
				err = s.gone(errDeleted)
			case event.Type != "BOOKMARK":
				event.Object.version = s.now.version()
				done, err = s.judge(ctx, event.Object)
			}
		case <-timer.C:
			if !s.quiet() {
				done, err = s.read(ctx)
			}
		}
		timer.Stop()
	}
	cancel()
	for range events { // its goroutine ends with this
	}
	return done, err
}

// quiet tells that a watch tells everything: the ExternalSecret does not fail,
// so there is no event and no patience to look at.
func (s *syncing) quiet() bool { return s.now.Ready && !s.last.lacks() || s.now.Reason == "" }

// externalEvent is an event of a watch.
type externalEvent struct {
	Type   string         `json:"type"`
	Object externalSecret `json:"object"`
}

// watchExternalSecret follows es from the version that was read. The channel is
// closed when the watch ends, which it does with ctx.
func (c *Client) watchExternalSecret(ctx context.Context, es ExternalSecret) (<-chan externalEvent, error) {
	k := externalSecretsIn(es.version())
	body, err := c.at(k, es.Namespace).
		Param("watch", "true").Param("fieldSelector", "metadata.name="+es.Name).Param("resourceVersion", es.ResourceVersion).
		Stream(ctx)
	if err != nil {
		return nil, c.explain(ask{"watch", k.group, k.resource, es.Namespace, es.Name}, err)
	}
	events := make(chan externalEvent)
	go func() {
		defer close(events)
		defer body.Close()
		for in := json.NewDecoder(body); ; {
			var event externalEvent
			if err := in.Decode(&event); err != nil {
				return // also when ctx ends: it closes the body
			}
			select {
			case events <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}
