package k8s

import (
	"cmp"
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// warning is an event about an object that is no good news. The cluster forgets
// it after an hour.
type warning struct {
	reason  string // such as FailedAttachVolume, FailedMount, Unhealthy, FailedCreate
	message string
	last    time.Time // when it happened last
}

// warnings lists the warnings about one object, the newest first. Several of
// one reason may differ in their messages.
func (c *Client) warnings(ctx context.Context, namespace, kind, name string) ([]warning, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	selector := fields.Set{
		"involvedObject.kind": kind, "involvedObject.name": name, "type": corev1.EventTypeWarning,
	}.AsSelector().String()
	list, err := c.core.Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: selector, Limit: 100})
	if err != nil {
		return nil, c.explain(ask{"list", "", "events", namespace, ""}, err)
	}
	out := make([]warning, 0, len(list.Items))
	for i := range list.Items {
		e := &list.Items[i]
		out = append(out, warning{reason: e.Reason, message: e.Message, last: happened(e)})
	}
	slices.SortStableFunc(out, func(a, b warning) int { return cmp.Or(b.last.Compare(a.last), cmp.Compare(a.message, b.message)) })
	return out, nil
}

// happened is when an event happened last: the two APIs for events note it in
// different fields.
func happened(e *corev1.Event) time.Time {
	if e.Series != nil {
		return e.Series.LastObservedTime.Time
	}
	for _, at := range []time.Time{e.LastTimestamp.Time, e.EventTime.Time, e.FirstTimestamp.Time} {
		if !at.IsZero() {
			return at
		}
	}
	return e.CreationTimestamp.Time
}
