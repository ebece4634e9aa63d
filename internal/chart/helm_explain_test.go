package chart

import (
	"strings"
	"testing"
	"time"
)

// TestExplain: helm's last words that the test cluster's helm does not say, word
// for word from Helm 3.12 and 3.22, or needs more for than a test has.
func TestExplain(t *testing.T) {
	u := Upgrade{Release: "r", Namespace: "n", Context: "c", ChartRef: "oci://ghcr.io/x/c", Version: "1.2.3", Timeout: 10 * time.Minute, Deployed: 4}
	for name, test := range map[string]struct{ text, cause, hint string }{
		"one error of Helm 3": {
			"1 error occurred:\n\t* configmaps \"r\" is forbidden: ValidatingAdmissionPolicy 'strict' with binding 'b' denied request: no\n\n",
			"the cluster's policy strict refuses it: no", "adapt the values to the policy, or ask who keeps it",
		},
		"a webhook": {
			`UPGRADE FAILED: cannot patch "d" with kind Deployment: admission webhook "validate.kyverno.svc-fail" denied the request: policy disallow-latest-tag`,
			"the cluster's policy validate.kyverno.svc-fail refuses it: policy disallow-latest-tag", "adapt the values to the policy, or ask who keeps it",
		},
		"immutable, Helm 3": {
			`UPGRADE FAILED: cannot patch "d" with kind Deployment: Deployment.apps "d" is invalid: spec.selector: Invalid value: {"matchLabels":{"a":"yy"}}: field is immutable`,
			"Deployment d: spec.selector cannot be changed while it exists", "the upgrade creates it anew, and its pods stop meanwhile: kubectl delete deployment d -n n --context c",
		},
		"a claim": {
			`UPGRADE FAILED: cannot patch "backstage-db" with kind PersistentVolumeClaim: PersistentVolumeClaim "backstage-db" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims`,
			"PersistentVolumeClaim backstage-db: spec cannot be changed while it exists", "set the values back to what it has: kubectl get persistentvolumeclaim backstage-db -o yaml -n n --context c; to delete it is to delete its data",
		},
		"a hook, Helm 3": {
			"UPGRADE FAILED: post-upgrade hooks failed: 1 error occurred:\n\t* timed out waiting for the condition\n",
			"the chart's post-upgrade Job did not end within 10m0s", "kubectl get jobs,pods -n n --context c",
		},
		"a Job that failed, Helm 3": {
			"failed post-install: 1 error occurred:\n\t* job bootstrap failed: BackoffLimitExceeded\n",
			"the chart's post-install Job failed: job bootstrap failed: BackoffLimitExceeded", "kubectl describe job bootstrap -n n --context c; kubectl logs job/bootstrap -n n --context c",
		},
		"a Job that failed, Helm 4": {
			"UPGRADE FAILED: post-upgrade hooks failed: resource Job/n/bootstrap not ready. status: Failed, message: Job Failed. failed: 1/1",
			"the chart's post-upgrade Job failed: resource Job/n/bootstrap not ready. status: Failed, message: Job Failed. failed: 1/1", "kubectl describe job bootstrap -n n --context c; kubectl logs job/bootstrap -n n --context c",
		},
		"two managers": {
			"UPGRADE FAILED: conflict occurred while applying object n/two /v1, Kind=ConfigMap: Apply failed with 3 conflicts: conflicts with \"argo\":\n- .data.a\n- .data.b\nconflict with \"kubectl-edit\" using v1: .data.c",
			"ConfigMap two: .data.a, .data.b, .data.c set by argo, kubectl-edit, and Helm does not take over what others set",
			"have argo, kubectl-edit leave it alone, or let the chart win: helm upgrade --install r oci://ghcr.io/x/c --version 1.2.3 -n n --kube-context c --reset-values --timeout 10m --force-conflicts",
		},
		"the release was there first": {"INSTALLATION FAILED: cannot re-use a name that is still in use", "somebody else has installed release r meanwhile", "look at it first: helm history r -n n --kube-context c"},
		"too large": {
			`create: failed to create: Secret "sh.helm.release.v1.r.v1" is invalid: data: Too long: may not be more than 1048576 bytes`,
			"chart and values together are larger than the 1 MiB that Helm can store", "make the values files smaller",
		},
		"a private registry": {
			`failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 403 Forbidden`,
			"ghcr.io does not let chart oci://ghcr.io/x/c be read, or does not have it: failed to authorize", "helm registry login ghcr.io",
		},
		"a wrong login": {
			`failed to perform "FetchReference" on source: GET "https://ghcr.io/v2/x/c/manifests/1.2.3": response status code 401: unauthorized: authentication required`,
			"ghcr.io does not let chart oci://ghcr.io/x/c be read", "helm registry login ghcr.io",
		},
		"the whole cluster": {
			`could not get information about the resource ClusterRole "x" in namespace "": clusterroles.rbac.authorization.k8s.io "x" is forbidden: User "system:serviceaccount:ci:deploy" cannot get resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope`,
			"system:serviceaccount:ci:deploy may not get clusterroles.rbac.authorization.k8s.io in the whole cluster", "ask for the right, or have somebody who has it run the printed command; to see it: kubectl auth can-i get clusterroles.rbac.authorization.k8s.io",
		},
		"the server hangs": {"UPGRADE FAILED: etcdserver: request timed out", "the cluster or a registry did not answer in time: etcdserver: request timed out", "run it again; what became of it: helm history r -n n --kube-context c"},
		"something new":    {"UPGRADE FAILED: 2 errors occurred:\n\t* one\n\t* two\n\n", "one; two", "helm history r -n n --kube-context c"},
		"something long":   {strings.Repeat("ä", 1000), strings.Repeat("ä", 300) + " …", "helm history r -n n --kube-context c"},
		"no word":          {"", "", "helm history r -n n --kube-context c"},
	} {
		t.Run(name, func(t *testing.T) {
			cause, hint := u.explain(test.text)
			if !strings.HasPrefix(cause, test.cause) || cause == "" && test.text != "" {
				t.Errorf("cause %q\n want %q", cause, test.cause)
			}
			if hint != test.hint {
				t.Errorf("hint %q\nwant %q", hint, test.hint)
			}
		})
	}
}

// Whatever helm says, the cause is one line that is not too long.
func FuzzExplain(f *testing.F) {
	f.Add("UPGRADE FAILED: conflict occurred while applying object n/two /v1, Kind=ConfigMap: Apply failed")
	f.Add("post-upgrade hooks failed: 1 error occurred:\n\t* job  failed")
	f.Add("field is immutable\n\n* : ")
	f.Fuzz(func(t *testing.T, text string) {
		cause, hint := Upgrade{Release: "r", Namespace: "n"}.explain(text)
		if strings.Contains(cause, "\n") || len(cause) > longestCause+len(" …") || hint == "" {
			t.Errorf("cause %q, hint %q", cause, hint)
		}
	})
}
