package estest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the Ready condition says.
const (
	reasonSynced  = "SecretSynced"
	reasonFailed  = "SecretSyncedError"
	reasonDeleted = "SecretDeleted"
	reasonMissing = "SecretMissing"

	messageSynced   = "secret synced"
	messageRetained = "secret retained due to DeletionPolicy=Retain"
	messageDeleted  = "secret deleted due to DeletionPolicy=Delete"
	messageMissing  = "secret will not be created due to CreationPolicy=Merge"
	messageData     = "could not get secret data from provider"
	messageUpdate   = "could not update secret"
	messageFixed    = "could not update secret, target is immutable"
	messageOwned    = "target is owned by another ExternalSecret"
	messageOwner    = "failed to take ownership of target secret"
)

// attempt is the last one that failed; it is made again later, or when the
// ExternalSecret or its Secret has changed.
type attempt struct {
	wanted   string // of the ExternalSecret
	secret   string // version of the Secret
	failures int
	again    time.Time // zero: not by itself
}

// failure is a sync that failed: what the condition says, and what the event.
type failure struct {
	message string
	err     error
	final   bool // trying again would not help
}

func (f *failure) Error() string { return f.err.Error() }

// errAgain asks for another look at once.
var errAgain = errors.New("look again")

// idle is how long nothing is looked at when nothing happens and is due.
const idle = time.Hour

// reconcileAll looks at each ExternalSecret and returns when the next one is
// due by itself.
func (c *Controller) reconcileAll(ctx context.Context) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused {
		return idle
	}
	list, err := c.resource("externalsecrets").List(ctx, metav1.ListOptions{})
	if err != nil {
		c.complain(ctx, "list", err)
		return 100 * time.Millisecond
	}
	next := idle
	for i := range list.Items {
		wait, err := c.reconcile(ctx, &list.Items[i])
		switch {
		case errors.Is(err, errAgain), apierrors.IsConflict(err):
			wait = 0
		case err != nil:
			c.complain(ctx, list.Items[i].GetName(), err)
			wait = 100 * time.Millisecond
		}
		next = min(next, wait)
	}
	return next
}

// reconcile does what is to be done for one ExternalSecret and returns when it
// is due again.
func (c *Controller) reconcile(ctx context.Context, object *unstructured.Unstructured) (time.Duration, error) {
	es, err := decode(object)
	if err != nil {
		return 0, err
	}
	if es.DeletionTimestamp != nil {
		return idle, c.finish(ctx, es)
	}
	if !slices.Contains(es.Finalizers, finalizer) {
		if _, err := c.setFinalizers(ctx, es, append(es.Finalizers, finalizer)); err != nil {
			return 0, err
		}
		return 0, errAgain
	}
	secret, err := c.secret(ctx, es)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	last := c.tried[string(es.UID)]
	same := last.failures > 0 && last.wanted == es.wanted() && last.secret == secret.ResourceVersion
	switch {
	case same && last.again.IsZero():
		return idle, nil
	case same && now.Before(last.again):
		return last.again.Sub(now), nil
	case !es.due(now) && es.valid(secret):
		return es.wait(now), nil
	}
	s, err := c.sync(ctx, es, secret, now)
	var failed *failure
	if err != nil && !errors.As(err, &failed) {
		return 0, err
	}
	if failed == nil {
		delete(c.tried, string(es.UID))
		if err := c.saveStatus(ctx, object, s); err != nil {
			return 0, err
		}
		es.Status = s
		return es.wait(now), nil
	}
	if !same {
		last = attempt{wanted: es.wanted(), secret: secret.ResourceVersion}
	}
	last.failures++
	wait := idle
	last.again = time.Time{}
	if !failed.final {
		wait = min(5*time.Millisecond<<min(last.failures, 18), 1000*time.Second)
		last.again = now.Add(wait)
	}
	c.tried[string(es.UID)] = last
	if err := c.say(ctx, es, failed.err.Error()); err != nil {
		return 0, err
	}
	s = es.Status
	s.set("False", reasonFailed, failed.message)
	return wait, c.saveStatus(ctx, object, s)
}

// wait is how long the Secret is good.
func (es *externalSecret) wait(now time.Time) time.Duration {
	periodic := es.Spec.RefreshPolicy == "" || es.Spec.RefreshPolicy == "Periodic"
	if !periodic || es.interval() <= 0 || es.Status.RefreshTime.IsZero() {
		return idle
	}
	return max(es.Status.RefreshTime.Add(es.interval()).Sub(now), 0)
}

// finish does what a deleted ExternalSecret leaves to be done.
func (c *Controller) finish(ctx context.Context, es *externalSecret) error {
	delete(c.tried, string(es.UID))
	if !slices.Contains(es.Finalizers, finalizer) {
		return nil
	}
	if es.deletionPolicy() == "Delete" {
		secret, err := c.secret(ctx, es)
		if err != nil {
			return err
		}
		if metav1.IsControlledBy(secret, es) {
			err := c.core.Secrets(c.namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	_, err := c.setFinalizers(ctx, es, without(es.Finalizers))
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// sync reads the store, all or nothing, and writes the Secret. What it cannot
// do is a *failure.
func (c *Controller) sync(ctx context.Context, es *externalSecret, secret *corev1.Secret, now time.Time) (status, error) {
	done := func(reason, message string) (status, error) {
		s := es.Status
		s.Conditions = slices.Clone(s.Conditions)
		s.set("True", reason, message)
		s.RefreshTime = &metav1.Time{Time: now}
		s.SyncedResourceVersion = es.wanted()
		return s, nil
	}
	data, err := c.read(ctx, es)
	if err != nil {
		return status{}, &failure{message: messageData, err: err}
	}
	exists := secret.UID != ""
	if len(data) == 0 {
		switch es.deletionPolicy() {
		case "Delete":
			if exists {
				if err := c.core.Secrets(c.namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{}); err != nil {
					return status{}, err
				}
			}
			return done(reasonDeleted, messageDeleted)
		case "Retain":
			return done(reasonSynced, messageRetained)
		}
	}
	if t := es.Spec.Target.Template; t != nil && len(t.Data) > 0 {
		return status{}, &failure{message: messageUpdate, err: errors.New("could not apply template: estest renders none"), final: true}
	}
	switch es.creationPolicy() {
	case "None":
		return done(reasonSynced, messageSynced)
	case "Merge":
		if !exists {
			return done(reasonMissing, messageMissing)
		}
	}
	if err := c.write(ctx, es, secret, data); err != nil {
		return status{}, err
	}
	s, _ := done(reasonSynced, messageSynced)
	s.Binding = &map[string]any{"name": es.target()}
	return s, nil
}

// say tells in an event why a sync failed, as client-go's recorder does: the
// same thing again is the same event with a higher count.
func (c *Controller) say(ctx context.Context, es *externalSecret, message string) error {
	const most = 1024 // of the API
	if len(message) > most {
		message = message[:most]
	}
	events, now := c.core.Events(c.namespace), metav1.Now()
	key := string(es.UID) + message
	if name, ok := c.said[key]; ok {
		event, err := events.Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			event.Count++
			event.LastTimestamp = now
			_, err = events.Update(ctx, event, metav1.UpdateOptions{})
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	event, err := events.Create(ctx, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%x", es.Name, now.UnixNano()), Namespace: c.namespace},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: group + "/" + c.version, Kind: "ExternalSecret", Namespace: c.namespace, Name: es.Name, UID: es.UID,
		},
		Type: corev1.EventTypeWarning, Reason: "UpdateFailed", Message: message,
		Source: corev1.EventSource{Component: "external-secrets"}, Count: 1, FirstTimestamp: now, LastTimestamp: now,
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	c.said[key] = event.Name
	return nil
}
