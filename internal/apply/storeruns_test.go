package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/testcluster/estest"
)

// crds is where the resource definitions of External Secrets are.
var crds = filepath.Join("..", "..", "..", "shared", "crds")

// kitchen is what makes the Secret of a place: a store, and the controller of
// External Secrets.
type kitchen struct {
	*baotest.Server
	controller *estest.Controller
	external   dynamic.ResourceInterface
}

func newKitchen(t *testing.T, p *place) *kitchen {
	t.Helper()
	objects, err := dynamic.NewForConfig(p.cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	p.cluster.ApplyManifest(t, []byte(`
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: default}
spec:
  provider: {vault: {server: "http://openbao.openbao.svc:8200", path: secret, version: v2, auth: {tokenSecretRef: {name: t, namespace: t, key: t}}}}
`))
	k := &kitchen{Server: baotest.Start(t)}
	k.external = objects.Resource(schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "externalsecrets"}).Namespace(p.ns)
	k.controller = estest.Start(t, p.cluster, p.ns, estest.Store{URL: k.URL, Token: baotest.RootToken})
	return k
}

// empty takes everything away that an earlier run has left. The controller is held
// until there is something for it.
func (k *kitchen) empty(t *testing.T) {
	t.Helper()
	k.controller.Pause()
	k.Restart()
	_, err := k.external.Patch(t.Context(), "portal", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if err == nil {
		err = k.external.Delete(t.Context(), "portal", metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
}

// seedStore fills the store, with a property in each entry that is nobody's here,
// and has the Secret made from it.
func (s *stage) seedStore(given map[string]string) {
	s.t.Helper()
	data := []any{}
	for name, value := range given {
		object, err := json.Marshal(map[string]any{"value": value, "note": 7})
		if err != nil {
			s.t.Fatal(err)
		}
		s.kitchen.Put("secret", "backstage-"+name, string(object))
		data = append(data, map[string]any{"secretKey": name, "remoteRef": map[string]any{"key": "backstage-" + name, "property": "value"}})
	}
	if given != nil {
		_, err := s.kitchen.external.Create(s.t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": map[string]any{"name": "portal"},
			"spec": map[string]any{"refreshInterval": "1h", "secretStoreRef": map[string]any{"name": "default", "kind": "ClusterSecretStore"},
				"target": map[string]any{"name": "portal"}, "data": data},
		}}, metav1.CreateOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.kitchen.controller.Resume()
	if given != nil {
		s.until(func() bool { return len(s.values()) == len(given) })
	}
}

// until waits for what others do: External Secrets, and the collector of what has
// no owner any more.
func (s *stage) until(so func() bool) {
	for deadline := time.Now().Add(time.Minute); !so() && time.Now().Before(deadline); {
		_ = pause(context.Background(), 20*time.Millisecond)
	}
}

// stored adds to a condition what the store holds and the ExternalSecret reads.
func (s *stage) stored(c *condition) {
	s.t.Helper()
	c.entries = map[string]string{}
	for _, name := range []string{"backend-secret", "client-secret", "service-client-secret", "jenkins-api-key"} {
		if object, _ := s.kitchen.Get("secret", "backstage-"+name); object != "" {
			var properties map[string]any
			if err := json.Unmarshal([]byte(object), &properties); err != nil {
				s.t.Fatal(err)
			}
			delete(properties, "late")
			c.entries[name] = fmt.Sprint(properties)
		}
	}
	es, err := s.kitchen.external.Get(s.t.Context(), "portal", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	data, _, err := unstructured.NestedSlice(es.Object, "spec", "data")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range data {
		c.reads = append(c.reads, fmt.Sprint(item.(map[string]any)["secretKey"]))
	}
	slices.Sort(c.reads)
}

// openStore is the way to the store of the stage; wrap may be nil.
func (s *stage) openStore(wrap func(http.RoundTripper) http.RoundTripper) func(plan.StoreTarget, string) (*openbao.Store, error) {
	var way http.RoundTripper = http.DefaultTransport
	if wrap != nil {
		way = wrap(way)
	}
	return func(target plan.StoreTarget, mount string) (*openbao.Store, error) {
		return openbao.Open(openbao.Config{Address: target.Address, Mount: mount, Token: target.Token, HTTP: &http.Client{Transport: way}})
	}
}

// storeURL is the address of the store: of the parent's, in a process that kills
// itself.
func (s *stage) storeURL() string {
	if url := os.Getenv(dieStore); url != "" {
		return url
	}
	return s.kitchen.URL
}

// givenStore is what the operator says about the store.
func (s *stage) givenStore(d *answers.Draft) {
	s.t.Helper()
	for key, value := range map[answers.Key]any{"secret.store.address": s.storeURL(), "secret.store.token": secret.Typed(secret.New(baotest.RootToken))} {
		if err := d.Set(key, value, answers.Source{Rank: answers.FromPerson}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// readStore reads the entries as a plan wants them.
func (s *stage) readStore(in plan.Input) plan.StoreState {
	s.t.Helper()
	state := plan.StoreState{Read: true, Entries: map[plan.StoreAt]plan.StoreEntry{}}
	target, ok := in.StoreTarget()
	if !ok {
		s.t.Fatal("there is no store to write to")
	}
	for _, at := range in.StorePlaces() {
		store, err := s.openStore(nil)(target, at.Mount)
		if err != nil {
			s.t.Fatal(err)
		}
		entry, err := readEntry(s.t.Context(), store, at.Entry)
		if err != nil {
			s.t.Fatal(err)
		}
		read := plan.StoreEntry{Version: entry.Version, Live: len(entry.Data.Names()) > 0, Values: map[string]secret.Text{}}
		for _, name := range entry.Data.Names() {
			if text, ok := entry.Data.Text(name); ok {
				read.Values[name] = text
			}
		}
		state.Entries[at] = read
	}
	return state
}

// competeStore has somebody else write the entry that r is about to write, and
// leave the value as it is.
func (s *stage) competeStore(r *http.Request) bool {
	entry, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/data/")
	if !ok {
		return false
	}
	var properties map[string]any
	object, _ := s.kitchen.Get("secret", entry)
	if json.Unmarshal([]byte(object), &properties) != nil {
		return false // there is none
	}
	properties["late"] = "1"
	changed, err := json.Marshal(properties)
	if err != nil {
		return false
	}
	s.kitchen.Put("secret", entry, string(changed))
	return true
}

// moments are the trials of a run through the store: every request that writes,
// in every way that leaves something else behind, the others once, and a store or
// a cluster that is gone from there on; every other one of these where the first
// of the kinds has tried the same.
func (k kind) moments(t *testing.T) (list []trial) {
	if _, err := os.Stat(crds); err != nil {
		t.Skipf("the resource definitions of External Secrets are not here: %v", err)
	}
	home := newPlace(t)
	home.cluster.ApplyCRDs(t, crds)
	e := k.ends(t, home)
	steps := k.steps(t, home, false, unsent)
	if !slices.ContainsFunc(steps, func(step string) bool { return strings.Contains(step, "/v1/secret/data/") }) {
		t.Fatalf("it does not come to the store: %q", steps)
	}
	again := k.back || k.given == nil
	for i, step := range steps {
		what := []fault{unsent}
		if !strings.HasPrefix(step, http.MethodGet) {
			what = []fault{unsent, late, conflict, canceled, killed}
		} else if again {
			continue
		}
		for n, f := range what {
			if again && (i+n)%2 == 0 || testing.Short() && (i+n)%5 != 1 {
				continue
			}
			tr := trial{kind: k, ends: e, what: f, at: i + 1, back: (i/2+n)%2 == 0}
			if f == conflict && k.back {
				tr.back = false // what somebody else has written is never put back
			}
			list = append(list, tr)
			if f == unsent && len(what) > 1 {
				tr.forever, tr.back = true, !tr.back
				list = append(list, tr)
			}
		}
	}
	return list
}

// settle waits for the collector of what has no owner any more: only then can an
// ExternalSecret be made anew.
func (s *stage) settle(k kind) {
	s.t.Helper()
	if k.stored {
		s.until(func() bool { return s.condition(k).reads != nil || s.values() == nil })
	}
}
