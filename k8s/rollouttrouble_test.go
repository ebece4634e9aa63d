package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every kind has a text, something to type, and a place in the order.
func TestTroubleTexts(t *testing.T) {
	for _, tt := range []struct {
		trouble    Trouble
		text, hint string
	}{
		{Trouble{Kind: TroublePaused}, "Deployment portal is paused: its pods stay as they are", "kubectl -n cp rollout resume deployment/portal"},
		{Trouble{Kind: TroubleScaledToZero}, "Deployment portal is scaled to 0: no pod runs", "kubectl -n cp scale deployment/portal --replicas=1"},
		{Trouble{Kind: TroubleQuota, Reason: "FailedCreate", Message: "exceeded quota: q"}, "FailedCreate: exceeded quota: q", "kubectl -n cp describe resourcequota"},
		{Trouble{Kind: TroubleRefused, Reason: "FailedCreate", Message: "denied"}, "FailedCreate: denied", "kubectl -n cp get events --field-selector=reason=FailedCreate"},
		{Trouble{Kind: TroubleConfig, Pod: "p", Reason: "CreateContainerError", Message: "no such file"}, "pod p: CreateContainerError: no such file", "kubectl -n cp describe pod p"},
		{Trouble{Kind: TroubleImage, Pod: "p", Reason: "ErrImagePull", Message: "denied", Image: "ui:1"}, `pod p: ErrImagePull: denied (image "ui:1")`, "kubectl -n cp describe pod p"},
		{Trouble{Kind: TroubleSecretMissing, Pod: "p", Reason: "FailedMount", MissingConfigMap: "ci"}, `pod p: FailedMount: there is no ConfigMap "ci"`, "kubectl -n cp describe configmap ci"},
		{Trouble{Kind: TroubleTerminating, Pod: "p"}, "pod p: still on its way out after its grace period, on no node", "kubectl -n cp delete pod p --grace-period=0 --force"},
		{Trouble{Kind: TroubleMemory, Pod: "p", Container: "backstage", Reason: "OOMKilled", Restarts: 1}, "pod p: OOMKilled: container backstage used more memory than its limit (restarted once)", "set a higher limit: backstage-setup install --set scaling.limits.memory=4Gi"},
		{Trouble{Kind: TroubleCrash, Pod: "p", Container: "backstage", Reason: "Error", ExitCode: 1}, "pod p: Error: container backstage ended with exit code 1 (restarted 0 times)", "kubectl -n cp logs p -c backstage --previous"},
		{Trouble{Kind: TroubleProbe, Pod: "p", Container: "backstage", Reason: "Unhealthy", Message: "Readiness probe failed"}, "pod p: Unhealthy: Readiness probe failed", "kubectl -n cp logs p -c backstage"},
	} {
		tt.trouble.Namespace, tt.trouble.Deployment = "cp", "portal"
		if got := tt.trouble.Text(); got != tt.text {
			t.Errorf("%s: got  %s\nwant %s", tt.trouble.Kind, got, tt.text)
		}
		if got := tt.trouble.Hint(); got != tt.hint {
			t.Errorf("%s: got  %s\nwant %s", tt.trouble.Kind, got, tt.hint)
		}
		if tt.trouble.Kind.rank() < 0 {
			t.Errorf("%s has no rank", tt.trouble.Kind)
		}
	}
}

func TestNeverFits(t *testing.T) {
	for name, tt := range map[string]struct {
		message string
		want    bool
	}{
		"more than the quota":     {`pods "b-1" is forbidden: exceeded quota: q, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi`, true},
		"one of several":          {`exceeded quota: q, requested: limits.cpu=3,pods=1, used: limits.cpu=0,pods=0, limited: limits.cpu=2500m,pods=9`, true},
		"no pods at all":          {`exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0`, true},
		"when others go":          {`exceeded quota: q, requested: requests.memory=2Gi, used: requests.memory=3Gi, limited: requests.memory=4Gi`, false},
		"nothing to compare with": {`failed quota: q: must specify limits.cpu`, false},
		"not a quantity":          {`exceeded quota: q, requested: pods=, used: pods=0, limited: pods=0`, false},
	} {
		if got := neverFits(tt.message); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestHolders(t *testing.T) {
	for message, want := range map[string][]string{
		`Multi-Attach error for volume "v" Volume is already used by pod(s) a`:                                              {"a"},
		`Multi-Attach error for volume "v" Volume is already used by pod(s) a, b and 2 pod(s) in different namespaces`:      {"a", "b"},
		`Multi-Attach error for volume "v" Volume is already used by 1 pod(s) in different namespaces`:                      nil,
		`Multi-Attach error for volume "v" Volume is already exclusively attached to one node and can't be attached to ano`: nil,
	} {
		if diff := cmp.Diff(want, holders(message)); diff != "" {
			t.Errorf("%s: %s", message, diff)
		}
	}
}

// What a webhook says of itself is no verdict about the pod.
func TestIncurable(t *testing.T) {
	for message, want := range map[string]bool{
		`admission webhook "policy.example.com" denied the request: images must have a digest`:                                                     true,
		`pods "b" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`:                                       true,
		`Pod "b" is invalid: spec.containers[0].resources.requests: Invalid value: "2Gi"`:                                                          true,
		`Internal error occurred: failed calling webhook "sidecar.example.com": Post "https://w.mesh.svc:443/inject": connect: connection refused`: false,
		`pods "b-" is forbidden: error looking up service account cp/portal: serviceaccount "portal" not found`:                                    false,
	} {
		if got := refused(message); got.incurable() != want {
			t.Errorf("%s: got %t", message, got.incurable())
		}
	}
	if quota := refused(`pods "b" is forbidden: failed quota: q: must specify limits.cpu`); quota.Kind != TroubleQuota || !quota.incurable() {
		t.Errorf("got %+v", quota)
	}
}

func TestStuckTellsTheCertainOne(t *testing.T) {
	r := Rollout{Troubles: []Trouble{
		{Kind: TroubleKeyMissing, Pod: "b", Reason: "CreateContainerConfigError", MissingKey: "k", MissingSecret: "s", Certain: true},
		{Kind: TroubleImage, Pod: "a", Reason: "ErrImagePull"},
	}}
	if reason, certain := r.Stuck(); !certain || !strings.Contains(reason, `no key "k"`) {
		t.Errorf("got %q %t", reason, certain)
	}
	r.Troubles = []Trouble{{Kind: TroubleProbe, Pod: "a"}}
	if reason, certain := r.Stuck(); reason != "" || certain {
		t.Errorf("a portal that starts is stuck: %q %t", reason, certain)
	}
	if byImportance(Trouble{Kind: TroubleProbe, Certain: true}, Trouble{Kind: TroublePaused}) >= 0 ||
		byImportance(Trouble{Kind: TroubleProbe}, Trouble{Kind: TroublePaused, Certain: true}) <= 0 ||
		byImportance(Trouble{Kind: TroubleImage}, Trouble{Kind: TroubleCrash}) >= 0 {
		t.Error("the order is another")
	}
}
