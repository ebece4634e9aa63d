package apply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// field is where sequences take place one after the other.
type field struct {
	*place
	s          *stage // with a values file that asks for nothing
	user       string // whose rights come and go
	kubeconfig string
	rbac       rbacv1.RbacV1Interface
}

func newField(t *testing.T, n int) *field {
	t.Helper()
	f := &field{place: newPlace(t), user: fmt.Sprintf("soak-%d", n)}
	f.kubeconfig = f.cluster.KubeconfigFor(t, f.user)
	f.s = &stage{t: t, cluster: f.cluster, ns: f.ns, dir: t.TempDir(), env: Env{Now: time.Now}}
	f.s.env.Cluster = f.s.open(f.kubeconfig, nil) // which also silences client-go, before others write
	var err error
	if f.rbac, err = rbacv1.NewForConfig(f.cluster.Config()); err != nil {
		t.Fatal(err)
	}
	f.cluster.ApplyManifest(t, []byte(strings.NewReplacer("NS", f.ns, "replicas: 2", "replicas: 0", ", app.kubernetes.io/instance: openchoreo", "").Replace(portalDeployment)))
	role := &rbac.Role{ObjectMeta: metav1.ObjectMeta{Name: f.user}, Rules: []rbac.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets", "pods", "events", "pods/log"}, Verbs: []string{"*"}},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "replicasets"}, Verbs: []string{"*"}},
	}}
	if _, err := f.rbac.Roles(f.ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// The values file says already what the answers say.
	for _, a := range f.actions(f.s, nil, k8s.SecretState{Name: "portal"}, false, f.answers(0)) {
		if w, ok := a.(plan.WriteFile); ok {
			f.s.put("values.yaml", string(w.Change.After))
		}
	}
	return f
}

// answers are those of one run; their secrets are the run's own.
func (f *field) answers(run int) map[answers.Key]any {
	typed := func(of string) secret.Value {
		return secret.Typed(secret.New(fmt.Sprintf("%s-%s-%d", canary, of, run)))
	}
	return map[answers.Key]any{"serviceClient.id": "service", "client.secret": typed("client"), "serviceClient.secret": typed("service")}
}

// actions plans a run on what was read.
func (f *field) actions(s *stage, j *plan.Journal, state k8s.SecretState, rolls bool, said map[answers.Key]any) []plan.Action {
	found := k8s.Found{Secret: state}
	if rolls {
		found.Deployment.Name = "backstage"
	}
	if !slices.Contains(stateKeys(state), "backend-secret") {
		said["backendSecret"] = secret.Typed(secret.New(said["client.secret"].(secret.Value).Text.Reveal() + "-random"))
	}
	return s.planOn(kind{said: said}, plan.Current{Journal: j, Cluster: found, Wait: 2 * time.Second}).Actions
}

func stateKeys(state k8s.SecretState) []string {
	if state.Secret == nil {
		return nil
	}
	return state.Secret.Keys
}
