package k8s

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// TroubleKind is what keeps a roll-out from going on; scripts may rely on it.
type TroubleKind string

// The kinds of trouble, the most fundamental first.
const (
	TroublePaused        TroubleKind = "paused"         // the Deployment is
	TroubleScaledToZero  TroubleKind = "scaled-to-zero" // no pod is wanted: the roll-out ends at once
	TroubleQuota         TroubleKind = "quota"          // a ResourceQuota refuses pods
	TroubleRefused       TroubleKind = "refused"        // admission refuses pods
	TroubleKeyMissing    TroubleKind = "key-missing"    // a Secret or ConfigMap lacks a key
	TroubleSecretMissing TroubleKind = "secret-missing" // a Secret or ConfigMap is not there
	TroubleConfig        TroubleKind = "config"         // the kubelet cannot make the container, for another reason
	TroubleImageName     TroubleKind = "image-name"     // no name of an image
	TroubleImage         TroubleKind = "image"          // the image cannot be pulled
	TroubleVolumeClaim   TroubleKind = "volume-claim"   // no node, because of a PersistentVolumeClaim
	TroubleUnschedulable TroubleKind = "unschedulable"  // no node, for another reason
	TroubleTerminating   TroubleKind = "terminating"    // an old pod does not go away
	TroubleMultiAttach   TroubleKind = "multi-attach"   // a volume is attached to another node
	TroubleVolume        TroubleKind = "volume"         // a volume cannot be attached or mounted
	TroubleSandbox       TroubleKind = "sandbox"        // the pod's network cannot be made
	TroubleMemory        TroubleKind = "memory"         // killed for using more than its limit
	TroubleCrash         TroubleKind = "crash"          // the container ended by itself
	TroubleProbe         TroubleKind = "probe"          // a probe fails
)

// rank orders the kinds above, so that the first trouble is the one to mend.
func (k TroubleKind) rank() int {
	return slices.Index([]TroubleKind{
		TroublePaused, TroubleScaledToZero, TroubleQuota, TroubleRefused, TroubleKeyMissing, TroubleSecretMissing,
		TroubleConfig, TroubleImageName, TroubleImage, TroubleVolumeClaim, TroubleUnschedulable, TroubleTerminating,
		TroubleMultiAttach, TroubleVolume, TroubleSandbox, TroubleMemory, TroubleCrash, TroubleProbe,
	}, k)
}

// Trouble is one reason why a roll-out does not go on. Fields that do not
// belong to its kind are empty.
type Trouble struct {
	Kind       TroubleKind
	Namespace  string
	Deployment string
	Pod        string // "" when it is the Deployment's
	Container  string
	Reason     string // Kubernetes' own word: CreateContainerConfigError, FailedAttachVolume, Unhealthy …
	Message    string // what Kubernetes said
	Certain    bool   // it has lasted, and no waiting cures it

	MissingKey       string
	MissingSecret    string
	MissingConfigMap string // instead of MissingSecret
	Image            string
	Node             string
	OtherPods        []string // that hold the volume
	Restarts         int
	ExitCode         int
	// Log is the end of what the crashed container wrote. It is the portal's
	// text and may hold anything: explain or scrub it before it is shown.
	Log []string
}

// Text says in one line what is wrong, for people.
func (t Trouble) Text() string {
	if t.Pod == "" {
		return t.what()
	}
	return "pod " + t.Pod + ": " + t.what()
}

func (t Trouble) what() string {
	switch t.Kind {
	case TroublePaused:
		return fmt.Sprintf("Deployment %s is paused: its pods stay as they are", t.Deployment)
	case TroubleScaledToZero:
		return fmt.Sprintf("Deployment %s is scaled to 0: no pod runs", t.Deployment)
	case TroubleKeyMissing:
		return fmt.Sprintf("%s: %s has no key %q", t.Reason, t.missing(), t.MissingKey)
	case TroubleSecretMissing:
		return fmt.Sprintf("%s: there is no %s", t.Reason, t.missing())
	case TroubleTerminating:
		return fmt.Sprintf("still on its way out after its grace period, on %s", t.node())
	case TroubleMemory:
		return fmt.Sprintf("%s: container %s used more memory than its limit (%s)", t.Reason, t.Container, restarts(t.Restarts))
	case TroubleCrash:
		text := fmt.Sprintf("%s: container %s ended with exit code %d (%s)", t.Reason, t.Container, t.ExitCode, restarts(t.Restarts))
		if t.Message != "" {
			text += ": " + t.Message
		}
		return text
	}
	text := strings.TrimSuffix(t.Reason+": "+t.Message, ": ")
	if (t.Kind == TroubleImage || t.Kind == TroubleImageName) && !strings.Contains(t.Message, t.Image) {
		text += fmt.Sprintf(" (image %q)", t.Image)
	}
	return text
}

func (t Trouble) missing() string {
	if t.MissingConfigMap != "" {
		return fmt.Sprintf("ConfigMap %q", t.MissingConfigMap)
	}
	return fmt.Sprintf("Secret %q", t.MissingSecret)
}

func (t Trouble) node() string {
	if t.Node == "" {
		return "no node"
	}
	return "node " + t.Node
}

func restarts(n int) string {
	if n == 1 {
		return "restarted once"
	}
	return fmt.Sprintf("restarted %d times", n)
}

// Hint says what to type next.
func (t Trouble) Hint() string {
	kubectl := "kubectl -n " + t.Namespace
	switch t.Kind {
	case TroublePaused:
		return fmt.Sprintf("%s rollout resume deployment/%s", kubectl, t.Deployment)
	case TroubleScaledToZero:
		return fmt.Sprintf("%s scale deployment/%s --replicas=1", kubectl, t.Deployment)
	case TroubleQuota:
		return kubectl + " describe resourcequota"
	case TroubleRefused:
		return fmt.Sprintf("%s get events --field-selector=reason=FailedCreate", kubectl)
	case TroubleKeyMissing, TroubleSecretMissing:
		return t.missingHint(kubectl)
	case TroubleVolumeClaim:
		return kubectl + " describe pvc"
	case TroubleTerminating:
		if t.Node == "" {
			return fmt.Sprintf("%s delete pod %s --grace-period=0 --force", kubectl, t.Pod)
		}
		return fmt.Sprintf("kubectl get node %s; if it is gone for good: %s delete pod %s --grace-period=0 --force", t.Node, kubectl, t.Pod)
	case TroubleMultiAttach:
		return fmt.Sprintf("%[1]s scale deployment/%[2]s --replicas=0; when its pods are gone: %[1]s scale deployment/%[2]s --replicas=1", kubectl, t.Deployment)
	case TroubleMemory:
		return "set a higher limit: backstage-setup install --set scaling.limits.memory=4Gi"
	case TroubleCrash:
		return fmt.Sprintf("%s logs %s -c %s --previous", kubectl, t.Pod, t.Container)
	case TroubleProbe:
		return fmt.Sprintf("%s logs %s -c %s", kubectl, t.Pod, t.Container)
	}
	return fmt.Sprintf("%s describe pod %s", kubectl, t.Pod)
}

func (t Trouble) missingHint(kubectl string) string {
	if t.MissingConfigMap != "" {
		return fmt.Sprintf("%s describe configmap %s", kubectl, t.MissingConfigMap)
	}
	if t.Kind == TroubleSecretMissing {
		return fmt.Sprintf("backstage-setup install writes it; %s get secret %s, or an ExternalSecret of that name, shows what is there", kubectl, t.MissingSecret)
	}
	return fmt.Sprintf("backstage-setup install writes it; %s describe secret %s lists the keys that are there", kubectl, t.MissingSecret)
}

// likely tells whether a trouble is worth calling a standstill before the
// deadline. A probe fails while the portal starts; a Deployment that wants no
// pods is done.
func (t Trouble) likely() bool { return t.Kind != TroubleProbe && t.Kind != TroubleScaledToZero }

// byImportance orders troubles: what is certain first, then by kind. Their order
// is kept otherwise: the newest pod's first.
func byImportance(a, b Trouble) int {
	if a.Certain != b.Certain {
		if a.Certain {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Kind.rank(), b.Kind.rank())
}
