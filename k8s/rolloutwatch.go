package k8s

import (
	"context"
	"errors"
	"reflect"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// rereadAfter is when the state is read anew where a watch is not allowed or
// broke.
const rereadAfter = 2 * time.Second

// errReread ends following the watches; the state is to be read anew.
var errReread = errors.New("read anew")

// rollout is what WatchRollout knows of one Deployment.
type rollout struct {
	c               *Client
	namespace, name string
	after           int64 // generation of the Deployment that counts for nothing yet
	progress        func(Rollout)
	last            Rollout

	deployment *appsv1.Deployment
	pods       map[types.UID]*corev1.Pod
	podsHidden string
	podsRead   string // resourceVersion of the list
	revision   string // of the template that newest is of
	newest     string // ReplicaSet of the newest template; "" while it is not known
	setsHidden bool   // no right to list ReplicaSets

	looker *looker
	wake   time.Duration // until the state may change by itself; 0 is never
}

// WatchRollout calls progress with each change and returns nil when all pods
// are of the newest template and available. It waits as long as ctx does,
// whatever the pods say, and then returns a *RolloutError. A Deployment that is
// not there or cannot be read is ErrNotFound or ErrForbidden at once; an API
// server that goes away is waited for.
//
// Pods that are in trouble for a while are looked into: their events, and the
// log of a container that crashed. Rollout.Troubles has what was found.
func (c *Client) WatchRollout(ctx context.Context, namespace, name string, progress func(Rollout)) error {
	return c.watchRollout(ctx, namespace, name, 0, usual(), progress)
}

// WatchNextRollout is WatchRollout for a roll-out that somebody else is about to
// begin: it waits until the Deployment is newer than generation, too.
func (c *Client) WatchNextRollout(ctx context.Context, namespace, name string, generation int64, progress func(Rollout)) error {
	return c.watchRollout(ctx, namespace, name, generation, usual(), progress)
}

func (c *Client) watchRollout(ctx context.Context, namespace, name string, after int64, p patience, progress func(Rollout)) error {
	looks, cancel := context.WithCancel(ctx)
	r := &rollout{c: c, namespace: namespace, name: name, after: after, progress: progress, looker: newLooker(c, namespace, p)}
	defer r.looker.wait.Wait()
	defer cancel()
	for {
		err := r.read(ctx)
		if err == nil {
			if r.report(looks) {
				return nil
			}
			err = r.follow(ctx, looks)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return r.ended(ctx.Err())
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden), errors.Is(err, ErrLogin):
			return err
		}
		if err := pause(ctx, rereadAfter); err != nil {
			return r.ended(err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (r *rollout) ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &RolloutError{Namespace: r.namespace, Name: r.name, Last: r.last, cause: err}
	}
	return err
}

// read gets the Deployment and its pods. Without the right to list pods the
// roll-out is followed by the Deployment alone.
func (r *rollout) read(ctx context.Context) error {
	d, err := r.c.readDeployment(ctx, r.namespace, r.name)
	if err != nil {
		return err
	}
	r.deployment, r.pods, r.podsHidden = d, map[types.UID]*corev1.Pod{}, ""
	ctx, cancel := context.WithTimeout(ctx, r.c.timeout)
	defer cancel()
	list, err := r.c.core.Pods(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: r.selector()})
	if err != nil {
		r.podsHidden = r.c.explain(ask{"list", "", "pods", r.namespace, ""}, err).Error()
		return nil
	}
	r.podsRead = list.ResourceVersion
	r.readNewest(ctx)
	for i := range list.Items {
		r.pods[list.Items[i].UID] = &list.Items[i]
	}
	return nil
}

func (r *rollout) selector() string { return metav1.FormatLabelSelector(r.deployment.Spec.Selector) }

// follow applies what the watches say until the roll-out is done (nil), the
// Deployment is gone (ErrNotFound), or the state must be read anew. What is read
// beside the watches ends with the context looks.
func (r *rollout) follow(ctx, looks context.Context) error {
	deployments, err := r.c.apps.Deployments(r.namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=" + r.name, ResourceVersion: r.deployment.ResourceVersion,
	})
	if err != nil {
		return errReread // also without the right to watch: then it is read every now and then
	}
	defer deployments.Stop()
	var pods <-chan watch.Event // nil, and silent, without the right to watch them
	if r.podsHidden == "" {
		w, err := r.c.core.Pods(r.namespace).Watch(ctx, metav1.ListOptions{LabelSelector: r.selector(), ResourceVersion: r.podsRead})
		if err != nil {
			return errReread
		}
		defer w.Stop()
		pods = w.ResultChan()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var wake <-chan time.Time
		if r.wake > 0 {
			timer.Reset(r.wake)
			wake = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-r.looker.learned:
		case event, ok := <-deployments.ResultChan():
			if err := r.onDeployment(event, ok); err != nil {
				return err
			}
			if r.podsHidden == "" {
				r.readNewest(ctx)
			}
		case event, ok := <-pods:
			if err := r.onPod(event, ok); err != nil {
				return err
			}
		}
		if r.report(looks) {
			return nil
		}
	}
}

func (r *rollout) onDeployment(event watch.Event, open bool) error {
	d, ok := event.Object.(*appsv1.Deployment)
	switch {
	case !open || !ok:
		return errReread // the server ends each watch after a while, or the version is too old
	case event.Type == watch.Deleted:
		return &RequestError{
			Verb: "watch", Group: "apps", Resource: "deployments", Namespace: r.namespace, Name: r.name,
			Reason: ErrNotFound, Detail: "it was deleted",
		}
	}
	r.deployment = d
	return nil
}

func (r *rollout) onPod(event watch.Event, open bool) error {
	pod, ok := event.Object.(*corev1.Pod)
	switch {
	case !open || !ok:
		return errReread
	case event.Type == watch.Deleted:
		delete(r.pods, pod.UID)
	default:
		r.pods[pod.UID] = pod
	}
	return nil
}

// report tells a change, and whether the roll-out is done.
func (r *rollout) report(looks context.Context) (done bool) {
	now := r.state(looks, time.Now())
	if !reflect.DeepEqual(now, r.last) {
		r.last = now
		r.progress(now)
	}
	return now.Done() && now.Generation > r.after
}
