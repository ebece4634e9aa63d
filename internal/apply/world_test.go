package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	api "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// world is one random sequence: what the operators of this program, other people
// and the cluster do to one Secret. Who acts next is drawn from rng, and what a run
// meets from its own, so that a seed always plays the same but for the time that
// things take.
type world struct {
	*field
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	h       *history
	runs    int
	calm    bool // nothing goes wrong any more, and nobody interferes
	rights  bool
	others  bool // another run of this program is under way
	said    []string
	wrong   []string
	reverts map[string]string // what an owner that reverts keys wants in them
	counts  map[string]int
}

func newWorld(t *testing.T, f *field, seed uint64) *world {
	w := &world{field: f, t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), h: newHistory(), rights: true, counts: map[string]int{}}
	w.bind()
	return w
}

func (w *world) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *world) problem(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// must fails the test for what the world itself needs.
func (w *world) must(err error) {
	if err != nil && !apierrors.IsNotFound(err) {
		w.problem("the test itself: %v", err)
	}
}

// client is one of somebody else's, who may do everything.
func (w *world) client(author string) corev1.SecretInterface {
	config := w.cluster.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return w.h.record(author, 0, next) })
	core, err := corev1.NewForConfig(config)
	w.must(err)
	return core.Secrets(w.ns)
}

// play plays the sequence and returns what was wrong.
func (w *world) play() []string {
	w.start()
	for range 3 + w.rng.IntN(5) {
		w.act()
	}
	w.end()
	w.wrong = append(w.wrong, w.h.check()...)
	w.clear()
	return w.wrong
}

// start makes the Secret, mostly.
func (w *world) start() {
	w.clear()
	if w.rng.IntN(5) > 0 {
		w.recreate("owner")
	}
}

func (w *world) clear() {
	core := w.client("nobody")
	for _, name := range []string{"portal", plan.PreviousName("portal")} {
		w.must(core.Delete(context.Background(), name, metav1.DeleteOptions{}))
	}
}

// act is one turn.
func (w *world) act() {
	if !w.rights && w.rng.IntN(2) == 0 {
		w.toggleRights()
	}
	switch w.rng.IntN(10) {
	case 0, 1, 2, 3:
		w.run()
	case 4:
		w.twoRuns()
	case 5:
		w.back()
	case 6:
		w.toggleRights()
	default:
		w.interfere()
	}
}

// interfere is what somebody else does to the Secret.
func (w *world) interfere() {
	n := w.rng.IntN(1 << 30)
	set := func(author, key, value string) {
		w.h.intend(key, value, 0)
		w.patch(author, map[string]any{key: value})
	}
	what := w.rng.IntN(12)
	w.counts["by others"]++
	switch what {
	case 0, 1, 2:
		set("somebody", fmt.Sprintf("theirs-%d", w.rng.IntN(3)), fmt.Sprint("theirs-", n))
	case 3, 4:
		set("somebody", managed[w.rng.IntN(4)], fmt.Sprint("theirs-", n))
	case 5:
		w.patch("somebody", map[string]any{managed[w.rng.IntN(4)]: nil})
	case 6:
		w.patch("somebody", map[string]any{fmt.Sprintf("theirs-%d", w.rng.IntN(3)): nil})
	case 7:
		w.annotate(n)
	case 8:
		w.say("somebody deletes the Secret")
		w.must(w.client("somebody").Delete(context.Background(), "portal", metav1.DeleteOptions{}))
	case 9:
		w.must(w.client("somebody").Delete(context.Background(), "portal", metav1.DeleteOptions{}))
		w.recreate("somebody")
	default: // as External Secrets does
		if w.reverts == nil {
			w.reverts = map[string]string{"client-secret": fmt.Sprint("reverted-", n), "service-client-secret": fmt.Sprint("reverted-", n)}
		}
		body := map[string]any{}
		for key, value := range w.reverts {
			w.h.intend(key, value, 0)
			body[key] = value
		}
		w.patch("owner", body)
	}
}

// patch sets keys of the Secret, whatever its version; nil takes one away.
func (w *world) patch(author string, keys map[string]any) {
	data := map[string]any{}
	for key, value := range keys {
		data[key] = nil
		if text, ok := value.(string); ok {
			data[key] = []byte(text)
		}
	}
	w.say("%s patches %v", author, keys)
	w.mergePatch(author, map[string]any{"data": data})
}

func (w *world) annotate(n int) {
	w.say("somebody annotates")
	w.mergePatch("somebody", map[string]any{"metadata": map[string]any{"annotations": map[string]string{"theirs": fmt.Sprint(n)}}})
}

func (w *world) mergePatch(author string, patch map[string]any) {
	body, err := json.Marshal(patch)
	w.must(err)
	_, err = w.client(author).Patch(context.Background(), "portal", types.MergePatchType, body, metav1.PatchOptions{FieldManager: author})
	w.must(err)
}

func (w *world) recreate(author string) {
	n := w.rng.IntN(1 << 30)
	s := &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: "portal"}, Data: map[string][]byte{}}
	for _, key := range append([]string{"theirs-0"}, managed...) {
		if w.rng.IntN(4) > 0 {
			value := fmt.Sprintf("first-%s-%d", key, n)
			w.h.intend(key, value, 0)
			s.Data[key] = []byte(value)
		}
	}
	w.say("%s makes the Secret with %d keys", author, len(s.Data))
	_, err := w.client(author).Create(context.Background(), s, metav1.CreateOptions{FieldManager: author})
	if !apierrors.IsAlreadyExists(err) {
		w.must(err)
	}
}

func (w *world) toggleRights() {
	w.rights = !w.rights
	w.say("rights %t", w.rights)
	w.counts["rights changed"]++
	if w.rights {
		w.bind()
		return
	}
	w.must(w.rbac.RoleBindings(w.ns).Delete(context.Background(), w.user, metav1.DeleteOptions{}))
}

func (w *world) bind() {
	_, err := w.rbac.RoleBindings(w.ns).Create(context.Background(), &rbac.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.user}, Subjects: []rbac.Subject{{Kind: "User", Name: w.user, APIGroup: rbac.GroupName}},
		RoleRef: rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: w.user},
	}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		w.must(err)
	}
	w.rights = true
}

// run is one run of this program; some are cut off, as if killed.
func (w *world) run() {
	z := w.newWizard(nil)
	z.plan(w.rng.IntN(6) == 0)
	first := len(z.actions)
	if first > 0 && w.rng.IntN(4) == 0 {
		first = w.rng.IntN(first)
		w.counts["runs cut off"]++
	}
	w.say("run %d: %d of %d actions", z.run, first, len(z.actions))
	err := z.carry(first, true)
	w.say("run %d: %v", z.run, err)
}

// back undoes what was left.
func (w *world) back() {
	z := w.newWizard(nil)
	j := z.planBack()
	w.say("run %d: undo %v", z.run, j != nil)
	w.counts["undo"]++
	err := z.carry(len(z.actions), true)
	w.say("run %d: %v", z.run, err)
}

// twoRuns are two of this program at the same time: before each request of the
// first the second makes some of its own, and the rest afterwards. They take
// turns, so that a seed always plays the same.
func (w *world) twoRuns() {
	w.others = true
	defer func() { w.others = false }()
	w.counts["two at once"]++
	gate, parked := make(chan struct{}), make(chan struct{}) // parked is closed when the second has ended
	second := w.newWizard(func() {
		parked <- struct{}{}
		<-gate
	})
	step := func() bool { // lets the second make one request
		gate <- struct{}{}
		_, on := <-parked
		return on
	}
	var ended error
	go func() {
		defer close(parked)
		second.plan(false)
		ended = second.carry(len(second.actions), false)
	}()
	_, on := <-parked
	first := w.newWizard(nil)
	first.turn = func() {
		for n := first.rng.IntN(3); on && n > 0; n-- {
			on = step()
		}
	}
	first.plan(false)
	err := first.carry(len(first.actions), false)
	w.say("run %d: %v", first.run, err)
	for on {
		on = step()
	}
	w.say("run %d at the same time: %v", second.run, ended)
}

// end has calm return: what is left is put back or gone on with, and it comes to
// an end.
func (w *world) end() {
	w.calm = true
	if !w.rights {
		w.bind()
	}
	if !w.awaitRights() {
		return
	}
	if w.rng.IntN(2) == 0 {
		w.undoInTheEnd()
	}
	z := w.newWizard(nil)
	z.plan(false)
	w.say("run %d, in the end", z.run)
	if err := z.carry(len(z.actions), true); err != nil {
		w.problem("it does not end well: %v", err)
		return
	}
	now, err := w.client("nobody").Get(context.Background(), "portal", metav1.GetOptions{})
	if err != nil {
		w.problem("in the end: %v", err)
		return
	}
	for key, value := range w.h.runs[z.run] {
		if string(now.Data[key]) != value {
			w.problem("in the end key %s holds something else", key)
		}
	}
}

// undoInTheEnd puts back what was left: afterwards no key holds what a run wrote
// whose journal it was, and the journal is gone, unless somebody else has written.
func (w *world) undoInTheEnd() {
	z := w.newWizard(nil)
	j := z.planBack()
	if j == nil {
		return
	}
	w.say("run %d, undo in the end", z.run)
	err := z.carry(len(z.actions), true)
	if err != nil && !errors.Is(err, errTheirs) {
		w.problem("undoing does not end well: %v", err)
	}
	now, missing := w.client("nobody").Get(context.Background(), "portal", metav1.GetOptions{})
	if missing != nil {
		return
	}
	for _, key := range slices.Concat(j.Set, j.Added) {
		value := string(now.Data[key])
		if w.h.ours[value] && !w.h.foreign[value] && !j.Old[key].Equal(secret.New(value)) && strings.HasPrefix(value, canary) {
			w.problem("undone, and key %s still holds what a run wrote", key)
		}
	}
}

// awaitRights waits until the API server's authorizer has seen the RoleBinding.
func (w *world) awaitRights() bool {
	c, err := k8s.Open(k8s.Options{Kubeconfig: w.kubeconfig})
	w.must(err)
	for range 200 {
		_, err = c.Secret(context.Background(), w.ns, "portal")
		if err == nil || errors.Is(err, k8s.ErrNotFound) {
			return true
		}
		_ = pause(context.Background(), 10*time.Millisecond)
	}
	w.problem("the test itself: no rights: %v", err)
	return false
}

func (w *world) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "seed %d:\n", w.seed)
	for _, text := range w.said {
		fmt.Fprintln(&b, "  ", text)
	}
	fmt.Fprint(&b, w.h)
	return b.String()
}
