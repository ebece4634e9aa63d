package apply

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	api "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// fault is what goes wrong at a step of a run.
type fault string

const (
	unsent   fault = "not sent"         // the connection is refused
	lost     fault = "answer lost"      // the request is carried out, the connection breaks
	late     fault = "not in time"      // the request is carried out, the answer is too late
	stalled  fault = "nothing in time"  // the request never arrives
	conflict fault = "conflict"         // somebody else was faster
	repeated fault = "sent twice"       // the request is carried out, and a proxy asks to send it again
	broken   fault = "fails"            // a file's step fails before it is done
	unsure   fault = "fails afterwards" // a file's step fails although it is done
	full     fault = "disk full"        // a file cannot be written
	canceled fault = "canceled"         // the run's context ends before the step
	killed   fault = "kill -9"          // before the step
)

// points counts the steps of one kind that a run comes to and makes one of them
// go wrong, or all from there on.
type points struct {
	sync.Mutex
	what    fault
	at      int // first step that goes wrong; 0 is none
	forever bool
	cancel  context.CancelFunc
	compete func(*http.Request) bool // somebody else writes the object first; false is that nobody can

	armed bool
	names []string // of the steps so far
	hit   []string // of those that went wrong
}

// pass counts a step and tells whether it goes wrong.
func (p *points) pass(name string) bool {
	p.Lock()
	defer p.Unlock()
	if !p.armed {
		return false
	}
	p.names = append(p.names, name)
	n := len(p.names)
	if p.at == 0 || n != p.at && !(p.forever && n > p.at) {
		return false
	}
	p.hit = append(p.hit, name)
	switch p.what {
	case canceled:
		p.cancel()
	case killed:
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {} // until the signal has come
	}
	return true
}

// wrong lists what went wrong so far.
func (p *points) wrong() string {
	p.Lock()
	defer p.Unlock()
	return strings.Join(p.hit, ", ")
}

// transport makes requests go wrong.
func (p *points) transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if !p.pass(r.Method + " " + r.URL.Path) {
			return next.RoundTrip(r)
		}
		return p.what.answer(next, r, p.compete)
	})
}

// answer is what becomes of a request under the fault.
func (f fault) answer(next http.RoundTripper, r *http.Request, compete func(*http.Request) bool) (*http.Response, error) {
	carryOut := func() error {
		answer, err := next.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
		_ = answer.Body.Close()
		return err
	}
	watch := r.URL.Query().Get("watch") != ""
	switch f {
	case unsent:
		return nil, syscall.ECONNREFUSED
	case stalled:
		return nil, context.DeadlineExceeded
	case lost, late, repeated:
		if !watch {
			if err := carryOut(); err != nil {
				return nil, err
			}
		}
		if f == late {
			return nil, context.DeadlineExceeded
		}
		if f == lost && r.Method == http.MethodGet {
			return nil, syscall.ECONNREFUSED // after anything else client-go reads again for ten seconds
		}
		if f == lost {
			return nil, io.ErrUnexpectedEOF
		}
		again := status(r, http.StatusServiceUnavailable, "ServiceUnavailable")
		again.Header.Set("Retry-After", "0")
		return again, nil
	case conflict:
		if r.Method == http.MethodGet {
			return nil, syscall.ECONNREFUSED // nothing to be faster with
		}
		if compete != nil && compete(r) {
			return next.RoundTrip(r)
		}
		reason := "Conflict"
		if r.Method == http.MethodPost {
			reason = "AlreadyExists"
		}
		return status(r, http.StatusConflict, reason), nil
	}
	return next.RoundTrip(r)
}

// status is an answer of the API server that is none of its objects.
func status(r *http.Request, code int, reason string) *http.Response {
	body := fmt.Appendf(nil, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"made by a test"}`, reason, code)
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// read reads a file all of whose steps can go wrong.
func (p *points) read(path string) (file.Snapshot, error) { return file.ReadHooked(path, p.step) }

// looks are the steps of a file that change nothing: a process that is killed
// before one leaves the same as one that is killed before the next other step.
var looks = map[string]bool{"resolve": true, "lstat": true, "open": true, "stat": true, "readAll": true, "access": true}

func (p *points) step(name string, done bool) error {
	p.Lock()
	what := p.what
	p.Unlock()
	switch {
	case (what == killed || what == canceled) && (done || looks[name]):
		return nil
	case done != (what == unsure):
		return nil // the other side of the step
	case what == full && name != "write":
		return nil
	}
	if !p.pass("file " + name) {
		return nil
	}
	switch what {
	case broken, unsure:
		return syscall.EIO
	case full:
		return syscall.ENOSPC
	}
	return nil
}

// compete has somebody else write the Secret that r is about to write.
func (s *stage) compete(r *http.Request) bool {
	if s.kitchen != nil && s.competeStore(r) {
		return true
	}
	core, ctx := s.core().Secrets(s.ns), context.Background()
	if !strings.HasSuffix(r.URL.Path, "/secrets/portal") && !strings.HasSuffix(r.URL.Path, "/secrets") {
		return false
	}
	if r.Method == http.MethodPost {
		if mentions(r, plan.PreviousName("portal")) {
			return false // what is there then is no journal
		}
		_, err := core.Create(ctx, &api.Secret{ObjectMeta: metav1.ObjectMeta{Name: "portal"}, StringData: map[string]string{"late": "1"}}, metav1.CreateOptions{})
		return err == nil
	}
	_, err := core.Patch(ctx, "portal", types.MergePatchType, fmt.Appendf(nil, `{"stringData":{"late":"%d"}}`, time.Now().UnixNano()), metav1.PatchOptions{FieldManager: "somebody"})
	return err == nil
}

// mentions tells whether the body of r has text in it.
func mentions(r *http.Request, text string) bool {
	if r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	all, err := io.ReadAll(body)
	return err == nil && bytes.Contains(all, []byte(text))
}
