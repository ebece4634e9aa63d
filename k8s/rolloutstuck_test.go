package k8s

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// deployWith is deploy with more in the Deployment's spec and the pod's.
func deployWith(t *testing.T, cluster *testcluster.Cluster, ns, spec, pod string) {
	t.Helper()
	cluster.ApplyManifest(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: backstage, namespace: %s}
spec:
%s  selector: {matchLabels: {app.kubernetes.io/component: backstage}}
  template:
    metadata: {labels: {app.kubernetes.io/component: backstage}}
    spec:
%s      containers:
      - {name: backstage, image: x, resources: {requests: {memory: 2Gi}}}
`, ns, indented(spec, "  "), indented(pod, "      ")))
}

func indented(text, by string) string {
	if text == "" {
		return ""
	}
	return indent(text, by)
}

func waiting(reason, message string) string {
	return fmt.Sprintf(`
phase: Pending
containerStatuses:
- name: backstage
  image: ""
  imageID: ""
  ready: false
  restartCount: 0
  state: {waiting: {reason: %s, message: %q}}
`, reason, message)
}

// The scheduler, the quota's admission and the controllers are real here; what
// the kubelet says is its own wording.
func TestWatchRolloutIsStuck(t *testing.T) {
	cluster := testcluster.Shared(t)
	c, _ := admin(t, cluster)
	for name, tt := range map[string]struct {
		status, spec, pod, also string
		kind                    TroubleKind
		certain                 bool
		want                    string // of the text
		hint                    string
		check                   func(Trouble) bool
	}{
		"a key is missing": {
			status: waiting("CreateContainerConfigError", "couldn't find key jenkins-api-key in Secret NS/backstage-secrets"),
			kind:   TroubleKeyMissing, certain: true,
			want: `CreateContainerConfigError: Secret "backstage-secrets" has no key "jenkins-api-key"`,
			hint: "describe secret backstage-secrets",
			check: func(t Trouble) bool {
				return t.MissingKey == "jenkins-api-key" && t.MissingSecret == "backstage-secrets" && t.MissingConfigMap == ""
			},
		},
		"the Secret is missing": {
			status: waiting("CreateContainerConfigError", `secret "backstage-secrets" not found`),
			kind:   TroubleSecretMissing,
			want:   `CreateContainerConfigError: there is no Secret "backstage-secrets"`,
			hint:   "backstage-setup install",
			check:  func(t Trouble) bool { return t.MissingSecret == "backstage-secrets" },
		},
		"a ConfigMap's key is missing": {
			status: waiting("CreateContainerConfigError", "couldn't find key ca.crt in ConfigMap NS/portal-ca"),
			kind:   TroubleKeyMissing, certain: true,
			want:  `ConfigMap "portal-ca" has no key "ca.crt"`,
			hint:  "describe configmap portal-ca",
			check: func(t Trouble) bool { return t.MissingConfigMap == "portal-ca" && t.MissingSecret == "" },
		},
		"the image's name is none": {
			status: waiting("InvalidImageName", `Failed to apply default image tag "x:": couldn't parse image name "x:": invalid reference format`),
			kind:   TroubleImageName, certain: true,
			want: "InvalidImageName: Failed to apply default image tag", hint: "describe pod",
			check: func(t Trouble) bool { return t.Image == "x" },
		},
		"the image cannot be pulled": {
			status: waiting("ImagePullBackOff", `Back-off pulling image "x"`),
			kind:   TroubleImage,
			want:   `ImagePullBackOff: Back-off pulling image "x"`, hint: "describe pod",
			check: func(t Trouble) bool { return t.Image == "x" },
		},
		"no node": {
			pod:  "nodeSelector: {zone: nowhere}",
			kind: TroubleUnschedulable,
			want: "Unschedulable: 0/1 nodes are available", hint: "describe pod",
		},
		"no claim": {
			pod:  "volumes: [{name: db, persistentVolumeClaim: {claimName: backstage-db}}]",
			kind: TroubleVolumeClaim,
			want: `persistentvolumeclaim "backstage-db" not found`, hint: "describe pvc",
		},
		"a quota that leaves no room": {
			also: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small, namespace: NS}\nspec: {hard: {requests.memory: 1Gi}}\n",
			kind: TroubleQuota, certain: true,
			want: "exceeded quota: small, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi",
			hint: "describe resourcequota",
		},
		"a quota that others use": {
			spec: "replicas: 2",
			also: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: one, namespace: NS}\nspec: {hard: {requests.memory: 3Gi}}\n",
			kind: TroubleQuota,
			want: "exceeded quota: one", hint: "describe resourcequota",
		},
		"a limit that the pod breaks": {
			also: "apiVersion: v1\nkind: LimitRange\nmetadata: {name: most, namespace: NS}\nspec: {limits: [{type: Container, min: {memory: 4Gi}}]}\n",
			kind: TroubleRefused, certain: true,
			want: "minimum memory usage per Container is 4Gi", hint: "reason=FailedCreate",
		},
		"Pod Security": {
			also: "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS, labels: {pod-security.kubernetes.io/enforce: restricted}}\n",
			kind: TroubleRefused, certain: true,
			want: "violates PodSecurity", hint: "reason=FailedCreate",
		},
		"no service account": {
			pod:  "serviceAccountName: openchoreo-backstage",
			kind: TroubleRefused,
			want: `serviceaccount "openchoreo-backstage" not found`, hint: "reason=FailedCreate",
		},
		"paused": {
			spec: "paused: true",
			kind: TroublePaused, certain: true,
			want: "Deployment backstage is paused", hint: "rollout resume deployment/backstage",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ns := cluster.Namespace(t)
			named := func(text string) string { return strings.ReplaceAll(text, "NS", ns) }
			if tt.also != "" {
				cluster.ApplyManifest(t, []byte(named(tt.also)))
			}
			if tt.status != "" {
				become(t, cluster, ns, named(tt.status))
			}
			deployWith(t, cluster, ns, tt.spec, tt.pod)
			err := watchUntil(t, c, ns, brief(), func(r Rollout) bool {
				return hasTrouble(tt.kind)(r) && r.Troubles[0].Certain == tt.certain
			})
			got := err.Last.Troubles[0]
			reason, certain := err.Last.Stuck()
			if reason != got.Text() || certain != tt.certain {
				t.Errorf("stuck: %q %t, want %q %t", reason, certain, got.Text(), tt.certain)
			}
			if !strings.Contains(reason, tt.want) || !strings.Contains(err.Error(), "; "+reason) {
				t.Errorf("got  %s\nof   %v\nwant %s", reason, err, tt.want)
			}
			if hint := err.Hint(); !strings.Contains(hint, tt.hint) || strings.Contains(hint, "kubectl") && !strings.Contains(hint, "-n "+ns) {
				t.Errorf("hint %s", hint)
			}
			if tt.check != nil && !tt.check(got) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// An old pod that does not go away holds up a Deployment that recreates.
func TestWatchRolloutTellsAPodThatStays(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	const recreate = "strategy: {type: Recreate}"
	deployWith(t, cluster, ns, recreate, "terminationGracePeriodSeconds: 1")
	if err := c.WatchRollout(t.Context(), ns, "backstage", func(Rollout) {}); err != nil {
		t.Fatal(err)
	}
	cluster.ApplyStages(t, fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: stay-%[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.namespace, operator: In, values: [%[1]s]}
    - {key: .metadata.deletionTimestamp, operator: Exists}
  weight: 1
  delay: {durationMilliseconds: 3600000}
  next: {delete: true}
`, ns))
	deployWith(t, cluster, ns, recreate, "terminationGracePeriodSeconds: 2")
	err := watchUntil(t, c, ns, brief(), hasTrouble(TroubleTerminating))
	got := err.Last.Troubles[0]
	if got.Node != testcluster.NodeName || got.Certain || !strings.Contains(got.Hint(), "kubectl get node "+got.Node) {
		t.Errorf("got %+v", got)
	}
	if want := "pod " + got.Pod + ": still on its way out after its grace period, on node " + got.Node; got.Text() != want {
		t.Errorf("got %s", got.Text())
	}
}

func TestWatchRolloutOfNoPods(t *testing.T) {
	cluster := testcluster.Shared(t)
	ns := cluster.Namespace(t)
	c, _ := admin(t, cluster)
	deploy(t, cluster, ns, 0)
	var told seen
	if err := c.WatchRollout(t.Context(), ns, "backstage", told.add); err != nil {
		t.Fatal(err)
	}
	last := told.last()
	if !hasTrouble(TroubleScaledToZero)(last) || !strings.Contains(last.Troubles[0].Hint(), "scale deployment/backstage --replicas=1") {
		t.Errorf("got %+v", last)
	}
	if reason, certain := last.Stuck(); reason != "" || certain {
		t.Errorf("done is not stuck: %q", reason)
	}
}
