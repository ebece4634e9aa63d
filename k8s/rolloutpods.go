package k8s

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// What the kubelet says about a Secret or ConfigMap that a container wants:
// makeEnvironmentVariables for variables, the volume plugins for files.
var (
	keyMissing    = regexp.MustCompile(`couldn't find key (\S+) in (Secret|ConfigMap) (?:[^\s/]+/)?([^\s/]+)`)
	objectMissing = regexp.MustCompile(`(?i)\b(secret|configmap) "([^"]+)" not found`)
	keyReferenced = regexp.MustCompile(`references non-existent (secret|config) key: (\S+)`)
)

// podTrouble returns what keeps a pod from running, as far as its own status
// tells. The zero Trouble is none.
func podTrouble(pod *corev1.Pod) Trouble {
	for _, cond := range pod.Status.Conditions {
		if cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse {
			return unscheduled(pod, cond)
		}
	}
	all := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if t := containerState(status); t.Kind != "" {
			t.Pod, t.Node, t.Container = pod.Name, pod.Spec.NodeName, status.Name
			if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == status.Name }); i >= 0 {
				t.Image = all[i].Image // the status may have another name of it
			}
			return t
		}
	}
	if pod.Status.Phase == corev1.PodFailed { // evicted, or never admitted by the node
		return Trouble{Kind: TroubleConfig, Pod: pod.Name, Node: pod.Spec.NodeName, Reason: pod.Status.Reason, Message: pod.Status.Message}
	}
	return Trouble{}
}

// unscheduled tells a claim from other reasons why the scheduler finds no node;
// it words them together, a reason for each group of nodes.
func unscheduled(pod *corev1.Pod, cond corev1.PodCondition) Trouble {
	t := Trouble{Kind: TroubleUnschedulable, Pod: pod.Name, Reason: cond.Reason, Message: cond.Message}
	text := strings.ToLower(cond.Message)
	if strings.Contains(text, "persistentvolume") || strings.Contains(text, "volume node affinity") {
		t.Kind = TroubleVolumeClaim
	}
	return t
}

func containerState(status corev1.ContainerStatus) Trouble {
	t := Trouble{Restarts: int(status.RestartCount), Image: status.Image}
	if waiting := status.State.Waiting; waiting != nil {
		t.Reason, t.Message = waiting.Reason, waiting.Message
		switch waiting.Reason {
		case "CreateContainerConfigError":
			return t.missingFrom(waiting.Message)
		case "InvalidImageName":
			t.Kind = TroubleImageName
			return t
		case "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			t.Kind = TroubleImage
			return t
		case "CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError":
			t.Kind = TroubleConfig
			return t
		}
	}
	ended := status.State.Terminated
	if ended == nil {
		ended = status.LastTerminationState.Terminated
		if ended == nil || status.Ready {
			return Trouble{}
		}
	}
	if ended.ExitCode == 0 && ended.Reason == "Completed" && status.State.Waiting == nil {
		return Trouble{} // an init container that is done
	}
	t.crashed(ended)
	return t
}

// crashed notes how a container ended. Its own termination message is kept; the
// kubelet's words about when it tries again are not.
func (t *Trouble) crashed(ended *corev1.ContainerStateTerminated) {
	t.Kind, t.ExitCode, t.Message = TroubleCrash, int(ended.ExitCode), strings.TrimSpace(ended.Message)
	if t.Reason == "" {
		t.Reason = ended.Reason
	}
	if ended.Reason == "OOMKilled" {
		t.Kind, t.Reason = TroubleMemory, ended.Reason
	}
}

// missingFrom reads out of the kubelet's words which key of which object is not
// there. Without any it is another fault of the configuration.
func (t Trouble) missingFrom(message string) Trouble {
	t.Kind = TroubleConfig
	if m := keyMissing.FindStringSubmatch(message); m != nil {
		t.Kind, t.MissingKey = TroubleKeyMissing, m[1]
		t.setMissing(m[2], m[3])
	} else if m := objectMissing.FindStringSubmatch(message); m != nil {
		t.Kind = TroubleSecretMissing
		t.setMissing(m[1], m[2])
	}
	return t
}

func (t *Trouble) setMissing(kind, name string) {
	if strings.EqualFold(kind, "configmap") {
		t.MissingConfigMap = name
	} else {
		t.MissingSecret = name
	}
}

// fromWarnings returns the most telling of what events say about a pod whose
// own status says nothing: it is being made, or runs and is not ready.
func fromWarnings(pod *corev1.Pod, all []warning) Trouble {
	best := Trouble{}
	for _, w := range all { // the newest first: of one kind the first counts
		t := Trouble{Pod: pod.Name, Node: pod.Spec.NodeName, Reason: w.reason, Message: w.message}
		switch w.reason {
		case "FailedAttachVolume":
			t.Kind = TroubleVolume
			if strings.Contains(w.message, "Multi-Attach error") {
				t.Kind, t.OtherPods = TroubleMultiAttach, holders(w.message)
			}
		case "FailedMount", "FailedMapVolume":
			t.volume()
		case "FailedCreatePodSandBox":
			t.Kind = TroubleSandbox
		case "Unhealthy":
			if pod.Status.Phase != corev1.PodRunning {
				continue
			}
			t.Kind = TroubleProbe
			if status := unready(pod); status != nil {
				t.Container, t.Restarts = status.Name, int(status.RestartCount)
			}
		default:
			continue
		}
		if pod.Status.Phase == corev1.PodRunning && t.Kind != TroubleProbe {
			continue // it was mended since: the containers run
		}
		if best.Kind == "" || t.Kind.rank() < best.Kind.rank() {
			best = t
		}
	}
	return best
}

// volume tells a volume whose Secret or ConfigMap is not there from one that
// cannot be mounted.
func (t *Trouble) volume() {
	*t = t.missingFrom(t.Message)
	if m := keyReferenced.FindStringSubmatch(t.Message); m != nil {
		t.Kind = TroubleVolume // the words do not name the object
		t.MissingKey = m[2]
	}
	if t.Kind == TroubleConfig {
		t.Kind = TroubleVolume
	}
}

// holders reads the pods out of the attach-detach controller's words: Volume is
// already used by pod(s) a, b and 1 pod(s) in different namespaces.
func holders(message string) []string {
	_, list, ok := strings.Cut(message, "already used by pod(s) ")
	if !ok {
		return nil
	}
	list, _, _ = strings.Cut(list, " and ")
	return strings.Split(strings.TrimSpace(list), ", ")
}

func unready(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if !pod.Status.ContainerStatuses[i].Ready {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// refused tells why the API server refuses a ReplicaSet's pods, by its message.
func refused(message string) Trouble {
	t := Trouble{Kind: TroubleRefused, Reason: "FailedCreate", Message: message}
	if strings.Contains(message, "exceeded quota: ") || strings.Contains(message, "failed quota: ") {
		t.Kind = TroubleQuota
	}
	return t
}

// exceeded is how the quota admission plugin words a refusal: resource lists
// such as "limits.memory=2Gi,pods=1".
var exceeded = regexp.MustCompile(`exceeded quota: [^,]+, requested: (\S+), used: \S+, limited: (\S+)`)

// neverFits tells whether a quota leaves no room for what one pod requests, even
// if nothing else ran.
func neverFits(message string) bool {
	m := exceeded.FindStringSubmatch(message)
	if m == nil {
		return false
	}
	limits := quantities(m[2])
	for name, want := range quantities(m[1]) {
		if limit, ok := limits[name]; ok && want.Cmp(limit) > 0 {
			return true
		}
	}
	return false
}

func quantities(list string) map[string]resource.Quantity {
	out := map[string]resource.Quantity{}
	for _, item := range strings.Split(strings.Trim(list, ","), ",") {
		name, text, _ := strings.Cut(item, "=")
		if q, err := resource.ParseQuantity(text); err == nil {
			out[name] = q
		}
	}
	return out
}

// incurable tells whether waiting cannot help, if the trouble is no passing one.
// What somebody else may still make, delete or free is not incurable: a Secret
// that an operator syncs, room on nodes and in quotas, an image in a registry.
func (t Trouble) incurable() bool {
	switch t.Kind {
	case TroublePaused, TroubleKeyMissing, TroubleImageName:
		return true
	case TroubleConfig:
		return t.Reason == "CreateContainerConfigError"
	case TroubleQuota:
		return neverFits(t.Message) || strings.Contains(t.Message, "must specify")
	case TroubleRefused:
		return admission.MatchString(t.Message)
	}
	return false
}

// admission matches refusals that the pod's own definition causes: by a
// webhook's or a policy's verdict, Pod Security or a LimitRange. A webhook that
// does not answer is none.
var admission = regexp.MustCompile(`denied the request|denied request:|violates PodSecurity|(?:maximum|minimum) \S+ usage per |is invalid: spec`)
