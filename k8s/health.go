package k8s

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Health is how what is installed does at this moment, beside what Discover
// found. In each part Unknown says why nothing is known; with an empty Unknown an
// empty part is not there.
type Health struct {
	Portal   Workload
	API      Workload
	Thunder  Workload
	Services Services // of the portal and of the API

	Certificates []Certificate // of the Gateway's listeners that end TLS
	Bindings     Bindings
	References   []Referent // what the portal's pods refer to beside its Secret, the most needed first
	Policies     Policies   // on the portal's pods
}

// Health looks at what Discover found: the Deployments with their pods, events
// and logs, what the portal's pods refer to, the NetworkPolicies on them, the
// Services, the Gateway's certificates and the authorization bindings. It only reads. It never fails: what it could
// not learn says why.
func (c *Client) Health(ctx context.Context, namespace string, found Found) Health {
	var (
		h    Health
		wait sync.WaitGroup
	)
	namespace = cmp.Or(namespace, c.target.Namespace)
	if name := found.Deployment.Name; name != "" {
		wait.Go(func() { h.Portal = c.workload(ctx, namespace, name) })
		wait.Go(func() { h.References = c.referents(ctx, namespace, found.Secret.Name, found.Deployment.References) })
		wait.Go(func() { h.Policies = c.policies(ctx, namespace, found.Deployment.Labels) })
	} else {
		h.Portal.Unknown, h.Policies.Unknown = found.Deployment.Unknown, found.Deployment.Unknown
	}
	wait.Go(func() { h.API = c.component(ctx, namespace, componentLabel+"="+apiComponent) })
	if found.Thunder.Installed {
		wait.Go(func() { h.Thunder = c.component(ctx, thunderNamespace, "app.kubernetes.io/name=thunder") })
	}
	wait.Go(func() { h.Services = c.services(ctx, namespace) })
	wait.Go(func() { h.Certificates = c.certificates(ctx, namespace, found.Gateway) })
	wait.Go(func() { h.Bindings = c.bindings(ctx) })
	wait.Wait()
	return h
}

// HealthRights returns what Health's requests need, but for the names of a
// Gateway's certificates.
func HealthRights(namespace string) []Access {
	const (
		pods     = "how the pods are, and what they wrote, is not known"
		bindings = "which tokens get which role is not known"
		refers   = "whether all is there that the portal's pods refer to is not known"
	)
	return []Access{
		{Verb: "list", Group: "apps", Resource: "deployments", Namespace: namespace, Why: "see whether portal and API run", Prevents: "whether portal and API run is not known"},
		{Verb: "list", Group: "apps", Resource: "replicasets", Namespace: namespace, Why: "tell new pods from old ones", Prevents: "new pods are not told from old ones"},
		{Verb: "list", Resource: "pods", Namespace: namespace, Why: "see what the pods do", Prevents: pods},
		{Verb: "get", Resource: "pods/log", Namespace: namespace, Why: "read what portal and API wrote", Prevents: "what portal and API complain about is not known"},
		{Verb: "list", Resource: "events", Namespace: namespace, Why: "see why a pod does not start", Prevents: "trouble with volumes, probes and nodes is not seen"},
		{Verb: "get", Resource: "persistentvolumeclaims", Namespace: namespace, Why: "see whether SQLite's volume is there", Prevents: "whether SQLite's volume is there is not known"},
		{Verb: "get", Resource: "configmaps", Namespace: namespace, Why: "see whether all is there that the portal's pods refer to", Prevents: refers},
		{Verb: "get", Resource: "secrets", Namespace: namespace, Why: "see whether all is there that the portal's pods refer to", Prevents: refers},
		{Verb: "get", Resource: "serviceaccounts", Namespace: namespace, Why: "see whether all is there that the portal's pods refer to", Prevents: refers},
		{Verb: "list", Group: policyGroup, Resource: "networkpolicies", Namespace: namespace, Why: "see whether a NetworkPolicy shuts the portal's pods off", Prevents: "whether a NetworkPolicy shuts the portal's pods off is not known"},
		{Verb: "list", Resource: "services", Namespace: namespace, Why: "see whether the routes lead to portal and API", Prevents: "whether the routes lead to portal and API is not known"},
		{Verb: "list", Group: planeGroup, Resource: bindingResource, Why: "compare the authorization bindings", Prevents: bindings},
		{Verb: "list", Group: planeGroup, Resource: roleResource, Why: "see whether the bound roles are there", Prevents: bindings},
	}
}

// Workload is a Deployment with its pods, what Kubernetes says about them and
// what they wrote. Name is "" when there is none.
type Workload struct {
	Namespace, Name string
	Rollout         Rollout // with the troubles of this moment; Certain means nothing in them
	Warnings        []Event // about its pods, the newest first
	Logs            []PodLog
	LogsUnknown     string
	Unknown         string
}

// Event is one of Kubernetes' warnings. The cluster forgets it after an hour.
type Event struct {
	Object  string // such as "Pod backstage-5d4f-x2x7"
	Reason  string // such as Unhealthy
	Message string
}

// PodLog is the end of what one container of a pod wrote. The lines are the
// program's own and may hold anything: explain or scrub them before they are shown.
type PodLog struct {
	Pod      string
	Previous bool // by the container that ended before this one
	Lines    []string
}

// How much of which logs is read.
const (
	healthPods  = 4
	healthLines = 300
	healthBytes = 256 << 10
)

// atOnce is the patience of a single look: everything is asked now.
func atOnce() patience { return patience{looks: []time.Duration{0}, terminating: usual().terminating} }

// component is the workload of the first Deployment that the selector matches.
func (c *Client) component(ctx context.Context, namespace, selector string) Workload {
	all, err := c.listDeployments(ctx, namespace, selector, 10)
	if err != nil {
		return Workload{Namespace: namespace, Unknown: unknown(err)}
	}
	if len(all) == 0 {
		return Workload{Namespace: namespace}
	}
	return c.workload(ctx, namespace, all[0].Name)
}

// workload looks at a Deployment once, as WatchRollout does again and again.
func (c *Client) workload(ctx context.Context, namespace, name string) Workload {
	w := Workload{Namespace: namespace, Name: name}
	r := &rollout{c: c, namespace: namespace, name: name, looker: newLooker(c, namespace, atOnce())}
	if err := r.read(ctx); err != nil {
		w.Name, w.Unknown = "", unknown(err)
		return w
	}
	r.state(ctx, time.Now()) // asks for events and logs of what is in trouble
	var wait sync.WaitGroup
	pods := make([]*corev1.Pod, 0, len(r.pods))
	for _, pod := range r.pods {
		pods = append(pods, pod)
	}
	wait.Go(r.looker.wait.Wait)
	wait.Go(func() { w.Warnings = c.podWarnings(ctx, namespace, pods) })
	wait.Go(func() { w.Logs, w.LogsUnknown = c.podLogs(ctx, namespace, pods) })
	wait.Wait()
	w.Rollout = r.state(ctx, time.Now())
	r.looker.wait.Wait()
	return w
}

// podWarnings are Kubernetes' warnings about pods; none where events may not be
// read, which Rollout.EventsHidden tells.
func (c *Client) podWarnings(ctx context.Context, namespace string, pods []*corev1.Pod) []Event {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	list, err := c.core.Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning", Limit: 500})
	if err != nil {
		return nil
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return happened(&b).Compare(happened(&a)) })
	var out []Event
	for i := range list.Items {
		e := &list.Items[i]
		of := func(pod *corev1.Pod) bool {
			return e.InvolvedObject.Name == pod.Name && (e.InvolvedObject.UID == "" || e.InvolvedObject.UID == pod.UID)
		}
		if e.InvolvedObject.Kind == "Pod" && slices.ContainsFunc(pods, of) {
			out = append(out, Event{Object: "Pod " + e.InvolvedObject.Name, Reason: e.Reason, Message: e.Message})
		}
	}
	return out
}

// podLogs reads the end of the logs of the newest pods, of containers that were
// started again also what the one before wrote.
func (c *Client) podLogs(ctx context.Context, namespace string, pods []*corev1.Pod) (logs []PodLog, unknown string) {
	slices.SortFunc(pods, func(a, b *corev1.Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	pods = pods[:min(len(pods), healthPods)]
	type ask struct {
		pod, container string
		previous       bool
	}
	var asks []ask
	for _, pod := range pods {
		container := portalContainer(pod.Spec.Containers)
		if container == nil {
			continue
		}
		started, restarts := false, int32(0)
		for _, status := range pod.Status.ContainerStatuses {
			if status.Name == container.Name {
				started = status.State.Running != nil || status.State.Terminated != nil || status.LastTerminationState.Terminated != nil
				restarts = status.RestartCount
			}
		}
		if started {
			asks = append(asks, ask{pod.Name, container.Name, false})
		}
		if restarts > 0 {
			asks = append(asks, ask{pod.Name, container.Name, true})
		}
	}
	logs = make([]PodLog, len(asks))
	errs := make([]error, len(asks))
	var wait sync.WaitGroup
	for i, a := range asks {
		wait.Go(func() {
			text, err := c.tail(ctx, namespace, a.pod, &corev1.PodLogOptions{Container: a.container, Previous: a.previous}, healthLines)
			if len(text) > healthBytes {
				text = text[len(text)-healthBytes:]
			}
			lines := logLines(text)
			for j := range lines {
				lines[j] = strings.ToValidUTF8(lines[j], "\uFFFD")
			}
			logs[i], errs[i] = PodLog{a.pod, a.previous, lines}, err
		})
	}
	wait.Wait()
	for i, err := range errs {
		if err != nil && !asks[i].previous && unknown == "" { // that nothing was kept of an earlier container is no news
			unknown = err.Error()
		}
	}
	return slices.DeleteFunc(logs, func(l PodLog) bool { return len(l.Lines) == 0 }), unknown
}
