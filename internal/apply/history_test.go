package apply

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/openchoreo/backstage-setup/internal/plan"
)

// version is a Secret as one write left it, as the API server answered.
type version struct {
	author  string // "" is this program
	run     int    // of this program
	name    string
	uid     string
	number  int // resourceVersion; 0 of a deletion
	base    int // that the write was made for; 0 is any
	deleted bool
	data    map[string]string
}

// history is every write to the Secrets of a namespace that took place, also
// those whose answer nobody got.
type history struct {
	sync.Mutex
	versions []version
	intended map[string]map[string]bool // values by key that somebody meant to write
	ours     map[string]bool            // values that runs meant to write
	foreign  map[string]bool            // values that others meant to write
	runs     map[int]map[string]string  // what each run is to write
	well     map[string]int             // values of runs that ended well, with the run
}

func newHistory() *history {
	return &history{intended: map[string]map[string]bool{}, ours: map[string]bool{}, foreign: map[string]bool{}, runs: map[int]map[string]string{}, well: map[string]int{}}
}

// intend notes a value before it is written.
func (h *history) intend(key, value string, run int) {
	h.Lock()
	defer h.Unlock()
	if h.intended[key] == nil {
		h.intended[key] = map[string]bool{}
	}
	h.intended[key][value] = true
	if run == 0 {
		h.foreign[value] = true
		return
	}
	h.ours[value] = true
	if h.runs[run] == nil {
		h.runs[run] = map[string]string{}
	}
	h.runs[run][key] = value
}

// ended notes that a run says that all it was to write is in force.
func (h *history) ended(run int) {
	h.Lock()
	defer h.Unlock()
	for _, value := range h.runs[run] {
		if strings.HasPrefix(value, canary) {
			h.well[value] = run
		}
	}
}

// record is the innermost transport of everybody who writes: what it sees is what
// happened.
func (h *history) record(author string, run int, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet || !strings.Contains(r.URL.Path, "/secrets") {
			return next.RoundTrip(r)
		}
		asked, err := requestBody(r)
		if err != nil {
			return nil, err
		}
		answer, err := next.RoundTrip(r)
		if err != nil || answer.StatusCode >= 300 {
			return answer, err
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(text))
		if err := h.note(author, run, r, asked, text); err != nil {
			return nil, fmt.Errorf("a write that cannot be read: %w", err)
		}
		return answer, nil
	})
}

func requestBody(r *http.Request) ([]byte, error) {
	if r.GetBody == nil {
		return nil, nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// decode reads an object as client-go and the API server write it: in protobuf,
// with an envelope, or in JSON.
func decode(text []byte, into interface{ Unmarshal([]byte) error }) error {
	inside, packed := bytes.CutPrefix(text, []byte("k8s\x00"))
	if !packed {
		return json.Unmarshal(text, into)
	}
	var envelope runtime.Unknown
	if err := envelope.Unmarshal(inside); err != nil {
		return err
	}
	return into.Unmarshal(envelope.Raw)
}

func (h *history) note(author string, run int, r *http.Request, asked, answer []byte) error {
	v := version{author: author, run: run, deleted: r.Method == http.MethodDelete}
	if v.deleted {
		var options metav1.DeleteOptions
		var status metav1.Status
		if err := cmp.Or(decode(asked, &options), decode(answer, &status)); err != nil {
			return err
		}
		v.name, v.uid = path.Base(r.URL.Path), string(status.Details.UID)
		if only := options.Preconditions; only != nil && only.ResourceVersion != nil {
			v.base, _ = strconv.Atoi(*only.ResourceVersion)
		}
	} else {
		var before struct {
			Metadata struct{ ResourceVersion string }
		} // of a patch
		if r.Method == http.MethodPatch {
			if err := json.Unmarshal(asked, &before); err != nil {
				return err
			}
			v.base, _ = strconv.Atoi(before.Metadata.ResourceVersion)
		}
		var s api.Secret
		if err := decode(answer, &s); err != nil {
			return err
		}
		v.name, v.uid, v.data = s.Name, string(s.UID), map[string]string{}
		v.number, _ = strconv.Atoi(s.ResourceVersion)
		for key, value := range s.Data {
			v.data[key] = string(value)
		}
	}
	h.Lock()
	defer h.Unlock()
	h.versions = append(h.versions, v)
	return nil
}

// lives returns the versions of the Secret of that name, one life after the other.
func (h *history) lives(name string) [][]version {
	h.Lock()
	defer h.Unlock()
	byUID := map[string][]version{}
	for _, v := range h.versions {
		same := func(o version) bool { return o.number == v.number && o.deleted == v.deleted }
		if v.name == name && !slices.ContainsFunc(byUID[v.uid], same) { // else the write changed nothing
			byUID[v.uid] = append(byUID[v.uid], v)
		}
	}
	var all [][]version
	for _, life := range byUID {
		slices.SortFunc(life, func(a, b version) int {
			if a.deleted != b.deleted {
				return map[bool]int{true: 1, false: -1}[a.deleted]
			}
			return cmp.Compare(a.number, b.number)
		})
		all = append(all, life)
	}
	slices.SortFunc(all, func(a, b []version) int { return cmp.Compare(a[0].number, b[0].number) })
	return all
}

// last tells which run wrote the Secret of that name last.
func (h *history) last(name string) (run int) {
	for _, life := range h.lives(name) {
		run = life[len(life)-1].run
	}
	return run
}

// managed are the keys of the portal's Secret that a run may write.
var managed = []string{"backend-secret", "client-secret", "jenkins-api-key", "service-client-secret"}

// check returns what must not have happened.
func (h *history) check() (wrong []string) {
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, life := range h.lives("portal") {
		var before *version
		for i := range life {
			v := &life[i]
			if v.deleted {
				h.checkDeletion(before, v, problem)
				continue
			}
			for key, value := range v.data {
				if !h.intended[key][value] {
					problem("%s: key %s holds what nobody wrote to it", v.describe(), key)
				}
			}
			if v.author == "" {
				h.checkWrite(before, v, problem)
			}
			before = v
		}
	}
	for _, life := range h.lives(plan.PreviousName("portal")) {
		for i, v := range life {
			switch {
			case v.author != "":
				problem("%s: nobody else writes the journal", v.describe())
			case i > 0 && v.base != life[i-1].number:
				problem("%s: for version %d, after %d", v.describe(), v.base, life[i-1].number)
			}
		}
	}
	return wrong
}

func (v *version) describe() string {
	who := v.author
	if who == "" {
		who = fmt.Sprintf("run %d", v.run)
	}
	return fmt.Sprintf("%s, version %d of %s", who, v.number, v.name)
}

// checkWrite checks a write of ours to the portal's Secret.
func (h *history) checkWrite(before, v *version, problem func(string, ...any)) {
	wanted := h.runs[v.run]
	if before == nil { // it was created
		for _, key := range managed {
			if v.data[key] != wanted[key] {
				problem("%s: it was created with another %s", v.describe(), key)
			}
		}
		return
	}
	if v.base != before.number {
		problem("%s: for version %d, after %d", v.describe(), v.base, before.number)
	}
	forward := 0
	for key := range union(before.data, v.data) {
		was, there := before.data[key]
		now, stays := v.data[key]
		switch {
		case was == now && there == stays:
		case !slices.Contains(managed, key):
			problem("%s: key %s of somebody else was %q, is %q", v.describe(), key, was, now)
		case stays && now == wanted[key]:
			forward++
		case there && !h.ours[was]:
			problem("%s: key %s held what somebody else wrote, and was put back", v.describe(), key)
		case h.well[was] > 0:
			problem("%s: key %s held what run %d wrote, which ended well, and was put back", v.describe(), key, h.well[was])
		case !there && stays:
			problem("%s: key %s was taken away by somebody else, and was put back", v.describe(), key)
		}
	}
	if forward > 0 && (v.data["client-secret"] != wanted["client-secret"] || v.data["service-client-secret"] != wanted["service-client-secret"]) {
		problem("%s: the two clients' secrets are not of one run", v.describe())
	}
}

// checkDeletion checks that we delete nothing of somebody else's.
func (h *history) checkDeletion(before, v *version, problem func(string, ...any)) {
	if v.author != "" || before == nil {
		return
	}
	if v.base != before.number {
		problem("%s: deleted for version %d, after %d", v.describe(), v.base, before.number)
	}
	for key, value := range before.data {
		if !h.ours[value] {
			problem("%s: key %s of somebody else was deleted", v.describe(), key)
		}
	}
}

// String lists the history, for who looks for a fault.
func (h *history) String() string {
	var b strings.Builder
	for _, name := range []string{"portal", plan.PreviousName("portal")} {
		for _, life := range h.lives(name) {
			for _, v := range life {
				fmt.Fprintf(&b, "%s %v base %d deleted %t\n", v.describe(), v.data, v.base, v.deleted)
			}
		}
	}
	return b.String()
}
