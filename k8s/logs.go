package k8s

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Logs returns the last lines of a pod, or of each pod that a label selector
// such as "app.kubernetes.io/component=backstage" matches: at most 10 pods, the
// newest last. In a pod of several containers it is the portal's, else the
// first. A selector that matches nothing is ErrNotFound.
func (c *Client) Logs(ctx context.Context, namespace, podOrSelector string, tailLines int) ([]string, error) {
	pods, err := c.podsOf(ctx, namespace, podOrSelector)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	texts := make([][]byte, len(pods))
	errs := make([]error, len(pods))
	var wait sync.WaitGroup
	for i := range pods {
		options := &corev1.PodLogOptions{}
		if container := portalContainer(pods[i].Spec.Containers); container != nil {
			options.Container = container.Name
		}
		wait.Go(func() { texts[i], errs[i] = c.tail(ctx, namespace, pods[i].Name, options, tailLines) })
	}
	wait.Wait()
	var lines []string
	for _, text := range texts {
		lines = append(lines, logLines(text)...)
	}
	if len(lines) > 0 {
		return lines, nil // a pod that has not started has no log; the others' is what counts
	}
	return nil, cmp.Or(errs...)
}

func (c *Client) podsOf(ctx context.Context, namespace, podOrSelector string) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if !strings.ContainsAny(podOrSelector, "=!(, ") {
		pod, err := c.core.Pods(namespace).Get(ctx, podOrSelector, metav1.GetOptions{})
		if err != nil {
			return nil, c.explain(ask{"get", "", "pods", namespace, podOrSelector}, err)
		}
		return []corev1.Pod{*pod}, nil
	}
	what := ask{"list", "", "pods", namespace, ""}
	list, err := c.core.Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: podOrSelector, Limit: 10})
	if err != nil {
		return nil, c.explain(what, err)
	}
	if len(list.Items) == 0 {
		return nil, &RequestError{
			Verb: "list", Resource: "pods", Namespace: namespace,
			Reason: ErrNotFound, Detail: "no pod matches " + podOrSelector,
		}
	}
	return list.Items, nil
}

// PreviousLogs returns the last lines that a container wrote before it was
// restarted; "" is the pod's only one. A container that never ended is an error
// of the kubelet's.
func (c *Client) PreviousLogs(ctx context.Context, namespace, pod, container string, tailLines int) ([]string, error) {
	text, err := c.tail(ctx, namespace, pod, &corev1.PodLogOptions{Container: container, Previous: true}, tailLines)
	return logLines(text), err
}

func logLines(text []byte) (lines []string) {
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, len(text)+1) // a stack trace in JSON is one long line
	for scan.Scan() {
		lines = append(lines, scan.Text())
	}
	return lines
}

func (c *Client) tail(ctx context.Context, namespace, pod string, options *corev1.PodLogOptions, lines int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	options.TailLines = new(int64(lines))
	text, err := c.core.Pods(namespace).GetLogs(pod, options).DoRaw(ctx)
	if err != nil {
		return nil, c.explain(ask{"get", "", "pods/log", namespace, pod}, err) // the text is the server's answer, and no log
	}
	return text, nil
}
