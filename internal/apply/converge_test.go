package apply

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/chart"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// plan looks at the directory and the cluster as they are and plans what said
// asks for.
func (s *stage) plan(said map[answers.Key]any) *plan.Plan {
	s.t.Helper()
	profile, version := templates.Newest()
	snapshot, err := file.Read(s.path("values.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	existing := plan.ValuesFile{Path: s.path("values.yaml"), File: snapshot}
	if snapshot.Exists {
		if existing.Values, err = values.Open(snapshot.Bytes, values.Place{}); err != nil {
			s.t.Fatal(err)
		}
	}
	in := plan.Input{Profile: profile, Chart: chart.FromProfile(profile, version), Current: plan.Current{
		Files: []plan.ValuesFile{existing}, Restart: true, Wait: time.Minute, Known: true,
		Cluster: s.env.Cluster.Discover(s.t.Context(), k8s.Query{Namespace: s.ns, Release: "openchoreo", SecretName: "portal"}),
	}}
	for key, value := range map[answers.Key]any{
		"target.namespace": s.ns, "target.release": "openchoreo", "secret.name": "portal", "secret.delivery": plan.DeliverKubernetes,
		"portal.enabled": true, "security.authentication": true, "database.type": "sqlite",
	} {
		in.Draft.Propose(answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromPreset}})
	}
	for key, value := range said {
		if err := in.Draft.Set(key, value, answers.Source{Rank: answers.FromPerson}); err != nil {
			s.t.Fatal(err)
		}
	}
	in.Draft.ProposeAll(in.Found())
	p := plan.New(in)
	for _, key := range answers.Keys() {
		p.Set(key)
	}
	if err := p.Finish(); err != nil {
		s.t.Fatal(err)
	}
	if len(p.Problems) > 0 {
		s.t.Fatal(p.Problems)
	}
	return p
}

// TestConverges: what a plan asked for is there afterwards, so that the same
// answers ask for nothing; another secret asks for the Secret and a restart.
func TestConverges(t *testing.T) {
	s := newStage(t)
	said := map[answers.Key]any{
		"portal.baseUrl": "https://console.example.com", "scaling.replicas": 2,
		"client.secret": secret.Typed(secret.New(canary)), "backendSecret": secret.Typed(secret.New("random")),
	}
	outcome, err := s.run(t.Context(), s.plan(said).Actions...)
	if err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running file.values", "done file.values", "running secret", "done secret"}, []string{"done file.values", "done secret"}, "skipped")
	if text := s.content("values.yaml"); !strings.Contains(text, `baseUrl: "https://console.example.com"`) || strings.Contains(text, canary) {
		t.Errorf("values:\n%s", text)
	}
	if got := s.values(); got["client-secret"] != canary || got["backend-secret"] != "random" || got["jenkins-api-key"] == "" {
		t.Errorf("the Secret has %d keys, or other values", len(got))
	}

	if again := s.plan(said); len(again.Actions) > 0 {
		t.Errorf("the second run would %s\n%s", again.Actions[0].Title(), again.Files[0].Diff)
	}

	s.cluster.ApplyManifest(t, []byte(strings.ReplaceAll(portalDeployment, "NS", s.ns)))
	said["client.secret"] = secret.Typed(secret.New(canary + "-2"))
	p := s.plan(said)
	if outcome, err = s.run(t.Context(), p.Actions...); err != nil {
		t.Fatal(err)
	}
	s.expect(outcome, []string{"running secret", "done secret", "running restart", "done restart", "running rollout", "progress rollout", "done rollout"},
		[]string{"done secret", "done restart", "done rollout"}, "complete")
	if got := s.values(); got["client-secret"] != canary+"-2" || got["backend-secret"] != "random" {
		t.Error("the Secret has other values")
	}
	if again := s.plan(said); len(again.Actions) > 0 {
		t.Errorf("it does not end: %s", again.Actions[0].Title())
	}

	// The plan is old once somebody else has written.
	theirs := []byte(`{"stringData":{"client-secret":"theirs"}}`)
	if _, err := s.core().Secrets(s.ns).Patch(t.Context(), "portal", types.MergePatchType, theirs, metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	outcome, err = s.run(t.Context(), p.Actions...)
	if failed(t, err, p.Actions[0], true); !slices.Equal(s.events, []string{"running secret", "failed secret"}) || len(outcome.Actions) != 1 {
		t.Errorf("events %q", s.events)
	}
}

const portalDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: backstage, namespace: NS, labels: {app.kubernetes.io/component: backstage, app.kubernetes.io/instance: openchoreo}}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/component: backstage}}
  template:
    metadata: {labels: {app.kubernetes.io/component: backstage}}
    spec:
      containers:
      - name: backstage
        image: x
        env: [{name: BACKEND_SECRET, valueFrom: {secretKeyRef: {name: portal, key: backend-secret}}}]
`
