package k8s

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// failure reads the newest event in which External Secrets told why es does not
// sync. The condition's message does not name the entry; the event does.
func (c *Client) failure(ctx context.Context, es ExternalSecret) Failure {
	if es.Ready || es.UID == "" {
		return Failure{}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	const limit = 100
	list, err := c.core.Events(es.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.uid=" + es.UID + ",type=" + corev1.EventTypeWarning, Limit: limit,
	})
	if err != nil {
		return Failure{} // events are optional: the condition is known without
	}
	var newest *corev1.Event
	for i := range list.Items {
		if e := &list.Items[i]; newest == nil || !saidAt(e).Before(saidAt(newest)) {
			newest = e
		}
	}
	if newest == nil {
		return Failure{}
	}
	text := strings.Join(strings.Fields(newest.Message), " ") // Vault's errors have several lines
	return Failure{Text: text, Version: string(newest.UID) + "/" + newest.ResourceVersion}
}

// saidAt is when an event was told last, by either of the two API groups.
func saidAt(e *corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	if e.EventTime.After(last) {
		last = e.EventTime.Time
	}
	return last
}
