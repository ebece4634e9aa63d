package k8s

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// revisionAnnotation is what the Deployment's controller counts templates with,
// on the Deployment and its ReplicaSets.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// named finds the ReplicaSet in the words of the Progressing condition.
var named = regexp.MustCompile(`(?i)replica ?set "([^"]+)"`)

// readNewest finds the ReplicaSet of the newest template, anew for each
// revision. Without the right to list them the Deployment's condition names it.
func (r *rollout) readNewest(ctx context.Context) {
	revision := r.deployment.Annotations[revisionAnnotation]
	if revision == "" || revision == r.revision && r.newest != "" {
		return
	}
	r.revision, r.newest = revision, ""
	if r.setsHidden {
		r.newest = r.namedNewest()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.c.timeout)
	defer cancel()
	list, err := r.c.apps.ReplicaSets(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: r.selector()})
	if err != nil {
		r.setsHidden = apierrors.IsForbidden(err)
		r.newest = r.namedNewest()
		return
	}
	for i := range list.Items {
		set := &list.Items[i]
		if set.Annotations[revisionAnnotation] == revision && metav1.IsControlledBy(set, r.deployment) {
			r.newest = set.Name
		}
	}
}

func (r *rollout) namedNewest() string {
	for _, cond := range r.deployment.Status.Conditions {
		if m := named.FindStringSubmatch(cond.Message); m != nil && cond.Type == appsv1.DeploymentProgressing {
			return m[1]
		}
	}
	return ""
}

// template tells whether a pod is of the newest template. It is not known until
// the controller has seen the newest one.
func (r *rollout) template(pod *corev1.Pod) Template {
	owner := metav1.GetControllerOf(pod)
	if r.newest == "" || owner == nil || r.deployment.Status.ObservedGeneration < r.deployment.Generation {
		return ""
	}
	if owner.Name == r.newest {
		return TemplateNew
	}
	return TemplateOld
}

func (r *rollout) state(ctx context.Context, now time.Time) Rollout {
	d := r.deployment
	out := Rollout{
		Generation: d.Generation, Observed: d.Status.ObservedGeneration, Desired: replicas(d),
		Total: int(d.Status.Replicas), Updated: int(d.Status.UpdatedReplicas),
		Ready: int(d.Status.ReadyReplicas), Available: int(d.Status.AvailableReplicas),
		Message: trouble(d), PodsHidden: r.podsHidden,
	}
	pods := make([]*corev1.Pod, 0, len(r.pods))
	for _, pod := range r.pods {
		pods = append(pods, pod)
	}
	out.Pods = podStates(pods) // sorts pods
	for i, pod := range pods {
		out.Pods[i].Template = r.template(pod)
	}
	r.wake = 0
	if !out.Done() || out.Desired == 0 {
		out.Troubles = r.troubles(ctx, pods, now)
	}
	out.EventsHidden, out.LogsHidden = r.looker.hidden()
	return out
}

// troubles are what keeps the roll-out from going on, the most fundamental
// first.
func (r *rollout) troubles(ctx context.Context, pods []*corev1.Pod, now time.Time) []Trouble {
	all := r.deploymentTroubles(ctx, pods, now)
	for _, pod := range pods {
		if t := r.podTrouble(ctx, pod, now); t.Kind != "" {
			all = append(all, t)
		}
	}
	for i := range all {
		all[i].Namespace, all[i].Deployment = r.namespace, r.name
	}
	slices.SortStableFunc(all, byImportance)
	return all
}

func (r *rollout) deploymentTroubles(ctx context.Context, pods []*corev1.Pod, now time.Time) (all []Trouble) {
	d := r.deployment
	if d.Spec.Paused {
		all = append(all, r.lasting(Trouble{Kind: TroublePaused}, sighting{d.UID, string(TroublePaused)}, now))
	}
	if replicas(d) == 0 {
		all = append(all, Trouble{Kind: TroubleScaledToZero})
	}
	for _, cond := range d.Status.Conditions {
		if cond.Type == appsv1.DeploymentReplicaFailure && cond.Status == corev1.ConditionTrue {
			t := refused(cond.Message)
			return append(all, r.lasting(t, sighting{d.UID, string(t.Kind)}, now))
		}
	}
	// The condition can be late: an event of the ReplicaSet tells too.
	hasNew := slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return r.template(pod) != TemplateOld })
	if r.newest == "" || hasNew || r.podsHidden != "" || replicas(d) == 0 || d.Spec.Paused {
		return all
	}
	s := sighting{d.UID, "no pod of " + r.newest}
	known := r.look(ctx, s, question{kind: "ReplicaSet", name: r.newest, answered: has(failedCreate)}, now)
	if w, ok := first(known.events, failedCreate); ok {
		all = append(all, r.lasting(refused(strings.TrimPrefix(w.message, "Error creating: ")), s, now))
	}
	return all
}

// podTrouble is what keeps one pod from being ready, from its status, its events
// and its log. A pod of an older template holds nothing up unless it stays.
func (r *rollout) podTrouble(ctx context.Context, pod *corev1.Pod, now time.Time) Trouble {
	if pod.DeletionTimestamp != nil {
		return r.terminating(pod, now)
	}
	if r.template(pod) == TemplateOld || isReady(pod) {
		return Trouble{}
	}
	t := podTrouble(pod)
	switch t.Kind {
	case TroubleCrash, TroubleMemory:
		return r.crash(ctx, pod, t, now)
	case TroubleImage:
		q := question{kind: "Pod", name: pod.Name, answered: has(failedPull)}
		known := r.look(ctx, sighting{pod.UID, string(t.Kind)}, q, now)
		if w, ok := first(known.events, failedPull); ok { // a back-off alone does not say why
			t.Message = w.message
		}
		return t
	case "":
		q := question{kind: "Pod", name: pod.Name}
		if pod.Status.Phase != corev1.PodRunning { // while it runs, probes may fail for another reason later
			q.answered = func(all []warning) bool { return fromWarnings(pod, all).Kind != "" }
		}
		known := r.look(ctx, sighting{pod.UID, string(pod.Status.Phase)}, q, now)
		t = fromWarnings(pod, known.events)
	}
	if t.Kind == "" {
		return t
	}
	return r.lasting(t, sighting{pod.UID, string(t.Kind)}, now)
}

// crash adds the log of the container that ended, and the probe on whose account
// the kubelet ended it.
func (r *rollout) crash(ctx context.Context, pod *corev1.Pod, t Trouble, now time.Time) Trouble {
	q := question{kind: "Pod", name: pod.Name, container: t.Container, previous: true}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == t.Container && status.State.Terminated != nil {
			q.previous = false // the one that ended is still the current one
		}
	}
	known := r.look(ctx, sighting{pod.UID, string(TroubleCrash)}, q, now)
	t.Log = known.log
	if t.Kind == TroubleCrash && (t.ExitCode == 137 || t.ExitCode == 143) { // killed, or asked to end
		if w, ok := first(known.events, failedLiveness); ok {
			t.Reason, t.Message = w.reason, w.message
		}
	}
	return t
}

func failedCreate(w warning) bool { return w.reason == "FailedCreate" }

func failedPull(w warning) bool { return strings.HasPrefix(w.message, "Failed to pull image ") }

func failedLiveness(w warning) bool {
	return w.reason == "Unhealthy" && (strings.HasPrefix(w.message, "Liveness ") || strings.HasPrefix(w.message, "Startup "))
}

func first(all []warning, match func(warning) bool) (warning, bool) {
	if i := slices.IndexFunc(all, match); i >= 0 {
		return all[i], true
	}
	return warning{}, false
}

func has(match func(warning) bool) func([]warning) bool {
	return func(all []warning) bool { return slices.ContainsFunc(all, match) }
}

// terminating tells a pod that is there after its grace period; its deletion
// holds up a Recreate, and whoever waits for its volume.
func (r *rollout) terminating(pod *corev1.Pod, now time.Time) Trouble {
	grace := r.looker.patience.terminating
	if pod.DeletionGracePeriodSeconds != nil {
		grace += time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	}
	age := r.looker.seen(sighting{pod.UID, string(TroubleTerminating)}, now)
	if age < grace {
		r.wakeIn(grace - age)
		return Trouble{}
	}
	return Trouble{Kind: TroubleTerminating, Pod: pod.Name, Node: pod.Spec.NodeName, Reason: "Terminating"}
}

// lasting calls a trouble certain when no waiting cures it and it has lasted.
func (r *rollout) lasting(t Trouble, s sighting, now time.Time) Trouble {
	if !t.incurable() {
		return t
	}
	age, enough := r.looker.seen(s, now), r.looker.patience.certain
	if t.Certain = age >= enough; !t.Certain {
		r.wakeIn(enough - age)
	}
	return t
}

func (r *rollout) look(ctx context.Context, s sighting, q question, now time.Time) file {
	known, next := r.looker.ask(ctx, s, q, r.looker.seen(s, now))
	if next > 0 {
		r.wakeIn(next)
	}
	return known
}

// wakeIn has the state told anew after d, or earlier.
func (r *rollout) wakeIn(d time.Duration) {
	if r.wake == 0 || d < r.wake {
		r.wake = d
	}
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// trouble says why the Deployment itself cannot go on.
func trouble(d *appsv1.Deployment) string {
	if d.Spec.Paused {
		return "the Deployment is paused"
	}
	for _, cond := range d.Status.Conditions {
		stuck := cond.Type == appsv1.DeploymentProgressing && cond.Status == corev1.ConditionFalse
		refused := cond.Type == appsv1.DeploymentReplicaFailure && cond.Status == corev1.ConditionTrue
		if stuck || refused {
			return cond.Message
		}
	}
	return ""
}
