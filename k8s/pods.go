package k8s

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pods are the portal's pods, the newest first.
type Pods struct {
	Items   []PodState
	Unknown string
}

// PodState is what one pod does.
type PodState struct {
	Name     string
	Phase    string // Pending, Running, Succeeded, Failed; Terminating on its way out
	Ready    bool
	Reason   string // why it does not run: CreateContainerConfigError, CrashLoopBackOff, ImagePullBackOff, Unschedulable …
	Message  string
	Created  time.Time // its age is counted from here
	Started  time.Time // of the running portal container, which has read the Secret then; zero while it does not run
	Restarts int       // of all its containers, as kubectl get pods counts
	Node     string    // "" until it is scheduled
	Template Template  // known only while a roll-out is watched
}

// Template tells which pod template a pod was made from.
type Template string

// A pod of the Deployment's newest template, or of one before it. The empty
// Template is not known.
const (
	TemplateNew Template = "new"
	TemplateOld Template = "old"
)

func (c *Client) portalPods(ctx context.Context, namespace string) Pods {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	list, err := c.core.Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: componentLabel + "=" + portalComponent, Limit: 20})
	if err != nil {
		return Pods{Unknown: unknown(c.explain(ask{"list", "", "pods", namespace, ""}, err))}
	}
	pods := make([]*corev1.Pod, 0, len(list.Items))
	for i := range list.Items {
		pods = append(pods, &list.Items[i])
	}
	return Pods{Items: podStates(pods)}
}

// podStates puts the newest first: a roll-out waits for it.
func podStates(pods []*corev1.Pod) []PodState {
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	var out []PodState
	for _, pod := range pods {
		out = append(out, podState(pod))
	}
	return out
}

func podState(pod *corev1.Pod) PodState {
	out := PodState{
		Name: pod.Name, Phase: string(pod.Status.Phase), Created: pod.CreationTimestamp.Time,
		Reason: pod.Status.Reason, Message: pod.Status.Message,
		Started: portalStarted(pod), Node: pod.Spec.NodeName,
	}
	for _, status := range pod.Status.ContainerStatuses {
		out.Restarts += int(status.RestartCount)
	}
	for _, cond := range pod.Status.Conditions {
		if cond.Type == corev1.PodReady {
			out.Ready = cond.Status == corev1.ConditionTrue
		}
		if cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse {
			out.Reason, out.Message = cond.Reason, cond.Message
		}
	}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if reason, message := containerTrouble(status); reason != "" {
			out.Reason, out.Message = reason, message
			break
		}
	}
	if pod.DeletionTimestamp != nil {
		out.Phase, out.Reason, out.Message = "Terminating", "", "" // it is on its way out: nothing waits for it
	}
	return out
}

// portalStarted is when the running portal container began. The kubelet reads
// the Secret anew for each start of a container, not for each pod.
func portalStarted(pod *corev1.Pod) time.Time {
	container := portalContainer(pod.Spec.Containers)
	for _, status := range pod.Status.ContainerStatuses {
		if container != nil && status.Name == container.Name && status.State.Running != nil {
			return status.State.Running.StartedAt.Time
		}
	}
	return time.Time{}
}

// containerTrouble returns why a container does not run, as kubectl get pods
// names it.
func containerTrouble(status corev1.ContainerStatus) (reason, message string) {
	if waiting := status.State.Waiting; waiting != nil {
		if waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing" {
			return "", ""
		}
		if last := status.LastTerminationState.Terminated; last != nil {
			return waiting.Reason, fmt.Sprintf("exit code %d; %s", last.ExitCode, waiting.Message)
		}
		return waiting.Reason, waiting.Message
	}
	if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
		return ended.Reason, fmt.Sprintf("exit code %d", ended.ExitCode)
	}
	return "", ""
}
